"""The texts of documents: how large they may be, what they take in an answer, where they lie, how large ones come and go.

A request of ours may have about 4.5 MB and an answer 6 MB (Lambda's 6 MB payload; API Gateway hands bodies over in base64, and an answer
is a JSON text inside a JSON text). A longer text is put into the files bucket by a link first, and read by one.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, TooLarge
from shared.core.ids import bare_id, is_id, new_id
from shared.store import download_url, file_key, get_file, head_file, load, load_text, store_text, upload_url
from shared.work.documents.rows import Document
from shared.work.projects.rows import Project

MAX_BYTES: Final = 10 * 1024 * 1024  # bytes of a text in UTF-8
MAX_RESPONSE_BYTES: Final = 4_500_000  # bytes that the texts of one answer take; Lambda's limit is 6,291,556 for all of it
LINK_SECONDS: Final = 3600
UPLOAD_CONTENT_TYPE: Final = "text/plain; charset=utf-8"
_MAX_THREADS: Final = 8


@dataclass(frozen=True)
class StoredText:
    """A text as rows hold it: itself, or a pointer to its file."""

    value: str
    size: int
    shown_size: int


def store_version_text(document: Document, version_id: str, text: str) -> StoredText:
    """Put a version's text away, before its rows are written. Each attempt at a version has an id of its own, so nobody's file is ever
    written over; the file of an attempt that failed stays behind, named by no row, until the workspace's files go.

    Raises Invalid past LONGEST.
    """
    size = len(text.encode())
    if size > MAX_BYTES:
        raise Invalid(FieldError("content", f"A document has at most {MAX_BYTES:,} bytes, not {size:,}"))
    return StoredText(store_text(f"documents/{document.ws_id}/{document.id}/{version_id}", text), size, shown_size(text))


def shown_size(text: str) -> int:
    """Bytes that a text takes in what a function answers: escaped as JSON twice."""
    return len(json.dumps(json.dumps(text, ensure_ascii=False), ensure_ascii=False).encode())


@dataclass(frozen=True)
class TextOrLink:
    """`link` leads to the text where it is too long for the answer; then `text` is empty."""

    text: str
    link: str | None = None


def render_text(value: str, size: int, room: int = MAX_RESPONSE_BYTES) -> TextOrLink:
    """A kept text for an answer with so much room; one without a file is shown in any case (it has at most 300 KB)."""
    key = file_key(value)
    if key is None or size <= room:
        return TextOrLink(load_text(value))
    return TextOrLink("", download_url(key, "document.txt", UPLOAD_CONTENT_TYPE, LINK_SECONDS).url)


def render_texts(kept: Sequence[tuple[str, int]], room: int = MAX_RESPONSE_BYTES) -> list[TextOrLink]:
    """Texts (value, size in an answer) of one answer, those with files first come, first served."""
    rooms, left = [], room - sum(size for value, size in kept if file_key(value) is None)
    for value, size in kept:
        fits = file_key(value) is None or size <= left
        rooms.append(size if fits else 0)
        left -= size if fits and file_key(value) is not None else 0
    if all(file_key(value) is None for value, _ in kept):
        return [TextOrLink(load_text(value)) for value, _ in kept]
    with ThreadPoolExecutor(_MAX_THREADS) as pool:
        return list(pool.map(render_text, (value for value, _ in kept), (size for _, size in kept), rooms))


@dataclass(frozen=True)
class TextUpload:
    id: str
    url: str
    headers: dict[str, str]
    expires_at: str


def begin_upload(actor: Actor, project_id: str, size: int) -> TextUpload:
    """A link for a text of exactly `size` bytes of UTF-8, to be named when a document of this project is created or changed. What nobody
    names is gone after a day. Raises NotFound, Forbidden."""
    project = load(Project, project_id, actor, Permission.DOCUMENT_WRITE)
    upload_id = new_id()
    signed = upload_url(_upload_key(str(project.ws_id), project.id, upload_id), UPLOAD_CONTENT_TYPE, size)
    return TextUpload(
        upload_id, signed.url, {"Content-Type": UPLOAD_CONTENT_TYPE, "Content-Length": str(size)}, signed.expires_at
    )


def read_upload(ws_id: str, project_id: str, upload_id: str) -> str:
    """The text that was put there. Raises Invalid where there is none, or where it is no UTF-8; TooLarge past LONGEST."""
    bare = bare_id(upload_id)
    place = _upload_key(ws_id, project_id, bare)
    arrived = head_file(place) if is_id(bare) else None
    if arrived is None:
        raise Invalid(FieldError("upload_id", "Nothing was uploaded under this id, or it has expired", upload_id))
    if arrived.size > MAX_BYTES:
        raise TooLarge(MAX_BYTES)
    try:
        return get_file(place).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(FieldError("upload_id", "The uploaded text is not valid UTF-8", upload_id)) from None


def _upload_key(ws_id: str, project_id: str, upload_id: str) -> str:
    return f"uploads/{ws_id}/{project_id}/{upload_id}"
