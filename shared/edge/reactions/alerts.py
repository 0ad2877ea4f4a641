"""Trigger alerts where something has gone wrong, resolve them when it is over, and carry each one to where its rule sends it.

The rules and their conditions are in `shared.insight.alerts.rules`; here is what is measured. Each alert goes into the inboxes of the
workspace's administrators (`reactions.notifications`), to webhooks with its event (`reactions.webhooks`), and by e-mail.
"""

from collections.abc import Mapping
from typing import Final

from shared.channels.mail import outbox
from shared.core.actor import Permission
from shared.core.errors import RateLimited
from shared.events import EventType
from shared.events.change import Change
from shared.insight.alerts.raising import Cause, raise_alert, settle_alerts
from shared.insight.alerts.rows import Alert
from shared.insight.alerts.rules import EMAIL, RULES
from shared.people.identity.mails import count_mail
from shared.people.identity.users import User
from shared.people.tenancy.audiences import members_who_may
from shared.people.tenancy.rows import Workspace
from shared.runs.guardian.watchdog import WatchdogAction
from shared.runs.live_agents.health import FAILED_AFTER
from shared.runs.live_agents.rows import LiveAgent
from shared.store import fetch, fetch_all
from shared.work.items.rows import ItemHead

TICKET_RULES: Final = ("ticket_blocked", "ticket_blocked_critical")
FAILED_REMEDY, ESCALATION = "watchdog_remediation_failed", "watchdog_escalation"
AGENT_RULES: Final = ("agent_heartbeat_missed", "agent_unresponsive", FAILED_REMEDY, ESCALATION)
_AWAY: Final = ("degraded", "failed", "quarantined")
_WORKING: Final = ("idle", "running", "terminated")


def react(change: Change) -> None:
    if change.kind == ItemHead.KIND:
        _react_to_card(change)
    elif change.kind == LiveAgent.KIND and change.event.type is EventType.LIVE_AGENT_STATUS:
        _react_to_agent(change)
    elif change.event.type is EventType.REMEDIATION_EXECUTED:
        _react_to_remedy(change)
    elif change.event.type is EventType.ALERT_TRIGGERED:
        alert = change.after(Alert)
        if EMAIL in alert.routing:
            _mail(alert, change.event.id)


def _react_to_card(change: Change) -> None:
    card, before = change.after(ItemHead), change.before(ItemHead)
    is_blocked = card.is_blocked and not card.deleted_at
    was_blocked = before is not None and before.is_blocked and not before.deleted_at
    if is_blocked and not was_blocked:
        rule = "ticket_blocked_critical" if card.priority == "critical" else "ticket_blocked"
        why = f": {card.blocked_reason}" if card.blocked_reason else ""
        labels = {"priority": card.priority.upper(), "phase_id": card.phase_id}
        raise_alert(rule, 1, _cause(change, "ticket", f"Ticket {card.title} is blocked{why}", labels, item_id=card.id))
    elif was_blocked and not is_blocked:
        note = "The ticket was deleted" if card.deleted_at else "The ticket is no longer blocked"
        settle_alerts(TICKET_RULES, str(card.ws_id), "ticket", card.id, note)


def _react_to_agent(change: Change) -> None:
    agent = change.after(LiveAgent)
    if agent.status == "failed" and change.event.data.get("silent"):
        labels = {"agent_type": agent.agent_type, "phase_id": agent.phase_id}
        missed = f"Agent {agent.name} has missed {FAILED_AFTER} heartbeats"
        raise_alert("agent_heartbeat_missed", FAILED_AFTER, _cause(change, "agent", missed, labels))
        silent = f"Agent {agent.name} does not respond; its tasks go to others"
        raise_alert("agent_unresponsive", 1, _cause(change, "agent", silent, labels))
    elif agent.status in _WORKING and change.status()[0] in _AWAY:
        note = "The agent was terminated" if agent.status == "terminated" else "The agent works again"
        settle_alerts(AGENT_RULES, str(agent.ws_id), "agent", agent.id, note)


def _react_to_remedy(change: Change) -> None:
    """Tell of a remedy that failed, and of one that became the guardian's. Both alerts end when the agent works again, or is terminated."""
    remedy = change.after(WatchdogAction)
    labels = {"policy": remedy.remediation_policy, "action_id": remedy.id}
    about = f"the remedy {remedy.remediation_policy} for agent {remedy.agent_name or remedy.target_agent_id}"
    if not remedy.success:
        message = f"It failed: {about}: {remedy.error or 'unknown'}"
        raise_alert(FAILED_REMEDY, 1, _cause(change, "agent", message, labels, entity_id=remedy.target_agent_id))
    if remedy.guardian_action_id is not None:
        message = f"The guardian has taken over: {about}: {remedy.reason}"
        labels["guardian_action_id"] = remedy.guardian_action_id
        raise_alert(ESCALATION, 1, _cause(change, "agent", message, labels, entity_id=remedy.target_agent_id))


def _cause(
    change: Change,
    kind: str,
    message: str,
    labels: Mapping[str, str | None],
    item_id: str | None = None,
    entity_id: str | None = None,
) -> Cause:
    """Return what an alert is about: the entity that has changed, or another one (`entity_id`)."""
    return Cause(
        str(change.ws_id),
        kind,
        entity_id or change.id,
        message,
        change.event.id,
        org_id=change.org_id,
        proj_id=change.proj_id,
        item_id=item_id,
        labels={name: value for name, value in labels.items() if value},
    )


def _mail(alert: Alert, event_id: str) -> None:
    """Mail the administrators of the workspace who want e-mails: one for each alert, and a few an hour."""
    workspace = fetch(Workspace, str(alert.ws_id))
    if workspace is None or workspace.deleted_at:
        return
    for user in fetch_all(User, members_who_may(workspace.id, Permission.WORKSPACE_WRITE)):
        if user.deleted_at or not user.email_verified or not user.preferences["notifications"]["email"]:
            continue
        try:
            count_mail("alert", user.email)
        except RateLimited:
            continue
        outbox.send(
            "alert_triggered",
            user.email,
            once=f"{event_id}/{user.id}",
            name=user.name,
            workspace=workspace.name,
            rule=RULES[alert.rule_id].name,
            severity=alert.severity,
            message=alert.message,
            at=alert.created_at,
            url=outbox.link(f"/alerts/{alert.id}"),
        )
