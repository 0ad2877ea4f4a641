"""The comments of a card: one query over its collection, one batch for what is shown."""

from dataclasses import dataclass

from shared.core.actor import Actor, Permission
from shared.store import IndexRow, collection, fetch_all, load
from shared.work.comments.rows import Comment
from shared.work.comments.threads import ThreadNode, build_threads, build_trees
from shared.work.items.rows import Item

MAX_COMMENTS = 200  # comments of a page, two batches: of 10,000 characters each they stay below Lambda's 6 MB


@dataclass(frozen=True)
class ThreadPage:
    """A page of threads, oldest first, each with its replies. `roots` counts threads, `total` comments that are not removed."""

    page: list[ThreadNode[Comment]]
    roots: int
    total: int


def list_threads(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> ThreadPage:
    """At most `limit` threads, fewer where they have more than MAX_SHOWN comments together, but always one: the first MAX_SHOWN of it.

    Raises NotFound, Forbidden; Invalid past 5,000 comments. Three reads, and one more past a hundred comments.
    """
    item = load(Item, item_id, actor, Permission.CARD_READ)
    index = collection(1, f"ITEM#{item.id}", "COM#")
    nodes = _build_index_threads(index)
    shown: list[str] = []
    for node in nodes[offset : offset + limit]:
        ids = [row.id for row in node.all()]
        if shown and len(shown) + len(ids) > MAX_COMMENTS:
            break
        shown += ids[:MAX_COMMENTS]
    total = sum(1 for row in index if not row.f["removed"])
    return ThreadPage(build_threads(fetch_all(Comment, shown)), len(nodes), total)


def list_card_comments(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> tuple[list[Comment], int]:
    """The comments of a card that are not removed, oldest first, and how many there are."""
    item = load(Item, item_id, actor, Permission.CARD_READ)
    living = [row.id for row in collection(1, f"ITEM#{item.id}", "COM#") if not row.f["removed"]]
    page = fetch_all(Comment, living[offset : offset + limit])
    return [comment for comment in page if not comment.removed_at], len(living)


def _build_index_threads(index: list[IndexRow]) -> list[ThreadNode[IndexRow]]:
    return build_trees(
        index,
        id_of=lambda row: row.id,
        parent_of=lambda row: row.f["parent_id"],
        removed=lambda row: bool(row.f["removed"]),
    )
