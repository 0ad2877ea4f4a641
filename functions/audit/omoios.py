"""omoios, sections 5 and 17: the audit trail and exports."""

from datetime import MAXYEAR, timedelta
from typing import Annotated, Literal

from fastapi import Query
from starlette.responses import RedirectResponse, Response

from functions.audit import exporting
from shared.channels.exports import jobs
from shared.channels.exports.rows import Export
from shared.core import clock
from shared.core.actor import Permission
from shared.core.errors import FieldError, Invalid
from shared.core.ids import bare_id
from shared.edge.contracts.base import Shape
from shared.edge.contracts.fields import Date
from shared.edge.contracts.omoios import OMOIOS, Id
from shared.edge.http.call import Call, Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.audit import AuditEntry, shown_to
from shared.insight.audit import trails
from shared.insight.audit.rows import workspace_tenant
from shared.insight.audit.verifying import check_chain, count_unsealed_past
from shared.store import content_disposition, get_file
from shared.work.activities.reading import list_card_activities
from shared.work.activities.rows import project_log

routes = Routes(OMOIOS, "audit")
MAX_INLINE = 4_000_000
"""Bytes of a file that is the answer itself: as Base64 it is a third longer, and an answer has 6 MB at most."""


class ExportPending(Shape):
    """`location` leads to the file as soon as there is one; `rows` are written so far. `error` says why a failed one has none."""

    export_id: str
    status: str
    rows: int
    location: str
    error: str | None = None


Limit = Annotated[int, Query(ge=1, le=500)]
Skip = Annotated[int, Query(ge=0, le=trails.MAX_OFFSET)]
Cursor = Annotated[str | None, Query(max_length=2_000)]


@routes.get("/audit/tickets/{ticket_id}", "audit.ticket", permission=Permission.CARD_READ)
async def audit_ticket(
    ticket_id: Id, caller: Caller, call: ThisCall, limit: Limit = 100, offset: Skip = 0, cursor: Cursor = None
) -> list[AuditEntry]:
    """List all that has happened to a ticket, newest first. `X-Total-Count` has the total; `X-Next-Cursor` continues the list."""
    page = list_card_activities(caller, ticket_id, limit=limit, offset=offset, cursor=cursor)
    _say(call, page.total, page.next_cursor)
    return [shown_to(caller, row) for row in page.activities]


@routes.get("/audit/agents/{agent_id}", "audit.agent", permission=Permission.CARD_READ)
async def audit_agent(
    agent_id: Id, caller: Caller, call: ThisCall, limit: Limit = 100, offset: Skip = 0, cursor: Cursor = None
) -> list[AuditEntry]:
    """List what an agent has done in all the caller's workspaces, newest first; headers as those of a ticket's trail."""
    page = trails.agent_trail(caller, agent_id, trails.Span(limit=limit, offset=offset, cursor=cursor))
    _say(call, page.total, page.next_cursor)
    return [shown_to(caller, row) for row in page.entries]


@routes.get("/audit/projects/{project_id}", "audit.project", permission=Permission.PROJECT_READ)
async def audit_project(
    project_id: Id,
    caller: Caller,
    call: ThisCall,
    start_date: Date | None = None,
    end_date: Date | None = None,
    limit: Limit = 100,
    offset: Skip = 0,
    cursor: Cursor = None,
) -> list[AuditEntry]:
    """List all that has happened in a project, newest first. Both dates are included; a date without a time is a whole day in UTC.

    `X-Total-Count` has the total, between dates up to 5,000; `X-Next-Cursor` continues the list, at any depth.
    """
    start, end = _dates(start_date, end_date)
    page = trails.project_trail(caller, project_id, trails.Span(start, end, limit, offset, cursor))
    _say(call, page.total, page.next_cursor)
    return [shown_to(caller, row) for row in page.entries]


class AuditFault(Shape):
    """`entry_id` is null for a fault of a whole block."""

    block: int
    entry_id: str | None
    problem: str


class AuditCheck(Shape):
    """`last_hash` is that of the chain's last block: whoever keeps it can later tell whether anything before it was changed.

    `next_block` is where to go on, null at the end. `added` counts entries of the project that no block has though their time is sealed.
    """

    valid: bool
    workspace_id: str
    blocks: int
    last_hash: str
    checked_blocks: int
    checked_entries: int
    added: int | None
    next_block: int | None
    faults: list[AuditFault]


