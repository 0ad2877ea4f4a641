"""Find agents by what they can do, with how they stand now and what was measured of them."""

from dataclasses import dataclass
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.people.tenancy.workspaces import authorize_workspace
from shared.sandboxes.lifecycle.reading import Heard, begin_named
from shared.sandboxes.lifecycle.rows import PROVISIONING, RESTARTING, RUNNING, STARTING, Link, Sandbox
from shared.sandboxes.metrics.rows import Point
from shared.store import get_all, page_of

AVAILABLE, BUSY, OFFLINE, STARTS = "available", "busy", "offline", "starting"
_STARTING: Final = (PROVISIONING, STARTING, RESTARTING)


@dataclass(frozen=True)
class AgentQuery:
    """`capability` is one of the agent's, `role` is part of its role; neither looks at upper and lower case."""

    capability: str | None = None
    role: str | None = None
    sandbox_id: str | None = None
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True)
class Found:
    sandbox: Sandbox
    agent: dict[str, Any]
    status: str
    measured: Point | None

    @property
    def processed(self) -> int:
        """How many messages the agent has received."""
        return int(self.measured.received) if self.measured is not None else 0

    @property
    def response_ms(self) -> int | None:
        """Milliseconds from the delivery of a message to the agent's answer, on average; None: it has answered nothing yet."""
        if self.measured is None or not self.measured.answered:
            return None
        return round(self.measured.answer_ms / self.measured.answered)


def discover_agents(actor: Actor, ws_id: str, query: AgentQuery) -> tuple[list[Found], int]:
    """Return agents of a workspace's sandboxes, oldest sandbox first, and how many match. Two round trips, three with what was measured.

    Raises NotFound and Forbidden.
    """
    names = begin_named(bare_id(ws_id))
    authorize_workspace(actor, ws_id, Permission.WORKSPACE_READ)
    wanted = bare_id(query.sandbox_id) if query.sandbox_id is not None else None
    ids = [row.id for row in names if wanted in (None, row.id)]
    rows = get_all([(Sandbox, *Sandbox.key(one)) for one in ids] + [(Link, *Link.key(one)) for one in ids], consistent=False)
    pairs = zip(rows[: len(ids)], rows[len(ids) :], strict=True)
    heard = [Heard(one, link if isinstance(link, Link) else None) for one, link in pairs if isinstance(one, Sandbox)]
    agents = [(one, agent) for one in heard if not one.sandbox.deleted_at for agent in one.sandbox.agents()]
    page, total = page_of((pair for pair in agents if _matches(pair[1], query)), query.offset, query.limit)
    keys: list[Any] = [(Point, *Point.key(f"{one.sandbox.id}/{agent['name']}", "total", "ALL")) for one, agent in page]
    points = get_all(keys, consistent=False) if keys else []
    return [
        Found(one.sandbox, agent, status_of(one), point if isinstance(point, Point) else None)
        for (one, agent), point in zip(page, points, strict=True)
    ], total


def status_of(heard: Heard) -> str:
    """Return how the agents of a sandbox stand: available | busy | starting | offline."""
    if heard.sandbox.status in _STARTING:
        return STARTS
    if heard.sandbox.status != RUNNING or not heard.is_connected or heard.link is None:
        return OFFLINE
    return BUSY if heard.link.busy else AVAILABLE


def _matches(agent: dict[str, Any], query: AgentQuery) -> bool:
    capabilities = [str(one).casefold() for one in agent.get("capabilities") or ()]
    if query.capability is not None and query.capability.casefold() not in capabilities:
        return False
    return query.role is None or query.role.casefold() in str(agent.get("role") or "").casefold()
