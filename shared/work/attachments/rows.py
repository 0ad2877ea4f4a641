"""The rows of an attachment: first an upload, then the attachment itself.

The card stores a summary of its attachments (`Item.attachments`), so that a list of cards needs no further read.
"""

from typing import Any, Final

from shared.store import Entity, Ephemeral, JSONAttribute, NumberAttribute, UnicodeAttribute

UPLOAD_HOURS: Final = 24
"""Hours after which an unfinished upload expires: its row by TTL, its file by a lifecycle rule of the bucket (`uploads/`)."""


class Upload(Ephemeral):
    """An upload at `UPLOAD#<attachment's id>, META`, until its file is attached.

    The uploaded file has its own key, because its signed URL stays valid for a while and must not change a file that was already checked.
    """

    id = UnicodeAttribute()
    ws_id = UnicodeAttribute(null=True)  # None: it was begun before uploads knew it
    item_id = UnicodeAttribute()
    filename = UnicodeAttribute()
    content_type = UnicodeAttribute()
    size = NumberAttribute()  # bytes
    uploaded_by = JSONAttribute()

    @classmethod
    def key(cls, attachment_id: str) -> tuple[str, str]:
        return f"UPLOAD#{attachment_id}", "META"

    @property
    def file(self) -> str:
        return f"uploads/{self.item_id}/{self.id}"


class Attachment(Entity):
    KIND = "ATT"
    NAME = "attachment"

    item_id = UnicodeAttribute()
    board_id = UnicodeAttribute()
    filename = UnicodeAttribute()
    content_type = UnicodeAttribute()
    size = NumberAttribute()  # bytes
    uploaded_by = JSONAttribute()

    @property
    def file(self) -> str:
        return attachment_key(self.ws_id, self.item_id, self.id)

    @property
    def event_data(self) -> dict[str, Any]:
        """The attachment as events describe it."""
        return {"id": self.id, "filename": self.filename, "size": int(self.size)}

    @property
    def summary(self) -> dict[str, Any]:
        """The attachment as the card stores it."""
        return {
            "id": self.id,
            "filename": self.filename,
            "content_type": self.content_type,
            "size": int(self.size),
            "uploaded_by": self.uploaded_by,
            "uploaded_at": self.created_at,
        }


def attachment_key(ws_id: str | None, item_id: str, attachment_id: str) -> str:
    """Return the key of an attachment's file in the bucket."""
    return f"attachments/{ws_id}/{item_id}/{attachment_id}"
