"""The base class of contracts, and the base models of their requests and responses."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.core.errors import CadreError
from shared.core.limits import RateRule
from shared.core.situations import Situation
from shared.core.wording import worded
from shared.edge.contracts.problems import Answer, Problem, problem

T = TypeVar("T")
__all__ = ["About", "Contract", "Paged", "RateRule", "Request", "Shape", "StrictRequest", "serializer"]


class Shape(BaseModel):
    """Base of every response."""

    model_config = ConfigDict(
        extra="ignore",
        protected_namespaces=(),
        hide_input_in_errors=True,  # errors are logged, inputs must not be
        defer_build=True,  # a cold start builds only the models of its first request
    )


class Request(Shape):
    """Base of requests whose document only shows an example: unknown fields are ignored. A type is what the document says: `true` and
    `"5"` are no numbers, `0` is no boolean."""

    model_config = ConfigDict(strict=True)


class StrictRequest(Request):
    """Base of requests whose document defines every field (agentworks' interfaces, enterprise's field lists): an unknown field is
    an error that names it, instead of being ignored."""

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
    """The general part of a contract's OpenAPI document."""

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
    """The name of the session cookie, if the contract has one."""

    # -- answers

    def published(self, model: Any, paged: bool) -> Any:
        """Return the type of a whole response for OpenAPI: `model` itself, or `model` in the contract's envelope."""
        return list[model] if paged else model

    def render(self, result: Any, model: Any, status: int, request_id: str) -> bytes:
        """Return the body of a successful response."""
        return self.dump(model, result)

    def dump(self, model: Any, value: Any) -> bytes:
        body: bytes = serializer(model).dump_json(value, exclude_none=self.drop_none)
        return body

    def entries(self, result: Any) -> list[Any]:
        """Return the entries of a page; none of what is no page."""
        if isinstance(result, Paged):
            return result.items
        return result if isinstance(result, list) else []

    def shortened(self, result: Any, number: int) -> Any:
        """Return a page with only its first entries, from which clients go on behind them; None where they could not."""
        return result[:number] if isinstance(result, list) else None

    closed_queries: ClassVar[bool] = False
    """Whether an unknown query parameter is an error, and not ignored."""

    page_limit: ClassVar[str] = "limit"
    """The parameter that says how many entries a page has."""

    # -- errors

    error_model: ClassVar[type[BaseModel]]
    """The error body as a model, for OpenAPI."""

    answers: ClassVar[Mapping[Situation, Answer]]
    """The contract's answer to every situation. A code has one message, the document's own if it has one."""
    names: ClassVar[Mapping[str, str]] = {}
    """Domain names for which this contract has other words, in fields and in details (also the `rule` there)."""
    words: ClassVar[Mapping[str, str]] = {}
    """This contract's words for things that messages name (`shared.core.wording`)."""
    unknown: ClassVar[frozenset[str]] = frozenset()
    """Domain names of what this contract does not have; details are shown without them."""

    def answer(self, error: CadreError) -> Answer:
        return self.answers[error.situation]

    def problem(self, error: CadreError) -> Problem:
        """Convert an error to this contract's status, code and message. Field names are unchanged: for errors of request models,
        which already have the client's names."""
        return problem(self.answer(error), error)

    def domain_problem(self, error: CadreError, fields: Mapping[str, str] = MappingProxyType({})) -> Problem:
        """Convert an error of a service, with fields and details under the names that clients know. `fields` are the operation's
        own names."""
        problem = self.problem(error)
        shown = [
            replace(one, field=fields.get(one.field) or self.public_name(one.field), message=worded(one.message, self.words))
            for one in problem.fields
        ]
        reason = worded(problem.reason, self.words)
        return replace(problem, reason=reason, fields=tuple(shown), details=self.public_details(problem.details))

    def public_name(self, name: str) -> str:
        """Return a domain name (dotted if nested) as this contract writes it."""
        return self.names.get(name, name)

    def public_details(self, details: Any) -> Any:
        """Return the details of a service's error with this contract's names."""
        if not isinstance(details, dict):
            return details
        shown = {self.public_name(name): value for name, value in details.items() if name not in self.unknown}
        return shown | {"rule": self.names.get(shown["rule"], shown["rule"])} if "rule" in shown else shown

    @abstractmethod
    def error_body(self, problem: Problem, request_id: str, timestamp: str) -> dict[str, Any]:
        """Return the body of an error. `request_id` and `timestamp` are plain texts, so that the gateway's own error templates
        (`$context.requestId`) can be rendered by it too."""

    def error_detail(self, problem: Problem) -> dict[str, Any]:
        """Return code, message and any details, as the snake_case contracts show them."""
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
        """Return the documented limits of a route. `rate_class` is the route's class (auth, workspace, sandbox, message, or ""),
        `plan` that of the caller's organization. Empty: not limited."""

    workspace_rule: ClassVar[RateRule | None] = None
    """The documented limit for all callers in a workspace together."""

    def rate_headers(self, limit: int, remaining: int, reset: int, window: int) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(reset),
        }


_serializers: dict[Any, Any] = {}


def serializer(model: Any) -> Any:
    """Return the TypeAdapter of a type, built once."""
    from pydantic import TypeAdapter

    if model not in _serializers:
        _serializers[model] = TypeAdapter(model)
    return _serializers[model]
