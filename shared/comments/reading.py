"""The comments of a card: one query over its collection, one batch for what is shown."""

from dataclasses import dataclass

from shared.comments.rows import Comment
from shared.comments.threads import Node, threads, trees
from shared.core.actor import Actor, Permission
from shared.items.rows import Item
from shared.store import IndexRow, collection, fetch_all, load


@dataclass(frozen=True)
class Threads:
    """A page of threads, oldest first, each with all its replies. `roots` counts threads, `total` comments that are not removed."""

    page: list[Node[Comment]]
    roots: int
    total: int


def threads_of(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> Threads:
    """Raises NotFound, Forbidden; Invalid past 5,000 comments. Three reads, and one more for each hundred comments shown."""
    item = load(Item, item_id, actor, Permission.CARD_READ)
    index = collection(1, f"ITEM#{item.id}", "COM#")
    nodes = _nodes(index)
    shown = [row.id for node in nodes[offset : offset + limit] for row in node.all()]
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
