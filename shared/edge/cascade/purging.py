"""Purge a workspace that was deleted thirty days ago: all rows below it, the leaves first and the workspace last.

There is no cursor: erased rows are no longer in the lists, so a repeated call starts at the top and finds what is left.

The ledger and its sums stay, because invoices are based on them and must be kept for years. Logs of runs, old invitations and
sockets expire by themselves.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from shared.core import clock
from shared.delivery.builds.rows import BuildCounter
from shared.edge.cascade.queue import Task, enqueue
from shared.insight.memories.rows import PARTS, part_of
from shared.insight.search.rows import partition_of as partition_of_search
from shared.money.usage.rows import Rollup, card_partition
from shared.people.tenancy.rows import DELETED_WORKSPACES, Workspace, slug_guard
from shared.sandboxes.lifecycle.rows import Sandbox, name_guard, sandboxes_of
from shared.sandboxes.messages.rows import Line, Pair, broadcasts_of, received_by, sent_by
from shared.sandboxes.metrics.rows import KEPT, Point
from shared.store import OWN_KEYS, Entity, Row, delete, delete_files, delete_many, fetch, pages, process_all, sweep, write
from shared.work.attachments.rows import Attachment
from shared.work.documents.rows import TYPES, DocumentCopy, DocumentVersion, VersionName
from shared.work.items.postings import partition_of
from shared.work.items.rows import Item
from shared.work.items.searching import words_partition
from shared.work.projects.rows import Project
from shared.work.tasks.rows import GraphRow

RETENTION = timedelta(days=30)
"""How long the operator can restore a deleted workspace."""
CHILDREN: dict[str, tuple[tuple[int | None, str], ...]] = {
    "WS": (
        (1, "WS#{}#PROJ"),
        (1, "TRASH#WS#{}"),  # includes the projects that the cascade has deleted
        (1, "WS#{}#INV"),
        (1, "WS#{}#COL"),
        (1, "WS#{}#EXP"),
        (1, "WS#{}#AINS"),
        (1, "WS#{}#AINS#ENDED"),
        (1, "WS#{}#THR"),
        (1, "WS#{}#ALERT"),
        (3, "WS#{}#NTF"),
        (1, "WS#{}#GACT"),
        (1, "WS#{}#WACT"),
        (1, "WS#{}#MON"),
        (1, "WS#{}#VREV"),
        (2, "WS#{}#ACT"),
        (None, "LOG#WS#{}"),
        (1, "BUDGETS#{}"),
        (1, "WS#{}#MEMORY"),
        *((None, part_of("{}", number)) for number in range(PARTS)),
        (1, "WS#{}#PATTERN"),
        (2, "WS#{}#QMETRIC"),
        (1, "WS#{}#SPEC"),
        (1, sandboxes_of("{}")),  # the cascade has deleted them: only what a restored workspace had
        (1, "WS#{}#COL"),
        (1, "WS#{}#EXPL"),  # after the projects, whose ids they have
        (None, "STAT#WS#{}"),
        (None, partition_of_search("{}", "ticket")),
        (None, partition_of_search("{}", "task")),
        (None, partition_of_search("{}", "commit")),
    ),
    "EXPL": (
        (1, "PROJ#{}#DOC"),  # of an exploration that became no project
        (2, "PROJ#{}#ACT"),
        (None, "LOG#PROJ#{}"),
    ),
    "PROJ": (
        (1, "TRASH#PROJ#{}"),
        (None, "STAT#PROJ#{}"),
        (1, "PROJ#{}#DOC"),
        (1, "PROJ#{}#BOARD"),
        (2, "PROJ#{}#ACT"),
        (None, "LOG#PROJ#{}"),
        (2, "PROJ#{}#TRACE"),  # deployments, and what else is in a chain
        (1, "PROJ#{}#ENV"),
        (1, "PROJ#{}#REPO"),
        (2, "PROJ#{}#CMT"),
    ),
    "BOARD": (
        (1, "BOARD#{}#ITEM"),
        (1, "BOARD#{}#ARCHIVED"),
        (1, "BOARD#{}#LANE"),
        (None, partition_of("{}")),
        (None, words_partition("{}")),
    ),
    "ITEM": (
        (1, "ITEM#{}"),  # comments, activities, runs, dependencies, discoveries, test cases, links of commits
        (2, "ITEM#{}#TASK"),
        (1, "FEAT#{}#BLD"),
    ),
    "SBX": (
        (1, sent_by("{}")),
        (2, received_by("{}")),
        (1, broadcasts_of("{}")),
    ),
    "THR": ((1, "THR#{}"),),
    "TC": ((1, "TC#{}"),),
}
"""Where the rows below a row of each kind are listed: index numbers (None: in the table itself) and partitions, by its id."""
LEAF_KINDS = frozenset(
    {
        "ACT",
        "AINS",
        "ALERT",
        "ART",
        "BC",
        "BUDGET",
        "CMTLINK",
        "COM",
        "DEP",
        "DPL",
        "DSC",
        "ENV",
        "EXP",
        "FOUND",
        "GACT",
        "INV",
        "LANE",
        "MEMINDEX",
        "MON",
        "NTF",
        "POSTING",
        "QMETRIC",
        "SPEC",
        "STAT",
        "TMSG",
        "VREV",
        "WACT",
        "WORDS",
    }
)
"""Kinds with no rows below or beside them: many are erased in one write."""
RETAINED_KINDS = frozenset({"BILLING"})
"""Kinds that are not erased: the account that invoices belong to."""
FILE_PREFIXES = ("attachments/{}/", "documents/{}/", "exports/{}/", "github/{}/", "runs/{}/")
"""The key prefixes of a workspace's files."""
_PAGE = 100
log = logging.getLogger(__name__)


