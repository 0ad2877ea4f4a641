"""Whom the ids in threads mean: live agents of a workspace, or agents of the platform's catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.agents.catalogue.registry import get_agent
from shared.core.errors import FieldError, Invalid, NotFound
from shared.core.ids import bare_id
from shared.runs.live_agents.rows import LiveAgent
from shared.store import fetch_all


@dataclass(frozen=True)
class Participant:
    """An agent. `live` is its row, None for one of the catalogue, which every workspace has."""

    id: str
    name: str
    live: LiveAgent | None = None


def participants(ids: Sequence[str], field: str) -> list[Participant]:
    """Return the agents with these ids, each once. One round trip. Raises Invalid, under `field`, for an id that is nobody's."""
    wanted = list(dict.fromkeys(bare_id(one) for one in ids))
    live = {row.id: row for row in fetch_all(LiveAgent, wanted) if row.status != "terminated"}
    return [_participant(one, live.get(one), field) for one in wanted]


def _participant(agent_id: str, live: LiveAgent | None, field: str) -> Participant:
    if live is not None:
        return Participant(live.id, live.name, live)
    try:
        agent = get_agent(agent_id)
    except NotFound:
        raise unknown(agent_id, field) from None
    return Participant(agent.id, agent.display_name)


def agent_id_of(text: str) -> str:
    """Return the id that a text means: the catalogue's agents have names too."""
    try:
        return get_agent(text).id
    except NotFound:
        return bare_id(text)


def unknown(agent_id: str, field: str) -> Invalid:
    return Invalid(FieldError(field, f"There is no agent {agent_id}", agent_id))


def require_in(ws_id: str, found: Sequence[Participant], field: str) -> None:
    """Raise Invalid, as for an id that is nobody's, for a live agent of another workspace."""
    for one in found:
        if one.live is not None and one.live.ws_id != ws_id:
            raise unknown(one.id, field)
