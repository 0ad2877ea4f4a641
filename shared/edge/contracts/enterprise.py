"""enterprise: snake_case, `{success, status, data, meta}`, page and page_size, validation errors are 400, base path `/v1`."""

from typing import Any, Generic, TypeVar

from shared.core import clock
from shared.edge.contracts.base import About, Contract, Paged, RateRule, Shape
from shared.edge.contracts.plans import plan_rules
from shared.edge.contracts.problems import Problem

T = TypeVar("T")


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
    details: list[FieldProblem] | dict[str, Any] | None = None


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


class Enterprise(Contract):
    name = "enterprise"
    base = "/v1"
    error_model = ErrorResponse
    about = About(
        "AI Agent System API",
        "1.0.0",
        "Complete API for AI Agent System",
        ("Organizations", "Projects", "Requirements", "Deployments"),
        {"name": "API Support", "email": "api-support@example.com"},
    )
    openapi = "3.0.0"
    api_keys = True

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

    def error_body(self, problem: Problem, request_id: str, timestamp: str) -> dict[str, Any]:
        detail: dict[str, Any] = {"code": problem.code, "message": problem.message}
        if (details := self.list_details(problem)) is not None and problem.rate is None:
            detail["details"] = details
        meta: dict[str, Any] = {"timestamp": timestamp, "request_id": request_id}
        if problem.rate is not None:
            seconds = problem.rate.retry_after
            detail["message"] = f"You have exceeded the rate limit. Please retry after {seconds} seconds."
            meta |= {"retry_after": seconds, "limit_resets_at": clock.in_seconds(seconds)}
        return {"success": False, "status": problem.status, "error": detail, "meta": meta}

    def rate_rules(self, rate_class: str, plan: str) -> tuple[RateRule, ...]:
        return plan_rules("en", plan)


ENTERPRISE = Enterprise()
