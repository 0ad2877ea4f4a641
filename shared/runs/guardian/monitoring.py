"""The monitoring cycle: how well the runs of a workspace keep to their cards, which of them do the same, and what was done about it.

Nothing is written where nobody works, or where nothing is new since the last cycle.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice
from typing import Any, Final

from shared.agents.embeddings.port import cosine
from shared.agents.embeddings.registry import embedder
from shared.core import clock
from shared.core.ids import derived_id, new_id
from shared.events import EventType, record
from shared.runs.agent_runs.journal import read_journal
from shared.runs.agent_runs.rows import IN_PROGRESS, Run
from shared.runs.agent_runs.steering import GUARDIAN, trace_of, usual_tokens
from shared.runs.traces.rules import first_finding
from shared.runs.traces.subject import alignment
from shared.store import (
    Entity,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    create,
    fetch,
    fetch_all,
    fetch_indexed,
    iterate_shards,
    process_all,
    retrying,
    save,
    stale,
    write,
)
from shared.work.items.rows import Item
from shared.work.tasks.rows import TaskHead

MOST_RUNS: Final = 500  # runs that a cycle looks at
MOST_IN_WORKSPACE: Final = 25
SAME_WORK: Final = 0.85
"""The likeness from which two agents do the same: that of duplicates among tickets."""
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
    run: Run
    agent_id: str
    about: str
    """What it works on, in words."""


def watch_runs(until: float) -> int:
    """Look at all runs that work, and write what is new. Return in how many workspaces. Stops at `until` (`time.monotonic`)."""
    rows = iterate_shards(Run, IN_PROGRESS, until, index=3, limit=_PAGE, read=partial(fetch_indexed, Run))
    by_workspace: dict[str, list[Run]] = defaultdict(list)
    for run in islice(rows, MOST_RUNS):
        if run.status == "running" and len(by_workspace[str(run.ws_id)]) < MOST_IN_WORKSPACE:
            by_workspace[str(run.ws_id)].append(run)
    found = [(ws_id, runs) for ws_id, runs in by_workspace.items() if runs]
    return process_all("the monitoring cycle", found, lambda one: _watch(*one), lambda one: f"workspace {one[0]}")


def _watch(ws_id: str, runs: Sequence[Run]) -> int:
    watched = _with_work(runs)
    agents = [one for one in map(_state, watched) if one is not None]
    duplicates = _duplicates(watched)
    written = False

    def attempt(_: int) -> None:
        nonlocal written
        row_id = derived_id("monitoring", ws_id)
        row = fetch(Monitoring, row_id)
        interventions = _interventions(watched, row.at if row else "")
        if row is not None and not interventions and [row.agents, row.duplicates] == [agents, duplicates]:
            return
        first = row is None
        row = row or Monitoring.new(row_id, org_id=runs[0].org_id, ws_id=ws_id)
        row.cycle_id, row.at = new_id(), clock.iso()
        row.agents, row.duplicates, row.interventions = agents, duplicates, interventions
        row.coherence = coherence(agents, duplicates)
        record(row, EventType.MONITORING_UPDATE, GUARDIAN)
        write(create(row, stale) if first else save(row))
        written = True

    if agents:
        retrying(attempt)
    return int(written)


def _with_work(runs: Sequence[Run]) -> list[_Watched]:
    cards = {card.id: card for card in fetch_all(Item, {run.item_id for run in runs})}
    tasks = {task.id: task for task in fetch_all(TaskHead, {str(run.task_id) for run in runs if run.task_id})}
    watched = []
    for run in runs:
        task, card = tasks.get(str(run.task_id)), cards.get(run.item_id)
        about = "\n".join(
            part for part in (task.title if task else "", card.title if card else "", card.description if card else "") if part
        )
        agent_id = task.agent["id"] if task and task.agent else run.agent_id
        watched.append(_Watched(run, str(agent_id), about[:_ABOUT]))
    return watched


def _state(one: _Watched) -> dict[str, Any] | None:
    """Return what is shown of an agent; None before it has taken a turn."""
    journal = read_journal(one.run)
    if journal is None or not journal.exchanges:
        return None
    trace = trace_of(one.run, journal)
    kept = alignment(trace)
    finding = first_finding(trace, usual_tokens(one.run))
    tools = [call.tool for turn in trace.turns[-3:] for call in turn.calls]
    last = f", last {', '.join(dict.fromkeys(tools))}" if tools else ""
    return {
        "agent_id": one.agent_id,
        "alignment_score": 1.0 if kept is None else round(kept, 2),
        "trajectory_summary": f"{len(trace.turns)} turns, {trace.made} things made{last}"
        + (f". {finding.reason}" if finding else ""),
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
    """Return what was said to the runs since the last cycle."""
    return [
        {"action_type": "steer", "target_agent_ids": [one.agent_id], "reason": said["message"]}
        for one in watched
        for said in one.run.steering or []
        if said["at"] > since
    ]


def coherence(agents: Sequence[dict[str, Any]], duplicates: Sequence[dict[str, Any]]) -> float:
    """Return from 0 to 1 how well all work together: the mean alignment, less by the share of agents whose work another one does too."""
    doubled = {pair["agent2_id"] for pair in duplicates}
    mean = sum(float(one["alignment_score"]) for one in agents) / len(agents)
    return round(mean * (1 - len(doubled) / max(2, len(agents))), 2)
