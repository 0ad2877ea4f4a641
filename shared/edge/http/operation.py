"""One operation of one contract, as its route declares it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.edge.contracts.base import Contract

Endpoint = Callable[..., Awaitable[Any]]
_VARIABLE = re.compile(r"\{[^}]*\}")
DEFAULT_BODY = 1_048_576  # bytes; an operation that takes more says so. API Gateway's own limit is 10 MB, Lambda's 6 MB


@dataclass(frozen=True)
class Retired:
    """An operation that will go: every answer says when (ISO 8601, UTC) and what to use instead (an address)."""

    sunset: str
    successor: str

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [("Deprecation", "true"), ("Sunset", self.sunset), ("Link", f'<{self.successor}>; rel="successor-version"')]


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
    needs: Permission | None = None
    """The permission a caller must have where the operation acts; None: any authenticated caller (or nobody, if public)."""
    public: bool = False
    rate_class: str = ""
    limited: bool = True
    secret: bool = False
    """The answer holds tokens or keys: it is never kept for a repeated request."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What this operation calls a field that the services behind it name otherwise: `{"parent_id": "parentCommentId"}`."""
    counted_by: str | None = None
    """The field of the body (an e-mail address) that anonymous requests are counted by, beside where they come from."""
    max_body: int = DEFAULT_BODY
    model: Any = None
    paged: bool = False
    addition: bool = False
    """Not in the document: an operation the platform needs, in the contract's style."""
    media: str | None = None
    """The media type of an answer that is not JSON, or whose JSON has no model."""
    raw: bool = False
    """The answer stands outside the contract's envelope."""
    retired: Retired | None = None
    errors: tuple[Situation, ...] = ()
    """What else can go wrong than in every operation of its kind, for the OpenAPI document."""
    also: tuple[int, ...] = ()
    """Further statuses that are answered with the same model."""

    @property
    def tag(self) -> str:
        """What the operation belongs to in the OpenAPI document: `Api keys` for apiKeys.create."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.id.partition(".")[0]).capitalize()

    @property
    def order(self) -> tuple[str, ...]:
        """Static segments before variable ones: `/agents/search` must not be read as an agent's id."""
        return tuple("~" if _VARIABLE.fullmatch(part) else part for part in self.path.split("/"))
