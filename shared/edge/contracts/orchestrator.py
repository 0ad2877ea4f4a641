"""orchestrator: snake_case, bare objects, lists as `{<plural>: [...], pagination}`, page and limit, base path `/api/v1`."""

from typing import Any

from shared.core.limits import RateRule
from shared.edge.contracts.base import About, Contract, Shape
from shared.edge.contracts.enterprise import FieldProblem
from shared.edge.contracts.plans import plan_rules
from shared.edge.contracts.problems import Problem

TIERS = {"free": "free", "professional": "pro", "enterprise": "enterprise"}
"""Our plans as this contract names them."""
PLAN_OF_TIER = {tier: plan for plan, tier in TIERS.items()}


class ErrorDetail(Shape):
    code: str
    message: str
    details: list[FieldProblem] | dict[str, Any] | None = None
    timestamp: str
    correlation_id: str


class ErrorResponse(Shape):
    error: ErrorDetail


class Pagination(Shape):
    page: int
    limit: int
    total: int
    pages: int


class Orchestrator(Contract):
    name = "orchestrator"
    base = "/api/v1"
    error_model = ErrorResponse
    about = About("Orchestrator Platform API", "1.0.0", "Agents, workflows, executions and the marketplace.")

    def error_body(self, problem: Problem, request_id: str, timestamp: str) -> dict[str, Any]:
        return {"error": self.error_detail(problem) | {"timestamp": timestamp, "correlation_id": request_id}}

    def rate_rules(self, rate_class: str, plan: str) -> tuple[RateRule, ...]:
        """The document gives no numbers: the organization's plan decides, as in enterprise, but by the hour."""
        return plan_rules("or", plan, only=3600)


ORCHESTRATOR = Orchestrator()
