"""omoios, section 18: files of tickets. They are the attachments of cards."""

from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.datastructures import UploadFile
from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response

from shared.core.actor import Permission
from shared.core.errors import CadreError, FieldError, Invalid
from shared.core.situations import Situation
from shared.edge.contracts.base import Shape
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.store import content_disposition, load
from shared.work.attachments import direct, storage
from shared.work.attachments.direct import MAX_DIRECT
from shared.work.items.rows import Item

MAX_REQUEST = MAX_DIRECT + 100_000
"""Bytes of a request: the file, and what stands around it."""
_FORM = "multipart/form-data"


class UploadForm(BaseModel):
    file: Annotated[str, Field(json_schema_extra={"format": "binary"})]


class Attachment(Shape):
    """`file_size` in bytes; `file_path` names the file among those of all tickets and is no address."""

    id: str
    ticket_id: str
    filename: str
    file_path: str
    file_size: int
    content_type: str
    uploaded_at: str
    uploaded_by: str


class Deleted(Shape):
    status: str = "deleted"


def _attachment(ticket_id: str, summary: dict[str, Any]) -> Attachment:
    """Return what is shown of a file, from the summary that its card stores."""
    return Attachment(
        id=summary["id"],
        ticket_id=ticket_id,
        filename=summary["filename"],
        file_path=f"attachments/{ticket_id}/{summary['filename']}",
        file_size=summary["size"],
        content_type=summary["content_type"],
        uploaded_at=summary["uploaded_at"],
        uploaded_by=summary["uploaded_by"]["id"],
    )


async def list_files(ticket_id: str, caller: Caller) -> list[Attachment]:
    """List the files of a ticket, of which there are up to twenty, oldest first."""
    card = load(Item, ticket_id, caller, Permission.CARD_READ)
    return [_attachment(card.id, one) for one in card.attachments]


async def upload(ticket_id: str, request: HttpRequest, caller: Caller) -> Attachment:
    """Attach a file of up to 4 MiB: a form (`multipart/form-data`) with a field `file`.

    Images, documents, text, archives, sound and video may be attached; the first bytes must be what the type says. A ticket has up to
    twenty files.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise CadreError(Situation.UNSUPPORTED_MEDIA, f"The request body must be {_FORM}")
    async with request.form(max_files=1, max_fields=20, max_part_size=MAX_DIRECT) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Invalid(FieldError("file", "A file is needed"))
        body = await file.read()
    attached = direct.attach_file(caller, ticket_id, file.filename or "", file.content_type or "", body)
    return _attachment(attached.item_id, attached.summary)


async def download(attachment_id: str, caller: Caller) -> Response:
    """Download a file; one of more than 4 MiB from the address to which the answer (302) leads for fifteen minutes."""
    row, found = direct.read_file(caller, attachment_id)
    if isinstance(found, str):
        return RedirectResponse(found, 302)
    headers = {
        "Content-Type": row.content_type,
        "Content-Disposition": content_disposition(row.filename),
        "X-Content-Type-Options": "nosniff",
    }
    return Response(found, headers=headers)


async def delete(attachment_id: str, caller: Caller) -> Deleted:
    """Delete a file of a ticket."""
    storage.remove_attachment(caller, attachment_id)
    return Deleted()


def publish(routes: Routes) -> None:
    """Declare the operations of attachments."""
    changed = (Situation.CARD_ARCHIVED, Situation.PROJECT_ARCHIVED)
    routes.post(
        "/tickets/{ticket_id}/attachments",
        "attachments.upload",
        status=201,
        permission=Permission.CARD_EDIT,
        max_body=MAX_REQUEST,
        form=UploadForm,
        form_media=_FORM,
        errors=(*changed, Situation.LIMIT_REACHED),
    )(upload)
    routes.get("/tickets/{ticket_id}/attachments", "attachments.list", permission=Permission.CARD_READ, addition=True)(list_files)
    routes.get(
        "/attachments/{attachment_id}", "attachments.download", permission=Permission.CARD_READ, media="application/octet-stream"
    )(download)
    routes.delete("/attachments/{attachment_id}", "attachments.delete", permission=Permission.CARD_EDIT, errors=changed)(delete)
