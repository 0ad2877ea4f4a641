"""AWS clients out of one botocore session: its credentials, endpoints and handlers are found and read once (5 ms a session)."""

from functools import cache
from threading import Lock
from typing import Any

_creating = Lock()  # botocore's sessions are not made for threads, its clients are


@cache
def session() -> Any:
    import botocore.session

    return botocore.session.get_session()


def client(service: str, *, config: Any = None, parsers: Any = None) -> Any:
    """A low-level client. `parsers` is a botocore ResponseParserFactory of its own, for this client only.

    The User-Agent is given: botocore otherwise puts it together twice a request, a fifth of the CPU that a call takes.
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
    """A client for small calls that somebody waits for (queues, state machines): `within` seconds an answer, three tries. Made once."""
    from botocore.config import Config

    return client(
        service, config=Config(connect_timeout=2, read_timeout=within, retries={"mode": "standard", "total_max_attempts": 3})
    )
