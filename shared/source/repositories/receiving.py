"""What GitHub sends: verified on the bytes as they came, taken once, and put in line. Nothing is worked off here."""

import hashlib
import hmac
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from shared.core import clock, strict_json
from shared.core.errors import ConditionFailed, Malformed, Unauthenticated
from shared.core.ids import is_id
from shared.core.limits import RateRule
from shared.core.sealing import unseal
from shared.core.situations import Situation
from shared.people.access import quota_leases
from shared.source.repositories.hooks import EVENTS
from shared.source.repositories.messages import queue_delivery
from shared.source.repositories.rows import Delivery, Repository, repositories_named
from shared.store import RateStatus, delete, fetch, fetch_all, first_index_rows, put, write

MAX_BODY: Final = 6_000_000
"""Bytes of a body: as many as Lambda takes, although GitHub sends up to 25 MB. What is longer is fetched later (`reconciling`)."""
RULE: Final = RateRule("github", 6_000, 60)
"""Deliveries of one repository in a minute: more than any makes, and a hundredth of what the platform takes in."""
_PREFIX: Final = "sha256="
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DELIVERY: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
_FRESH: Final = 30.0  # seconds for which a process uses a repository as it was read
_MOST_KEPT: Final = 1_000
_MOST_NAMED: Final = 10  # tenants with the same repository that one delivery is tried for, without the number of the connection
_MAX_NAME: Final = 200  # characters of an owner and a name: GitHub has 39 and 100, and a key of the table takes 2,048 bytes
_UNDER_WAY: Final = 300  # seconds in which the queue itself drops a repetition
_known: dict[str, tuple[float, Repository]] = {}


class _Taken(ConditionFailed):
    """This delivery has come before."""


class _NotSigned(Unauthenticated):
    """An unknown repository and a wrong signature look the same: nobody learns what is connected."""

    def __init__(self) -> None:
        super().__init__(Situation.TOKEN_INVALID, "The signature of this webhook is not valid")


@dataclass(frozen=True)
class Incoming:
    """A request as it came. `repository_id` is the number of the connection in its address, if there is one."""

    body: bytes
    event: str
    delivery: str
    signature: str
    repository_id: str | None = None


def receive(incoming: Incoming) -> RateStatus:
    """Take a delivery and put it in line; one that was worked off before, a ping, and what nobody asked for change nothing. Return how many
    deliveries the repository may still send.

    One write and one message; a process that does not know the repository reads it first. Raises Unauthenticated unless it is signed with
    the secret of the repository that it names, RateLimited, Malformed, Invalid, and Upstream if it could not be put in line.
    """
    repository, payload = _signed_for(incoming)
    status = count(repository.id)
    if payload is None:
        raise Malformed("This webhook is not an object in JSON")
    if incoming.event not in EVENTS:
        return status
    if not _DELIVERY.fullmatch(incoming.delivery):
        raise Malformed("The header X-GitHub-Delivery has no number of a delivery")
    take(repository, incoming.event, incoming.delivery, incoming.body)
    return status


def count(whose: str) -> RateStatus:
    """Count a delivery of a repository, or of an installation. Raises RateLimited."""
    status, _ = quota_leases.PROCESS_LEASES.count(f"RL#github#{whose}", (RULE,), ttl=2 * RULE.window)
    return status


def read_signed(incoming: Incoming, secret: str | None) -> dict[str, Any]:
    """Return what the app's webhook says. Raises Unauthenticated unless it is signed with this secret, Malformed if nobody can read it, or
    if it has no number."""
    digest = incoming.signature.removeprefix(_PREFIX)
    if secret is None or not incoming.signature.startswith(_PREFIX) or not _DIGEST.fullmatch(digest):
        raise _NotSigned
    if not hmac.compare_digest(hmac.new(secret.encode(), incoming.body, hashlib.sha256).hexdigest(), digest):
        raise _NotSigned
    payload = _read(incoming.body)
    if payload is None:
        raise Malformed("This webhook is not an object in JSON")
    if not _DELIVERY.fullmatch(incoming.delivery):
        raise Malformed("The header X-GitHub-Delivery has no number of a delivery")
    return payload


