"""enterprise: snake_case, `{success, status, data, meta}`, page and page_size, validation errors are 400, base path `/v1`."""

from dataclasses import replace
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field, StringConstraints

from shared.core import clock
from shared.core.errors import CadreError, RateLimited
from shared.core.scopes import SCOPE_OF
from shared.core.situations import Situation
from shared.edge.contracts.base import About, Contract, Paged, RateRule, Shape
from shared.edge.contracts.fields import OneLine, Seen
from shared.edge.contracts.plans import plan_rules
from shared.edge.contracts.problems import Answer, Problem

T = TypeVar("T")

# -- what requests carry

Page = Annotated[int, Field(ge=1, le=1_000_000)]
PageSize = Annotated[int, Field(ge=1, le=100)]
Search = Annotated[str, Field(max_length=200)]
SortOrder = Literal["asc", "desc"]
Priority = Literal["critical", "high", "medium", "low"]
LongName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=255), OneLine]
"""The name of an organization, a project or a feature."""
Text = Annotated[str, Field(max_length=5_000)]
RequiredText = Annotated[str, Field(min_length=1, max_length=10_000), Seen]


def is_descending(sort_by: str, sort_order: str | None) -> bool:
    """Return the direction of a list: by default names from A on and times from the newest on."""
    return sort_order == "desc" if sort_order else sort_by != "name"


# -- what answers carry


class Meta(Shape):
    timestamp: str
    request_id: str
    version: str = "1.0"


class Envelope(Shape, Generic[T]):
    success: bool = True
    status: int
    data: T
    meta: Meta


class PaginationInfo(Shape):
    page: int
    page_size: int
    total: int
    pages: int
    has_next: bool
    has_prev: bool


class PagedEnvelope(Shape, Generic[T]):
    success: bool = True
    status: int
    data: list[T]
    pagination: PaginationInfo
    meta: Meta


class FieldProblem(Shape):
    field: str
    message: str


class ErrorDetail(Shape):
    code: str
    message: str
    details: list[FieldProblem] | None = None


class ErrorMeta(Shape):
    timestamp: str
    request_id: str
    retry_after: int | None = None
    limit_resets_at: str | None = None


class ErrorResponse(Shape):
    success: bool = False
    status: int
    error: ErrorDetail
    meta: ErrorMeta


