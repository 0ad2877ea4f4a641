"""One call of a model outside of runs, reserved before it, paid once with its answer, and never asked twice for the same.

A call is named after all that it depends on. A request that ends early is sent again: the answers that came are read and not asked for,
so that it goes on where it stopped. An answer that was cut off is asked for once more with more room. A call that was too slow twice has
an empty answer: whoever waits goes on without the model's words. A reservation whose process died is released by the next call of the same
name, or by the job `held-calls`.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from shared.agents.catalogue.registry import get_agent
from shared.agents.providers import registry
from shared.agents.providers.port import (
    Finished,
    Message,
    Request,
    StreamInterrupted,
    TextDelta,
    ToolCallReady,
    ToolSpec,
)
from shared.agents.providers.tokens import estimated_usage
from shared.core import clock
from shared.core.errors import CadreError, ConditionFailed, Conflict, Upstream
from shared.core.ids import derived_id, new_id
from shared.core.situations import Situation
from shared.core.texts import replace_surrogates
from shared.money.budgets.reserving import Scope, announce_spending, read_caps, release_reservation, settle_reservation
from shared.money.usage.recording import usage_operations
from shared.money.usage.rows import UsageLine
from shared.planning.explorations.rows import Exploration
from shared.runs.agent_runs.spending import most_used, usage_line_of
from shared.runs.authoring.agent import AGENT
from shared.store import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    Operation,
    Row,
    Shards,
    UnicodeAttribute,
    get,
    iterate_shards,
    load_text,
    process_all,
    put,
    store_text,
    update,
    write,
)

SECONDS: Final = 22.0
"""For all calls of a request: API Gateway waits 29 seconds, and what comes of them is still to be written."""
_LEAST: Final = 3.0  # seconds: with less no call is begun
HELD_CALLS: Final = Shards("CALLS#HELD", 1)
"""The calls that hold a reservation, by the time until which they may."""
_ENOUGH: Final = 11.0  # seconds: a call that had less is not called slow
_MOST_TOKENS: Final = 4_000  # of an answer that is asked for again because it was cut off: every model can write as many
_PAGE: Final = 100
_HOLD: Final = 60  # seconds after which a call without an answer is given up: its process is gone

log = logging.getLogger(__name__)


class ModelCall(Row):
    """A call, at `EXPL#<id>, CALL#<name>`. Without an answer it holds a reservation until `held_until`."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="MODELCALL")
    attempt = UnicodeAttribute()
    reservation: Any = JSONAttribute(null=True)
    held_until = NumberAttribute(default=0)
    answer = UnicodeAttribute(null=True)
    cut = BooleanAttribute(null=True)
    """Whether the answer ended at the highest number of tokens, before it was complete."""
    late = NumberAttribute(default=0)
    """How often the model was too slow."""
    gsi3pk = UnicodeAttribute(null=True, attr_name="GSI3PK")
    gsi3sk = UnicodeAttribute(null=True, attr_name="GSI3SK")

    @classmethod
    def key_of(cls, exploration_id: str, name: str) -> tuple[str, str]:
        return f"EXPL#{exploration_id}", f"CALL#{name}"


_RELEASED: Final = (
    ModelCall.reservation.remove(),
    ModelCall.held_until.set(0),
    ModelCall.gsi3pk.remove(),
    ModelCall.gsi3sk.remove(),
)


class _CallTaken(ConditionFailed):
    """Another request makes the same call."""


@dataclass(frozen=True)
class Asked:
    """What is asked of the model: it answers by calling the tool."""

    step: str
    system: str
    text: str
    tool: ToolSpec
    max_tokens: int


@dataclass(frozen=True)
class Paying:
    """What else than an exploration may ask a model: whose it is, and which model was chosen for it."""

    id: str
    org_id: str | None
    ws_id: str
    title: str
    provider: str
    model: str
    priced: bool


