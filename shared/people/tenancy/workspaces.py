"""Create, read, change and delete workspaces."""

from collections.abc import Callable
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission, Role
from shared.core.errors import CadreError, Conflict, FieldError, Invalid, LimitExceeded, NotFound
from shared.core.ids import bare_id
from shared.core.plans import FREE, PLANS
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.access import records
from shared.people.tenancy.limits import (
    active_organization,
    change_of_plan,
    closed_error,
    refuse_above_plan,
    room_in_organization,
)
from shared.people.tenancy.provisioning import new_workspace
from shared.people.tenancy.rows import Organization, Workspace, WorkspaceMembership, default_settings, slug_guard, slugify
from shared.people.tenancy.seats import enlarge_seat
from shared.store import Operation, authorize_own_organization, delete, fetch_all, iterate, load, update, update_with_retry, write

REVOKED_PER_TRANSACTION = 90  # of the 100 operations that a transaction may have


def list_workspaces(actor: Actor) -> list[Workspace]:
    """List the workspaces of the actor, oldest first. One round trip per hundred."""
    workspaces = [workspace for workspace in fetch_all(Workspace, actor.workspaces) if workspace.deleted_at is None]
    return sorted(workspaces, key=lambda workspace: workspace.created_at)


def authorize_workspace(actor: Actor, ws_id: str, permission: Permission) -> str:
    """Return the bare id of a workspace, checked against the actor's own memberships without a round trip.

    Raises NotFound for an unknown, deleted or foreign workspace and Forbidden without the permission.
    """
    bare = bare_id(ws_id)
    if bare not in actor.workspaces:
        raise NotFound(Workspace.NAME)
    actor.require(permission, bare)
    return bare


def get_workspace(actor: Actor, ws_id: str, permission: Permission = Permission.WORKSPACE_READ) -> Workspace:
    """Return the workspace. Raises NotFound and Forbidden. One round trip."""
    return load(Workspace, ws_id, actor, permission)


def validate_settings(settings: dict[str, Any], plan: str) -> dict[str, Any]:
    """Return the settings as they are stored, with agents by name. Raises Invalid for an unknown agent, provider or model, and for a limit
    above the plan's."""
    refuse_above_plan(plan, settings)
    templates_by_name = settings.get("defaultAgentConfigs")
    if templates_by_name is None:
        return settings
    from shared.agents.catalogue.registry import get_agent  # loads the whole catalogue, which most functions do not need
    from shared.agents.providers.registry import check_model

    templates = {}
    for name, template in templates_by_name.items():
        try:
            templates[get_agent(name).name] = template
        except NotFound:
            raise Invalid(FieldError(f"settings.default_agent_configs.{name}", "There is no such agent", name)) from None
        check_model(template.get("provider"), template.get("model"), f"settings.default_agent_configs.{name}.")
    return settings | {"defaultAgentConfigs": templates}


def create_workspace(
    actor: Actor, name: str, slug: str, *, description: str | None = None, settings: dict[str, Any] | None = None
) -> Workspace:
    """Create a workspace in the actor's organization; the actor becomes its owner. One round trip.

    Raises Conflict(SLUG_TAKEN), LimitExceeded at the number of workspaces that the organization's plan allows, and Forbidden unless the
    actor administers that organization.
    """
    org_id = authorize_own_organization(
        actor, Permission.WORKSPACE_WRITE, "Only administrators of the organization create workspaces in it"
    )
    workspace, rows = new_workspace(
        actor,
        org_id,
        name,
        slug,
        description=description,
        settings=default_settings() | validate_settings(settings or {}, FREE),
    )
    write(
        *rows,
        _count_workspace(org_id),
        enlarge_seat(org_id, actor.id, workspace.id),
        records.grant_workspace(actor.id, workspace.id, Role.OWNER),
    )
    return workspace


def create_named_workspace(
    actor: Actor, name: str, *, description: str | None = None, settings: dict[str, Any] | None = None
) -> Workspace:
    """Create a workspace for a contract without slugs: its slug is made of its name, with random characters if another one has it.

    One round trip, two with them. Raises what `create_workspace` does.
    """
    try:
        return create_workspace(actor, name, slugify(name), description=description, settings=settings)
    except Conflict as error:
        if error.situation is not Situation.SLUG_TAKEN:
            raise
    return create_workspace(actor, name, slugify(name, unique=True), description=description, settings=settings)


