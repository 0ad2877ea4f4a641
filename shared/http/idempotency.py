"""`Idempotency-Key`: a POST that is sent twice happens once.

first     the key is claimed (a conditional put), the endpoint runs, its answer is kept for a day
again     the kept answer, with `Idempotent-Replayed: true`
again, while the first still runs     409, Retry-After 1
again, with another body              409
the first failed                      the claim is dropped: the caller may correct itself and use the key again
the first died                        the claim expires after LOCK seconds
"""

import hashlib
import json
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from shared.core import clock
from shared.core.errors import Conflict, FieldError, Invalid
from shared.http.call import Call
from shared.store import Ephemeral, NumberAttribute, UnicodeAttribute, delete, get, put, write

if TYPE_CHECKING:
    from shared.http.routing import Operation

LOCK = 30  # seconds: longer than an API function may run (29 s is the gateway's limit)
KEEP = 86_400
_MAX_KEPT = 300_000  # bytes of an answer that a row can hold


class Kept(Ephemeral):
    """A claimed key, and the answer once there is one."""

    body_hash = UnicodeAttribute()
    locked_until = NumberAttribute()
    status = NumberAttribute(null=True)
    body = UnicodeAttribute(null=True)


async def once(
    operation: "Operation", request: Request, call: Call, endpoint: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    """Run the endpoint, unless this very request was already answered."""
    key = request.headers.get("idempotency-key")
    if key is None or operation.method != "POST":
        return await endpoint(request)
    if not 0 < len(key) <= 255:
        raise Invalid(FieldError("Idempotency-Key", "The key must have 1 to 255 characters"))
    who = call.actor.id if call.actor else call.client_ip
    place = hashlib.sha256(json.dumps([operation.contract.name, request.url.path, who, key]).encode()).hexdigest()
    claim = Kept(
        pk=f"IDEMP#{place}",
        sk="META",
        body_hash=hashlib.sha256(await request.body()).hexdigest(),
        locked_until=clock.epoch() + LOCK,
        ttl=clock.epoch() + KEEP,
    )
    kept = _claim(claim)
    if kept is not None:
        return kept
    try:
        response = await endpoint(request)
    except BaseException:
        write(delete(claim))
        raise
    body: bytes | None = getattr(response, "body", None)  # a stream has none
    if response.status_code < 300 and body is not None and len(body) <= _MAX_KEPT and _is_json(response):
        claim.status, claim.body, claim.locked_until = response.status_code, body.decode(), 0
        write(put(claim))
    else:
        write(delete(claim))
    return response


def _is_json(response: Response) -> bool:
    return response.headers.get("content-type", "application/json").startswith("application/json")


def _claim(claim: Kept) -> Response | None:
    """None when the key is ours to use; the kept answer when it was used before."""
    free = Kept.pk.does_not_exist() | (Kept.status.does_not_exist() & (Kept.locked_until < clock.epoch()))
    try:
        write(put(claim, free, Conflict("idempotency", "taken")))
    except Conflict:
        kept = get(Kept, claim.pk)
        if kept is None:
            raise
        if kept.body_hash != claim.body_hash:
            raise Conflict("idempotency", "This Idempotency-Key was used with another request body") from None
        if kept.status is None:
            raise Conflict("idempotency", "The first request with this Idempotency-Key is still running; retry shortly") from None
        replay = Response(kept.body or "", int(kept.status), media_type="application/json")
        replay.headers["Idempotent-Replayed"] = "true"
        return replay
    return None
