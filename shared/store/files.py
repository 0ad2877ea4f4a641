"""Long texts: in the row while they fit, in the files bucket beyond that (a row holds 400 KB). And what is larger than a request or
an answer of ours may be: links by which a client puts a file there, or reads it, without us in between."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from botocore.exceptions import ClientError

from shared.core.aws import client
from shared.core.errors import TooLarge
from shared.core.settings import settings

INLINE: Final = 300_000  # bytes
PLAIN: Final = "text/plain; charset=utf-8"
_POINTER = "s3:"
_MISSING = {"NoSuchKey", "AccessDenied", "404", "403"}  # S3 says "denied" of a missing file to whoever may not list the bucket


@cache
def _bucket() -> Any:
    from botocore.config import Config

    config = Config(
        connect_timeout=2,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 4},
        signature_version="s3v4",  # links: the older signature, botocore's default in us-east-1, does not cover headers
    )
    return client("s3", config=config)


def keep_text(key: str, text: str) -> str:
    """What to put into the row: the text itself, or a pointer to the file that now holds it. The same key is written over."""
    raw = text.encode()
    if len(raw) <= INLINE and not text.startswith(_POINTER):
        return text
    _bucket().put_object(Bucket=settings().need("files_bucket"), Key=key, Body=raw, ContentType=PLAIN)
    return _POINTER + key


def kept_text(value: str) -> str:
    """The text that `keep_text` put away."""
    if not value.startswith(_POINTER):
        return value
    answer = _bucket().get_object(Bucket=settings().need("files_bucket"), Key=value.removeprefix(_POINTER))
    text: str = answer["Body"].read().decode()
    return text


def file_of(value: str) -> str | None:
    """The key of the file that `keep_text` made; None for a text that is in the row."""
    return value.removeprefix(_POINTER) if value.startswith(_POINTER) else None


def read_file(key: str, most: int) -> bytes | None:
    """A whole file; None where there is none. Raises TooLarge past `most` bytes, before it is read."""
    try:
        answer = _bucket().get_object(Bucket=settings().need("files_bucket"), Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            return None
        raise
    if answer["ContentLength"] > most:
        answer["Body"].close()
        raise TooLarge(most)
    content: bytes = answer["Body"].read()
    return content


@dataclass(frozen=True)
class UploadLink:
    """Where to PUT a file, and the headers that the signature demands."""

    url: str
    headers: dict[str, str]


def upload_link(key: str, size: int, content_type: str, seconds: int) -> UploadLink:
    """For one file of exactly `size` bytes. No request to S3 is made."""
    place = {"Bucket": settings().need("files_bucket"), "Key": key, "ContentLength": size, "ContentType": content_type}
    url: str = _bucket().generate_presigned_url("put_object", Params=place, ExpiresIn=seconds)
    return UploadLink(url, {"Content-Type": content_type, "Content-Length": str(size)})


def download_link(key: str, seconds: int) -> str:
    """For whoever has the link, until then. No request to S3 is made."""
    place = {"Bucket": settings().need("files_bucket"), "Key": key}
    url: str = _bucket().generate_presigned_url("get_object", Params=place, ExpiresIn=seconds)
    return url
