"""Attaching a file that came whole in a request, and giving a small one back as it is. Larger ones go through signed URLs (`uploading`)."""

from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError, FieldError, Invalid, TooLarge
from shared.core.ids import new_id
from shared.store import delete_file, get_file, load, put_file, update_with_retry
from shared.work.attachments.file_types import (
    SNIFFED_BYTES,
    content_type_of,
    matches_content_type,
    safe_filename,
)
from shared.work.attachments.rows import Attachment
from shared.work.attachments.storage import get_download
from shared.work.attachments.uploading import attaching, refuse_full
from shared.work.items.rows import Item
from shared.work.items.rules import refuse_archived

MAX_DIRECT: Final = 4 * 1024 * 1024
"""Bytes of a file in a request or an answer: as Base64 it is a third longer, and Lambda takes and gives 6 MB at most."""


def attach_file(actor: Actor, item_id: str, filename: str, declared: str, body: bytes) -> Attachment:
    """Attach a file to a card. One read, one request for the file, one transaction.

    Raises NotFound, Forbidden, Invalid (no bytes, a type that may not be attached, or not what it is declared to be), TooLarge,
    LimitExceeded, Conflict (archived).
    """
    item = load(Item, item_id, actor, Permission.CARD_EDIT)
    refuse_archived(item)
    refuse_full(item)
    name = safe_filename(filename)
    kind = _checked_type(name, declared, body)
    attachment = Attachment.new(
        new_id(),
        org_id=item.org_id,
        ws_id=item.ws_id,
        proj_id=item.proj_id,
        item_id=item.id,
        board_id=item.board_id,
        filename=name,
        content_type=kind,
        size=len(body),
        uploaded_by=actor.summary,
    )
    put_file(attachment.file, body, kind)
    try:
        update_with_retry(
            lambda: load(Item, item_id, actor, Permission.CARD_EDIT), lambda card: attaching(actor, card, attachment), first=item
        )
    except CadreError:
        delete_file(attachment.file)
        raise
    return attachment


def _checked_type(name: str, declared: str, body: bytes) -> str:
    """Return the content type of a file. Raises Invalid, TooLarge."""
    if len(body) > MAX_DIRECT:
        raise TooLarge(MAX_DIRECT)
    if not body:
        raise Invalid(FieldError("file", "The file is empty"))
    kind = content_type_of(name, declared)
    if kind is None:
        raise Invalid(FieldError("file", "Files of this type cannot be attached", declared[:100]))
    if not matches_content_type(kind, body[:SNIFFED_BYTES]):
        raise Invalid(FieldError("file", f"This is no file of the type {kind}", kind))
    return kind


def read_file(actor: Actor, attachment_id: str) -> tuple[Attachment, bytes | str]:
    """Return an attachment with its bytes, or, if it is larger than MAX_DIRECT, with a signed URL of them. Two reads and a request.

    Raises NotFound, Forbidden.
    """
    attachment, signed = get_download(actor, attachment_id)
    return attachment, signed.url if attachment.size > MAX_DIRECT else get_file(attachment.file)
