"""Write the file of an export in bounded memory, and continue after an interruption.

CSV and JSON are written in parts of 5 MB. After each part, its cursor, sums and tags are saved on the export's row before the next
part starts, so that another worker continues with the same bytes. An XLSX file is one zip, which cannot be continued: it starts
again, and its size is limited (`MAX_ROWS`). Every write to the row checks the fence: of two workers, one fails.
"""

import os
import tempfile
import time
from collections.abc import Mapping
from typing import Any, Final

from shared.channels.exports.formats import STREAMED, Workbook
from shared.channels.exports.pdf import PdfList
from shared.channels.exports.rows import Export
from shared.channels.exports.tables import Source, TotalsMismatch, add_to_totals
from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.store import PART_BYTES, begin_multipart, complete_multipart, put_file, put_file_stream, put_part, update, write

MAX_ROWS_IN_REQUEST: Final = 2_000
"""Most rows of an export that is made in a request: 21 reads of 100 rows, well below a second."""
MAX_ROWS: Final = {"csv": 1_000_000, "json": 1_000_000, "xlsx": 100_000, "pdf": 5_000, "proof.json": 1_000_000}
"""PDF: about 500 pages, which nobody reads further. XLSX: one call of the worker makes so many in a tenth of its time (12 s of a core), in
half of its 512 MB of temporary files."""
WHOLE: Final[Mapping[str, type[Workbook | PdfList]]] = {"xlsx": Workbook, "pdf": PdfList}
"""Formats that are written as a whole, and begin again after an interruption."""
_PROGRESS_EVERY: Final = 5_000  # rows of a workbook between two updates of `rows_done`


class ExportTaken(ConditionFailed):
    """Somebody else works on this export now."""


class TooManyRows(Exception):
    """The export has too many rows; the message is shown to the user."""


def write_export_file(export: Export, source: Source, *, until: float = float("inf"), at_once: bool = False) -> bool:
    """Write the file of an export whose lease the caller holds; return False if it is not finished.

    It is not finished if `until` (monotonic seconds) has passed, or if it is too large for a request (`at_once`). Raises TooManyRows,
    TotalsMismatch (the file then starts again) and ExportTaken.
    """
    max_rows = MAX_ROWS_IN_REQUEST if at_once else MAX_ROWS[export.format]
    try:
        size = (
            _write_whole(export, source, max_rows) if export.format in WHOLE else _write_in_parts(export, source, max_rows, until)
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
    """Write a CSV or JSON file; return its size in bytes, or None if the time has passed before it is complete."""
    written = export.tags and export.cursor is None  # no cursor after a part: it was the last one
    if not written and not _write_remaining(export, source, max_rows, until):
        return None
    if export.tags:
        complete_multipart(export.file_key, str(export.upload), export.tags)
    return int(export.size)


def _write_remaining(export: Export, source: Source, max_rows: int, until: float) -> bool:
    """Write the missing parts, or one whole file if it is smaller than a part; return False if the time has passed."""
    columns = source.columns
    form = STREAMED[export.format](columns, source.about)
    rows, sums = int(export.rows_done), dict(export.sums)
    buffer = bytearray() if export.tags else bytearray(form.head())
    for page in source.pages(export.cursor):
        buffer += form.rows(page.rows, first=rows == 0)
        rows += len(page.rows)
        add_to_totals(columns, page.rows, sums)
        if rows > max_rows:
            raise TooManyRows(f"This export has more than {max_rows:,} rows: ask for fewer days or entries")
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


def _write_whole(export: Export, source: Source, max_rows: int) -> int:
    export.rows_done, sums, reported = 0, dict[str, int](), 0
    with tempfile.TemporaryFile() as target:
        with WHOLE[export.format](target, source.columns, source.about) as book:
            for page in source.pages(None):
                book.rows(page.rows)
                export.rows_done += len(page.rows)
                add_to_totals(source.columns, page.rows, sums)
                if export.rows_done > max_rows:
                    raise TooManyRows(f"A file of this format takes {max_rows:,} rows: ask for fewer days or entries, or for csv")
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
    """Save these attributes with `rows_done` and `sums`; raise ExportTaken if another worker has taken the lease."""
    for name, value in changes.items():
        setattr(export, name, value)
    export.version += 1
    export.updated_at = clock.iso()
    actions: list[Any] = [Export.rows_done.set(int(export.rows_done)), Export.sums.set(export.sums)]
    actions += [Export.version.set(int(export.version)), Export.updated_at.set(export.updated_at)]
    for name in changes.keys() - {"rows_done", "sums"}:
        attribute, value = getattr(Export, name), getattr(export, name)
        actions.append(attribute.remove() if value is None else attribute.set(value))
    write(update(Export(*Export.key(export.id)), actions, Export.fence == int(export.fence), ExportTaken))


def release_lease(export: Export, *, failed: str | None = None) -> None:
    """Release the lease: the export becomes pending again, or failed with the reason `failed`."""
    _save(export, status="failed" if failed else "pending", error=failed, lease_until=0)
