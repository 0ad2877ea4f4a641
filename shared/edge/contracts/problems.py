"""Domain errors to statuses and codes: the one table.

A row is a situation (an error class, narrowed by its reason or kind), a column a contract. Where a document states no status, the
platform's proposal stands here; agentworks' and aintandem's codes are the documents' own, `CONFLICT` and the like are added where
a document has no word for a case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.core.errors import (
    AccessDenied,
    AgentNotAllowed,
    CadreError,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    LimitExceeded,
    Malformed,
    NotFound,
    RateLimited,
    TooLarge,
    TransitionRefused,
    Unauthenticated,
    Upstream,
)


@dataclass(frozen=True)
class Problem:
    """An error as a contract says it, before it takes the contract's form."""

    status: int
    code: str
    message: str
    details: Any = None
    fields: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    rate: RateLimited | None = None


Row = dict[str, tuple[int, str]]


def _row(
    agentworks: tuple[int, str],
    enterprise: tuple[int, str],
    aintandem: tuple[int, str],
    orchestrator: tuple[int, str],
    omoios: tuple[int, str] | None = None,
) -> Row:
    return {
        "agentworks": agentworks,
        "enterprise": enterprise,
        "aintandem": aintandem,
        "orchestrator": orchestrator,
        "omoios": omoios or orchestrator,  # omoios documents no errors; it answers with orchestrator's codes
    }


TABLE: dict[str, Row] = {
    "invalid": _row(
        (422, "VALIDATION_ERROR"),
        (400, "VALIDATION_ERROR"),
        (422, "VALIDATION_ERROR"),
        (400, "VALIDATION_ERROR"),
        (422, "VALIDATION_ERROR"),
    ),
    "invalid.email_format": _row(
        (422, "INVALID_EMAIL_FORMAT"),
        (400, "VALIDATION_ERROR"),
        (422, "VALIDATION_ERROR"),
        (400, "VALIDATION_ERROR"),
        (422, "VALIDATION_ERROR"),
    ),
    "invalid.password_weak": _row(
        (422, "PASSWORD_TOO_WEAK"),
        (400, "VALIDATION_ERROR"),
        (422, "VALIDATION_ERROR"),
        (400, "VALIDATION_ERROR"),
        (422, "VALIDATION_ERROR"),
    ),
    "malformed": _row((400, "INVALID_REQUEST"), (400, "VALIDATION_ERROR"), (400, "VALIDATION_ERROR"), (400, "VALIDATION_ERROR")),
    "credentials": _row(
        (401, "AUTH_INVALID_CREDENTIALS"),
        (401, "AUTHENTICATION_FAILED"),
        (401, "AUTHENTICATION_FAILED"),
        (401, "AUTHENTICATION_ERROR"),
    ),
    "token": _row(
        (401, "AUTH_TOKEN_INVALID"), (401, "AUTHENTICATION_FAILED"), (401, "AUTHENTICATION_FAILED"), (401, "AUTHENTICATION_ERROR")
    ),
    "token.expired": _row(
        (401, "AUTH_TOKEN_EXPIRED"), (401, "AUTHENTICATION_FAILED"), (401, "AUTHENTICATION_FAILED"), (401, "AUTHENTICATION_ERROR")
    ),
    "forbidden": _row(
        (403, "INSUFFICIENT_PERMISSIONS"),
        (403, "AUTHORIZATION_DENIED"),
        (403, "AUTHORIZATION_FAILED"),
        (403, "AUTHORIZATION_ERROR"),
    ),
    "access": _row(
        (403, "WORKSPACE_ACCESS_DENIED"),
        (403, "AUTHORIZATION_DENIED"),
        (403, "AUTHORIZATION_FAILED"),
        (403, "AUTHORIZATION_ERROR"),
    ),
    "agent_refused": _row(
        (403, "AGENT_NOT_ALLOWED"),
        (403, "AUTHORIZATION_DENIED"),
        (403, "AUTHORIZATION_FAILED"),
        (403, "AUTHORIZATION_ERROR"),
    ),
    "missing": _row((404, "RESOURCE_NOT_FOUND"), (404, "RESOURCE_NOT_FOUND"), (404, "RESOURCE_NOT_FOUND"), (404, "NOT_FOUND")),
    "method": _row(
        (405, "METHOD_NOT_ALLOWED"), (405, "METHOD_NOT_ALLOWED"), (405, "METHOD_NOT_ALLOWED"), (405, "METHOD_NOT_ALLOWED")
    ),
    "conflict": _row((409, "CONFLICT"), (409, "DUPLICATE_RESOURCE"), (409, "RESOURCE_ALREADY_EXISTS"), (409, "CONFLICT")),
    "conflict.slug": _row(
        (409, "SLUG_ALREADY_EXISTS"), (409, "DUPLICATE_SLUG"), (409, "RESOURCE_ALREADY_EXISTS"), (409, "CONFLICT")
    ),
    "conflict.email": _row(
        (409, "EMAIL_ALREADY_EXISTS"), (409, "DUPLICATE_RESOURCE"), (409, "RESOURCE_ALREADY_EXISTS"), (409, "CONFLICT")
    ),
    "conflict.version": _row((409, "CONFLICT"), (409, "CONFLICT"), (409, "CONFLICT"), (409, "CONFLICT")),
    "conflict.state": _row((409, "CONFLICT"), (400, "VALIDATION_ERROR"), (409, "SANDBOX_NOT_READY"), (409, "CONFLICT")),
    "conflict.idempotency": _row(
        (409, "IDEMPOTENCY_CONFLICT"), (409, "IDEMPOTENCY_CONFLICT"), (409, "IDEMPOTENCY_CONFLICT"), (409, "IDEMPOTENCY_CONFLICT")
    ),
    "limit.runs": _row((409, "CONCURRENT_RUN_LIMIT"), (409, "CONFLICT"), (429, "RESOURCE_EXHAUSTED"), (409, "CONFLICT")),
    "conflict.run_in_progress": _row((409, "AGENT_RUN_IN_PROGRESS"), (409, "CONFLICT"), (409, "CONFLICT"), (409, "CONFLICT")),
    "transition": _row((422, "INVALID_LANE_TRANSITION"), (400, "VALIDATION_ERROR"), (409, "CONFLICT"), (400, "VALIDATION_ERROR")),
    "limit": _row(
        (403, "LIMIT_EXCEEDED"), (403, "AUTHORIZATION_DENIED"), (429, "RESOURCE_EXHAUSTED"), (403, "AUTHORIZATION_ERROR")
    ),
    "limit.members": _row(
        (403, "WORKSPACE_MEMBER_LIMIT"), (403, "AUTHORIZATION_DENIED"), (429, "RESOURCE_EXHAUSTED"), (403, "AUTHORIZATION_ERROR")
    ),
    "limit.usage": _row(
        (403, "USAGE_LIMIT_EXCEEDED"), (403, "AUTHORIZATION_DENIED"), (429, "RESOURCE_EXHAUSTED"), (403, "AUTHORIZATION_ERROR")
    ),
    "rate": _row(
        (429, "RATE_LIMIT_EXCEEDED"), (429, "RATE_LIMIT_EXCEEDED"), (429, "RATE_LIMIT_EXCEEDED"), (429, "RATE_LIMIT_EXCEEDED")
    ),
    "large": _row((413, "PAYLOAD_TOO_LARGE"), (413, "PAYLOAD_TOO_LARGE"), (413, "PAYLOAD_TOO_LARGE"), (413, "PAYLOAD_TOO_LARGE")),
    "media": _row(
        (415, "UNSUPPORTED_MEDIA_TYPE"),
        (415, "UNSUPPORTED_MEDIA_TYPE"),
        (415, "UNSUPPORTED_MEDIA_TYPE"),
        (415, "UNSUPPORTED_MEDIA_TYPE"),
    ),
    "upstream": _row(
        (503, "PROVIDER_UNAVAILABLE"), (503, "SERVICE_UNAVAILABLE"), (503, "SERVICE_UNAVAILABLE"), (503, "SERVICE_UNAVAILABLE")
    ),
    "upstream.provider_rate_limited": _row(
        (503, "PROVIDER_RATE_LIMITED"), (503, "SERVICE_UNAVAILABLE"), (503, "SERVICE_UNAVAILABLE"), (503, "SERVICE_UNAVAILABLE")
    ),
    "upstream.provider_credentials": _row(
        (422, "PROVIDER_NOT_CONFIGURED"), (400, "VALIDATION_ERROR"), (422, "CONFIGURATION_INVALID"), (400, "VALIDATION_ERROR")
    ),
    "upstream.storage": _row(
        (503, "SERVICE_UNAVAILABLE"), (503, "SERVICE_UNAVAILABLE"), (503, "SERVICE_UNAVAILABLE"), (503, "SERVICE_UNAVAILABLE")
    ),
    "internal": _row((500, "INTERNAL_ERROR"), (500, "INTERNAL_ERROR"), (500, "INTERNAL_ERROR"), (500, "INTERNAL_ERROR")),
    "unavailable": _row(
        (503, "SERVICE_UNAVAILABLE"), (503, "SERVICE_UNAVAILABLE"), (503, "SERVICE_UNAVAILABLE"), (503, "SERVICE_UNAVAILABLE")
    ),
    "timeout": _row((504, "TIMEOUT"), (504, "TIMEOUT"), (504, "TIMEOUT"), (504, "TIMEOUT")),
}


