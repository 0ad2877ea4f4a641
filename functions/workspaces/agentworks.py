"""agentworks, section 3: workspaces and their members."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from shared.billing.accounts import Standing, new_standing, standing_of
from shared.contracts.agentworks import AGENTWORKS, UserSummary, user_summary
from shared.contracts.base import Closed, Shape
from shared.core.actor import Permission, Role
from shared.http.call import Caller
from shared.http.routing import Routes
from shared.tenancy import workspaces
from shared.tenancy.rows import Workspace
from shared.usage.standing import Usage, no_usage, usage_of
from shared.views.agentworks import (
    BillingSummary,
    CurrentUsageSummary,
    WorkspaceSummary,
    billing_summary,
    current_usage,
    workspace_summaries,
)

routes = Routes(AGENTWORKS, "workspaces")

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Slug = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$")]
Description = Annotated[str, Field(max_length=500)]
Model = Annotated[str, Field(min_length=1, max_length=200)]


class AgentConfigTemplate(Closed):
    provider: Model | None = None
    model: Model | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    maxTokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    systemPromptAdditions: Annotated[str, Field(max_length=10_000)] | None = None
    enabled: bool | None = None
    autoTrigger: bool | None = None


class WorkspaceSettings(Shape):
    maxProjects: int
    maxMembers: int
    maxMonthlyUsage: float
    allowedProviders: list[str]
    requireApprovalForAgentRuns: bool
    defaultAgentConfigs: dict[str, AgentConfigTemplate]


class SettingsChanges(Closed):
    maxProjects: Annotated[int, Field(ge=0, le=10_000)] | None = None
    maxMembers: Annotated[int, Field(ge=1, le=10_000)] | None = None
    maxMonthlyUsage: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    allowedProviders: Annotated[list[Model], Field(max_length=50)] | None = None
    requireApprovalForAgentRuns: bool | None = None
    defaultAgentConfigs: Annotated[dict[Model, AgentConfigTemplate], Field(max_length=50)] | None = None

    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class ListWorkspacesResponse(Shape):
    workspaces: list[WorkspaceSummary]
    total: int


class WorkspaceDetails(Shape):
    id: str
    name: str
    slug: str
    description: str | None = None
    owner: UserSummary
    settings: WorkspaceSettings
    billing: BillingSummary
    usage: CurrentUsageSummary
    createdAt: str
    updatedAt: str


class CreateWorkspaceRequest(Closed):
    name: Name
    slug: Slug
    description: Description | None = None
    settings: SettingsChanges | None = None


class UpdateWorkspaceRequest(Closed):
    name: Name | None = None
    description: Description | None = None
    settings: SettingsChanges | None = None


class DeletedWorkspace(Shape):
    """Not defined by the document."""

    id: str
    status: str


class WorkspaceMember(Shape):
    id: str
    user: UserSummary
    role: Role
    joinedAt: str
    lastActiveAt: str
    permissions: list[str]


class WorkspaceInvitation(Shape):
    id: str
    email: str
    role: str
    invitedBy: UserSummary
    expiresAt: str
    createdAt: str


class WorkspaceMembersResponse(Shape):
    members: list[WorkspaceMember]
    invitations: list[WorkspaceInvitation]
    total: int


def _details(workspace: Workspace, usage: Usage, standing: Standing) -> WorkspaceDetails:
    return WorkspaceDetails(
        id=workspace.id,
        name=workspace.name,
        slug=workspace.slug,
        description=workspace.description,
        owner=user_summary(workspace.owner),
        settings=WorkspaceSettings.model_validate(workspace.settings),
        billing=billing_summary(standing),
        usage=current_usage(usage),
        createdAt=workspace.created_at,
        updatedAt=workspace.updated_at,
    )


@routes.get("/workspaces", "workspaces.list")
async def list_workspaces(caller: Caller) -> ListWorkspacesResponse:
    """The caller's workspaces, oldest first, with the caller's role in each."""
    found = workspace_summaries(caller, workspaces.workspaces_of(caller))
    return ListWorkspacesResponse(workspaces=found, total=len(found))


@routes.get("/workspaces/{id}", "workspaces.get", needs=Permission.WORKSPACE_READ)
async def get(id: str, caller: Caller) -> WorkspaceDetails:
    """A workspace with its settings, and how it stands this month."""
    workspace = workspaces.the_workspace(caller, id)
    return _details(workspace, usage_of(workspace), standing_of(workspace))


@routes.post("/workspaces", "workspaces.create", status=201)
async def create(body: CreateWorkspaceRequest, caller: Caller) -> WorkspaceDetails:
    """A new workspace in the caller's organization; the caller is its owner."""
    settings = body.settings.given() if body.settings else None
    workspace = workspaces.create_workspace(caller, body.name, body.slug, description=body.description, settings=settings)
    return _details(workspace, no_usage(workspace), new_standing(workspace))


@routes.put("/workspaces/{id}", "workspaces.update", needs=Permission.WORKSPACE_WRITE)
async def update(id: str, body: UpdateWorkspaceRequest, caller: Caller) -> WorkspaceDetails:
    """Change the given fields; settings change key by key."""
    settings = body.settings.given() if body.settings else None
    workspace = workspaces.update_workspace(caller, id, name=body.name, description=body.description, settings=settings)
    return _details(workspace, usage_of(workspace), standing_of(workspace))


@routes.delete("/workspaces/{id}", "workspaces.delete", status=202, needs=Permission.WORKSPACE_ADMIN)
async def delete(id: str, caller: Caller) -> DeletedWorkspace:
    """Nothing of the workspace can be reached from now on; what it holds is cleared in the background."""
    return DeletedWorkspace(id=workspaces.delete_workspace(caller, id).id, status="deleting")


@routes.get("/workspaces/{id}/members", "members.list", needs=Permission.WORKSPACE_READ)
async def members(id: str, caller: Caller) -> WorkspaceMembersResponse:
    """Who belongs to the workspace, oldest first."""
    found = [
        WorkspaceMember(
            id=member.membership.id,
            user=user_summary(member.membership.user),
            role=Role(member.membership.role),
            joinedAt=member.membership.created_at,
            lastActiveAt=member.membership.last_active_at,
            permissions=member.permissions,
        )
        for member in workspaces.members_of(caller, id)
    ]
    return WorkspaceMembersResponse(members=found, invitations=[], total=len(found))
