"""Building trees of comments: each reply below its parent; removed comments only if they have replies."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from shared.work.comments.rows import Comment

C = TypeVar("C")


@dataclass
class ThreadNode(Generic[C]):
    """A comment with the replies to it."""

    comment: C
    replies: "list[ThreadNode[C]]" = field(default_factory=list)

    def all(self) -> "list[C]":
        """Return this comment and all replies below it."""
        return [self.comment, *(comment for reply in self.replies for comment in reply.all())]


def build_trees(
    comments: Iterable[C], *, id_of: Callable[[C], str], parent_of: Callable[[C], str | None], removed: Callable[[C], bool]
) -> list[ThreadNode[C]]:
    """Return the root nodes in the order of the comments. A reply whose parent is not among them is a root."""
    nodes = {id_of(comment): ThreadNode(comment) for comment in comments}
    roots: list[ThreadNode[C]] = []
    for node in nodes.values():
        parent = nodes.get(parent_of(node.comment) or "")
        (roots if parent is None else parent.replies).append(node)
    return _without_removed(roots, removed)


def build_threads(comments: Iterable[Comment]) -> list[ThreadNode[Comment]]:
    """Build the trees of comment rows."""
    return build_trees(
        comments,
        id_of=lambda comment: comment.id,
        parent_of=lambda comment: comment.parent_id,
        removed=lambda comment: bool(comment.removed_at),
    )


def _without_removed(nodes: list[ThreadNode[C]], removed: Callable[[C], bool]) -> list[ThreadNode[C]]:
    """Leave out removed comments without remaining replies. The recursion is bounded: `writing.MAX_DEPTH` limits the depth."""
    remaining = []
    for node in nodes:
        node.replies = _without_removed(node.replies, removed)
        if node.replies or not removed(node.comment):
            remaining.append(node)
    return remaining
