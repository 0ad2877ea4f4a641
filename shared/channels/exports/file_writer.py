"""Making the file: bounded memory, and where it stopped it goes on.

CSV and JSON grow in parts of 5 MB. A part and what follows from it (cursor, sums, tags) are on the export's row before the next one is
begun, so that whoever goes on writes the same bytes. An XLSX file is one zip, which cannot be continued: it begins anew, and is bounded
(`MOST_ROWS`). Every write to the row is fenced: of two who work on it, one fails.
"""

import os
import tempfile
import time
from typing import Any, Final

from shared.channels.exports.formats import STREAMED, Workbook
from shared.channels.exports.rows import Export
from shared.channels.exports.tables import Source, TotalsMismatch, add_to_totals
from shared.core import clock
from shared.core.errors import Conflict
from shared.store import PART_BYTES, begin_multipart, complete_multipart, put_file, put_file_stream, put_part, update, write

MAX_ROWS_IN_REQUEST: Final = 2_000
"""Rows that a request may wait for: 21 reads of 100 lines, well below a second."""
MAX_ROWS: Final = {"csv": 1_000_000, "json": 1_000_000, "xlsx": 100_000}
"""XLSX: what one call of the worker makes in a tenth of its time (12 s of a core), in half of its 512 MB of temporary files."""
_PROGRESS_EVERY: Final = 5_000  # rows between two words on how far a workbook has come
LEASE_LOST = Conflict("export", "Somebody else works on this export now")


class TooManyRows(Exception):
    """More rows than an export may have. The text is for whoever asked."""


def write_export_file(export: Export, source: Source, *, until: float = float("inf"), at_once: bool = False) -> bool:
    """Make the file of an export that the caller holds (its fence). False where it is not finished: `until` (monotonic seconds) is over,
    or `at_once` it would take too long. Raises TooMany, DoesNotAddUp (then it begins anew), and LOST."""
    max_rows = MAX_ROWS_IN_REQUEST if at_once else MAX_ROWS[export.format]
    try:
        size = (
            _write_workbook(export, source, max_rows)
            if export.format == "xlsx"
            else _write_in_parts(export, source, max_rows, until)
        )
    except TooManyRows:
        if not at_once:
            raise
        return False
    except TotalsMismatch:
        _save(export, rows_done=0, sums={}, cursor=None, upload=None, tags=[], size=None)
        if not at_once:
            raise
        return False
    if size is None:
        return False
    _save(export, status="completed", size=size, finished_at=clock.iso(), lease_until=0, cursor=None, upload=None, tags=[])
    return True


def _write_in_parts(export: Export, source: Source, max_rows: int, until: float) -> int | None:
    """The size of the file; None when the time is over before it is whole."""
    written = export.tags and export.cursor is None
    if not written and not _write_remaining(export, source, max_rows, until):
        return None
    if export.tags:
        complete_multipart(export.file_key, str(export.upload), export.tags)
    return int(export.size)


def _write_remaining(export: Export, source: Source, max_rows: int, until: float) -> bool:
    """Write what is missing, by parts, or as a whole where that is less than one. Parts without a cursor are all there are."""
    columns = source.columns
    form = STREAMED[export.format](columns, source.about)
    rows, sums = int(export.rows_done), dict(export.sums)
    buffer = bytearray() if export.tags else bytearray(form.head())
    for page in source.pages(export.cursor):
        buffer += form.rows(page.rows, first=rows == 0)
        rows += len(page.rows)
        add_to_totals(columns, page.rows, sums)
        if rows > max_rows:
            raise TooManyRows(f"This export has more than {max_rows:,} rows: ask for fewer days")
        if len(buffer) >= PART_BYTES and page.cursor is not None:
            _upload_part(export, bytes(buffer), rows_done=rows, sums=sums, cursor=page.cursor)
            buffer.clear()
            if time.monotonic() >= until:
                return False
    source.check(rows, sums)
    buffer += form.tail(rows, sums)
    if export.tags:
        _upload_part(export, bytes(buffer), rows_done=rows, sums=sums, cursor=None)
    else:
        put_file(export.file_key, bytes(buffer), export.content_type)
        export.rows_done, export.sums, export.size = rows, sums, len(buffer)
    return True


def _upload_part(export: Export, body: bytes, **progress: Any) -> None:
    if export.upload is None:
        _save(export, upload=begin_multipart(export.file_key, export.content_type))
    tag = put_part(export.file_key, str(export.upload), len(export.tags) + 1, body)
    _save(export, tags=[*export.tags, tag], size=int(export.size or 0) + len(body), **progress)


def _write_workbook(export: Export, source: Source, max_rows: int) -> int:
    export.rows_done, sums, reported = 0, dict[str, int](), 0
    with tempfile.TemporaryFile() as target:
        with Workbook(target, source.columns, source.about) as book:
            for page in source.pages(None):
                book.rows(page.rows)
                export.rows_done += len(page.rows)
                add_to_totals(source.columns, page.rows, sums)
                if export.rows_done > max_rows:
                    raise TooManyRows(f"A workbook takes {max_rows:,} rows: ask for fewer days, or for csv")
                if export.rows_done - reported >= _PROGRESS_EVERY:
                    reported = int(export.rows_done)
                    _save(export, rows_done=reported)
            source.check(int(export.rows_done), sums)
            book.summary(sums)
        size = target.seek(0, os.SEEK_END)
        target.seek(0)
        put_file_stream(export.file_key, target, export.content_type)
    export.sums = sums
    return size


def _save(export: Export, **changes: Any) -> None:
    """Write these attributes, with the rows and sums so far, unless somebody else has taken over."""
    for name, value in changes.items():
        setattr(export, name, value)
    export.version += 1
    export.updated_at = clock.iso()
    actions: list[Any] = [Export.rows_done.set(int(export.rows_done)), Export.sums.set(export.sums)]
    actions += [Export.version.set(int(export.version)), Export.updated_at.set(export.updated_at)]
    for name in changes.keys() - {"rows_done", "sums"}:
        attribute, value = getattr(Export, name), getattr(export, name)
        actions.append(attribute.remove() if value is None else attribute.set(value))
    write(update(Export(*Export.key(export.id)), actions, Export.fence == int(export.fence), LEASE_LOST))


def release_lease(export: Export, *, failed: str | None = None) -> None:
    """Give the export back: for somebody else to go on with, or as `failed`, with the reason."""
    _save(export, status="failed" if failed else "pending", error=failed, lease_until=0)
