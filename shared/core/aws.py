"""Create AWS clients from one botocore session, so that its credentials, endpoints and handlers are loaded once (5 ms), and tell which
of their errors pass."""

from functools import cache
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError

from shared.core.errors import Upstream
from shared.core.situations import Situation

_CREATING = "creating-client-class"  # botocore's event before it makes the class of a client
_creating = Lock()  # botocore's sessions are not thread-safe, its clients are


@cache
def session() -> Any:
    """Return the one session, with those of botocore's handlers that are for every service; most are for services that nobody calls."""
    import botocore.session

    made = botocore.session.Session(include_builtin_handlers=False)
    _register_handlers(made, "")
    _register_handlers(made, "*")
    return made


@cache
def _register_handlers(of: Any, service: str) -> None:
    """Register botocore's own handlers of a service in a session, as it does itself with those of all services."""
    from botocore import handlers

    events = of.get_component("event_emitter")
    places = {handlers.REGISTER_FIRST: events.register_first, handlers.REGISTER_LAST: events.register_last}
    for name, handler, *place in handlers.BUILTIN_HANDLERS:
        event, _, rest = name.partition(".")
        if event != "docs" and rest.partition(".")[0] == service:
            places.get(place[0] if place else None, events.register)(name, handler)


def client(service: str, *, config: Any = None, base: type | None = None, **place: str) -> Any:
    """Create a low-level client. `base` is a class that its class gets as its first base. `place` has the region and the credentials of
    another account, by botocore's own names.

    The User-Agent is set once, because botocore otherwise builds it twice for each request: a fifth of the CPU time of a call.
    """
    from botocore.config import Config

    def add_base(base_classes: list[type], **_: Any) -> None:
        if base is not None:
            base_classes.insert(0, base)

    with _creating:
        shared_session = session()
        _register_handlers(shared_session, service)
        user_agent = Config(user_agent=f"{shared_session.user_agent()} Cadre")
        config = config.merge(user_agent) if config else user_agent
        shared_session.register(_CREATING, add_base)
        try:
            return shared_session.create_client(service, config=config, **place)
        finally:
            shared_session.unregister(_CREATING, add_base)


@cache
def short_call_client(service: str, within: int = 5) -> Any:
    """Return a cached client for short calls in a request (queues, state machines)."""
    return client(service, config=short_calls(within))


def short_calls(within: int) -> Any:
    """Return the configuration of a client that gets `within` seconds for a response, and three attempts."""
    from botocore.config import Config

    return Config(connect_timeout=2, read_timeout=within, retries={"mode": "standard", "total_max_attempts": 3})


_CONTENTION = {"TransactionConflictException", "TransactionInProgressException", "ThrottlingException"}
_CANCELLED_BY_CONTENTION = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
_THROTTLED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestTimeout",
    "SlowDown",
    "Throttling",
    "TooManyRequestsException",
}


def is_contention(error: BaseException) -> bool:
    """Tell whether DynamoDB refused a write because of other writes to the same rows: nothing was written, and it may be sent again."""
    if not isinstance(error, ClientError):
        return False
    if _code(error) == "TransactionCanceledException":
        return any(reason.get("Code") in _CANCELLED_BY_CONTENTION for reason in error.response.get("CancellationReasons", []))
    return _code(error) in _CONTENTION


def is_busy(error: BaseException) -> bool:
    """Tell whether an AWS service had no time for a call or could not be reached: the same call may succeed a moment later."""
    if not isinstance(error, ClientError):
        return isinstance(error, ConnectionError | HTTPClientError | IncompleteReadError)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or _code(error) in _THROTTLED or is_contention(error)


def busy_error(error: BaseException) -> Upstream | None:
    """Return what to tell a caller whose call of an AWS service failed because that was busy; None if it failed for another reason."""
    return Upstream(Situation.UNAVAILABLE, "The service is busy; try again shortly") if is_busy(error) else None


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
