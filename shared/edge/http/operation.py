"""An operation of a contract, as its route declares it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.edge.contracts.base import Contract

Endpoint = Callable[..., Awaitable[Any]]
_VARIABLE = re.compile(r"\{[^}]*\}")
DEFAULT_BODY = 1_048_576  # bytes, unless an operation sets `max_body`. API Gateway's own limit is 10 MB, Lambda's 6 MB


@dataclass(frozen=True)
class Deprecation:
    """A deprecated operation: every response says when it will be removed (ISO 8601, UTC) and the address of its successor."""

    sunset: str
    successor: str

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The enterprise document's own forms, where RFC 9745 and RFC 8594 have a date in another one."""
        return [("Deprecation", "true"), ("Sunset", self.sunset), ("Link", f'<{self.successor}>; rel="successor-version"')]


@dataclass(frozen=True)
class Retired:
    """A path of an older version that is served no more: when it ended, and what a caller does now."""

    deprecation: Deprecation
    advice: str


@dataclass(frozen=True)
class Operation:
    """One documented operation."""

    contract: Contract
    area: str
    method: str
    path: str
    id: str
    endpoint: Endpoint
    status: int = 200
    permission: Permission | None = None
    """The permission that a caller must have where the operation acts; None: any authenticated caller (or anybody, if public)."""
    public: bool = False
    knows_caller: bool = False
    """Public, but a caller who sends a good token is known."""
    personal: bool = False
    """Changes the caller's own account: nothing for an API key or an OAuth client."""
    for_sandboxes: bool = False
    """Open to the token of a sandbox too, for what is its own."""
    rate_class: str = ""
    limited: bool = True
    secret: bool = False
    """The response contains tokens or keys: it is never stored for a repeated request."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """This operation's own names for fields of the services: `{"parent_id": "parentCommentId"}`."""
    max_body: int = DEFAULT_BODY
    model: Any = None
    paged: bool = False
    form: type[BaseModel] | None = None
    """The fields of a request body that is a form and that the endpoint reads itself, for the OpenAPI document."""
    form_media: str = "application/x-www-form-urlencoded"
    """The media type of that form."""
    addition: bool = False
    """Not in the document: an operation that the platform needs, in the contract's style."""
    media: str | tuple[str, ...] | None = None
    """The media type of a response that is not JSON, or whose JSON has no model; several if the caller chooses."""
    raw: bool = False
    """The response has no envelope of the contract."""
    deprecation: Deprecation | None = None
    errors: tuple[Situation, ...] = ()
    """Errors of this operation that others of its kind do not have, for the OpenAPI document."""
    others: Mapping[int, Any] = field(default_factory=dict)
    """Answers of these statuses that are not the contract's own: a model, or the media type of a page."""
    callbacks: Mapping[str, Any] = field(default_factory=dict)
    """OpenAPI's description of requests that the operation makes us send."""
    also: tuple[int, ...] = ()
    """Further statuses whose responses have the same model."""

    @property
    def tag(self) -> str:
        """Return the tag in the OpenAPI document: `Api keys` for apiKeys.create."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.id.partition(".")[0]).capitalize()

    @property
    def order(self) -> tuple[str, ...]:
        """Return a sort key that puts static segments before variables: `/agents/search` must not match as an agent's id."""
        return tuple("~" if _VARIABLE.fullmatch(part) else part for part in self.path.split("/"))
