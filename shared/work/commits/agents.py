"""Which agent made a commit: one of the catalogue, or a live one."""

from shared.agents.catalogue.registry import agents, get_agent
from shared.core.errors import NotFound
from shared.core.ids import bare_id, is_id
from shared.store import Entity, get


class _LiveAgent(Entity):
    """A live agent, as far as it is asked here: that there is one, and whose it is. Only for reading; its room stands above this one."""

    KIND = ""
    NAME = "agent"

    @classmethod
    def key(cls, entity_id: str) -> tuple[str, str]:
        return f"AINS#{entity_id}", "META"


def live_agent_key(agent_id: str) -> tuple[type[Entity], str, str]:
    """Return the key of a live agent's row, for a batch read."""
    return _LiveAgent, *_LiveAgent.key(agent_id)


def agent_id_of(named: str) -> str:
    """Return the stored id of an agent, by its id or by the name of one of the catalogue. Raises NotFound for what is neither."""
    try:
        return get_agent(named).id
    except NotFound:
        bare = bare_id(named)
        if not is_id(bare):
            raise
        return bare


def is_in_catalogue(agent_id: str) -> bool:
    return any(agent.id == agent_id for agent in agents())


def find_agent(named: str | None, ws_id: str) -> str | None:
    """Return the id of an agent that works in a workspace, by its id or its name; None if there is none."""
    if not named:
        return None
    try:
        agent_id = agent_id_of(named)
    except NotFound:
        return None
    if is_in_catalogue(agent_id):
        return agent_id
    live = get(_LiveAgent, *_LiveAgent.key(agent_id))
    return agent_id if live is not None and not live.deleted_at and live.ws_id == ws_id else None


def agent_by_author(name: str, email: str) -> str | None:
    """Return the id of the agent of the catalogue that signs commits with this name, or with its name before the @; None: a person's."""
    local = email.partition("@")[0].lower()
    for agent in agents():
        if name.strip().lower() == agent.display_name.lower() or agent.name in (name.strip().lower(), local):
            return agent.id
    return None
