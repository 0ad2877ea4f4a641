"""Reading, acknowledging and resolving alerts."""

from collections.abc import Callable
from itertools import islice
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict
from shared.core.ids import bare_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.insight.alerts.rows import ACKNOWLEDGED, ACTIVE, KEPT, RESOLVED, Alert, alerts_of, open_alerts_of
from shared.store import IndexRow, ReadFuture, fetch_all, index_rows, load, page_of, read_ahead, update_with_retry
from shared.work.projects.reading import in_workspaces

_LISTED: Final = 5_000  # alerts of a workspace of which a page can be asked for, the newest


class _WrongStatus(Conflict):
    def __init__(self, alert: Alert) -> None:
        super().__init__(Situation.ALERT_STATUS, f"This alert is {alert.status}", {"status": alert.status})


def list_alerts(
    actor: Actor,
    *,
    severity: str | None = None,
    status: str | None = None,
    entity_id: str | None = None,
    limit: int,
    offset: int = 0,
) -> tuple[list[Alert], int]:
    """Return a page of the alerts in all the actor's workspaces, newest first, and their total number.

    Without a status, the resolved ones are left out. Two round trips.
    """
    reads = in_workspaces(actor, _begin(every=status == RESOLVED))
    rows = sorted((row for read in reads for row in read.result()), key=lambda row: row.sort, reverse=True)
    wanted = (row for row in rows if severity in (None, row.f["severity"]) and status in (None, row.f["status"]))
    about = (row for row in wanted if entity_id is None or row.f["about"] == bare_id(entity_id))
    page, total = page_of(about, offset, limit)
    return fetch_all(Alert, [row.id for row in page], to_show=True), total


def _begin(*, every: bool) -> Callable[[str], ReadFuture[list[IndexRow]]]:
    def begin(ws_id: str) -> ReadFuture[list[IndexRow]]:
        index, partition = (1, alerts_of(ws_id)) if every else (3, open_alerts_of(ws_id))
        return read_ahead(lambda: list(islice(index_rows(index, partition, newest_first=True), _LISTED)))

    return begin


def get_alert(actor: Actor, alert_id: str) -> Alert:
    """Return an alert. One round trip. Raises NotFound, Forbidden."""
    return load(Alert, alert_id, actor, Permission.PROJECT_READ)


def acknowledge_alert(actor: Actor, alert_id: str, named: str | None = None) -> Alert:
    """Note that somebody looks after an alert. `named` is who the caller says to be (`shown_name`). One read and one write.

    Raises NotFound, Forbidden, Conflict(ALERT_STATUS) if it was acknowledged or resolved before.
    """

    def change(alert: Alert) -> None:
        if alert.status != ACTIVE:
            raise _WrongStatus(alert)
        alert.status, alert.acknowledged_at, alert.acknowledged_by = ACKNOWLEDGED, clock.iso(), _who(actor, named)
        _record(alert, actor, ACTIVE, _other(actor, named))

    return update_with_retry(lambda: load(Alert, alert_id, actor, Permission.CARD_EDIT), change)


def resolve_alert(actor: Actor, alert_id: str, note: str | None = None, named: str | None = None) -> Alert:
    """Note that what an alert is about has ended, as `acknowledge_alert` does. Raises as that, if it was resolved before."""

    def change(alert: Alert) -> None:
        if alert.status == RESOLVED:
            raise _WrongStatus(alert)
        resolve(alert, actor, note, named)

    return update_with_retry(lambda: load(Alert, alert_id, actor, Permission.CARD_EDIT), change)


def resolve(alert: Alert, actor: Actor, note: str | None, named: str | None = None) -> None:
    """Set what follows from resolving an alert, and record it."""
    before, alert.status, alert.resolved_at = alert.status, RESOLVED, clock.iso()
    alert.resolved_by, alert.resolution_note = _who(actor, named), note
    alert.ttl = clock.epoch() + KEPT
    _record(alert, actor, before, _other(actor, named))


def _who(actor: Actor, named: str | None) -> dict[str, Any]:
    """Return who did it: the caller, under one of their own names if they said one, else by their id."""
    return actor.summary | {"shown": named if named and is_name_of(actor, named) else actor.id}


def is_name_of(actor: Actor, named: str) -> bool:
    """Tell whether a text is the id, the name or the address of an actor."""
    return named.casefold() in {actor.id, actor.name.casefold(), actor.email.casefold()}


def _other(actor: Actor, named: str | None) -> str | None:
    """Return the name that the caller said and that is not theirs, for the log."""
    return named if named and not is_name_of(actor, named) else None


def _record(alert: Alert, actor: Actor, before: str, named: str | None) -> None:
    record(
        alert,
        EventType.ALERT_UPDATED,
        actor,
        changes={"status": [before, alert.status]},
        rule_id=alert.rule_id,
        note=alert.resolution_note,
        in_the_name_of=named,
    )
