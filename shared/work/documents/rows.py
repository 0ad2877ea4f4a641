"""A document and what is kept beside it, in one partition but for the last two.

DOC#<id>, META              Document          what it is now; its id stays over all versions
DOC#<id>, V#00002           DocumentVersion   a version: its own id, status, author
DOC#<id>, TEXT#00002        DocumentText      the text that version 2 brought; never changed, shared by versions that only rename
DOC#<id>, REV#00000007      Revision          what the seventh write did; as many as the document's row has been written
VER#<version id>, META      VersionName       from a version's id to its document
PROJ#<id>#DOC#<type>, ...   Shelved           the documents of a type by the age of their latest version, text included: the latest
                                              is one read
"""

from typing import Any, Final, Self

from shared.store import Entity, JSONAttribute, NumberAttribute, Row, UnicodeAttribute
from shared.store.files import INLINE

TYPES: Final = ("blueprint", "prd", "mvp", "agent_playbook", "architecture", "custom")


class Document(Entity):
    """`number`, `title`, `text`, `status` and the like are those of its latest version."""

    KIND = "DOC"
    NAME = "document"

    type = UnicodeAttribute()
    title = UnicodeAttribute()
    content_type = UnicodeAttribute(default="markdown")  # markdown | html | plain_text
    number = NumberAttribute(default=1)
    """The version a reader sees. (`version` guards the row and counts every write.)"""
    version_id = UnicodeAttribute()
    versioned_at = UnicodeAttribute()
    text = NumberAttribute(default=1)
    """The number of the version that brought the text: a version that only renames or publishes shares it."""
    size = NumberAttribute(default=0)  # bytes of the text in UTF-8
    shown_size = NumberAttribute(default=0)  # bytes it takes in an answer (`texts.shown_size`)
    status = UnicodeAttribute(default="draft")  # draft | review | approved | rejected | archived
    tags = JSONAttribute(default=list)
    origin = UnicodeAttribute(null=True)
    item_id = UnicodeAttribute(null=True)
    """The card it was written for."""
    run_id = UnicodeAttribute(null=True)
    approved_by = JSONAttribute(null=True)
    approved_at = UnicodeAttribute(null=True)
    approved_number = NumberAttribute(null=True)
    """The version in force: the last one that was approved or published."""
    rejection_reason = UnicodeAttribute(null=True)
    published_at = UnicodeAttribute(null=True)
    published_number = NumberAttribute(null=True)
    created_by = JSONAttribute()
    updated_by = JSONAttribute(null=True)

    @property
    def about_size(self) -> int:
        """Bytes that title and tags take in an answer at most: a character beyond the first plane is written as two escapes of six."""
        return 12 * (len(self.title) + sum(len(tag) for tag in self.tags))

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"PROJ#{self.proj_id}#DOC", f"{self.type}#{self.updated_at}#{self.id}")}

    def filters(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "number": self.number,
            "text": self.text,
            "room": self.about_size + (int(self.shown_size) if self.size <= INLINE else 0),
            "item_id": self.item_id,
            "updated_at": self.updated_at,
        }


class DocumentCopy(Document):
    """A copy of the document with its text. It moves when there is a new version; what is archived stands behind what is not."""

    KIND = "DOCSHELF"

    content = UnicodeAttribute()

    @staticmethod
    def partition(project_id: str, type_: str) -> str:
        return f"PROJ#{project_id}#DOC#{type_}"

    @classmethod
    def place_of(cls, document: Document) -> tuple[str, str]:
        rank = 0 if document.status == "archived" else 1
        return cls.partition(str(document.proj_id), document.type), f"{rank}#{document.versioned_at}#{document.id}"

    @classmethod
    def copy_of(cls, document: Document, content: str) -> Self:
        pk, sk = cls.place_of(document)
        unkept = {"pk", "sk", "kind", "event", "event_id", "f"}
        kept = {name: value for name, value in document.attribute_values.items() if name not in unkept}
        return cls(pk=pk, sk=sk, kind=cls.KIND, content=content, **kept)

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {}


class DocumentVersion(Row):
    TABLE = "core_table"

    kind = UnicodeAttribute(default="DOCV")
    id = UnicodeAttribute()
    number = NumberAttribute()
    title = UnicodeAttribute()
    content_type = UnicodeAttribute()
    text = NumberAttribute()
    size = NumberAttribute()
    shown_size = NumberAttribute()
    status = UnicodeAttribute(default="draft")  # as a Document's; what a later version made of it follows from them all
    approved_by = JSONAttribute(null=True)
    approved_at = UnicodeAttribute(null=True)
    rejection_reason = UnicodeAttribute(null=True)
    published_at = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    created_by = JSONAttribute()

    @classmethod
    def key_of(cls, document_id: str, number: int) -> tuple[str, str]:
        return f"DOC#{document_id}", f"V#{number:05d}"


class DocumentText(Row):
    """`content` may be a pointer: `shared.store.load_text` reads it."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="DOCTEXT")
    content = UnicodeAttribute()

    @classmethod
    def key_of(cls, document_id: str, number: int) -> tuple[str, str]:
        return f"DOC#{document_id}", f"TEXT#{number:05d}"


class Revision(Row):
    """`id` is that of the write's event. `diff`: see `diffs`."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="DOCREV")
    id = UnicodeAttribute()
    change = UnicodeAttribute()  # created | updated | approved | published
    summary = UnicodeAttribute(null=True)
    diff = JSONAttribute(null=True)
    old_number = NumberAttribute(null=True)
    new_number = NumberAttribute()
    created_at = UnicodeAttribute()
    created_by = JSONAttribute()

    @classmethod
    def key_of(cls, document_id: str, write: int) -> tuple[str, str]:
        return f"DOC#{document_id}", f"REV#{write:08d}"


class VersionName(Row):
    TABLE = "core_table"

    kind = UnicodeAttribute(default="DOCVERNAME")
    document_id = UnicodeAttribute()
    number = NumberAttribute()

    @classmethod
    def key_of(cls, version_id: str) -> tuple[str, str]:
        return f"VER#{version_id}", "META"
