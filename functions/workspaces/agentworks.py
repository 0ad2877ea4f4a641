"""agentworks, section 3: workspaces and their members."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from shared.agents.providers import embedded
from shared.agents.providers.registry import NAMES, canonical_name
from shared.channels.mail import outbox
from shared.channels.sockets.presence import online_users
from shared.core.actor import Permission, Role
from shared.core.errors import FieldError, Invalid
from shared.core.ids import bare_id
from shared.core.situations import Situation
from shared.edge.contracts.agentworks import (
    AGENTWORKS,
    ModelName,
    PromptAdditions,
    Reason,
    Temperature,
    Tokens,
    UserSummary,
    user_summary,
)
from shared.edge.contracts.base import Shape, StrictRequest
from shared.edge.contracts.fields import Email, Name, OneLine, Slug
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.agentworks.entities import (
    BillingSummary,
    CurrentUsageSummary,
    WorkspaceSummary,
    billing_summary,
    current_usage,
    workspace_summaries,
)
from shared.money.billing.accounts import BillingStatus, begin_billing_status, initial_billing_status
from shared.money.usage.month_summary import MonthUsage, begin_month_usage, empty_month_usage
from shared.people.tenancy import invitations, workspaces
from shared.people.tenancy import members as people
from shared.people.tenancy.limits import effective_settings
from shared.people.tenancy.rows import Invitation, Workspace
from shared.store import ReadFuture, read_ahead

routes = Routes(AGENTWORKS, "workspaces")

Description = Annotated[str, Field(max_length=500)]
AssignableRole = Literal["admin", "member", "viewer"]


def _unpriced_model(value: str) -> str:
    """Return a model as `provider/model` with the provider's own name. Raises ValueError."""
    provider, slash, model = value.partition("/")
    name = canonical_name(provider)
    if not slash or not model or name not in NAMES or name == embedded.NAME:
        raise ValueError(f"must be provider/model; the providers are {', '.join(one for one in NAMES if one != embedded.NAME)}")
    return f"{name}/{model}"


def _provider(value: str) -> str:
    """Check that there is such a provider, by its name or another word for it."""
    if canonical_name(value) not in NAMES:
        raise ValueError(f"There is no such provider; there are {', '.join(NAMES)}")
    return value


UnpricedModel = Annotated[str, Field(max_length=250), OneLine, AfterValidator(_unpriced_model)]


class AgentConfigTemplate(StrictRequest):
    provider: ModelName | None = None
    model: ModelName | None = None
    temperature: Temperature | None = None
    maxTokens: Tokens | None = None
    systemPromptAdditions: PromptAdditions | None = None
    enabled: bool | None = None
    autoTrigger: bool | None = None


class ShownTemplate(Shape):
    """A stored template: it may be older than the rules for a new one."""

    provider: str | None = None
    model: str | None = None
    temperature: float | None = None
    maxTokens: int | None = None
    systemPromptAdditions: str | None = None
    enabled: bool | None = None
    autoTrigger: bool | None = None


class WorkspaceSettings(Shape):
    maxProjects: int
    maxMembers: int
    maxMonthlyUsage: float
    unpricedModels: list[str] | None = None
    maxUnpricedTokens: int | None = None
    """Additions: models without a known price that may run (`provider/model`), and the tokens of a month for all of them."""
    allowedProviders: list[str]
    requireApprovalForAgentRuns: bool
    defaultAgentConfigs: dict[str, ShownTemplate]


class SettingsChanges(StrictRequest):
    maxProjects: Annotated[int, Field(ge=0, le=10_000)] | None = None
    maxMembers: Annotated[int, Field(ge=1, le=10_000)] | None = None
    maxMonthlyUsage: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    unpricedModels: Annotated[list[UnpricedModel], Field(max_length=50)] | None = None
    maxUnpricedTokens: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    allowedProviders: Annotated[list[Annotated[ModelName, AfterValidator(_provider)]], Field(max_length=50)] | None = None
    requireApprovalForAgentRuns: bool | None = None
    defaultAgentConfigs: Annotated[dict[ModelName, AgentConfigTemplate], Field(max_length=50)] | None = None

    def to_settings(self) -> dict[str, Any]:
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


class CreateWorkspaceRequest(StrictRequest):
    name: Name
    slug: Slug
    description: Description | None = None
    settings: SettingsChanges | None = None


