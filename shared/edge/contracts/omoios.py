"""omoios: snake_case, bare objects and bare arrays, priorities and phases in UPPER CASE, base path `/api/v1`.

The document has no error format: it answers `{"detail": ..., "error": {...}}`, the first for clients of the original service, the
second with the code. Bare arrays cannot say how many there are: `X-Total-Count` does.
"""

from typing import Annotated, Any

from pydantic import Field

from shared.core.actor import Permission, Role
from shared.core.limits import RateRule
from shared.edge.contracts.base import About, Contract, Shape
from shared.edge.contracts.enterprise import FieldProblem
from shared.edge.contracts.plans import plan_rules
from shared.edge.contracts.problems import Problem

ROLES = {Role.OWNER: "admin", Role.ADMIN: "admin", Role.MEMBER: "member", Role.VIEWER: "viewer"}
"""Our roles as this contract names them."""
PERMISSIONS = {
    "create_tickets": Permission.CARD_CREATE,
    "spawn_agents": Permission.AGENT_RUN,
    "view_costs": Permission.USAGE_READ,
}


Id = Annotated[str, Field(max_length=100)]
Phase = Annotated[str, Field(max_length=50)]
Priority = Annotated[str, Field(pattern=r"(?i)^(critical|high|medium|low)$")]


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
    error_model = ErrorResponse
    names = {"item_ids": "ticket_ids"}
    about = About("OmoiOS API", "1.0.0", "Tickets on a phased board, tasks, discoveries and the agents that do them.")

    def error_body(self, problem: Problem, request_id: str, timestamp: str) -> dict[str, Any]:
        return {
            "detail": problem.message,
            "error": self.error_detail(problem) | {"timestamp": timestamp, "request_id": request_id},
        }

    def rate_rules(self, rate_class: str, plan: str) -> tuple[RateRule, ...]:
        """The document gives no numbers: the organization's plan decides, as in enterprise, but by the hour."""
        return plan_rules("om", plan, only=3600)


OMOIOS = Omoios()
