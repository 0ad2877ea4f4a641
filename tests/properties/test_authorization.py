"""Who may do what: every route of every contract, called by everybody. The routes come from the route table, so none can be forgotten.

    anonymous      401, before the request is even read
    other tenant   404 wherever the path names something of ours
    a role         403 where it lacks the route's permission, else the documented status: every sample is a valid request

A route that has no sample fails the test that looks for it. Rows live on the local engine: moto takes 110 ms for a transaction.
"""

import re

import pytest

from infra.routes import Route, table
from shared.core.actor import GRANTS, Role
from tests.areas.driving import call
from tests.samples import SAMPLES, Stage, ask, name_of

pytestmark = pytest.mark.usefixtures("engine_tables")


@pytest.fixture(scope="module")
def stage(engine_tables: None) -> Stage:
    return Stage()


APART = {
    # What ends the caller's session or workspace is shown by the tests of its area; here it would end the stage.
    "auth.logout",
    "auth.changePassword",
    "workspaces.delete",
    # An invitation is for whoever has its address: shown in the tests of invitations.
    "invitations.accept",
    # A comment is its author's to change: shown in the tests of comments.
    "comments.update",
    "comments.delete",
}
EVERYBODYS = {"agentworks agents.get"}
"""Acts on what belongs to no tenant: the catalogue."""
ONES_OWN = {"omoios projects.create"}
"""Acts in the caller's own organization, whose owner everybody is."""
GUARDED = [route for route in table() if not route.operation.public]


TRIED = [route for route in GUARDED if route.operation.id not in APART]


def test_every_guarded_route_has_a_sample():
    assert sorted(name_of(route) for route in TRIED if name_of(route) not in SAMPLES) == []


@pytest.mark.parametrize("route", GUARDED, ids=name_of)
def test_nobody_gets_in_without_a_token(route: Route, stage: Stage):
    path = re.sub(r"\{[^}]*\}", "0190a0a0-0000-7000-8000-000000000000", route.path)
    answer = call(route.area, route.contract, route.method, path, body="{not even json" if route.method != "GET" else None)
    assert answer.status == 401, answer.text


@pytest.mark.parametrize("route", TRIED, ids=name_of)
def test_another_tenant_sees_nothing(route: Route, stage: Stage):
    sample = SAMPLES[name_of(route)](stage)
    answer = ask(sample, route, stage.stranger)
    names_ours = name_of(route) not in EVERYBODYS and any(
        value not in route.path and len(value) == 36 for value in sample.path.values()
    )
    reaches_ours = names_ours or sample.query or "ticket_id" in (sample.body or {})
    if reaches_ours:
        assert answer.status == 404, answer.text
    else:
        assert answer.status < 500, answer.text
        assert stage.world.ws_id not in answer.text


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("route", TRIED, ids=name_of)
def test_a_role_may_what_its_permissions_say(route: Route, role: Role, stage: Stage):
    needs, sample = route.operation.needs, SAMPLES[name_of(route)](stage)
    answer = ask(sample, route, stage.callers[role])
    if needs is None or needs in GRANTS[role] or name_of(route) in ONES_OWN:
        expected = sample.status or route.operation.status
        assert answer.status == expected, f"{role}: {answer.status} {answer.text}"
    else:
        assert answer.status == 403, f"{role}: {answer.status} {answer.text}"
