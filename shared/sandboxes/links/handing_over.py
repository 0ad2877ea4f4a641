"""What the connections of sandboxes hand over to the messages."""

from typing import Any

from shared.core.errors import Upstream
from shared.core.situations import Situation


def wake(sandbox_id: str, *, lost: int | None = None) -> None:
    """Let the worker of messages look after a sandbox. `lost`: the start whose connection has ended."""


def acknowledge(sandbox_id: str, message_id: str) -> None:
    raise Upstream(Situation.UNAVAILABLE, "Messages are not served yet")


def respond(sandbox_id: str, message_id: str, in_reply_to: str, from_agent: str | None, content: Any) -> None:
    raise Upstream(Situation.UNAVAILABLE, "Messages are not served yet")
