"""What agents of clients say of their work, event by event: the trace on which the guardian looks.

REPORT#<task>#<agent>   <time>#<id>   ephemeral: kept for a day
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import new_id
from shared.runs.live_agents.holding import is_held_by
from shared.runs.live_agents.rows import LiveAgent
from shared.runs.traces.trace import Call, Trace, Turn
from shared.store import BooleanAttribute, Ephemeral, UnicodeAttribute, authorize, get_many, id_of, put, query, write
from shared.work.tasks.changing import TaskStatus
from shared.work.tasks.rows import Task, TaskHead

KEPT: Final = 86_400  # seconds
LOOKED_AT: Final = 60  # events at the end of a trace: more than the longest loop or stall needs
_TEXT: Final = 1_000  # characters of a text that are kept
_KNOWN: Final = frozenset({"text", "tool", "arguments", "result", "error", "made"})


class AgentReport(Ephemeral):
    """One event: what an agent said, the tool that it called and what came of it."""

    at = UnicodeAttribute()
    event_type = UnicodeAttribute()
    text = UnicodeAttribute(default="")
    tool = UnicodeAttribute(null=True)
    arguments = UnicodeAttribute(default="")
    result = UnicodeAttribute(default="")
    failed = BooleanAttribute(default=False)
    made = UnicodeAttribute(null=True)

    @property
    def id(self) -> str:
        return str(self.sk).rpartition("#")[2]


@dataclass(frozen=True)
class NewReport:
    """`data`: text, tool, arguments, result, error and made are understood; what else there is counts as words."""

    event_type: str
    data: Mapping[str, Any] = field(default_factory=dict)


def partition_of(task_id: str, agent_id: str) -> str:
    """Return the partition with what an agent has said of its work on a task."""
    return f"REPORT#{task_id}#{agent_id}"


def report(actor: Actor, agent_id: str, task_id: str, new: NewReport) -> AgentReport:
    """Keep an event of an agent's work. One read, one write.

    Raises NotFound, Forbidden, Conflict(TASK_STATUS): the task is not in the agent's hands.
    """
    keys = [(LiveAgent, *LiveAgent.key(id_of(LiveAgent, agent_id))), (TaskHead, *TaskHead.key(id_of(Task, task_id)))]
    agent, task = get_many(keys)
    if not isinstance(agent, LiveAgent) or agent.deleted_at:
        raise NotFound(LiveAgent.NAME)
    authorize(agent, actor, Permission.AGENT_RUN)
    if not isinstance(task, TaskHead) or task.deleted_at or task.ws_id != agent.ws_id:
        raise NotFound(Task.NAME)
    authorize(task, actor, Permission.CARD_READ)
    if not is_held_by(task, agent.id):
        raise TaskStatus(f"This task is {task.status}, and not in the hands of this agent", status=task.status)
    row = _row(agent.id, task.id, new)
    write(put(row))
    return row


def _row(agent_id: str, task_id: str, new: NewReport) -> AgentReport:
    data, at = new.data, clock.iso()
    other = {name: value for name, value in data.items() if name not in _KNOWN}
    said = [_words(data.get("text")), _words(other) if other else ""]
    result, error = data.get("result"), data.get("error")
    failed = bool(error)
    return AgentReport(
        pk=partition_of(task_id, agent_id),
        sk=f"{at}#{new_id()}",
        at=at,
        event_type=new.event_type,
        text=_cut(" ".join(one for one in said if one)),
        tool=_cut(_words(data.get("tool"))) or None,
        arguments=_cut(_words(data.get("arguments"))),
        result=_cut(_words(error if failed and result is None else result)),
        failed=failed,
        made=None if failed else _cut(_words(data.get("made"))) or None,
        ttl=clock.epoch() + KEPT,
    )


def _words(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _cut(text: str) -> str:
    return text[:_TEXT]


def last_reports(task_id: str, agent_id: str) -> list[AgentReport]:
    """Return the last events of an agent's work on a task, oldest first. One query."""
    found = query(AgentReport, partition_of(task_id, agent_id), newest_first=True, limit=LOOKED_AT)
    return found.rows[::-1]


def trace_of_reports(goal: str, reports: list[AgentReport]) -> Trace:
    """Return events as a trace: one turn for each."""
    if not reports:
        return Trace(goal, ())
    began = clock.parse(reports[0].at)
    return Trace(goal, [_turn(one, (clock.parse(one.at) - began).total_seconds()) for one in reports])


def _turn(row: AgentReport, at: float) -> Turn:
    if row.tool is None and row.made is None and not row.failed:
        return Turn(row.text, (), at)
    return Turn(row.text, (Call(row.tool or row.event_type, row.arguments, row.result, bool(row.failed), row.made),), at)
