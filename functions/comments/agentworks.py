"""agentworks, section 5.2: comments and activities of a card.

The document shows attachments on a card but has no operation that adds them; the ones here are additions.
"""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from shared.core.actor import Permission
from shared.edge.contracts.agentworks import (
    AGENTWORKS,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    Cursor,
    DeepOffset,
    Id,
    Limit,
    PaginationMeta,
    continued,
    pagination,
)
from shared.edge.contracts.base import Shape, StrictRequest
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
    """`total` counts comments, `pagination` counts threads. The document has no paging here. A page can hold fewer threads than requested
    if they are long: `pagination.limit` is then their number, and the next page begins at `offset + limit`. With more than
    200 comments, `pagination` counts the threads of deleted comments too, which are not shown."""

    comments: list[CardComment]
    total: int
    pagination: PaginationMeta


class CreateCommentRequest(StrictRequest):
    content: CommentText
    contentType: Literal["markdown", "plain_text"] = "markdown"
    parentCommentId: Id | None = None


class UpdateCommentRequest(StrictRequest):
    content: CommentText


class AddAttachmentRequest(StrictRequest):
    """`size` in bytes."""

    filename: Annotated[str, Field(min_length=1, max_length=500)]
    contentType: Annotated[str, Field(min_length=1, max_length=200)]
    size: Annotated[int, Field(ge=1, le=MAX_BYTES)]


class UploadTarget(Shape):
    """Send the file as the body of a request with this method and these headers before `expiresAt`."""

    method: Literal["PUT"]
    url: str
    headers: dict[str, str]
    expiresAt: str


class AttachmentUpload(Shape):
    """An attachment whose file is not uploaded yet: the card shows it after it is completed. `filename` may differ from the requested
    one, so that every system can save it."""

    id: str
    cardId: str
    filename: str
    contentType: str
    size: int
    upload: UploadTarget


class AttachmentDownload(Shape):
    """`url` downloads the file without a token until `expiresAt`."""

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


@routes.get("/cards/{id}/comments", "comments.list", permission=Permission.CARD_READ)
async def list_comments(
    id: str,
    caller: Caller,
    limit: Annotated[Limit, Query(description="Threads")] = MAX_LIMIT,
    offset: Offset = 0,
) -> ListCommentsResponse:
    """List the threads of a card, oldest first, each with its replies; a page has at most 200 comments. A deleted comment is shown without
    content while it has replies."""
    page = list_threads(caller, id, limit=limit, offset=offset)
    return ListCommentsResponse.model_construct(
        comments=[views.thread(node) for node in page.threads],
        total=page.total,
        pagination=pagination(limit, offset, page.roots, page.taken),
    )


@routes.post(
    "/cards/{id}/comments",
    "comments.create",
    status=201,
    permission=Permission.CARD_EDIT,
    fields={"parent_id": "parentCommentId"},
)
async def create_comment(id: str, body: CreateCommentRequest, caller: Caller) -> CardComment:
    """Comment on a card, or reply to one of its comments."""
    return views.comment(create(caller, id, NewComment(body.content, body.contentType, parent_id=body.parentCommentId)))


@routes.put("/comments/{id}", "comments.update", permission=Permission.CARD_EDIT)
async def update_comment(id: str, body: UpdateCommentRequest, caller: Caller) -> CardComment:
    """Change a comment; only its author and administrators may."""
    return views.comment(update(caller, id, body.content))


@routes.delete("/comments/{id}", "comments.delete", status=204, permission=Permission.CARD_EDIT)
async def delete_comment(id: str, caller: Caller) -> None:
    """Delete a comment; only its author and administrators may."""
    delete(caller, id)


@routes.get("/cards/{id}/activities", "activities.list", permission=Permission.CARD_READ)
async def list_activities(
    id: str,
    caller: Caller,
    limit: Limit = DEFAULT_LIMIT,
    offset: DeepOffset = 0,
    cursor: Annotated[
        Cursor | None, Query(description="Not in the document: `nextCursor` of another page, in place of `offset`")
    ] = None,
) -> ListActivitiesResponse:
    """List the activities of a card, newest first. `pagination.nextCursor` leads on at any depth."""
    page = list_card_activities(caller, id, limit=limit, offset=offset, cursor=cursor)
    return ListActivitiesResponse.model_construct(
        activities=[activity(row) for row in page.activities],
        total=page.total,
        pagination=continued(limit, offset, page.total, page.next_cursor),
    )


@routes.post("/cards/{id}/attachments", "attachments.create", status=201, permission=Permission.CARD_EDIT, addition=True)
async def create_attachment(id: str, body: AddAttachmentRequest, caller: Caller) -> AttachmentUpload:
    """Begin an attachment with a file of up to 25 MB. Upload the file as the response says, then complete the attachment within a day."""
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


@routes.post("/attachments/{id}/complete", "attachments.complete", permission=Permission.CARD_EDIT, addition=True)
async def complete_attachment(id: str, caller: Caller) -> Attachment:
    """Attach an uploaded file. 409 if it has not arrived, 422 if its content does not match the declared size and type."""
    return views.attachment(uploading.finish_upload(caller, id).summary)


@routes.get("/attachments/{id}/download", "attachments.download", permission=Permission.CARD_READ, addition=True)
async def download_attachment(id: str, caller: Caller) -> AttachmentDownload:
    """Get a URL that downloads an attachment under its file name; it is valid for a quarter of an hour."""
    attachment, signed = storage.get_download(caller, id)
    return AttachmentDownload(
        id=attachment.id,
        filename=attachment.filename,
        contentType=attachment.content_type,
        size=int(attachment.size),
        url=signed.url,
        expiresAt=signed.expires_at,
    )


@routes.delete("/attachments/{id}", "attachments.delete", status=204, permission=Permission.CARD_EDIT, addition=True)
async def delete_attachment(id: str, caller: Caller) -> None:
    """Remove an attachment from its card and delete its file."""
    storage.remove_attachment(caller, id)
