"""The exports of omoios as they are asked for: who may, what is in them, and how long a request works on them."""

from dataclasses import dataclass
from typing import Any

from shared.channels.exports import jobs
from shared.channels.exports.rows import Export, new_export
from shared.core import clock, strict_json
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, NotFound
from shared.core.ids import bare_id
from shared.edge.views.omoios.exports import AUDIT, PROOF, TICKET_FILTERS, TICKETS, export_source, logs_of
from shared.insight.audit.rows import Head, workspace_tenant
from shared.insight.audit.trails import list_total
from shared.store import collection, get, load
from shared.work.activities.rows import project_log, workspace_log
from shared.work.boards.lanes import LANES, canonical_phase
from shared.work.boards.rows import Counts
from shared.work.items.rows import Item
from shared.work.projects.creating import default_workspace_id
from shared.work.projects.rows import Project, projects_of

SECONDS = 15
"""Seconds that a request works on a file: a hundred thousand entries as CSV take less; API Gateway waits for 29."""
_EXTENSIONS = {"excel": "xlsx"}
_MAX_VALUES = 100
_KNOWN = {
    "status": ("open", "in_progress", "done"),
    "priority": ("CRITICAL", "HIGH", "MEDIUM", "LOW"),
    "phase_id": tuple(dict.fromkeys(lane.phase for lane in LANES)),
}
"""What a filter can name, if not anything."""
_NEEDS_COSTS = "Who exports the proof sees the amounts in it, and needs the permission for that"


@dataclass(frozen=True)
class Named:
    """What an audit trail is about; None: not named."""

    ticket_id: str | None = None
    agent_id: str | None = None
    project_id: str | None = None

    @property
    def bare(self) -> dict[str, str]:
        return {name: bare_id(value) for name, value in vars(self).items() if value is not None}


def ticket_filters(text: str | None) -> dict[str, list[Any]]:
    """Read the filters of an export of tickets. Raises Invalid."""
    try:
        found = strict_json.parse(text, "The filters") if text else {}
    except ValueError as error:
        raise Invalid(FieldError("filters", str(error))) from None
    if not isinstance(found, dict):
        raise Invalid(FieldError("filters", "The filters are a JSON object"))
    if unknown := sorted(found.keys() - set(TICKET_FILTERS)):
        raise Invalid(FieldError("filters", f"There is no filter {', '.join(unknown)}: there are {', '.join(TICKET_FILTERS)}"))
    filters = {name: value if isinstance(value, list) else [value] for name, value in found.items()}
    for name, values in filters.items():
        kind = bool if name == "is_blocked" else str
        if not values or len(values) > _MAX_VALUES or not all(type(value) is kind for value in values):
            raise Invalid(
                FieldError("filters", f"{name} is a {'flag' if kind is bool else 'text'} or a list of up to {_MAX_VALUES}")
            )
    if "priority" in filters:
        filters["priority"] = [value.upper() for value in filters["priority"]]
    if "phase_id" in filters:
        filters["phase_id"] = list(map(canonical_phase, filters["phase_id"]))
    for name, known in _KNOWN.items():
        if unknown := sorted(set(filters.get(name, ())) - set(known)):
            raise Invalid(FieldError("filters", f"There is no {name} {', '.join(unknown)}: there are {', '.join(known)}"))
    return filters


def export_tickets(actor: Actor, project_id: str, format_: str, filters: dict[str, list[Any]]) -> Export:
    """Export the tickets of a project. Raises NotFound, Forbidden, Invalid for more rows than the format takes."""
    project = load(Project, project_id, actor, Permission.PROJECT_READ)
    counts = get(Counts, *Counts.key(project.board_id))
    now = clock.iso()
    ask = {
        "project_id": project.id,
        "board_id": project.board_id,
        "filters": filters,
        "cards": counts.cards if counts else 0,
        "at": now,
    }
    return _make(actor, TICKETS, format_, ask, f"tickets-{project.slug}-{now[:10]}", str(project.ws_id))


def export_audit_trail(actor: Actor, named: Named, format_: str) -> Export:
    """Export an audit trail. Raises NotFound, Forbidden, Invalid for more rows than the format takes."""
    ids, now = named.bare, clock.iso()
    ws_id, about = _scope(actor, named)
    shown = about.get("ws_ids", [ws_id])
    costs = [one for one in shown if actor.may(Permission.USAGE_READ, one)]
    ask = ids | about | {"until": now, "shown": shown, "costs": costs}
    name = next(iter(ids.values()), ws_id)
    return _make(actor, AUDIT, format_, ask, f"audit-trail-{name[-12:]}-{now[:10]}", ws_id)


