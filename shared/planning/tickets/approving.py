"""Approving and rejecting tickets. What nobody decides before its deadline has timed out: the deadline is a condition of every decision
and of every look at the ticket, so no job has to come first. A job only writes it down, and so tells of it."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

from shared.core import clock
from shared.core.actor import SYSTEM, Actor, Permission
from shared.core.errors import TransitionRefused
from shared.core.wording import Wording
from shared.events import EventType, record
from shared.planning.tickets.tasks import begin_counting, first_task
from shared.store import (
    Operation,
    delete,
    fetch,
    fetch_all,
    index_rows,
    load,
    pages,
    process_all,
    read_ahead,
    update_with_retry,
    write,
)
from shared.work.items.filing import filing_of, reindex
from shared.work.items.pending import APPROVALS, APPROVED, PREFIX, TIMED_OUT, PendingApproval, approval_of, partition_of
from shared.work.items.rows import PENDING, Item
from shared.work.items.updating import change_item
from shared.work.projects.rows import Project

REJECTED: Final = "rejected"
_EVENTS_AT_ONCE: Final = 500  # tickets of a partition that one run of the job looks at


def approve(actor: Actor, item_id: str) -> Item:
    """Approve a ticket: work on it begins with its first task. Two reads and one transaction.

    Raises NotFound, Forbidden, TransitionRefused if it does not wait for approval (any more), Conflict (archived).
    """
    return _decide(actor, item_id, APPROVED, None, lambda item: first_task(actor, item, begin_counting(str(item.ws_id))))


def reject(actor: Actor, item_id: str, reason: str) -> Item:
    """Reject a ticket. It stays where it is, and goes no further. Raises as `approve` does."""
    return _decide(actor, item_id, REJECTED, reason, lambda _: [])


def _decide(actor: Actor, item_id: str, status: str, reason: str | None, beside: Callable[[Item], Sequence[Operation]]) -> Item:
    def decide(item: Item) -> dict[str, str]:
        current = approval_of(item)
        if current != PENDING:
            words = Wording("The {card} does not wait for approval: it is {status}", status=current or APPROVED)
            raise TransitionRefused(words, {"rule": "approval", "approval_status": current or APPROVED})
        item.approval = item.approval | _decision(actor, reason)
        return {"approval_status": status}

    return change_item(lambda: load(Item, item_id, actor, Permission.RUN_APPROVE), actor, decide, beside=beside)


def _decision(actor: Actor, reason: str | None) -> dict[str, Any]:
    return {"decided_by": actor.summary, "decided_at": clock.iso()} | ({"reason": reason} if reason else {})


def count_pending(actor: Actor) -> int:
    """Return how many tickets of active projects wait for approval in the actor's workspaces. Two round trips."""
    visible = [ws_id for ws_id in actor.workspaces if actor.may(Permission.CARD_READ, ws_id)]
    parts = [read_ahead(partial(_waiting_in, ws_id)) for ws_id in visible]
    projects = [project_id for part in parts for project_id in part.result()]
    active = {one.id for one in fetch_all(Project, dict.fromkeys(projects)) if one.status == "active" and not one.deleted_at}
    return sum(one in active and actor.project_id in (None, one) for one in projects)


def _waiting_in(ws_id: str) -> list[str]:
    """Return the project of each ticket that waits in a workspace and whose deadline is not over."""
    bounds = (PREFIX + clock.iso(), f"{PREFIX}~")
    found = pages(PendingApproval, partition_of(ws_id), between=bounds)
    return [str(row.proj_id) for page in found for row in page.rows]


def time_out_due(until: float) -> int:
    """Write down which tickets were not approved in time, and return how many. Stops at `until` (seconds of `time.monotonic`)."""
    now = clock.iso()
    return process_all(APPROVALS.name, _due(now, until), partial(_time_out, now), lambda one: f"{Item.NAME} {one[1]}")


def _due(now: str, until: float) -> Iterator[tuple[str, str]]:
    """Yield the deadline and the id of each ticket whose deadline is over."""
    for partition in APPROVALS.partitions():
        for row in list(islice(index_rows(1, partition, between=("0", now), limit=_EVENTS_AT_ONCE), _EVENTS_AT_ONCE)):
            if time.monotonic() > until:
                return
            deadline, _, item_id = row.sort.partition("#")
            yield deadline, item_id


def _time_out(now: str, due: tuple[str, str]) -> int:
    """Write that a ticket was not approved in time. A row whose ticket does not wait any more is removed."""
    deadline, item_id = due
    item = fetch(Item, item_id)
    if item is None:
        return 0
    timed_out = False

    def change(card: Item) -> list[Operation]:
        nonlocal timed_out
        expires = str((card.approval or {}).get("expires_at", ""))
        timed_out = card.approval_status == PENDING and expires <= now and not card.deleted_at and not card.archived_at
        if not timed_out:
            return []
        before = filing_of(card)
        card.approval_status = TIMED_OUT
        card.approval = card.approval | {"decided_at": expires}
        record(
            card,
            EventType.ITEM_UPDATED,
            SYSTEM,
            changes={"approval_status": [PENDING, TIMED_OUT]},
            board_id=card.board_id,
            title=card.title,
        )
        return reindex(card, before)

    changed = update_with_retry(lambda: fetch(Item, item_id) or item, change, first=item)
    if not timed_out:
        write(delete(PendingApproval.of(changed, f"{deadline}#{item_id}")))
    return int(timed_out)
