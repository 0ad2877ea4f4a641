"""Why something that was accepted has failed later, in the document's words."""

from typing import Final

from shared.edge.contracts.base import Shape

MESSAGE_DELIVERY_FAILED: Final = "MESSAGE_DELIVERY_FAILED"
COLLABORATION_FAILED: Final = "COLLABORATION_FAILED"


class Failure(Shape):
    code: str
    message: str


def failure(code: str, reason: str | None) -> dict[str, str]:
    """Return what an answer or a socket shows of a failure."""
    return {"code": code, "message": reason or "No reason is known"}
