"""The monitoring cycle: how well the agents of a workspace keep to their cards, which of them do the same, and what was done about it.

The platform's own work by agent runs, whose conversations are their traces; those of clients say what they do (`reports`).

Nothing is written where nobody works, or where nothing is new since the last cycle.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, takewhile
from typing import Any, Final

from shared.agents.embeddings.port import cosine
from shared.agents.embeddings.registry import embedder
from shared.core import clock
from shared.core.ids import derived_id, new_id
from shared.events import EventType, record
from shared.runs.agent_runs.journal import read_journal
from shared.runs.agent_runs.rows import IN_PROGRESS, Run
from shared.runs.agent_runs.steering import GUARDIAN, trace_of, usual_tokens
from shared.runs.guardian.agents_at_work import AtWork, agents_at_work, measure, steer
from shared.runs.traces.rules import Finding, first_finding
from shared.runs.traces.subject import alignment
from shared.runs.traces.trace import Trace
from shared.store import (
    Entity,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    create,
    fetch,
    fetch_all,
    fetch_indexed,
    process_all,
    retrying,
    rotate,
    save,
    stale,
    sweep,
    write,
)
from shared.work.items.rows import Item
from shared.work.tasks.rows import TaskHead

MOST_RUNS: Final = 500  # runs that a cycle looks at
MOST_IN_WORKSPACE: Final = 50  # runs, and agents of clients, that are shown of a workspace
SAME_WORK: Final = 0.85
"""The likeness from which two agents do the same: that of duplicates among tickets."""
_SILENT: Final = "At work; it says nothing of what it does"
_PAGE: Final = 50
_ABOUT: Final = 2_000  # characters of a card that are compared


class Monitoring(Entity):
    """What the last cycle has seen in a workspace, `MON#<id of the workspace's>, META`."""

    KIND = "MON"
    NAME = "monitoring"

    cycle_id = UnicodeAttribute()
    at = UnicodeAttribute()
    agents = JSONAttribute(default=list)
    duplicates = JSONAttribute(default=list)
    interventions = JSONAttribute(default=list)
    coherence = NumberAttribute(default=1)

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"WS#{self.ws_id}#MON", self.id)}


@dataclass(frozen=True)
class _Watched:
    org_id: str | None
    agent_id: str
    about: str
    """What it works on, in words."""
    trace: Trace | None
    finding: Finding | None
    said: Sequence[Mapping[str, Any]]
    """What it was told while it ran: {message, at}."""


def watch(until: float) -> int:
    """Look at all runs and agents of clients that work, tell those that something is wrong with, and write what is new. Return in how many
    workspaces. Stops at `until` (`time.monotonic`)."""
    runs, agents = _runs_at_work(until), defaultdict(list)
    for one in agents_at_work(until):
        agents[str(one.agent.ws_id)].append(one)
    both = [(ws_id, runs.get(ws_id, ()), agents.get(ws_id, ())) for ws_id in sorted({*runs, *agents})]
    in_time = takewhile(lambda _: time.monotonic() < until, rotate(both) if both else ())
    return process_all("the monitoring cycle", in_time, lambda one: _look_at(*one), lambda one: f"workspace {one[0]}")


def _runs_at_work(until: float) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = defaultdict(list)
    read, places = partial(fetch_indexed, Run), IN_PROGRESS.partitions()
    # a name of its own: the job that ends runs goes through the same list
    for run in sweep(Run, "MONITORED RUNS", places, until, index=3, limit=_PAGE, read=read, at_most=MOST_RUNS):
        if run.status == "running" and len(found[str(run.ws_id)]) < MOST_IN_WORKSPACE:
            found[str(run.ws_id)].append(run)
    return found


def _look_at(ws_id: str, runs: Sequence[Run], agents: Sequence[AtWork]) -> int:
    done = [act | {"target_agent_ids": [one.agent.id]} for one in agents if one.reports and (act := steer(one))]
    if agents:
        measure(agents)
    return _watch(ws_id, [*_of_runs(runs), *map(_of_agent, agents[:MOST_IN_WORKSPACE])], done)


def _watch(ws_id: str, watched: Sequence[_Watched], done: Sequence[Mapping[str, Any]]) -> int:
    agents = [_state(one) for one in watched if one.trace is not None]
    duplicates = _duplicates(watched)
    written = False

    def attempt(_: int) -> None:
        nonlocal written
        row_id = derived_id("monitoring", ws_id)
        row = fetch(Monitoring, row_id)
        interventions = [*done, *_interventions(watched, row.at if row else "")]
        if row is not None and not interventions and [row.agents, row.duplicates] == [agents, duplicates]:
            return
        first = row is None
        row = row or Monitoring.new(row_id, org_id=watched[0].org_id, ws_id=ws_id)
        row.cycle_id, row.at = new_id(), clock.iso()
        row.agents, row.duplicates, row.interventions = agents, duplicates, interventions
        row.coherence = coherence(agents, duplicates)
        record(row, EventType.MONITORING_UPDATE, GUARDIAN)
        write(create(row, stale) if first else save(row))
        written = True

    if agents:
        retrying(attempt)
    return int(written)


def _of_runs(runs: Sequence[Run]) -> list[_Watched]:
    cards = {card.id: card for card in fetch_all(Item, {run.item_id for run in runs})}
    tasks = {task.id: task for task in fetch_all(TaskHead, {str(run.task_id) for run in runs if run.task_id})}
    watched = []
    for run in runs:
        task, card = tasks.get(str(run.task_id)), cards.get(run.item_id)
        agent_id = task.agent["id"] if task and task.agent else run.agent_id
        journal = read_journal(run)
        trace = trace_of(run, journal) if journal is not None and journal.exchanges else None
        finding = first_finding(trace, usual_tokens(run)) if trace else None
        watched.append(_Watched(run.org_id, str(agent_id), _about(task, card), trace, finding, run.steering or ()))
    return watched


def _of_agent(one: AtWork) -> _Watched:
    agent = one.agent
    return _Watched(agent.org_id, agent.id, _about(one.task, one.card), one.trace, one.finding, ())


def _about(task: TaskHead | None, card: Item | None) -> str:
    parts = (task.title if task else "", card.title if card else "", card.description if card else "")
    return "\n".join(part for part in parts if part)[:_ABOUT]


def _state(one: _Watched) -> dict[str, Any]:
    """Return what is shown of an agent. What is not known counts as good: how well one keeps to its card that says nothing, too."""
    trace, finding = one.trace or Trace("", ()), one.finding
    kept = alignment(trace)
    tools = [call.tool for turn in trace.turns[-3:] for call in turn.calls]
    last = f", last {', '.join(dict.fromkeys(tools))}" if tools else ""
    summary = f"{len(trace.turns)} turns, {trace.made} things made{last}" if trace.turns else _SILENT
    return {
        "agent_id": one.agent_id,
        "alignment_score": 1.0 if kept is None else round(kept, 2),
        "trajectory_summary": summary + (f". {finding.reason}" if finding else ""),
        "needs_steering": finding is not None,
        "steering_type": finding.rule if finding else None,
    }


def _duplicates(watched: Sequence[_Watched]) -> list[dict[str, Any]]:
    """Return the pairs of runs that do the same, by what they work on."""
    told = [one for one in watched if one.about]
    if len(told) < 2:
        return []
    vectors = embedder().embed([one.about for one in told])
    pairs = []
    for (one, mine), (other, its) in combinations(zip(told, vectors, strict=True), 2):
        likeness = cosine(mine, its)
        if likeness >= SAME_WORK and one.agent_id != other.agent_id:
            about = one.about.splitlines()[0]
            pairs.append(
                {
                    "agent1_id": one.agent_id,
                    "agent2_id": other.agent_id,
                    "similarity_score": round(min(1.0, likeness), 2),
                    "work_description": about,
                }
            )
    return pairs


def _interventions(watched: Sequence[_Watched], since: str) -> list[dict[str, Any]]:
    """Return what was said to runs since the last cycle."""
    return [
        {"action_type": "steer", "target_agent_ids": [one.agent_id], "reason": said["message"]}
        for one in watched
        for said in one.said
        if said["at"] > since
    ]


def coherence(agents: Sequence[dict[str, Any]], duplicates: Sequence[dict[str, Any]]) -> float:
    """Return from 0 to 1 how well all work together: the mean alignment, less by the share of agents whose work another one does too."""
    doubled = {pair["agent2_id"] for pair in duplicates}
    mean = sum(float(one["alignment_score"]) for one in agents) / len(agents)
    return round(mean * (1 - len(doubled) / max(2, len(agents))), 2)
