"""Cards that wait for a person's approval, by workspace and deadline.

A row stands at `WS#<id>, APPROVAL#<deadline>#<card>` as long as the card waits; it is written in the transaction of the card (`filing`).
The deadline is in its key: what is behind it has timed out, whether or not anybody has written so yet. Index 1 lists all workspaces' rows
for the job that tells of it.
"""

from typing import Final

from shared.core import clock
from shared.core.errors import TransitionRefused
from shared.core.wording import Wording
from shared.store import Entity, Operation, Shards, UnicodeAttribute, delete, put
from shared.work.items.rows import PENDING, Item, ItemHead

PREFIX: Final = "APPROVAL#"
APPROVALS: Final = Shards("APPROVALS", 4)
APPROVED: Final = "approved"
TIMED_OUT: Final = "timed_out"


class PendingApproval(Entity):
    KIND = "APR"
    NAME = "approval"

    item_id = UnicodeAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (APPROVALS.partition_of(self.id), str(self.sk).removeprefix(PREFIX))}

    @classmethod
    def of(cls, item: Item, place: str) -> "PendingApproval":
        moment = clock.iso()
        return cls(
            pk=partition_of(str(item.ws_id)),
            sk=PREFIX + place,
            kind=cls.KIND,
            id=item.id,
            item_id=item.id,
            org_id=item.org_id,
            ws_id=item.ws_id,
            proj_id=item.proj_id,
            created_at=moment,
            updated_at=moment,
        )


def partition_of(ws_id: str) -> str:
    return f"WS#{ws_id}"


def place_of_approval(item: Item) -> str:
    """Return where a card stands among the approvals of its workspace; empty if it waits for none."""
    waits = item.approval_status == PENDING and item.approval
    return f"{item.approval['expires_at']}#{item.id}" if waits else ""


def change_approval(item: Item, before: str, after: str) -> list[Operation]:
    """Return the operations that list a card among the approvals of its workspace, or no longer."""
    left = [delete(PendingApproval.of(item, before))] if before else []
    return left + ([put(PendingApproval.of(item, after))] if after else [])


def shown_approval(status: str | None, expires_at: str | None) -> str | None:
    """Return an approval status as it is now: what waits longer than its deadline has timed out."""
    late = status == PENDING and expires_at is not None and expires_at <= clock.iso()
    return TIMED_OUT if late else status


def approval_of(item: Item) -> str | None:
    """Return the approval status of a card as it is now."""
    return shown_approval(item.approval_status, (item.approval or {}).get("expires_at"))


def is_approved(item: ItemHead) -> bool:
    """Tell whether work on a card may begin: nobody has to approve it, or somebody has. An approved card stays so."""
    return item.approval_status in (None, APPROVED)


def refuse_unapproved(item: ItemHead) -> None:
    """Raise TransitionRefused if a person has to approve the card first, or has not."""
    if is_approved(item):
        return
    status = approval_of(item) if isinstance(item, Item) else item.approval_status
    words = {PENDING: "waits for approval", "rejected": "was rejected"}.get(str(status), "was not approved in time")
    raise TransitionRefused(Wording("The {card} {words}", words=words), {"rule": "approval", "approval_status": status})