def _scope(actor: Actor, named: Named) -> tuple[str, dict[str, Any]]:
    """Return the workspace of a trail and where its entries are. Raises NotFound, Forbidden."""
    ticket = load(Item, named.ticket_id, actor, Permission.CARD_READ) if named.ticket_id is not None else None
    project = load(Project, named.project_id, actor, Permission.PROJECT_READ) if named.project_id is not None else None
    holder = ticket or project
    if named.agent_id is not None and ticket is None:
        visible = [ws_id for ws_id in sorted(actor.workspaces) if actor.may(Permission.PROJECT_READ, ws_id)]
        ws_ids = [str(project.ws_id)] if project else visible
        return (ws_ids or [""])[0], {"ws_ids": ws_ids}
    if holder is not None:
        log = project_log(str(ticket.proj_id) if ticket else holder.id)
        ws_id = str(holder.ws_id)
        expected = list_total(workspace_tenant(ws_id), log) if ticket is None else 0
        return ws_id, {"logs": [log], "expected": expected}
    ws_id = default_workspace_id(actor, actor.org_id, Permission.WORKSPACE_WRITE)
    projects = collection(1, projects_of(ws_id).partition)
    return ws_id, {"logs": logs_of((row.id for row in projects), workspace_log(ws_id))}


def sealed_scope(actor: Actor, project_id: str | None) -> tuple[str, list[str] | None]:
    """Return the workspace whose chain is meant, and the logs of it (None: all). Raises NotFound, and Forbidden for who does not
    administer it."""
    if project_id is None:
        return default_workspace_id(actor, actor.org_id, Permission.WORKSPACE_WRITE), None
    project = load(Project, project_id, actor, Permission.WORKSPACE_WRITE)
    return str(project.ws_id), [project_log(project.id)]


def export_proof(actor: Actor, named: Named, format_: str) -> Export:
    """Export the sealed entries of a project or a workspace with their blocks. Raises NotFound, Forbidden, Invalid."""
    if format_ != "json":
        raise Invalid(FieldError("proof", "Only JSON can hold the proof"))
    if named.ticket_id is not None or named.agent_id is not None:
        raise Invalid(FieldError("proof", "Blocks prove the trail of a project or a workspace, not of a part of it"))
    ws_id, logs = sealed_scope(actor, named.project_id)
    actor.require(Permission.USAGE_READ, ws_id, reason=_NEEDS_COSTS)
    tenant, now = workspace_tenant(ws_id), clock.iso()
    head = get(Head, f"AUDIT#{tenant}", "HEAD") or Head.of(tenant)
    ask = {
        "title": "Audit trail with proof",
        "tenant": tenant,
        "logs": logs,
        "blocks": int(head.number),
        "last_hash": head.hash,
        "exported_at": now,
    }
    return _make(actor, PROOF, "proof.json", ask, f"audit-proof-{now[:10]}", ws_id)


def own_export(actor: Actor, export_id: str) -> Export:
    """Return an export that the actor has asked for and may still see: who has lost a permission since asks anew. Raises NotFound."""
    export = jobs.own_export(actor, export_id, (TICKETS, AUDIT, PROOF))
    shown, costs = export.ask.get("shown", [export.ws_id]), export.ask.get("costs", [])
    needed = [(Permission.PROJECT_READ, one) for one in shown] + [(Permission.USAGE_READ, one) for one in costs]
    if export.subject == PROOF:
        needed.append((Permission.USAGE_READ, export.ws_id))
    if export.subject == PROOF or (export.subject == AUDIT and not export.ask.keys() & Named.__annotations__.keys()):
        needed.append((Permission.WORKSPACE_WRITE, export.ws_id))
    if not all(actor.may(permission, ws_id) for permission, ws_id in needed):
        raise NotFound(Export.NAME)
    return export


def _make(actor: Actor, subject: str, format_: str, ask: dict[str, Any], name: str, ws_id: str) -> Export:
    export = new_export(
        subject,
        _EXTENSIONS.get(format_, format_),
        ask | {"by": actor.id},
        name,
        rows_total=None,
        ws_id=ws_id,
        org_id=actor.org_id,
        requested_by=actor.summary,
    )
    return jobs.make_export(export, export_source(export), seconds=SECONDS)
