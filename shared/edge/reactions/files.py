"""The files of attachments that are gone, and of cards that are: removed from the bucket. Old versions stay there for thirty days."""

from shared.events import EventType
from shared.events.change import Change
from shared.store import delete_file
from shared.work.attachments.rows import attachment_key
from shared.work.items.rows import Item


def react(change: Change) -> None:
    if change.kind != Item.KIND:
        return
    if change.event.type is EventType.ITEM_DELETED:
        gone = change.after(Item).attachments
    else:
        before, after = change.event.changes.get("attachments", [None, None])
        gone = [before] if before and not after else []
    for one in gone:
        delete_file(attachment_key(change.ws_id, change.id, one["id"]))
