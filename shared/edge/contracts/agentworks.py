"""agentworks: camelCase, bare objects, lists as `{<plural>: [...], total, pagination}`, base path `/v1`."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.core import clock
from shared.core.actor import Actor
from shared.edge.contracts.base import About, Contract, RateRule, Shape
from shared.edge.contracts.problems import Problem

DEFAULT_LIMIT, MAX_LIMIT = 50, 100  # the document names limit and offset but no numbers
MAX_OFFSET = 5_000  # how deep a list is paged that is read from its beginning


# -- what requests carry

_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)


def _date(value: str) -> str:
    """A date, or a moment of it, in the form that every client reads; ISO 8601 has week dates and more."""
    if not _DATE.fullmatch(value):
        raise ValueError("must be a date such as 2026-12-01 or 2026-12-01T09:30:00Z")
    clock.parse(value)  # its ValueError becomes the field's message
    return value


Id = Annotated[str, Field(min_length=1, max_length=80)]
Slug = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$")]
Url = Annotated[str, Field(max_length=2_048)]
Date = Annotated[str, Field(max_length=40), AfterValidator(_date)]
Reason = Annotated[str, Field(max_length=1_000)]
"""What somebody says to what they do."""
Search = Annotated[str, Field(max_length=200)]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
DeepOffset = Annotated[int, Field(ge=0, le=MAX_OFFSET)]
CardType = Literal["epic", "feature", "task", "bug", "blueprint", "doc"]
Labels = Annotated[
    list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]], Field(max_length=50)
]
WipLimit = Annotated[int, Field(ge=1, le=1_000)]
AgentName = Annotated[str, Field(max_length=100)]
ModelName = Annotated[str, Field(min_length=1, max_length=200)]
Temperature = Annotated[float, Field(ge=0, le=2)]

# -- what answers carry


class ValidationIssue(Shape):
    field: str
    message: str
    value: Any = None


class ErrorDetail(Shape):
    code: str
    message: str
    details: Any = None
    timestamp: str
    requestId: str


class ErrorResponse(Shape):
    error: ErrorDetail
    validationErrors: list[ValidationIssue] | None = None


class PaginationMeta(Shape):
    """Not defined by the document; `nextCursor` continues lists that are ordered by time, at any depth."""

    limit: int
    offset: int
    total: int
    hasMore: bool
    nextCursor: str | None = None


class UserSummary(Shape):
    """A person, or an agent or the platform where one acted."""

    id: str
    name: str
    email: str
    avatarUrl: str | None = None


def user_summary(kept: dict[str, Any]) -> UserSummary:
    """From what a row keeps of its author (`Actor.summary`)."""
    return UserSummary.model_construct(
        id=kept["id"], name=kept["name"], email=kept.get("email", ""), avatarUrl=kept.get("avatar_url")
    )


def actor_summary(actor: Actor) -> UserSummary:
    return user_summary(actor.summary)


def pagination(limit: int, offset: int, total: int, next_cursor: str | None = None) -> PaginationMeta:
    return PaginationMeta(
        limit=limit, offset=offset, total=total, hasMore=next_cursor is not None or offset + limit < total, nextCursor=next_cursor
    )


def camel(name: str) -> str:
    """A name of the domain in this contract's case."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


_KEYED = ("custom_fields", "default_agent_configs")
"""What stands behind these in a name is a key of somebody's own, and stays as it is."""


class Agentworks(Contract):
    name = "agentworks"
    base = "/v1"
    error_model = ErrorResponse
    about = About("AgentWorks API", "1.0.0", "Workspaces, boards, cards and the agents that work on them.")
    openapi = "3.0.3"
    drop_none = True
    cookie = "cadre_session"
    workspace_rule = RateRule("aw", 10_000, 3600)
    names = {"item_ids": "cardIds"}

    def public_name(self, name: str) -> str:
        parts = name.split(".")
        own = next((place + 1 for place, part in enumerate(parts) if part in _KEYED), len(parts))
        return self.names.get(name) or ".".join([*map(camel, parts[:own]), *parts[own:]])

    def public_details(self, details: Any) -> Any:
        shown = super().public_details(details)
        if isinstance(shown, dict) and "missingFields" in shown:  # as in a lane's requiredFields: a custom field by its key alone
            names = map(self.public_name, shown["missingFields"])
            shown["missingFields"] = [name.removeprefix("customFields.") for name in names]
        return shown

    def error_body(self, problem: Problem, request_id: str, timestamp: str) -> dict[str, Any]:
        detail: dict[str, Any] = {"code": problem.code, "message": problem.message}
        if problem.rate is not None:
            detail["details"] = {
                "limit": problem.rate.limit,
                "window": problem.rate.window,
                "retryAfter": problem.rate.retry_after,
            }
        elif problem.details is not None:
            detail["details"] = problem.details
        body: dict[str, Any] = {"error": detail | {"timestamp": timestamp, "requestId": request_id}}
        if problem.fields:
            body["validationErrors"] = [
                {"field": field.field, "message": field.message} | ({} if field.value is None else {"value": field.value})
                for field in problem.fields
            ]
        return body

    def rate_rules(self, rate_class: str, plan: str) -> tuple[RateRule, ...]:
        return (RateRule("aw", 1_000, 3600),)

    def rate_headers(self, limit: int, remaining: int, reset: int, window: int) -> dict[str, str]:
        return super().rate_headers(limit, remaining, reset, window) | {"X-RateLimit-Window": str(window)}


AGENTWORKS = Agentworks()
