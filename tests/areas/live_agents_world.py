"""Live agents in tests: what a client of theirs sends, in two languages, and what follows from it."""

import hashlib
import json
from typing import Any

from shared.core import clock
from shared.runs.live_agents.rows import LiveAgent
from shared.store import fetch
from tests.areas.driving import Answer, Client


def registered(client: Client, **more: Any) -> dict[str, Any]:
    body = {"agent_type": "worker", "phase_id": "PHASE_IMPLEMENTATION", "capabilities": ["python"]} | more
    answer = client.at("omoios")("agents", "POST", "/agents/register", body=body)
    assert answer.status == 201, answer.text
    return answer.json


def message(agent_id: str, number: int, *, compact: bool = False, **more: Any) -> dict[str, Any]:
    """A heartbeat with the checksum of a Python client, or of a JavaScript client (`compact`)."""
    fields = {
        "agent_id": agent_id,
        "timestamp": clock.iso(),
        "sequence_number": number,
        "status": "idle",
        "current_task_id": None,
        "health_metrics": {"cpu": 0.5, "memory": {"used": 5, "free": 3}},
    } | more
    separators = (",", ":") if compact else None
    text = json.dumps(fields, sort_keys=True, separators=separators, ensure_ascii=not compact)
    return fields | {"checksum": hashlib.sha256(text.encode()).hexdigest()}


def beat(client: Client, agent_id: str, number: int, **more: Any) -> Answer:
    return client.at("omoios")("agents", "POST", f"/agents/{agent_id}/heartbeat", body=message(agent_id, number, **more))


def stored(agent_id: str) -> LiveAgent:
    agent = fetch(LiveAgent, agent_id)
    assert agent is not None
    return agent
