"""One turn of a run: one response of the model, stored first, then paid, and then its tool calls, each executed once.

At any point the process may die and the step is retried (the journal shows how far it came), the run may be cancelled or get a new holder
(every write fails by the fence), or a budget may have no room (no call is made, the run waits).
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from shared.agents.catalogue.registry import get_agent
from shared.agents.providers import registry
from shared.agents.providers.budget import result_tokens, with_latest_results
from shared.agents.providers.port import (
    MAX_CALLS_PER_ANSWER,
    Finished,
    Request,
    StreamInterrupted,
    TextDelta,
    ToolCall,
    ToolCallReady,
)
from shared.agents.providers.tokens import estimated_usage
from shared.agents.tools import READ_ONLY, specs
from shared.core import clock
from shared.core.errors import CadreError, ConditionFailed, Invalid, Upstream
from shared.core.ids import derived_id
from shared.core.situations import Situation
from shared.core.texts import replace_surrogates
from shared.runs.agent_runs.failures import (
    ModelRefused,
    OutputTooLong,
    ProviderNotConfigured,
    ProviderRateLimited,
    ProviderUnavailable,
    TookTooLong,
    TooManyTurns,
)
from shared.runs.agent_runs.journal import Exchange, Journal
from shared.runs.agent_runs.lease import LEASE, LeaseLost, check_fence, renew_lease
from shared.runs.agent_runs.rows import Run, ToolCallRecord, Turn, UnsettledCall
from shared.runs.agent_runs.spending import reserve, settle_call, settle_stored_calls, store_call, worst_case
from shared.runs.agent_runs.steering import look_after
from shared.runs.terminal import TerminalWriter
from shared.runs.toolbox import CallContext, Outcome, agent_actor, execute_tool, headline
from shared.store import create, fetch, put, store_text, transaction_guard, write
from shared.work.documents.writing import find_document

MAX_TURNS: Final = 40
CALL_SECONDS: Final = 600.0  # of one model call; the function has 900
CHECK_INTERVAL = 1.0  # seconds between two checks of the run's row while a model streams: a cancel takes effect within two
_MAX_LINE = 2_000  # characters of one terminal line
log = logging.getLogger(__name__)


_FAILURES: Final = {
    Situation.PROVIDER_RATE_LIMITED: ProviderRateLimited,
    Situation.PROVIDER_NOT_CONFIGURED: ProviderNotConfigured,
}


class AlreadyDone(ConditionFailed):
    """The effect of this tool call was written before."""


@dataclass
class Worker:
    """Does one turn of a run whose lease it has."""

    run: Run
    journal: Journal
    terminal: TerminalWriter

    def take_turn(self) -> str:
        """Do the turn; return the next step, `turn` or `finish`. Raises BudgetExhausted, LeaseLost, or a RunFailure."""
        if self.run.hold_turn is not None:  # an earlier worker reserved; it may have stored an answer and not settled it
            settle_stored_calls(self.run, is_holder=True)
        last = self.journal.last
        if last is not None and last.open:  # the response is stored, but not all of its calls are executed
            self.execute_calls(last)
            return "turn"
        if last is not None and not last.calls:
            _check_stop_reason(last)  # the worker that got this response may have died before this check
            return "finish"
        self._check_turn_limits()
        self.run = look_after(self.run, self.journal)
        exchange = self.call_model()
        if exchange is None:
            raise LeaseLost
        if exchange.calls:
            self.execute_calls(exchange)
            return "turn"
        _check_stop_reason(exchange)
        return "finish"

    # -- calling the model

    def call_model(self) -> Exchange | None:
        """Call the model once: reserve, stream, store the response, settle. Returns None if the lease was lost meanwhile."""
        run, number = self.run, self.journal.next_turn
        request = self._request(number)
        try:
            provider = registry.provider(run.provider)
        except Upstream as error:
            raise ProviderNotConfigured(error.message) from error
        reserve(run, number, worst_case(run, request))
        texts: list[str] = []
        calls: list[ToolCall] = []
        done: Finished | None = None
        watch = _CancelWatch(run)
        lines = _LineWriter(self.terminal, watch)
        try:
            for event in provider.stream(request, watch.cancelled):
                if isinstance(event, TextDelta):
                    texts.append(event.text)
                    lines.add(event.text)
                elif isinstance(event, ToolCallReady):
                    lines.end()
                    calls.append(event.call)
                else:
                    done = event
        except Upstream as error:
            if isinstance(error, StreamInterrupted):
                self._store_and_settle(number, Finished("cancelled", error.usage, run.model, estimated=True))
            raise _FAILURES.get(error.situation, ProviderUnavailable)(error.message) from error
        lines.end()
        if done is None:
            used = estimated_usage(request, "".join(texts))
            self._store_and_settle(number, Finished("cancelled", used, run.model, estimated=True))
            raise ProviderUnavailable(f"{run.provider} ended its stream without a word about what was used")
        if done.stop_reason == "cancelled":
            self._store_and_settle(number, done)
            return None
        turn = self._store_and_settle(number, done, lambda: self._build_turn(number, "".join(texts), calls, done))
        if turn is None:
            return None
        exchange = Exchange(turn)
        self.journal.exchanges.append(exchange)
        return exchange

    def _request(self, number: int) -> Request:
        run = self.run
        return Request(
            model=run.model,
            messages=with_latest_results(self.journal.messages(), result_tokens(run.provider, run.model)),
            system=self.journal.system,
            tools=specs(run.tools),
            temperature=run.temperature,
            max_tokens=int(run.max_tokens),
            timeout_s=CALL_SECONDS,
            metadata={"run": run.id, "turn": str(number)},
        )

    def _build_turn(self, number: int, text: str, calls: list[ToolCall], done: Finished) -> Turn:
        pk, sk = Turn.key_of(self.run.id, number)
        key = f"runs/{self.run.ws_id}/{self.run.id}/{sk}"
        requested = [asdict(call) for call in calls]
        return Turn(
            pk=pk,
            sk=sk,
            number=number,
            fence=self.run.fence,
            text=store_text(key, replace_surrogates(text)),
            calls=store_text(f"{key}/calls", replace_surrogates(json.dumps(requested, ensure_ascii=False))),
            stop=done.stop_reason,
            model=done.model,
            at=clock.iso(),
        )

    def _store_and_settle(self, number: int, done: Finished, answer: Callable[[], Turn] | None = None) -> Turn | None:
        call = UnsettledCall.of(self.run, number, done)
        turn = store_call(self.run, call, answer)
        settle_call(self.run, call)
        return turn

    # -- executing tool calls

    @property
    def _actor(self) -> Any:
        return agent_actor(get_agent(self.run.agent_id), str(self.run.ws_id), self.run.tools, self.run.proj_id)

    def execute_calls(self, exchange: Exchange) -> None:
        """Execute the tool calls of a response that have no result yet."""
        context = CallContext(self._actor, self.run.item_id, self.run.id, tuple(self.run.tools))
        context.result_tokens = result_tokens(self.run.provider, self.run.model)
        for index in exchange.open:
            call = exchange.calls[index]
            context.new_id = derived_id("call", self.run.id, int(exchange.turn.number), index)
            context.refs = self.journal.refs
            record = self._execute_call(context, exchange, index, call)
            exchange.results[index] = record
            level = "warn" if record.is_error else "info"
            self.terminal.write(
                level, f"tool.{call.name}", _terminal_text(call, record), {"arguments": _shorten(call.arguments)}, source="tool"
            )
        skipped = len(exchange.calls) - MAX_CALLS_PER_ANSWER
        if skipped > 0:
            text = f"{skipped} of {len(exchange.calls)} tool calls were not executed: an answer may make {MAX_CALLS_PER_ANSWER}"
            self.terminal.write("warn", "tool", text, source="tool")

    def _execute_call(self, context: CallContext, exchange: Exchange, index: int, call: ToolCall) -> ToolCallRecord:
        pk, sk = ToolCallRecord.key_of(self.run.id, int(exchange.turn.number), index)
        record = ToolCallRecord(pk=pk, sk=sk, tool=call.name)
        earlier = exchange.results.get(index)
        repeated = earlier is not None  # its effect is written, but not its result: the worker died in between
        try:
            if call.problem:
                raise Invalid(message=call.problem)
            if repeated:
                outcome = _recover_outcome(context, call, str(self.run.proj_id))
            elif call.name in READ_ONLY:
                outcome = execute_tool(context, call.name, call.arguments)
            else:
                with transaction_guard(
                    lambda: [check_fence(self.run), create(ToolCallRecord(pk=pk, sk=sk, tool=call.name), AlreadyDone())]
                ):
                    outcome = execute_tool(context, call.name, call.arguments)
        except AlreadyDone:
            outcome = _recover_outcome(context, call, str(self.run.proj_id))
        except CadreError as error:
            outcome = Outcome(_error_text(error))
            record.is_error = True
        record.result = store_text(f"runs/{self.run.ws_id}/{self.run.id}/{sk}", outcome.content)
        record.effect = outcome.effect
        write(check_fence(self.run), put(record))
        return record

    def _check_turn_limits(self) -> None:
        if self.journal.next_turn > MAX_TURNS:
            raise TooManyTurns(f"The agent took {MAX_TURNS} turns without coming to an end")
        if self.run.deadline is not None and clock.epoch() > self.run.deadline:
            raise TookTooLong("The run took longer than it may")


def _check_stop_reason(exchange: Exchange) -> None:
    stop = exchange.turn.stop
    if stop == "max_tokens":
        raise OutputTooLong("The model's answer did not fit into the run's maxTokens; raise it and retry")
    if stop == "refusal":
        raise ModelRefused("The model declined to work on this card")


def _recover_outcome(context: CallContext, call: ToolCall, project_id: str) -> Outcome:
    """Rebuild the result of a call whose effect was written by a worker that died before it wrote the result."""
    arguments = call.arguments
    effect_id = context.card_id if call.name in _OF_THE_CARD else context.new_id
    if call.name == "write_document" and (document := find_document(project_id, arguments["type"], arguments["title"])):
        effect_id = document.id
    title = next((arguments[name] for name in _TITLES if arguments.get(name)), call.name)
    effect: dict[str, Any] | None = None
    if call.name in _EFFECT_KINDS:
        effect = {"kind": _EFFECT_KINDS[call.name], "id": effect_id, "title": headline(str(title))}
        if arguments.get("ref"):
            effect["ref"] = arguments["ref"]
    return Outcome(json.dumps({"id": effect_id, "note": "done before a restart"}), effect)


_EFFECT_KINDS: Final = {
    "create_card": "card",
    "create_task": "task",
    "write_document": "document",
    "comment": "comment",
    "raise_discovery": "discovery",
    "move_card": "move",
    "block_card": "block",
    "update_card": "update",
}
_OF_THE_CARD: Final = ("move_card", "block_card", "update_card")
_TITLES: Final = ("title", "content", "description", "to_lane", "reason")
"""The arguments that an effect is named after."""


def _error_text(error: CadreError) -> str:
    details = f" {error.details}" if error.details else ""
    return f"{error.message}{details}"


def _terminal_text(call: ToolCall, record: ToolCallRecord) -> str:
    if record.is_error:
        return f"{call.name}: {record.result}"[:_MAX_LINE]
    effect = record.effect or {}
    title = " ".join(str(effect.get("title", "")).split())
    return f"{call.name}: {title}"[:200] if title else call.name


def _shorten(arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value if not isinstance(value, str) or len(value) <= 200 else value[:200] + "…" for key, value in arguments.items()
    }


class _CancelWatch:
    """Checks the run's row while a model streams: whether the lease is lost; renews the lease after a third of its time."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.checked = self.renewed = time.monotonic()
        self.lost = False

    def cancelled(self) -> bool:
        now = time.monotonic()
        if self.lost or now - self.checked < CHECK_INTERVAL:
            return self.lost
        self.checked = now
        try:
            self._check(now)
        except (BotoCoreError, ClientError):  # the call must finish and be paid; the next check asks again
            log.warning("the lease of run %s could not be checked", self.run.id)
        return self.lost

    def _check(self, now: float) -> None:
        row = fetch(Run, self.run.id)
        self.lost = row is None or row.fence != self.run.fence or row.status != "running"
        if not self.lost and now - self.renewed > LEASE / 3:
            try:
                renew_lease(self.run)
            except LeaseLost:
                self.lost = True
            self.renewed = now


class _LineWriter:
    """Writes streamed text as terminal lines. The call must finish and be paid: a lost lease is only passed to the watch, and a log that
    cannot be written gets no more lines; the terminal raises its error again at its next write or end, when the answer is stored."""

    def __init__(self, terminal: TerminalWriter, watch: _CancelWatch) -> None:
        self.terminal, self.watch, self.text, self.broken = terminal, watch, "", False

    def add(self, text: str) -> None:
        self.text += text
        *whole, self.text = self.text.split("\n")
        for line in whole:
            self._write(line)
        if len(self.text) > _MAX_LINE:
            self.end()

    def end(self) -> None:
        self._write(self.text)
        self.text = ""

    def _write(self, line: str) -> None:
        if not line.strip() or self.watch.lost or self.broken:
            return
        try:
            self.terminal.write("info", "model", line, source="agent")
        except LeaseLost:
            self.watch.lost = True
        except (BotoCoreError, ClientError, ConditionFailed):
            self.broken = True
