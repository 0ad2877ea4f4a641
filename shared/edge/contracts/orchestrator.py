"""orchestrator: snake_case, bare objects, lists as `{<plural>: [...], pagination}`, page and limit, base path `/api/v1`."""

from typing import Any

from shared.core.limits import RateRule
from shared.core.situations import Situation
from shared.edge.contracts.base import About, Contract, Shape
from shared.edge.contracts.enterprise import FieldProblem
from shared.edge.contracts.plans import plan_rules
from shared.edge.contracts.problems import Answer, Problem

TIERS = {"free": "free", "professional": "pro", "enterprise": "enterprise"}
"""Our plans under this contract's names."""
PLAN_OF_TIER = {tier: plan for plan, tier in TIERS.items()}


class ErrorDetail(Shape):
    code: str
    message: str
    details: list[FieldProblem] | None = None
    timestamp: str
    correlation_id: str


class ErrorResponse(Shape):
    error: ErrorDetail


class Pagination(Shape):
    page: int
    limit: int
    total: int
    pages: int


_INVALID = Answer(400, "VALIDATION_ERROR", "Invalid request data")
_UNAUTHENTICATED = Answer(401, "AUTHENTICATION_ERROR", "Authentication failed")
_DENIED = Answer(403, "AUTHORIZATION_ERROR", "Insufficient permissions")
_CONFLICT = Answer(409, "CONFLICT", "Resource conflict")
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
    Situation.RATE_LIMITED: Answer(429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded"),
    Situation.PROVIDER_UNAVAILABLE: _UNAVAILABLE,
    Situation.PROVIDER_RATE_LIMITED: _UNAVAILABLE,
    Situation.PROVIDER_NOT_CONFIGURED: _INVALID,
    Situation.EXTERNAL_SERVICE_UNAVAILABLE: _UNAVAILABLE,
    Situation.UNAVAILABLE: _UNAVAILABLE,
    Situation.TIMEOUT: Answer(504, "TIMEOUT", "The answer took too long"),
    Situation.INTERNAL: Answer(500, "INTERNAL_ERROR", "Internal server error"),
}


class Orchestrator(Contract):
    name = "orchestrator"
    base = "/api/v1"
    error_model = ErrorResponse
    answers = _ANSWERS
    details_are_fields = True
    about = About("Orchestrator Platform API", "1.0.0", "Agents, workflows, executions and the marketplace.")

    def error_body(self, problem: Problem, request_id: str, timestamp: str) -> dict[str, Any]:
        return {"error": self.error_detail(problem) | {"timestamp": timestamp, "correlation_id": request_id}}

    def rate_rules(self, rate_class: str, plan: str) -> tuple[RateRule, ...]:
        """Return the limits of the organization's plan per hour, as in enterprise: the document gives no numbers."""
        return plan_rules("or", plan, only=3600)


ORCHESTRATOR = Orchestrator()
