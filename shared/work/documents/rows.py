"""The rows of a document. All but the last two are in one partition.

DOC#<id>, META              Document          its current state; the id is the same for all versions
DOC#<id>, V#00002           DocumentVersion   a version: its own id, status, author
DOC#<id>, TEXT#00002        DocumentText      the text that version 2 introduced; never changed, shared by versions that only rename
DOC#<id>, REV#00000007      Revision          the change of the seventh write; one for each write of the document's row
VER#<version id>, META      VersionName       maps a version's id to its document
PROJ#<id>#DOC#<type>, ...   DocumentCopy      the documents of a type with their texts, sorted by the age of the latest version, so that
                                              the latest is one read
"""

from typing import Any, Final, Self

from shared.core.ids import derived_id
from shared.core.texts import searchable
from shared.store import CountedEntity, CountedList, JSONAttribute, NumberAttribute, Row, UnicodeAttribute
from shared.store.files import INLINE

TYPES: Final = ("blueprint", "prd", "mvp", "agent_playbook", "architecture", "custom")


def label_of(f: dict[str, Any]) -> str:
    """Return what a document is counted as."""
    return f"{f['type']}/{f['status']}"


def documents_of(project_id: str) -> CountedList:
    """Return the documents of a project as a counted list, in the order of their last change."""
    return CountedList(f"PROJ#{project_id}", "DOC", f"PROJ#{project_id}#DOC", label_of)


class Document(CountedEntity):
    """A document. `number`, `title`, `text`, `status` and similar fields are those of its latest version."""

    KIND = "DOC"
    NAME = "document"

    type = UnicodeAttribute()
    title = UnicodeAttribute()
    content_type = UnicodeAttribute(default="markdown")  # markdown | html | plain_text
    number = NumberAttribute(default=1)
    """The number of the latest version, which readers see. (`version` guards the row and counts every write.)"""
    version_id = UnicodeAttribute()
    versioned_at = UnicodeAttribute()
    text = NumberAttribute(default=1)
    """The number of the version that introduced the text; a version that only renames or publishes shares an earlier text."""
    size = NumberAttribute(default=0)  # bytes of the text in UTF-8
    shown_size = NumberAttribute(default=0)  # bytes of the text in a response (`texts.shown_size`)
    status = UnicodeAttribute(default="draft")  # draft | review | approved | rejected | archived
    tags = JSONAttribute(default=list)
    origin = UnicodeAttribute(null=True)
    item_id = UnicodeAttribute(null=True)
    """The card for which the document was written."""
    run_id = UnicodeAttribute(null=True)
    approved_by = JSONAttribute(null=True)
    approved_at = UnicodeAttribute(null=True)
    approved_number = NumberAttribute(null=True)
    """The version that is currently approved: the last one that was approved or published."""
    rejection_reason = UnicodeAttribute(null=True)
    published_at = UnicodeAttribute(null=True)
    published_number = NumberAttribute(null=True)
    created_by = JSONAttribute()
    updated_by = JSONAttribute(null=True)

    @property
    def metadata_size(self) -> int:
        """The maximum bytes of title and tags in a response: a character outside the first Unicode plane takes two escapes of six bytes."""
        return 12 * (len(self.title) + sum(len(tag) for tag in self.tags))

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {
            1: (f"PROJ#{self.proj_id}#DOC", self.place_at(self.updated_at)),
            2: (f"PROJ#{self.proj_id}#TITLE", f"{self.title_key(self.type, self.title)}#{self.id}"),
        }

    @staticmethod
    def title_key(type_: str, title: str) -> str:
        """Return what documents of one type with one title, in any letter case, have in common."""
        return f"{type_}#{derived_id('title', searchable(title))}"

    @property
    def label(self) -> str:
        """Return what the document is counted as."""
        return label_of(self.listed())

    def filters(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "room": self.metadata_size + (int(self.shown_size) if self.size <= INLINE else 0),
            "item_id": self.item_id,
            "updated_at": self.updated_at,
        }


class DocumentCopy(Document):
    """A copy of a document with its text, sorted by the age of its latest version; archived documents are sorted behind all others."""

    KIND = "DOCSHELF"

    content = UnicodeAttribute()

    @staticmethod
    def partition(project_id: str, type_: str) -> str:
        return f"PROJ#{project_id}#DOC#{type_}"

    @classmethod
    def key_for(cls, document: Document) -> tuple[str, str]:
        rank = 0 if document.status == "archived" else 1
        return cls.partition(str(document.proj_id), document.type), f"{rank}#{document.versioned_at}#{document.id}"

    @classmethod
    def copy_of(cls, document: Document, content: str) -> Self:
        pk, sk = cls.key_for(document)
        own = {"pk", "sk", "kind", "event", "event_id", "f", "counted_in"}
        shared = {name: value for name, value in document.attribute_values.items() if name not in own}
        return cls(pk=pk, sk=sk, kind=cls.KIND, content=content, **shared)

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
    status = UnicodeAttribute(default="draft")  # while it was the latest version; `statuses.version_status` has the current one
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
    """A text of a document. `content` may be a pointer to a file; `shared.store.load_text` reads both."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="DOCTEXT")
    content = UnicodeAttribute()

    @classmethod
    def key_of(cls, document_id: str, number: int) -> tuple[str, str]:
        return f"DOC#{document_id}", f"TEXT#{number:05d}"


class Revision(Row):
    """The change of one write of a document. `id` is that of the write's event; `diffs` describes `diff`."""

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
    ws_id = UnicodeAttribute(null=True)
    document_id = UnicodeAttribute()
    number = NumberAttribute()

    @classmethod
    def key_of(cls, version_id: str) -> tuple[str, str]:
        return f"VER#{version_id}", "META"
