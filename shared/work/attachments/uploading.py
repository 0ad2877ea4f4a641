"""Attaching a file to a card in three steps: begin the upload, send the file to a signed URL, finish the upload.

    upload, signed = begin_upload(actor, card_id, "plan.pdf", "application/pdf", 12_345)
    ... PUT signed.url ...
    attachment = finish_upload(actor, upload.id)

The URL is signed for exactly the declared size and type. Before the file is attached, its size and its first bytes are checked against
them.
"""

from datetime import timedelta
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed, Conflict, FieldError, Invalid, LimitExceeded, NotFound
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.store import (
    Operation,
    SignedUrl,
    authorize,
    copy_file,
    create,
    delete,
    delete_file,
    get,
    get_file_start,
    get_many,
    head_file,
    id_of,
    load,
    stale,
    update_with_retry,
    upload_url,
    write,
)
from shared.work.attachments.file_types import (
    MAX_NAME_BYTES,
    SNIFFED_BYTES,
    allowed_content_type,
    matches_content_type,
    safe_filename,
)
from shared.work.attachments.rows import UPLOAD_HOURS, Attachment, Upload
from shared.work.boards.counting import require_writable
from shared.work.items.rows import Item
from shared.work.items.rules import refuse_archived

MAX_BYTES: Final = 25 * 1024 * 1024
MAX_ATTACHMENTS: Final = 20
"""Attachments of a card: it stores a summary of each, and a page has a hundred cards."""


def begin_upload(actor: Actor, item_id: str, filename: str, content_type: str, size: int) -> tuple[Upload, SignedUrl]:
    """Begin an upload and return it with a signed URL for the file. The upload has a safe file name and a content type without parameters.

    Raises NotFound, Forbidden, Invalid (type, size), LimitExceeded, Conflict (archived). One read, one transaction.
    """
    item = load(Item, item_id, actor, Permission.CARD_EDIT)
    refuse_archived(item)
    kind = allowed_content_type(content_type)
    if kind is None:
        raise Invalid(FieldError("content_type", "Files of this type cannot be attached", content_type[:MAX_NAME_BYTES]))
    if not 0 < size <= MAX_BYTES:
        raise Invalid(FieldError("size", f"A file has 1 to {MAX_BYTES:,} bytes", size))
    refuse_full(item)
    attachment_id = new_id()
    pk, sk = Upload.key(attachment_id)
    upload = Upload(
        pk=pk,
        sk=sk,
        id=attachment_id,
        ws_id=item.ws_id,
        item_id=item.id,
        filename=safe_filename(filename),
        content_type=kind,
        size=size,
        uploaded_by=actor.summary,
        ttl=int((clock.now() + timedelta(hours=UPLOAD_HOURS)).timestamp()),
    )
    write(create(upload), require_writable(item.board_id))
    return upload, upload_url(upload.file, kind, size)


def finish_upload(actor: Actor, attachment_id: str) -> Attachment:
    """Attach an uploaded file. Safe to repeat.

    Raises NotFound (no such upload, or expired), Forbidden, Conflict(FILE_NOT_UPLOADED) if the file has not arrived, Invalid if it does
    not match its declared size and type (it is deleted then), LimitExceeded. Three reads, two requests for the file and a copy,
    one transaction.
    """
    upload, existing = _read_rows(attachment_id)
    if existing is not None and not existing.deleted_at:
        return authorize(existing, actor, Permission.CARD_EDIT)
    if upload is None or (upload.ws_id is not None and upload.ws_id not in actor.workspaces):  # both cost one read
        raise NotFound(Attachment.NAME)
    item = _load_card(actor, upload)
    refuse_archived(item)
    refuse_full(item)
    _verify_file(upload)
    attachment = Attachment.new(
        upload.id,
        org_id=item.org_id,
        ws_id=item.ws_id,
        proj_id=item.proj_id,
        item_id=item.id,
        board_id=item.board_id,
        filename=upload.filename,
        content_type=upload.content_type,
        size=upload.size,
        uploaded_by=upload.uploaded_by,
    )
    copy_file(upload.file, attachment.file)
    try:
        update_with_retry(lambda: _load_card(actor, upload), lambda item: _attach(actor, item, attachment, upload), first=item)
    except _AlreadyAttached:
        winner = get(Attachment, *Attachment.key(attachment.id))
        if winner is None:
            raise stale() from None
        return winner
    delete_file(upload.file)  # if this fails, the bucket's lifecycle rule deletes the file
    return attachment


def _read_rows(attachment_id: str) -> tuple[Upload | None, Attachment | None]:
    bare = id_of(Attachment, attachment_id)
    upload, attachment = get_many([(Upload, *Upload.key(bare)), (Attachment, *Attachment.key(bare))])
    live = upload if isinstance(upload, Upload) and int(upload.ttl or 0) > clock.epoch() else None
    return live, attachment if isinstance(attachment, Attachment) else None


def _load_card(actor: Actor, upload: Upload) -> Item:
    """Load the card of an upload. Raises NotFound("attachment") for actors outside its workspace, Forbidden."""
    try:
        return load(Item, upload.item_id, actor, Permission.CARD_EDIT)
    except NotFound:
        raise NotFound(Attachment.NAME) from None


def refuse_full(item: Item) -> None:
    """Raise LimitExceeded if the card already has MAX_ATTACHMENTS."""
    if len(item.attachments) >= MAX_ATTACHMENTS:
        raise LimitExceeded(
            Situation.LIMIT_REACHED, f"A card holds at most {MAX_ATTACHMENTS} attachments", {"limit": MAX_ATTACHMENTS}
        )


def _verify_file(upload: Upload) -> None:
    """Raise Conflict(FILE_NOT_UPLOADED) if the file is missing, and delete it and raise Invalid if its size or type differs."""
    file = head_file(upload.file)
    if file is None:
        raise Conflict(Situation.FILE_NOT_UPLOADED, "The file has not arrived yet: upload it first")
    if file.size == int(upload.size) and matches_content_type(upload.content_type, get_file_start(upload.file, SNIFFED_BYTES)):
        return
    delete_file(upload.file)
    raise Invalid(FieldError("content_type", "The file is not what it was announced to be", upload.content_type))


class _AlreadyAttached(ConditionFailed):
    """The file was attached at the same moment."""


def _attach(actor: Actor, item: Item, attachment: Attachment, upload: Upload) -> list[Operation]:
    return [*attaching(actor, item, attachment), delete(upload)]


def attaching(actor: Actor, item: Item, attachment: Attachment) -> list[Operation]:
    """Add an attachment to its card in place, with the event. Return what is written with the card. Raises Conflict, LimitExceeded."""
    refuse_archived(item)
    refuse_full(item)
    item.attachments = [*item.attachments, attachment.summary]
    record(item, EventType.ITEM_UPDATED, actor, changes={"attachments": [None, attachment.event_data]}, board_id=item.board_id)
    return [create(attachment, _AlreadyAttached), require_writable(item.board_id)]
