"""`Idempotency-Key`: a POST that is sent twice is executed once.

first     the key is claimed (a conditional put), the endpoint runs, its response is stored for a day
again     the stored response, with `Idempotent-Replayed: true`
again, while the first still runs     409, Retry-After 1
again, with another body              409
the first was refused                 the claim is deleted: the caller may correct the request and use the key again
refused after it wrote                the refusal is stored and shown again, as a response is: a repeat would do what was done a second time
failed, and asks to try again         the claim is deleted, also after a write: what is left then is undone, or a repeat continues it
the first died before it wrote        the claim ends after LOCK_SECONDS
the first died after it wrote         409 for a day: the request was done, its response is not known

Every transaction of the request also marks the claim as `done`, so a write and its mark are there both or not at all, and a request
that lost its claim cannot write. An effect that is not made by `shared.store.write` has no mark: it must be safe to repeat.

A long response is stored as a file, below `idempotency/`, which the bucket expires. A response with a secret (tokens, a new API
key) is not stored, nor one that is not JSON, nor a long one in a function without access to the bucket: the same key then answers 409.
"""

import hashlib
import json
from collections.abc import Callable, Coroutine
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from starlette.requests import Request
from starlette.responses import Response

from shared.core import clock
from shared.core.errors import CadreError, ConditionFailed, Conflict, FieldError, Invalid
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.edge.http import log
from shared.edge.http.call import Call
from shared.edge.http.operation import Operation
from shared.store import (
    BooleanAttribute,
    Ephemeral,
    NumberAttribute,
    UnicodeAttribute,
    absent,
    delete,
    get,
    load_text,
    put,
    store_text,
    transaction_guard,
    update,
    write,
)
from shared.store import Operation as Write

LOCK_SECONDS = 30  # seconds: longer than an API function may run (29 s is the gateway's limit)
KEEP_SECONDS = 86_400


class _KeyClaimed(ConditionFailed):
    """Another request has this key."""


class _ClaimLost(ConditionFailed):
    """The claim is not ours any more."""


class IdempotencyRecord(Ephemeral):
    """A key that the request `owner` claimed, whether that request has written anything, and its response once it is known."""

    owner = UnicodeAttribute()
    body_hash = UnicodeAttribute()
    locked_until = NumberAttribute()
    done = BooleanAttribute(null=True)
    status = NumberAttribute(null=True)
    answer = UnicodeAttribute(null=True)


async def run_once(
    operation: Operation,
    request: Request,
    call: Call,
    endpoint: Callable[[Request], Coroutine[Any, Any, Response]],
    refusal: Callable[[CadreError], Response],
) -> Response:
    """Run the endpoint, or return the stored response if the request was already answered. `refusal` renders an error."""
    key = request.headers.get("idempotency-key")
    if key is None or operation.method != "POST":
        return await endpoint(request)
    if not 0 < len(key) <= 255:
        raise Invalid(FieldError("Idempotency-Key", "The key must have 1 to 255 characters"))
    who = f"{call.actor.id}{call.credential}" if call.actor else call.client_ip
    key_hash = hashlib.sha256(json.dumps([operation.contract.name, request.url.path, who, key]).encode()).hexdigest()
    claim = IdempotencyRecord(
        pk=f"IDEMP#{key_hash}",
        sk="META",
        owner=new_id(),
        body_hash=hashlib.sha256(await request.body()).hexdigest(),
        locked_until=clock.epoch() + LOCK_SECONDS,
        ttl=clock.epoch() + KEEP_SECONDS,
    )
    stored = _claim(claim, call)
    if stored is not None:
        return _replay(stored, call)
    try:
        with transaction_guard(lambda: [_mark_done(claim)]):
            response = await endpoint(request)
    except CadreError as error:
        refused = refusal(error)
        if not _settle(_release(claim, if_done=_asks_to_try_again(refused)), operation, call):
            _settle(_answered(claim, refused.status_code, _store_answer(key_hash, call, refused)), operation, call)
        raise
    except BaseException:
        _settle(_release(claim), operation, call)
        raise
    if response.status_code < 300:
        answer = None if operation.secret else _store_answer(key_hash, call, response)
        _settle(_answered(claim, response.status_code, answer), operation, call)
    else:
        _settle(_release(claim), operation, call)
    return response


