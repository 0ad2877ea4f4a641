"""`Idempotency-Key`: a POST that is sent twice happens once.

first     the key is claimed (a conditional put), the endpoint runs, its answer is kept for a day
again     the kept answer, with `Idempotent-Replayed: true`
again, while the first still runs     409, Retry-After 1
again, with another body              409
the first failed                      the claim is dropped: the caller may correct itself and use the key again
the first died                        the claim expires after LOCK seconds

A long answer is kept as a file, below `idempotency/`, which the bucket empties by itself. An answer that holds a secret (tokens, a new API
key) is not kept, nor one that a function without the bucket has no room for: the same key answers 409 once it was done.
"""

import hashlib
import json
from collections.abc import Callable, Coroutine
from typing import Any

from botocore.exceptions import ClientError
from starlette.requests import Request
from starlette.responses import Response

from shared.core import clock
from shared.core.errors import Conflict, FieldError, Invalid, Raced
from shared.core.situations import Situation
from shared.edge.http.call import Call
from shared.edge.http.operation import Operation
from shared.store import Ephemeral, NumberAttribute, UnicodeAttribute, delete, get, load_text, put, store_text, write

LOCK = 30  # seconds: longer than an API function may run (29 s is the gateway's limit)
KEEP = 86_400
_TAKEN = Raced("The key is claimed")


class IdempotencyRecord(Ephemeral):
    """A claimed key, and the answer once there is one."""

    body_hash = UnicodeAttribute()
    locked_until = NumberAttribute()
    status = NumberAttribute(null=True)
    answer = UnicodeAttribute(null=True)


async def run_once(
    operation: Operation, request: Request, call: Call, endpoint: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    """Run the endpoint, unless this very request was already answered."""
    key = request.headers.get("idempotency-key")
    if key is None or operation.method != "POST":
        return await endpoint(request)
    if not 0 < len(key) <= 255:
        raise Invalid(FieldError("Idempotency-Key", "The key must have 1 to 255 characters"))
    who = call.actor.id if call.actor else call.client_ip
    place = hashlib.sha256(json.dumps([operation.contract.name, request.url.path, who, key]).encode()).hexdigest()
    claim = IdempotencyRecord(
        pk=f"IDEMP#{place}",
        sk="META",
        body_hash=hashlib.sha256(await request.body()).hexdigest(),
        locked_until=clock.epoch() + LOCK,
        ttl=clock.epoch() + KEEP,
    )
    kept = _claim(claim, call)
    if kept is not None:
        return _replay(kept, call)
    try:
        response = await endpoint(request)
    except BaseException:
        write(delete(claim))
        raise
    body: bytes | None = getattr(response, "body", None)  # a stream has none
    if response.status_code < 300 and body is not None and _is_json(response):
        claim.status, claim.locked_until = response.status_code, 0
        claim.answer = None if operation.secret else _kept(place, call, body)
        write(put(claim))
    else:
        write(delete(claim))
    return response


def _kept(place: str, call: Call, body: bytes) -> str | None:
    """The answer as the row holds it; None for a long one that this function has no place for: it is done, and must not be done twice."""
    answer = json.dumps([call.headers, body.decode()], ensure_ascii=False)
    try:
        return store_text(f"idempotency/{place}", answer)
    except (LookupError, ClientError):  # no bucket, or none to write to
        return None


def _is_json(response: Response) -> bool:
    return response.headers.get("content-type", "application/json").startswith("application/json")


def _claim(claim: IdempotencyRecord, call: Call) -> IdempotencyRecord | None:
    """None when the key is ours to use; what was kept when it was used before."""
    free = IdempotencyRecord.pk.does_not_exist() | (
        IdempotencyRecord.status.does_not_exist() & (IdempotencyRecord.locked_until < clock.epoch())
    )
    try:
        write(put(claim, free, _TAKEN))
    except Raced:
        kept = get(IdempotencyRecord, claim.pk)
        if kept is None:
            raise Conflict(
                Situation.IDEMPOTENCY_KEY_USED, "The first request with this Idempotency-Key has just ended; retry"
            ) from None
        if kept.body_hash != claim.body_hash:
            raise Conflict(Situation.IDEMPOTENCY_KEY_USED, "This Idempotency-Key was used with another request body") from None
        if kept.status is None:
            call.headers.append(("Retry-After", "1"))
            raise Conflict(
                Situation.IDEMPOTENCY_KEY_USED, "The first request with this Idempotency-Key is still running; retry shortly"
            ) from None
        return kept
    return None


def _replay(kept: IdempotencyRecord, call: Call) -> Response:
    if kept.answer is None:
        raise Conflict(Situation.IDEMPOTENCY_KEY_USED, "This request was done; its answer was not kept and cannot be shown again")
    headers, body = json.loads(load_text(kept.answer))
    call.headers += [(name, value) for name, value in headers]
    call.headers.append(("Idempotent-Replayed", "true"))
    return Response(body, int(kept.status), media_type="application/json" if body else None)
