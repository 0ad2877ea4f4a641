"""What the embedded model answers the agent of a sandbox: it reads the last message, and says what it was asked."""

from collections.abc import Sequence
from typing import Final

from shared.agents.providers import port

_QUOTED: Final = 500  # characters of a message that its answer repeats


def answer(request: port.Request) -> Sequence[str]:
    """Return the lines of the answer to the last message of the user."""
    asked = next((one.text for one in reversed(request.messages) if one.role == "user" and one.text), "")
    who = request.metadata.get("agent") or "agent"
    return (
        f"{who} has read: {asked[:_QUOTED].strip()}\n",
        "The embedded model reads and repeats; a model provider would go on from here.\n",
    )