def update_workspace(
    actor: Actor,
    ws_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    settings: dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]] | None = None,
) -> Workspace:
    """Change the given fields; settings change key by key, or as a function of those before says. Two round trips.

    Raises NotFound, Forbidden, Invalid.
    """

    def change(workspace: Workspace) -> None:
        before = {"name": workspace.name, "description": workspace.description, "settings": workspace.settings}
        workspace.name = workspace.name if name is None else name
        workspace.description = workspace.description if description is None else description or None
        new = settings(workspace.settings) if callable(settings) else settings or {}
        workspace.settings = workspace.settings | validate_settings(new, workspace.plan)
        changes = {field: [old, getattr(workspace, field)] for field, old in before.items() if old != getattr(workspace, field)}
        if changes:
            record(workspace, EventType.WORKSPACE_UPDATED, actor, changes=changes)

    return update_with_retry(lambda: get_workspace(actor, ws_id, Permission.WORKSPACE_WRITE), change)


def delete_workspace(actor: Actor, ws_id: str) -> Workspace:
    """Mark a workspace as deleted and remove it from its members' access records in the same transaction.

    From the next request on, nothing in it can be reached by any id, because every read compares a row's workspace with those
    records. Its slug becomes free; the cascade clears the rows. More than 90 members take further transactions, right after the
    first. Raises Conflict(DEFAULT_WORKSPACE) for an organization's default workspace: contracts without workspaces use it.
    """
    rest: list[Operation] = []

    def change(workspace: Workspace) -> list[Operation]:
        if workspace.is_default:
            raise Conflict(Situation.DEFAULT_WORKSPACE, "The default workspace of an organization cannot be deleted")
        workspace.deleted_at = clock.iso()
        record(workspace, EventType.WORKSPACE_DELETED, actor, name=workspace.name, slug=workspace.slug)
        revoked = [records.revoke_workspace(row.id, workspace.id) for row in list_memberships(workspace.id)]
        rest[:] = revoked[REVOKED_PER_TRANSACTION:]
        operations = [delete(slug_guard("WS", workspace.slug)), *revoked[:REVOKED_PER_TRANSACTION]]
        operations.append(subtract_projects(str(workspace.org_id), int(workspace.project_count), workspaces=1))
        return operations

    workspace = update_with_retry(lambda: get_workspace(actor, ws_id, Permission.WORKSPACE_ADMIN), change)
    for start in range(0, len(rest), REVOKED_PER_TRANSACTION):
        write(*rest[start : start + REVOKED_PER_TRANSACTION])
    return workspace


def subtract_projects(org_id: str, projects: int, *, workspaces: int = 0) -> Operation:
    """Lower the organization's counts of projects and workspaces. The version goes up, so that nobody overwrites the counts."""
    pk, sk = Organization.key(org_id)
    return update(
        Organization(pk=pk, sk=sk),
        [
            Organization.project_count.add(-projects),
            Organization.workspace_count.add(-workspaces),
            Organization.version.add(1),
        ],
        Organization.pk.exists(),
    )


def _count_workspace(org_id: str) -> Operation:
    """Count one more workspace in the organization, within its plan. Refused with LimitExceeded."""
    pk, sk = Organization.key(org_id)
    return update(
        Organization(pk=pk, sk=sk),
        [Organization.workspace_count.add(1), Organization.version.add(1)],
        active_organization() & room_in_organization(Organization.workspace_count, "max_workspaces"),
        _too_many_workspaces,
    )


def _too_many_workspaces(raw: dict[str, Any] | None) -> CadreError:
    if raw and Organization.decode(raw).status != "active":
        return closed_error(raw)
    plan = PLANS[Organization.decode(raw).plan if raw else FREE]
    remedy = change_of_plan(plan.key, "max_workspaces", "its default workspace")
    reason = f"This organization may have at most {plan.max_workspaces} workspaces; delete one, or {remedy}"
    return LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": plan.max_workspaces})


def list_memberships(ws_id: str) -> list[WorkspaceMembership]:
    """List all memberships of a workspace. One round trip per MB (about 2,000 members)."""
    rows = iterate(WorkspaceMembership, f"WS#{ws_id}", prefix="MEM#", consistent=True)
    return [row for row in rows if row.deleted_at is None]
