"""omoios: snake_case, bare objects and bare arrays, priorities and phases in UPPER CASE, base path `/api/v1`.

The document has no error format; we use `{"detail": ..., "error": {...}}`: `detail` has the reason for clients of the original
service, `error` the code. A bare array cannot hold its total, so `X-Total-Count` does.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from shared.core.actor import Permission, Role
from shared.core.limits import RateRule
from shared.core.situations import Situation
from shared.edge.contracts.base import About, Contract, Shape
from shared.edge.contracts.enterprise import FieldProblem
from shared.edge.contracts.fields import Form
from shared.edge.contracts.plans import plan_rules
from shared.edge.contracts.problems import Answer, Problem

ROLES = {Role.OWNER: "admin", Role.ADMIN: "admin", Role.MEMBER: "member", Role.VIEWER: "viewer"}
"""Our roles under this contract's names."""
PERMISSIONS = {
    "create_tickets": Permission.CARD_CREATE,
    "spawn_agents": Permission.AGENT_RUN,
    "view_costs": Permission.USAGE_READ,
}
TICKET_FIELDS = frozenset({"title", "description", "priority", "phase_id"})
"""What clients of this contract can say of a ticket."""

_SAID = 3  # fields that `detail` names

HEARTBEAT = "heartbeat"
HEARTBEATS = 10  # heartbeats for each request of the plan: every ten seconds from 27 agents of a free organization

Id = Annotated[str, Field(max_length=100)]
Phase = Annotated[str, Field(max_length=50)]
Priority = Annotated[str, Form(r"(?i)^(critical|high|medium|low)$", "Should be CRITICAL, HIGH, MEDIUM or LOW")]


def _not_a_step(value: str) -> str:
    """Refuse what leads elsewhere in a path."""
    if value in (".", ".."):
        raise ValueError("This is no name")
    return value


RepositoryName = Annotated[
    str,
    Form(r"^[\w.-]{1,100}$", "Should be 1 to 100 letters, digits, dots, hyphens and underscores"),
    AfterValidator(_not_a_step),
]
"""The name of a repository at GitHub, or of its owner."""


class ErrorDetail(Shape):
    code: str
    message: str
    details: list[FieldProblem] | dict[str, Any] | None = None
    timestamp: str
    request_id: str


class ErrorResponse(Shape):
    detail: str
    error: ErrorDetail


_INVALID = Answer(422, "VALIDATION_ERROR", "The request is not valid")
_BAD_REQUEST = Answer(400, "VALIDATION_ERROR", "The request is not valid")
_UNAUTHENTICATED = Answer(401, "AUTHENTICATION_ERROR", "The caller did not prove who they are")
_DENIED = Answer(403, "AUTHORIZATION_ERROR", "The caller may not do this")
_CONFLICT = Answer(409, "CONFLICT", "The current state does not allow this")
_UNAVAILABLE = Answer(503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable")
_ANSWERS = {
    Situation.INVALID: _INVALID,
    Situation.EMAIL_FORMAT: _INVALID,
    Situation.PASSWORD_WEAK: _INVALID,
    Situation.MALFORMED: _BAD_REQUEST,
    Situation.TOO_LARGE: Answer(413, "PAYLOAD_TOO_LARGE", "The request body is too large"),
    Situation.UNSUPPORTED_MEDIA: Answer(415, "UNSUPPORTED_MEDIA_TYPE", "This media type is not supported"),
    Situation.ADDRESS_TOO_LONG: Answer(414, "URI_TOO_LONG", "The address is too long"),
    Situation.METHOD_NOT_ALLOWED: Answer(405, "METHOD_NOT_ALLOWED", "This path has no such method"),
    Situation.NOT_FOUND: Answer(404, "NOT_FOUND", "Resource not found"),
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
    Situation.SLUG_TAKEN: _CONFLICT,
    Situation.EMAIL_TAKEN: _CONFLICT,
    Situation.ALREADY_MEMBER: _CONFLICT,
    Situation.DEPENDENCY_EXISTS: _CONFLICT,
    Situation.VERSION_CONFLICT: _CONFLICT,
    Situation.IDEMPOTENCY_KEY_USED: Answer(409, "IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used before"),
    Situation.PROJECT_ARCHIVED: _CONFLICT,
    Situation.CARD_ARCHIVED: _CONFLICT,
    Situation.LANE_TRANSITION: _BAD_REQUEST,
    Situation.DEPENDENCY_CYCLE: _BAD_REQUEST,
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
    Situation.SAMPLES_TOO_FEW: _BAD_REQUEST,
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
    Situation.RATE_LIMITED: Answer(429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded"),
    Situation.PROVIDER_UNAVAILABLE: _UNAVAILABLE,
    Situation.PROVIDER_RATE_LIMITED: _UNAVAILABLE,
    Situation.PROVIDER_NOT_CONFIGURED: _BAD_REQUEST,
    Situation.EXTERNAL_SERVICE_UNAVAILABLE: _UNAVAILABLE,
    Situation.UNAVAILABLE: _UNAVAILABLE,
    Situation.TIMEOUT: Answer(504, "TIMEOUT", "The answer took too long"),
    Situation.INTERNAL: Answer(500, "INTERNAL_ERROR", "Something went wrong on our side"),
}


class Omoios(Contract):
    name = "omoios"
    base = "/api/v1"
    error_model = ErrorResponse
    answers = _ANSWERS
    names = {"item_ids": "ticket_ids", "card_count": "ticket_count", "lane_wip_limit": "phase_wip_limit"}
    words = {
        "card": "ticket",
        "cards": "tickets",
        "lane": "phase",
        "lane_name": "{phase_id}",
        "such_cards": "this ticket",
        "this_field": "the custom field {key}",
    }
    unknown = frozenset({"lane_id", "allowed_card_types"})
    about = About("OmoiOS API", "1.0.0", "Tickets on a phased board, tasks, discoveries and the agents that do them.")

    def public_name(self, name: str) -> str:
        """Return the name that clients know. Custom fields cannot be sent: what is wrong with one is wrong with the whole request."""
        return "request" if name.startswith("custom_fields.") else super().public_name(name)

    def public_details(self, details: Any) -> Any:
        shown = super().public_details(details)
        if isinstance(shown, dict) and "missing_fields" in shown:  # others cannot be sent; the reason has them in words
            sent = [name for name in shown.pop("missing_fields") if name in TICKET_FIELDS]
            shown |= {"missing_fields": sent} if sent else {}
        return shown

    def error_body(self, problem: Problem, request_id: str, timestamp: str) -> dict[str, Any]:
        return {
            "detail": _fields(problem) or problem.reason or problem.message,
            "error": self.error_detail(problem) | {"timestamp": timestamp, "request_id": request_id},
        }

    def rate_rules(self, rate_class: str, plan: str) -> tuple[RateRule, ...]:
        """Return the limits of the organization's plan per hour, as in enterprise: the document gives no numbers.

        Heartbeats have limits of their own: with those of requests three agents would use up the free plan.
        """
        rules = plan_rules("om", plan, only=3600)
        if rate_class != HEARTBEAT:
            return rules
        return tuple(RateRule(f"{rule.name}-{HEARTBEAT}", rule.limit * HEARTBEATS, rule.window) for rule in rules)


def _fields(problem: Problem) -> str:
    """Return what is wrong with the first fields, in words: many clients show `detail` and nothing else."""
    said = [f"{one.field}: {one.message}" for one in problem.fields[:_SAID]]
    return "; ".join(said) + (f"; and {len(problem.fields) - _SAID} more" if len(problem.fields) > _SAID else "")


OMOIOS = Omoios()
