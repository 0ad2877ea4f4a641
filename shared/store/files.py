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


def _place(key: str) -> dict[str, str]:
    return {"Bucket": settings().need("files_bucket"), "Key": key}


def store_text(key: str, text: str) -> str:
    """What to put into the row: the text itself, or a pointer to the file that now holds it. The same key is written over."""
    raw = text.encode()
    if len(raw) <= INLINE and not text.startswith(_POINTER):
        return text
    put_file(key, raw, "text/plain; charset=utf-8")
    return _POINTER + key


def load_text(value: str) -> str:
    """The text that `store_text` put away."""
    return get_file(value.removeprefix(_POINTER)).decode() if value.startswith(_POINTER) else value


def file_key(value: str) -> str | None:
    """The key of the file in which `store_text` put the text; None for a text that is in the row."""
    return value.removeprefix(_POINTER) if value.startswith(_POINTER) else None


def put_file(key: str, body: bytes, content_type: str) -> None:
    """Write a file; the same key is written over."""
    _bucket().put_object(**_place(key), Body=body, ContentType=content_type)


def put_file_stream(key: str, body: BinaryIO, content_type: str) -> None:
    """As `put_file`, from a file that need not fit into memory (5 GB at the most)."""
    _bucket().put_object(**_place(key), Body=body, ContentType=content_type)


def begin_multipart(key: str, content_type: str) -> str:
    """Start a file that is written in parts, by calls that may be hours and functions apart. Answers the upload's id. Nothing is there to
    be read before `complete_multipart`; what is never joined is forgotten after two days (the bucket's lifecycle)."""
    upload: str = _bucket().create_multipart_upload(**_place(key), ContentType=content_type)["UploadId"]
    return upload


def put_part(key: str, upload: str, number: int, body: bytes) -> str:
    """Part `number` (from 1), at least PART_BYTES unless it is the last; the same number is written over. Answers its tag."""
    tag: str = _bucket().upload_part(**_place(key), UploadId=upload, PartNumber=number, Body=body)["ETag"]
    return tag


def complete_multipart(key: str, upload: str, tags: Sequence[str]) -> None:
    """Make the file of its parts, by their tags in order. Joined before is as good."""
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
    try:
        _bucket().complete_multipart_upload(**_place(key), UploadId=upload, MultipartUpload={"Parts": parts})
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchUpload" or head_file(key) is None:
            raise


def get_file(key: str) -> bytes:
    """The whole file. Raises botocore's ClientError where there is none: for keys that a row of ours names."""
    body: bytes = _bucket().get_object(**_place(key))["Body"].read()
    return body


def get_file_start(key: str, size: int) -> bytes:
    """The first bytes of a file, `size` of them at most. Raises ClientError as `get_file` does, and for an empty file."""
    body: bytes = _bucket().get_object(**_place(key), Range=f"bytes=0-{size - 1}")["Body"].read()
    return body


def copy_file(key: str, to: str) -> None:
    """A file once more, inside the bucket; what was there is written over."""
    _bucket().copy_object(**_place(to), CopySource=_place(key))


def delete_file(key: str) -> None:
    """Remove a file; one that is not there is as good as removed."""
    _bucket().delete_object(**_place(key))


@dataclass(frozen=True)
class FileInfo:
    """What the bucket says of a file: `size` in bytes."""

    size: int
    content_type: str


def head_file(key: str) -> FileInfo | None:
    """Whether a file has arrived, and what it is; None when it has not."""
    try:
        found = _bucket().head_object(**_place(key))
    except ClientError as error:
        if error.response["Error"]["Code"] not in _MISSING:
            raise
        return None
    return FileInfo(int(found["ContentLength"]), str(found.get("ContentType", "")))


@dataclass(frozen=True)
class SignedUrl:
    """Works until `expires_at` (ISO 8601)."""

    url: str
    expires_at: str


def download_url(key: str, name: str, content_type: str | None = None, seconds: int = URL_SECONDS) -> SignedUrl:
    """A GET that saves the file under `name`, for anybody who has the URL. No round trip: the file need not exist yet."""
    asked = _place(key) | {"ResponseContentDisposition": content_disposition(name)}
    if content_type:
        asked["ResponseContentType"] = content_type
    return _signed("get_object", asked, seconds)


def upload_url(key: str, content_type: str, size: int, seconds: int = URL_SECONDS) -> SignedUrl:
    """A PUT of exactly `size` bytes with exactly this Content-Type header: both are signed, S3 refuses anything else. No round trip."""
    return _signed("put_object", _place(key) | {"ContentType": content_type, "ContentLength": size}, seconds)


def _signed(call: str, asked: dict[str, Any], seconds: int) -> SignedUrl:
    url: str = _bucket().generate_presigned_url(call, Params=asked, ExpiresIn=seconds)
    return SignedUrl(url, clock.iso(clock.now() + timedelta(seconds=seconds)))


def content_disposition(name: str) -> str:
    """A Content-Disposition that every client reads, whatever is in the name (RFC 6266)."""
    plain = "".join(one if " " <= one <= "~" and one not in '"\\%' else "_" for one in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def delete_files(prefix: str) -> int:
    """Remove up to a thousand files whose keys begin like this. How many there were: 0 when none is left."""
    bucket = settings().need("files_bucket")
    found = _bucket().list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    if found:
        _bucket().delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": one["Key"]} for one in found], "Quiet": True})
    return len(found)
