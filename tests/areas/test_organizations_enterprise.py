"""enterprise, section 1: organizations, their limits, and the status that closes them."""

import pytest

from shared.core.actor import Role
from shared.core.ids import new_id
from shared.money.billing.rows import BillingAccount
from shared.people.access import records
from shared.people.access.records import MAX_ORGANIZATIONS
from shared.people.identity.administrators import set_administrator
from shared.people.tenancy import invitations
from shared.people.tenancy.organizations import set_status
from shared.people.tenancy.rows import Organization, Seat, Workspace
from shared.people.tenancy.seats import vacate
from shared.store import create, fetch, get, save, update, write
from tests.areas.boards_world import World, put_on_plan
from tests.areas.driving import Answer, Client, confirm_address, sign_up
from tests.areas.test_invitations import accept, invite, token_of
from tests.kills import concurrently, crash_at_every_write
from tests.trips import count_requests
from tools import organizations as tool
from tools.deployment import Deployment

SAMPLE = {
    "name": "TechStart Inc", "slug": "techstart-inc", "type": "startup", "plan": "professional", "max_users": 50, "max_projects": 10,
}  # fmt: skip


@pytest.fixture
def ada(aws: None) -> Client:
    return confirm_address(sign_up()).at("enterprise")


def found(client: Client, **changes) -> Answer:
    return client.at("enterprise")("organizations", "POST", "/organizations", body=SAMPLE | changes)


def listed(client: Client, query: str = "") -> list[str]:
    answer = client.at("enterprise")("organizations", "GET", f"/organizations{query}")
    assert answer.status == 200, answer.text
    return [one["slug"] for one in answer.json["data"]]


def test_the_documents_sample_founds_an_organization_with_workspace_and_billing(ada):
    listed(ada)  # the rate window has begun
    with count_requests() as seen:
        answer = found(ada)
    assert (answer.status, seen.names) == (201, ["GetItem", "TransactWriteItems"]), answer.text
    made = answer.json["data"]
    assert {name: made[name] for name in SAMPLE} == SAMPLE
    assert made["status"] == "active"
    row = fetch(Organization, made["id"])
    workspace = fetch(Workspace, row.default_ws_id)
    assert (workspace.plan, workspace.is_default, workspace.settings["maxProjects"]) == ("professional", True, 10)
    account = get(BillingAccount, *BillingAccount.key(workspace.id))
    assert (account.plan, account.email) == ("professional", "ada@example.com")
    body = {"name": "First", "slug": "first"}
    assert ada.at("agentworks")("projects", "POST", f"/workspaces/{workspace.id}/projects", body=body).status == 201


def test_a_slug_belongs_to_one_organization(ada):
    assert found(ada).status == 201
    again = found(ada)
    assert (again.status, again.json["error"]["code"]) == (409, "DUPLICATE_SLUG")
    assert len(listed(ada)) == 2  # nothing was half made


