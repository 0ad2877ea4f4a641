"""What can go wrong, in the platform's own words. `shared/edge/contracts` turns each into a contract's status and code.

CadreError
  Invalid            input that breaks a rule; carries one FieldError a field
    Malformed        a body that cannot be read at all (broken JSON, wrong encoding)
  Unauthenticated    no caller, or one whose proof fails: reason credentials | missing | invalid | expired
  Forbidden          the caller may see the thing but not do this
    AccessDenied     the workspace named in the path is not the caller's
  NotFound           no such thing, or not the caller's to know of
  Conflict           the state refuses: reason names why (slug, email, version, run_in_progress, state, ...)
    TransitionRefused  a card may not go there: WIP limit, card type, missing field, open dependency
  LimitExceeded      a plan's or a workspace's limit: kind members | projects | usage | connections | ...
  RateLimited        too many requests; carries limit, window, retry_after (seconds), reset (epoch seconds)
  TooLarge           a body above the limit
  Upstream           someone we depend on: kind provider_unavailable | provider_rate_limited | provider_credentials | storage
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class CadreError(Exception):
    """The root. `message` is for people; `details` is safe to show to the caller."""

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


@dataclass(frozen=True)
class FieldError:
    field: str
    message: str
    value: Any = None


class Invalid(CadreError):
    def __init__(self, *fields: FieldError, message: str = "The request has invalid fields", code: str = "invalid") -> None:
        super().__init__(message)
        self.fields: Sequence[FieldError] = fields
        self.code = code  # invalid | email_format | password_weak: agentworks names these two


class Malformed(Invalid):
    """The body could not be read: a 400 in every contract."""


class Unauthenticated(CadreError):
    def __init__(self, reason: str = "missing", message: str = "Authentication is required") -> None:
        super().__init__(message)
        self.reason = reason


class Forbidden(CadreError):
    def __init__(self, message: str = "Insufficient permissions for this action") -> None:
        super().__init__(message)


class AccessDenied(Forbidden):
    """Kept apart from Forbidden because agentworks has a code of its own for it (WORKSPACE_ACCESS_DENIED)."""


class AgentNotAllowed(Forbidden):
    """agentworks has a code of its own for it (AGENT_NOT_ALLOWED)."""


class NotFound(CadreError):
    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind.replace('_', ' ').capitalize()} not found")
        self.kind = kind


class Conflict(CadreError):
    def __init__(self, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message, details)
        self.reason = reason


class TransitionRefused(Conflict):
    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__("transition", message, details)


class LimitExceeded(CadreError):
    def __init__(self, kind: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message, details)
        self.kind = kind


class RateLimited(CadreError):
    def __init__(self, limit: int, window: int, retry_after: int, reset: int) -> None:
        super().__init__("Rate limit exceeded")
        self.limit, self.window, self.retry_after, self.reset = limit, window, retry_after, reset


class TooLarge(CadreError):
    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request body is larger than {limit_bytes:,} bytes", {"limit": limit_bytes})


class Upstream(CadreError):
    def __init__(self, kind: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after = retry_after
