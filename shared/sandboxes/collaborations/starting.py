"""Begin a collaboration, and cancel one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, FieldError, Forbidden, Invalid, LimitExceeded, NotFound
from shared.core.ids import bare_id, is_id, new_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.tenancy.rows import Workspace
from shared.people.tenancy.workspaces import authorize_workspace
from shared.sandboxes.collaborations.machine import AGGREGATION, BREAKDOWN, CONVERSATION, Ended, decide
from shared.sandboxes.collaborations.moving import change_state
from shared.sandboxes.collaborations.rows import CANCELLED, ORCHESTRATED, Collaboration, CollaborationCount, CollaborationHead
from shared.sandboxes.collaborations.state import Member, State, from_json, to_json
from shared.sandboxes.collaborations.swarm import ANSWERS, RUNOFF, VOTES
from shared.sandboxes.lifecycle.reading import begin_named
from shared.sandboxes.lifecycle.rows import ERROR, STOPPED, STOPPING, Sandbox, name_guard
from shared.store import Guard, create, first_index_rows, get_many, load, read_ahead, retrying, update, write
from shared.work.projects.rows import Project, in_order

MAX_ACTIVE: Final = 50
"""Collaborations of a workspace that have not ended; our choice."""
RESERVED: Final = frozenset({BREAKDOWN, CONVERSATION, AGGREGATION, ANSWERS, VOTES, RUNOFF})
"""Names of steps, which no deliverable can have."""
_AWAY: Final = (ERROR, STOPPING, STOPPED)


@dataclass(frozen=True)
class NewCollaboration:
    """`participants` and `orchestrator` are ids or names of sandboxes; an orchestrator may be the name of an agent of a participant."""

    task: str
    participants: Sequence[str]
    mode: str = ORCHESTRATED
    orchestrator: str | None = None
    timeout_seconds: int = 300
    deliverables: Sequence[str] = ()
    project_id: str | None = None
    max_turns: int = 20
    max_cost_micros: int | None = None


@dataclass(frozen=True)
class _Named:
    """A sandbox of the workspace, as the list shows it."""

    id: str
    name: str
    status: str


def orchestrate(actor: Actor, ws_id: str, new: NewCollaboration) -> CollaborationHead:
    """Begin a collaboration; the worker does the rest. Two round trips, three or four with a name that the list does not have yet.

    Raises NotFound, Forbidden, Invalid (unknown participants, two names for the same one), Conflict(SANDBOX_STATUS) for one that does not
    run, Conflict(PROJECT_ARCHIVED), LimitExceeded.
    """
    bare, project_id = bare_id(ws_id), bare_id(new.project_id or "")
    listed = begin_named(bare)
    newest = read_ahead(partial(first_index_rows, *in_order(bare, "updated_at", "active"), 1, newest_first=True))
    keys: list[Any] = [(Workspace, *Workspace.key(bare))]
    keys += [(Project, *Project.key(project_id))] if is_id(project_id) else []
    keys += [_guard(bare, new.orchestrator)] if new.orchestrator else []
    workspace, *found = get_many(keys)
    guard = found.pop() if new.orchestrator else None
    authorize_workspace(actor, ws_id, Permission.AGENT_RUN)
    if not isinstance(workspace, Workspace) or workspace.deleted_at:
        raise NotFound(Workspace.NAME)
    if new.project_id is not None:
        place: str | None = _named_project(actor, bare, new.project_id, found)
    else:
        rows, _ = newest.result()
        place = rows[0].id if rows else None
    if new.deliverables:
        _require_place(actor, bare, place)
    sandboxes = [_Named(row.id, row.f["name"], row.f["status"]) for row in listed]
    members, orchestrator = _members(bare, sandboxes, new, str(guard.ref) if isinstance(guard, Guard) else None)
    state = State(
        new.mode,
        tuple(new.deliverables),
        tuple(Member(one.id, one.name) for one in members),
        len(new.participants),
        len(members) - 1 if len(members) > len(new.participants) else _place_of(members, orchestrator),
        new.max_turns,
    )
    row = Collaboration.new(
        new_id(),
        org_id=workspace.org_id,
        ws_id=bare,
        task=new.task,
        mode=new.mode,
        state=to_json(state),
        orchestrator=orchestrator,
        timeout_seconds=new.timeout_seconds,
        deadline_at=clock.in_seconds(new.timeout_seconds),
        max_cost_micros=new.max_cost_micros,
        project_id=place,
        created_by=actor.summary,
    )
    about: dict[str, Any] = {"mode": new.mode, "participants": [one.id for one in members[: len(new.participants)]]}
    record(row, EventType.COLLABORATION_STARTED, actor, deliverables=list(new.deliverables), **about)
    room = CollaborationCount.active.does_not_exist() | (CollaborationCount.active < MAX_ACTIVE)
    write(create(row), update(CollaborationCount.of(bare), [CollaborationCount.active.add(1)], room, _full))
    return row


def _full(_: dict[str, Any] | None) -> LimitExceeded:
    reason = f"{MAX_ACTIVE} collaborations of this workspace have not ended yet; cancel one, or wait"
    return LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": MAX_ACTIVE})


def _named_project(actor: Actor, ws_id: str, named: str, found: Sequence[Any]) -> str:
    """Return the id of the project that was named. Raises Invalid for one of another workspace, Conflict for one that is archived."""
    project = found[0] if found else None
    if (
        not isinstance(project, Project)
        or project.deleted_at
        or project.ws_id != ws_id
        or project.status == "deleted"
        or actor.project_id not in (None, project.id)
    ):
        raise Invalid(FieldError("project_id", "There is no such project in the workspace", named))
    if project.status == "archived":
        raise Conflict(Situation.PROJECT_ARCHIVED, "The project is archived: its deliverables cannot be written there")
    return str(project.id)


def _require_place(actor: Actor, ws_id: str, project_id: str | None) -> None:
    """Refuse deliverables that the caller could not write: they are documents of a project."""
    actor.require(Permission.DOCUMENT_WRITE, ws_id)
    if project_id is None and not actor.may(Permission.PROJECT_CREATE, ws_id):
        raise Forbidden("The workspace has no project for the deliverables, and your role does not allow you to make one")


def _members(
    ws_id: str, listed: list[_Named], new: NewCollaboration, orchestrator_id: str | None
) -> tuple[list[_Named], dict[str, Any] | None]:
    """Return the participants in the order in which they were named, behind them an orchestrator that is none of them.

    `orchestrator_id`: of the sandbox that has the orchestrator's name. Raises Invalid for what is unknown or named twice,
    Conflict(SANDBOX_STATUS) for one that does not run.
    """
    known = _by_name(listed)
    missing = [name for name in new.participants if _key(name) not in known]
    missing += [orchestrator_id] if orchestrator_id is not None and orchestrator_id not in known else []
    known |= _by_name(_find(ws_id, missing)) if missing else {}
    wrong = [
        FieldError(f"participants.{place}", "There is no sandbox with this id or name in the workspace", name)
        for place, name in enumerate(new.participants)
        if _key(name) not in known
    ]
    if wrong:
        raise Invalid(*wrong)
    members = [known[_key(name)] for name in new.participants]
    ids = [one.id for one in members]
    wrong = [
        FieldError(f"participants.{place}", "This sandbox takes part already", new.participants[place])
        for place, one in enumerate(ids)
        if one in ids[:place]
    ]
    if wrong:
        raise Invalid(*wrong)
    orchestrator = _orchestrator(new.orchestrator, known)
    if orchestrator is not None and orchestrator.get("sandbox_id") not in (None, *ids):
        members.append(known[_key(str(new.orchestrator))])
    away = [one for one in members if one.status in _AWAY]
    if away:
        reason = ", ".join(f"{one.name} is {one.status}" for one in away)
        raise Conflict(Situation.SANDBOX_STATUS, f"{reason}: start it first", {"sandboxes": [one.id for one in away]})
    return members, orchestrator


def _orchestrator(named: str | None, known: dict[str, _Named]) -> dict[str, Any] | None:
    """Return who orchestrates as far as it is known now: whether a participant has an agent of this name is seen at the first step."""
    if named is None:
        return None
    found = known.get(_key(named))
    if found is not None:
        return {"name": found.name, "sandbox_id": found.id}
    if is_id(bare_id(named)):
        raise Invalid(FieldError("orchestrator", "There is no sandbox with this id in the workspace", named))
    return {"name": named}


def _place_of(members: Sequence[_Named], orchestrator: dict[str, Any] | None) -> int | None:
    """Return the number of the participant that orchestrates too."""
    wanted = (orchestrator or {}).get("sandbox_id")
    return next((number for number, one in enumerate(members) if one.id == wanted), None)


def _key(named: str) -> str:
    """Return an id without its prefix, or a name as the names of sandboxes are compared."""
    return bare_id(named.strip()).casefold()


def _by_name(sandboxes: Sequence[_Named]) -> dict[str, _Named]:
    """Return sandboxes by their names and ids; an id counts before a name."""
    return {one.name.casefold(): one for one in sandboxes} | {one.id: one for one in sandboxes}


def _guard(ws_id: str, name: str) -> Any:
    """Return the key of the row that says whose a name is."""
    return (Guard, name_guard(ws_id, name.strip()).pk, "META")


def _find(ws_id: str, named: Sequence[str]) -> list[_Named]:
    """Read the sandboxes that the list, which is a moment old, does not have. Two round trips."""
    guards = get_many([_guard(ws_id, one) for one in dict.fromkeys(named)])
    ids = [bare_id(one.strip()) for one in named] + [str(one.ref) for one in guards if isinstance(one, Guard)]
    rows = get_many([(Sandbox, *Sandbox.key(one)) for one in dict.fromkeys(filter(is_id, ids))])
    found = (one for one in rows if isinstance(one, Sandbox) and not one.deleted_at and one.ws_id == ws_id)
    return [_Named(one.id, one.name, one.status) for one in found]


def cancel(actor: Actor, collaboration_id: str) -> CollaborationHead:
    """End a collaboration. What it has asked and nobody got yet is withdrawn. Two round trips.

    Raises NotFound, Forbidden, Conflict(COLLABORATION_STATUS) for one that has ended.
    """

    def attempt(_: int) -> CollaborationHead:
        row = load(Collaboration, collaboration_id, actor, Permission.AGENT_RUN)
        if row.has_ended:
            raise Conflict(Situation.COLLABORATION_STATUS, f"The collaboration is {row.status}", {"status": row.status})
        state = decide(from_json(row.state), Ended(CANCELLED, f"{actor.name} cancelled it"))
        write(*change_state(row, state, actor))
        return row

    return retrying(attempt, times=10)
