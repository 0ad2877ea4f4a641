"""The files bucket: long texts of rows (a row holds 400 KB), and files that clients upload and download by signed URLs.

A signed URL grants access by itself, so its creator must check first whose file it is. It leads to S3 directly (on a laptop to
the local engine, on loopback), not through a function.
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
PART_BYTES: Final = 5 * 1024 * 1024  # S3's minimum for every part of a file but the last
URL_SECONDS: Final = 900
"""Default lifetime of a signed URL. The credentials of the function limit it to hours."""
_POINTER = "s3:"
_MISSING = frozenset({"404", "NoSuchKey", "403"})  # 403: S3's response for a missing key if we may not list the bucket


@cache
def _bucket() -> Any:
    from botocore.config import Config

    # Signature v4 and the bucket's regional host, because S3 refuses signed URLs with an older signature or after a redirect
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
    """Return the value to write into the row: the text itself, or for a long text a pointer to its file, which is overwritten."""
    raw = text.encode()
    if len(raw) <= INLINE and not text.startswith(_POINTER):
        return text
    put_file(key, raw, "text/plain; charset=utf-8")
    return _POINTER + key


def load_text(value: str) -> str:
    """Return the text of a value from `store_text`; reads the file if the text is long."""
    return get_file(value.removeprefix(_POINTER)).decode() if value.startswith(_POINTER) else value


def file_key(value: str) -> str | None:
    """Return the key of the file that holds the text of a value from `store_text`; None if the text is in the row."""
    return value.removeprefix(_POINTER) if value.startswith(_POINTER) else None


def put_file(key: str, body: bytes, content_type: str) -> None:
    """Write a file; one with the same key is overwritten."""
    _bucket().put_object(**_location(key), Body=body, ContentType=content_type)


def put_file_stream(key: str, body: BinaryIO, content_type: str) -> None:
    """Write a file from a stream that need not fit into memory (5 GB at most); one with the same key is overwritten."""
    _bucket().put_object(**_location(key), Body=body, ContentType=content_type)


def begin_multipart(key: str, content_type: str) -> str:
    """Start a file that is written in parts, also by different functions, hours apart. Return the upload's id.

    The file cannot be read before `complete_multipart`. An upload that is never completed is removed after two days (the bucket's
    lifecycle).
    """
    upload: str = _bucket().create_multipart_upload(**_location(key), ContentType=content_type)["UploadId"]
    return upload


def put_part(key: str, upload: str, number: int, body: bytes) -> str:
    """Write part `number` (from 1) and return its tag. It has at least PART_BYTES unless it is the last; the same number
    overwrites."""
    tag: str = _bucket().upload_part(**_location(key), UploadId=upload, PartNumber=number, Body=body)["ETag"]
    return tag


def complete_multipart(key: str, upload: str, tags: Sequence[str]) -> None:
    """Join the parts into the file, by their tags in order. Safe to repeat."""
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
    try:
        _bucket().complete_multipart_upload(**_location(key), UploadId=upload, MultipartUpload={"Parts": parts})
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchUpload" or head_file(key) is None:
            raise


def get_file(key: str) -> bytes:
    """Return the whole file. Raises botocore's ClientError if there is none, so the key must come from a row of ours."""
    body: bytes = _bucket().get_object(**_location(key))["Body"].read()
    return body


def get_file_start(key: str, size: int) -> bytes:
    """Return at most the first `size` bytes of a file. Raises ClientError as `get_file` does, and for an empty file."""
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
    """The metadata of a file; `size` is in bytes."""

    size: int
    content_type: str


def head_file(key: str) -> FileInfo | None:
    """Return the size and type of a file; None if there is none."""
    try:
        head = _bucket().head_object(**_location(key))
    except ClientError as error:
        if error.response["Error"]["Code"] not in _MISSING:
            raise
        return None
    return FileInfo(int(head["ContentLength"]), str(head.get("ContentType", "")))


@dataclass(frozen=True)
class SignedUrl:
    """A URL that is valid until `expires_at` (ISO 8601)."""

    url: str
    expires_at: str


def download_url(key: str, name: str, content_type: str | None = None, seconds: int = URL_SECONDS) -> SignedUrl:
    """Return a URL for a GET that saves the file as `name`, for anybody who has it. No round trip: the file need not exist yet."""
    request = _location(key) | {"ResponseContentDisposition": content_disposition(name)}
    if content_type:
        request["ResponseContentType"] = content_type
    return _presign("get_object", request, seconds)


def upload_url(key: str, content_type: str, size: int, seconds: int = URL_SECONDS) -> SignedUrl:
    """Return a URL for a PUT of exactly `size` bytes with exactly this Content-Type; both are signed, S3 refuses others. No round
    trip."""
    return _presign("put_object", _location(key) | {"ContentType": content_type, "ContentLength": size}, seconds)


def _presign(call: str, request: dict[str, Any], seconds: int) -> SignedUrl:
    url: str = _bucket().generate_presigned_url(call, Params=request, ExpiresIn=seconds)
    return SignedUrl(url, clock.iso(clock.now() + timedelta(seconds=seconds)))


def content_disposition(name: str) -> str:
    """Return the Content-Disposition header for a file name, with a plain form for old clients (RFC 6266)."""
    plain = "".join(one if " " <= one <= "~" and one not in '"\\%' else "_" for one in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def delete_files(prefix: str) -> int:
    """Remove at most a thousand files whose keys begin with `prefix`. Return how many were removed; 0 when none is left."""
    bucket = settings().need("files_bucket")
    files = _bucket().list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    if files:
        _bucket().delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": file["Key"]} for file in files], "Quiet": True})
    return len(files)
