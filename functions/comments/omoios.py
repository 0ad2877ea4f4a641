"""omoios, section 12: comments of a ticket as a flat list; and its files (`attachments`)."""

import re
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, Field

from functions.comments import attachments
from functions.comments.attachments import Deleted
from shared.core.actor import Permission
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import CommentText, Offset, OneLine
from shared.edge.contracts.omoios import OMOIOS
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.work.comments.reading import list_card_comments
from shared.work.comments.rows import Comment
from shared.work.comments.writing import NewComment
from shared.work.comments.writing import create_comment as create
from shared.work.comments.writing import delete_comment as delete
from shared.work.comments.writing import update_comment as update

routes = Routes(OMOIOS, "comments")

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):", re.IGNORECASE)  # of one letter it is a drive
_SCHEMES = ("file", "http", "https")


def _file(value: str) -> str:
    """Check that a page can safely show a value as a link: a path, an id, or an address of a file."""
    scheme = _SCHEME.match(value)
    if scheme is not None and scheme[1].lower() not in _SCHEMES:
        raise ValueError(f"A path or an id of a file, or an address that begins with {', '.join(_SCHEMES)}")
    return value


Mentions = Annotated[list[Annotated[str, Field(min_length=1, max_length=100), OneLine]], Field(max_length=50)]
File = Annotated[str, Field(min_length=1, max_length=1_024), OneLine, AfterValidator(_file)]


class TicketComment(Shape):
    id: str
    ticket_id: str
    author_id: str
    author_name: str
    content: str
    comment_type: str
    mentions: list[str]
    attachments: list[str]
    created_at: str
    edited_at: str | None


class CreateComment(Request):
    """`mentions` are ids of people and agents, `attachments` paths or ids of files."""

    content: CommentText
    comment_type: Annotated[str, Field(min_length=1, max_length=50), OneLine] = "general"
    mentions: Mentions = []
    attachments: Annotated[list[File], Field(max_length=20)] = []


class UpdateComment(Request):
    """Without `mentions`, an addition, those of the comment stay. Who is mentioned anew is told of it."""

    content: CommentText
    mentions: Mentions | None = None


def _comment(comment: Comment) -> TicketComment:
    return TicketComment(
        id=comment.id,
        ticket_id=comment.item_id,
        author_id=comment.author["id"],
        author_name=comment.author["name"],
        content=comment.content,
        comment_type=comment.comment_type,
        mentions=comment.mentions,
        attachments=comment.attachments,
        created_at=comment.created_at,
        edited_at=comment.edited_at,
    )


@routes.get("/tickets/{ticket_id}/comments", "comments.list", permission=Permission.CARD_READ)
async def list_comments(
    ticket_id: str,
    caller: Caller,
    call: ThisCall,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
    offset: Offset = 0,
) -> list[TicketComment]:
    """List the comments of a ticket, oldest first; `X-Total-Count` has their total number."""
    comments, total = list_card_comments(caller, ticket_id, limit=limit, offset=offset)
    call.headers.append(("X-Total-Count", str(total)))
    return [_comment(comment) for comment in comments]


@routes.post("/tickets/{ticket_id}/comments", "comments.create", status=201, permission=Permission.CARD_EDIT)
async def create_comment(ticket_id: str, body: CreateComment, caller: Caller) -> TicketComment:
    """Comment on a ticket."""
    new = NewComment(
        body.content,
        comment_type=body.comment_type,
        mentions=list(dict.fromkeys(body.mentions)),
        attachments=body.attachments,
    )
    return _comment(create(caller, ticket_id, new))


@routes.put("/comments/{comment_id}", "comments.update", permission=Permission.CARD_EDIT)
async def update_comment(comment_id: str, body: UpdateComment, caller: Caller) -> TicketComment:
    """Change a comment; only its author and administrators may."""
    mentions = None if body.mentions is None else list(dict.fromkeys(body.mentions))
    return _comment(update(caller, comment_id, body.content, mentions))


@routes.delete("/comments/{comment_id}", "comments.delete", permission=Permission.CARD_EDIT)
async def delete_comment(comment_id: str, caller: Caller) -> Deleted:
    """Delete a comment; only its author and administrators may."""
    delete(caller, comment_id)
    return Deleted()


attachments.publish(routes)
