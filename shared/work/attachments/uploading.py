"""A file comes to a card in three steps: it is announced, the client puts it into the bucket by a signed URL, and it is attached.

    upload, signed = begin_upload(actor, card_id, "plan.pdf", "application/pdf", 12_345)
    ... PUT signed.url ...
    attachment = finish_upload(actor, upload.id)

The URL is signed for exactly the announced size and type. What has come is looked at before it is attached: that it is there, and that
its first bytes are of the type it says.
"""

from datetime import timedelta
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, FieldError, Invalid, LimitExceeded, NotFound, Raced
from shared.core.ids import bare_id, is_id, new_id
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
"""Of a card: it keeps a summary of each, and a hundred cards make a page."""


def begin_upload(actor: Actor, item_id: str, filename: str, content_type: str, size: int) -> tuple[Upload, SignedUrl]:
    """Announce a file, and where to put it. `filename` is made safe, `content_type` loses its parameters: the answer says how.

    Raises NotFound, Forbidden, Invalid (type, size), LimitExceeded, Conflict (archived). One read, one transaction.
    """
    item = load(Item, item_id, actor, Permission.CARD_EDIT)
    refuse_archived(item)
    kind = allowed_content_type(content_type)
    if kind is None:
        raise Invalid(FieldError("content_type", "Files of this type cannot be attached", content_type[:MAX_NAME_BYTES]))
    if not 0 < size <= MAX_BYTES:
        raise Invalid(FieldError("size", f"A file has 1 to {MAX_BYTES:,} bytes", size))
    _refuse_full(item)
    attachment_id = new_id()
    pk, sk = Upload.key(attachment_id)
    upload = Upload(
        pk=pk,
        sk=sk,
        id=attachment_id,
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
    """Attach a file that has come. Finishing twice is once.

    Raises NotFound (nothing was announced under this id, or long ago), Forbidden, Conflict(FILE_NOT_UPLOADED) while the file is not there,
    Invalid where it is not what it says (it is dropped then), LimitExceeded. Three reads, a look at the file and its beginning, a copy,
    one transaction.
    """
    upload, attached = _read_rows(attachment_id)
    if attached is not None and not attached.deleted_at:
        return authorize(attached, actor, Permission.CARD_EDIT)
    if upload is None:
        raise NotFound(Attachment.NAME)
    item = _load_card(actor, upload)
    refuse_archived(item)
    _refuse_full(item)
    _verify_file(upload)
    made = Attachment.new(
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
    copy_file(upload.file, made.file)
    try:
        update_with_retry(lambda: _load_card(actor, upload), lambda fresh: _attach(actor, fresh, made, upload))
    except Raced as raced:
        if raced is not _ALREADY_ATTACHED:
            raise
        first = get(Attachment, *Attachment.key(made.id))
        if first is None:
            raise stale() from None
        return first
    delete_file(upload.file)  # a rule of the bucket removes what this leaves behind
    return made


def _read_rows(attachment_id: str) -> tuple[Upload | None, Attachment | None]:
    bare = bare_id(attachment_id)
    if not is_id(bare):
        raise NotFound(Attachment.NAME)
    upload, attached = get_many([(Upload, *Upload.key(bare)), (Attachment, *Attachment.key(bare))])
    known = upload if isinstance(upload, Upload) and int(upload.ttl or 0) > clock.epoch() else None
    return known, attached if isinstance(attached, Attachment) else None


def _load_card(actor: Actor, upload: Upload) -> Item:
    """The card of an upload, to its workspace; to anybody else there is no such attachment."""
    try:
        return load(Item, upload.item_id, actor, Permission.CARD_EDIT)
    except NotFound:
        raise NotFound(Attachment.NAME) from None


def _refuse_full(item: Item) -> None:
    if len(item.attachments) >= MAX_ATTACHMENTS:
        raise LimitExceeded(
            Situation.LIMIT_REACHED, f"A card holds at most {MAX_ATTACHMENTS} attachments", {"limit": MAX_ATTACHMENTS}
        )


def _verify_file(upload: Upload) -> None:
    """Raises Conflict(FILE_NOT_UPLOADED) while the file is not there, and Invalid where it is something else than was announced."""
    found = head_file(upload.file)
    if found is None:
        raise Conflict(Situation.FILE_NOT_UPLOADED, "The file has not arrived yet: upload it first")
    if found.size == int(upload.size) and matches_content_type(upload.content_type, get_file_start(upload.file, SNIFFED_BYTES)):
        return
    delete_file(upload.file)
    raise Invalid(FieldError("content_type", "The file is not what it was announced to be", upload.content_type))


_ALREADY_ATTACHED = Raced("The file was attached at the same moment")


def _attach(actor: Actor, item: Item, made: Attachment, upload: Upload) -> list[Operation]:
    refuse_archived(item)
    _refuse_full(item)
    item.attachments = [*item.attachments, made.summary]
    record(item, EventType.ITEM_UPDATED, actor, changes={"attachments": [None, made.told]}, board_id=item.board_id)
    return [create(made, _ALREADY_ATTACHED), delete(upload), require_writable(item.board_id)]
