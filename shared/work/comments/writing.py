"""Creating, updating and deleting comments."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Forbidden, Invalid, NotFound
from shared.core.ids import bare_id, new_id
from shared.events import EventType, record
from shared.store import (
    LastBlock,
    Operation,
    authorize,
    check,
    create,
    enter,
    get_many,
    id_of,
    load,
    relabel,
    retrying,
    update_with_retry,
    write,
)
from shared.work.boards.counting import require_writable
from shared.work.comments.rows import Comment, comments_of
from shared.work.items.rows import ItemHead

MAX_DEPTH = 10  # levels of replies: more than anybody reads, and a bound for the code that shows them
_MAX_EXCERPT = 200  # characters of a comment that its event stores


@dataclass(frozen=True)
class NewComment:
    content: str
    content_type: str = "markdown"
    comment_type: str = "general"
    parent_id: str | None = None
    mentions: list[str] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)


def create_comment(actor: Actor, item_id: str, new: NewComment, *, comment_id: str | None = None) -> Comment:
    """Comment on a card, or reply to a comment of the same card. Safe to repeat with the same `comment_id`. Two round trips.

    Raises NotFound (card), Forbidden, Invalid (the parent is not on this card, or too deep), Conflict (archived).
    """
    return retrying(lambda _: _create(actor, item_id, new, comment_id or new_id()))


def _create(actor: Actor, item_id: str, new: NewComment, comment_id: str) -> Comment:
    last = LastBlock(comments_of(bare_id(item_id)))
    item, parent, existing = _read_rows(item_id, new.parent_id, comment_id)
    if item is None or item.deleted_at:
        raise NotFound(ItemHead.NAME)
    authorize(item, actor, Permission.CARD_EDIT)
    if existing is not None and existing.item_id == item.id:
        return existing
    if new.parent_id is not None:
        if parent is None or parent.item_id != item.id or parent.removed_at:
            raise Invalid(FieldError("parent_id", "No such comment on this card", new.parent_id))
        if parent.depth >= MAX_DEPTH:
            raise Invalid(FieldError("parent_id", f"Replies go at most {MAX_DEPTH} deep", new.parent_id))
    comment = Comment.new(
        comment_id,
        org_id=item.org_id,
        ws_id=item.ws_id,
        proj_id=item.proj_id,
        item_id=item.id,
        board_id=item.board_id,
        content=new.content,
        content_type=new.content_type,
        comment_type=new.comment_type,
        author=actor.summary,
        parent_id=parent.id if parent else None,
        thread=(parent.thread or parent.place) if parent else None,
        depth=int(parent.depth) + 1 if parent else 0,
        mentions=new.mentions,
        attachments=new.attachments,
        issue=item.issue,
    )
    record(
        comment,
        EventType.COMMENT_CREATED,
        actor,
        item_id=item.id,
        item_title=item.title,
        parent_id=comment.parent_id,
        comment_type=comment.comment_type,
        mentions=new.mentions,
        excerpt=new.content[:_MAX_EXCERPT],
    )
    place = enter(comments_of(item.id), last.result(), comment.label)
    comment.counted_in = place.start
    write(create(comment), require_writable(item.board_id), *place.operations)
    return comment


def update_comment(actor: Actor, comment_id: str, content: str, mentions: list[str] | None = None) -> Comment:
    """Change a comment's content, and whom it mentions unless `mentions` is None.

    Raises NotFound, Forbidden (neither author nor administrator), Conflict (archived).
    """

    def change(comment: Comment) -> Sequence[Operation]:
        named = comment.mentions if mentions is None else mentions
        if comment.content == content and comment.mentions == named:
            return ()
        comment.content, comment.mentions = content, named
        comment.edited_at = clock.iso()
        record(comment, EventType.COMMENT_UPDATED, actor, item_id=comment.item_id, excerpt=content[:_MAX_EXCERPT])
        return _conditions(comment)

    return update_with_retry(lambda: _load_editable(actor, comment_id), change)


def delete_comment(actor: Actor, comment_id: str) -> Comment:
    """Remove a comment and its content; it stays visible only as the parent of replies. Raises as `update_comment` does."""

    def change(comment: Comment) -> Sequence[Operation]:
        before = comment.label
        comment.removed_at = clock.iso()
        comment.content, comment.mentions, comment.attachments = "", [], []
        record(comment, EventType.COMMENT_DELETED, actor, item_id=comment.item_id)
        return [*_conditions(comment), *relabel(comments_of(comment.item_id), comment.counted_in, before, comment.label)]

    return update_with_retry(lambda: _load_editable(actor, comment_id), change)


def _read_rows(item_id: str, parent_id: str | None, comment_id: str) -> tuple[ItemHead | None, Comment | None, Comment | None]:
    bare = id_of(ItemHead, item_id)
    keys: list[tuple[type[ItemHead] | type[Comment], str, str]] = [(ItemHead, *ItemHead.key(bare))]
    keys += [(Comment, *Comment.key(bare_id(id_))) for id_ in (parent_id, comment_id) if id_ is not None]
    rows = get_many(keys)
    item = rows[0] if isinstance(rows[0], ItemHead) else None
    comments = {row.id: row for row in rows[1:] if isinstance(row, Comment)}
    return item, comments.get(bare_id(parent_id or "")), comments.get(comment_id)


def _load_editable(actor: Actor, comment_id: str) -> Comment:
    """Load a comment that the actor may change. Raises NotFound, Forbidden."""
    comment = load(Comment, comment_id, actor, Permission.CARD_EDIT)
    if comment.removed_at:
        raise NotFound(Comment.NAME)
    if comment.author["id"] != actor.id and not actor.may(Permission.WORKSPACE_WRITE, comment.ws_id, comment.org_id):
        raise Forbidden("Only its author or an administrator may change a comment")
    return comment


def _conditions(comment: Comment) -> list[Operation]:
    """Return the conditions for changing a comment: its card is not deleted and its project is not archived."""
    card = check(ItemHead(*ItemHead.key(comment.item_id)), ItemHead.deleted_at.does_not_exist(), NotFound(Comment.NAME))
    return [card, require_writable(comment.board_id)]