def _mark_done(claim: IdempotencyRecord) -> Write:
    """Return the operation that marks the claim as done; it is refused if the claim ran out and another request has the key."""
    lost = Conflict(Situation.IDEMPOTENCY_KEY_USED, "Another request with this Idempotency-Key has taken over")
    return update(claim, [IdempotencyRecord.done.set(True)], _is_ours(claim), lost)


def _answered(claim: IdempotencyRecord, status: int, answer: str | None) -> Write:
    """Return the operation that stores the answer of the request."""
    claim.status, claim.locked_until, claim.done, claim.answer = status, 0, True, answer
    return put(claim, _is_ours(claim), _ClaimLost)


def _asks_to_try_again(response: Response) -> bool:
    return response.status_code == 429 or response.status_code >= 500


def _release(claim: IdempotencyRecord, *, if_done: bool = False) -> Write:
    """Return the operation that frees the key; without `if_done` only if the request has written nothing."""
    ours = _is_ours(claim)
    return delete(claim, ours if if_done else ours & IdempotencyRecord.done.does_not_exist(), _ClaimLost)


def _is_ours(claim: IdempotencyRecord) -> Any:
    return IdempotencyRecord.owner == claim.owner


def _settle(ending: Write, operation: Operation, call: Call) -> bool:
    """Write how the request ended. Return False if the key is another request's now, or this one has written something.

    If the write fails, the caller still gets the answer, and the claim says what is known: it runs out, or it is done.
    """
    try:
        write(ending)
    except ConditionFailed:
        return False
    except (BotoCoreError, ClientError):
        log.crash(operation, call)
    return True


def _store_answer(key_hash: str, call: Call, response: Response) -> str | None:
    """Return the response in the form that the row holds; None if it is not JSON, or is long and cannot be written as a file. The
    key stays used then."""
    body: bytes | None = getattr(response, "body", None)  # a stream has none
    if body is None or not _is_json(response):
        return None
    answer = json.dumps([call.headers, body.decode()], ensure_ascii=False)
    try:
        return store_text(f"idempotency/{key_hash}", answer)
    except (LookupError, BotoCoreError, ClientError):  # this function has no bucket, may not write to it or cannot reach it
        return None


def _is_json(response: Response) -> bool:
    return response.headers.get("content-type", "application/json").startswith("application/json")


def _claim(claim: IdempotencyRecord, call: Call) -> IdempotencyRecord | None:
    """Claim the key. Return None if it is ours now, or the stored record if it was used before. Raises Conflict."""
    now = clock.epoch()
    given_up = IdempotencyRecord.done.does_not_exist() & (IdempotencyRecord.locked_until < now)
    try:
        write(put(claim, absent(claim) | given_up, _KeyClaimed))
    except ConditionFailed:
        stored = get(IdempotencyRecord, claim.pk)
        if stored is None:
            raise Conflict(
                Situation.IDEMPOTENCY_KEY_USED, "The first request with this Idempotency-Key has just ended; retry"
            ) from None
        if stored.body_hash != claim.body_hash:
            raise Conflict(Situation.IDEMPOTENCY_KEY_USED, "This Idempotency-Key was used with another request body") from None
        if stored.status is None and stored.locked_until >= now:
            call.headers.append(("Retry-After", "1"))
            raise Conflict(
                Situation.IDEMPOTENCY_KEY_USED, "The first request with this Idempotency-Key is still running; retry shortly"
            ) from None
        return stored
    return None


def _replay(stored: IdempotencyRecord, call: Call) -> Response:
    if stored.status is None or stored.answer is None:
        raise Conflict(Situation.IDEMPOTENCY_KEY_USED, "This request was done; its answer was not kept and cannot be shown again")
    headers, body = json.loads(load_text(stored.answer))
    call.headers += [(name, value) for name, value in headers]
    call.headers.append(("Idempotent-Replayed", "true"))
    return Response(body, int(stored.status), media_type="application/json" if body else None)