class Calls:
    """The calls of one request for one exploration."""

    PATIENCE: ClassVar[int | None] = 2
    """How often a call may be too slow until its answer is empty. None: for ever, because whoever asks gives up by itself."""

    def __init__(
        self, exploration: "Exploration | Paying", user: dict[str, str], now: Callable[[], float] = time.monotonic
    ) -> None:
        self.exploration, self.user, self._now = exploration, user, now
        self.until = now() + SECONDS

    def ask(self, asked: Asked) -> dict[str, Any]:
        """Return the arguments with which the model calls the tool; empty if it does not call it.

        Raises Conflict while another request makes this call, LimitExceeded at a budget, Upstream, CadreError(TIMEOUT).
        """
        answer, was_cut = self._answer(asked)
        if was_cut and asked.max_tokens < _MOST_TOKENS:
            room = min(2 * asked.max_tokens, _MOST_TOKENS)
            answer, _ = self._answer(replace(asked, step=f"{asked.step}, with more room", max_tokens=room))
        return answer

    def _answer(self, asked: Asked) -> tuple[dict[str, Any], bool]:
        """Return the answer to a call, and whether it was cut off."""
        request = self._request(asked)
        name = derived_id(asked.step, request.model, asked.system, asked.text)
        row = get(ModelCall, *self._key(name))
        if row is not None and row.answer is not None:
            return dict(json.loads(load_text(row.answer))), bool(row.cut)
        if row is not None and row.held_until > clock.epoch():
            raise Conflict(Situation.RUN_IN_PROGRESS, "Another request is writing this; ask again in a minute")
        if self._left < _LEAST:
            raise self._too_late()
        held = self._reserve(name, request, row)
        return self._call(held, request)

    def _key(self, name: str) -> tuple[str, str]:
        return ModelCall.key_of(self.exploration.id, name)

    @property
    def _left(self) -> float:
        return self.until - self._now()

    def _too_late(self) -> CadreError:
        reason = "The model needs longer than a request may take; what it has written is kept: send the request again to go on"
        return CadreError(Situation.TIMEOUT, reason)

    def _request(self, asked: Asked) -> Request:
        return Request(
            model=str(self.exploration.model),
            messages=(Message.user(asked.text),),
            system=asked.system,
            tools=(asked.tool,),
            temperature=0.2,
            max_tokens=asked.max_tokens,
            timeout_s=max(self._left, 0.0),
            metadata={"exploration": self.exploration.id, "step": asked.step},
        )

    @property
    def _scope(self) -> Scope:
        one = self.exploration
        return Scope(one.org_id, str(one.ws_id), one.id, one.id, one.id, in_tokens=not one.priced)

    def _reserve(self, name: str, request: Request, old: ModelCall | None) -> ModelCall:
        amount, caps = self._worst_case(request), read_caps(self._scope)
        pk, sk = self._key(name)
        held = ModelCall(
            pk=pk,
            sk=sk,
            attempt=new_id(),
            reservation={"amount": amount, "budgets": [budget.id for budget in caps.budgets]},
            held_until=clock.epoch() + _HOLD,
            late=int(old.late) if old is not None else 0,
            gsi3pk=HELD_CALLS.partition_of(self.exploration.id),
            gsi3sk=f"{clock.epoch() + _HOLD:012d}#{self.exploration.id}#{name}",
        )
        free = ModelCall.attempt == old.attempt if old is not None else ModelCall.pk.does_not_exist()
        if old is not None and old.reservation:  # in a transaction of its own: a row can be changed once in one
            left = update(old, [ModelCall.reservation.remove()], free & ModelCall.reservation.exists(), _CallTaken())
            self._claim(left, *release_reservation(old.reservation))
        self._claim(put(held, free, _CallTaken()), *caps.reserve(amount))
        return held

    @staticmethod
    def _claim(*operations: Operation) -> None:
        """Write what only one request may write. Raises Conflict if another one was faster, and what `operations` raise."""
        try:
            write(*operations)
        except _CallTaken:
            raise Conflict(Situation.RUN_IN_PROGRESS, "Another request is writing this; ask again in a minute") from None

    def _worst_case(self, request: Request) -> int:
        one = self.exploration
        amount = most_used(str(one.provider), request.model, request, has_price=bool(one.priced))
        if amount is None:
            raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, f"The price of {request.model} is not known any more")
        return amount

    def _call(self, held: ModelCall, request: Request) -> tuple[dict[str, Any], bool]:
        texts: list[str] = []
        arguments: dict[str, Any] | None = None
        done: Finished | None = None
        try:
            for event in registry.provider(str(self.exploration.provider)).stream(request, lambda: self._left <= 0):
                if isinstance(event, TextDelta):
                    texts.append(event.text)
                elif isinstance(event, ToolCallReady):
                    arguments = arguments or (event.call.arguments if not event.call.problem else {})
                else:
                    done = event
        except StreamInterrupted as error:
            return self._give_up(held, request, error, Finished("cancelled", error.usage, request.model, estimated=True)), False
        except Upstream as error:
            return self._give_up(held, request, error, None), False
        if done is None:
            done = Finished("cancelled", estimated_usage(request, "".join(texts)), request.model, estimated=True)
        if done.stop_reason == "cancelled":
            return self._give_up(held, request, self._too_late(), done), False
        was_cut = done.stop_reason == "max_tokens" and not arguments
        self._settle(held, done, [*_answered(held, self.exploration, arguments or {}), *([ModelCall.cut.set(True)] * was_cut)])
        return arguments or {}, was_cut

    def _give_up(self, held: ModelCall, request: Request, error: CadreError, used: Finished | None) -> dict[str, Any]:
        """Settle a call without an answer, so that it is asked again. Return an empty answer if it was too slow once too often; else raise
        the error, or that it was too slow."""
        is_late = self._left <= 0
        late = int(held.late) + (is_late and request.timeout_s >= _ENOUGH)
        ends = self.PATIENCE is not None and late >= self.PATIENCE
        self._settle(held, used, [ModelCall.late.set(late), *(_answered(held, self.exploration, {}) if ends else ())])
        if ends:
            log.warning(
                "a model was too slow, and its words are left out", extra={"model": request.model, "step": request.metadata}
            )
            return {}
        if is_late:
            raise self._too_late() from error
        raise error

    def _settle(self, held: ModelCall, done: Finished | None, actions: Sequence[Any]) -> None:
        """Write what became of a call, what it cost (None: nothing) and what of the reservation is left, in one transaction."""
        one, used, ledger = self.exploration, 0, []
        if done is not None:
            line = self._line(held, done)
            used = line.tokens if not one.priced else int(line.customer_price_micros)
            ledger = usage_operations(line, str(one.title or ""))
        self._claim(
            update(held, [*_RELEASED, *actions], ModelCall.attempt == held.attempt, _CallTaken()),
            *ledger,
            *settle_reservation(held.reservation, (), used),
        )
        if used and one.priced:
            announce_spending(self._scope)

    def _line(self, held: ModelCall, done: Finished) -> UsageLine:
        one, agent = self.exploration, get_agent(AGENT)
        chosen = str(one.provider), str(one.model)
        return usage_line_of(
            one, str(held.attempt), (agent.id, agent.display_name), self.user, chosen, done, has_price=bool(one.priced)
        )