def take(repository: Repository, event: str, delivery: str, body: bytes) -> bool:
    """Put a delivery in line, unless it was worked off or is under way. Return whether it was put in line."""
    pk, sk = Delivery.key_of(repository.id, delivery)
    now = clock.epoch()
    row = Delivery(pk=pk, sk=sk, taken_at=now, ttl=now + Delivery.KEPT)
    lost = (Delivery.done == False) & (Delivery.taken_at < now - _UNDER_WAY)  # noqa: E712 - a condition of DynamoDB
    try:
        write(put(row, Delivery.pk.does_not_exist() | lost, _Taken))
    except _Taken:
        return False
    try:
        queue_delivery(str(repository.ws_id), repository.id, event, delivery, body)
    except BaseException:
        with suppress(Exception):  # the first error counts; the row lets the delivery come again in a minute
            write(delete(row))
        raise
    return True


def _signed_for(incoming: Incoming) -> tuple[Repository, dict[str, Any] | None]:
    """Return the repository with whose secret the body is signed, and what the body says, None if nobody can read it. Raises
    Unauthenticated."""
    digest = incoming.signature.removeprefix(_PREFIX)
    if not incoming.signature.startswith(_PREFIX) or not _DIGEST.fullmatch(digest):
        raise _NotSigned
    if incoming.repository_id is not None:
        repository = _by_id(incoming.repository_id, incoming.body, digest)
        if repository is None:
            raise _NotSigned
        payload = _read(incoming.body)
        if payload is not None and repository_in(payload)[0] != int(repository.github_id):
            raise _NotSigned  # signed by whoever has the secret, and about another repository
        return repository, payload
    payload = _read(incoming.body)
    number, full_name = repository_in(payload or {})
    for repository in _by_name(full_name):
        if number == int(repository.github_id) and _is_signed(repository, incoming.body, digest):
            return repository, payload
    raise _NotSigned


def _by_id(repository_id: str, body: bytes, digest: str) -> Repository | None:
    """Return the repository with this id if the body is signed with its secret. One that this process knows is read again if not."""
    if not is_id(repository_id):
        return None
    read_at, known = _known.get(repository_id, (0.0, None))
    if known is not None and time.monotonic() - read_at < _FRESH and _is_signed(known, body, digest):
        return known
    repository = fetch(Repository, repository_id)
    if repository is None or repository.deleted_at:
        return None
    if len(_known) >= _MOST_KEPT:
        _known.clear()
    _known[repository_id] = time.monotonic(), repository
    return repository if _is_signed(repository, body, digest) else None


def _by_name(full_name: str) -> list[Repository]:
    if not full_name:
        return []
    rows, _ = first_index_rows(*repositories_named(full_name), _MOST_NAMED)
    return fetch_all(Repository, [row.id for row in rows])


def _is_signed(repository: Repository, body: bytes, digest: str) -> bool:
    if not repository.secret:  # connected by the app, which has its own
        return False
    secret = unseal(repository.secret, repository.id)
    return hmac.compare_digest(hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(), digest)


def repository_in(payload: dict[str, Any]) -> tuple[int, str]:
    """Return the number and the name of the repository that a payload is about; (0, "") if it names none."""
    repository = payload.get("repository")
    if not isinstance(repository, dict):
        return 0, ""
    number, name = repository.get("id"), repository.get("full_name")
    if not isinstance(number, int) or not isinstance(name, str) or len(name) > _MAX_NAME:
        return 0, ""
    return number, name


def _read(body: bytes) -> dict[str, Any] | None:
    """Return the object that a body is as JSON; None if it is none."""
    try:
        value = strict_json.parse(body, "The webhook")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def clear_cache() -> None:
    """Forget which repositories there are."""
    _known.clear()
