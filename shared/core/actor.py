"""The actor of a request: who they are, where they belong, and what they may."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.core.errors import Forbidden, OrganizationClosed
from shared.core.ids import bare_id
from shared.core.permissions import GRANTABLE, GRANTS, Permission, Role
from shared.core.scopes import SCOPE_OF
from shared.core.settings import settings

__all__ = ["GRANTABLE", "GRANTS", "Actor", "Permission", "Role"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller of a service: a person, an API key, an agent in a run, or the platform itself.

    `workspaces` and `organizations` map the ids of the actor's tenants to its role in each; it cannot see anything of other tenants.
    """

    id: str
    name: str
    kind: str = "user"  # user | key | agent | sandbox | system
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
    """An upper limit of the permissions, whatever the role grants; set for API keys, OAuth clients and agents."""
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

    def require(self, permission: Permission, ws_id: str | None, org_id: str | None = None, reason: str = "") -> None:
        """Raise Forbidden without the permission: with the reason, or with what the caller lacks."""
        if not self.may(permission, ws_id, org_id):
            raise Forbidden(reason or self._lacks(permission, ws_id, org_id))

    def require_self(self, user_id: str | None) -> None:
        """Raise Forbidden if a request speaks for somebody else; None: it names nobody."""
        if user_id is not None and bare_id(user_id) != self.id:
            raise Forbidden("user_id is not the caller: send your own id, or leave it out")

    def _lacks(self, permission: Permission, ws_id: str | None, org_id: str | None) -> str:
        """Return in words what a person lacks: the scope of an API key or an OAuth client, or a role that may do more."""
        if not self.is_person:  # agents know no scopes
            return ""
        if self.scopes is not None and permission not in self.scopes:
            return f"This needs the scope {SCOPE_OF[permission]}"
        return "Your role does not allow this" if self.role_in(ws_id, org_id) is not None else ""

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
