"""Requests of the area `notifications`."""

from shared.channels.notifications.rows import notification_id
from shared.channels.notifications.sending import Notice, notify
from shared.core import clock
from shared.core.ids import new_id
from shared.insight.alerts.raising import Cause, raise_alert
from tests.samples.stage import Sample, Samples, Stage, nothing


def notification(stage: Stage, occasion: str | None = None) -> str:
    """A notification in the owner's inbox."""
    event, user = occasion or new_id(), stage.world.ada.user["id"]
    notice = Notice(event, "ticket_blocked", "Ticket blocked", "Ticket A card is blocked", "ticket", new_id(), clock.iso())
    notify(stage.world.ws_id, stage.organization, [user], notice)
    return notification_id(event, "ticket_blocked", user)


def alert(stage: Stage) -> str:
    """An alert about a ticket of the stage."""
    cause = Cause(
        stage.world.ws_id,
        "ticket",
        new_id(),
        "Ticket A card is blocked",
        new_id(),
        org_id=stage.organization,
        proj_id=stage.world.project.id,
    )
    made = raise_alert("ticket_blocked", 1, cause)
    assert made is not None
    return made.id


def of_alert(stage: Stage) -> Sample:
    return Sample({"alert_id": alert(stage)})


def _in_project(stage: Stage) -> str:
    return f"project_id={stage.world.project.id}"


SAMPLES: Samples = {
    ("omoios", "notifications.list"): nothing,
    ("omoios", "notifications.readAll"): nothing,
    ("omoios", "alerts.list"): nothing,
    ("omoios", "alerts.rules"): lambda s: Sample({}, query=_in_project(s)),
    ("omoios", "alerts.updateRule"): lambda s: Sample(
        {"rule_id": "ticket_blocked"}, {"dedup_seconds": 900, "routing": ["slack", "email"]}, query=_in_project(s)
    ),
    ("omoios", "alerts.get"): of_alert,
    ("omoios", "alerts.acknowledge"): of_alert,
    ("omoios", "alerts.resolve"): lambda s: Sample({"alert_id": alert(s)}, {"note": "Fixed"}),
}
ALONE: Samples = {
    ("omoios", "notifications.read"): lambda s: Sample({"notification_id": notification(s)}),
}