class _TimeIsUp(Exception):
    pass


def purge_due(until: float) -> int:
    """Queue the purge of every workspace that is due, also of those that are not finished. Return how many. Stops at `until`
    (`time.monotonic`)."""
    before = clock.iso(clock.now() - RETENTION)
    rows = sweep(Workspace, DELETED_WORKSPACES, [DELETED_WORKSPACES], until, index=1, between=("0", before), limit=_PAGE)
    return process_all(DELETED_WORKSPACES, rows, _enqueue_purge, lambda row: f"{Workspace.NAME} {row.entity_id}")


def _enqueue_purge(row: Workspace) -> int:
    enqueue(Task(row.entity_id, "purge"))
    return 1


def purge(workspace: Workspace, until: float) -> bool:
    """Erase a workspace. Return whether nothing is left of it; False if the time was up."""
    if str(workspace.deleted_at) > clock.iso(clock.now() - RETENTION):
        return True
    sweep = _Sweep(until)
    try:
        for pattern in FILE_PREFIXES:
            while removed := delete_files(pattern.format(workspace.id)):
                sweep.count(removed)
        sweep.erase_tree("WS", workspace.id)
    except _TimeIsUp:
        pass
    log.info("purge", extra={"workspace": workspace.id, "erased": sweep.erased, "finished": sweep.finished})
    return sweep.finished


class _Sweep:
    """Erase rows until the time is up, then raise _TimeIsUp; only after at least one row was erased, so that every call makes
    progress."""

    def __init__(self, until: float) -> None:
        self.until, self.erased, self.finished = until, 0, False

    def erase_tree(self, kind: str, entity_id: str) -> None:
        """Erase a row with all rows below it and beside it."""
        for index, pattern in CHILDREN.get(kind, ()):
            for page in _pages(pattern.format(entity_id), index):
                single = [row for row in page if row.kind in LEAF_KINDS]
                delete_many(single)
                self.count(len(single))
                for row in page:
                    if row.kind not in LEAF_KINDS:
                        self.erase_tree(row.kind, row.entity_id)
        for rows in UNLISTED_ROWS.get(kind, _no_rows)(entity_id):
            delete_many(rows)  # not counted: rows that are already gone would look like progress
        self.finished = kind == Workspace.KIND
        self._erase_partition(f"{kind}#{entity_id}")

    def _erase_partition(self, partition: str) -> None:
        """Erase an entity and the rows beside it: its own rows last and at once, because they alone lead a repeated call here."""
        own: list[Row] = []
        for page in _pages(partition):
            own += [row for row in page if row.sk in OWN_KEYS]
            beside = [row for row in page if row.sk not in OWN_KEYS and row.kind not in RETAINED_KINDS]
            delete_many(beside)
            self.count(len(beside))
        if own:
            write(*(delete(row) for row in own))
            self.count(len(own))

    def count(self, erased: int) -> None:
        self.erased += erased
        if erased and time.monotonic() > self.until and not self.finished:
            raise _TimeIsUp


