"""The comment row."""

from typing import Any

from shared.store import CountedEntity, CountedList, JSONAttribute, NumberAttribute, UnicodeAttribute

REMOVED = "removed "  # before the label of a removed comment


def label_of(f: dict[str, Any]) -> str:
    """Return what a comment is counted as."""
    return (REMOVED if f["removed"] else "") + ("reply" if f.get("parent_id") else "root")


def comments_of(item_id: str) -> CountedList:
    """Return the comments of a card, oldest first, as a counted list."""
    return CountedList(f"ITEM#{item_id}", "COM", f"ITEM#{item_id}", label_of, "COM#")


def replies_of(item_id: str) -> str:
    """Return the partition of index 2 that holds the replies of a card by the place of their threads."""
    return f"ITEM#{item_id}#REPLY"


class Comment(CountedEntity):
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
    issue = UnicodeAttribute(null=True)
    """The issue at GitHub that its card was kept in step with when it was written: it is written there too."""
    thread = UnicodeAttribute(null=True)
    """Of a reply: the `place` of the comment that began its thread."""

    @property
    def label(self) -> str:
        """Return what it is counted as."""
        return label_of(self.listed())

    def indexes(self) -> dict[int, tuple[str, str]]:
        places = {1: (f"ITEM#{self.item_id}", f"COM#{self.place}")}
        if self.thread:
            places[2] = (replies_of(self.item_id), f"{self.thread}#{self.place}")
        return places

    def filters(self) -> dict[str, Any]:
        return {"removed": bool(self.removed_at)}
