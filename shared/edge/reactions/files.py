"""Delete the files of removed attachments and of deleted cards from the bucket, which keeps old versions for thirty days."""

from shared.events import EventType
from shared.events.change import Change
from shared.store import delete_file, fetch
from shared.work.attachments.rows import attachment_key
from shared.work.items.rows import Item


def react(change: Change) -> None:
    if change.kind != Item.KIND:
        return
    if change.event.type is EventType.ITEM_DELETED:
        item = fetch(Item, change.id)
        removed = item.attachments if item is not None else []
    else:
        before, after = change.event.changes.get("attachments", [None, None])
        removed = [before] if before and not after else []
    for one in removed:
        delete_file(attachment_key(change.ws_id, change.id, one["id"]))
