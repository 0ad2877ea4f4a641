"""The platform's own command line as an OAuth client: it is there without being registered, and acts in the organization that is chosen."""

import pytest

from shared.core.actor import Role
from shared.core.scopes import SCOPES
from shared.people.access import records
from shared.people.identity.oauth.clients import COMMAND_LINE, find_client
from shared.people.tenancy.organizations import set_status
from shared.people.tenancy.rows import Workspace
from shared.store import fetch
from tests.areas.boards_world import World
from tests.areas.driving import Answer, Client, sign_up
from tests.areas.oauth_world import BASE, Browser, library, returned
from tests.areas.test_client_tokens import parts
from tests.areas.test_oauth import VERIFIER, post, query
from tests.client_key import use_client_key
from tests.samples.planning import REQUIREMENT

BACK = "http://127.0.0.1:49152/callback"
SCOPE = "projects:read features:write"


@pytest.fixture(autouse=True)
def key(aws) -> None:
    use_client_key()


def asked(**changed: str | None) -> str:
    return query({"client_id": COMMAND_LINE}, **{"redirect_uri": BACK, "scope": SCOPE} | changed)


def signed_in(email: str) -> Browser:
    browser = Browser()
    assert browser.open(asked()).status == 200
    assert "Cadre command line" in browser.sign_in(email).text
    return browser


def exchange(answer: Answer) -> Answer:
    form = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER, "client_id": COMMAND_LINE}
    return post("/oauth/token", code=returned(answer)["code"], **form)


def seen(token: str) -> list[str]:
    return [one["id"] for one in Client("agentworks", token)("workspaces", "GET", "/workspaces").json["workspaces"]]


def test_everybody_has_the_command_line_as_a_client_without_registering_it():
    ada = sign_up()
    session = library(COMMAND_LINE, BACK, scope=SCOPE.split(), pkce="S256")
    address, _ = session.authorization_url(f"{BASE}/oauth/authorize")
    browser = Browser()
    browser.open(address.partition("?")[2])
    browser.sign_in("ada@example.com")
    code = returned(browser.press("allow"))["code"]
    token = session.fetch_token(f"{BASE}/oauth/token", code=code, include_client_id=True)
    assert sorted(token["scope"]) == sorted(SCOPE.split())
    own = seen(ada.token or "")
    assert seen(token["access_token"]) == own
    renewed = session.refresh_token(f"{BASE}/oauth/token", client_id=COMMAND_LINE)
    assert seen(renewed["access_token"]) == own
    gone = post("/oauth/revoke", token=renewed["refresh_token"], client_id=COMMAND_LINE)
    assert gone.status == 200
    assert Client("agentworks", renewed["access_token"])("workspaces", "GET", "/workspaces").status == 401


def test_the_command_line_may_what_its_commands_do_and_no_more():
    client = find_client(COMMAND_LINE)
    assert client is not None
    assert set(client.scopes) < set(SCOPES)
    assert not {"organizations:admin", "projects:delete", "features:delete", "security:admin"} & set(client.scopes)
    sign_up()
    browser = Browser()
    assert returned(browser.open(asked(scope="organizations:admin")))["error"] == "invalid_scope"


@pytest.mark.parametrize("back", ["http://localhost:1/callback", "http://127.0.0.1:1/other", "https://evil.example/callback"])
def test_the_command_line_is_only_answered_on_this_device(back):
    assert Browser().open(asked(redirect_uri=back)).status == 400


def test_nobody_changes_or_removes_the_command_line():
    ada = sign_up()
    assert ada.at("enterprise")("auth", "DELETE", f"/oauth/clients/{COMMAND_LINE}").status == 404
    assert post("/oauth/token", grant_type="client_credentials", client_id=COMMAND_LINE).json["error"] == "invalid_client"


@pytest.mark.parametrize("chosen", ["own", "the team's"])
def test_a_person_chooses_in_which_of_their_organizations_the_command_line_acts(world: World, chosen):
    bob = world.join("Bob", "bob@example.com", Role.MEMBER)
    held = dict(records.get_access(bob.user["id"]).workspaces)
    ws_id = next(one for one, role in held.items() if (role == Role.OWNER) == (chosen == "own"))
    org_id = str(fetch(Workspace, ws_id).org_id)  # type: ignore[union-attr]
    browser = signed_in("bob@example.com")
    assert browser.page is not None
    assert browser.page.text.count("<option") == 2
    given = exchange(browser.press("allow", organization=org_id)).json
    assert seen(given["access_token"]) == [ws_id]
    assert parts(given["access_token"])[1]["org"] == org_id
    renewed = post("/oauth/token", grant_type="refresh_token", refresh_token=given["refresh_token"], client_id=COMMAND_LINE)
    assert seen(renewed.json["access_token"]) == [ws_id]


@pytest.mark.parametrize("leaves", [True, False])
def test_who_has_left_an_organization_gets_no_token_that_says_they_are_in_it(world: World, leaves):
    """Programs of others believe what a token says by the published key."""
    bob = world.join("Bob", "bob@example.com", Role.MEMBER)
    given = exchange(signed_in("bob@example.com").press("allow", organization=str(world.project.org_id))).json
    if leaves:
        assert world.ada("workspaces", "DELETE", f"/workspaces/{world.ws_id}/members/{bob.user['id']}").status == 204
        assert seen(given["access_token"]) == []
    form = {"grant_type": "refresh_token", "client_id": COMMAND_LINE}
    answer = post("/oauth/token", refresh_token=given["refresh_token"], **form)
    assert (answer.status, answer.json.get("error")) == ((400, "invalid_grant") if leaves else (200, None))
    assert Client("agentworks", given["access_token"])("workspaces", "GET", "/workspaces").status == (401 if leaves else 200)


def test_in_an_organization_that_is_suspended_the_command_line_reads_and_changes_nothing(world: World):
    world.join("Bob", "bob@example.com", Role.MEMBER)
    org_id = str(world.project.org_id)
    set_status(org_id, "suspended")
    scope = {"scope": "projects:read features:write"}
    browser = Browser()
    browser.open(asked(**scope))
    browser.sign_in("bob@example.com")
    given = exchange(browser.press("allow", organization=org_id)).json
    renewed = post("/oauth/token", grant_type="refresh_token", refresh_token=given["refresh_token"], client_id=COMMAND_LINE)
    for token in (given["access_token"], renewed.json["access_token"]):
        client = Client("enterprise", token)
        assert client("projects", "GET", f"/projects/{world.project.id}").status == 200
        made = client("planning", "POST", f"/projects/{world.project.id}/requirements", body=REQUIREMENT)
        assert made.status == 403
    set_status(org_id, "active")
    assert client("planning", "POST", f"/projects/{world.project.id}/requirements", body=REQUIREMENT).status == 201


def test_nobody_takes_the_command_line_to_an_organization_of_others(world: World):
    sign_up("Eve", "eve@example.com")
    browser = signed_in("eve@example.com")
    assert browser.press("allow", organization=str(world.project.org_id)).status == 403
