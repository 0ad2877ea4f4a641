"""Messages that are put into a run's conversation while it works, and the guardian that looks at each turn before the next.

A run that goes wrong (`shared.runs.traces.rules`) is told so. If the same or something else is wrong PATIENCE turns later, or for the
fourth time, it is stopped.
"""

from collections.abc import Callable
from typing import Final

from shared.core import clock
from shared.core.actor import Actor
from shared.events import EventType, record
from shared.runs.agent_runs.ending import end_run, event_data, publish_status, with_error
from shared.runs.agent_runs.journal import Exchange, Journal
from shared.runs.agent_runs.lease import LeaseLost
from shared.runs.agent_runs.rows import AgentStats, Run
from shared.runs.traces.rules import MEASURED_RUNS, WASTE_LEAST, Finding, first_finding
from shared.runs.traces.trace import Call, Trace, Turn
from shared.store import fetch, get, update_with_retry
from shared.work.tasks.rows import TaskHead

GUARDIAN: Final = Actor(id="guardian", name="Guardian", kind="system")
PREFIX: Final = "[GUARDIAN INTERVENTION]"  # the original service's
PATIENCE: Final = 4
"""Turns that a run has to change what it does after it was told."""
MOST: Final = 3  # messages of the guardian to one run
KEPT: Final = 20  # messages that a run keeps
_LENGTH: Final = 4_000  # characters of a message
_LONG: Final = "s3:"


def trace_of(run: Run, journal: Journal) -> Trace:
    """Return what a run has done as a trace. A long text that lies in a file counts as one that was not read."""
    began = clock.parse(run.started_at) if run.started_at else clock.now()

    def turn(exchange: Exchange) -> Turn:
        seconds = (clock.parse(exchange.turn.at) - began).total_seconds()
        return Turn(_short(exchange.turn.text), tuple(_calls(exchange)), max(0.0, seconds))

    return Trace(journal.first_message, [turn(one) for one in journal.exchanges], run.total_tokens)


def _calls(exchange: Exchange) -> list[Call]:
    calls = []
    for index, call in enumerate(exchange.calls):
        done = exchange.results.get(index)
        effect = done.effect if done is not None and not done.is_error else None
        made = f"{effect['kind']}:{effect.get('title') or effect['id']}" if effect else None
        arguments = " ".join(f"{name}: {value}" for name, value in sorted(call.arguments.items()))
        failed = done is not None and bool(done.is_error)
        calls.append(Call(call.name, arguments, _short(done.result or "") if done else "", failed, made))
    return calls


def _short(text: str) -> str:
    return "" if text.startswith(_LONG) else text


def look_after(run: Run, journal: Journal) -> Run:
    """Tell a run that something is wrong, or stop it if that has not helped. Return the run as it is then; one write if it was told.

    Raises LeaseLost when the run was stopped.
    """
    number = len(journal.exchanges)
    told = [one for one in run.steering or [] if one["by"] == GUARDIAN.id]
    if number == 0 or (told and number < told[-1]["turn"] + PATIENCE):
        return run
    finding = first_finding(trace_of(run, journal), usual_tokens(run))
    if finding is None:
        return run
    if told and (told[-1]["rule"] == finding.rule or len(told) >= MOST):
        _stop(run, finding)
    steered = _add(
        run.id, GUARDIAN, finding.rule, f"{finding.reason}. {finding.advice}.", number, lambda row: row.fence == run.fence
    )
    if steered is None:
        raise LeaseLost
    journal.steering = steered.steering or []
    return steered


def usual_tokens(run: Run) -> float | None:
    """Return how many tokens this agent usually needs for a thing that it makes in this workspace; None if that is not known, or if the
    run has used too few for it to matter."""
    if run.total_tokens < WASTE_LEAST:
        return None
    stats = get(AgentStats, *AgentStats.key_of(str(run.ws_id), run.agent_id), consistent=False)
    if stats is None or int(stats.measured) < MEASURED_RUNS or not int(stats.made):
        return None
    return int(stats.tokens) / int(stats.made)


def _stop(run: Run, finding: Finding) -> None:
    reason = f"{PREFIX} {finding.reason}, also after the agent was told ({finding.rule})"
    done = end_run(
        run,
        "cancelled",
        GUARDIAN,
        with_error("CANCELLED", reason),
        only_if=lambda row: row.fence == run.fence,
        called_by_execution=True,
    )
    publish_status(done)
    raise LeaseLost


def steer_run(actor: Actor, run_id: str, rule: str, message: str) -> bool:
    """Put a message into the conversation of a run that works: the agent reads it at its next turn. Return False if it has ended."""
    run = fetch(Run, run_id)
    if run is None or run.ended:
        return False
    return _add(run_id, actor, rule, message, None, lambda row: not row.ended) is not None


def _add(run_id: str, actor: Actor, rule: str, message: str, turn: int | None, applies: Callable[[Run], bool]) -> Run | None:
    """Write a message into a run as it is now, unless it does not apply any more. `turn`: how many turns the run has taken."""

    def read() -> Run:
        row = fetch(Run, run_id)
        if row is None or not applies(row):
            raise LeaseLost
        return row

    def change(row: Run) -> None:
        at = clock.iso()
        after = int(row.calls) + (row.hold_turn is not None) if turn is None else turn
        text = f"{PREFIX} {message[:_LENGTH]}"
        entry = {"turn": after, "rule": rule, "message": text, "at": at, "by": actor.id}
        row.steering = [*(row.steering or []), entry][-KEPT:]
        record(row, EventType.STEERING_ISSUED, actor, **event_data(row), live_agent_id=_live_agent(row), rule=rule, message=text)

    try:
        return update_with_retry(read, change)
    except LeaseLost:
        return None


def _live_agent(run: Run) -> str | None:
    task = fetch(TaskHead, str(run.task_id)) if run.task_id else None
    return str(task.agent["id"]) if task is not None and task.agent else None
