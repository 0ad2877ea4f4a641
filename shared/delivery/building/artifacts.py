"""Reading what a build on AWS stored: how large its artifacts are, and the scanner's report among them."""

from collections.abc import Iterator
from typing import Any, Final

from shared.core import aws
from shared.delivery.building.runner import UnreadableResults

SCAN_REPORTS: Final = (".sarif", ".sarif.json", ".cdx.json", "bom.json")
"""How the name of a scanner's report ends: the same as on a laptop (`local/building/artifacts.py`)."""
MAX_FILES: Final = 10_000
MAX_ARTIFACT_BYTES: Final = 500_000_000
_READ: Final = 5_000_001
"""Bytes of a scan report: one more than it may have, so that one that is too large is refused and not cut."""


def read(bucket: str, folder: str) -> tuple[int | None, str | None]:
    """Return the bytes of a folder's files together, and the text of the first report of a scanner by name; None for what is not there.

    A round trip for each 1,000 files, and one for the report. Raises UnreadableResults for what is more than a build may store.
    """
    files = size = 0
    scan: str | None = None
    for files, one in enumerate(_files(bucket, folder), 1):
        size += one["Size"]
        if files > MAX_FILES:
            raise UnreadableResults(f"The build has more than {MAX_FILES:,} artifacts")
        if size > MAX_ARTIFACT_BYTES:
            raise UnreadableResults(f"The artifacts are larger than {MAX_ARTIFACT_BYTES:,} bytes")
        if scan is None and one["Key"].endswith(SCAN_REPORTS):
            scan = one["Key"]
    return size if files else None, _text(bucket, scan) if scan else None


def _files(bucket: str, folder: str) -> Iterator[dict[str, Any]]:
    following: dict[str, str] = {}
    while True:
        page = _s3().list_objects_v2(Bucket=bucket, Prefix=folder, **following)
        yield from page.get("Contents", ())
        if not page.get("IsTruncated"):
            return
        following = {"ContinuationToken": page["NextContinuationToken"]}


def _text(bucket: str, key: str) -> str:
    raw: bytes = _s3().get_object(Bucket=bucket, Key=key)["Body"].read(_READ)
    return raw.decode(errors="replace")


def _s3() -> Any:
    return aws.short_call_client("s3", within=10)
