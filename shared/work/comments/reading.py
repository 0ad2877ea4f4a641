"""Listing the comments of a card: one query of the index, and one batch for the page; of a long list the block that holds the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.store import CountedRows, IndexRow, fetch_all, index_rows, load, read_ahead
from shared.work.comments.rows import REMOVED, Comment, comments_of, replies_of
from shared.work.comments.threads import ThreadNode, build_threads, build_trees
from shared.work.items.rows import ItemHead

MAX_COMMENTS = 200  # comments of a page, two batches: with 10,000 characters each they stay below Lambda's 6 MB


@dataclass(frozen=True)
class ThreadPage:
    """A page of threads, oldest first, each with its replies. `roots` is the number of threads, `total` of comments not removed."""

    threads: list[ThreadNode[Comment]]
    taken: int
    """The threads of which the page consists; of a long list also those that were removed, which are not shown."""
    roots: int
    total: int


def list_threads(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> ThreadPage:
    """Return at most `limit` threads, fewer if they have more than MAX_COMMENTS together; a single longer thread is cut to MAX_COMMENTS.

    Raises NotFound, Forbidden. Two round trips; three where the list is longer than its head (`CountedRows`): its threads are then counted
    with those that were removed.
    """
    rows = CountedRows(comments_of(bare_id(item_id)), offset + limit)
    load(ItemHead, item_id, actor, Permission.CARD_READ)
    index = rows.whole()
    if index is None:
        return _long_page(rows, item_id, limit, offset)
    nodes = _build_index_threads(index)
    threads, taken = _fetch(nodes[offset : offset + limit])
    return ThreadPage(threads, taken, len(nodes), sum(1 for row in index if not row.f["removed"]))


def list_card_comments(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> tuple[list[Comment], int]:
    """Return a page of a card's comments that are not removed, oldest first, and their total number. Raises NotFound, Forbidden.

    Two round trips; three for a page that is not at the head of the list.
    """
    rows = CountedRows(comments_of(bare_id(item_id)), offset + limit)
    load(ItemHead, item_id, actor, Permission.CARD_READ)
    page = rows.page(offset, limit, _is_there)
    comments = fetch_all(Comment, [row.id for row in page.rows()], to_show=True)
    return [comment for comment in comments if not comment.removed_at], page.total


def _long_page(rows: CountedRows, item_id: str, limit: int, offset: int) -> ThreadPage:
    """Return a page of a list that is not read as a whole. The replies of its threads are in an index of their own, thread by thread."""
    page = rows.page(offset, limit, _is_root)
    if page.blocks:
        ranges = [block.between() for block in page.blocks]
        number = None
    else:
        places = [row.sort.removeprefix("COM#") for row in page.rows()]
        ranges = [(places[0], f"{places[-1]}#~~")] if places else []
        number = MAX_COMMENTS + 1  # the page ends before or in the thread with this reply
    reads = [read_ahead(partial(_replies, bare_id(item_id), between, number)) for between in ranges]
    roots = page.rows()
    nodes = {node.comment.id: node for node in _build_index_threads([*roots, *(row for read in reads for row in read.result())])}
    shown, taken = _fetch([nodes.get(row.id) for row in roots])
    return ThreadPage(shown, taken, page.total, sum(block.number(_is_there) for block in rows.blocks()))


def _replies(item_id: str, between: tuple[str, str], number: int | None) -> list[IndexRow]:
    return list(islice(index_rows(2, replies_of(item_id), between=between), number))


def _fetch(nodes: Sequence[ThreadNode[IndexRow] | None]) -> tuple[list[ThreadNode[Comment]], int]:
    """Read the comments of as many threads as a page takes, and return how many these are. None: a thread that was removed."""
    ids: list[str] = []
    taken = 0
    for node in nodes:
        thread = [row.id for row in node.all()] if node else []
        if ids and len(ids) + len(thread) > MAX_COMMENTS:
            break
        ids += thread[:MAX_COMMENTS]
        taken += 1
    return build_threads(fetch_all(Comment, ids, to_show=True)), taken


def _is_root(label: str) -> bool:
    return label.removeprefix(REMOVED) == "root"


def _is_there(label: str) -> bool:
    return not label.startswith(REMOVED)


def _build_index_threads(index: list[IndexRow]) -> list[ThreadNode[IndexRow]]:
    return build_trees(
        index,
        id_of=lambda row: row.id,
        parent_of=lambda row: row.f["parent_id"],
        removed=lambda row: bool(row.f["removed"]),
    )