def _answered(held: ModelCall, one: "Exploration | Paying", answer: dict[str, Any]) -> list[Any]:
    """Return the changes that keep an answer."""
    text = replace_surrogates(json.dumps(answer, ensure_ascii=False))
    return [ModelCall.answer.set(store_text(f"runs/{one.ws_id}/{one.id}/{held.attempt}", text))]


def release_held(until: float) -> int:
    """Release the reservations of calls whose process died; return how many. Stops at `until` (`time.monotonic`)."""
    over = ("0", f"{clock.epoch():012d}")
    rows = iterate_shards(ModelCall, HELD_CALLS, until, index=3, between=over, limit=_PAGE)
    return process_all(HELD_CALLS.name, rows, _release_if_dead, lambda row: str(row.pk))


def _release_if_dead(found: ModelCall) -> int:
    row = get(ModelCall, str(found.pk), str(found.sk))
    if row is None or not row.reservation or row.held_until > clock.epoch():
        return 0
    same = (ModelCall.attempt == row.attempt) & ModelCall.reservation.exists()
    # another attempt from now on: should the process live after all, it cannot settle what is released
    actions = [*_RELEASED, ModelCall.attempt.set(new_id())]
    with suppress(_CallTaken):
        write(update(row, actions, same, _CallTaken()), *release_reservation(row.reservation))
        return 1
    return 0
