"""What the connections of sandboxes hand over to the messages. Until these are there, a sandbox is told that they are not served."""

from typing import Any, NoReturn

from shared.core.errors import Upstream
from shared.core.situations import Situation


def wake(sandbox_id: str, *, lost: int | None = None) -> None:
    """Let the worker of messages look after a sandbox. `lost`: the start whose connection has ended."""
    del sandbox_id, lost


def acknowledge(sandbox_id: str, message_id: str) -> NoReturn:
    """Note that a sandbox has received a message."""
    raise _unserved(sandbox_id, message_id)


def respond(sandbox_id: str, message_id: str, in_reply_to: str, from_agent: str | None, content: Any) -> NoReturn:
    """Send the answer of a sandbox to a message."""
    raise _unserved(sandbox_id, message_id, in_reply_to, from_agent, content)


def _unserved(*_: Any) -> Upstream:
    return Upstream(Situation.UNAVAILABLE, "Messages are not served yet")
