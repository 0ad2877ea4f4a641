"""aintandem, sections 2 and 6: workspaces and their configuration."""

from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from shared.core.actor import Permission
from shared.core.ids import bare_id
from shared.core.situations import Situation
from shared.edge.contracts.aintandem import AINTANDEM, Page, PerPage, Search, SortOrder, public_id
from shared.edge.contracts.base import Paged, Request, Shape
from shared.edge.contracts.fields import Name, Seen
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.aintandem.configuration import (
    SettingsChanges,
    ShownSettings,
    UpdateConfig,
    WorkspaceConfig,
    changes_of,
    shown_configuration,
    shown_settings,
)
from shared.people.tenancy import workspaces
from shared.people.tenancy.limits import workspace_limit
from shared.people.tenancy.rows import Workspace
from shared.sandboxes.configuration.changing import change_configuration, get_configuration
from shared.sandboxes.lifecycle.reading import begin_named, sandbox_counts
from shared.sandboxes.lifecycle.rows import ASLEEP, STOPPED
from shared.store import page_of

routes = Routes(AINTANDEM, "workspaces", rate_class="workspace")
Description = Annotated[str, StringConstraints(max_length=500), Seen]


class CreateWorkspace(Request):
    name: Name
    description: Description | None = None
    settings: SettingsChanges | None = None


class UpdateWorkspace(Request):
    name: Name | None = None
    description: Description | None = None
    settings: SettingsChanges | None = None


class WorkspaceFields(Shape):
    """`sandbox_limit` is an addition: the smaller one of `max_sandboxes` and what the plan allows, which is what holds."""

    workspace_id: str
    name: str
    description: str
    owner_id: str
    settings: ShownSettings
    sandbox_limit: int
    sandbox_count: int
    created_at: str
    updated_at: str


class SandboxName(Shape):
    sandbox_id: str
    name: str
    status: str


class WorkspaceDetails(WorkspaceFields):
    sandboxes: list[SandboxName]


class UpdatedWorkspace(Shape):
    workspace_id: str
    name: str
    updated_at: str


def _fields(workspace: Workspace, count: int) -> dict[str, Any]:
    return {
        "workspace_id": public_id("workspace", workspace.id),
        "name": workspace.name,
        "description": workspace.description or "",
        "owner_id": public_id("user", workspace.owner["id"]),
        "settings": shown_settings(workspace),
        "sandbox_limit": workspace_limit(workspace, "max_sandboxes"),
        "sandbox_count": count,
        "created_at": workspace.created_at,
        "updated_at": workspace.updated_at,
    }


@routes.get("/workspaces", "workspaces.list")
async def list_workspaces(
    caller: Caller,
    page: Page = 1,
    per_page: PerPage = 20,
    sort: Literal["name", "created_at", "updated_at"] = "created_at",
    order: SortOrder = "desc",
    search: Search | None = None,
) -> Paged[WorkspaceFields]:
    """List the caller's workspaces, newest first. `search` looks for words in names and descriptions."""
    words = (search or "").casefold()
    found = [one for one in workspaces.list_workspaces(caller) if words in f"{one.name} {one.description or ''}".casefold()]
    found.sort(key=lambda one: (str(getattr(one, sort)).casefold(), one.id), reverse=order == "desc")
    shown, total = page_of(found, (page - 1) * per_page, per_page)
    counts = sandbox_counts([one.id for one in shown])
    return Paged([WorkspaceFields(**_fields(one, counts[one.id])) for one in shown], total, page, per_page)


@routes.post("/workspaces", "workspaces.create", status=201, errors=(Situation.LIMIT_REACHED,))
async def create(body: CreateWorkspace, caller: Caller) -> WorkspaceFields:
    """Create a workspace in the caller's organization; the caller becomes its owner."""
    settings = body.settings.to_settings({}) if body.settings else None
    workspace = workspaces.create_named_workspace(caller, body.name, description=body.description, settings=settings)
    return WorkspaceFields(**_fields(workspace, 0))


@routes.get("/workspaces/{workspace_id}", "workspaces.get", permission=Permission.WORKSPACE_READ)
async def get(workspace_id: str, caller: Caller) -> WorkspaceDetails:
    """A workspace with its sandboxes, oldest first."""
    named = begin_named(bare_id(workspace_id))
    workspace = workspaces.get_workspace(caller, workspace_id)
    sandboxes = [
        SandboxName(sandbox_id=public_id("sandbox", one.id), name=one.f["name"], status=_shown(one.f["status"])) for one in named
    ]
    return WorkspaceDetails(**_fields(workspace, len(sandboxes)), sandboxes=sandboxes)


def _shown(status: str) -> str:
    return STOPPED if status == ASLEEP else status


@routes.put("/workspaces/{workspace_id}", "workspaces.update", permission=Permission.WORKSPACE_WRITE)
async def update(workspace_id: str, body: UpdateWorkspace, caller: Caller) -> UpdatedWorkspace:
    """Change the given fields; settings change key by key."""
    workspace = workspaces.update_workspace(
        caller,
        workspace_id,
        name=body.name,
        description=body.description,
        settings=body.settings.to_settings if body.settings else None,
    )
    return UpdatedWorkspace(
        workspace_id=public_id("workspace", workspace.id), name=workspace.name, updated_at=workspace.updated_at
    )


@routes.delete("/workspaces/{workspace_id}", "workspaces.delete", status=204, permission=Permission.WORKSPACE_ADMIN)
async def delete(workspace_id: str, caller: Caller) -> None:
    """Delete a workspace with all that is in it: nothing in it can be reached from now on, and its sandboxes are stopped."""
    workspaces.delete_workspace(caller, workspace_id)


@routes.get("/workspaces/{workspace_id}/config", "config.getWorkspace", permission=Permission.WORKSPACE_READ)
async def get_config(workspace_id: str, caller: Caller) -> WorkspaceConfig:
    """The configuration of a workspace. Keys are masked, secrets are named only."""
    return shown_configuration(get_configuration(caller, workspace_id))


@routes.put("/workspaces/{workspace_id}/config", "config.updateWorkspace", permission=Permission.WORKSPACE_WRITE)
async def update_config(workspace_id: str, body: UpdateConfig, caller: Caller) -> WorkspaceConfig:
    """Change the configuration of a workspace. What runs already takes it over with its next message."""
    return shown_configuration(change_configuration(caller, workspace_id, changes_of(body)))
