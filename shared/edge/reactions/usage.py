"""React to a workspace's usage: apply a changed limit at once, resume what waited for a budget that was set anew, and send alerts when a
share of the month's limit or of a budget is used."""

from typing import Final

from shared.events import EventType
from shared.events.change import Change
from shared.money.budgets.reserving import change_month_limit, month_limit
from shared.money.budgets.rows import Budget
from shared.money.usage.alerts import send_budget_alerts, send_usage_alerts
from shared.people.tenancy.rows import Workspace, workspaces_of
from shared.runs.agent_runs.approvals import resume_waiting
from shared.store import index_rows


def react(change: Change) -> None:
    if change.event.type is EventType.WORKSPACE_UPDATED and change.kind == Workspace.KIND:
        before, after = change.before(Workspace), change.after(Workspace)
        if before is None or month_limit(before) != month_limit(after):
            change_month_limit(after.id, month_limit(after))
    elif change.event.type is EventType.BUDGET_SET and change.kind == Budget.KIND:
        _resume(change.after(Budget))
    elif change.event.type is EventType.USAGE_THRESHOLD:
        data = change.event.data
        if not data.get("passed"):
            send_usage_alerts(
                str(change.ws_id), data["threshold_percentage"], data["current_micros"], data["limit_micros"], change.event.id
            )
    elif change.event.type in _BUDGETS and (ws_id := change.ws_id or change.event.data.get("workspace_id")):
        exceeded = change.event.type is EventType.BUDGET_EXCEEDED
        send_budget_alerts(str(ws_id), change.event.data, change.event.id, exceeded=exceeded)


_BUDGETS: Final = (EventType.BUDGET_WARNING, EventType.BUDGET_EXCEEDED)


def _resume(budget: Budget) -> None:
    """Resume the runs that waited for this budget, which may have room now."""
    ids = [str(budget.ws_id)] if budget.ws_id else [row.id for row in index_rows(1, workspaces_of(str(budget.org_id)))]
    for ws_id in ids:
        resume_waiting(ws_id)