def _project_rows(project_id: str) -> Iterator[list[Row]]:
    """Yield the project's slug, the counter of its builds, the graph of its tasks and the copies of its documents."""
    project = fetch(Project, project_id)
    yield [BuildCounter.of(project_id)]
    if project is not None:
        yield [slug_guard(f"WS#{project.ws_id}", project.slug)]
    for edges in _pages(GraphRow.partition(project_id)):
        yield [*edges]
    for type_ in TYPES:
        for page in _pages(DocumentCopy.partition(project_id, type_)):
            yield [*page]


def _exploration_rows(exploration_id: str) -> Iterator[list[Row]]:
    """Yield what an exploration that became no project has under the project's id: the copies of its documents, and their counts."""
    for partition in (*(DocumentCopy.partition(exploration_id, type_) for type_ in TYPES), f"PROJ#{exploration_id}"):
        for page in _pages(partition):
            yield [*page]


def _card_rows(card_id: str) -> Iterator[list[Row]]:
    """Yield the attachments of a card, and the sums of its usage: the ledger's own do not need them."""
    for page in pages(Rollup, card_partition(card_id), limit=_PAGE, consistent=True):
        yield [*page.rows]
    card = fetch(Item, card_id)
    keys = [Attachment.key(attached["id"]) for attached in card.attachments] if card else []
    yield [Attachment(pk=pk, sk=sk) for pk, sk in keys]


def _document_rows(document_id: str) -> Iterator[list[Row]]:
    """Yield the names of a document's versions."""
    for page in pages(DocumentVersion, f"DOC#{document_id}", prefix="V#", limit=_PAGE, consistent=True):
        keys = [VersionName.key_of(version.id) for version in page.rows]
        yield [VersionName(pk=pk, sk=sk) for pk, sk in keys]


def _sandbox_rows(sandbox_id: str) -> Iterator[list[Row]]:
    """Yield the name of a sandbox, the counts and places of its messages, and its measurements."""
    sandbox = fetch(Sandbox, sandbox_id)
    if sandbox is not None and sandbox.deleted_at is None:
        yield [name_guard(str(sandbox.ws_id), sandbox.name)]
    for model, partition in ((Pair, f"PAIR#{sandbox_id}"), (Line, Line.partition(sandbox_id))):
        for found in pages(model, partition, limit=_PAGE, consistent=True):
            yield [*found.rows]
    for granularity in KEPT:
        for points in pages(Point, Point.key(sandbox_id, granularity, "")[0], limit=_PAGE):
            yield [*points.rows]


def _no_rows(_: str) -> Iterator[list[Row]]:
    return iter(())


UNLISTED_ROWS: dict[str, Callable[[str], Iterator[list[Row]]]] = {
    "PROJ": _project_rows,
    "EXPL": _exploration_rows,
    "ITEM": _card_rows,
    "DOC": _document_rows,
    "SBX": _sandbox_rows,
}
"""Rows that are in no list, by the kind of their owner, which alone leads to them."""


def _pages(partition: str, index: int | None = None) -> Iterator[list[Entity]]:
    for page in pages(Entity, partition, index=index, limit=_PAGE, consistent=index is None):
        yield page.rows
