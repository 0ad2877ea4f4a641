"""Create AWS clients from one botocore session, so that its credentials, endpoints and handlers are loaded once (5 ms)."""

from functools import cache
from threading import Lock
from typing import Any

_creating = Lock()  # botocore's sessions are not thread-safe, its clients are


@cache
def session() -> Any:
    import botocore.session

    return botocore.session.get_session()


def client(service: str, *, config: Any = None, parsers: Any = None) -> Any:
    """Create a low-level client. `parsers` is a botocore ResponseParserFactory for this client only.

    The User-Agent is set once, because botocore otherwise builds it twice for each request: a fifth of the CPU time of a call.
    """
    from botocore.config import Config

    with _creating:
        shared_session = session()
        user_agent = Config(user_agent=f"{shared_session.user_agent()} Cadre")
        config = config.merge(user_agent) if config else user_agent
        if parsers is None:
            return shared_session.create_client(service, config=config)
        default_parsers = shared_session.get_component("response_parser_factory")
        shared_session.register_component("response_parser_factory", parsers)
        try:
            return shared_session.create_client(service, config=config)
        finally:
            shared_session.register_component("response_parser_factory", default_parsers)


@cache
def short_call_client(service: str, within: int = 5) -> Any:
    """Return a cached client for short calls in a request (queues, state machines): `within` seconds for a response, three attempts."""
    from botocore.config import Config

    return client(
        service, config=Config(connect_timeout=2, read_timeout=within, retries={"mode": "standard", "total_max_attempts": 3})
    )
