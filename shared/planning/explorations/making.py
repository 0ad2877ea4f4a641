"""Making the cards of an exploration's project: as many at once as a transaction takes, each with its tasks and what must come before it.

A card that is there has all that belongs to it. So whoever comes after a process that died makes only the cards that are missing.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError
from shared.core.situations import Situation
from shared.planning.explorations.planning import PlannedCard
from shared.planning.explorations.rows import Exploration
from shared.store import LastBlock, Operation, authorize, fetch_all, get, read_ahead, retrying
from shared.work.boards.creating import board_id_of
from shared.work.boards.rows import Board
from shared.work.items.creating import NewItem, create_items
from shared.work.items.dependencies import DependencyGraph, new_blockers
from shared.work.items.rows import Item, ItemHead
from shared.work.tasks.creating import NewTask, file_tasks, make_task, order_rows
from shared.work.tasks.rows import tasks_of

_ROWS: Final = 90
"""Rows of cards, tasks and dependencies in a transaction, which takes a hundred: counts and edges of the board are written with them."""
_OF_CARD, _OF_TASK, _OF_ORDER, _OF_DEPENDENCY = 5, 2, 2, 2  # rows that each of these is, at most


def make_cards(actor: Actor, exploration: Exploration, cards: Sequence[PlannedCard], until: float) -> None:
    """Make the cards that are missing on the board of an exploration's project. Stops at `until` (`time.monotonic`).

    One round trip, and two for each part of some six cards. Raises NotFound, Forbidden, Conflict (archived), CadreError(TIMEOUT), which
    says how many there are.
    """
    missing = _missing(cards)
    made = len(cards) - len(missing)
    for part in _parts(missing):
        if time.monotonic() > until:
            reason = f"{made} of {len(cards)} tickets are made; send the request again to make the others"
            raise CadreError(Situation.TIMEOUT, reason, {"made": made, "of": len(cards)})
        _make(actor, exploration, part)
        made += len(part)


def _missing(cards: Sequence[PlannedCard]) -> list[PlannedCard]:
    there = {card.id for card in fetch_all(ItemHead, [card.id for card in cards])}
    return [card for card in cards if card.id not in there]


def _parts(cards: Sequence[PlannedCard]) -> Iterator[list[PlannedCard]]:
    """Yield the cards in order, as many at once as fit into a transaction."""
    part: list[PlannedCard] = []
    rows = 0
    for card in cards:
        own = _rows_of(card)
        if part and rows + own > _ROWS:
            yield part
            part, rows = [], 0
        part.append(card)
        rows += own
    if part:
        yield part


def _rows_of(card: PlannedCard) -> int:
    tasks = sum(_OF_TASK + _OF_ORDER * bool(task.after) for task in card.tasks)
    return _OF_CARD + tasks + _OF_DEPENDENCY * bool(card.blocked_by)


def _make(actor: Actor, exploration: Exploration, part: Sequence[PlannedCard]) -> None:
    def attempt(number: int) -> None:
        cards = _missing(part) if number else part  # another request may have been faster
        if cards:
            _Part(actor, exploration, cards).write()

    retrying(attempt)


class _Part:
    """Cards of one transaction. What it needs beside the board is read ahead."""

    def __init__(self, actor: Actor, exploration: Exploration, cards: Sequence[PlannedCard]) -> None:
        self._actor, self._cards, self._board_id = actor, cards, board_id_of(exploration.id)
        self._last = LastBlock(tasks_of(str(exploration.ws_id)))
        self._graph = read_ahead(lambda: get(DependencyGraph, *DependencyGraph.key(self._board_id)))
        outside = {card.blocked_by for card in cards if card.blocked_by} - {card.id for card in cards}
        self._outside = read_ahead(lambda: fetch_all(ItemHead, sorted(outside)))

    def write(self) -> None:
        create_items(self._actor, self._board_id, {card.id: _new_item(card) for card in self._cards}, self._beside)

    def _beside(self, board: Board, items: list[Item]) -> list[Operation]:
        tasks = [
            make_task(
                self._actor, item, task.id, _new_task(card, number), [task.after] if task.after else [], waiting=bool(task.after)
            )
            for card, item in zip(self._cards, items, strict=True)
            for number, task in enumerate(card.tasks)
        ]
        filed = file_tasks(tasks, self._last) if tasks else []
        return [*filed, *(row for task in tasks for row in order_rows(task)), *self._edges(board, items)]

    def _edges(self, board: Board, items: list[Item]) -> list[Operation]:
        """Return what makes the cards depend on those that come first, unless these are deleted or the board has no dependencies."""
        there: dict[str | None, ItemHead] = {card.id: card for card in (*self._outside.result(), *items) if not card.deleted_at}
        named = [(item, there.get(card.blocked_by)) for card, item in zip(self._cards, items, strict=True)]
        pairs = [(item, blocker) for item, blocker in named if blocker is not None]
        if not pairs or not board.settings.get("enableCardDependencies", True):
            return []
        authorize(board, self._actor, Permission.CARD_EDIT)
        return new_blockers(self._actor, board, self._graph.result(), pairs)


def _new_item(card: PlannedCard) -> NewItem:
    return NewItem(
        title=card.title[:200],
        type=card.type,
        phase_id=card.phase,
        description=card.description,
        priority=card.priority,
        parent_id=card.parent_id,
        acceptance_criteria=list(card.criteria),
        context={"requirement": card.ref} if card.ref else None,
    )


def _new_task(card: PlannedCard, number: int) -> NewTask:
    task = card.tasks[number]
    return NewTask(task.title, task.description, task.task_type, card.priority)
