"""Ask a host for a sandbox: the host is on its list, secrets are put in by name, and its log says what was asked.

No line and no error says more than method, host, status and size: an address, a header or a body may hold what nobody should read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.core import clock, posting
from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError, Upstream
from shared.core.limits import RateRule
from shared.core.situations import Situation
from shared.people.access.records import count_anonymous
from shared.sandboxes.egress.hosts import allowed_host
from shared.sandboxes.egress.secrets import cut_out, fill, longest_form, named_in, read_secrets
from shared.sandboxes.lifecycle.rows import Sandbox
from shared.sandboxes.logs.writing import Line, append
from shared.store import load

SECONDS: Final = 20.0
"""From the first lookup to the last byte of the answer: API Gateway waits for 29."""
MAX_ANSWER: Final = 1_000_000
"""Bytes of an answer that are given on."""
RATES: Final = (RateRule("egress", 120, 60), RateRule("egress-hour", 2_000, 3_600))
"""Requests of one sandbox; our choice. An hour's answers are 2 GB at most."""
_OURS: Final = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding"})
_NOT_GIVEN_ON: Final = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "trailer", "upgrade"}
)


@dataclass(frozen=True)
class Asked:
    """A request of a sandbox. `${NAME}` in the value of a header stands for the workspace's secret of this name."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answered:
    """`is_cut`: the answer was longer than is given on."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_cut: bool


def ask(actor: Actor, sandbox_id: str, asked: Asked) -> Answered:
    """Ask a host. Five round trips beside it: the sandbox, its rate, its secrets, and the line of its log.

    Raises NotFound, Forbidden for a host that is not allowed, Invalid, RateLimited, and Upstream if the host does not answer.
    """
    sandbox = load(Sandbox, sandbox_id, actor, Permission.AGENT_RUN)
    count_anonymous(f"egress#{sandbox.id}", RATES)
    host = "a host"
    try:
        host = allowed_host(asked.url, sandbox.allowed_hosts)
        secrets = read_secrets(str(sandbox.ws_id), named_in(asked.headers))
        answer = _ask(asked, secrets)
    except CadreError as error:
        _note(sandbox, "warn", f"Egress: {asked.method} to {host} was refused. {error.message}")
        raise
    _note(sandbox, "info", f"Egress: {asked.method} {host} {answer.status}, {len(answer.body):,} bytes")
    return answer


def _ask(asked: Asked, secrets: Mapping[str, str]) -> Answered:
    headers = {name: value for name, value in asked.headers.items() if name.lower() not in _OURS}
    sent = fill(headers, secrets) | {"Accept-Encoding": "identity"}
    spare = longest_form(secrets)  # read beyond the end, so that no secret is cut in two and found in neither half
    try:
        got = posting.ask(asked.method, asked.url, asked.body, sent, seconds=SECONDS, max_answer=MAX_ANSWER + spare)
    except posting.NotDelivered as error:
        raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, str(error)) from None
    if got.headers.get("content-encoding", "identity").lower() != "identity":
        raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, "The host answered in an encoding that was not asked for")
    body = cut_out(got.body, secrets)
    shown = {name: cut_out(value.encode(), secrets).decode() for name, value in got.headers.items() if name not in _NOT_GIVEN_ON}
    return Answered(got.status, shown, body[:MAX_ANSWER], len(got.body) >= MAX_ANSWER)


def _note(sandbox: Sandbox, level: str, message: str) -> None:
    append(sandbox.id, sandbox.ws_id, [Line(clock.iso(), level, message)])
