"""The roles, and the permissions of each.

One table (`GRANTS`) decides every permission, as in the platform's security design; the roles are owner > admin > member > viewer.
Contracts show their own names for roles and permissions; our code uses only these.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


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
    FEATURE_DELETE = "feature:delete"
    TEST_READ = "test:read"
    TEST_WRITE = "test:write"
    TEST_EXECUTE = "test:execute"
    DEPLOYMENT_READ = "deployment:read"  # builds too
    DEPLOYMENT_WRITE = "deployment:write"
    DEPLOYMENT_APPROVE = "deployment:approve"  # what goes to production
    SECURITY_READ = "security:read"
    SECURITY_WRITE = "security:write"
    SECURITY_ADMIN = "security:admin"  # only for the owner
    METRICS_READ = "metrics:read"


_VIEWER = frozenset(
    {
        Permission.WORKSPACE_READ,
        Permission.PROJECT_READ,
        Permission.CARD_READ,
        Permission.TEST_READ,
        Permission.DEPLOYMENT_READ,
        Permission.SECURITY_READ,
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
    Permission.TEST_EXECUTE,
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
    Permission.FEATURE_DELETE,
    Permission.DEPLOYMENT_APPROVE,
    Permission.SECURITY_WRITE,
    Permission.METRICS_READ,
}
_OWNER = frozenset(Permission)

GRANTS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {Role.OWNER: _OWNER, Role.ADMIN: _ADMIN, Role.MEMBER: _MEMBER, Role.VIEWER: _VIEWER}
)


GRANTABLE = frozenset(Permission) - {Permission.WORKSPACE_ADMIN, Permission.SECURITY_ADMIN}
"""Permissions that a member can be granted beyond their role."""
