"""agentworks: camelCase, bare objects, lists as `{<plural>: [...], total, pagination}`, base path `/v1`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from shared.core.errors import CadreError, NotFound
from shared.core.limits import MAX_TOKENS
from shared.core.situations import Situation
from shared.edge.contracts.base import About, Contract, RateRule, Shape
from shared.edge.contracts.fields import OneLine
from shared.edge.contracts.problems import Answer, Problem

PLAN_NAMES = {"free": "free", "professional": "pro", "enterprise": "enterprise"}
"""Our plans under this contract's names."""
PLAN_OF_NAME = {name: plan for plan, name in PLAN_NAMES.items()}
DEFAULT_LIMIT, MAX_LIMIT = 50, 100  # our choice: the document names limit and offset but no numbers
MAX_OFFSET = 5_000  # for lists that are read from their beginning for every page; a cursor leads on


# -- what requests carry

Id = Annotated[str, Field(min_length=1, max_length=80)]
Reason = Annotated[str, Field(max_length=1_000)]
"""The reason that somebody gives for an action."""
Search = Annotated[str, Field(max_length=200)]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
DeepOffset = Annotated[int, Field(ge=0, le=MAX_OFFSET)]
Cursor = Annotated[str, Field(max_length=1_000)]
CardType = Literal["epic", "feature", "task", "bug", "blueprint", "doc"]
Labels = Annotated[
    list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), OneLine]], Field(max_length=50)
]
WipLimit = Annotated[int, Field(ge=1, le=1_000)]
AgentName = Annotated[str, Field(max_length=100)]
ModelName = Annotated[str, Field(min_length=1, max_length=200), OneLine]
Tokens = Annotated[int, Field(ge=1, le=MAX_TOKENS)]
PromptAdditions = Annotated[str, Field(max_length=20_000)]
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
    """Not defined by the document; `nextCursor` continues lists that are ordered by time, at any depth. A page that would be longer than
    6 MB ends early: `limit` is then how many entries it has, and the next page begins at `offset` + `limit`."""

    limit: int
    offset: int
    total: int
    hasMore: bool
    nextCursor: str | None = None


class UserSummary(Shape):
    """A person, or the agent or the platform that acted."""

    id: str
    name: str
    email: str
    avatarUrl: str | None = None


def user_summary(person: Mapping[str, Any]) -> UserSummary:
    """Convert the stored form of a person (`Actor.summary`)."""
    return UserSummary.model_construct(
        id=person["id"], name=person["name"], email=person.get("email", ""), avatarUrl=person.get("avatar_url")
    )


def pagination(limit: int, offset: int, total: int, shown: int | None = None) -> PaginationMeta:
    """Describe a page. `shown`: of a page that may be shorter than its limit, how many it shows; that is then its limit. A page that shows
    nothing keeps its limit, so that whoever goes on from it comes to the end."""
    if shown and offset + shown < total:
        limit = shown
    return PaginationMeta(limit=limit, offset=offset, total=total, hasMore=offset + limit < total)


def continued(limit: int, offset: int, total: int, next_cursor: str | None) -> PaginationMeta:
    """Describe a page that the next one follows by a cursor, not by its number."""
    return PaginationMeta(limit=limit, offset=offset, total=total, hasMore=next_cursor is not None, nextCursor=next_cursor)


def _list_of(result: Any) -> str | None:
    """Return the name of the field that holds the entries of a page; None for what is no page."""
    if not isinstance(getattr(result, "pagination", None), PaginationMeta):
        return None
    return next((name for name in type(result).model_fields if isinstance(getattr(result, name), list)), None)


