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
from shared.edge.contracts.base import Shape, StrictRequest
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
"""Bytes of a request with a text: API Gateway encodes it in base64, and Lambda accepts 6 MB. A longer text must be uploaded."""

Type = Literal["blueprint", "prd", "mvp", "agent_playbook", "architecture", "custom"]
ContentType = Literal["markdown", "html", "plain_text"]
Status = Literal["draft", "review", "approved", "archived"]
Number = Annotated[int, Field(ge=1, le=99_999)]
UploadId = Annotated[
    Id | None, Field(description="Not in the document: a text that was uploaded (`documents.upload`), in place of `content`")
]

_PUBLIC_STATUS: Mapping[str, str] = {"rejected": "draft", "superseded": "archived"}
"""How statuses are shown that this contract does not have."""
_STATUS_FILTERS: Mapping[str, frozenset[str]] = {"draft": frozenset({"draft", "rejected"})}


class ProjectDocument(Shape):
    """`content` is the whole text. If it is too long for the response (all texts together can have about 4.5 MB), it is empty and
    `contentUrl` downloads it for an hour. The fields after `updatedBy` are not in the document."""

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
    """The `oldLines` lines from `oldStart` became the `newLines` lines from `newStart`, counted from 1; `lines` begin with `-` or `+`."""

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
    """`added` and `removed` count lines of the text. `truncated`: some hunks or lines are left out, at most 16 KB and 200 hunks are shown;
    `coarse`: a part was too large to compare line by line and is shown as one replacement. `fields`: changes of other fields."""

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
    """`revisions` are newest first, at most fifty or as many as fit into a response. `revisionPagination` is not in the document; the next
    page begins at `offset + limit`."""

    revisions: list[DocumentRevision]
    revisionPagination: PaginationMeta


class ListDocumentsResponse(Shape):
    """The document has no paging here: `total` and `pagination` are not in it. A page can hold fewer documents than requested if their
    texts fill the response: `pagination.limit` is then their number, and the next page begins at `offset + limit`."""

    documents: list[ProjectDocument]
    total: int
    pagination: PaginationMeta


class CreateDocumentRequest(StrictRequest):
    """`content` is required unless `contentUploadId` is given."""

    type: Type
    title: Title
    content: str | None = None
    contentType: ContentType = "markdown"
    tags: Labels = []
    contentUploadId: UploadId = None


class UpdateDocumentRequest(StrictRequest):
    """A field that is left out or null stays unchanged. A new text or title makes a new version."""

    title: Title | None = None
    content: str | None = None
    tags: Labels | None = None
    status: Status | None = None
    contentUploadId: UploadId = None
    baseVersion: Annotated[
        Number | None, Field(description="Not in the document: the version that was changed; 409 when there is a younger one")
    ] = None


class PublishDocumentRequest(StrictRequest):
    version: Annotated[Number | None, Field(description="If not provided, creates a new version")] = None


class UploadRequest(StrictRequest):
    size: Annotated[int, Field(ge=0, le=MAX_BYTES, description="Bytes of the text in UTF-8")]


class UploadResponse(Shape):
    """PUT the text to `uploadUrl` with these headers before `expiresAt`, then send `contentUploadId` in place of `content`. An upload
    that is not used expires after a day."""

    contentUploadId: str
    uploadUrl: str
    method: Literal["PUT"] = "PUT"
    headers: dict[str, str]
    expiresAt: str


@routes.get("/projects/{id}/docs", "documents.list", permission=Permission.PROJECT_READ)
async def list_documents(
    id: str,
    caller: Caller,
    type: Annotated[Type | None, Query(description="Not in the document")] = None,
    status: Annotated[Status | None, Query(description="Not in the document")] = None,
    limit: Annotated[Limit, Query(description="Not in the document")] = MAX_LIMIT,
    offset: Annotated[Offset, Query(description="Not in the document")] = 0,
) -> ListDocumentsResponse:
    """List the documents of a project with their texts, last changed first: at most a hundred a page, or as many as fit into a response."""
    query = DocumentQuery(type, _STATUS_FILTERS.get(status, frozenset({status})) if status else None, limit, offset)
    documents, total = reading.list_documents(caller, id, query)
    max_bytes = texts.MAX_RESPONSE_BYTES - sum(loaded.document.metadata_size for loaded in documents)
    rendered = texts.render_texts([(loaded.stored, loaded.shown_size) for loaded in documents], max_bytes)
    return ListDocumentsResponse.model_construct(
        documents=[_document(loaded, text) for loaded, text in zip(documents, rendered, strict=True)],
        total=total,
        pagination=pagination(limit, offset, total, len(documents)),
    )


@routes.get("/projects/{id}/docs/{type}", "documents.latestByType", permission=Permission.PROJECT_READ)
async def latest_document(id: str, type: str, caller: Caller) -> ProjectDocument:
    """Get the document of this type with the newest version; an archived one only if there is no other."""
    return _render(reading.get_latest_document(caller, id, type))