class UpdateWorkspaceRequest(StrictRequest):
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
    presence: Literal["online", "offline"]
    """An addition: whether one of their sockets is open, or was until a minute ago."""


class WorkspaceInvitation(Shape):
    id: str
    email: str
    role: str
    invitedBy: UserSummary
    expiresAt: str
    createdAt: str


class WorkspaceMembersResponse(Shape):
    """`total` counts the members."""

    members: list[WorkspaceMember]
    invitations: list[WorkspaceInvitation]
    total: int


class InviteMemberRequest(StrictRequest):
    email: Email
    role: AssignableRole
    message: Reason | None = None


class InviteMemberResponse(Shape):
    invitation: WorkspaceInvitation
    invitationUrl: str


class UpdateMemberRequest(StrictRequest):
    """`permissions` is what the member may do beyond the role; it may repeat permissions of the role."""

    role: AssignableRole
    permissions: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=50)] | None = None


class AcceptInvitationRequest(StrictRequest):
    token: Annotated[str, Field(max_length=200)]


class TransferWorkspaceRequest(StrictRequest):
    """Not defined by the document."""

    userId: Annotated[str, Field(min_length=1, max_length=64)]


def _begin_details(ws_id: str) -> Callable[[Workspace], WorkspaceDetails]:
    """Begin to read how a workspace stands this month; it is shown with the workspace, which is read or changed meanwhile."""
    usage, standing = begin_month_usage(bare_id(ws_id)), begin_billing_status(bare_id(ws_id))
    return lambda workspace: _details(workspace, usage(workspace), standing(workspace))


def _details(workspace: Workspace, usage: MonthUsage, standing: BillingStatus) -> WorkspaceDetails:
    return WorkspaceDetails(
        id=workspace.id,
        name=workspace.name,
        slug=workspace.slug,
        description=workspace.description,
        owner=user_summary(workspace.owner),
        settings=WorkspaceSettings.model_validate(effective_settings(workspace)),
        billing=billing_summary(standing),
        usage=current_usage(usage),
        createdAt=workspace.created_at,
        updatedAt=workspace.updated_at,
    )


@routes.get("/workspaces", "workspaces.list")
async def list_workspaces(caller: Caller) -> ListWorkspacesResponse:
    """The caller's workspaces, oldest first, with the caller's role in each."""
    summaries = workspace_summaries(caller, workspaces.list_workspaces(caller))
    return ListWorkspacesResponse(workspaces=summaries, total=len(summaries))


@routes.get("/workspaces/{id}", "workspaces.get", permission=Permission.WORKSPACE_READ)
async def get(id: str, caller: Caller) -> WorkspaceDetails:
    """A workspace with its settings, and how it stands this month."""
    details = _begin_details(id)
    return details(workspaces.get_workspace(caller, id))


@routes.post("/workspaces", "workspaces.create", status=201, errors=(Situation.SLUG_TAKEN,))
async def create(body: CreateWorkspaceRequest, caller: Caller) -> WorkspaceDetails:
    """Create a workspace in the caller's organization; the caller becomes its owner."""
    settings = body.settings.to_settings() if body.settings else None
    workspace = workspaces.create_workspace(caller, body.name, body.slug, description=body.description, settings=settings)
    return _details(workspace, empty_month_usage(workspace), initial_billing_status(workspace))


@routes.put("/workspaces/{id}", "workspaces.update", permission=Permission.WORKSPACE_WRITE)
async def update(id: str, body: UpdateWorkspaceRequest, caller: Caller) -> WorkspaceDetails:
    """Change the given fields; settings change key by key."""
    settings = body.settings.to_settings() if body.settings else None
    details = _begin_details(id)
    return details(workspaces.update_workspace(caller, id, name=body.name, description=body.description, settings=settings))


@routes.delete("/workspaces/{id}", "workspaces.delete", status=202, permission=Permission.WORKSPACE_ADMIN)
async def delete(id: str, caller: Caller) -> DeletedWorkspace:
    """Delete a workspace. Nothing in it can be reached from now on; its content is cleared in the background."""
    return DeletedWorkspace(id=workspaces.delete_workspace(caller, id).id, status="deleting")


