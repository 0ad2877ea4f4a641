"""E-mails about a month's usage and about budgets, to owners and administrators of a workspace who want them."""

from collections.abc import Iterator
from typing import Any

from shared.channels.mail import outbox
from shared.core.actor import Role
from shared.core.errors import RateLimited
from shared.core.money import usd
from shared.money.usage.month_summary import month_usage
from shared.people.identity.mails import count_mail
from shared.people.identity.users import User
from shared.people.tenancy.rows import Workspace, WorkspaceMembership
from shared.store import fetch, fetch_all, iterate
from shared.work.items.rows import ItemHead
from shared.work.projects.rows import Project


def send_usage_alerts(ws_id: str, percent: int, spent_micros: int, limit_micros: int, occasion: str) -> None:
    """Queue an e-mail to each of them, once for each `occasion` (an event's id) and a few times an hour: whoever changes the limit up and
    down makes occasions as they like. Four reads, one more for each 2,000 members, and a write for each mail."""
    workspace, people = _who_wants(ws_id)
    if workspace is None or not people:
        return
    reached = month_usage(workspace).limit_reached_on
    values = {
        "workspace": workspace.name,
        "percent": percent,
        "spent": f"{usd(spent_micros):.2f}",
        "limit": f"{usd(limit_micros):.2f}",
        "reached": reached.isoformat() if reached else None,
        "url": outbox.link(f"/workspaces/{ws_id}/usage"),
    }
    _send("usage", "usage_alert", people, occasion, values)


def send_budget_alerts(ws_id: str, data: dict[str, Any], occasion: str, *, exceeded: bool) -> None:
    """Queue an e-mail about a budget that is nearly or all used, as `send_usage_alerts` does. `data`: that of the budget's event."""
    workspace, people = _who_wants(ws_id)
    if workspace is None or not people:
        return
    values = {
        "workspace": workspace.name,
        "budget": budget_name(data["scope"], data["scope_id"]),
        "exceeded": exceeded,
        "spent": f"{usd(int(data['spent_micros'])):.2f}",
        "limit": f"{usd(int(data['limit_micros'])):.2f}",
        "url": outbox.link(f"/workspaces/{ws_id}/usage"),
    }
    _send("budget", "budget_alert", people, occasion, values)


def budget_name(scope: str, scope_id: str) -> str:
    """Return what a budget is for, in words. One read for a ticket or a project."""
    value = scope_id.rpartition("/")[2]
    if scope == "organization":
        return "the organization"
    if scope == "card":
        card = fetch(ItemHead, value)
        return f"the ticket {card.title}" if card else "a ticket"
    if scope == "project":
        project = fetch(Project, value)
        return f"the project {project.name}" if project else "a project"
    return f"the {scope} {value}"


def _who_wants(ws_id: str) -> tuple[Workspace | None, list[User]]:
    workspace = fetch(Workspace, ws_id)
    if workspace is None or workspace.deleted_at:
        return None, []
    return workspace, [user for user in fetch_all(User, list(_administrator_ids(ws_id))) if _wants_alerts(user)]


def _send(counted_as: str, kind: str, people: list[User], occasion: str, values: dict[str, Any]) -> None:
    for user in people:
        try:
            count_mail(counted_as, user.email)
        except RateLimited:
            continue
        outbox.send(kind, user.email, once=f"{occasion}/{user.id}", name=user.name, **values)


def _administrator_ids(ws_id: str) -> Iterator[str]:
    for row in iterate(WorkspaceMembership, f"WS#{ws_id}", prefix="MEM#"):
        if row.role in (Role.OWNER, Role.ADMIN) and row.deleted_at is None:
            yield row.id


def _wants_alerts(user: User) -> bool:
    """Tell whether a user is mailed. Not at an address that is not confirmed: it may be a stranger's, and the mail has names that the
    user wrote."""
    preferences = user.preferences["notifications"]
    return bool(not user.deleted_at and user.email_verified and preferences["email"] and preferences["usageAlerts"])
