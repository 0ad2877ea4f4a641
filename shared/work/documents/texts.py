"""The texts of documents: their limits, their storage, and uploads and downloads of large ones.

A request can have about 4.5 MB and a response 6 MB (Lambda's payload limit is 6 MB; API Gateway encodes request bodies in base64, and a
response is JSON inside JSON). Longer texts are uploaded to the files bucket by a link, and downloaded by a link.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, TooLarge
from shared.core.ids import bare_id, is_id, new_id
from shared.core.texts import size_in_answer
from shared.store import download_url, file_key, get_file, head_file, load, load_text, store_text, upload_url
from shared.work.documents.rows import Document
from shared.work.projects.rows import Project

MAX_BYTES: Final = 10 * 1024 * 1024  # bytes of a text in UTF-8
MAX_RESPONSE_BYTES: Final = 4_500_000  # bytes of all texts in one response; Lambda's limit for the whole response is 6,291,556
LINK_SECONDS: Final = 3600
UPLOAD_CONTENT_TYPE: Final = "text/plain; charset=utf-8"
_MAX_THREADS: Final = 8


@dataclass(frozen=True)
class StoredText:
    """A text as rows store it: the text itself, or a pointer to its file. Sizes are in bytes."""

    value: str
    size: int
    shown_size: int


def store_version_text(document: Document, version_id: str, text: str) -> StoredText:
    """Store the text of a version before its rows are written. Raises Invalid if it is longer than MAX_BYTES.

    Each attempt to write a version has its own id, so no file is ever overwritten. The file of a failed attempt remains, without a row
    that names it, until the workspace's files are deleted.
    """
    size = len(text.encode())
    if size > MAX_BYTES:
        raise Invalid(FieldError("content", f"A document has at most {MAX_BYTES:,} bytes, not {size:,}"))
    return StoredText(store_text(f"documents/{document.ws_id}/{document.id}/{version_id}", text), size, shown_size(text))


def shown_size(text: str) -> int:
    """Return the bytes of a text in a function's response, where it is escaped as JSON twice."""
    return size_in_answer(json.dumps(text, ensure_ascii=False))


@dataclass(frozen=True)
class TextOrLink:
    """A text in a response. If it is too long, `text` is empty and `link` is a URL of the text."""

    text: str
    link: str | None = None


def render_text(value: str, size: int, max_bytes: int = MAX_RESPONSE_BYTES) -> TextOrLink:
    """Return a stored text, or a link if its size is above `max_bytes`; a text stored in a row (at most 300 KB) is always returned."""
    key = file_key(value)
    if key is None or size <= max_bytes:
        return TextOrLink(load_text(value))
    return TextOrLink("", download_url(key, "document.txt", UPLOAD_CONTENT_TYPE, LINK_SECONDS).url)


def render_texts(stored: Sequence[tuple[str, int]], max_bytes: int = MAX_RESPONSE_BYTES) -> list[TextOrLink]:
    """Return the texts of one response, given as (value, size in a response); of those in files, the first ones that fit are returned."""
    limits, remaining = [], max_bytes - sum(size for value, size in stored if file_key(value) is None)
    for value, size in stored:
        fits = file_key(value) is None or size <= remaining
        limits.append(size if fits else 0)
        remaining -= size if fits and file_key(value) is not None else 0
    if all(file_key(value) is None for value, _ in stored):
        return [TextOrLink(load_text(value)) for value, _ in stored]
    with ThreadPoolExecutor(_MAX_THREADS) as pool:
        return list(pool.map(render_text, (value for value, _ in stored), (size for _, size in stored), limits))


@dataclass(frozen=True)
class TextUpload:
    """A signed URL to which a client sends a text with PUT and these headers."""

    id: str
    url: str
    headers: dict[str, str]
    expires_at: str


def begin_upload(actor: Actor, project_id: str, size: int) -> TextUpload:
    """Return a link for uploading a text of exactly `size` bytes of UTF-8; a document of the project can then be written with its id.

    An upload that is not used expires after a day. Raises NotFound, Forbidden.
    """
    project = load(Project, project_id, actor, Permission.DOCUMENT_WRITE)
    upload_id = new_id()
    signed = upload_url(_upload_key(str(project.ws_id), project.id, upload_id), UPLOAD_CONTENT_TYPE, size)
    return TextUpload(
        upload_id, signed.url, {"Content-Type": UPLOAD_CONTENT_TYPE, "Content-Length": str(size)}, signed.expires_at
    )


def read_upload(ws_id: str, project_id: str, upload_id: str) -> str:
    """Read an uploaded text. Raises Invalid if there is none or it is not UTF-8, TooLarge if it is longer than MAX_BYTES."""
    bare = bare_id(upload_id)
    key = _upload_key(ws_id, project_id, bare)
    file = head_file(key) if is_id(bare) else None
    if file is None:
        raise Invalid(FieldError("upload_id", "Nothing was uploaded under this id, or it has expired", upload_id))
    if file.size > MAX_BYTES:
        raise TooLarge(MAX_BYTES)
    try:
        return get_file(key).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(FieldError("upload_id", "The uploaded text is not valid UTF-8", upload_id)) from None


def _upload_key(ws_id: str, project_id: str, upload_id: str) -> str:
    return f"uploads/{ws_id}/{project_id}/{upload_id}"
