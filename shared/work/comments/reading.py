"""The comments of a card: one query over its collection, one batch for what is shown."""

from dataclasses import dataclass

from shared.core.actor import Actor, Permission
from shared.store import IndexRow, collection, fetch_all, load
from shared.work.comments.rows import Comment
from shared.work.comments.threads import Node, threads, trees
from shared.work.items.rows import Item

MAX_SHOWN = 200  # comments of a page, two batches: of 10,000 characters each they stay below Lambda's 6 MB


@dataclass(frozen=True)
class Threads:
    """A page of threads, oldest first, each with its replies. `roots` counts threads, `total` comments that are not removed."""

    page: list[Node[Comment]]
    roots: int
    total: int


def threads_of(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> Threads:
    """At most `limit` threads, fewer where they have more than MAX_SHOWN comments together, but always one: the first MAX_SHOWN of it.

    Raises NotFound, Forbidden; Invalid past 5,000 comments. Three reads, and one more past a hundred comments.
    """
    item = load(Item, item_id, actor, Permission.CARD_READ)
    index = collection(1, f"ITEM#{item.id}", "COM#")
    nodes = _nodes(index)
    shown: list[str] = []
    for node in nodes[offset : offset + limit]:
        ids = [row.id for row in node.all()]
        if shown and len(shown) + len(ids) > MAX_SHOWN:
            break
        shown += ids[:MAX_SHOWN]
    total = sum(1 for row in index if not row.f["removed"])
    return Threads(threads(fetch_all(Comment, shown)), len(nodes), total)


def comments_of(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> tuple[list[Comment], int]:
    """The comments of a card that are not removed, oldest first, and how many there are."""
    item = load(Item, item_id, actor, Permission.CARD_READ)
    living = [row.id for row in collection(1, f"ITEM#{item.id}", "COM#") if not row.f["removed"]]
    page = fetch_all(Comment, living[offset : offset + limit])
    return [comment for comment in page if not comment.removed_at], len(living)


def _nodes(index: list[IndexRow]) -> list[Node[IndexRow]]:
    return trees(
        index,
        id_of=lambda row: row.id,
        parent_of=lambda row: row.f["parent_id"],
        removed=lambda row: bool(row.f["removed"]),
    )
