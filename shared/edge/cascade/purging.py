"""For good: everything below a workspace that was deleted thirty days ago, the leaves first and the workspace last.

There is no cursor: what is gone is gone from the lists that lead here, so whoever goes on begins at the top and finds what is left.

What was used and billed stays, the ledger and its sums: invoices are made of it, and have to be kept for years. Logs of runs, old
invitations and sockets expire by themselves.
"""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from aws_lambda_powertools import Logger

from shared.core import clock
from shared.edge.cascade.queue import Task, enqueue
from shared.people.tenancy.rows import DELETED_WORKSPACES, Workspace, slug_guard
from shared.store import Entity, Row, delete_files, delete_many, fetch, iterate, pages
from shared.work.attachments.rows import Attachment
from shared.work.documents.rows import TYPES, DocumentCopy, DocumentVersion, VersionName
from shared.work.items.rows import Item
from shared.work.projects.rows import Project

KEPT = timedelta(days=30)
"""How long a deleted workspace can be brought back by whoever runs the platform."""
CHILDREN: dict[str, tuple[tuple[int, str], ...]] = {
    "WS": (
        (1, "WS#{}#PROJ"),
        (1, "TRASH#WS#{}"),  # among them the projects, since the cascade
        (1, "WS#{}#INV"),
        (1, "WS#{}#EXP"),
        (2, "WS#{}#ACT"),
        (1, "BUDGETS#{}"),
    ),
    "PROJ": (
        (1, "TRASH#PROJ#{}"),
        (2, "PROJ#{}#ITEM"),
        (2, "PROJ#{}#TASK"),
        (1, "PROJ#{}#DOC"),
        (1, "PROJ#{}#BOARD"),
        (2, "PROJ#{}#ACT"),
    ),
    "BOARD": ((1, "BOARD#{}#ARCHIVED"), (1, "BOARD#{}#LANE")),
    "ITEM": ((1, "ITEM#{}"),),  # comments, activities, runs, dependencies, tasks, discoveries
}
"""Where the rows below one of a kind are listed: indexes and their partitions, by its id."""
SINGLE = frozenset({"ACT", "BUDGET", "COM", "DEP", "DSC", "EXP", "INV", "LANE", "TASK"})
"""Kinds with nothing below them and nothing beside them: many go in one write."""
STAYS = frozenset({"BILLING"})
"""Kinds that lie beside what goes: the account that invoices belong to."""
FILES = ("attachments/{}/", "documents/{}/", "exports/{}/", "runs/{}/")
"""What the keys of a workspace's files begin with."""
_PAGE = 100
logger = Logger(child=True)


class _TimeIsUp(Exception):
    pass


def purge_due(until: float) -> int:
    """Have every workspace purged whose time has come. How many; those still under way are told again. Stops at `until`
    (`time.monotonic`)."""
    number, before = 0, clock.iso(clock.now() - KEPT)
    for row in iterate(Workspace, DELETED_WORKSPACES, index=1, between=("0", before), limit=_PAGE, until=until):
        enqueue(Task(row.entity_id, "purge"))
        number += 1
    return number


def purge(workspace: Workspace, until: float) -> bool:
    """Whether nothing is left of it. False: the time was up."""
    if str(workspace.deleted_at) > clock.iso(clock.now() - KEPT):
        return True
    sweep = _Sweep(until)
    try:
        for place in FILES:
            while gone := delete_files(place.format(workspace.id)):
                sweep.count(gone)
        sweep.tree("WS", workspace.id)
    except _TimeIsUp:
        pass
    logger.info("purge", extra={"workspace": workspace.id, "erased": sweep.erased, "finished": sweep.finished})
    return sweep.finished


class _Sweep:
    """Erases until its time is up, which it says by _TimeIsUp: never before something was erased, or no call would come further."""

    def __init__(self, until: float) -> None:
        self.until, self.erased, self.finished = until, 0, False

    def tree(self, kind: str, entity_id: str) -> None:
        """A row with all below it and beside it."""
        for index, place in CHILDREN.get(kind, ()):
            for page in _pages(place.format(entity_id), index):
                single = [row for row in page if row.kind in SINGLE]
                delete_many(single)
                self.count(len(single))
                for row in page:
                    if row.kind not in SINGLE:
                        self.tree(row.kind, row.entity_id)
        for rows in APART.get(kind, _nothing)(entity_id):
            delete_many(rows)  # not counted: they may be gone since the last time, and would look like progress
        self.finished = kind == Workspace.KIND
        for page in _pages(f"{kind}#{entity_id}"):
            going = [row for row in page if row.kind not in STAYS]
            delete_many(going)
            self.count(len(going))

    def count(self, erased: int) -> None:
        self.erased += erased
        if erased and time.monotonic() > self.until and not self.finished:
            raise _TimeIsUp


def _of_project(project_id: str) -> Iterator[list[Row]]:
    """Its slug, and the shelves of its documents."""
    project = fetch(Project, project_id)
    if project is not None:
        yield [slug_guard(f"WS#{project.ws_id}", project.slug)]
    for type_ in TYPES:
        for page in _pages(DocumentCopy.partition(project_id, type_)):
            yield [*page]


def _of_card(card_id: str) -> Iterator[list[Row]]:
    """What is attached to it."""
    card = fetch(Item, card_id)
    keys = [Attachment.key(kept["id"]) for kept in card.attachments] if card else []
    yield [Attachment(pk=pk, sk=sk) for pk, sk in keys]


def _of_document(document_id: str) -> Iterator[list[Row]]:
    """The names of its versions."""
    for page in pages(DocumentVersion, f"DOC#{document_id}", prefix="V#", limit=_PAGE, consistent=True):
        keys = [VersionName.key_of(version.id) for version in page.rows]
        yield [VersionName(pk=pk, sk=sk) for pk, sk in keys]


def _nothing(_: str) -> Iterator[list[Row]]:
    return iter(())


APART: dict[str, Callable[[str], Iterator[list[Row]]]] = {"PROJ": _of_project, "ITEM": _of_card, "DOC": _of_document}
"""Rows that are in no list and lie in places of their own: only their owner leads to them."""


def _pages(partition: str, index: int | None = None) -> Iterator[list[Entity]]:
    for page in pages(Entity, partition, index=index, limit=_PAGE, consistent=index is None):
        yield page.rows
