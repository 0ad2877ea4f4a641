"""Ask for a call of a model, and fetch its answer. The same id is the same call, however often it is sent."""

import hashlib
import json
from typing import Any, Final

from shared.core import clock, queues
from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed, Conflict, NotFound
from shared.core.ids import bare_id
from shared.core.situations import Situation
from shared.sandboxes.completions.rows import KEPT, PENDING, Completion
from shared.sandboxes.lifecycle.rows import LIVING, Sandbox
from shared.store import authorize, create, get_many, id_of, store_text, write

QUEUE: Final = "model_calls_queue"


class _Known(ConditionFailed):
    """A call of this id was asked for already."""


def ask(actor: Actor, sandbox_id: str, request_id: str, question: dict[str, Any]) -> Completion:
    """Ask for a call, and return it. What was asked already is not asked again. Two round trips and a message.

    Raises NotFound, Forbidden, Conflict(SANDBOX_STATUS) for a sandbox that does not run, IDEMPOTENCY_KEY_USED for another question.
    """
    text = json.dumps(question, ensure_ascii=False, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    sandbox, known = _read(actor, sandbox_id, request_id)
    if known is None:
        if sandbox.status not in LIVING:
            raise Conflict(Situation.SANDBOX_STATUS, "Only a sandbox that runs may ask a model", {"status": sandbox.status})
        known = Completion.of(sandbox.id, request_id)
        known.sandbox_id, known.start_number, known.digest = sandbox.id, int(sandbox.start_number), digest
        known.question = store_text(f"runs/{sandbox.ws_id}/{sandbox.id}/{request_id}", text)
        known.message_id = bare_id(question["message_id"]) if question.get("message_id") else None
        known.ttl = clock.epoch() + KEPT
        try:
            write(create(known, _Known))
        except _Known:
            _, stored = _read(actor, sandbox_id, request_id)
            known = stored or known
    if known.digest != digest:
        raise Conflict(Situation.IDEMPOTENCY_KEY_USED, "This id was used for another question")
    if known.status == PENDING and known.held_until < clock.epoch():
        enqueue(sandbox.id, request_id)
    return known


def find(actor: Actor, sandbox_id: str, request_id: str) -> Completion:
    """Return a call that was asked for. One round trip. Raises NotFound and Forbidden."""
    _, known = _read(actor, sandbox_id, request_id)
    if known is None:
        raise NotFound("completion")
    return known


def enqueue(sandbox_id: str, request_id: str) -> None:
    """Let the worker make the call."""
    queues.send(QUEUE, {"sandbox_id": sandbox_id, "request_id": request_id})


def _read(actor: Actor, sandbox_id: str, request_id: str) -> tuple[Sandbox, Completion | None]:
    bare = id_of(Sandbox, sandbox_id)
    sandbox, known = get_many([(Sandbox, *Sandbox.key(bare)), (Completion, *Completion.key(bare, request_id))])
    if not isinstance(sandbox, Sandbox) or sandbox.deleted_at:
        raise NotFound(Sandbox.NAME)
    authorize(sandbox, actor, Permission.AGENT_RUN)
    return sandbox, known if isinstance(known, Completion) else None
