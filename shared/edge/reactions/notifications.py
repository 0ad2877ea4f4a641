"""Put what people should know into their inboxes.

kind                    of which event                                          to whom
ticket_blocked          a ticket becomes blocked                                its assignee and its reporter
ticket_unblocked        a blocked ticket is so no longer                        its assignee and its reporter
task_completed          a task was completed                                    those of its ticket, and who made the task
task_failed             a task has failed                                       those of its ticket, and who made the task
dependency_resolved     all that a task waited for is done                      those of its ticket, and who made the task
mention                 a comment names somebody                                whom it names, once for each comment
approval_pending        a ticket or an agent run waits for an approval          who may approve
wip_violation           a move exceeds the limit of a column                    administrators
budget_threshold        a budget or the month's limit is nearly or all used     administrators
agent_heartbeat_missed  a live agent has fallen silent                          administrators, and who registered the agent
alert                   an alert was triggered                                  administrators
many                    more is told than MOST_IN_HOUR (`sending`)              whoever is told so much

Nobody is told what they did themselves, and nobody who is not a member of the workspace; MOST_TOLD people at most are told of one event.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.channels.notifications.sending import Notice, notify
from shared.core.actor import Permission
from shared.core.money import usd
from shared.edge.views.omoios.events import BUDGET_SCOPES
from shared.events import EventType
from shared.events.change import Change
from shared.insight.alerts.rows import Alert
from shared.insight.alerts.rules import RULES
from shared.people.tenancy.audiences import MOST_TOLD, members_among, members_who_may
from shared.runs.agent_runs.rows import Run
from shared.runs.live_agents.rows import LiveAgent
from shared.store import fetch
from shared.work.boards.rows import Lane
from shared.work.comments.rows import Comment
from shared.work.items.rows import PENDING, Item, ItemHead
from shared.work.tasks.rows import TaskHead


@dataclass(frozen=True)
class Told:
    """What is told of a change: to these people (ids, or summaries of rows), and to the members with a permission."""

    kind: str
    title: str
    message: str
    entity_type: str
    entity_id: str
    people: tuple[Any, ...] = ()
    permission: Permission | None = None
    occasion: str | None = None
    """What it is told of only once, if that is not the event."""


def react(change: Change) -> None:
    show = NOTICES.get(change.event.type)
    for told in show(change) if show else ():
        ws_id = change.ws_id or change.event.data.get("workspace_id")
        if ws_id:
            _tell(change, str(ws_id), told)


def _tell(change: Change, ws_id: str, told: Told) -> None:
    named = [one["id"] if isinstance(one, dict) else one for one in told.people if one]
    who = members_among(ws_id, named) if named else []
    if told.permission is not None:
        who += members_who_may(ws_id, told.permission)
    others = [one for one in dict.fromkeys(who) if one != change.event.actor["id"]][:MOST_TOLD]
    occasion = told.occasion or change.event.id
    notice = Notice(occasion, told.kind, told.title, told.message, told.entity_type, told.entity_id, change.event.at)
    notify(ws_id, change.org_id, others, notice)


def _of_card(change: Change) -> Iterator[Told]:
    card, before = change.after(ItemHead), change.before(ItemHead)
    if card.deleted_at:
        return
    was_blocked = before is not None and before.is_blocked
    if card.is_blocked != was_blocked:
        kind, words = ("ticket_blocked", "blocked") if card.is_blocked else ("ticket_unblocked", "unblocked")
        why = f": {card.blocked_reason}" if card.is_blocked and card.blocked_reason else ""
        message = f"Ticket {card.title} is {'blocked' if card.is_blocked else 'no longer blocked'}{why}"
        yield Told(kind, f"Ticket {words}", message, "ticket", card.id, _people_of(card.id))
    was_pending = before is not None and before.approval_status == PENDING
    if card.approval_status == PENDING and not was_pending:
        message = f"Ticket {card.title} waits for an approval"
        yield Told("approval_pending", "Approval needed", message, "ticket", card.id, permission=Permission.RUN_APPROVE)


def _people_of(item_id: str) -> tuple[Any, ...]:
    """Return the assignee and the reporter of a card; who created it, if nobody else is named as reporter."""
    card = fetch(Item, item_id)
    return (card.assignee, card.reporter or card.created_by) if card is not None else ()


def _of_task(change: Change) -> Iterator[Told]:
    task, before = change.after(TaskHead), change.before(TaskHead)
    if task.deleted_at or before is None:
        return
    if task.status != before.status and task.status in _ENDS:
        title, words = _ENDS[task.status]
        why = f": {task.error_message}" if task.status == "failed" and task.error_message else ""
        yield _about_task(task, f"task_{task.status}", title, f"Task {task.title} {words}{why}")
    if before.waiting and not task.waiting and task.status == "pending":
        message = f"Task {task.title} can begin: what it waited for is done"
        yield _about_task(task, "dependency_resolved", "Dependency resolved", message)


_ENDS: Final = {"completed": ("Task completed", "was completed"), "failed": ("Task failed", "has failed")}


def _about_task(task: TaskHead, kind: str, title: str, message: str) -> Told:
    return Told(kind, title, message, "task", task.id, (*_people_of(task.item_id), task.created_by))


def _of_comment(change: Change) -> Iterator[Told]:
    comment = change.after(Comment)
    if comment.removed_at or not comment.mentions:
        return
    message = f"{comment.author['name']}: {comment.content}"
    people = tuple(comment.mentions)
    yield Told("mention", "You were mentioned", message, "ticket", comment.item_id, people, occasion=f"comment/{comment.id}")


def _of_lane(change: Change) -> Iterator[Told]:
    data, lane = change.event.data, change.after(Lane)
    message = f"Column {data['column_id']} has {data['current_count']} tickets, and its limit is {data['wip_limit']}"
    board = str(data.get("board_id") or lane.board_id)
    yield Told("wip_violation", "WIP limit exceeded", message, "board", board, permission=Permission.WORKSPACE_WRITE)


def _of_budget(change: Change) -> Iterator[Told]:
    data = change.event.data
    scope_id = str(data["scope_id"]).rpartition("/")[2]
    is_over = change.event.type is EventType.BUDGET_EXCEEDED
    spent, limit = usd(int(data["spent_micros"])), usd(int(data["limit_micros"]))
    message = f"{spent:.2f} USD of {limit:.2f} USD are spent ({BUDGET_SCOPES.get(data['scope'], data['scope'])})"
    title = "Budget exceeded" if is_over else "Budget nearly used"
    yield Told("budget_threshold", title, message, "budget", scope_id, permission=Permission.WORKSPACE_WRITE)


def _of_usage(change: Change) -> Iterator[Told]:
    data = change.event.data
    if data.get("passed"):
        return
    spent, limit = usd(int(data["current_micros"])), usd(int(data["limit_micros"]))
    message = f"{spent:.2f} USD of the month's limit of {limit:.2f} USD are used: {data['threshold_percentage']} % or more"
    ws_id = str(change.ws_id or data.get("workspace_id"))
    yield Told("budget_threshold", "Monthly limit", message, "workspace", ws_id, permission=Permission.WORKSPACE_WRITE)


def _of_agent(change: Change) -> Iterator[Told]:
    agent, before = change.after(LiveAgent), change.before(LiveAgent)
    told_before = before is not None and before.degraded_by == "silence"
    if not change.event.data.get("silent") or told_before:
        return
    message = f"Agent {agent.name} has not been heard from and is {agent.status}"
    people = (agent.registered_by,)
    yield Told(
        "agent_heartbeat_missed", "Agent is silent", message, "agent", agent.id, people, permission=Permission.WORKSPACE_WRITE
    )


def _of_run(change: Change) -> Iterator[Told]:
    if change.event.data.get("waiting_for") != "approval":
        return
    run = change.after(Run)
    message = f"Agent {run.agent['name']} waits for an approval before it runs"
    yield Told("approval_pending", "Approval needed", message, "run", run.id, permission=Permission.RUN_APPROVE)


def _of_alert(change: Change) -> Iterator[Told]:
    alert = change.after(Alert)
    title = f"{RULES[alert.rule_id].name} ({alert.severity})"
    yield Told("alert", title, alert.message, "alert", alert.id, permission=Permission.WORKSPACE_WRITE)


_CARD_EVENTS: Final = (
    EventType.ITEM_CREATED,
    EventType.ITEM_UPDATED,
    EventType.ITEM_MOVED,
    EventType.ITEM_BLOCKED,
    EventType.ITEM_UNBLOCKED,
)
NOTICES: Final[Mapping[EventType, Callable[[Change], Iterator[Told]]]] = {
    **dict.fromkeys(_CARD_EVENTS, _of_card),
    EventType.TASK_UPDATED: _of_task,
    EventType.COMMENT_CREATED: _of_comment,
    EventType.COMMENT_UPDATED: _of_comment,
    EventType.WIP_EXCEEDED: _of_lane,
    EventType.BUDGET_WARNING: _of_budget,
    EventType.BUDGET_EXCEEDED: _of_budget,
    EventType.USAGE_THRESHOLD: _of_usage,
    EventType.LIVE_AGENT_STATUS: _of_agent,
    EventType.RUN_WAITING: _of_run,
    EventType.ALERT_TRIGGERED: _of_alert,
}
