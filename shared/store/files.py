"""The files bucket: long texts of rows (a row holds 400 KB), and files that clients upload and download by signed URLs.

A signed URL is the whole permission: whoever makes one has checked whose the file is. It goes to S3 itself (on a laptop to the local
engine, on loopback), never through a function.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from botocore.exceptions import ClientError

from shared.core import clock
from shared.core.aws import client
from shared.core.settings import settings

INLINE: Final = 300_000  # bytes
PART_BYTES: Final = 5 * 1024 * 1024  # S3's smallest part, but for the last of a file
URL_SECONDS: Final = 900
"""How long a signed URL works unless asked otherwise. A function's own credentials bound it: hours, not days."""
_POINTER = "s3:"
_MISSING = frozenset({"404", "NoSuchKey", "403"})  # 403: whoever may not list a bucket is not told what is missing in it


@cache
def _bucket() -> Any:
    from botocore.config import Config

    # v4 and the bucket's own regional host: an older signature, or a redirect to the region, and a signed URL is refused
    config = Config(
        connect_timeout=2,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 4},
        signature_version="s3v4",
        s3={"addressing_style": "virtual"},
    )
    return client("s3", config=config)


def _location(key: str) -> dict[str, str]:
    return {"Bucket": settings().need("files_bucket"), "Key": key}


def store_text(key: str, text: str) -> str:
    """What to write into the row: the text itself, or for a long one a pointer to the file that now holds it. Overwrites the file."""
    raw = text.encode()
    if len(raw) <= INLINE and not text.startswith(_POINTER):
        return text
    put_file(key, raw, "text/plain; charset=utf-8")
    return _POINTER + key


def load_text(value: str) -> str:
    """The text that a value made by `store_text` stands for; reads the file of a long one."""
    return get_file(value.removeprefix(_POINTER)).decode() if value.startswith(_POINTER) else value


def file_key(value: str) -> str | None:
    """The key of the file that holds the text of a value made by `store_text`; None for a text that is in the row."""
    return value.removeprefix(_POINTER) if value.startswith(_POINTER) else None


def put_file(key: str, body: bytes, content_type: str) -> None:
    """Write a file; one with the same key is overwritten."""
    _bucket().put_object(**_location(key), Body=body, ContentType=content_type)


def put_file_stream(key: str, body: BinaryIO, content_type: str) -> None:
    """As `put_file`, from a file that need not fit into memory (5 GB at most)."""
    _bucket().put_object(**_location(key), Body=body, ContentType=content_type)


def begin_multipart(key: str, content_type: str) -> str:
    """Start a file that is written in parts, also by different functions, hours apart. Answers the upload's id.

    The file cannot be read before `complete_multipart`. An upload that is never completed is removed after two days (the bucket's
    lifecycle).
    """
    upload: str = _bucket().create_multipart_upload(**_location(key), ContentType=content_type)["UploadId"]
    return upload


def put_part(key: str, upload: str, number: int, body: bytes) -> str:
    """Write part `number` (from 1) of at least PART_BYTES unless it is the last; the same number overwrites. Answers the part's tag."""
    tag: str = _bucket().upload_part(**_location(key), UploadId=upload, PartNumber=number, Body=body)["ETag"]
    return tag


def complete_multipart(key: str, upload: str, tags: Sequence[str]) -> None:
    """Make the file of its parts, by their tags in order. Doing it again is no error."""
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
    try:
        _bucket().complete_multipart_upload(**_location(key), UploadId=upload, MultipartUpload={"Parts": parts})
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchUpload" or head_file(key) is None:
            raise


def get_file(key: str) -> bytes:
    """The whole file. Raises botocore's ClientError where there is none, so the key must come from a row of ours."""
    body: bytes = _bucket().get_object(**_location(key))["Body"].read()
    return body


def get_file_start(key: str, size: int) -> bytes:
    """The first bytes of a file, `size` of them at most. Raises ClientError as `get_file` does, and for an empty file."""
    body: bytes = _bucket().get_object(**_location(key), Range=f"bytes=0-{size - 1}")["Body"].read()
    return body


def copy_file(key: str, to: str) -> None:
    """Copy a file inside the bucket; a file at the new key is overwritten."""
    _bucket().copy_object(**_location(to), CopySource=_location(key))


def delete_file(key: str) -> None:
    """Remove a file; one that does not exist is no error."""
    _bucket().delete_object(**_location(key))


@dataclass(frozen=True)
class FileInfo:
    """What the bucket says of a file: `size` in bytes."""

    size: int
    content_type: str


def head_file(key: str) -> FileInfo | None:
    """The size and type of a file; None where there is none."""
    try:
        head = _bucket().head_object(**_location(key))
    except ClientError as error:
        if error.response["Error"]["Code"] not in _MISSING:
            raise
        return None
    return FileInfo(int(head["ContentLength"]), str(head.get("ContentType", "")))


@dataclass(frozen=True)
class SignedUrl:
    """Works until `expires_at` (ISO 8601)."""

    url: str
    expires_at: str


def download_url(key: str, name: str, content_type: str | None = None, seconds: int = URL_SECONDS) -> SignedUrl:
    """A URL for a GET that saves the file as `name`, for anybody who has it. No round trip: the file need not exist yet."""
    request = _location(key) | {"ResponseContentDisposition": content_disposition(name)}
    if content_type:
        request["ResponseContentType"] = content_type
    return _presign("get_object", request, seconds)


def upload_url(key: str, content_type: str, size: int, seconds: int = URL_SECONDS) -> SignedUrl:
    """A URL for a PUT of exactly `size` bytes with exactly this Content-Type: both are signed, S3 refuses others. No round trip."""
    return _presign("put_object", _location(key) | {"ContentType": content_type, "ContentLength": size}, seconds)


def _presign(call: str, request: dict[str, Any], seconds: int) -> SignedUrl:
    url: str = _bucket().generate_presigned_url(call, Params=request, ExpiresIn=seconds)
    return SignedUrl(url, clock.iso(clock.now() + timedelta(seconds=seconds)))


def content_disposition(name: str) -> str:
    """The Content-Disposition header for a file name, with a plain form for old clients (RFC 6266)."""
    plain = "".join(one if " " <= one <= "~" and one not in '"\\%' else "_" for one in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def delete_files(prefix: str) -> int:
    """Remove files whose keys begin with `prefix`, a thousand at most. Answers how many were removed: 0 when none is left."""
    bucket = settings().need("files_bucket")
    files = _bucket().list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    if files:
        _bucket().delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": file["Key"]} for file in files], "Quiet": True})
    return len(files)
