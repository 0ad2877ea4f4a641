"""Listing the tickets of a project by phase, status, priority and words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.core.actor import Actor, Permission
from shared.store import IndexRow, id_of
from shared.work.boards.creating import board_id_of
from shared.work.boards.lanes import lane_key
from shared.work.boards.reading import BoardSnapshot
from shared.work.items.finding import Stretch, fetch_live, read_whole, sort_rows, walk
from shared.work.items.rows import Item
from shared.work.items.searching import Search
from shared.work.projects.reading import find_latest_project_id, get_project_board
from shared.work.projects.rows import Project


@dataclass(frozen=True)
class TicketFilter:
    """None does not filter. `matches` tells by a card's index row whether its status is wanted."""

    phase_id: str | None = None
    priority: str | None = None
    search: str | None = None
    has_status: Callable[[dict[str, Any]], bool] | None = None

    @property
    def only_phase(self) -> bool:
        return self.priority is None and not self.search and self.has_status is None


@dataclass(frozen=True)
class TicketPage:
    items: list[Item]
    total: int


def list_tickets(actor: Actor, project_id: str | None, wanted: TicketFilter, *, limit: int, offset: int = 0) -> TicketPage:
    """Return a page of a project's tickets in the order of its board; by default of the actor's most recently active project.

    Four round trips at most: which project; its board; the cards of the lanes that can match; the rows of the page. Raises NotFound,
    Forbidden.
    """
    project_id = id_of(Project, project_id) if project_id is not None else find_latest_project_id(actor)
    if project_id is None:
        return TicketPage([], 0)
    search = Search(board_id_of(project_id), wanted.search) if wanted.search else None
    project, board = get_project_board(actor, project_id, Permission.CARD_READ)
    if search is not None and project.board_id != board_id_of(project_id):
        search = Search(project.board_id, wanted.search or "")
    partition = f"BOARD#{board.board.id}#ITEM"
    stretches = _stretches(board, wanted.phase_id)
    if wanted.only_phase:
        total = sum(stretch.cards for stretch in stretches)
        rows = walk(partition, stretches, lambda _: True, offset, offset + limit, board.counts, exact=True)
        return TicketPage(fetch_live(row.id for row in rows), total)
    found = search.result() if search is not None else None

    def matches(row: IndexRow) -> bool:
        status = wanted.has_status is None or wanted.has_status(row.f)
        return status and wanted.priority in (None, row.f["priority"]) and (found is None or row.id in found)

    parts = read_whole(partition, stretches, lambda rows: list(filter(matches, rows)), board.counts)
    matching = sort_rows(board.board, (row for part in parts for row in part))
    return TicketPage(fetch_live(row.id for row in matching[offset : offset + limit]), len(matching))


def _stretches(board: BoardSnapshot, phase_id: str | None) -> list[Stretch]:
    """Return the lanes of a phase that have cards, in order; without a phase, of all."""
    lanes = [lane for lane in board.lanes if phase_id in (None, lane.phase_id) and board.cards_in(lane) > 0]
    numbers = [(lane, board.cards_in(lane)) for lane in lanes]
    return [Stretch(f"{lane_key(board.board.id, lane.id)}#", number, number) for lane, number in numbers]
