"""Listing the comments of a card: one query of the index, and one batch for the page."""

from dataclasses import dataclass

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.store import IndexRow, begin_index_rows, fetch_all, load, page_of
from shared.work.comments.rows import Comment
from shared.work.comments.threads import ThreadNode, build_threads, build_trees
from shared.work.items.rows import ItemHead

MAX_COMMENTS = 200  # comments of a page, two batches: with 10,000 characters each they stay below Lambda's 6 MB


@dataclass(frozen=True)
class ThreadPage:
    """A page of threads, oldest first, each with its replies. `roots` is the number of threads, `total` of comments not removed."""

    threads: list[ThreadNode[Comment]]
    roots: int
    total: int


def list_threads(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> ThreadPage:
    """Return at most `limit` threads, fewer if they have more than MAX_COMMENTS together; a single longer thread is cut to MAX_COMMENTS.

    Raises NotFound, Forbidden. Two round trips, one more past a hundred comments; one query for each megabyte of the index.
    """
    rows = begin_index_rows(1, f"ITEM#{bare_id(item_id)}", "COM#")
    load(ItemHead, item_id, actor, Permission.CARD_READ)
    index = list(rows)  # an answer may come years after its thread began
    nodes = _build_index_threads(index)
    ids: list[str] = []
    for node in nodes[offset : offset + limit]:
        thread = [row.id for row in node.all()]
        if ids and len(ids) + len(thread) > MAX_COMMENTS:
            break
        ids += thread[:MAX_COMMENTS]
    total = sum(1 for row in index if not row.f["removed"])
    return ThreadPage(build_threads(fetch_all(Comment, ids, to_show=True)), len(nodes), total)


def list_card_comments(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> tuple[list[Comment], int]:
    """Return a page of a card's comments that are not removed, oldest first, and their total number. Raises NotFound, Forbidden."""
    rows = begin_index_rows(1, f"ITEM#{bare_id(item_id)}", "COM#")
    load(ItemHead, item_id, actor, Permission.CARD_READ)
    remaining = (row.id for row in rows if not row.f["removed"])
    ids, total = page_of(remaining, offset, limit)
    return [comment for comment in fetch_all(Comment, ids, to_show=True) if not comment.removed_at], total


def _build_index_threads(index: list[IndexRow]) -> list[ThreadNode[IndexRow]]:
    return build_trees(
        index,
        id_of=lambda row: row.id,
        parent_of=lambda row: row.f["parent_id"],
        removed=lambda row: bool(row.f["removed"]),
    )
