"""An export from its request to its file.

start   the row, and the file at once where it is small; otherwise a message on the queue `exports`
process_export   the worker's part: claim, go on, finish or hand over to the next call
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from shared.channels.exports.file_writer import TooManyRows, release_lease, write_export_file
from shared.channels.exports.rows import Export
from shared.channels.exports.tables import Source
from shared.core import aws, clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, NotFound, Upstream
from shared.core.settings import settings
from shared.store import SignedUrl, download_url, fetch, load, put, update_now, write

MAX_ATTEMPTS: Final = 3
"""How often a message is tried (`infra/data.py`): after that the export has failed."""
URL_SECONDS: Final = 3600  # a file that is yet to be made is waited for
_REQUEST_LEASE: Final = 60  # seconds that a request may hold an export: longer than API Gateway lets it run
_SAFETY_MARGIN: Final = 30.0  # seconds before the end of a call in which no further part is begun
_EXISTS = Conflict("export", "This export exists")
Sources = Mapping[str, Callable[[Export], Source]]


def start_export(export: Export, source: Source, *, at_once: bool) -> Export:
    """The export, new or as it was made before: the same question about the same state has the same file.

    Two writes and the reading of the rows where it is made `at_once`; a write and a message otherwise. Raises Upstream where the queue
    does not take it: asked for again, it goes on its way again.
    """
    if at_once:
        export.status, export.fence, export.lease_until = "running", 1, clock.epoch() + _REQUEST_LEASE
    try:
        write(put(export, Export.pk.does_not_exist() | (Export.ttl <= clock.epoch()), _EXISTS))
    except Conflict:
        return _resume(export.id)
    if at_once:
        if write_export_file(export, source, at_once=True):
            return export
        release_lease(export)
    enqueue(export.id)
    return export


def _resume(export_id: str) -> Export:
    export = fetch(Export, export_id)
    if export is None:
        raise NotFound(Export.NAME)
    if export.status == "completed" or export.is_leased:
        return export
    if export.status == "failed":
        retried = [Export.status.set("pending"), Export.error.remove()]
        export = Export.decode(update_now(Export(*Export.key(export_id)), retried, Export.pk.exists(), _EXISTS))
    enqueue(export_id)
    return export


def the_export(actor: Actor, export_id: str) -> Export:
    """One round trip. Raises NotFound, Forbidden."""
    export = load(Export, export_id, actor, Permission.USAGE_EXPORT)
    if export.is_expired:
        raise NotFound(Export.NAME)
    return export


def file_url(export: Export) -> SignedUrl:
    """Where the file is, or will be when it is made: until then S3 refuses the address. No round trip."""
    return download_url(export.file_key, export.file_name, export.content_type, URL_SECONDS)


def process_export(export_id: str, sources: Sources, *, seconds: float, last: bool) -> None:
    """A message of the queue: go on with an export for so many seconds. Done already, or in somebody else's hands: nothing to do.

    What stops it is raised, for the queue to try again; on the `last` try the export has failed, and says so.
    """
    export = _acquire_lease(export_id, seconds)
    if export is None:
        return
    try:
        finished = write_export_file(export, sources[export.subject](export), until=time.monotonic() + seconds - _SAFETY_MARGIN)
    except TooManyRows as refused:
        release_lease(export, failed=str(refused))
        return
    except BaseException:
        release_lease(export, failed="The export could not be made; ask for it again" if last else None)
        raise
    if not finished:
        release_lease(export)
        enqueue(export.id)


def _acquire_lease(export_id: str, seconds: float) -> Export | None:
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
    try:
        aws.short_call_client("sqs").send_message(
            QueueUrl=settings().need("exports_queue"), MessageBody=json.dumps({"export_id": export_id})
        )
    except (BotoCoreError, ClientError) as error:
        raise Upstream("storage", "The export could not be queued; try again shortly", retry_after=1) from error
