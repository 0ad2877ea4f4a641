"""Lists of what belongs to a feature or to a build, newest first."""

from collections.abc import Collection
from functools import partial
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.delivery.builds.rows import Build, Vulnerability
from shared.store import IndexRow, ReadFuture, fetch_all, first_index_rows, load, page_of, query, read_ahead
from shared.work.items.planning import FEATURE, load_type

MAX_LISTED: Final = 2_000
"""The newest entries of a list, which are all that it has and counts: one query of 600 KB or so."""


class Newest:
    """The newest rows of a partition of index 1, which are being read before it is decided who may see them."""

    def __init__(self, partition: str) -> None:
        read = partial(first_index_rows, 1, partition, MAX_LISTED, newest_first=True)
        self._rows: ReadFuture[tuple[list[IndexRow], bool]] = read_ahead(read)

    def page(self, statuses: Collection[str] | None, offset: int, limit: int) -> tuple[list[str], int]:
        """Return the ids of a page of the rows with one of these statuses, by default with any, and how many there are."""
        rows, _ = self._rows.result()
        found, total = page_of((row for row in rows if statuses is None or row.f["status"] in statuses), offset, limit)
        return [row.id for row in found], total


def list_builds(actor: Actor, feature_id: str, status: str | None, *, limit: int, offset: int = 0) -> tuple[list[Build], int]:
    """Return a page of a feature's builds, and how many there are. Two round trips. Raises NotFound("feature"), Forbidden."""
    newest = Newest(f"FEAT#{bare_id(feature_id)}#BLD")
    load_type(actor, feature_id, FEATURE, Permission.DEPLOYMENT_READ)
    ids, total = newest.page(None if status is None else {status}, offset, limit)
    return fetch_all(Build, ids, to_show=True), total


def list_vulnerabilities(
    actor: Actor, build_id: str, severity: str | None, *, limit: int, offset: int = 0
) -> tuple[list[Vulnerability], int]:
    """Return a page of the vulnerabilities that are kept of a build, the most severe first, and how many there are. One round trip.

    Raises NotFound, Forbidden.
    """
    partition, _ = Build.key(bare_id(build_id))
    read = read_ahead(partial(query, Vulnerability, partition, prefix="VUL#", consistent=True))
    load(Build, build_id, actor, Permission.DEPLOYMENT_READ)
    return page_of((row for row in read.result().rows if severity in (None, row.severity)), offset, limit)
