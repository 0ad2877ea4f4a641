"""The errors of the platform. Each names its `Situation`, which a contract maps to its own status, code and message.

CadreError
  Invalid            input that breaks a rule; has one FieldError per field
    Malformed        a body that cannot be read at all (broken JSON, wrong encoding)
  Unauthenticated    no caller, or a caller whose credentials are not valid
  Forbidden          the caller may see the thing but not do this
    OrganizationClosed  nothing may be changed there now
  NotFound           there is no such thing, or the caller may not know of it
  Conflict           the current state does not allow this; the situation says what prevents it
    TransitionRefused  a card may not move there: WIP limit, card type, missing field, open dependency
  LimitExceeded      a limit of a plan or a workspace
  RateLimited        too many requests; has limit, window and retry_after (seconds), reset (epoch seconds)
  TooLarge           a body above the limit
  Upstream           a service that we depend on failed

ConditionFailed      a conditional write failed; internal, never shown to a caller
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.core.situations import Situation
from shared.core.wording import Wording


class CadreError(Exception):
    """The base class. `reason` says what is special in this case (may be empty), `message` is for people and models. `details`
    may be shown to the caller. A reason that names a card or a lane is a `Wording`, because not every contract calls it that."""

    default_message: ClassVar[str] = "This cannot be done"
    """The message if there is no special reason."""

    def __init__(self, situation: Situation, reason: str = "", details: dict[str, Any] | None = None) -> None:
        super().__init__(reason or self.default_message)
        self.situation = situation
        self.reason = reason
        self.message = reason or self.default_message
        self.details = details


@dataclass(frozen=True)
class FieldError:
    """A field that is wrong, why, and what was sent."""

    field: str
    message: str
    value: Any = None


class Invalid(CadreError):
    default_message = "The request has invalid fields"

    def __init__(self, *fields: FieldError, message: str = "", situation: Situation = Situation.INVALID) -> None:
        super().__init__(situation, message)
        self.fields: Sequence[FieldError] = fields


class Malformed(Invalid):
    def __init__(self, message: str) -> None:
        super().__init__(message=message, situation=Situation.MALFORMED)


class Unauthenticated(CadreError):
    def __init__(self, situation: Situation = Situation.TOKEN_INVALID, reason: str = "Authentication is required") -> None:
        super().__init__(situation, reason)


class Forbidden(CadreError):
    default_message = "Insufficient permissions for this action"

    def __init__(self, reason: str = "", situation: Situation = Situation.FORBIDDEN) -> None:
        super().__init__(situation, reason)


class OrganizationClosed(Forbidden):
    """Nothing may be changed in an organization that is not active."""

    def __init__(self) -> None:
        super().__init__("The organization is inactive or suspended: nothing can be changed in it")


class NotFound(CadreError):
    def __init__(self, kind: str) -> None:
        super().__init__(Situation.NOT_FOUND, Wording(f"{{{kind.replace(' ', '_').capitalize()}}} not found"))
        self.kind = kind


class Conflict(CadreError):
    """The current state does not allow this."""


class TransitionRefused(Conflict):
    def __init__(self, reason: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(Situation.LANE_TRANSITION, reason, details)


class LimitExceeded(CadreError):
    """A limit is reached."""


class RateLimited(CadreError):
    default_message = "Rate limit exceeded"

    def __init__(self, limit: int, window: int, retry_after: int, reset: int) -> None:
        super().__init__(Situation.RATE_LIMITED)
        self.limit, self.window, self.retry_after, self.reset = limit, window, retry_after, reset


class TooLarge(CadreError):
    def __init__(self, limit_bytes: int) -> None:
        super().__init__(Situation.TOO_LARGE, f"The request body is larger than {limit_bytes:,} bytes", {"limit": limit_bytes})


class Upstream(CadreError):
    def __init__(self, situation: Situation, reason: str, retry_after: float | None = None) -> None:
        super().__init__(situation, reason)
        self.retry_after = retry_after


class ConditionFailed(Exception):
    """A conditional write failed. Internal; never shown to a caller."""
