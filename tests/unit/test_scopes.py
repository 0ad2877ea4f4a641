"""The scopes of the enterprise document: who has which, and what asks for which."""

import pytest

from infra.routes import table
from shared.core.actor import GRANTS, Actor, Permission, Role
from shared.core.scopes import SCOPE_OF, SCOPES, permissions_of, scopes_within
from shared.edge.contracts import NAMES

READ = ["organizations:read", "projects:read", "features:read", "tests:read", "deployments:read", "security:read"]
WRITE = ["projects:write", "features:write", "tests:write", "tests:execute", "deployments:write"]
MANAGE = [
    "organizations:write",
    "projects:delete",
    "projects:admin",
    "features:delete",
    "deployments:approve",
    "security:write",
    "metrics:read",
]
OWN = ["organizations:admin", "security:admin"]
ROLES = {Role.VIEWER: READ, Role.MEMBER: READ + WRITE, Role.ADMIN: READ + WRITE + MANAGE, Role.OWNER: READ + WRITE + MANAGE + OWN}
"""By the table of roles: everybody reads, members write, administrators manage, and two scopes are the owner's alone."""
ASKED = {
    "organizations.list": "organizations:read",
    "organizations.create": "organizations:write",
    "projects.list": "projects:read",
    "projects.create": "projects:write",
    "requirements.create": "features:write",
    "features.create": "features:write",
    "features.updateStatus": "features:write",
    "tests.create": "tests:write",
    "testcases.recordResult": "tests:write",
    "builds.create": "deployments:write",
    "builds.get": "deployments:read",
    "builds.deploy": "deployments:write",
    "deployments.get": "deployments:read",
    "deployments.rollback": "deployments:write",
    "features.buildAndDeploy": "deployments:write",
    "metrics.get": "metrics:read",
    "oauth.clients.create": "organizations:admin",
    "apiKeys.create": "organizations:admin",
    "apiKeys.list": "organizations:admin",
    "apiKeys.revoke": "organizations:admin",
    "webhooks.create": "organizations:write",
    "webhooks.list": "organizations:read",
    "webhooks.get": "organizations:read",
    "webhooks.update": "organizations:write",
    "webhooks.delete": "organizations:write",
    "webhooks.deliveries": "organizations:read",
}
"""The scope that the document names for each operation."""
SERVED = [route for route in table() if route.contract == "enterprise" and route.operation.id in ASKED]


@pytest.mark.parametrize("role", list(Role))
def test_a_role_has_its_scopes(role):
    assert set(scopes_within(GRANTS[role])) == set(ROLES[role])


def test_every_permission_is_opened_by_one_scope():
    opened = [one for several in SCOPES.values() for one in several]
    assert sorted(opened) == sorted(Permission)
    assert SCOPE_OF[Permission.CARD_CREATE] == "features:write"


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_is_an_upper_limit_and_no_gift(scope):
    limited = {
        role: Actor("u", "U", organizations={"o": role}, scopes=permissions_of([scope])).grants(None, "o") for role in Role
    }
    assert limited == {role: GRANTS[role] & set(SCOPES[scope]) for role in Role}


def test_an_unknown_scope_opens_nothing():
    assert permissions_of(["projects:everything"]) == frozenset()


@pytest.mark.parametrize("route", SERVED, ids=lambda route: route.operation.id)
def test_an_enterprise_operation_asks_for_the_scope_of_its_document(route):
    assert SCOPE_OF[route.operation.permission] == ASKED[route.operation.id]


def test_every_scope_of_an_enterprise_operation_stands_in_its_openapi_document(documents):
    shown = {
        operation["operationId"]: operation.get("x-permission")
        for methods in documents["enterprise"]["paths"].values()
        for operation in methods.values()
    }
    assert {name: scope for name, scope in shown.items() if name in ASKED} == {
        route.operation.id: ASKED[route.operation.id] for route in SERVED
    }


NOBODYS_ACCOUNT = {
    ("agentworks", "workspaces.create"): "the service asks for the permission in the organization",
    ("aintandem", "workspaces.create"): "the service asks for the permission in the organization",
    ("omoios", "costs.forecastPost"): "it only computes from prices that everybody may see",
    **{(contract, "auth.logout"): "it ends only the caller's own session" for contract in NAMES if contract != "enterprise"},
}
"""What changes something, asks for no permission in a workspace, and is for keys and clients too; with the reason."""


def test_what_changes_the_callers_account_is_personal():
    changing = {
        (route.contract, route.operation.id): route.operation.personal
        for route in table()
        if route.method != "GET" and not route.operation.public and route.operation.permission is None
    }
    assert {key for key, personal in changing.items() if not personal} == NOBODYS_ACCOUNT.keys()
