"""An export from its request to its file.

start_export     in the request: write the row, and the file if it is small; otherwise queue a message on `exports`
process_export   in the worker: take the lease, continue the file, finish it or queue the next message
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from shared.channels.exports.file_writer import WHOLE, TooManyRows, release_lease, write_export_file
from shared.channels.exports.rows import Export
from shared.channels.exports.tables import Source, TotalsMismatch
from shared.core import clock, queues
from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed, FieldError, Invalid, NotFound, Upstream
from shared.core.situations import Situation
from shared.store import SignedUrl, absent, download_url, fetch, load, put, update_now, write

MAX_ATTEMPTS: Final = 3
"""Deliveries of a queue message (`infra/data.py`); if the last one fails, the export has failed."""
URL_SECONDS: Final = 3600  # long, because the file may have to be made first
_REQUEST_LEASE: Final = 60  # lease of a request in seconds: longer than API Gateway lets it run
_SAFETY_MARGIN: Final = 30.0  # seconds before the end of a call: no further part is started


class _ExportExists(ConditionFailed):
    """This export exists."""


Sources = Mapping[str, Callable[[Export], Source]]


def start_export(export: Export, source: Source, *, at_once: bool) -> Export:
    """Start an export, or return the existing one: the same request about the same data has the same file.

    `at_once` makes the file in the request: two writes, and the reads of the rows. Otherwise one write and one message. Raises
    Upstream if the queue fails; a repeated request then queues the export again.
    """
    if at_once:
        export.status, export.fence, export.lease_until = "running", 1, clock.epoch() + _REQUEST_LEASE
    try:
        write(put(export, absent(export), _ExportExists))
    except ConditionFailed:
        return _resume(export.id)
    if at_once:
        if write_export_file(export, source, at_once=True):
            return export
        release_lease(export)
    enqueue(export.id)
    return export


def make_export(export: Export, source: Source, *, seconds: float) -> Export:
    """Make an export in the request, for so many seconds; the worker goes on with what is not finished then, and with a workbook or a PDF
    of more than MAX_ROWS_IN_REQUEST rows.

    Raises Invalid for more rows than the format takes, and Upstream if the queue fails.
    """
    export.status, export.fence, export.lease_until = "running", 1, clock.epoch() + _REQUEST_LEASE
    write(put(export))
    try:
        whole = export.format in WHOLE
        if write_export_file(export, source, until=time.monotonic() + seconds, at_once=whole):
            return export
    except TooManyRows as error:
        release_lease(export, failed=str(error))
        raise Invalid(FieldError("format", str(error), export.format)) from None
    except TotalsMismatch:  # an index is a moment behind
        pass
    release_lease(export)
    enqueue(export.id)
    return export


def own_export(actor: Actor, export_id: str, subjects: Iterable[str]) -> Export:
    """Return an export of these subjects that the actor has asked for. Raises NotFound, also for one that is expired or somebody else's."""
    export = load(Export, export_id, actor)
    if export.is_expired or export.subject not in subjects or export.requested_by.get("id") != actor.id:
        raise NotFound(Export.NAME)
    return export


def _resume(export_id: str) -> Export:
    """Return an existing export; queue it again if nobody works on it, also after a failure."""
    export = fetch(Export, export_id)
    if export is None:
        raise NotFound(Export.NAME)
    if export.status == "completed" or export.is_leased:
        return export
    if export.status == "failed":
        retried = [Export.status.set("pending"), Export.error.remove()]
        export = Export.decode(update_now(Export(*Export.key(export_id)), retried, Export.pk.exists(), NotFound(Export.NAME)))
    enqueue(export_id)
    return export


def the_export(actor: Actor, export_id: str) -> Export:
    """Return an export; one round trip. Raises NotFound (also for an expired export) and Forbidden."""
    export = load(Export, export_id, actor, Permission.USAGE_EXPORT)
    if export.is_expired:
        raise NotFound(Export.NAME)
    return export


def file_url(export: Export) -> SignedUrl:
    """Return a signed URL of the file, without a round trip; until the file exists, S3 rejects the URL."""
    return download_url(export.file_key, export.file_name, export.content_type, URL_SECONDS)


def process_export(export_id: str, sources: Sources, *, seconds: float, last: bool) -> None:
    """Continue an export for the given seconds; do nothing if it is completed or another worker holds its lease.

    Any error is raised, so that the queue retries. At the `last` delivery the export is marked as failed.
    """
    export = _acquire_lease(export_id, seconds)
    if export is None:
        return
    try:
        finished = write_export_file(export, sources[export.subject](export), until=time.monotonic() + seconds - _SAFETY_MARGIN)
    except TooManyRows as error:
        release_lease(export, failed=str(error))
        return
    except BaseException:
        release_lease(export, failed="The export could not be made; ask for it again" if last else None)
        raise
    if not finished:
        release_lease(export)
        enqueue(export.id)


def _acquire_lease(export_id: str, seconds: float) -> Export | None:
    """Take the lease with a new fence; return None if the export is completed, expired, unknown or leased by another worker."""
    now = clock.epoch()
    free = Export.status.is_in("pending", "failed") | ((Export.status == "running") & (Export.lease_until < now))
    actions = [
        Export.status.set("running"),
        Export.fence.add(1),
        Export.version.add(1),
        Export.lease_until.set(now + int(seconds) + 1),
        Export.error.remove(),
    ]
    try:
        raw = update_now(Export(*Export.key(export_id)), actions, Export.pk.exists() & (Export.ttl > now) & free, _ExportExists)
    except ConditionFailed:
        return None
    return Export.decode(raw)


def enqueue(export_id: str) -> None:
    """Raises Upstream when the queue does not take it."""
    failure = Upstream(Situation.UNAVAILABLE, "The export could not be queued; try again shortly")
    queues.send("exports_queue", {"export_id": export_id}, failure=failure)
