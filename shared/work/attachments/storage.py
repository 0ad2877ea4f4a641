"""Attachments that are there: downloaded by a signed URL, and removed."""

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.events import EventType, record
from shared.store import Operation, SignedUrl, download_url, load, save, update_with_retry
from shared.work.attachments.rows import Attachment
from shared.work.boards.counting import require_writable
from shared.work.items.rows import Item
from shared.work.items.rules import refuse_archived


def get_download(actor: Actor, attachment_id: str) -> tuple[Attachment, SignedUrl]:
    """Where to get a file for the next while. Two reads. Raises NotFound, also where its card is gone."""
    attachment = load(Attachment, attachment_id, actor, Permission.CARD_READ)
    _load_card(actor, attachment, Permission.CARD_READ)
    return attachment, download_url(attachment.file, attachment.filename, attachment.content_type)


def remove_attachment(actor: Actor, attachment_id: str) -> None:
    """Take a file off its card; the file itself goes when the event has come (`shared.edge.reactions.files`).

    Raises NotFound, Forbidden, Conflict (archived). Two reads, one transaction.
    """
    attachment = load(Attachment, attachment_id, actor, Permission.CARD_EDIT)

    def change(item: Item) -> list[Operation]:
        refuse_archived(item)
        item.attachments = [one for one in item.attachments if one["id"] != attachment.id]
        record(item, EventType.ITEM_UPDATED, actor, changes={"attachments": [attachment.told, None]}, board_id=item.board_id)
        return [removal, require_writable(item.board_id)]

    attachment.deleted_at = clock.iso()
    removal = save(attachment, NotFound(Attachment.NAME))
    update_with_retry(lambda: _load_card(actor, attachment, Permission.CARD_EDIT), change)


def _load_card(actor: Actor, attachment: Attachment, permission: Permission) -> Item:
    try:
        return load(Item, attachment.item_id, actor, permission)
    except NotFound:
        raise NotFound(Attachment.NAME) from None
