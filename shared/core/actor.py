"""The actor of a request, and the permissions of each role.

One table (`GRANTS`) decides every permission, as in the platform's security design; the roles are owner > admin > member > viewer.
Contracts show their own names for roles and permissions; our code uses only these.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from shared.core.errors import OrganizationClosed
from shared.core.settings import settings


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class Permission(StrEnum):
    WORKSPACE_READ = "workspace:read"
    WORKSPACE_WRITE = "workspace:write"
    WORKSPACE_ADMIN = "workspace:admin"  # delete, transfer: only for the owner, cannot be granted
    WORKSPACE_BILLING = "workspace:billing"
    MEMBER_INVITE = "member:invite"  # also: grant extra permissions
    MEMBER_REMOVE = "member:remove"  # also: revoke extra permissions
    PROJECT_READ = "project:read"
    PROJECT_CREATE = "project:create"
    PROJECT_WRITE = "project:write"  # rename, settings, lanes
    PROJECT_ARCHIVE = "project:archive"
    CARD_READ = "card:read"
    CARD_CREATE = "card:create"
    CARD_EDIT = "card:edit"  # update, move, comment
    CARD_DELETE = "card:delete"
    DOCUMENT_WRITE = "document:write"
    DOCUMENT_APPROVE = "document:approve"  # approve, publish, and undo both
    AGENT_RUN = "agent:run"
    AGENT_CONFIGURE = "agent:configure"
    RUN_APPROVE = "run:approve"
    USAGE_READ = "usage:read"
    USAGE_EXPORT = "usage:export"  # every line of the ledger, as a file
    TEST_READ = "test:read"
    TEST_WRITE = "test:write"
    DEPLOYMENT_READ = "deployment:read"  # builds too
    DEPLOYMENT_WRITE = "deployment:write"
    DEPLOYMENT_APPROVE = "deployment:approve"  # what goes to production


_VIEWER = frozenset(
    {
        Permission.WORKSPACE_READ,
        Permission.PROJECT_READ,
        Permission.CARD_READ,
        Permission.TEST_READ,
        Permission.DEPLOYMENT_READ,
    }
)
_MEMBER = _VIEWER | {
    Permission.PROJECT_WRITE,
    Permission.CARD_CREATE,
    Permission.CARD_EDIT,
    Permission.CARD_DELETE,
    Permission.DOCUMENT_WRITE,
    Permission.AGENT_RUN,
    Permission.USAGE_READ,
    Permission.TEST_WRITE,
    Permission.DEPLOYMENT_WRITE,
}
_ADMIN = _MEMBER | {
    Permission.WORKSPACE_WRITE,
    Permission.PROJECT_CREATE,
    Permission.PROJECT_ARCHIVE,
    Permission.MEMBER_INVITE,
    Permission.AGENT_CONFIGURE,
    Permission.RUN_APPROVE,
    Permission.USAGE_EXPORT,
    Permission.DOCUMENT_APPROVE,
    Permission.DEPLOYMENT_APPROVE,
}
_OWNER = frozenset(Permission)

GRANTS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {Role.OWNER: _OWNER, Role.ADMIN: _ADMIN, Role.MEMBER: _MEMBER, Role.VIEWER: _VIEWER}
)


GRANTABLE = frozenset(Permission) - {Permission.WORKSPACE_ADMIN}
"""Permissions that a member can be granted beyond their role."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller of a service: a person, an API key, an agent in a run, or the platform itself.

    `workspaces` and `organizations` map the ids of the actor's tenants to its role in each; it cannot see anything of other tenants.
    """

    id: str
    name: str
    kind: str = "user"  # user | key | agent | system
    email: str = ""
    email_verified: bool = False
    avatar_url: str | None = None
    session_id: str | None = None
    org_id: str | None = None
    platform_admin: bool = False
    workspaces: Mapping[str, Role] = field(default_factory=dict)
    organizations: Mapping[str, Role] = field(default_factory=dict)
    extra_permissions: Mapping[str, frozenset[Permission]] = field(default_factory=dict)
    """Permissions that were granted beyond the role, by workspace id."""
    scopes: frozenset[Permission] | None = None
    """An upper limit of the permissions, whatever the role grants; set for API keys and agents."""
    project_id: str | None = None
    """The only project whose rows the actor can see; set for agents."""
    closed: frozenset[str] = frozenset()
    """The workspaces and organizations in which nothing may be changed: the organization is inactive or suspended."""
    changes: bool = False
    """Whether this is a request that changes something."""
    likely_workspaces: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    """The workspaces that were this caller's when this process last read their record: whose lists may be read before it is read again.
    It permits nothing."""
    on_enter_workspace: Callable[[str], None] | None = field(default=None, compare=False, repr=False)
    """Called with the id of each own workspace in which this actor acts; may raise an error to refuse it."""

    def role_in(self, ws_id: str | None, org_id: str | None) -> Role | None:
        """Return the role in the workspace that owns a row, or in the organization if the row has no workspace.

        Raises OrganizationClosed if the request changes something in an organization that is not active.
        """
        role = self.workspaces.get(ws_id) if ws_id is not None else self.organizations.get(org_id or "")
        if role is not None and self.changes and (ws_id or org_id) in self.closed:
            raise OrganizationClosed
        if role is not None and ws_id is not None and self.on_enter_workspace is not None:
            self.on_enter_workspace(ws_id)
        return role

    def may(self, permission: Permission, ws_id: str | None, org_id: str | None = None) -> bool:
        return permission in self.grants(ws_id, org_id)

    def grants(self, ws_id: str | None, org_id: str | None = None) -> frozenset[Permission]:
        """Return all permissions of this actor in the workspace or organization."""
        role = self.role_in(ws_id, org_id)
        if role is None:
            return frozenset()
        granted = GRANTS[role] | self.extra_permissions.get(ws_id or "", frozenset())
        return granted if self.scopes is None else granted & self.scopes

    @property
    def sees_costs(self) -> bool:
        """Whether this actor may see what the platform pays for model calls, and its margin: who sells them, or runs it on a laptop."""
        return self.platform_admin or settings().local

    @property
    def is_person(self) -> bool:
        """Whether a person decided this action, directly or through an API key; agents and the platform act by themselves."""
        return self.kind in ("user", "key")

    @property
    def summary(self) -> dict[str, str]:
        """Return the part that rows store of their author: enough to show a name without another read."""
        summary = {"kind": self.kind, "id": self.id, "name": self.name, "email": self.email}
        if self.avatar_url:
            summary["avatar_url"] = self.avatar_url
        return summary


SYSTEM = Actor(id="system", name="Cadre", kind="system")