@routes.get("/audit/verify", "audit.verify", permission=Permission.WORKSPACE_WRITE, addition=True)
async def verify_audit(caller: Caller, project_id: Id | None = None, after_block: Annotated[int, Query(ge=0)] = 0) -> AuditCheck:
    """Check that the audit trail of a workspace is as it was sealed: of the project's one, else of the caller's own. A call checks up to
    4,000 entries; `after_block` goes on. Entries are sealed within seven minutes."""
    workspace_id, _ = exporting.sealed_scope(caller, project_id)
    tenant = workspace_tenant(workspace_id)
    check = check_chain(tenant, after_block)
    is_whole = project_id is not None and check.next_block is None
    added = count_unsealed_past(tenant, project_log(bare_id(project_id))) if is_whole and project_id else None
    return AuditCheck(
        valid=not check.faults and not added,
        workspace_id=workspace_id,
        blocks=check.blocks,
        last_hash=check.last_hash,
        checked_blocks=check.checked_blocks,
        checked_entries=check.checked_entries,
        added=added,
        next_block=check.next_block,
        faults=[AuditFault(block=one.block, entry_id=one.entry_id, problem=one.problem) for one in check.faults],
    )


TicketFormat = Literal["csv", "json", "pdf", "excel"]
FILES = ("text/csv", "application/json", "application/pdf", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
"""What the formats are to HTTP."""


@routes.get("/export/tickets", "export.tickets", permission=Permission.PROJECT_READ, media=FILES, others={202: ExportPending})
async def export_tickets(
    project_id: Id,
    caller: Caller,
    format: TicketFormat = "csv",
    filters: Annotated[str | None, Query(max_length=4_000)] = None,
) -> Response:
    """Export the tickets of a project as a file. `filters` is a JSON object: status, priority, phase_id, assignee_id, is_blocked, each a
    value or a list of values.

    A file of up to 4 MB is the answer itself; a larger one is at the address to which the answer leads (302). What takes longer than a
    request may is made in the background: 202, and `Location` leads to the file.
    """
    return _file(exporting.export_tickets(caller, project_id, format, exporting.ticket_filters(filters)))


@routes.get(
    "/export/audit-trail",
    "export.auditTrail",
    permission=Permission.PROJECT_READ,
    media=FILES,
    others={202: ExportPending},
)
async def export_audit_trail(
    caller: Caller,
    ticket_id: Id | None = None,
    agent_id: Id | None = None,
    project_id: Id | None = None,
    format: TicketFormat = "json",
    proof: bool = False,
) -> Response:
    """Export the audit trail of a ticket, an agent or a project, oldest first: of all that is named. Without a name it is that of the
    caller's own workspace, which only its administrators may see. Answers as the export of tickets does.

    With `proof=true` (only JSON, of a project or the workspace, for administrators) the file has the sealed entries with their blocks, and
    `python -m tools.verify_audit FILE` checks it without the platform.
    """
    named = exporting.Named(ticket_id, agent_id, project_id)
    if proof:
        return _file(exporting.export_proof(caller, named, format))
    return _file(exporting.export_audit_trail(caller, named, format))


@routes.get(
    "/export/files/{export_id}",
    "export.file",
    permission=Permission.PROJECT_READ,
    addition=True,
    media=FILES,
    others={202: ExportPending},
)
async def get_exported_file(export_id: Id, caller: Caller) -> Response:
    """Get the file of an export that was not finished at once, for six days: answers as the export does."""
    return _file(exporting.own_export(caller, export_id))


def _file(export: Export) -> Response:
    """Answer with the file of an export, with the address of a large one, or with where it will be."""
    if export.status != "completed":
        location = f"{OMOIOS.base}/export/files/{export.id}"
        pending = ExportPending(
            export_id=export.id, status=export.status, rows=int(export.rows_done), location=location, error=export.error
        )
        headers = {"Location": location, "Retry-After": "5"}
        return Response(pending.model_dump_json(), 202, headers, media_type="application/json")
    if int(export.size or 0) > MAX_INLINE:
        return RedirectResponse(jobs.file_url(export).url, 302)
    headers = {"Content-Disposition": content_disposition(export.file_name)}
    return Response(get_file(export.file_key), 200, headers, media_type=export.content_type)


def _dates(start: str | None, end: str | None) -> tuple[str, str]:
    """Return the bounds of positions between two dates. Raises Invalid if the last one is before the first."""
    first = clock.iso(clock.parse(start)) if start else ""
    if end is None:
        return first, trails.Span.end
    step = timedelta(days=1) if len(end) == len("2026-01-01") else timedelta(milliseconds=1)
    last = clock.parse(end)
    if last.year == MAXYEAR:
        return first, trails.Span.end
    behind = clock.iso(last + step)
    if behind <= first:
        raise Invalid(FieldError("end_date", "The end is before the start", end))
    return first, behind


def _say(call: Call, total: int | None, cursor: str | None) -> None:
    if total is not None:
        call.headers.append(("X-Total-Count", str(total)))
    if cursor is not None:
        call.headers.append(("X-Next-Cursor", cursor))
