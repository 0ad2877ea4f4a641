"""agentworks, section 5.2: comments and activities of a card; and its attachments, which the document shows on a card without an operation
that brings them there: those are additions.
"""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from shared.core.actor import Permission
from shared.edge.contracts.agentworks import (
    AGENTWORKS,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    DeepOffset,
    Id,
    Limit,
    PaginationMeta,
    pagination,
)
from shared.edge.contracts.base import Closed, Shape
from shared.edge.contracts.fields import CommentText, Offset
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.agentworks import cards as views
from shared.edge.views.agentworks.activities import CardActivity, activity
from shared.edge.views.agentworks.cards import Attachment, CardComment
from shared.work.activities.reading import list_card_activities
from shared.work.attachments import storage, uploading
from shared.work.attachments.uploading import MAX_BYTES
from shared.work.comments.reading import list_threads
from shared.work.comments.writing import NewComment
from shared.work.comments.writing import create_comment as create
from shared.work.comments.writing import delete_comment as delete
from shared.work.comments.writing import update_comment as update

routes = Routes(AGENTWORKS, "comments")


class ListCommentsResponse(Shape):
    """`total` counts comments, `pagination` threads. The document has no paging here: a page is as large as it may be, and where its
    threads are many and long `pagination.limit` says how many there are: the next page begins at `offset + limit`."""

    comments: list[CardComment]
    total: int
    pagination: PaginationMeta


class CreateCommentRequest(Closed):
    content: CommentText
    contentType: Literal["markdown", "plain_text"] = "markdown"
    parentCommentId: Id | None = None


class UpdateCommentRequest(Closed):
    content: CommentText


class AddAttachmentRequest(Closed):
    """`size` in bytes."""

    filename: Annotated[str, Field(min_length=1, max_length=500)]
    contentType: Annotated[str, Field(min_length=1, max_length=200)]
    size: Annotated[int, Field(ge=1, le=MAX_BYTES)]


class UploadTarget(Shape):
    """Where the file goes: a request of this method, with these headers and the file as its body, until `expiresAt`."""

    method: Literal["PUT"]
    url: str
    headers: dict[str, str]
    expiresAt: str


class AttachmentUpload(Shape):
    """An attachment that is announced: no card shows it until its file has come and was completed. The file's name may differ from the
    one that was asked for: it is one that every system can save."""

    id: str
    cardId: str
    filename: str
    contentType: str
    size: int
    upload: UploadTarget


class AttachmentDownload(Shape):
    """`url` gets the file from anywhere, without a token, until `expiresAt`."""

    id: str
    filename: str
    contentType: str
    size: int
    url: str
    expiresAt: str


class ListActivitiesResponse(Shape):
    activities: list[CardActivity]
    total: int
    pagination: PaginationMeta


@routes.get("/cards/{id}/comments", "comments.list", needs=Permission.CARD_READ)
async def list_comments(
    id: str,
    caller: Caller,
    limit: Annotated[Limit, Query(description="Threads")] = MAX_LIMIT,
    offset: Offset = 0,
) -> ListCommentsResponse:
    """The threads of a card, oldest first, each with its replies: 200 comments a page. A deleted comment shows, emptied, while it has
    replies."""
    found = list_threads(caller, id, limit=limit, offset=offset)
    return ListCommentsResponse.model_construct(
        comments=[views.thread(node) for node in found.page],
        total=found.total,
        pagination=pagination(len(found.page) if offset + len(found.page) < found.roots else limit, offset, found.roots),
    )


@routes.post(
    "/cards/{id}/comments",
    "comments.create",
    status=201,
    needs=Permission.CARD_EDIT,
    fields={"parent_id": "parentCommentId"},
)
async def create_comment(id: str, body: CreateCommentRequest, caller: Caller) -> CardComment:
    """Comment on a card, or answer one of its comments."""
    return views.comment(create(caller, id, NewComment(body.content, body.contentType, parent_id=body.parentCommentId)))


@routes.put("/comments/{id}", "comments.update", needs=Permission.CARD_EDIT)
async def update_comment(id: str, body: UpdateCommentRequest, caller: Caller) -> CardComment:
    """Correct a comment of one's own; administrators may correct any."""
    return views.comment(update(caller, id, body.content))


@routes.delete("/comments/{id}", "comments.delete", status=204, needs=Permission.CARD_EDIT)
async def delete_comment(id: str, caller: Caller) -> None:
    """Take back a comment of one's own; administrators may take back any."""
    delete(caller, id)


@routes.get("/cards/{id}/activities", "activities.list", needs=Permission.CARD_READ)
async def list_activities(
    id: str,
    caller: Caller,
    limit: Limit = DEFAULT_LIMIT,
    offset: DeepOffset = 0,
) -> ListActivitiesResponse:
    """What happened to a card, newest first."""
    found, total = list_card_activities(caller, id, limit=limit, offset=offset)
    return ListActivitiesResponse.model_construct(
        activities=[activity(row) for row in found], total=total, pagination=pagination(limit, offset, total)
    )


@routes.post("/cards/{id}/attachments", "attachments.create", status=201, needs=Permission.CARD_EDIT, addition=True)
async def create_attachment(id: str, body: AddAttachmentRequest, caller: Caller) -> AttachmentUpload:
    """Announce a file of up to 25 MB. Send it where the answer says, then complete the attachment, within a day."""
    upload, signed = uploading.begin_upload(caller, id, body.filename, body.contentType, body.size)
    target = UploadTarget(
        method="PUT",
        url=signed.url,
        headers={"Content-Type": upload.content_type, "Content-Length": str(int(upload.size))},
        expiresAt=signed.expires_at,
    )
    return AttachmentUpload(
        id=upload.id,
        cardId=upload.item_id,
        filename=upload.filename,
        contentType=upload.content_type,
        size=int(upload.size),
        upload=target,
    )


@routes.post("/attachments/{id}/complete", "attachments.complete", needs=Permission.CARD_EDIT, addition=True)
async def complete_attachment(id: str, caller: Caller) -> Attachment:
    """Attach a file that was sent. 409 while it has not come, 422 where it is not what it was announced to be."""
    return views.attachment(uploading.finish_upload(caller, id).summary)


@routes.get("/attachments/{id}/download", "attachments.download", needs=Permission.CARD_READ, addition=True)
async def download_attachment(id: str, caller: Caller) -> AttachmentDownload:
    """Where to get an attachment, under its name, for the next quarter of an hour."""
    found, signed = storage.get_download(caller, id)
    return AttachmentDownload(
        id=found.id,
        filename=found.filename,
        contentType=found.content_type,
        size=int(found.size),
        url=signed.url,
        expiresAt=signed.expires_at,
    )


@routes.delete("/attachments/{id}", "attachments.delete", status=204, needs=Permission.CARD_EDIT, addition=True)
async def delete_attachment(id: str, caller: Caller) -> None:
    """Take an attachment off its card, and its file away."""
    storage.remove_attachment(caller, id)