_CONFLICT = Answer(409, "CONFLICT", "The current state does not allow this")
_ANSWERS = {
    Situation.INVALID: Answer(422, "VALIDATION_ERROR", "The request has invalid fields"),
    Situation.EMAIL_FORMAT: Answer(422, "INVALID_EMAIL_FORMAT", "Invalid email format"),
    Situation.PASSWORD_WEAK: Answer(422, "PASSWORD_TOO_WEAK", "Password does not meet requirements"),
    Situation.MALFORMED: Answer(400, "INVALID_REQUEST", "The request cannot be read"),
    Situation.TOO_LARGE: Answer(413, "PAYLOAD_TOO_LARGE", "The request body is too large"),
    Situation.UNSUPPORTED_MEDIA: Answer(415, "UNSUPPORTED_MEDIA_TYPE", "This media type is not supported"),
    Situation.ADDRESS_TOO_LONG: Answer(414, "URI_TOO_LONG", "The address is too long"),
    Situation.METHOD_NOT_ALLOWED: Answer(405, "METHOD_NOT_ALLOWED", "This path has no such method"),
    Situation.NOT_FOUND: Answer(404, "RESOURCE_NOT_FOUND", "Resource not found"),
    Situation.CREDENTIALS_WRONG: Answer(401, "AUTH_INVALID_CREDENTIALS", "Invalid email or password"),
    Situation.TOKEN_INVALID: Answer(401, "AUTH_TOKEN_INVALID", "Invalid authentication token"),
    Situation.TOKEN_EXPIRED: Answer(401, "AUTH_TOKEN_EXPIRED", "Authentication token has expired"),
    Situation.ONE_TIME_TOKEN_INVALID: Answer(401, "ONE_TIME_TOKEN_INVALID", "One-time token is invalid or was used before"),
    Situation.ONE_TIME_TOKEN_EXPIRED: Answer(401, "ONE_TIME_TOKEN_EXPIRED", "One-time token has expired"),
    Situation.SIGN_IN_DECLINED: Answer(401, "SIGN_IN_DECLINED", "The sign-in was declined at the provider"),
    Situation.SIGN_IN_UNVERIFIED: Answer(401, "SIGN_IN_UNVERIFIED", "The sign-in could not be verified with the provider"),
    Situation.SIGN_IN_EMAIL_UNCONFIRMED: Answer(
        403, "SIGN_IN_EMAIL_UNCONFIRMED", "The provider does not confirm the e-mail address"
    ),
    Situation.FORBIDDEN: Answer(403, "INSUFFICIENT_PERMISSIONS", "Insufficient permissions for this action"),
    Situation.WORKSPACE_ACCESS_DENIED: Answer(403, "WORKSPACE_ACCESS_DENIED", "Access denied to workspace"),
    Situation.AGENT_NOT_ALLOWED: Answer(403, "AGENT_NOT_ALLOWED", "This agent may not work on this card"),
    Situation.SLUG_TAKEN: Answer(409, "SLUG_ALREADY_EXISTS", "URL slug already exists"),
    Situation.EMAIL_TAKEN: Answer(409, "EMAIL_ALREADY_EXISTS", "An account with this e-mail address already exists"),
    Situation.ALREADY_MEMBER: _CONFLICT,
    Situation.DEPENDENCY_EXISTS: _CONFLICT,
    Situation.VERSION_CONFLICT: _CONFLICT,
    Situation.IDEMPOTENCY_KEY_USED: Answer(409, "IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used before"),
    Situation.PROJECT_ARCHIVED: _CONFLICT,
    Situation.CARD_ARCHIVED: _CONFLICT,
    Situation.LANE_TRANSITION: Answer(422, "INVALID_LANE_TRANSITION", "Invalid lane transition"),
    Situation.DEPENDENCY_CYCLE: _CONFLICT,
    Situation.DEPENDENCIES_DISABLED: _CONFLICT,
    Situation.FILE_NOT_UPLOADED: _CONFLICT,
    Situation.DOCUMENT_STATUS: _CONFLICT,
    Situation.AGENT_STATUS: _CONFLICT,
    Situation.RUN_IN_PROGRESS: Answer(409, "AGENT_RUN_IN_PROGRESS", "Agent run already in progress for this card"),
    Situation.RUN_STATUS: _CONFLICT,
    Situation.DEPLOYMENT_IN_PROGRESS: _CONFLICT,
    Situation.TASK_STATUS: _CONFLICT,
    Situation.ALERT_STATUS: _CONFLICT,
    Situation.THREAD_STATUS: _CONFLICT,
    Situation.SANDBOX_STATUS: _CONFLICT,
    Situation.MESSAGE_STATUS: _CONFLICT,
    Situation.COLLABORATION_STATUS: _CONFLICT,
    Situation.CONFIGURATION_INVALID: _CONFLICT,
    Situation.SAMPLES_TOO_FEW: _CONFLICT,
    Situation.INVOICE_STATUS: _CONFLICT,
    Situation.INVITATION_NOT_PENDING: Answer(
        409, "INVITATION_NOT_PENDING", "The invitation was accepted or cancelled, or has expired"
    ),
    Situation.WORKSPACE_OWNER: _CONFLICT,
    Situation.DEFAULT_WORKSPACE: _CONFLICT,
    Situation.LIMIT_REACHED: Answer(403, "LIMIT_EXCEEDED", "Limit reached"),
    Situation.MEMBER_LIMIT: Answer(403, "WORKSPACE_MEMBER_LIMIT", "Workspace member limit exceeded"),
    Situation.RUN_LIMIT: Answer(409, "CONCURRENT_RUN_LIMIT", "The project has as many runs under way as it allows"),
    Situation.USAGE_LIMIT: Answer(403, "USAGE_LIMIT_EXCEEDED", "Monthly usage limit exceeded"),
    Situation.WORKSPACE_SUSPENDED: Answer(403, "WORKSPACE_SUSPENDED", "The workspace is suspended until its invoices are paid"),
    Situation.RATE_LIMITED: Answer(429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded"),
    Situation.PROVIDER_UNAVAILABLE: Answer(503, "PROVIDER_UNAVAILABLE", "LLM provider temporarily unavailable"),
    Situation.PROVIDER_RATE_LIMITED: Answer(503, "PROVIDER_RATE_LIMITED", "Provider rate limit exceeded"),
    Situation.PROVIDER_NOT_CONFIGURED: Answer(422, "PROVIDER_NOT_CONFIGURED", "The provider is not configured"),
    Situation.EXTERNAL_SERVICE_UNAVAILABLE: Answer(
        503, "EXTERNAL_SERVICE_UNAVAILABLE", "An external service is temporarily unavailable"
    ),
    Situation.UNAVAILABLE: Answer(503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable"),
    Situation.TIMEOUT: Answer(504, "TIMEOUT", "The answer took too long"),
    Situation.INTERNAL: Answer(500, "INTERNAL_ERROR", "Something went wrong on our side"),
}


def camel(name: str) -> str:
    """Convert a domain name to this contract's case."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


_FREE_KEYS = ("custom_fields", "default_agent_configs")
"""After these parts of a name follows a key that users chose, which stays unchanged."""


class Agentworks(Contract):
    name = "agentworks"
    base = "/v1"
    error_model = ErrorResponse
    answers = _ANSWERS
    about = About(
        "AgentWorks API",
        "1.0.0",
        "Workspaces, boards, cards and the agents that work on them.\n\n"
        "The socket of a workspace's events sends two types beside the documented ones: `agent_run_waiting`, when a run needs an "
        "answer of a person, and `agent_run_answered`.",
    )
    openapi = "3.0.3"
    drop_none = True
    cookie = (
        "__Host-cadre_session"  # browsers take this prefix from this host only, with Secure and Path=/ (RFC 6265bis, 4.1.3.2)
    )
    workspace_rule = RateRule("aw", 10_000, 3600)
    names = {"item_ids": "cardIds"}
    unknown = frozenset({"phase_id", "column_id"})

    def entries(self, result: Any) -> list[Any]:
        name = _list_of(result)
        return getattr(result, name) if name else []

    def shortened(self, result: Any, number: int) -> Any:
        name, page = _list_of(result), result.pagination
        if name is None or page.nextCursor is not None:  # the cursor stands behind the last entry
            return None
        shorter = pagination(page.limit, page.offset, page.total, number)
        return result.model_copy(update={name: getattr(result, name)[:number], "pagination": shorter})

    def public_name(self, name: str) -> str:
        parts = name.split(".")
        end = next((index + 1 for index, part in enumerate(parts) if part in _FREE_KEYS), len(parts))
        return self.names.get(name) or ".".join([*map(camel, parts[:end]), *parts[end:]])

    def public_details(self, details: Any) -> Any:
        shown = super().public_details(details)
        if (
            isinstance(shown, dict) and "missingFields" in shown
        ):  # as in a lane's requiredFields: a custom field is named by its key alone
            names = map(self.public_name, shown["missingFields"])
            shown["missingFields"] = [name.removeprefix("customFields.") for name in names]
        return shown

    def answer(self, error: CadreError) -> Answer:
        """Return the answer to an error. The document has a code for each kind of missing thing: CARD_NOT_FOUND."""
        if isinstance(error, NotFound):
            return Answer(404, f"{error.kind.upper()}_NOT_FOUND", error.message)
        return super().answer(error)

    def error_body(self, problem: Problem, request_id: str, timestamp: str) -> dict[str, Any]:
        detail: dict[str, Any] = {"code": problem.code, "message": problem.message}
        if problem.rate is not None:
            detail["details"] = {
                "limit": problem.rate.limit,
                "window": problem.rate.window,
                "retryAfter": problem.rate.retry_after,
            }
        elif problem.explained is not None:
            detail["details"] = problem.explained
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
