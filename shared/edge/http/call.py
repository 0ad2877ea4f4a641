"""The current request: its id, its caller, and headers of its response. Set by the pipeline, read by endpoints."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from shared.core.actor import Actor
from shared.core.errors import Unauthenticated
from shared.core.plans import FREE
from shared.store import RateStatus


@dataclass
class Call:
    """The request that is served now, and who makes it."""

    request_id: str
    client_ip: str
    actor: Actor | None = None
    caller: str | None = None
    """The id of the actor for the log, once it is known."""
    credential: str = ""
    """What tells an API key or an OAuth client from its person, and from their others; empty for the person."""
    plan: str = FREE
    headers: list[tuple[str, str]] = field(default_factory=list)
    """Headers that an endpoint adds to its response (a cookie, a total)."""
    rate_status: RateStatus | None = None
    """The state of the rate limit with the fewest remaining requests, of those that count this request."""


_current: ContextVar[Call] = ContextVar("call")


def begin(call: Call) -> None:
    _current.set(call)


def current() -> Call:
    return _current.get()


def _caller() -> Actor:
    actor = current().actor
    if actor is None:
        raise Unauthenticated
    return actor


Caller = Annotated[Actor, "the caller"]
"""The authenticated caller of an endpoint."""
ThisCall = Annotated[Call, "this call"]
"""The request itself, for endpoints that set headers or need the client's address."""
GIVEN: Final[dict[Any, Callable[[], Any]]] = {Caller: _caller, ThisCall: current}
"""What an endpoint gets by the types of its parameters (`routing`). As a dependency of FastAPI each would cost 0.1 M instructions."""
