"""agentworks, section 7: documents of a project."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from shared.core.actor import Permission
from shared.edge.contracts.agentworks import (
    AGENTWORKS,
    MAX_LIMIT,
    Id,
    Labels,
    Limit,
    PaginationMeta,
    UserSummary,
    pagination,
    user_summary,
)
from shared.edge.contracts.base import Closed, Shape
from shared.edge.contracts.fields import Offset, Title
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.work.documents import approving, reading, statuses, texts
from shared.work.documents.reading import MAX_REVISIONS, DocumentQuery, LoadedDocument
from shared.work.documents.rows import Revision
from shared.work.documents.texts import MAX_BYTES, TextOrLink
from shared.work.documents.writing import NewDocument, create_document, update_document

routes = Routes(AGENTWORKS, "documents")
FIELDS = {"upload_id": "contentUploadId"}

MAX_BODY = 4_500_000
"""Bytes of a request with a text: API Gateway hands it over in base64, and Lambda takes 6 MB. A longer text is uploaded."""

Type = Literal["blueprint", "prd", "mvp", "agent_playbook", "architecture", "custom"]
ContentType = Literal["markdown", "html", "plain_text"]
Status = Literal["draft", "review", "approved", "archived"]
Number = Annotated[int, Field(ge=1, le=99_999)]
UploadId = Annotated[
    Id | None, Field(description="Not in the document: a text that was uploaded (`documents.upload`), in place of `content`")
]

_PUBLIC_STATUS: Mapping[str, str] = {"rejected": "draft", "superseded": "archived"}
"""Statuses that only the platform and omoios know."""
_STATUS_FILTERS: Mapping[str, frozenset[str]] = {"draft": frozenset({"draft", "rejected"})}


class ProjectDocument(Shape):
    """`content` is whole or, where it is too long for the answer (about 4.5 MB of texts fit into one), empty: then `contentUrl` leads to
    it for an hour. What follows `updatedBy` is not in the document."""

    id: str
    projectId: str
    type: str
    title: str
    content: str
    contentType: str
    version: int
    isLatest: bool
    status: str
    tags: list[str]
    createdAt: str
    updatedAt: str
    publishedAt: str | None = None
    createdBy: UserSummary
    updatedBy: UserSummary | None = None
    contentUrl: str | None = None
    contentSize: Annotated[int, Field(description="Bytes of the text in UTF-8")]
    versionId: str
    publishedVersion: int | None = None
    approvedBy: UserSummary | None = None
    approvedAt: str | None = None
    rejectionReason: str | None = None


class DiffHunk(Shape):
    """Lines `oldStart` and following became `newStart` and following, counted from 1; `lines` begin with `-` or `+`."""

    op: Literal["insert", "delete", "replace"]
    oldStart: int
    oldLines: int
    newStart: int
    newLines: int
    lines: list[str]


class FieldChange(Shape):
    old: Any = None
    new: Any = None


class DiffData(Shape):
    """`added` and `removed` count lines of the text. `truncated`: some hunks or lines are left out, 16 KB and 200 hunks are shown;
    `coarse`: a part was too large to compare line by line and stands as one replacement. `fields`: what else was changed."""

    added: int
    removed: int
    hunks: list[DiffHunk]
    truncated: bool
    coarse: bool
    fields: dict[str, FieldChange]


class DocumentRevision(Shape):
    id: str
    documentId: str
    changeType: Literal["created", "updated", "approved", "published"]
    summary: str | None = None
    diffData: DiffData | None = None
    oldVersion: int | None = None
    newVersion: int
    createdAt: str
    createdBy: UserSummary


class DocumentDetails(ProjectDocument):
    """`revisions` are the newest first, fifty at most, or as many as an answer holds. `revisionPagination` is not in the document; the next
    ones begin at `offset + limit`."""

    revisions: list[DocumentRevision]
    revisionPagination: PaginationMeta


class ListDocumentsResponse(Shape):
    """The document has no paging here: a page is as large as it may be. Where its texts fill an answer it ends before, and
    `pagination.limit` says how many there are: the next page begins at `offset + limit`. Both are not in the document."""

    documents: list[ProjectDocument]
    total: int
    pagination: PaginationMeta


class CreateDocumentRequest(Closed):
    """`content` is required unless `contentUploadId` stands in for it."""

    type: Type
    title: Title
    content: str | None = None
    contentType: ContentType = "markdown"
    tags: Labels = []
    contentUploadId: UploadId = None


class UpdateDocumentRequest(Closed):
    """A field that is left out, or null, stays. Another text or title makes a new version."""

    title: Title | None = None
    content: str | None = None
    tags: Labels | None = None
    status: Status | None = None
    contentUploadId: UploadId = None
    baseVersion: Annotated[
        Number | None, Field(description="Not in the document: the version that was changed; 409 when there is a younger one")
    ] = None


class PublishDocumentRequest(Closed):
    version: Annotated[Number | None, Field(description="If not provided, creates a new version")] = None


class UploadRequest(Closed):
    size: Annotated[int, Field(ge=0, le=MAX_BYTES, description="Bytes of the text in UTF-8")]


class UploadResponse(Shape):
    """PUT the text to `uploadUrl` with these headers before `expiresAt`, then name `contentUploadId` in place of `content`. What nobody
    names is gone after a day."""

    contentUploadId: str
    uploadUrl: str
    method: Literal["PUT"] = "PUT"
    headers: dict[str, str]
    expiresAt: str


@routes.get("/projects/{id}/docs", "documents.list", needs=Permission.PROJECT_READ)
async def list_documents(
    id: str,
    caller: Caller,
    type: Annotated[Type | None, Query(description="Not in the document")] = None,
    status: Annotated[Status | None, Query(description="Not in the document")] = None,
    limit: Annotated[Limit, Query(description="Not in the document")] = MAX_LIMIT,
    offset: Annotated[Offset, Query(description="Not in the document")] = 0,
) -> ListDocumentsResponse:
    """The documents of a project with their texts, the last changed first: a hundred a page, or as many as an answer holds."""
    wanted = DocumentQuery(type, _STATUS_FILTERS.get(status, frozenset({status})) if status else None, limit, offset)
    pages, total = reading.list_documents(caller, id, wanted)
    room = texts.MAX_RESPONSE_BYTES - sum(page.document.about_size for page in pages)
    shown = texts.render_texts([(page.kept, page.shown_size) for page in pages], room)
    return ListDocumentsResponse.model_construct(
        documents=[_document(page, text) for page, text in zip(pages, shown, strict=True)],
        total=total,
        pagination=_page_pagination(len(pages), limit, offset, total),
    )


@routes.get("/projects/{id}/docs/{type}", "documents.latestByType", needs=Permission.PROJECT_READ)
async def latest_document(id: str, type: str, caller: Caller) -> ProjectDocument:
    """The document of this type whose latest version is the youngest; archived ones only where there is no other."""
    return _render(reading.get_latest_document(caller, id, type))


@routes.post(
    "/projects/{id}/docs",
    "documents.create",
    status=201,
    needs=Permission.DOCUMENT_WRITE,
    max_body=MAX_BODY,
    fields=FIELDS,
)
async def create(id: str, body: CreateDocumentRequest, caller: Caller) -> ProjectDocument:
    """A new document, version 1, a draft."""
    new = NewDocument(body.type, body.title, body.content, body.contentType, body.tags, body.contentUploadId)
    return _render(create_document(caller, id, new))


@routes.post(
    "/projects/{id}/docs/uploads", "documents.upload", status=201, needs=Permission.DOCUMENT_WRITE, secret=True, addition=True
)
async def upload(id: str, body: UploadRequest, caller: Caller) -> UploadResponse:
    """Where to put a text that is too long for a request (more than about 4 MB, 10 MB at most)."""
    begun = texts.begin_upload(caller, id, body.size)
    return UploadResponse(contentUploadId=begun.id, uploadUrl=begun.url, headers=begun.headers, expiresAt=begun.expires_at)


@routes.get("/documents/{id}", "documents.get", needs=Permission.PROJECT_READ)
async def get_document(
    id: str,
    caller: Caller,
    version: Annotated[Number | None, Query(description="Not in the document: an older version")] = None,
    revisionLimit: Annotated[int, Query(ge=1, le=MAX_REVISIONS, description="Not in the document")] = MAX_REVISIONS,
    revisionOffset: Annotated[Offset, Query(description="Not in the document")] = 0,
) -> DocumentDetails:
    """A document as it is now, with its revisions."""
    page, revisions, total = reading.get_document_with_revisions(
        caller, id, number=version, limit=revisionLimit, offset=revisionOffset
    )
    return DocumentDetails.model_validate(
        _fields(page, texts.render_text(page.kept, page.shown_size))
        | {
            "revisions": [_revision(page.document.id, row) for row in revisions],
            "revisionPagination": _page_pagination(len(revisions), revisionLimit, revisionOffset, total),
        }
    )


@routes.put("/documents/{id}", "documents.update", needs=Permission.DOCUMENT_WRITE, max_body=MAX_BODY, fields=FIELDS)
async def update(id: str, body: UpdateDocumentRequest, caller: Caller) -> ProjectDocument:
    """Change a document. Statuses go from draft to review to approved to archived, and back to draft; whoever may not publish may not
    approve either. 409 when somebody else was faster."""
    changes = body.model_dump(include={"title", "content", "tags", "status"}, exclude_none=True)
    return _render(update_document(caller, id, changes, upload_id=body.contentUploadId, base=body.baseVersion))


@routes.post("/documents/{id}/publish", "documents.publish", needs=Permission.DOCUMENT_APPROVE)
async def publish(id: str, caller: Caller, body: PublishDocumentRequest | None = None) -> ProjectDocument:
    """Publish a version, or the latest text as a new version. What is published is approved thereby."""
    return _render(approving.publish(caller, id, body.version if body else None))


def _page_pagination(shown: int, limit: int, offset: int, total: int) -> PaginationMeta:
    """`limit` is how many are shown where there was no room for more of them."""
    return pagination(shown if shown and offset + shown < total else limit, offset, total)


def _render(page: LoadedDocument) -> ProjectDocument:
    return _document(page, texts.render_text(page.kept, page.shown_size))


def _document(page: LoadedDocument, text: TextOrLink) -> ProjectDocument:
    return ProjectDocument.model_validate(_fields(page, text))


def _fields(page: LoadedDocument, text: TextOrLink) -> dict[str, Any]:
    """The fields of ProjectDocument: of the document, or of the older version that is looked at."""
    document, version = page.document, page.version
    seen = version or document
    status = statuses.version_status(document, version) if version else document.status
    published_at = version.published_at if version else document.published_at
    return {
        "id": document.id,
        "projectId": document.proj_id,
        "type": document.type,
        "title": seen.title,
        "content": text.text,
        "contentType": seen.content_type,
        "version": int(seen.number),
        "isLatest": version is None,
        "status": _PUBLIC_STATUS.get(status, status),
        "tags": document.tags,
        "createdAt": document.created_at,
        "updatedAt": version.created_at if version else document.updated_at,
        "publishedAt": published_at,
        "createdBy": user_summary(document.created_by),
        "updatedBy": _user_or_none(version.created_by if version else document.updated_by),
        "contentUrl": text.link,
        "contentSize": page.size,
        "versionId": version.id if version else document.version_id,
        "publishedVersion": document.published_number,
        "approvedBy": _user_or_none(seen.approved_by),
        "approvedAt": seen.approved_at,
        "rejectionReason": seen.rejection_reason,
    }


def _user_or_none(kept: dict[str, Any] | None) -> UserSummary | None:
    return user_summary(kept) if kept else None


def _revision(document_id: str, row: Revision) -> DocumentRevision:
    return DocumentRevision(
        id=row.id,
        documentId=document_id,
        changeType=row.change,
        summary=row.summary,
        diffData=_diff(row.diff) if row.diff else None,
        oldVersion=row.old_number,
        newVersion=int(row.new_number),
        createdAt=row.created_at,
        createdBy=user_summary(row.created_by),
    )


def _diff(kept: Mapping[str, Any]) -> DiffData:
    hunks: Sequence[Mapping[str, Any]] = kept.get("hunks", ())
    return DiffData(
        added=kept.get("added", 0),
        removed=kept.get("removed", 0),
        hunks=[
            DiffHunk(
                op=hunk["op"],
                oldStart=hunk["old_start"],
                oldLines=hunk["old_lines"],
                newStart=hunk["new_start"],
                newLines=hunk["new_lines"],
                lines=hunk["lines"],
            )
            for hunk in hunks
        ],
        truncated=kept.get("truncated", False),
        coarse=kept.get("coarse", False),
        fields=kept.get("fields", {}),
    )
