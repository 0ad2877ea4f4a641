"""Make the calls that sandboxes have asked for: reserved before, and paid once with the answer.

A call whose process has died holds its reservation until a time; after that it is made again, three times at most. What only one attempt
may write has the attempt's id as its condition.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from shared.agents.providers.port import Finished, Request, StreamInterrupted, TextDelta, ToolCall, ToolCallReady
from shared.agents.providers.tokens import estimated_usage
from shared.core import clock
from shared.core.errors import CadreError, ConditionFailed, Invalid, Upstream
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.core.texts import replace_surrogates
from shared.money.budgets.reserving import (
    Caps,
    Scope,
    announce_spending,
    read_caps,
    release_reservation,
    settle_reservation,
)
from shared.money.usage.recording import usage_operations
from shared.money.usage.rows import UsageLine
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs.spending import most_used, usage_line_of
from shared.sandboxes.completions.asking import enqueue
from shared.sandboxes.completions.choosing import Chosen, adapter_of, choose
from shared.sandboxes.completions.rows import DONE, FAILED, HELD, KEPT, PENDING, Completion, HeldCall, Spent
from shared.sandboxes.completions.wording import to_request
from shared.sandboxes.configuration.rows import WorkspaceConfig
from shared.sandboxes.lifecycle.rows import LIVING, Sandbox
from shared.sandboxes.lifecycle.telling import tell
from shared.store import (
    Operation,
    delete,
    delete_file,
    file_key,
    get,
    get_many,
    iterate_shards,
    load_text,
    process_all,
    put,
    update,
    write,
)

SECONDS: Final = 120.0  # for one call: a long answer of a large model
HOLD: Final = 150  # seconds after which a call without an answer is given up: its process is gone
MAX_TRIES: Final = 3
_PAGE: Final = 100


class _Taken(ConditionFailed):
    """Somebody else makes this call, or it was settled."""


def complete(sandbox_id: str, request_id: str) -> None:
    """Make a call, if nobody else makes it, and tell the sandbox that its answer is there."""
    keys = [(Completion, *Completion.key(sandbox_id, request_id)), (Sandbox, *Sandbox.key(sandbox_id))]
    call, sandbox = get_many(keys)
    if not isinstance(call, Completion) or call.status != PENDING or call.held_until > clock.epoch():
        return
    if not isinstance(sandbox, Sandbox) or not _runs(sandbox, call):
        _fail(call, None, CadreError(Situation.SANDBOX_STATUS, "The sandbox does not run any more"))
        return
    with suppress(_Taken):
        _Call(call, sandbox).make()


def _runs(sandbox: Sandbox, call: Completion) -> bool:
    return sandbox.deleted_at is None and sandbox.status in LIVING and sandbox.start_number == call.start_number


class _Call:
    def __init__(self, call: Completion, sandbox: Sandbox, now: Callable[[], float] = time.monotonic) -> None:
        self.call, self.sandbox, self._now = call, sandbox, now
        self._until = now() + SECONDS

    def make(self) -> None:
        """Reserve, call, settle. Raises _Taken if another attempt was faster."""
        ws_id = str(self.sandbox.ws_id)
        blank = WorkspaceConfig.of(ws_id)
        workspace, found = get_many([(Workspace, *Workspace.key(ws_id)), (WorkspaceConfig, blank.pk, blank.sk)])
        config = found if isinstance(found, WorkspaceConfig) else None
        held: Completion | None = None
        try:
            if not isinstance(workspace, Workspace):
                raise CadreError(Situation.NOT_FOUND, "The workspace is gone")
            if self.call.tries >= MAX_TRIES:
                raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"The model has not answered {MAX_TRIES} times")
            chosen = choose(workspace, config)
            adapter = adapter_of(workspace, config, chosen)
            request = to_request(json.loads(load_text(self.call.question)), chosen, self.sandbox, SECONDS)
            held = self._reserve(chosen, request)
            self._stream(held, adapter, chosen, request)
        except CadreError as error:
            _fail(held or self.call, self.call.reservation if held is None else held.reservation, error)

    @property
    def _left(self) -> float:
        return self._until - self._now()

    def _scope(self, chosen: Chosen) -> Scope:
        one = self.sandbox
        return Scope(one.org_id, str(one.ws_id), one.id, one.id, one.id, in_tokens=not chosen.priced, agent_id=one.id)

    def _reserve(self, chosen: Chosen, request: Request) -> Completion:
        """Reserve what the call may cost; what a dead attempt has reserved is released first. Raises _Taken and BudgetExhausted."""
        if self.call.reservation:
            write(*_released(self.call))
            self.call.reservation = None
        caps = Caps(()) if chosen.own else read_caps(self._scope(chosen))
        amount = 0 if chosen.own else _worst_case(chosen, request)
        until = clock.epoch() + HOLD
        held = Completion.of(self.sandbox.id, str(self.call.sk))
        held.sandbox_id, held.start_number, held.question = self.sandbox.id, self.call.start_number, self.call.question
        held.message_id, held.ttl, held.attempt = self.call.message_id, self.call.ttl, new_id()
        held.reservation, held.held_until = {"amount": amount, "budgets": [one.id for one in caps.budgets]}, until
        actions = [
            Completion.attempt.set(held.attempt),
            Completion.reservation.set(held.reservation),
            Completion.held_until.set(until),
            Completion.tries.add(1),
        ]
        write(
            update(held, actions, _is_attempt(self.call.attempt), _Taken()), put(HeldCall.of(held, until)), *caps.reserve(amount)
        )
        return held

    def _stream(self, held: Completion, adapter: Any, chosen: Chosen, request: Request) -> None:
        texts: list[str] = []
        calls: list[ToolCall] = []
        done: Finished | None = None
        try:
            for event in adapter.stream(request, lambda: self._left <= 0):
                if isinstance(event, TextDelta):
                    texts.append(event.text)
                elif isinstance(event, ToolCallReady):
                    calls.append(event.call)
                else:
                    done = event
        except StreamInterrupted as error:
            done = Finished("cancelled", error.usage, request.model, estimated=True)
            self._settle(held, chosen, done, None, error)
            return
        if done is None:
            done = Finished("cancelled", estimated_usage(request, "".join(texts)), request.model, estimated=True)
        if done.stop_reason == "cancelled":
            late = CadreError(Situation.TIMEOUT, f"The model has not answered within {SECONDS:g} seconds")
            self._settle(held, chosen, done, None, late)
            return
        shown = [{"id": one.id, "name": one.name, "arguments": one.arguments} | _problem(one) for one in calls]
        self._settle(held, chosen, done, {"content": "".join(texts), "tool_calls": shown, "stop": done.stop_reason}, None)

    def _settle(
        self, held: Completion, chosen: Chosen, done: Finished, reply: dict[str, Any] | None, error: CadreError | None
    ) -> None:
        """Write the answer, or why there is none, with what it cost, in one transaction."""
        line = self._line(held, chosen, done)
        used = 0 if chosen.own else int(line.customer_price_micros) if chosen.priced else line.tokens
        end = _ended(held, reply, error)
        settled = settle_reservation(held.reservation, (), used)
        write(*end, *usage_operations(line, str(self.sandbox.name)), *settled, *_spent(held, line))
        if line.customer_price_micros:
            announce_spending(self._scope(chosen))
        _announce(held, FAILED if reply is None else DONE)

    def _line(self, held: Completion, chosen: Chosen, done: Finished) -> UsageLine:
        one = self.sandbox
        model = chosen.provider, chosen.model
        return usage_line_of(
            one, str(held.attempt), (one.id, str(one.name)), one.created_by, model, done, has_price=chosen.priced
        )


def _problem(call: ToolCall) -> dict[str, str]:
    return {"problem": call.problem} if call.problem else {}


def _worst_case(chosen: Chosen, request: Request) -> int:
    amount = most_used(chosen.provider, request.model, request, has_price=chosen.priced)
    if amount is None:
        raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, f"The price of {request.model} is not known any more")
    return amount


def _spent(call: Completion, line: UsageLine) -> list[Operation]:
    """Return what counts the cost of a call for the message on which the sandbox works."""
    if call.message_id is None:
        return []
    spent = [Spent.cost_micros.add(int(line.customer_price_micros)), Spent.tokens.add(int(line.tokens))]
    return [update(Spent.of(call.sandbox_id, call.message_id), [*spent, Spent.ttl.set(clock.epoch() + KEPT)])]


def _is_attempt(attempt: str | None) -> Any:
    here = Completion.attempt.does_not_exist() if attempt is None else Completion.attempt == attempt
    return here & (Completion.status == PENDING)


def _released(call: Completion) -> list[Operation]:
    """Return the operations that release what an attempt has reserved, once. Should its process live after all, it settles nothing."""
    once = _is_attempt(call.attempt) & Completion.reservation.exists()
    call.attempt = new_id()
    actions = [Completion.reservation.remove(), Completion.held_until.set(0), Completion.attempt.set(call.attempt)]
    kept = HeldCall.of(call, int(call.held_until))
    return [update(call, actions, once, _Taken()), delete(kept), *release_reservation(call.reservation)]


def _ended(call: Completion, reply: dict[str, Any] | None, error: CadreError | None) -> list[Operation]:
    actions = [
        Completion.status.set(FAILED if reply is None else DONE),
        Completion.reservation.remove(),
        Completion.held_until.set(0),
    ]
    if reply is not None:
        actions.append(Completion.reply.set(_encodable(reply)))
    if error is not None:
        reason = error.fields[0].message if isinstance(error, Invalid) and error.fields else error.message
        actions.append(Completion.error.set({"situation": error.situation.name, "reason": reason}))
    ended = [update(call, actions, _is_attempt(call.attempt), _Taken())]
    return [*ended, delete(HeldCall.of(call, int(call.held_until)))] if call.held_until else ended


def _encodable(reply: dict[str, Any]) -> Any:
    """Return the answer without halves of surrogate pairs, which a model may write and no table holds."""
    return json.loads(replace_surrogates(json.dumps(reply, ensure_ascii=False)))


def _fail(call: Completion, reservation: dict[str, Any] | None, error: CadreError) -> None:
    """End a call without an answer, which has cost nothing."""
    with suppress(_Taken):
        write(*_ended(call, None, error), *release_reservation(reservation))
        _announce(call, FAILED)


def _announce(call: Completion, status: str) -> None:
    """Tell the sandbox, which asks again by itself should it not hear this, and remove what was asked."""
    if key := file_key(call.question):
        delete_file(key)
    tell(call.sandbox_id, "completion", {"request_id": call.sk, "status": status}, int(call.start_number))


def release_dead(until: float) -> int:
    """Look after the calls whose process has died: what they have reserved is released, and they are made again; return how many.

    Stops at `until` (`time.monotonic`).
    """
    over = ("0", f"{clock.epoch():012d}")
    rows = iterate_shards(HeldCall, HELD, until, between=over, limit=_PAGE)
    return process_all(HELD.name, rows, _release, lambda row: str(row.sk))


def _release(held: HeldCall) -> int:
    call = get(Completion, *held.call_key)
    if call is None or call.status != PENDING or not call.reservation:
        write(delete(held))
        return 0
    if call.held_until > clock.epoch():
        return 0
    with suppress(_Taken):
        write(*_released(call))
        enqueue(call.sandbox_id, str(call.sk))
        return 1
    return 0