def situation(error: CadreError) -> str:
    """The row of TABLE that an error belongs to."""
    match error:
        case Malformed():
            name = "malformed"
        case Invalid(code=code):
            name = f"invalid.{code}"
        case Unauthenticated(reason="credentials"):
            name = "credentials"
        case Unauthenticated(reason=reason):
            name = f"token.{reason}"
        case AccessDenied():
            name = "access"
        case AgentNotAllowed():
            name = "agent_refused"
        case Forbidden():
            name = "forbidden"
        case NotFound():
            name = "missing"
        case TransitionRefused():
            name = "transition"
        case Conflict(reason=reason):
            name = f"conflict.{reason}"
        case LimitExceeded(kind=kind):
            name = f"limit.{kind}"
        case RateLimited():
            name = "rate"
        case TooLarge():
            name = "large"
        case Upstream(kind=kind):
            name = f"upstream.{kind}"
        case _:
            name = "internal"
    return name if name in TABLE else name.partition(".")[0]


def problem_for(contract: str, error: CadreError) -> Problem:
    """The error in a contract's status and code, with the words of the error itself."""
    status, code = TABLE[situation(error)][contract]
    if isinstance(error, NotFound) and contract == "agentworks":
        code = f"{error.kind.upper()}_NOT_FOUND"
    headers: dict[str, str] = {}
    retry_after = error.retry_after if isinstance(error, RateLimited | Upstream) else None
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, round(retry_after)))
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Problem(
        status,
        code,
        error.message,
        error.details,
        tuple(getattr(error, "fields", ())),
        headers,
        error if isinstance(error, RateLimited) else None,
    )


def plain(contract: str, name: str, message: str, details: Any = None) -> Problem:
    """A problem that is no domain error: an unknown path, a wrong method, a crash."""
    status, code = TABLE[name][contract]
    return Problem(status, code, message, details)
