"""aintandem: snake_case with `<type>_id` keys and prefixed ids, `{success, data, meta}`, page and per_page, base path `/api/v1`."""

from typing import Any, Generic, TypeVar

from shared.core import clock
from shared.edge.contracts.base import About, Contract, Paged, RateRule, Shape
from shared.edge.contracts.problems import Problem

T = TypeVar("T")

PREFIXES = {"user": "usr", "workspace": "ws", "sandbox": "sb", "message": "msg", "broadcast": "bc", "collaboration": "col"}
_LIMITS = {  # requests and seconds, by the document's class of operation
    "auth": (10, 60),
    "workspace": (100, 3600),
    "sandbox": (200, 3600),
    "message": (1000, 3600),
}


def public_id(kind: str, bare: str) -> str:
    """An id as this contract shows it: `ws_0190...`. Input is accepted with and without the prefix."""
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


class Aintandem(Contract):
    name = "aintandem"
    base = "/api/v1"
    error_model = ErrorResponse
    about = About("AInTandem API", "1.0.0", "Workspaces, sandboxes and the messages between their agents.")
    api_keys = True

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
