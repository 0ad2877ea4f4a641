"""Read sandboxes: one with what is heard of it, and the list of a workspace."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id
from shared.people.tenancy.workspaces import authorize_workspace
from shared.sandboxes.lifecycle.rows import ASLEEP, RUNNING, STOPPED, Link, Sandbox, SandboxCount, sandboxes_of
from shared.store import IndexRow, authorize, begin_index_rows, get_many, id_of, page_of

SILENT_AFTER: Final = 60
"""Seconds without a heartbeat after which a running sandbox is unhealthy: two are missed."""
SHOWN: Final = {"running": (RUNNING,), "stopped": (STOPPED, ASLEEP), "error": ("error",)}
"""The filter of the list: a status of the document, and ours."""


@dataclass(frozen=True)
class Heard:
    """A sandbox, and what is heard of it."""

    sandbox: Sandbox
    link: Link | None

    @property
    def is_connected(self) -> bool:
        return self.link is not None and self.link.connection is not None and self._is_of_this_start

    @property
    def _is_of_this_start(self) -> bool:
        return self.link is not None and self.link.start_number == self.sandbox.start_number

    @property
    def last_heartbeat(self) -> str | None:
        return self.link.heartbeat_at if self.link is not None else None

    @property
    def health(self) -> str:
        """healthy | unhealthy | unknown: one that does not run has no health."""
        if self.sandbox.status != RUNNING:
            return "unhealthy" if self.sandbox.status == "error" else "unknown"
        if not self.is_connected or self.last_heartbeat is None:
            return "unhealthy"
        return (
            "healthy" if clock.now().timestamp() - clock.parse(self.last_heartbeat).timestamp() <= SILENT_AFTER else "unhealthy"
        )

    @property
    def uptime_seconds(self) -> int:
        """Seconds since its last start; 0 if it does not run."""
        if self.sandbox.status != RUNNING or self.sandbox.started_at is None:
            return 0
        return max(0, int(clock.now().timestamp() - clock.parse(self.sandbox.started_at).timestamp()))

    @property
    def usage(self) -> dict[str, Any]:
        """Its last measurements; empty for one that does not run."""
        return (
            (self.link.usage or {}) if self.link is not None and self._is_of_this_start and self.sandbox.status == RUNNING else {}
        )


@dataclass(frozen=True)
class SandboxQuery:
    status: str | None = None
    search: str | None = None
    sort: str = "created_at"  # name | status | created_at
    descending: bool = True
    limit: int = 20
    offset: int = 0


def get_sandbox(actor: Actor, sandbox_id: str, permission: Permission = Permission.WORKSPACE_READ) -> Heard:
    """Return a sandbox and what is heard of it. One round trip. Raises NotFound and Forbidden."""
    bare = id_of(Sandbox, sandbox_id)
    row, link = get_many([(Sandbox, *Sandbox.key(bare)), (Link, *Link.key(bare))])
    if not isinstance(row, Sandbox) or row.deleted_at:
        raise NotFound(Sandbox.NAME)
    return Heard(authorize(row, actor, permission), link if isinstance(link, Link) else None)


def list_sandboxes(actor: Actor, ws_id: str, query: SandboxQuery) -> tuple[list[Heard], int]:
    """Return a page of the sandboxes of a workspace and their number. Two round trips: the list is bounded by the workspace's limit.

    Raises NotFound and Forbidden.
    """
    rows = begin_index_rows(1, sandboxes_of(bare_id(ws_id)))
    authorize_workspace(actor, ws_id, Permission.WORKSPACE_READ)
    wanted = SHOWN.get(query.status or "")
    words = (query.search or "").casefold()
    found = [row for row in rows if (not wanted or row.f["status"] in wanted) and words in str(row.f["name"]).casefold()]
    found.sort(key=lambda row: (_sort_value(row, query.sort), row.id), reverse=query.descending)
    page, total = page_of(found, query.offset, query.limit)
    return _heard([row.id for row in page]), total


def begin_named(ws_id: str) -> Iterator[IndexRow]:
    """Begin to read the names and statuses of the sandboxes of a workspace, oldest first; nobody was authorized yet."""
    return begin_index_rows(1, sandboxes_of(ws_id))


def sandbox_counts(ws_ids: Sequence[str]) -> dict[str, int]:
    """Return the number of sandboxes of each workspace. One round trip per hundred; the caller has authorized them."""
    if not ws_ids:
        return {}
    keys = [(SandboxCount, one.pk, one.sk) for one in map(SandboxCount.of, ws_ids)]
    rows = get_many(keys, to_show=True)
    return {ws_id: int(row.living) if isinstance(row, SandboxCount) else 0 for ws_id, row in zip(ws_ids, rows, strict=True)}


def _sort_value(row: IndexRow, sort: str) -> str:
    return row.sort if sort == "created_at" else str(row.f[sort]).casefold()


def _heard(ids: Sequence[str]) -> list[Heard]:
    keys = [(Sandbox, *Sandbox.key(one)) for one in ids] + [(Link, *Link.key(one)) for one in ids]
    rows = get_many(keys, to_show=True) if keys else []
    pairs = zip(rows[: len(ids)], rows[len(ids) :], strict=True)
    return [Heard(one, link if isinstance(link, Link) else None) for one, link in pairs if isinstance(one, Sandbox)]
