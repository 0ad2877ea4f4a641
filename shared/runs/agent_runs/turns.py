"""One turn of a run: one answer of the model, kept before it is acted on, and then its tool calls, each carried out once.

What may happen at any point: the process dies and the step is tried again (the journal says how far it came), the run is cancelled
or changes hands (the fence refuses every write), the budget has no room (nothing is called, the run waits).
"""

import json
import time
from dataclasses import dataclass
from typing import Any, Final

from shared.agents.catalogue.registry import get_agent
from shared.agents.providers import registry
from shared.agents.providers.port import Finished, Request, StreamInterrupted, TextDelta, ToolCall, ToolCallReady
from shared.agents.tools import READ_ONLY, specs
from shared.core import clock
from shared.core.errors import CadreError, Raced, Upstream
from shared.core.ids import derived_id
from shared.core.situations import Situation
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
from shared.runs.agent_runs.lease import LEASE, Lost, held, renew
from shared.runs.agent_runs.rows import Called, Run, Turn
from shared.runs.agent_runs.spending import project_name, reserve, settled, worst_price
from shared.runs.terminal import TerminalWriter
from shared.runs.toolbox import Outcome, Work, agent_actor, perform
from shared.store import create, fetch, put, store_text, transaction_guard, write
from shared.work.documents.writing import find_document

MAX_TURNS: Final = 40
CALL_SECONDS: Final = 600.0  # of one model call; the function has 900
LOOK = 1.0  # seconds between two looks at the run's row while a model streams: a cancel bites within two
_LINE = 2_000  # characters of one terminal line


class AlreadyDone(Raced):
    """This very call took effect before."""


@dataclass
class Worker:
    """Somebody who holds a run and takes one turn of it."""

    run: Run
    journal: Journal
    terminal: TerminalWriter

    def take(self) -> str:
        """The turn. Answers what is next: `turn` or `finish`. Raises BudgetExhausted, Lost, or a RunFailure."""
        last = self.journal.last
        if last is not None and last.open:  # the answer is here, its calls are not all carried out
            self.act(last)
            return "turn"
        if last is not None and not last.calls:
            _refuse_unfinished(last)  # whoever got this answer may have died before saying so
            return "finish"
        self._refuse_endless()
        exchange = self.ask()
        if exchange is None:
            raise Lost
        if exchange.calls:
            self.act(exchange)
            return "turn"
        _refuse_unfinished(exchange)
        return "finish"

    # -- asking the model

    def ask(self) -> Exchange | None:
        """One call of the model, reserved, streamed, settled and kept. None when the run was lost meanwhile."""
        run, number = self.run, self.journal.next_turn
        request = self._request(number)
        try:
            provider = registry.provider(run.provider)
        except Upstream as error:
            raise ProviderNotConfigured(error.message) from error
        reserve(run, number, worst_price(run, request))
        said: list[str] = []
        calls: list[ToolCall] = []
        done: Finished | None = None
        watch = _Watch(run)
        lines = _Lines(self.terminal, watch)
        try:
            for event in provider.stream(request, watch.cancelled):
                if isinstance(event, TextDelta):
                    said.append(event.text)
                    lines.add(event.text)
                elif isinstance(event, ToolCallReady):
                    lines.end()
                    calls.append(event.call)
                else:
                    done = event
        except StreamInterrupted as error:
            self._settle(number, Finished("cancelled", error.usage, run.model, estimated=True), None)
            raise ProviderUnavailable(error.message) from error
        except Upstream as error:
            kind = ProviderRateLimited if error.situation is Situation.PROVIDER_RATE_LIMITED else ProviderUnavailable
            raise (ProviderNotConfigured if error.situation is Situation.PROVIDER_NOT_CONFIGURED else kind)(
                error.message
            ) from error
        lines.end()
        if done is None:
            raise ProviderUnavailable(f"{run.provider} ended its stream without a word about what was used")
        if done.stop_reason == "cancelled":
            self._settle(number, done, None)
            return None
        turn = self._kept(number, "".join(said), calls, done)
        if not self._settle(number, done, turn):
            return None
        exchange = Exchange(turn)
        self.journal.exchanges.append(exchange)
        return exchange

    def _request(self, number: int) -> Request:
        run = self.run
        return Request(
            model=run.model,
            messages=self.journal.messages(),
            system=run.system or "",
            tools=specs(run.tools),
            temperature=run.temperature,
            max_tokens=int(run.max_tokens),
            timeout_s=CALL_SECONDS,
            metadata={"run": run.id, "turn": str(number)},
        )

    def _kept(self, number: int, said: str, calls: list[ToolCall], done: Finished) -> Turn:
        pk, sk = Turn.key_of(self.run.id, number)
        place = f"runs/{self.run.ws_id}/{self.run.id}/{sk}"
        asked = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in calls]
        return Turn(
            pk=pk,
            sk=sk,
            number=number,
            fence=self.run.fence,
            said=store_text(place, _encodable(said)),
            calls=store_text(f"{place}/calls", _encodable(json.dumps(asked, ensure_ascii=False))),
            stop=done.stop_reason,
            model=done.model,
            at=clock.iso(),
        )

    def _settle(self, number: int, done: Finished, turn: Turn | None) -> bool:
        kept = [create(turn)] if turn is not None else []
        return settled(self.run, number, done, project_name(self.run), kept, progress=_progress(number))

    # -- acting

    @property
    def _actor(self) -> Any:
        return agent_actor(get_agent(self.run.agent_id), str(self.run.ws_id), self.run.tools)

    def act(self, exchange: Exchange) -> None:
        """Carry out the calls of an answer that have no result yet."""
        work = Work(self._actor, self.run.item_id, self.run.id, tuple(self.run.tools))
        for index in exchange.open:
            call = exchange.calls[index]
            work.new_id = derived_id("call", self.run.id, int(exchange.turn.number), index)
            work.refs = self.journal.refs
            called = self._carry_out(work, exchange, index, call)
            exchange.results[index] = called
            level = "warn" if called.is_error else "info"
            self.terminal.write(
                level, f"tool.{call.name}", _told(call, called), {"arguments": _short(call.arguments)}, source="tool"
            )

    def _carry_out(self, work: Work, exchange: Exchange, index: int, call: ToolCall) -> Called:
        pk, sk = Called.key_of(self.run.id, int(exchange.turn.number), index)
        called = Called(pk=pk, sk=sk, tool=call.name)
        known = exchange.results.get(index)
        done = known is not None  # its effect is written, its result is not: the writer died in between
        try:
            if done:
                outcome = _again(work, call, str(self.run.proj_id))
            elif call.name in READ_ONLY:
                outcome = perform(work, call.name, call.arguments)
            else:
                with transaction_guard(lambda: [held(self.run), create(Called(pk=pk, sk=sk, tool=call.name), AlreadyDone())]):
                    outcome = perform(work, call.name, call.arguments)
        except AlreadyDone:
            outcome = _again(work, call, str(self.run.proj_id))
        except CadreError as error:
            outcome = Outcome(_advice(error))
            called.is_error = True
        called.result = store_text(f"runs/{self.run.ws_id}/{self.run.id}/{sk}", outcome.content)
        called.made = outcome.made
        write(held(self.run), put(called))
        return called

    def _refuse_endless(self) -> None:
        if self.journal.next_turn > MAX_TURNS:
            raise TooManyTurns(f"The agent took {MAX_TURNS} turns without coming to an end")
        if self.run.deadline is not None and clock.epoch() > self.run.deadline:
            raise TookTooLong("The run took longer than it may")


