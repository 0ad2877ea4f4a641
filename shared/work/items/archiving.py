"""Finished cards are put away after a while, where the board wants it (`autoArchiveCompleted`), and brought back by hand.

An archived card is in no list and no count. It stays under its id, with everything around it, and takes no change until it is restored.

Boards that want it stand in an index of their own, and so do a board's finished cards, by when they were finished: an hour's round is
a query for each such board and a transaction for each card that is due.
"""

from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Final

from shared.core import clock
from shared.core.actor import SYSTEM, Actor, Permission
from shared.core.errors import Conflict, NotFound
from shared.events import EventType, record
from shared.store import Operation, fetch, fetch_indexed, is_stale, iterate, iterate_shards, load, update_with_retry
from shared.work.boards.counting import place_of, recount
from shared.work.boards.rows import ARCHIVING, Board, Lane
from shared.work.items.rows import Item
from shared.work.items.rules import wip_limit

DAYS: Final = 14
"""From when a card was finished: two usual sprints are over, whoever looks for it looks in a report and not on the board."""
PAGE = 100
MOST: Final = 1_000  # cards of a board at a time: another board's turn comes too


def archive_finished(until: float) -> int:
    """Put away what was finished DAYS ago on boards that want it. How many cards. Stops at `until` (`time.monotonic`)."""
    boards = iterate_shards(Board, ARCHIVING, until, index=2, limit=PAGE, read=partial(fetch_indexed, Board))
    return sum(_of_board(board, until) for board in boards if board.wants_archiving)


def _of_board(board: Board, until: float) -> int:
    done, due = 0, clock.iso(clock.now() - timedelta(days=DAYS))
    rows = iterate(Item, f"BOARD#{board.id}#DONE", index=4, between=("0", due), limit=PAGE, until=until)
    for row in islice(rows, MOST):
        try:
            done += int(_archived(row.entity_id, due))
        except Conflict as refused:
            if not is_stale(refused):
                return done  # the project is archived, and takes no change
            continue  # somebody changes this card all the time: next hour
    return done


def _archived(item_id: str, due: str) -> bool:
    """Whether this card was put away now. It stays where it is when it was reopened meanwhile, or an agent is at work on it."""
    told: list[bool] = []

    def read() -> Item:
        item = fetch(Item, item_id)
        if item is None:
            raise NotFound(Item.NAME)
        return item

    def change(item: Item) -> list[Operation]:
        told.clear()
        if item.deleted_at or item.archived_at or item.status != "done" or item.lease_run or item.finished_since > due:
            return []
        told.append(True)
        leaves = place_of(item)
        item.archived_at = clock.iso()
        record(item, EventType.ITEM_UPDATED, SYSTEM, changes={"archived_at": [None, item.archived_at]}, board_id=item.board_id)
        return [recount(item.board_id, leaves=leaves)]

    update_with_retry(read, change)
    return bool(told)


def restore_item(actor: Actor, item_id: str) -> Item:
    """Bring an archived card back to where it was; a card that is not archived stays as it is. It is finished still, and is put away
    again DAYS from now.

    Raises NotFound, Forbidden, TransitionRefused (its lane is full), Conflict (archived). Two reads, one transaction.
    """

    def change(item: Item) -> list[Operation]:
        if not item.archived_at:
            return []
        lane = fetch(Lane, item.lane_id)
        before, item.archived_at, item.restored_at = item.archived_at, None, clock.iso()
        record(item, EventType.ITEM_UPDATED, actor, changes={"archived_at": [before, None]}, board_id=item.board_id)
        limit = wip_limit(lane) if lane is not None else None
        return [recount(item.board_id, enters=place_of(item), lane_limit=limit)]

    return update_with_retry(lambda: load(Item, item_id, actor, Permission.CARD_EDIT), change)
