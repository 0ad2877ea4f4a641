"""An export from its request to its file.

start   the row, and the file at once where it is small; otherwise a message on the queue `exports`
work    the worker's part: claim, go on, finish or hand over to the next call
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from shared.channels.exports.producing import TooMany, produce, release
from shared.channels.exports.rows import Export
from shared.channels.exports.tables import Source
from shared.core import clock, queues
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, NotFound, Upstream
from shared.store import SignedUrl, download_url, fetch, load, put, update_now, write

TRIES: Final = 3
"""How often a message is tried (`infra/data.py`): after that the export has failed."""
URL_SECONDS: Final = 3600  # a file that is yet to be made is waited for
_HELD: Final = 60  # seconds that a request may hold an export: longer than API Gateway lets it run
_SPARE: Final = 30.0  # seconds before the end of a call in which no further part is begun
_EXISTS = Conflict("export", "This export exists")
Sources = Mapping[str, Callable[[Export], Source]]


def start(export: Export, source: Source, *, at_once: bool) -> Export:
    """The export, new or as it was made before: the same question about the same state has the same file.

    Two writes and the reading of the rows where it is made `at_once`; a write and a message otherwise. Raises Upstream where the queue
    does not take it: asked for again, it goes on its way again.
    """
    if at_once:
        export.status, export.fence, export.lease_until = "running", 1, clock.epoch() + _HELD
    try:
        write(put(export, Export.pk.does_not_exist() | (Export.ttl <= clock.epoch()), _EXISTS))
    except Conflict:
        return _again(export.id)
    if at_once:
        if produce(export, source, at_once=True):
            return export
        release(export)
    enqueue(export.id)
    return export


def _again(export_id: str) -> Export:
    found = fetch(Export, export_id)
    if found is None:
        raise NotFound(Export.NAME)
    if found.status == "completed" or found.worked_on:
        return found
    if found.status == "failed":
        retried = [Export.status.set("pending"), Export.error.remove()]
        found = Export.decode(update_now(Export(*Export.key(export_id)), retried, Export.pk.exists(), _EXISTS))
    enqueue(export_id)
    return found


def the_export(actor: Actor, export_id: str) -> Export:
    """One round trip. Raises NotFound, Forbidden."""
    export = load(Export, export_id, actor, Permission.USAGE_EXPORT)
    if export.over:
        raise NotFound(Export.NAME)
    return export


def link(export: Export) -> SignedUrl:
    """Where the file is, or will be when it is made: until then S3 refuses the address. No round trip."""
    return download_url(export.key_of_file, export.file_name, export.content_type, URL_SECONDS)


def work(export_id: str, sources: Sources, *, seconds: float, last: bool) -> None:
    """A message of the queue: go on with an export for so many seconds. Done already, or in somebody else's hands: nothing to do.

    What stops it is raised, for the queue to try again; on the `last` try the export has failed, and says so.
    """
    export = _claim(export_id, seconds)
    if export is None:
        return
    try:
        finished = produce(export, sources[export.subject](export), until=time.monotonic() + seconds - _SPARE)
    except TooMany as refused:
        release(export, failed=str(refused))
        return
    except BaseException:
        release(export, failed="The export could not be made; ask for it again" if last else None)
        raise
    if not finished:
        release(export)
        enqueue(export.id)


def _claim(export_id: str, seconds: float) -> Export | None:
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
        raw = update_now(Export(*Export.key(export_id)), actions, Export.pk.exists() & (Export.ttl > now) & free, _EXISTS)
    except Conflict as refused:
        if refused is not _EXISTS:
            raise
        return None
    return Export.decode(raw)


def enqueue(export_id: str) -> None:
    """Raises Upstream when the queue does not take it."""
    failure = Upstream("storage", "The export could not be queued; try again shortly", retry_after=1)
    queues.send("exports_queue", {"export_id": export_id}, failure=failure)
