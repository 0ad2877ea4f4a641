"""The attachment, and the upload that it begins as.

A card keeps what it shows of its attachments itself (`Item.attachments`): a list of cards needs no read for them.
"""

from typing import Any, Final

from shared.store import Entity, Ephemeral, JSONAttribute, NumberAttribute, UnicodeAttribute

UPLOAD_HOURS: Final = 24
"""An upload that nobody finished by then is forgotten, its row and its file (a rule of the bucket: `uploads/`)."""


class Upload(Ephemeral):
    """At `UPLOAD#<attachment's id>, META`, until the file has come and was attached. What is uploaded lies in a place of its own: its
    signed URL goes on working for a while, and must not change a file that was looked at."""

    id = UnicodeAttribute()
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
    def told(self) -> dict[str, Any]:
        """What events say of it."""
        return {"id": self.id, "filename": self.filename, "size": int(self.size)}

    @property
    def summary(self) -> dict[str, Any]:
        """What the card keeps of it."""
        return {
            "id": self.id,
            "filename": self.filename,
            "content_type": self.content_type,
            "size": int(self.size),
            "uploaded_by": self.uploaded_by,
            "uploaded_at": self.created_at,
        }


def attachment_key(ws_id: str | None, item_id: str, attachment_id: str) -> str:
    """Where the file of an attachment lies."""
    return f"attachments/{ws_id}/{item_id}/{attachment_id}"