@routes.post(
    "/projects/{id}/docs",
    "documents.create",
    status=201,
    permission=Permission.DOCUMENT_WRITE,
    max_body=MAX_BODY,
    fields=FIELDS,
)
async def create(id: str, body: CreateDocumentRequest, caller: Caller) -> ProjectDocument:
    """Create a document: version 1, a draft."""
    new = NewDocument(body.type, body.title, body.content, body.contentType, body.tags, body.contentUploadId)
    return _render(create_document(caller, id, new))


@routes.post(
    "/projects/{id}/docs/uploads",
    "documents.upload",
    status=201,
    permission=Permission.DOCUMENT_WRITE,
    secret=True,
    addition=True,
)
async def upload(id: str, body: UploadRequest, caller: Caller) -> UploadResponse:
    """Get a URL for uploading a text that is too long for a request (more than about 4 MB, at most 10 MB)."""
    signed = texts.begin_upload(caller, id, body.size)
    return UploadResponse(contentUploadId=signed.id, uploadUrl=signed.url, headers=signed.headers, expiresAt=signed.expires_at)


@routes.get("/documents/{id}", "documents.get", permission=Permission.PROJECT_READ)
async def get_document(
    id: str,
    caller: Caller,
    version: Annotated[Number | None, Query(description="Not in the document: an older version")] = None,
    revisionLimit: Annotated[int, Query(ge=1, le=MAX_REVISIONS, description="Not in the document")] = MAX_REVISIONS,
    revisionOffset: Annotated[Offset, Query(description="Not in the document")] = 0,
) -> DocumentDetails:
    """Get a document with its revisions: its latest version, or an older one."""
    loaded, revisions, total = reading.get_document_with_revisions(
        caller, id, number=version, limit=revisionLimit, offset=revisionOffset
    )
    return DocumentDetails.model_validate(
        _fields(loaded, texts.render_text(loaded.stored, loaded.shown_size))
        | {
            "revisions": [_revision(loaded.document.id, row) for row in revisions],
            "revisionPagination": pagination(revisionLimit, revisionOffset, total, len(revisions)),
        }
    )


@routes.put("/documents/{id}", "documents.update", permission=Permission.DOCUMENT_WRITE, max_body=MAX_BODY, fields=FIELDS)
async def update(id: str, body: UpdateDocumentRequest, caller: Caller) -> ProjectDocument:
    """Change a document. Statuses go from draft to review to approved to archived, and back to draft; approving needs the permission to
    publish. 409 if another request was faster."""
    changes = body.model_dump(include={"title", "content", "tags", "status"}, exclude_none=True)
    return _render(update_document(caller, id, changes, upload_id=body.contentUploadId, base=body.baseVersion))


@routes.post("/documents/{id}/publish", "documents.publish", permission=Permission.DOCUMENT_APPROVE)
async def publish(id: str, caller: Caller, body: PublishDocumentRequest | None = None) -> ProjectDocument:
    """Publish a version, or the latest text as a new version. Publishing also approves the version."""
    return _render(approving.publish(caller, id, body.version if body else None))


def _render(loaded: LoadedDocument) -> ProjectDocument:
    return _document(loaded, texts.render_text(loaded.stored, loaded.shown_size))


def _document(loaded: LoadedDocument, text: TextOrLink) -> ProjectDocument:
    return ProjectDocument.model_validate(_fields(loaded, text))


def _fields(loaded: LoadedDocument, text: TextOrLink) -> dict[str, Any]:
    """Return the fields of ProjectDocument, for the latest version or for an older one."""
    document, version = loaded.document, loaded.version
    shown = version or document
    status = statuses.version_status(document, version) if version else document.status
    published_at = version.published_at if version else document.published_at
    return {
        "id": document.id,
        "projectId": document.proj_id,
        "type": document.type,
        "title": shown.title,
        "content": text.text,
        "contentType": shown.content_type,
        "version": int(shown.number),
        "isLatest": version is None,
        "status": _PUBLIC_STATUS.get(status, status),
        "tags": document.tags,
        "createdAt": document.created_at,
        "updatedAt": version.created_at if version else document.updated_at,
        "publishedAt": published_at,
        "createdBy": user_summary(document.created_by),
        "updatedBy": _user_or_none(version.created_by if version else document.updated_by),
        "contentUrl": text.link,
        "contentSize": loaded.size,
        "versionId": version.id if version else document.version_id,
        "publishedVersion": document.published_number,
        "approvedBy": _user_or_none(shown.approved_by),
        "approvedAt": shown.approved_at,
        "rejectionReason": shown.rejection_reason,
    }


def _user_or_none(summary: dict[str, Any] | None) -> UserSummary | None:
    return user_summary(summary) if summary else None


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


def _diff(diff: Mapping[str, Any]) -> DiffData:
    hunks: Sequence[Mapping[str, Any]] = diff.get("hunks", ())
    return DiffData(
        added=diff.get("added", 0),
        removed=diff.get("removed", 0),
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
        truncated=diff.get("truncated", False),
        coarse=diff.get("coarse", False),
        fields=diff.get("fields", {}),
    )
