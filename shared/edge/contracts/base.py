"""What a contract is: one object that knows its formats, and the base of its shapes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.core.errors import CadreError
from shared.core.limits import RateRule
from shared.core.situations import Situation
from shared.edge.contracts.problems import Answer, Problem, problem

T = TypeVar("T")
__all__ = ["About", "Closed", "Contract", "Paged", "RateRule", "Shape", "serializer"]


class Shape(BaseModel):
    """Base of every answer, and of a request whose document only shows an example: unknown fields are ignored."""

    model_config = ConfigDict(
        extra="ignore",
        protected_namespaces=(),
        hide_input_in_errors=True,  # errors are logged, inputs not
        defer_build=True,  # a cold start builds what its first request needs
    )


class Closed(Shape):
    """Base of a request whose document defines every field (agentworks' interfaces, enterprise's field lists): an unknown field
    is an error that names it, instead of a wish silently dropped."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Paged(Generic[T]):
    """One page of a numbered list, for the contracts that put the page into their envelope."""

    items: list[T]
    total: int
    page: int
    size: int

    @property
    def pages(self) -> int:
        return -(-self.total // self.size)


@dataclass(frozen=True)
class About:
    """What the OpenAPI document says of the contract."""

    title: str
    version: str
    description: str
    tags: tuple[str, ...] = ()
    contact: Mapping[str, str] = field(default_factory=dict)


class Contract(ABC):
    """One wire format. Routes are declared on it (`shared.edge.http.routing`); it renders what services return and raise."""

    name: ClassVar[str]
    base: ClassVar[str]
    """The documented base path, e.g. `/v1`."""
    about: ClassVar[About]
    openapi: ClassVar[str] = "3.1.0"
    drop_none: ClassVar[bool] = False
    """Whether an absent value is left out (TypeScript's `field?:`) or shown as null."""
    cookie: ClassVar[str | None] = None
    """The session cookie, where the contract has one."""
    api_keys: ClassVar[bool] = False
    """Whether `X-API-Key` may stand in for the bearer token."""

    # -- answers

    def published(self, model: Any, paged: bool) -> Any:
        """The type of a whole answer for OpenAPI: `model` itself, or `model` in the contract's envelope."""
        return list[model] if paged else model

    def render(self, result: Any, model: Any, status: int, request_id: str) -> bytes:
        """The body of a successful answer."""
        return self.dump(model, result)

    def dump(self, model: Any, value: Any) -> bytes:
        body: bytes = serializer(model).dump_json(value, exclude_none=self.drop_none)
        return body

    # -- errors

    error_model: ClassVar[type[BaseModel]]
    """The error body as a model, for OpenAPI."""

    answers: ClassVar[Mapping[Situation, Answer]]
    """What the contract answers in every situation. A code has one message, the document's own where it has one."""
    names: ClassVar[Mapping[str, str]] = {}
    """The domain's names that this contract has other words for, in fields and in details."""

    def answer(self, error: CadreError) -> Answer:
        return self.answers[error.situation]

    def problem(self, error: CadreError) -> Problem:
        """The error in this contract's status, code and message. Its fields keep their names: for what the request's models refuse,
        which have the client's names already."""
        return problem(self.answer(error), error)

    def domain_problem(self, error: CadreError, fields: Mapping[str, str] = MappingProxyType({})) -> Problem:
        """The problem of an error that a service raised, its fields and details under the names that clients know. `fields` are the
        names that one operation has for what a service names otherwise."""
        problem = self.problem(error)
        shown = [replace(one, field=fields.get(one.field) or self.public_name(one.field)) for one in problem.fields]
        return replace(problem, fields=tuple(shown), details=self.public_details(problem.details))

    def public_name(self, name: str) -> str:
        """A domain's name (dotted where it is inside another) as this contract writes it."""
        return self.names.get(name, name)

    def public_details(self, details: Any) -> Any:
        """The details of a service's error with this contract's names."""
        return {self.public_name(name): value for name, value in details.items()} if isinstance(details, dict) else details

    @abstractmethod
    def error_body(self, problem: Problem, request_id: str, timestamp: str) -> dict[str, Any]:
        """The body of an error. `request_id` and `timestamp` are plain texts, so that the gateway's own error templates
        (`$context.requestId`) come from the same place."""

    def error_detail(self, problem: Problem) -> dict[str, Any]:
        """Code, message and, where there are any, details, as the snake_case contracts show them."""
        details = self.list_details(problem)
        return {"code": problem.code, "message": problem.message} | ({} if details is None else {"details": details})

    details_are_fields: ClassVar[bool] = False
    """Whether the document shows details as a list of fields and nothing else. What is about no field then has the field `request`."""

    def list_details(self, problem: Problem) -> Any:
        """The details of an error as the snake_case contracts show them: the fields, the limit, or the reason and what goes with it."""
        if problem.fields:
            return [{"field": field.field, "message": field.message} for field in problem.fields]
        details = problem.explained
        if problem.rate is not None:
            details = {"limit": problem.rate.limit, "window": problem.rate.window, "retry_after": problem.rate.retry_after}
        if details is None or not self.details_are_fields:
            return details
        others = {name: value for name, value in details.items() if name != "reason"}
        return [{"field": "request", "message": problem.reason or problem.message} | others]

    # -- limits

    @abstractmethod
    def rate_rules(self, rate_class: str, plan: str) -> tuple[RateRule, ...]:
        """The documented limits of a route: `rate_class` is the route's (auth, workspace, sandbox, message, or ""), `plan` the
        caller's organization's. Empty: not limited."""

    workspace_rule: ClassVar[RateRule | None] = None
    """The documented limit of all callers in a workspace together."""

    def rate_headers(self, limit: int, remaining: int, reset: int, window: int) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(reset),
        }


_serializers: dict[Any, Any] = {}


def serializer(model: Any) -> Any:
    """The TypeAdapter of a type, built once."""
    from pydantic import TypeAdapter

    if model not in _serializers:
        _serializers[model] = TypeAdapter(model)
    return _serializers[model]
