"""The comment row."""

from typing import Any

from shared.store import Entity, JSONAttribute, NumberAttribute, UnicodeAttribute


class Comment(Entity):
    """A comment. A removed one stays, without its content, as the parent of its replies; lists omit it if it has none."""

    KIND = "COM"
    NAME = "comment"

    item_id = UnicodeAttribute()
    board_id = UnicodeAttribute()
    content = UnicodeAttribute()
    content_type = UnicodeAttribute(default="markdown")  # markdown | plain_text
    comment_type = UnicodeAttribute(default="general")
    author = JSONAttribute()
    parent_id = UnicodeAttribute(null=True)
    depth = NumberAttribute(default=0)
    mentions = JSONAttribute(default=list)
    attachments = JSONAttribute(default=list)
    edited_at = UnicodeAttribute(null=True)
    removed_at = UnicodeAttribute(null=True)

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"ITEM#{self.item_id}", f"COM#{self.created_at}#{self.id}")}

    def filters(self) -> dict[str, Any]:
        return {"parent_id": self.parent_id, "removed": bool(self.removed_at), "author_id": self.author["id"]}
