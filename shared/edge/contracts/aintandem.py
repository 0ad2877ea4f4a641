"""aintandem: snake_case with `<type>_id` keys and prefixed ids, `{success, data, meta}`, page and per_page, base path `/api/v1`."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from shared.core import clock
from shared.core.situations import Situation
from shared.edge.contracts.base import About, Contract, Paged, RateRule, Shape
from shared.edge.contracts.problems import Answer, Problem

T = TypeVar("T")

Page = Annotated[int, Field(ge=1, le=1_000_000)]
PerPage = Annotated[int, Field(ge=1, le=100)]
Search = Annotated[str, Field(max_length=200)]
SortOrder = Literal["asc", "desc"]

PREFIXES = {"user": "usr", "workspace": "ws", "sandbox": "sb", "message": "msg", "broadcast": "bc", "collaboration": "col"}
_LIMITS = {  # requests and seconds, by the document's class of operation
    "auth": (10, 60),
    "workspace": (100, 3600),
    "sandbox": (200, 3600),
    "message": (1000, 3600),
}


def public_id(kind: str, bare: str) -> str:
    """Return an id as this contract shows it: `ws_0190...`. Input is accepted with and without the prefix."""
    return f"{PREFIXES[kind]}_{bare}"


class Meta(Shape):
    request_id: str
    timestamp: str
    version: str = "1.0.0"


class PagedMeta(Meta):
    total: int
    page: int
    per_page: int
    total_pages: int
    has_next: bool
    has_prev: bool


class Envelope(Shape, Generic[T]):
    success: bool = True
    data: T
    meta: Meta


class PagedEnvelope(Shape, Generic[T]):
    success: bool = True
    data: list[T]
    meta: PagedMeta


class ErrorDetail(Shape):
    code: str
    message: str
    details: dict[str, Any] | None = None


class ErrorMeta(Shape):
    request_id: str
    timestamp: str


class ErrorResponse(Shape):
    success: bool = False
    error: ErrorDetail
    meta: ErrorMeta


_INVALID = Answer(422, "VALIDATION_ERROR", "Request validation failed")
_UNAUTHENTICATED = Answer(401, "AUTHENTICATION_FAILED", "Invalid credentials")
_DENIED = Answer(403, "AUTHORIZATION_FAILED", "Insufficient permissions")
_EXISTS = Answer(409, "RESOURCE_ALREADY_EXISTS", "Resource with same identifier exists")
_CONFLICT = Answer(409, "CONFLICT", "Resource state conflict")
_EXHAUSTED = Answer(429, "RESOURCE_EXHAUSTED", "Resource limits exceeded")
_UNAVAILABLE = Answer(503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable")
_ANSWERS = {
    Situation.INVALID: _INVALID,
    Situation.EMAIL_FORMAT: _INVALID,
    Situation.PASSWORD_WEAK: _INVALID,
    Situation.MALFORMED: Answer(400, "VALIDATION_ERROR", "Request validation failed"),
    Situation.TOO_LARGE: Answer(413, "PAYLOAD_TOO_LARGE", "The request body is too large"),
    Situation.UNSUPPORTED_MEDIA: Answer(415, "UNSUPPORTED_MEDIA_TYPE", "This media type is not supported"),
    Situation.ADDRESS_TOO_LONG: Answer(414, "URI_TOO_LONG", "The address is too long"),
    Situation.METHOD_NOT_ALLOWED: Answer(405, "METHOD_NOT_ALLOWED", "This path has no such method"),
    Situation.NOT_FOUND: Answer(404, "RESOURCE_NOT_FOUND", "The requested resource was not found"),
    Situation.CREDENTIALS_WRONG: _UNAUTHENTICATED,
    Situation.TOKEN_INVALID: _UNAUTHENTICATED,
    Situation.TOKEN_EXPIRED: _UNAUTHENTICATED,
    Situation.ONE_TIME_TOKEN_INVALID: _UNAUTHENTICATED,
    Situation.ONE_TIME_TOKEN_EXPIRED: _UNAUTHENTICATED,
    Situation.SIGN_IN_DECLINED: _UNAUTHENTICATED,
    Situation.SIGN_IN_UNVERIFIED: _UNAUTHENTICATED,
    Situation.SIGN_IN_EMAIL_UNCONFIRMED: _DENIED,
    Situation.FORBIDDEN: _DENIED,
    Situation.WORKSPACE_ACCESS_DENIED: _DENIED,
    Situation.AGENT_NOT_ALLOWED: _DENIED,
    Situation.SLUG_TAKEN: _EXISTS,
    Situation.EMAIL_TAKEN: _EXISTS,
    Situation.ALREADY_MEMBER: _EXISTS,
    Situation.DEPENDENCY_EXISTS: _EXISTS,
    Situation.VERSION_CONFLICT: _CONFLICT,
    Situation.IDEMPOTENCY_KEY_USED: Answer(409, "IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used before"),
    Situation.PROJECT_ARCHIVED: _CONFLICT,
    Situation.CARD_ARCHIVED: _CONFLICT,
    Situation.LANE_TRANSITION: _CONFLICT,
    Situation.DEPENDENCY_CYCLE: _CONFLICT,
    Situation.DEPENDENCIES_DISABLED: _CONFLICT,
    Situation.FILE_NOT_UPLOADED: _CONFLICT,
    Situation.DOCUMENT_STATUS: _CONFLICT,
    Situation.AGENT_STATUS: _CONFLICT,
    Situation.RUN_IN_PROGRESS: _CONFLICT,
    Situation.DEPLOYMENT_IN_PROGRESS: _CONFLICT,
    Situation.TASK_STATUS: _CONFLICT,
    Situation.ALERT_STATUS: _CONFLICT,
    Situation.THREAD_STATUS: _CONFLICT,
    Situation.SANDBOX_STATUS: Answer(409, "SANDBOX_NOT_READY", "Sandbox is not ready"),
    Situation.MESSAGE_STATUS: _CONFLICT,
    Situation.COLLABORATION_STATUS: _CONFLICT,
    Situation.CONFIGURATION_INVALID: Answer(422, "CONFIGURATION_INVALID", "Invalid configuration"),
    Situation.SAMPLES_TOO_FEW: _CONFLICT,
    Situation.RUN_STATUS: _CONFLICT,
    Situation.INVOICE_STATUS: _CONFLICT,
    Situation.INVITATION_NOT_PENDING: _CONFLICT,
    Situation.WORKSPACE_OWNER: _CONFLICT,
    Situation.DEFAULT_WORKSPACE: _CONFLICT,
    Situation.LIMIT_REACHED: _EXHAUSTED,
    Situation.MEMBER_LIMIT: _EXHAUSTED,
    Situation.RUN_LIMIT: _EXHAUSTED,
    Situation.USAGE_LIMIT: _EXHAUSTED,
    Situation.WORKSPACE_SUSPENDED: _EXHAUSTED,
    Situation.RATE_LIMITED: Answer(429, "RATE_LIMIT_EXCEEDED", "Too many requests"),
    Situation.PROVIDER_UNAVAILABLE: _UNAVAILABLE,
    Situation.PROVIDER_RATE_LIMITED: _UNAVAILABLE,
    Situation.PROVIDER_NOT_CONFIGURED: Answer(422, "CONFIGURATION_INVALID", "Invalid configuration"),
    Situation.EXTERNAL_SERVICE_UNAVAILABLE: _UNAVAILABLE,
    Situation.UNAVAILABLE: _UNAVAILABLE,
    Situation.TIMEOUT: Answer(504, "TIMEOUT", "The answer took too long"),
    Situation.INTERNAL: Answer(500, "INTERNAL_ERROR", "Server error"),
}


class Aintandem(Contract):
    name = "aintandem"
    base = "/api/v1"
    page_limit = "per_page"
    error_model = ErrorResponse
    answers = _ANSWERS
    about = About("AInTandem API", "1.0.0", "Workspaces, sandboxes and the messages between their agents.")

    def published(self, model: Any, paged: bool) -> Any:
        return PagedEnvelope[model] if paged else Envelope[model]

    def render(self, result: Any, model: Any, status: int, request_id: str) -> bytes:
        stamp = {"request_id": request_id, "timestamp": clock.iso()}
        if isinstance(result, Paged):
            meta = PagedMeta(
                **stamp,
                total=result.total,
                page=result.page,
                per_page=result.size,
                total_pages=result.pages,
                has_next=result.page < result.pages,
                has_prev=result.page > 1,
            )
            return self.dump(
                PagedEnvelope[model], PagedEnvelope[model].model_construct(success=True, data=result.items, meta=meta)
            )
        return self.dump(Envelope[model], Envelope[model].model_construct(success=True, data=result, meta=Meta(**stamp)))

    def error_body(self, problem: Problem, request_id: str, timestamp: str) -> dict[str, Any]:
        detail: dict[str, Any] = {"code": problem.code, "message": problem.message}
        details = self.list_details(problem)
        if details is not None:
            detail["details"] = {"fields": details} if problem.fields else details
        return {"success": False, "error": detail, "meta": {"request_id": request_id, "timestamp": timestamp}}

    def rate_rules(self, rate_class: str, plan: str) -> tuple[RateRule, ...]:
        if rate_class not in _LIMITS:
            return ()
        limit, window = _LIMITS[rate_class]
        return (RateRule(f"ai-{rate_class}", limit, window),)


AINTANDEM = Aintandem()