def _refuse_unfinished(exchange: Exchange) -> None:
    stop = exchange.turn.stop
    if stop == "max_tokens":
        raise OutputTooLong("The model's answer did not fit into the run's maxTokens; raise it and retry")
    if stop == "refusal":
        raise ModelRefused("The model declined to work on this card")


def _again(work: Work, call: ToolCall, project_id: str) -> Outcome:
    """The result of a call whose effect was written by somebody who died before saying so."""
    given = call.arguments
    made_id = work.new_id
    if call.name == "write_document" and (document := find_document(project_id, given["type"], given["title"])):
        made_id = document.id
    title = given.get("title") or given.get("content") or given.get("description") or call.name
    made: dict[str, Any] | None = None
    if call.name in _KINDS:
        made = {"kind": _KINDS[call.name], "id": made_id, "title": str(title)[:200]}
        if given.get("ref"):
            made["ref"] = given["ref"]
    return Outcome(json.dumps({"id": made_id, "note": "done before a restart"}), made)


_KINDS: Final = {
    "create_card": "card",
    "create_task": "task",
    "write_document": "document",
    "comment": "comment",
    "raise_discovery": "discovery",
    "move_card": "move",
    "block_card": "block",
}


def _advice(error: CadreError) -> str:
    details = f" {error.details}" if error.details else ""
    return f"{error.message}{details}"


def _told(call: ToolCall, called: Called) -> str:
    if called.is_error:
        return f"{call.name}: {called.result}"[:_LINE]
    made = called.made or {}
    title = " ".join(str(made.get("title", "")).split())
    return f"{call.name}: {title}"[:200] if title else call.name


def _short(arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value if not isinstance(value, str) or len(value) <= 200 else value[:200] + "…" for key, value in arguments.items()
    }


def _encodable(text: str) -> str:
    """A model may say half a surrogate pair, or each half in a chunk of its own."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _progress(turn: int) -> int:
    """Percent after so many turns: it rises always and never says that it is done."""
    return int(95 * (1 - 0.7**turn))


class _Watch:
    """Looks at the run's row while a model streams: whether it is still ours, and a longer lease where half of it is gone."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.looked = self.renewed = time.monotonic()
        self.lost = False

    def cancelled(self) -> bool:
        moment = time.monotonic()
        if self.lost or moment - self.looked < LOOK:
            return self.lost
        self.looked = moment
        row = fetch(Run, self.run.id)
        self.lost = row is None or row.fence != self.run.fence or row.status != "running"
        if not self.lost and moment - self.renewed > LEASE / 3:
            self.renewed = moment
            try:
                renew(self.run)
            except Lost:
                self.lost = True
        return self.lost


class _Lines:
    """Streamed text as terminal lines. A log that is refused tells the watch: the call has to come to its end, because it is paid."""

    def __init__(self, terminal: TerminalWriter, watch: _Watch) -> None:
        self.terminal, self.watch, self.text = terminal, watch, ""

    def add(self, text: str) -> None:
        self.text += text
        *whole, self.text = self.text.split("\n")
        for line in whole:
            self._write(line)
        if len(self.text) > _LINE:
            self.end()

    def end(self) -> None:
        self._write(self.text)
        self.text = ""

    def _write(self, line: str) -> None:
        if not line.strip() or self.watch.lost:
            return
        try:
            self.terminal.write("info", "model", line, source="agent")
        except Lost:
            self.watch.lost = True
