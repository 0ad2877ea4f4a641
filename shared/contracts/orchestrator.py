"""orchestrator: snake_case, bare objects, lists as `{<plural>: [...], pagination}`, page and limit, base path `/api/v1`."""

from typing import Any

from pydantic import BaseModel

from shared.contracts.base import About, Contract, RateRule, Shape
from shared.contracts.enterprise import PLANS, FieldProblem
from shared.contracts.problems import Problem, problem_for
from shared.core.errors import CadreError

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
    about = About("Orchestrator Platform API", "1.0.0", "Agents, workflows, executions and the marketplace.")

    def problem(self, error: CadreError) -> Problem:
        return problem_for(self.name, error)

    def error_body(self, problem: Problem, request_id: str, timestamp: str) -> dict[str, Any]:
        detail: dict[str, Any] = {"code": problem.code, "message": problem.message}
        if (details := self.list_details(problem)) is not None:
            detail["details"] = details
        return {"error": detail | {"timestamp": timestamp, "correlation_id": request_id}}

    @property
    def error_model(self) -> type[BaseModel]:
        return ErrorResponse

    def rate_rules(self, rate_class: str, plan: str) -> tuple[RateRule, ...]:
        """The document gives no numbers: the organization's plan decides, as in enterprise, but by the hour."""
        windows = PLANS.get(plan, PLANS["free"])
        return tuple(RateRule("or", limit, window) for limit, window in windows if window == 3600)


ORCHESTRATOR = Orchestrator()
