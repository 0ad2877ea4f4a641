"""Long texts: in the row while they fit, in the files bucket beyond that (a row holds 400 KB)."""

from functools import cache
from typing import Any, Final

from shared.core.aws import client
from shared.core.settings import settings

INLINE: Final = 300_000  # bytes
_POINTER = "s3:"


@cache
def _bucket() -> Any:
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})
    return client("s3", config=config)


def keep_text(key: str, text: str) -> str:
    """What to put into the row: the text itself, or a pointer to the file that now holds it. The same key is written over."""
    raw = text.encode()
    if len(raw) <= INLINE and not text.startswith(_POINTER):
        return text
    _bucket().put_object(Bucket=settings().need("files_bucket"), Key=key, Body=raw, ContentType="text/plain; charset=utf-8")
    return _POINTER + key


def kept_text(value: str) -> str:
    """The text that `keep_text` put away."""
    if not value.startswith(_POINTER):
        return value
    answer = _bucket().get_object(Bucket=settings().need("files_bucket"), Key=value.removeprefix(_POINTER))
    text: str = answer["Body"].read().decode()
    return text


def erase_files(prefix: str) -> int:
    """Remove up to a thousand files whose keys begin like this. How many there were: 0 when none is left."""
    bucket = settings().need("files_bucket")
    found = _bucket().list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    if found:
        _bucket().delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": one["Key"]} for one in found], "Quiet": True})
    return len(found)
