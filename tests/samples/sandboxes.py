"""Requests of the area `sandboxes`."""

from functools import cache

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.sandboxes.completions.asking import ask
from shared.sandboxes.lifecycle.configuring import SandboxChanges, change_sandbox
from shared.sandboxes.lifecycle.creating import NewSandbox, create_sandbox
from shared.sandboxes.lifecycle.rows import RUNNING, STOPPED, Link, Sandbox
from shared.sandboxes.lifecycle.statuses import set_status
from shared.sandboxes.logs.writing import Line, append
from shared.sandboxes.metrics.measuring import add, add_usage
from shared.sandboxes.metrics.rows import Point
from shared.store import fetch, put, save, write
from tests.areas.boards_world import put_on_plan
from tests.areas.receiver import Receiver
from tests.samples.stage import Sample, Samples, Stage

TEAM = {
    "agent_config": {
        "primary_agent": {"name": "frontend-architect", "role": "Frontend Architect", "system_prompt": "Expert in React"},
        "sub_agents": [{"name": "react-expert", "role": "React Specialist"}],
    },
    "resources": {"memory_mb": 512, "cpu_cores": 1, "timeout_seconds": 300},
    "mcp_servers": ["filesystem"],
    "environment_variables": {"NODE_ENV": "development"},
}

CONFIG = {"resources": {"memory_mb": 1024, "cpu_cores": 2}, "environment_variables": {"NODE_ENV": "production"}}


def sandbox(stage: Stage, status: str = RUNNING) -> str:
    """A new sandbox in this status, and its id."""
    put_on_plan(stage.world.ws_id, max_sandboxes=1_000)
    made = create_sandbox(stage.world.actor, stage.world.ws_id, NewSandbox(stage.slug(), TEAM["agent_config"]))
    return in_status(made.id, status)


def in_status(sandbox_id: str, status: str) -> str:
    """Bring a sandbox into a status, as the platform does."""
    row = fetch(Sandbox, sandbox_id)
    assert row is not None
    set_status(row, status, SYSTEM)
    write(save(row))
    return sandbox_id


def _new(stage: Stage) -> Sample:
    put_on_plan(stage.world.ws_id, max_sandboxes=1_000)
    return Sample({"workspace_id": stage.world.ws_id}, {"name": stage.slug(), **TEAM})


def measured(stage: Stage) -> str:
    """A sandbox with a line in its log and measurements, and its id."""
    made = sandbox(stage)
    row = fetch(Sandbox, made)
    assert row is not None
    append(made, row.ws_id, [Line(clock.iso(), "info", "Agent started successfully")])
    usage = {"cpu_percent": 25.5, "memory_mb": 256, "disk_mb": 3, "network_in_bytes": 1_000, "network_out_bytes": 2_000}
    add_usage(made, usage, {}, 512)
    add(made, [Point.sent.add(2), Point.answered.add(1), Point.answer_ms.add(120)])
    link = Link.of(made)
    link.start_number, link.connection, link.heartbeat_at, link.usage = row.start_number, "connection=", clock.iso(), usage
    link.mcp_servers = {"filesystem": "connected", "web-search": "connected"}
    write(put(link))
    return made


QUESTION = {"messages": [{"role": "user", "content": "Design the login page"}]}


def _asked(stage: Stage) -> str:
    """A sandbox that has asked a model, and its id."""
    made = sandbox(stage)
    ask(stage.world.actor, made, "r1", QUESTION)
    return made


@cache
def _host() -> Receiver:
    """A host on loopback, for as long as the tests run."""
    return Receiver()


def _asking(stage: Stage) -> Sample:
    """A sandbox that may ask a host."""
    made = sandbox(stage)
    change_sandbox(stage.world.actor, made, SandboxChanges(allowed_hosts=[f"localhost:{_host().port}"]))
    return Sample({"sandbox_id": made}, {"method": "GET", "url": f"http://localhost:{_host().port}/"})


def _measured_in(stage: Stage) -> str:
    measured(stage)
    return stage.world.ws_id


SAMPLES: Samples = {
    ("aintandem", "sandboxes.list"): lambda s: Sample({"workspace_id": s.world.ws_id}),
    ("aintandem", "sandboxes.create"): _new,
    ("aintandem", "sandboxes.get"): lambda s: Sample({"sandbox_id": measured(s)}),
    ("aintandem", "sandboxes.status"): lambda s: Sample({"sandbox_id": measured(s)}),
    ("aintandem", "sandboxes.start"): lambda s: Sample({"sandbox_id": sandbox(s, STOPPED)}),
    ("aintandem", "sandboxes.stop"): lambda s: Sample({"sandbox_id": sandbox(s)}),
    ("aintandem", "sandboxes.restart"): lambda s: Sample({"sandbox_id": sandbox(s)}),
    ("aintandem", "sandboxes.delete"): lambda s: Sample({"sandbox_id": sandbox(s)}),
    ("aintandem", "sandboxes.logs"): lambda s: Sample({"sandbox_id": measured(s)}, query="since=2025-01-10T15:00:00Z"),
    ("aintandem", "metrics.sandbox"): lambda s: Sample({"sandbox_id": measured(s)}),
    ("aintandem", "metrics.workspaceAggregate"): lambda s: Sample({"workspace_id": _measured_in(s)}),
    ("aintandem", "completions.ask"): lambda s: Sample({"sandbox_id": sandbox(s), "request_id": "r1"}, QUESTION),
    ("aintandem", "completions.get"): lambda s: Sample({"sandbox_id": _asked(s), "request_id": "r1"}),
    ("aintandem", "sandboxes.egress"): _asking,
    ("aintandem", "config.getSandbox"): lambda s: Sample({"sandbox_id": sandbox(s)}),
    ("aintandem", "config.updateSandbox"): lambda s: Sample({"sandbox_id": sandbox(s)}, CONFIG),
}
