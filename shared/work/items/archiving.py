"""Archiving finished cards: automatically on boards with `autoArchiveCompleted`, undone by people.

An archived card is in no list and no count. It can still be read by its id, but cannot be changed until it is restored.

An index holds the boards with automatic archiving, another one the finished cards of a board by the time they were finished. The hourly
job makes a read and a query for each such board and a transaction for each card that is due.
"""

from datetime import timedelta
from functools import partial
from itertools import takewhile
from typing import Final

from shared.core import clock
from shared.core.actor import SYSTEM, Actor, Permission
from shared.core.errors import Conflict, NotFound
from shared.events import EventType, record
from shared.store import Operation, fetch, fetch_indexed, is_stale, iterate_shards, load, process_all, sweep, update_with_retry
from shared.work.boards.counting import ProjectArchived
from shared.work.boards.rows import AUTO_ARCHIVING, Board, Lane
from shared.work.items.filing import filing_of, reindex
from shared.work.items.rows import Item
from shared.work.items.rules import wip_limit

ARCHIVE_AFTER_DAYS: Final = 14
"""Days after a card was finished: the length of two usual sprints, after which people look in reports and not on the board."""
PAGE_SIZE = 100
MAX_PER_BOARD: Final = 1_000  # cards of a board in one run, so that other boards get their turn


def archive_finished(until: float) -> int:
    """Archive cards that were finished ARCHIVE_AFTER_DAYS ago and return how many. Stops at `until` (seconds of `time.monotonic`)."""
    boards = iterate_shards(Board, AUTO_ARCHIVING, until, index=2, limit=PAGE_SIZE, read=partial(fetch_indexed, Board))
    wanted = (board for board in boards if board.wants_archiving)
    return process_all(
        AUTO_ARCHIVING.name, wanted, lambda board: _archive_board(board, until), lambda board: f"{Board.NAME} {board.id}"
    )


def _archive_board(board: Board, until: float) -> int:
    """Archive the cards of a board that are due. A card that cannot be archived keeps no other one from its turn."""
    partition, due = f"BOARD#{board.id}#DONE", clock.iso(clock.now() - timedelta(days=ARCHIVE_AFTER_DAYS))
    closed = False

    def archive(row: Item) -> int:
        nonlocal closed
        try:
            return int(_archive_item(row.entity_id, due))
        except ProjectArchived:
            closed = True  # no card of it can be changed
        except Conflict as error:
            if not is_stale(error):
                raise  # else this card is being changed by others: the next run tries again
        return 0

    rows = sweep(Item, partition, [partition], until, index=4, between=("0", due), limit=PAGE_SIZE, at_most=MAX_PER_BOARD)
    open_rows = takewhile(lambda _: not closed, rows)
    return process_all(partition, open_rows, archive, lambda row: f"{Item.NAME} {row.entity_id}")


def _archive_item(item_id: str, due: str) -> bool:
    """Archive a card and tell whether that happened; a card that was reopened or is leased by a run stays. Raises NotFound, Conflict."""
    archived = False

    def read() -> Item:
        item = fetch(Item, item_id)
        if item is None:
            raise NotFound(Item.NAME)
        return item

    def change(item: Item) -> list[Operation]:
        nonlocal archived
        archived = False
        if item.deleted_at or item.archived_at or item.status != "done" or item.lease_run or item.finished_since > due:
            return []
        archived = True
        before = filing_of(item)
        item.archived_at = clock.iso()
        record(item, EventType.ITEM_UPDATED, SYSTEM, changes={"archived_at": [None, item.archived_at]}, board_id=item.board_id)
        return reindex(item, before)

    update_with_retry(read, change)
    return archived


def restore_item(actor: Actor, item_id: str) -> Item:
    """Return an archived card to its lane; a card that is not archived stays as it is. It is still finished, and is archived again
    after ARCHIVE_AFTER_DAYS.

    Raises NotFound, Forbidden, TransitionRefused (its lane is full), Conflict (archived). Two reads, one transaction.
    """

    def change(item: Item) -> list[Operation]:
        if not item.archived_at:
            return []
        lane = fetch(Lane, item.lane_id)
        before, archived_at = filing_of(item), item.archived_at
        item.archived_at, item.restored_at = None, clock.iso()
        record(item, EventType.ITEM_UPDATED, actor, changes={"archived_at": [archived_at, None]}, board_id=item.board_id)
        return reindex(item, before, lane_limit=wip_limit(lane) if lane is not None else None)

    return update_with_retry(lambda: load(Item, item_id, actor, Permission.CARD_EDIT), change)
