"""Which agent made a commit: one of the catalogue, or a live one."""

from typing import Any

from shared.agents.catalogue.registry import agents, get_agent
from shared.core.actor import Actor
from shared.core.errors import Forbidden, NotFound
from shared.core.ids import bare_id, is_id
from shared.store import Entity, UnicodeAttribute, authorize, get


class _LiveAgentHead(Entity):
    """A live agent, as far as it is asked here: that there is one, and whose it is. Only for reading; its room stands above this one."""

    KIND = ""
    NAME = "agent"

    name = UnicodeAttribute(null=True)

    @classmethod
    def key(cls, entity_id: str) -> tuple[str, str]:
        return f"AINS#{entity_id}", "META"


def live_agent_key(agent_id: str) -> tuple[type[Entity], str, str]:
    """Return the key of a live agent's row, for a batch read."""
    return _LiveAgentHead, *_LiveAgentHead.key(agent_id)


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


def is_known_to(actor: Actor, agent_id: str, live: Any) -> bool:
    """Tell whether an agent is one of the catalogue, or a live one that the actor may see; `live` is what its key was read as."""
    if is_in_catalogue(agent_id):
        return True
    if not isinstance(live, Entity) or live.deleted_at:
        return False
    try:
        authorize(live, actor)
    except (NotFound, Forbidden):
        return False
    return True


def live_agent_name(agent_id: str | None) -> str | None:
    """Return the name of a live agent; None for one of the catalogue, which has its name there. One read for a live one."""
    if agent_id is None or is_in_catalogue(agent_id):
        return None
    live = get(_LiveAgentHead, *_LiveAgentHead.key(agent_id))
    return live.name if live is not None else None


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
    live = get(_LiveAgentHead, *_LiveAgentHead.key(agent_id))
    return agent_id if live is not None and not live.deleted_at and live.ws_id == ws_id else None


def agent_by_author(name: str, email: str) -> str | None:
    """Return the id of the agent of the catalogue that signs commits with this name, or with its name before the @; None: a person's."""
    local = email.partition("@")[0].lower()
    for agent in agents():
        if name.strip().lower() == agent.display_name.lower() or agent.name in (name.strip().lower(), local):
            return agent.id
    return None