@routes.post("/workspaces/{id}/transfer", "workspaces.transfer", permission=Permission.WORKSPACE_ADMIN, addition=True)
async def transfer(id: str, body: TransferWorkspaceRequest, caller: Caller) -> WorkspaceDetails:
    """Make another member the owner; the caller becomes an administrator."""
    details = _begin_details(id)
    return details(people.transfer(caller, id, body.userId))


@routes.get("/workspaces/{id}/members", "members.list", permission=Permission.WORKSPACE_READ)
async def members(id: str, caller: Caller) -> WorkspaceMembersResponse:
    """The members of the workspace and the pending invitations, oldest first."""
    current, pending = invitations.list_members_and_pending(caller, id)
    online = online_users(bare_id(id), (member.membership.user["id"] for member in current))
    return WorkspaceMembersResponse(
        members=[_member(member, online) for member in current],
        invitations=[_invitation(one) for one in pending],
        total=len(current),
    )


@routes.post("/workspaces/{id}/members/invite", "members.invite", status=201, permission=Permission.MEMBER_INVITE, secret=True)
async def invite(id: str, body: InviteMemberRequest, caller: Caller) -> InviteMemberResponse:
    """Invite an address by mail, for seven days. Inviting it again renews the invitation; the old link becomes invalid.

    The caller's own address must be confirmed. While the organization has the free plan, the mail names the caller's address and
    nothing that the caller wrote: no names and no message.
    """
    new = invitations.invite(caller, id, body.email, Role(body.role), body.message)
    invitation = new.invitation
    url = outbox.link(f"/invitations/accept?workspace={new.workspace.id}&token={new.token}")
    outbox.send(
        "invitation",
        invitation.email,
        workspace=None if new.on_trial else new.workspace.name,
        inviter=caller.email if new.on_trial else caller.name,
        role=invitation.role,
        url=url,
        expires=invitation.expires_at,
        message=None if new.on_trial else invitation.message,
    )
    return InviteMemberResponse(invitation=_invitation(invitation), invitationUrl=url)


@routes.put("/workspaces/{id}/members/{userId}", "members.update", permission=Permission.MEMBER_INVITE)
async def update_member(id: str, userId: str, body: UpdateMemberRequest, caller: Caller) -> WorkspaceMember:
    """Change a member's role and what they may do beyond it. To take something away needs member:remove."""
    online = _begin_presence(id, userId)
    return _member(people.update_member(caller, id, userId, Role(body.role), body.permissions), online.result())


@routes.delete("/workspaces/{id}/members/{userId}", "members.remove", status=204, permission=Permission.MEMBER_REMOVE)
async def remove_member(id: str, userId: str, caller: Caller) -> None:
    """Remove a member from the workspace; everybody but the owner may leave it."""
    people.remove_member(caller, id, userId)


@routes.post("/workspaces/{id}/invitations/{token}/accept", "invitations.accept")
async def accept(id: str, token: str, body: AcceptInvitationRequest, caller: Caller) -> WorkspaceMember:
    """Join the workspace. The invitation must be for the caller's address and can be used once."""
    if body.token != token:
        raise Invalid(FieldError("token", "This is not the token of the path"))
    online = _begin_presence(id, caller.id)
    return _member(invitations.accept(caller, id, token), online.result())


@routes.delete(
    "/workspaces/{id}/invitations/{invitationId}", "invitations.cancel", status=204, permission=Permission.MEMBER_INVITE
)
async def cancel(id: str, invitationId: str, caller: Caller) -> None:
    """Cancel an invitation; its link becomes invalid."""
    invitations.cancel(caller, id, invitationId)


def _begin_presence(ws_id: str, user_id: str) -> ReadFuture[set[str]]:
    """Begin to read whether one member is online: it is shown after a change of that member."""
    return read_ahead(lambda: online_users(bare_id(ws_id), [bare_id(user_id)]))


def _member(member: people.Member, online: set[str]) -> WorkspaceMember:
    row = member.membership
    return WorkspaceMember(
        id=row.id,
        user=user_summary(row.user),
        role=Role(row.role),
        joinedAt=row.created_at,
        lastActiveAt=row.last_active_at,
        permissions=member.permissions,
        presence="online" if row.user["id"] in online else "offline",
    )


def _invitation(row: Invitation) -> WorkspaceInvitation:
    return WorkspaceInvitation(
        id=row.id,
        email=row.email,
        role=row.role,
        invitedBy=user_summary(row.invited_by),
        expiresAt=row.expires_at,
        createdAt=row.invited_at,
    )
