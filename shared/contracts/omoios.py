"""omoios: snake_case, bare objects and bare arrays, priorities and phases in UPPER CASE, base path `/api/v1`.

The document has no error format: it answers `{"detail": ..., "error": {...}}`, the first for clients of the original service, the
second with the code. Bare arrays cannot say how many there are: `X-Total-Count` does.
"""

from typing import Any

from pydantic import BaseModel

from shared.contracts.base import About, Contract, RateRule, Shape
from shared.contracts.enterprise import PLANS, FieldProblem
from shared.contracts.problems import Problem, problem_for
from shared.core.actor import Permission, Role
from shared.core.errors import CadreError

ROLES = {Role.OWNER: "admin", Role.ADMIN: "admin", Role.MEMBER: "member", Role.VIEWER: "viewer"}
"""Our roles as this contract names them."""
PERMISSIONS = {
    "create_tickets": Permission.CARD_CREATE,
    "spawn_agents": Permission.AGENT_RUN,
    "view_costs": Permission.USAGE_READ,
}


class ErrorDetail(Shape):
    code: str
    message: str
    details: list[FieldProblem] | dict[str, Any] | None = None
    timestamp: str
    request_id: str


class ErrorResponse(Shape):
    detail: str
    error: ErrorDetail


class Omoios(Contract):
    name = "omoios"
    base = "/api/v1"
    about = About("OmoiOS API", "1.0.0", "Tickets on a phased board, tasks, discoveries and the agents that do them.")

    def problem(self, error: CadreError) -> Problem:
        return problem_for(self.name, error)

    def error_body(self, problem: Problem, request_id: str, timestamp: str) -> dict[str, Any]:
        detail: dict[str, Any] = {"code": problem.code, "message": problem.message}
        if (details := self.list_details(problem)) is not None:
            detail["details"] = details
        return {"detail": problem.message, "error": detail | {"timestamp": timestamp, "request_id": request_id}}

    @property
    def error_model(self) -> type[BaseModel]:
        return ErrorResponse

    def rate_rules(self, rate_class: str, plan: str) -> tuple[RateRule, ...]:
        """The document gives no numbers: the organization's plan decides, as in enterprise, but by the hour."""
        windows = PLANS.get(plan, PLANS["free"])
        return tuple(RateRule("om", limit, window) for limit, window in windows if window == 3600)


OMOIOS = Omoios()