def test_the_defaults_are_those_of_the_document(ada):
    made = ada("organizations", "POST", "/organizations", body={"name": "No", "slug": "no"}).json["data"]
    assert (made["plan"], made["max_users"], made["max_projects"]) == ("free", 10, 5)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "A"}, "name"),
        ({"slug": "Tech_Start"}, "slug"),
        ({"type": "club"}, "type"),
        ({"plan": "gold"}, "plan"),
        ({"max_users": 0}, "max_users"),
        ({"website_url": "nonsense"}, "website_url"),
        ({"plan": "free", "max_projects": 6}, "max_projects"),  # else somebody would choose what a plan sells
        ({"plan": "free", "max_users": 11}, "max_users"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_not_valid_is_named(ada, changes, field):
    answer = found(ada, **(SAMPLE | {"max_users": 5, "max_projects": 5} | changes))
    assert (answer.status, answer.json["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert [one["field"] for one in answer.json["error"]["details"]] == [field]


def test_who_has_not_confirmed_an_address_founds_nothing(aws):
    assert found(sign_up()).status == 403


def test_a_person_has_a_bounded_number_of_organizations(ada):
    answers = [found(ada, slug=f"org-{number}").status for number in range(MAX_ORGANIZATIONS)]
    assert answers == [201] * (MAX_ORGANIZATIONS - 1) + [403]


def test_an_idempotency_key_founds_once(ada):
    answers = [
        ada("organizations", "POST", "/organizations", body=SAMPLE, headers={"Idempotency-Key": "once"}).json["data"]["id"]
        for _ in range(2)
    ]
    assert len(set(answers)) == 1
    assert len(listed(ada)) == 2


def test_owners_list_what_they_administer_and_nothing_else(ada):
    bob = confirm_address(sign_up("Bob", "bob@example.com"))
    assert found(bob, slug="bobs").status == 201
    assert found(ada).status == 201
    assert "bobs" not in listed(ada)
    assert listed(ada, "?search=techstart&status=active") == ["techstart-inc"]
    assert listed(ada, "?status=suspended") == []
    with count_requests() as seen:
        listed(ada)
    assert seen.names == ["GetItem", "BatchGetItem"]


def test_who_administers_no_organization_lists_and_founds_none(ada):
    access = records.find_access(ada.user["id"])
    (org_id,) = dict(access.organizations)
    write(update(access, [records.Access.organizations[org_id].set(Role.MEMBER.value)]))
    refused = ada("organizations", "GET", "/organizations")
    assert (refused.status, refused.json["error"]["code"]) == (403, "AUTHORIZATION_DENIED")
    assert found(ada).status == 403


def test_an_administrator_of_the_platform_lists_all_page_by_page_in_every_order(ada):
    for number in range(7):
        row = Organization.new(new_id(), name=f"Org {number}", slug=f"org-{number}", default_ws_id=new_id(), status="suspended")
        write(create(row))
    set_administrator("ada@example.com", True)
    query = "/organizations?status=suspended&sort_by=name&page_size=3"
    pages = [ada("organizations", "GET", f"{query}&page={page}").json for page in (1, 2, 3, 4)]
    assert [[one["slug"] for one in page["data"]] for page in pages] == [
        ["org-0", "org-1", "org-2"], ["org-3", "org-4", "org-5"], ["org-6"], [],
    ]  # fmt: skip
    assert pages[1]["pagination"] == {
        "page": 2, "page_size": 3, "total": 7, "pages": 3, "has_next": True, "has_prev": True,
    }  # fmt: skip
    down = ada("organizations", "GET", f"{query}&sort_order=desc").json["data"]
    assert [one["slug"] for one in down] == ["org-6", "org-5", "org-4"]
    newest = ada("organizations", "GET", "/organizations?page_size=1&sort_by=created_at").json
    assert newest["data"][0]["slug"] == "org-6"
    assert newest["pagination"]["total"] == 8
    with count_requests() as seen:
        listed(ada)
    assert seen.count == 3  # who asks; the shards side by side; the rows of the page


@pytest.mark.parametrize("query", ["?page=0", "?page_size=101", "?sort_by=plan", "?status=gone", "?sort_order=up"])
def test_a_query_that_is_not_valid_is_refused(ada, query):
    assert ada("organizations", "GET", f"/organizations{query}").status == 400


# -- max_users


def limit_users(world: World, number: int) -> Organization:
    put_on_plan(world.ws_id, maxMembers=100)
    organization = fetch(Organization, world.project.org_id)
    organization.max_users = number
    write(save(organization))
    return organization


def token_for(world: World, client: Client, ws_id: str) -> str:
    confirm_address(world.ada)
    return token_of(invite(world.ada, ws_id, client.user["email"]))


def users(world: World) -> int:
    return int(fetch(Organization, world.project.org_id).user_count)


def second_workspace(world: World) -> str:
    ws_id = world.ada("workspaces", "POST", "/workspaces", body={"name": "Second", "slug": "second"}).json["id"]
    put_on_plan(ws_id, maxMembers=100)
    return ws_id


def test_max_users_counts_a_person_once_in_all_workspaces(world):
    limit_users(world, 2)
    second = second_workspace(world)
    bob, eve = sign_up("Bob", "bob@example.com"), sign_up("Eve", "eve@example.com")
    tokens = [(one, ws_id, token_for(world, one, ws_id)) for one in (bob, eve) for ws_id in (world.ws_id, second)]
    answers = [accept(*one) for one in tokens]
    assert [one.status for one in answers] == [200, 200, 403, 403]
    assert answers[2].json["error"]["code"] == "WORKSPACE_MEMBER_LIMIT"
    assert answers[2].json["error"]["details"]["limit"] == 2
    assert users(world) == 2
    for ws_id, left in ((world.ws_id, 2), (second, 1)):  # who leaves the last workspace makes room
        assert world.ada("workspaces", "DELETE", f"/workspaces/{ws_id}/members/{bob.user['id']}").status == 204
        assert users(world) == left
    assert get(Seat, *Seat.key(world.project.org_id, bob.user["id"])) is None
    assert accept(*tokens[2]).status == 200


def test_of_two_who_race_for_the_last_place_one_gets_it(world):
    limit_users(world, 2)
    bob, eve = sign_up("Bob", "bob@example.com"), sign_up("Eve", "eve@example.com")
    second = second_workspace(world)
    first, later = token_for(world, bob, world.ws_id), token_for(world, eve, second)
    with concurrently(lambda: accept_as(eve, second, later)):
        assert accept(bob, world.ws_id, first).status == 403
    assert users(world) == 2


def test_who_enters_two_workspaces_at_once_takes_one_place(world):
    bob, second = sign_up("Bob", "bob@example.com"), second_workspace(world)
    tokens = {ws_id: token_for(world, bob, ws_id) for ws_id in (world.ws_id, second)}
    with concurrently(lambda: accept_as(bob, second, tokens[second])):
        assert accept(bob, world.ws_id, tokens[world.ws_id]).status == 200
    assert users(world) == 2
    assert get(Seat, *Seat.key(world.project.org_id, bob.user["id"])).workspaces == {world.ws_id, second}


def accept_as(client: Client, ws_id: str, token: str) -> None:
    """As a request within another one would, which cannot be sent."""
    record = records.find_access(client.user["id"])
    invitations.accept(records.build_actor(client.user["id"], record), ws_id, token)


def test_the_members_of_a_deleted_workspace_make_room_once(world):
    second = second_workspace(world)
    bob = sign_up("Bob", "bob@example.com")
    assert accept(bob, second, token_for(world, bob, second)).status == 200
    assert users(world) == 2
    for process in crash_at_every_write():
        with process:
            vacate(world.project.org_id, second, bob.user["id"])
        vacate(world.project.org_id, second, bob.user["id"])
        assert users(world) == 1
    vacate(world.project.org_id, second, world.ada.user["id"])  # the owner is in another workspace too
    assert users(world) == 1


# -- a status that closes


REFUSED = "The organization is inactive or suspended: nothing can be changed in it"


@pytest.mark.parametrize("status", ["inactive", "suspended"])
def test_an_organization_that_is_not_active_refuses_writes_in_every_contract(world, status):
    member = world.join("Mia", "mia@example.com", Role.MEMBER)
    card = world.card()
    set_status(world.project.org_id, status)
    for client in (world.ada, member):
        changes = (
            ("agentworks", "cards", "PUT", f"/cards/{card.id}", {"title": "Other"}),
            ("agentworks", "comments", "POST", f"/cards/{card.id}/comments", {"content": "Words"}),
            ("omoios", "boards", "POST", "/board/move", {"ticket_id": card.id, "target_column_id": "building"}),
            ("omoios", "projects", "POST", f"/projects/{world.project.id}/create-ticket", {"title": "T"}),
        )
        for contract, area, method, path, body in changes:
            refused = client.at(contract)(area, method, path, body=body)
            assert refused.status == 403, refused.text
            assert REFUSED in refused.text
        assert client("cards", "GET", f"/cards/{card.id}").json["title"] == "A card"  # reading goes on
    confirm_address(world.ada)
    assert REFUSED in found(world.ada).text
    assert REFUSED in world.ada("workspaces", "POST", "/workspaces", body={"name": "W", "slug": "w"}).text
    # what belongs to no organization goes on, also one's own
    assert member("auth", "PUT", "/auth/me", body={"name": "Mia Other"}).status == 200
    assert member("projects", "POST", f"/workspaces/{own(member)}/projects", body={"name": "P", "slug": "p"}).status == 201
    set_status(world.project.org_id, "active")
    assert member("cards", "PUT", f"/cards/{card.id}", body={"title": "Other"}).status == 200


def own(member: Client) -> str:
    found = member("workspaces", "GET", "/workspaces").json["workspaces"]
    return next(one["id"] for one in found if one["role"] == "owner")


def test_nobody_enters_a_suspended_organization(world):
    bob = sign_up("Bob", "bob@example.com")
    token = token_for(world, bob, world.ws_id)
    set_status(world.project.org_id, "suspended")
    refused = accept(bob, world.ws_id, token)
    assert (refused.status, REFUSED in refused.text) == (403, True)
    set_status(world.project.org_id, "active")
    assert accept(bob, world.ws_id, token).status == 200


def test_a_status_that_was_interrupted_is_set_by_a_repetition(world):
    card = world.card()
    for process in crash_at_every_write():
        with process:
            set_status(world.project.org_id, "suspended")
        set_status(world.project.org_id, "suspended")
        assert world.ada("cards", "PUT", f"/cards/{card.id}", body={"title": "Other"}).status == 403
        set_status(world.project.org_id, "active")


def test_an_operator_sets_the_status_by_a_command(world, monkeypatch, capsys):
    monkeypatch.setattr(Deployment, "find", lambda _, part, name: f"{part}/{name}".removeprefix("data/").lower())
    slug = fetch(Organization, world.project.org_id).slug
    assert (tool.main([slug, "suspended"]), capsys.readouterr().out) == (0, f"{slug} is suspended\n")
    assert listed(world.ada, "?status=suspended") == [slug]
    assert (tool.main(["nobody", "active"]), capsys.readouterr().err) == (2, "nobody: Organization not found\n")
