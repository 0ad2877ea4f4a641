"""Downloading and removing attachments."""

from typing import TypeVar

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.events import EventType, record
from shared.store import Operation, SignedUrl, download_url, load, save, update_with_retry
from shared.work.attachments.rows import Attachment
from shared.work.boards.counting import require_writable
from shared.work.items.rows import Item, ItemHead
from shared.work.items.rules import refuse_archived

E = TypeVar("E", Item, ItemHead)


def get_download(actor: Actor, attachment_id: str) -> tuple[Attachment, SignedUrl]:
    """Return an attachment and a signed URL of its file. Two reads. Raises NotFound (also if its card is deleted), Forbidden."""
    attachment = load(Attachment, attachment_id, actor, Permission.CARD_READ)
    _load_card(ItemHead, actor, attachment, Permission.CARD_READ)
    return attachment, download_url(attachment.file, attachment.filename, attachment.content_type)


def remove_attachment(actor: Actor, attachment_id: str) -> None:
    """Remove an attachment from its card; a reaction to the event deletes the file (`shared.edge.reactions.files`).

    Raises NotFound, Forbidden, Conflict (archived). Two reads, one transaction.
    """
    attachment = load(Attachment, attachment_id, actor, Permission.CARD_EDIT)

    def change(item: Item) -> list[Operation]:
        refuse_archived(item)
        item.attachments = [one for one in item.attachments if one["id"] != attachment.id]
        record(
            item, EventType.ITEM_UPDATED, actor, changes={"attachments": [attachment.event_data, None]}, board_id=item.board_id
        )
        return [removal, require_writable(item.board_id)]

    attachment.deleted_at = clock.iso()
    removal = save(attachment, NotFound(Attachment.NAME))
    update_with_retry(lambda: _load_card(Item, actor, attachment, Permission.CARD_EDIT), change)


def _load_card(model: type[E], actor: Actor, attachment: Attachment, permission: Permission) -> E:
    """Load the card of an attachment. Raises NotFound("attachment"), Forbidden."""
    try:
        return load(model, attachment.item_id, actor, permission)
    except NotFound:
        raise NotFound(Attachment.NAME) from None
