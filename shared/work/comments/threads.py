"""Comments as a tree: replies below what they answer, removed comments only where somebody answered them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from shared.work.comments.rows import Comment

C = TypeVar("C")


@dataclass
class ThreadNode(Generic[C]):
    comment: C
    replies: "list[ThreadNode[C]]" = field(default_factory=list)

    def all(self) -> "list[C]":
        """This comment and everything below it."""
        return [self.comment, *(one for reply in self.replies for one in reply.all())]


def build_trees(
    comments: Iterable[C], *, id_of: Callable[[C], str], parent_of: Callable[[C], str | None], removed: Callable[[C], bool]
) -> list[ThreadNode[C]]:
    """Roots in the order given. A reply whose parent is not among the comments is a root."""
    nodes = {id_of(one): ThreadNode(one) for one in comments}
    roots: list[ThreadNode[C]] = []
    for node in nodes.values():
        parent = nodes.get(parent_of(node.comment) or "")
        (roots if parent is None else parent.replies).append(node)
    return _without_removed(roots, removed)


def build_threads(comments: Iterable[Comment]) -> list[ThreadNode[Comment]]:
    return build_trees(
        comments,
        id_of=lambda one: one.id,
        parent_of=lambda one: one.parent_id,
        removed=lambda one: bool(one.removed_at),
    )


def _without_removed(nodes: list[ThreadNode[C]], removed: Callable[[C], bool]) -> list[ThreadNode[C]]:
    """Without removed comments that have nothing left below them. Depth is limited where comments are made."""
    kept = []
    for node in nodes:
        node.replies = _without_removed(node.replies, removed)
        if node.replies or not removed(node.comment):
            kept.append(node)
    return kept
