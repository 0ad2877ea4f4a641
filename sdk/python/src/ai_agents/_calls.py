"""One request as data, and what becomes of its answer: all that needs no connection, so that both clients share it."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
import pydantic

from ai_agents.credentials import Credential
from ai_agents.errors import APIConnectionError, UnexpectedAnswerError, error_of, retry_after

T = TypeVar("T")

USER_AGENT = "ai-agents-sdk-python/1.0.0"
_UNDONE = {429, 503}
"""The platform has done nothing: every request may be repeated."""
_UNKNOWN = {500, 502, 504}
"""Nobody knows what was done: only what is safe to repeat is repeated."""
_SAFE_METHODS = {"GET", "PUT", "DELETE"}


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    form: Mapping[str, object] | None = None
    idempotency_key: str | None = None
    public: bool = False
    bare: bool = False
    """The answer has no envelope."""
    accepts: tuple[int, ...] = ()
    """Statuses of an error that are an answer of this operation."""

    @property
    def is_repeatable(self) -> bool:
        return self.method in _SAFE_METHODS or self.idempotency_key is not None


@dataclass(frozen=True)
class Retries:
    """How often a request is tried again, and how long is waited: exponentially with full jitter, or as `Retry-After` says."""

    attempts: int = 2
    first: float = 0.5
    """Seconds at most before the first repeat; twice as many before the next one."""
    longest: float = 60.0
    """Seconds: if the platform asks for more patience, the error is raised at once."""

    def pause(self, attempt: int, asked: float | None) -> float | None:
        """Return the seconds before repeat number `attempt`, from 0 on; None if there is none."""
        if attempt >= self.attempts or (asked or 0) > self.longest:
            return None
        spread = random.uniform(0, min(self.first * 2**attempt, self.longest))  # noqa: S311 - no secret
        return (asked or 0) + spread


class Tries:
    """The tries of one call."""

    def __init__(self, call: Call, retries: Retries) -> None:
        self._call, self._retries, self._made, self._renewed = call, retries, 0, False

    def failed(self, error: httpx2.TransportError) -> float:
        """Return the seconds to wait after a connection failed. Raises APIConnectionError."""
        never_arrived = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
        pause = self._pause(None) if never_arrived or self._call.is_repeatable else None
        if pause is None:
            raise APIConnectionError(f"{type(error).__name__}: {error}") from error
        return pause

    def answered(self, response: httpx2.Response, credential: Credential) -> float | None:
        """Return the seconds to wait before the next try; None if the answer is good. Raises APIError."""
        status = response.status_code
        if status < 300 or status in self._call.accepts:
            return None
        refused = response.request.headers.get("authorization")
        if status == 401 and not self._call.public and not self._renewed and credential.expire(refused):
            self._renewed = True
            return 0.0
        asked = retry_after(response)
        again = status in _UNDONE or (status in _UNKNOWN and self._call.is_repeatable) or (status == 409 and asked is not None)
        pause = self._pause(asked) if again else None
        if pause is None:
            raise error_of(response)
        return pause

    def _pause(self, asked: float | None) -> float | None:
        pause = self._retries.pause(self._made, asked)
        self._made += 1
        return pause


def path_of(template: str, *values: str) -> str:
    """Return a path with these values in place of its braces. Raises ValueError if one would change what the path means."""
    for value in values:
        if value.strip(".") == "":
            raise ValueError(f"An id is missing in {template}")
    return template.format(*(quote(value, safe="") for value in values))


def new_key() -> str:
    return str(uuid.uuid4())


def request_arguments(call: Call, base_url: str, signed: dict[str, str]) -> dict[str, Any]:
    """Return what the HTTP library builds the request from."""
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json"} | signed
    if call.idempotency_key:
        headers["Idempotency-Key"] = call.idempotency_key
    arguments: dict[str, Any] = {"method": call.method, "url": base_url + call.path, "headers": headers}
    arguments["follow_redirects"] = False  # one would carry the credential to another address
    if query := {name: _text(value) for name, value in call.query.items() if value is not None}:
        arguments["params"] = query
    if call.body is not None:
        arguments["json"] = call.body
    if call.form is not None:
        arguments["data"] = {name: value for name, value in call.form.items() if value is not None}
    return arguments


def _text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def parse(call: Call, response: httpx2.Response, model: type[T]) -> T:
    """Return what an answer carries. Raises UnexpectedAnswerError."""
    try:
        body = response.json()
        return pydantic.TypeAdapter(model).validate_python(body if call.bare else body["data"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnexpectedAnswerError(f"{call.method} {call.path} was answered {response.status_code}: {error}") from error


def token_call(form: Mapping[str, str]) -> Call:
    return Call("POST", "/oauth/token", form=form, public=True, bare=True)
