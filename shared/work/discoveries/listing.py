"""Listing discoveries: those of a task, of an agent."""

from collections.abc import Callable
from itertools import islice
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.store import IndexRow, ReadFuture, fetch_all, index_rows, load, page_of, read_ahead
from shared.work.discoveries.rows import Discovery, discoveries_of_task, made_in
from shared.work.projects.reading import in_workspaces
from shared.work.tasks.rows import TaskHead

_LISTED: Final = 5_000  # discoveries of a task, or of an agent in a workspace, of which a page can be asked for


def list_task_discoveries(
    actor: Actor, task_id: str, status: str | None, *, limit: int, offset: int = 0
) -> tuple[list[Discovery], int]:
    """Return a page of the discoveries that were made at a task, oldest first, and how many there are. Two round trips.

    Raises NotFound, Forbidden.
    """
    prefix = f"{status}#" if status else ""
    found = read_ahead(lambda: list(islice(index_rows(2, discoveries_of_task(bare_id(task_id)), prefix), _LISTED)))
    load(TaskHead, task_id, actor, Permission.CARD_READ)
    rows, total = page_of(sorted(found.result(), key=lambda row: row.sort.partition("#")[2]), offset, limit)
    return fetch_all(Discovery, [row.id for row in rows], to_show=True), total


def list_agent_discoveries(actor: Actor, agent_id: str, *, limit: int, offset: int = 0) -> tuple[list[Discovery], int]:
    """Return a page of an agent's discoveries in all the actor's workspaces, newest first, and how many there are. Two round trips."""
    reads = in_workspaces(actor, _begin(bare_id(agent_id)), Permission.CARD_READ)
    found = sorted((row for read in reads for row in read.result()), key=lambda row: row.sort, reverse=True)
    rows, total = page_of(found, offset, limit)
    return fetch_all(Discovery, [row.id for row in rows], to_show=True), total


def _begin(agent_id: str) -> Callable[[str], ReadFuture[list[IndexRow]]]:
    def begin(ws_id: str) -> ReadFuture[list[IndexRow]]:
        return read_ahead(lambda: list(islice(index_rows(3, made_in(ws_id, agent_id), newest_first=True), _LISTED)))

    return begin
