"""The document as it is now, and its versions beside it: `DOC#<id>, META` and `DOC#<id>, V#00001`."""

from typing import Any, Final

from shared.store import Entity, JSONAttribute, NumberAttribute, Row, UnicodeAttribute

TYPES: Final = ("blueprint", "prd", "mvp", "agent_playbook", "architecture", "custom")


class Document(Entity):
    """Its id stays over all versions. `content` may be a pointer: `shared.store.kept_text` reads it."""

    KIND = "DOC"
    NAME = "document"

    type = UnicodeAttribute()
    title = UnicodeAttribute()
    content = UnicodeAttribute()
    content_type = UnicodeAttribute(default="markdown")  # markdown | html | plain_text
    number = NumberAttribute(default=1)
    """The version a reader sees. (`version` guards the row and counts every write.)"""
    status = UnicodeAttribute(default="draft")  # draft | review | approved | archived
    tags = JSONAttribute(default=list)
    origin = UnicodeAttribute(null=True)
    item_id = UnicodeAttribute(null=True)
    """The card it was written for."""
    run_id = UnicodeAttribute(null=True)
    published_at = UnicodeAttribute(null=True)
    created_by = JSONAttribute()
    updated_by = JSONAttribute(null=True)

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"PROJ#{self.proj_id}#DOC", f"{self.type}#{self.updated_at}#{self.id}")}

    def filters(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "number": self.number,
            "item_id": self.item_id,
            "updated_at": self.updated_at,
        }


class DocumentVersion(Row):
    """At `DOC#<id>, V#<nnnnn>`: what the document said, by whom. `id` names this version alone."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="DOCV")
    id = UnicodeAttribute()
    number = NumberAttribute()
    title = UnicodeAttribute()
    content = UnicodeAttribute()
    change = UnicodeAttribute()  # created | updated | approved | published
    summary = UnicodeAttribute(null=True)
    status = UnicodeAttribute(default="draft")
    created_at = UnicodeAttribute()
    created_by = JSONAttribute()

    @classmethod
    def key_of(cls, document_id: str, number: int) -> tuple[str, str]:
        return f"DOC#{document_id}", f"V#{number:05d}"
