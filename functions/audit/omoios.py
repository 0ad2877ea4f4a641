"""omoios, sections 5 and 17: the audit trail and exports."""

from datetime import timedelta
from typing import Annotated

from fastapi import Query

from shared.agents.catalogue.registry import agents
from shared.core import clock
from shared.core.actor import Permission
from shared.core.errors import FieldError, Invalid, NotFound
from shared.core.ids import bare_id
from shared.edge.contracts.fields import Date
from shared.edge.contracts.omoios import OMOIOS, Id
from shared.edge.http.call import Call, Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.audit import AuditEntry, audit_entry
from shared.work.activities.reading import list_card_activities
from shared.work.audit import trails

routes = Routes(OMOIOS, "audit")

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
    return [audit_entry(row, caller) for row in page.activities]


@routes.get("/audit/agents/{agent_id}", "audit.agent", permission=Permission.CARD_READ)
async def audit_agent(
    agent_id: Id, caller: Caller, call: ThisCall, limit: Limit = 100, offset: Skip = 0, cursor: Cursor = None
) -> list[AuditEntry]:
    """List what an agent has done in all the caller's workspaces, newest first; headers as those of a ticket's trail."""
    page = trails.agent_trail(caller, agent_id, trails.Span(limit=limit, offset=offset, cursor=cursor))
    if not page.total and bare_id(agent_id) not in {agent.id for agent in agents()}:
        raise NotFound("agent")
    _say(call, page.total, page.next_cursor)
    return [audit_entry(row, caller) for row in page.entries]


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
    return [audit_entry(row, caller) for row in page.entries]


def _dates(start: str | None, end: str | None) -> tuple[str, str]:
    """Return the bounds of positions between two dates. Raises Invalid if the last one is before the first."""
    first = clock.iso(clock.parse(start)) if start else ""
    if end is None:
        return first, trails.Span.end
    step = timedelta(days=1) if len(end) == len("2026-01-01") else timedelta(milliseconds=1)
    behind = clock.iso(clock.parse(end) + step)
    if behind <= first:
        raise Invalid(FieldError("end_date", "The end is before the start", end))
    return first, behind


def _say(call: Call, total: int | None, cursor: str | None) -> None:
    if total is not None:
        call.headers.append(("X-Total-Count", str(total)))
    if cursor is not None:
        call.headers.append(("X-Next-Cursor", cursor))
