"""The scopes of the enterprise document, in the permissions of our own that each opens.

A role has a scope if it has the first permission (`GRANTS`). An API key or an OAuth client with the scope may use all of them, as far as
the person whose it is may.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from shared.core.permissions import Permission

SCOPES: Mapping[str, tuple[Permission, ...]] = MappingProxyType(
    {
        "organizations:read": (Permission.WORKSPACE_READ, Permission.USAGE_READ),
        "organizations:write": (Permission.WORKSPACE_WRITE, Permission.MEMBER_INVITE, Permission.USAGE_EXPORT),
        "organizations:admin": (Permission.WORKSPACE_ADMIN, Permission.WORKSPACE_BILLING, Permission.MEMBER_REMOVE),
        "projects:read": (Permission.PROJECT_READ,),
        "projects:write": (Permission.PROJECT_WRITE, Permission.PROJECT_CREATE),
        "projects:delete": (Permission.PROJECT_ARCHIVE,),
        "projects:admin": (Permission.AGENT_CONFIGURE,),
        "features:read": (Permission.CARD_READ,),
        "features:write": (Permission.CARD_EDIT, Permission.CARD_CREATE, Permission.DOCUMENT_WRITE),
        "features:delete": (Permission.FEATURE_DELETE, Permission.CARD_DELETE),
        "tests:read": (Permission.TEST_READ,),
        "tests:write": (Permission.TEST_WRITE,),
        "tests:execute": (Permission.TEST_EXECUTE,),
        "deployments:read": (Permission.DEPLOYMENT_READ,),
        "deployments:write": (Permission.DEPLOYMENT_WRITE, Permission.AGENT_RUN),
        "deployments:approve": (Permission.DEPLOYMENT_APPROVE, Permission.RUN_APPROVE, Permission.DOCUMENT_APPROVE),
        "security:read": (Permission.SECURITY_READ,),
        "security:write": (Permission.SECURITY_WRITE,),
        "security:admin": (Permission.SECURITY_ADMIN,),
        "metrics:read": (Permission.METRICS_READ,),  # what reads the metrics asks for it; the list of the document lacks it
    }
)
"""In the order of the document."""

SCOPE_OF: Mapping[Permission, str] = MappingProxyType({one: scope for scope, opened in SCOPES.items() for one in opened})
"""The scope that opens a permission."""


def scopes_within(permissions: Iterable[Permission]) -> list[str]:
    """Return the scopes that somebody with these permissions has, in the order of the document."""
    held = frozenset(permissions)
    return [scope for scope, (first, *_) in SCOPES.items() if first in held]


def permissions_of(scopes: Iterable[str]) -> frozenset[Permission]:
    """Return everything that these scopes open. An unknown scope opens nothing."""
    return frozenset(one for scope in scopes for one in SCOPES.get(scope, ()))
