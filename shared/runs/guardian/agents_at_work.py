"""The agents of clients that work: what they say of it (`reports`), how unusual they are (`anomalies`), and what the guardian does.

An agent that goes wrong is told so with its next heartbeat. If the same is wrong PATIENCE events later, or something for the fourth time,
its task is cancelled by an intervention, which can be reverted. One that is unusual for some readings triggers an alert.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from typing import Any, Final, cast

from shared.core import clock
from shared.core.actor import Actor, Role
from shared.core.errors import Conflict, NotFound
from shared.events import EventType, record
from shared.insight.alerts.raising import Cause, raise_alert, settle_alerts
from shared.runs.agent_runs.steering import GUARDIAN, MOST, PATIENCE, PREFIX
from shared.runs.guardian.acting import Intervention, cancel_task
from shared.runs.guardian.anomalies import AgentReading, Baseline, Measured, read, values_of
from shared.runs.guardian.reports import AgentReport, last_reports, trace_of_reports
from shared.runs.live_agents.holding import is_held_by
from shared.runs.live_agents.reading import Seen, read_agents
from shared.runs.live_agents.rows import CLIENT, WATCHED, LiveAgent
from shared.runs.traces.rules import Finding, find_drift, find_loop, first_finding
from shared.runs.traces.trace import Trace
from shared.store import (
    IndexRow,
    Operation,
    fetch,
    fetch_all,
    get_all,
    index_rows,
    is_stale,
    put_many,
    query,
    read_ahead,
    sweep,
    update_with_retry,
)
from shared.work.items.rows import Item
from shared.work.tasks.rows import Dependent, TaskHead, ended_by

MOST_AGENTS: Final = 500  # that a cycle looks at; the next one goes on behind them
ENDED: Final = 20  # tasks of an agent, the last of an hour, that are measured
DEPENDENTS: Final = 10  # of a task, that are looked at: as many count as all
KEPT: Final = 20  # messages that wait for an agent's heartbeat, and what is remembered of what it was told
RULE: Final = "agent_anomaly_high"
_HOUR: Final = 3_600
_PAGE: Final = 50


@dataclass(frozen=True)
class AtWork:
    """An agent, the task that it works on, the card of that task, and what it has said of its work."""

    agent: LiveAgent
    metrics: dict[str, Any]
    task: TaskHead
    held: Sequence[TaskHead]
    card: Item | None
    reports: Sequence[AgentReport]

    @cached_property
    def trace(self) -> Trace:
        card = self.card
        about = [self.task.title, card.title if card else "", (card.description or "") if card else ""]
        return trace_of_reports("\n".join(part for part in about if part), list(self.reports))

    @cached_property
    def finding(self) -> Finding | None:
        """Return what is wrong. Of an agent that never says what it makes it is not known whether it makes anything."""
        trace = self.trace
        return first_finding(trace) if trace.made else find_loop(trace) or find_drift(trace)


def agents_at_work(until: float) -> list[AtWork]:
    """Return the agents of clients that are heard from and hold tasks. Stops at `until` (`time.monotonic`)."""
    places = WATCHED.partitions()
    found = sweep(LiveAgent, "MONITORED", places, until, index=3, limit=_PAGE, read=_working, at_most=MOST_AGENTS)
    seen: list[Seen] = list(found)
    tasks = {task.id: task for task in fetch_all(TaskHead, {one for each in seen for one in each.agent.task_ids})}
    cards = {card.id: card for card in fetch_all(Item, {task.item_id for task in tasks.values()})}
    chosen = [(one, held) for one in seen if (held := _held(one, tasks))]
    reads = [read_ahead(partial(last_reports, _current(one, held).id, one.agent.id)) for one, held in chosen]
    return [
        AtWork(
            one.agent,
            dict(one.beat.health_metrics) if one.beat else {},
            task := _current(one, held),
            held,
            cards.get(task.item_id),
            reports.result(),
        )
        for (one, held), reports in zip(chosen, reads, strict=True)
    ]


def _working(rows: Sequence[LiveAgent]) -> list[Seen]:
    found = read_agents([row.entity_id for row in rows])
    return [one for one in found if one.agent.runner == CLIENT and one.health.is_present and one.agent.task_ids]


def _held(one: Seen, tasks: dict[str, TaskHead]) -> list[TaskHead]:
    held = [task for task_id in one.agent.task_ids if (task := tasks.get(task_id)) is not None]
    return [task for task in held if is_held_by(task, one.agent.id)]


def _current(one: Seen, held: Sequence[TaskHead]) -> TaskHead:
    """Return the task on which the agent says that it works; else the one that it has had for the longest time."""
    said = one.beat.current_task_id if one.beat else None
    return next((task for task in held if task.id == said), held[0])


# -- what is wrong


def steer(one: AtWork) -> dict[str, Any] | None:
    """Tell an agent what is wrong, or cancel its task if that has not helped. Return what was done: {action_type, reason}."""
    finding = one.finding
    told = [said for said in one.agent.steering or [] if said["task_id"] == one.task.id]
    since = sum(report.at > told[-1]["at"] for report in one.reports) if told else 0
    if finding is None or (told and since < PATIENCE):
        return None
    if told and (told[-1]["rule"] == finding.rule or len(told) >= MOST):
        return _stop(one, finding)
    return _tell(one, finding)


def _tell(one: AtWork, finding: Finding) -> dict[str, Any] | None:
    message = f"{PREFIX} {finding.reason}. {finding.advice}."
    said = {"task_id": one.task.id, "rule": finding.rule, "message": message, "at": clock.iso()}
    known, done = [entry["at"] for entry in one.agent.steering or []], False

    def change(row: LiveAgent) -> Sequence[Operation] | None:
        nonlocal done
        done = one.task.id in row.task_ids and [entry["at"] for entry in row.steering or []] == known
        if not done:
            return None  # it has lost the task, or another cycle has told it
        row.steering = [*(row.steering or []), said][-KEPT:]
        row.messages = [*row.messages, message][-KEPT:]
        record(
            row,
            EventType.STEERING_ISSUED,
            GUARDIAN,
            live_agent_id=row.id,
            rule=finding.rule,
            message=message,
            task_id=one.task.id,
            **row.named,
        )
        return ()

    update_with_retry(lambda: fetch(LiveAgent, one.agent.id) or one.agent, change)
    return {"action_type": "steer", "reason": message} if done else None


def _stop(one: AtWork, finding: Finding) -> dict[str, Any] | None:
    guardian = Actor(GUARDIAN.id, GUARDIAN.name, kind="system", workspaces={str(one.agent.ws_id): Role.OWNER})
    reason = f"{PREFIX} {finding.reason}, also after the agent was told ({finding.rule})"
    try:
        cancel_task(guardian, one.task.id, Intervention(reason, GUARDIAN.id), only_if_held_under=int(one.task.fence))
    except (Conflict, NotFound) as error:  # it has ended, or somebody else has it
        if is_stale(error):
            raise
        return None

    def tell(row: LiveAgent) -> None:
        row.messages = [*row.messages, f"{reason}. Task {one.task.id} was cancelled"][-KEPT:]

    update_with_retry(lambda: fetch(LiveAgent, one.agent.id) or one.agent, tell)
    return {"action_type": "cancel_task", "reason": reason}


# -- how unusual they are


def measure(all_of_one: Sequence[AtWork]) -> int:
    """Take a reading of the agents of a workspace, let what is usual follow, and trigger or resolve alerts. Return how many changed."""
    ws_id = str(all_of_one[0].agent.ws_id)
    groups = sorted({(one.agent.agent_type, one.agent.phase_id or "") for one in all_of_one})
    keys: list[Any] = [(AgentReading, *AgentReading.key_of(one.agent.id)) for one in all_of_one]
    keys += [(Baseline, *Baseline.key_of(ws_id, *group)) for group in groups]
    rows = get_all(keys)
    before = cast("list[AgentReading | None]", rows[: len(all_of_one)])
    usual = {
        group: cast("Baseline | None", row) or Baseline(*Baseline.key_of(ws_id, *group), usual={})
        for group, row in zip(groups, rows[len(all_of_one) :], strict=True)
    }
    measured = [read_ahead(partial(_measured, one)) for one in all_of_one]
    readings, learned = [], set()
    for one, last, values in zip(all_of_one, before, measured, strict=True):
        group = (one.agent.agent_type, one.agent.phase_id or "")
        now = read(one.agent.id, values.result(), last, usual[group])
        if not now.in_a_row and (new := values_of(values.result())):
            usual[group].learn(new)
            learned.add(group)
        _follow(one.agent, last, now)
        readings.append(now)
    put_many([*readings, *(usual[group] for group in sorted(learned))])
    return sum(now.is_anomaly for now in readings)


def _measured(one: AtWork) -> Measured:
    since = clock.in_seconds(-_HOUR)
    partition = ended_by(str(one.agent.ws_id), one.agent.id)
    ended = list(islice(index_rows(3, partition, between=(since, "~"), newest_first=True), ENDED))
    times = [seconds for row in ended if row.f["status"] == "completed" and (seconds := _seconds(row)) is not None]
    counted = [row for row in ended if row.f["status"] in ("completed", "failed")]
    failed = sum(row.f["status"] == "failed" for row in counted)
    return Measured(
        sum(times) / len(times) if times else None,
        failed / len(counted) if counted else None,
        one.metrics,
        _waiting(one.held),
    )


def _seconds(row: IndexRow) -> float | None:
    begun, ended = row.f.get("started_at"), row.f.get("completed_at")
    return (clock.parse(ended) - clock.parse(begun)).total_seconds() if begun and ended else None


def _waiting(held: Sequence[TaskHead]) -> list[str]:
    """Return the priorities of the tasks that wait for these."""
    rows = [row for task in held for row in query(Dependent, f"TASK#{task.id}", prefix="NEEDED#", limit=DEPENDENTS).rows]
    return [task.priority for task in fetch_all(TaskHead, {row.task_id for row in rows}) if task.status == "pending"]


def _follow(agent: LiveAgent, last: AgentReading | None, now: AgentReading) -> None:
    """Trigger the alert of an agent that is unusual, and resolve it when that is over."""
    if now.is_anomaly:
        high = ", ".join(f"{name} {part}" for name, part in now.parts.items() if part > 0)
        cause = Cause(
            str(agent.ws_id),
            "agent",
            agent.id,
            f"Agent {agent.name} is unusual for its kind: {float(now.score):.2f} ({high})",
            f"anomaly/{agent.id}/{now.since}",
            org_id=agent.org_id,
            proj_id=agent.proj_id,
            labels={"agent_type": agent.agent_type} | {name: str(part) for name, part in now.parts.items()},
        )
        raise_alert(RULE, float(now.score), cause)
    elif last is not None and last.is_anomaly:
        settle_alerts((RULE,), str(agent.ws_id), "agent", agent.id, "The agent is as usual again")
