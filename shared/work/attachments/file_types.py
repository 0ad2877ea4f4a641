"""The content types that may be attached, and checks that a file really has its declared type.

The list has the types that teams put on cards. Downloads are served as attachments, so that a browser never renders them on our domain. It
has no type that can run code when it is opened (HTML, scripts, programs).
"""

import unicodedata
from collections.abc import Callable
from typing import Final

from shared.core.texts import is_seen

Matcher = Callable[[bytes], bool]

SNIFFED_BYTES: Final = 4_096  # first bytes of a file that are checked
MAX_NAME_BYTES: Final = 200  # bytes of a file name that every file system accepts


def _starts_with(*signatures: bytes, at: int = 0) -> Matcher:
    return lambda start: any(start[at:].startswith(signature) for signature in signatures)


def _riff(kind: bytes) -> Matcher:
    return lambda start: start.startswith(b"RIFF") and start[8:12] == kind


def _is_text(start: bytes) -> bool:
    """Tell whether the bytes are UTF-8, whose last character may be cut off, or UTF-16 with a byte order mark."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if b"\0" in start:
        return False
    for cut in range(4):
        try:
            start[: len(start) - cut].decode()
        except UnicodeDecodeError:
            continue
        return True
    return False


_ZIP = _starts_with(b"PK\x03\x04", b"PK\x05\x06")
_OLE = _starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")  # Office until 2003
_OFFICE = "application/vnd.openxmlformats-officedocument"
_OASIS = "application/vnd.oasis.opendocument"

MATCHERS: Final[dict[str, Matcher]] = {
    "image/png": _starts_with(b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": _starts_with(b"\xff\xd8\xff"),
    "image/gif": _starts_with(b"GIF87a", b"GIF89a"),
    "image/webp": _riff(b"WEBP"),
    "image/svg+xml": _is_text,
    "application/pdf": lambda start: b"%PDF-" in start[:1024],
    "application/zip": _ZIP,
    "application/gzip": _starts_with(b"\x1f\x8b"),
    "application/json": _is_text,
    "application/xml": _is_text,
    "application/yaml": _is_text,
    "text/plain": _is_text,
    "text/markdown": _is_text,
    "text/csv": _is_text,
    "text/xml": _is_text,
    "text/yaml": _is_text,
    f"{_OFFICE}.wordprocessingml.document": _ZIP,
    f"{_OFFICE}.spreadsheetml.sheet": _ZIP,
    f"{_OFFICE}.presentationml.presentation": _ZIP,
    f"{_OASIS}.text": _ZIP,
    f"{_OASIS}.spreadsheet": _ZIP,
    f"{_OASIS}.presentation": _ZIP,
    "application/msword": _OLE,
    "application/vnd.ms-excel": _OLE,
    "application/vnd.ms-powerpoint": _OLE,
    "audio/mpeg": _starts_with(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"),
    "audio/wav": _riff(b"WAVE"),
    "audio/ogg": _starts_with(b"OggS"),
    "video/mp4": _starts_with(b"ftyp", at=4),
    "video/quicktime": _starts_with(b"ftyp", b"moov", b"wide", b"mdat", b"free", at=4),
    "video/webm": _starts_with(b"\x1a\x45\xdf\xa3"),
}


_EXTENSIONS: Final = {
    "csv": "text/csv",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "gif": "image/gif",
    "gz": "application/gzip",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "log": "text/plain",
    "md": "text/markdown",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "odp": f"{_OASIS}.presentation",
    "ods": f"{_OASIS}.spreadsheet",
    "odt": f"{_OASIS}.text",
    "pdf": "application/pdf",
    "png": "image/png",
    "pptx": f"{_OFFICE}.presentationml.presentation",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "webp": "image/webp",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "zip": "application/zip",
}
_UNTOLD: Final = ("", "application/octet-stream", "binary/octet-stream")
"""What clients say that do not know a file's type."""


def content_type_of(filename: str, declared: str) -> str | None:
    """Return the type of a file as it was declared, or, where the client does not know it, by its name; None: it may not be attached."""
    if declared.partition(";")[0].strip().lower() not in _UNTOLD:
        return allowed_content_type(declared)
    return _EXTENSIONS.get(filename.rpartition(".")[2].lower())


def allowed_content_type(content_type: str) -> str | None:
    """Return a content type without its parameters; None if files of this type may not be attached."""
    bare = content_type.partition(";")[0].strip().lower()
    return bare if bare in MATCHERS else None


def matches_content_type(content_type: str, start: bytes) -> bool:
    """Tell whether a file that begins with these bytes can be of this type."""
    return MATCHERS[content_type](start)


def safe_filename(filename: str) -> str:
    """Return a file name that every system can save, that everybody can see and that does not hide its type. Never empty.

    Removes folders, control characters and characters that change the writing direction (`gpj.exe` would show as `exe.jpg`). Longer names
    are cut to MAX_NAME_BYTES; the extension stays.
    """
    last = unicodedata.normalize("NFC", filename).replace("\\", "/").rpartition("/")[2]
    plain = "".join(
        char if char not in '<>:"|?*' else "_" for char in last if unicodedata.category(char)[0] != "C" or char == "\t"
    )
    name = " ".join(plain.split()).strip(". ")
    if not is_seen(name):
        return "file"
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or len(extension.encode()) > 20:
        stem, dot, extension = name, "", ""
    room = MAX_NAME_BYTES - len((dot + extension).encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + dot + extension
