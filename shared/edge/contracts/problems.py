"""An error on its way to a client: a contract's answer to a situation, and the details of this case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.core.errors import CadreError, FieldError, RateLimited, Upstream
from shared.core.situations import Situation


@dataclass(frozen=True)
class Answer:
    """A contract's status and code for a situation, and the message of the code."""

    status: int
    code: str
    message: str


@dataclass(frozen=True)
class Problem:
    """An error with a contract's status and code, before it is rendered. `reason` is empty if the message says everything."""

    status: int
    code: str
    message: str
    reason: str = ""
    details: Mapping[str, Any] | None = None
    fields: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    rate: RateLimited | None = None

    @property
    def explained(self) -> dict[str, Any] | None:
        """Return the reason together with the details; None if there is neither."""
        reason = {"reason": self.reason} if self.reason else {}
        return reason | dict(self.details or {}) or None


def problem(answer: Answer, error: CadreError) -> Problem:
    """Combine an error with a contract's answer, and add the headers of both."""
    headers: dict[str, str] = {}
    retry_after = error.retry_after if isinstance(error, RateLimited | Upstream) else None
    if retry_after is None and error.situation is Situation.UNAVAILABLE:
        retry_after = 1  # second: what is busy now is rarely busy for longer
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, round(retry_after)))
    if answer.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Problem(
        answer.status,
        answer.code,
        answer.message,
        error.reason if error.reason != answer.message else "",
        error.details,
        tuple(getattr(error, "fields", ())),
        headers,
        error if isinstance(error, RateLimited) else None,
    )
