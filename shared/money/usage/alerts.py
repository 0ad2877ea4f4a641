"""E-mails about a month's usage, to owners and administrators of a workspace who want them."""

from collections.abc import Iterator

from shared.channels.mail import outbox
from shared.core.actor import Role
from shared.core.errors import RateLimited
from shared.core.money import usd
from shared.money.usage.month_summary import month_usage
from shared.people.identity.mails import count_mail
from shared.people.identity.users import User
from shared.people.tenancy.rows import Workspace, WorkspaceMembership
from shared.store import fetch, fetch_all, iterate


def send_usage_alerts(ws_id: str, percent: int, spent_micros: int, limit_micros: int, occasion: str) -> None:
    """Queue an e-mail to each of them, once for each `occasion` (an event's id) and a few times an hour: whoever changes the limit up and
    down makes occasions as they like. Four reads, one more for each 2,000 members, and a write for each mail."""
    workspace = fetch(Workspace, ws_id)
    if workspace is None or workspace.deleted_at:
        return
    people = [user for user in fetch_all(User, list(_administrator_ids(ws_id))) if _wants_alerts(user)]
    if not people:
        return
    reached = month_usage(workspace).limit_reached_on
    for user in people:
        try:
            count_mail("usage", user.email)
        except RateLimited:
            continue
        outbox.send(
            "usage_alert",
            user.email,
            once=f"{occasion}/{user.id}",
            name=user.name,
            workspace=workspace.name,
            percent=percent,
            spent=f"{usd(spent_micros):.2f}",
            limit=f"{usd(limit_micros):.2f}",
            reached=reached.isoformat() if reached else None,
            url=outbox.link(f"/workspaces/{ws_id}/usage"),
        )


def _administrator_ids(ws_id: str) -> Iterator[str]:
    for row in iterate(WorkspaceMembership, f"WS#{ws_id}", prefix="MEM#"):
        if row.role in (Role.OWNER, Role.ADMIN) and row.deleted_at is None:
            yield row.id


def _wants_alerts(user: User) -> bool:
    """Tell whether a user is mailed. Not at an address that is not confirmed: it may be a stranger's, and the mail has names that the
    user wrote."""
    preferences = user.preferences["notifications"]
    return bool(user.email_verified and preferences["email"] and preferences["usageAlerts"])