_INVALID = Answer(400, "VALIDATION_ERROR", "Invalid request parameters")
_UNAUTHENTICATED = Answer(401, "AUTHENTICATION_FAILED", "Invalid credentials")
_DENIED = Answer(403, "AUTHORIZATION_DENIED", "Insufficient permissions")
_DUPLICATE = Answer(409, "DUPLICATE_RESOURCE", "Resource already exists")
_CONFLICT = Answer(409, "CONFLICT", "The current state does not allow this")
_UNAVAILABLE = Answer(503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable")
_ANSWERS = {
    Situation.INVALID: _INVALID,
    Situation.EMAIL_FORMAT: _INVALID,
    Situation.PASSWORD_WEAK: _INVALID,
    Situation.MALFORMED: _INVALID,
    Situation.TOO_LARGE: Answer(413, "PAYLOAD_TOO_LARGE", "The request body is too large"),
    Situation.UNSUPPORTED_MEDIA: Answer(415, "UNSUPPORTED_MEDIA_TYPE", "This media type is not supported"),
    Situation.ADDRESS_TOO_LONG: Answer(414, "URI_TOO_LONG", "The address is too long"),
    Situation.METHOD_NOT_ALLOWED: Answer(405, "METHOD_NOT_ALLOWED", "This path has no such method"),
    Situation.NOT_FOUND: Answer(404, "RESOURCE_NOT_FOUND", "Requested resource not found"),
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
    Situation.SLUG_TAKEN: Answer(409, "DUPLICATE_SLUG", "Slug already exists"),
    Situation.EMAIL_TAKEN: _DUPLICATE,
    Situation.ALREADY_MEMBER: _DUPLICATE,
    Situation.DEPENDENCY_EXISTS: _DUPLICATE,
    Situation.VERSION_CONFLICT: _CONFLICT,
    Situation.IDEMPOTENCY_KEY_USED: Answer(409, "IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used before"),
    Situation.PROJECT_ARCHIVED: _CONFLICT,
    Situation.CARD_ARCHIVED: _CONFLICT,
    Situation.LANE_TRANSITION: _INVALID,
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
    Situation.SANDBOX_STATUS: _CONFLICT,
    Situation.MESSAGE_STATUS: _CONFLICT,
    Situation.COLLABORATION_STATUS: _CONFLICT,
    Situation.CONFIGURATION_INVALID: _CONFLICT,
    Situation.SAMPLES_TOO_FEW: _CONFLICT,
    Situation.RUN_STATUS: _CONFLICT,
    Situation.INVOICE_STATUS: _CONFLICT,
    Situation.INVITATION_NOT_PENDING: _CONFLICT,
    Situation.WORKSPACE_OWNER: _CONFLICT,
    Situation.DEFAULT_WORKSPACE: _CONFLICT,
    Situation.LIMIT_REACHED: _DENIED,
    Situation.MEMBER_LIMIT: _DENIED,
    Situation.RUN_LIMIT: _CONFLICT,
    Situation.USAGE_LIMIT: _DENIED,
    Situation.WORKSPACE_SUSPENDED: _DENIED,
    Situation.RATE_LIMITED: Answer(429, "RATE_LIMIT_EXCEEDED", "Too many requests"),
    Situation.PROVIDER_UNAVAILABLE: _UNAVAILABLE,
    Situation.PROVIDER_RATE_LIMITED: _UNAVAILABLE,
    Situation.PROVIDER_NOT_CONFIGURED: _INVALID,
    Situation.EXTERNAL_SERVICE_UNAVAILABLE: _UNAVAILABLE,
    Situation.UNAVAILABLE: _UNAVAILABLE,
    Situation.TIMEOUT: Answer(504, "TIMEOUT", "Request timeout"),
    Situation.INTERNAL: Answer(500, "INTERNAL_ERROR", "Something went wrong on our side"),
}


class Enterprise(Contract):
    name = "enterprise"
    base = "/v1"
    error_model = ErrorResponse
    answers = _ANSWERS
    details_are_fields = True
    names = {permission.value: scope for permission, scope in SCOPE_OF.items()}
    words = {"card": "work item", "cards": "work items"}
    page_limit = "page_size"
    closed_queries = True
    about = About(
        "AI Agent System API",
        "1.0.0",
        "Complete API for AI Agent System",
        ("Organizations", "Projects", "Requirements", "Deployments"),
        {"name": "API Support", "email": "api-support@example.com"},
    )
    openapi = "3.0.0"

    def published(self, model: Any, paged: bool) -> Any:
        return PagedEnvelope[model] if paged else Envelope[model]

    def render(self, result: Any, model: Any, status: int, request_id: str) -> bytes:
        meta = Meta.model_construct(timestamp=clock.iso(), request_id=request_id)
        if isinstance(result, Paged):
            info = PaginationInfo(
                page=result.page,
                page_size=result.size,
                total=result.total,
                pages=result.pages,
                has_next=result.page < result.pages,
                has_prev=result.page > 1,
            )
            envelope: Any = PagedEnvelope[model].model_construct(
                success=True, status=status, data=result.items, pagination=info, meta=meta
            )
            return self.dump(PagedEnvelope[model], envelope)
        return self.dump(Envelope[model], Envelope[model].model_construct(success=True, status=status, data=result, meta=meta))

    def answer(self, error: CadreError) -> Answer:
        answer = super().answer(error)
        if isinstance(error, RateLimited):
            words = f"You have exceeded the rate limit. Please retry after {error.retry_after} seconds."
            return replace(answer, message=words)
        return answer

    def error_body(self, problem: Problem, request_id: str, timestamp: str) -> dict[str, Any]:
        detail: dict[str, Any] = {"code": problem.code, "message": problem.message}
        if (details := self.list_details(problem)) is not None and problem.rate is None:
            detail["details"] = details
        meta: dict[str, Any] = {"timestamp": timestamp, "request_id": request_id}
        if problem.rate is not None:
            resets = clock.iso(clock.from_epoch(problem.rate.reset))
            meta |= {"retry_after": problem.rate.retry_after, "limit_resets_at": resets}
        return {"success": False, "status": problem.status, "error": detail, "meta": meta}

    def rate_rules(self, rate_class: str, plan: str) -> tuple[RateRule, ...]:
        return plan_rules("en", plan)


ENTERPRISE = Enterprise()
