"""`Idempotency-Key`: a POST that is sent twice is executed once.

first     the key is claimed (a conditional put), the endpoint runs, its response is stored for a day
again     the stored response, with `Idempotent-Replayed: true`
again, while the first still runs     409, Retry-After 1
again, with another body              409
the first failed                      the claim is deleted: the caller may correct the request and use the key again
the first process died                the claim expires after LOCK_SECONDS

A long response is stored as a file, below `idempotency/`, which the bucket expires. A response with a secret (tokens, a new API
key) is not stored, nor a long one in a function without access to the bucket: the same key then answers 409.
"""

import hashlib
import json
from collections.abc import Callable, Coroutine
from typing import Any

from botocore.exceptions import ClientError
from starlette.requests import Request
from starlette.responses import Response

from shared.core import clock
from shared.core.errors import ConditionFailed, Conflict, FieldError, Invalid
from shared.core.situations import Situation
from shared.edge.http.call import Call
from shared.edge.http.operation import Operation
from shared.store import Ephemeral, NumberAttribute, UnicodeAttribute, delete, get, load_text, put, store_text, write

LOCK_SECONDS = 30  # seconds: longer than an API function may run (29 s is the gateway's limit)
KEEP_SECONDS = 86_400


class _KeyClaimed(ConditionFailed):
    """Another request has this key."""


class IdempotencyRecord(Ephemeral):
    """A claimed key, and the response once it is known."""

    body_hash = UnicodeAttribute()
    locked_until = NumberAttribute()
    status = NumberAttribute(null=True)
    answer = UnicodeAttribute(null=True)


async def run_once(
    operation: Operation, request: Request, call: Call, endpoint: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    """Run the endpoint, or return the stored response if the request was already answered."""
    key = request.headers.get("idempotency-key")
    if key is None or operation.method != "POST":
        return await endpoint(request)
    if not 0 < len(key) <= 255:
        raise Invalid(FieldError("Idempotency-Key", "The key must have 1 to 255 characters"))
    who = call.actor.id if call.actor else call.client_ip
    key_hash = hashlib.sha256(json.dumps([operation.contract.name, request.url.path, who, key]).encode()).hexdigest()
    claim = IdempotencyRecord(
        pk=f"IDEMP#{key_hash}",
        sk="META",
        body_hash=hashlib.sha256(await request.body()).hexdigest(),
        locked_until=clock.epoch() + LOCK_SECONDS,
        ttl=clock.epoch() + KEEP_SECONDS,
    )
    stored = _claim(claim, call)
    if stored is not None:
        return _replay(stored, call)
    try:
        response = await endpoint(request)
    except BaseException:
        write(delete(claim))
        raise
    body: bytes | None = getattr(response, "body", None)  # a stream has none
    if response.status_code < 300 and body is not None and _is_json(response):
        claim.status, claim.locked_until = response.status_code, 0
        claim.answer = None if operation.secret else _store_answer(key_hash, call, body)
        write(put(claim))
    else:
        write(delete(claim))
    return response


def _store_answer(key_hash: str, call: Call, body: bytes) -> str | None:
    """Return the response in the form that the row holds; None if it is long and this function cannot write files. The key stays
    used then."""
    answer = json.dumps([call.headers, body.decode()], ensure_ascii=False)
    try:
        return store_text(f"idempotency/{key_hash}", answer)
    except (LookupError, ClientError):  # this function has no bucket, or may not write to it
        return None


def _is_json(response: Response) -> bool:
    return response.headers.get("content-type", "application/json").startswith("application/json")


def _claim(claim: IdempotencyRecord, call: Call) -> IdempotencyRecord | None:
    """Claim the key. Return None if it is ours now, or the stored record if it was used before. Raises Conflict."""
    free = IdempotencyRecord.pk.does_not_exist() | (
        IdempotencyRecord.status.does_not_exist() & (IdempotencyRecord.locked_until < clock.epoch())
    )
    try:
        write(put(claim, free, _KeyClaimed))
    except ConditionFailed:
        stored = get(IdempotencyRecord, claim.pk)
        if stored is None:
            raise Conflict(
                Situation.IDEMPOTENCY_KEY_USED, "The first request with this Idempotency-Key has just ended; retry"
            ) from None
        if stored.body_hash != claim.body_hash:
            raise Conflict(Situation.IDEMPOTENCY_KEY_USED, "This Idempotency-Key was used with another request body") from None
        if stored.status is None:
            call.headers.append(("Retry-After", "1"))
            raise Conflict(
                Situation.IDEMPOTENCY_KEY_USED, "The first request with this Idempotency-Key is still running; retry shortly"
            ) from None
        return stored
    return None


def _replay(stored: IdempotencyRecord, call: Call) -> Response:
    if stored.answer is None:
        raise Conflict(Situation.IDEMPOTENCY_KEY_USED, "This request was done; its answer was not kept and cannot be shown again")
    headers, body = json.loads(load_text(stored.answer))
    call.headers += [(name, value) for name, value in headers]
    call.headers.append(("Idempotent-Replayed", "true"))
    return Response(body, int(stored.status), media_type="application/json" if body else None)
