"""enterprise, section 2: the projects of an organization."""

from dataclasses import replace

import pytest

from shared.core.actor import Role
from shared.core.settings import settings
from shared.store import fetch, save, write
from shared.work.boards.rows import Board
from shared.work.projects.rows import Project
from tests.areas.boards_world import World, put_on_plan
from tests.areas.driving import Answer, sign_up
from tests.samples.projects import ENTERPRISE_PROJECT
from tests.trips import count_requests


@pytest.fixture
def path(world: World) -> str:
    put_on_plan(world.ws_id, maxProjects=100)
    return f"/organizations/{world.project.org_id}/projects"


def create(world: World, path: str, **changes) -> Answer:
    return world.ada.at("enterprise")("projects", "POST", path, body=ENTERPRISE_PROJECT | changes)


def listed(client, path: str, query: str = "") -> list[str]:
    answer = client.at("enterprise")("projects", "GET", path + query)
    assert answer.status == 200, answer.text
    return [one["slug"] for one in answer.json["data"]]


def test_a_project_keeps_all_its_fields_and_has_a_board(world, path):
    answer = create(world, path)
    assert answer.status == 201, answer.text
    made = answer.json["data"]
    assert {name: made[name] for name in ENTERPRISE_PROJECT} == ENTERPRISE_PROJECT
    assert (made["organization_id"], made["owner_id"], made["status"]) == (
        world.project.org_id, world.ada.user["id"], "active",
    )  # fmt: skip
    assert len(fetch(Board, fetch(Project, made["id"]).board_id).lane_ids) == 11
    # the same project in the other contracts
    assert world.ada("projects", "GET", f"/projects/{made['id']}").json["repositoryUrl"] == made["repository_url"]
    assert world.ada.at("omoios")("projects", "GET", f"/projects/{made['id']}").json["github_owner"] == "acme"
    listed_again = world.ada.at("enterprise")("projects", "GET", f"/projects/{made['id']}").json["data"]
    assert listed_again == made


def test_a_subversion_repository_stays_one(world, path):
    made = create(world, path, repository_type="svn", repository_url="https://svn.example.com/one").json["data"]
    changed = {"repositoryUrl": "https://svn.example.com/two"}
    assert world.ada("projects", "PUT", f"/projects/{made['id']}", body=changed).status == 200
    assert fetch(Project, made["id"]).repository_type == "svn"


def test_a_slug_is_taken_once(world, path):
    assert create(world, path).status == 201
    again = create(world, path)
    assert (again.status, again.json["error"]["code"]) == (409, "DUPLICATE_SLUG")


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "A"), ("slug", "A b"), ("repository_url", ""), ("repository_url", "nonsense"), ("repository_type", "cvs"),
     ("visibility", "secret"), ("template_type", "desktop"), ("tech_stack", [""]), ("colour", "red")],
)  # fmt: skip
def test_what_is_not_valid_is_named(world, path, field, value):
    answer = create(world, path, **{field: value})
    assert (answer.status, answer.json["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert answer.json["error"]["details"][0]["field"].startswith(field)


def test_the_repository_must_be_there(world, path):
    body = {name: value for name, value in ENTERPRISE_PROJECT.items() if name != "repository_url"}
    answer = world.ada.at("enterprise")("projects", "POST", path, body=body)
    assert answer.json["error"]["details"][0]["field"] == "repository_url"


def test_the_limit_of_the_organization_holds(world, path):
    from tests.areas.test_organizations_enterprise import limit_users

    organization = limit_users(world, 10)
    organization.max_projects = 2
    write(save(organization))
    assert [create(world, path, slug=slug).status for slug in ("a", "b")] == [201, 403]


def test_a_list_spans_all_workspaces_with_filters_orders_and_pages(world, path):
    second = world.ada("workspaces", "POST", "/workspaces", body={"name": "Second", "slug": "second"}).json["id"]
    for slug in ("beta", "alpha"):
        assert create(world, path, slug=slug, name=slug.title(), description=None).status == 201
    body = {"name": "Other", "slug": "other"}
    assert world.ada("projects", "POST", f"/workspaces/{second}/projects", body=body).status == 201
    assert listed(world.ada, path) == ["other", "alpha", "beta", "engine"]
    assert listed(world.ada, path, "?sort_by=name") == ["alpha", "beta", "engine", "other"]
    assert listed(world.ada, path, "?sort_by=name&sort_order=desc&page_size=3&page=2") == ["alpha"]
    assert listed(world.ada, path, "?search=ALPH") == ["alpha"]
    archived = world.ada("projects", "POST", f"/projects/{world.project.id}/archive")
    assert archived.status == 202
    assert listed(world.ada, path, "?status=archived") == ["engine"]
    assert listed(world.ada, path, "?status=active&sort_by=name") == ["alpha", "beta", "other"]
    assert listed(world.ada, path, "?status=deleted") == []
    page = world.ada.at("enterprise")("projects", "GET", f"{path}?page_size=3").json["pagination"]
    assert page == {"page": 1, "page_size": 3, "total": 4, "pages": 2, "has_next": True, "has_prev": False}
    with count_requests() as seen:
        listed(world.ada, path)
    assert (seen.names, sorted(seen.beside)) == (["BatchGetItem", "BatchGetItem"], ["Query", "Query", "Query"])


def test_visibility_decides_who_in_and_outside_of_the_organization_sees_a_project(world, path):
    second = world.ada("workspaces", "POST", "/workspaces", body={"name": "Second", "slug": "second"}).json["id"]
    ids = {one: create(world, path, slug=one, visibility=one).json["data"]["id"] for one in ("private", "internal", "public")}
    world.ws_id = second
    guest = world.join("Gus", "gus@example.com", Role.VIEWER)  # in another workspace of the same organization
    stranger = sign_up("Stan", "stan@example.com")
    assert listed(guest, path, "?sort_by=name&search=al") == ["internal"]
    assert sorted(listed(guest, path)) == ["internal", "public"]
    assert stranger.at("enterprise")("projects", "GET", path).status == 404

    def seen_by(client) -> list[str]:
        answers = {one: client.at("enterprise")("projects", "GET", f"/projects/{made}") for one, made in ids.items()}
        return [one for one, answer in answers.items() if answer.status == 200]

    assert seen_by(world.ada) == ["private", "internal", "public"]
    assert seen_by(guest) == ["internal", "public"]
    assert seen_by(stranger) == ["public"]
    assert guest("projects", "GET", f"/projects/{ids['internal']}").status == 404  # its cards stay the workspace's


def test_who_has_the_scope_projects_write_creates_projects_also_a_developer(world, path):
    """As enterprise's document asks. In agentworks' document a member does not."""
    for role, expected in ((Role.ADMIN, 201), (Role.MEMBER, 201), (Role.VIEWER, 403)):
        client = world.join(role, f"{role}@example.com", role).at("enterprise")
        answer = client("projects", "POST", path, body=ENTERPRISE_PROJECT | {"slug": f"by-{role}"})
        assert answer.status == expected, answer.text
        agentworks = client.at("agentworks")(
            "projects", "POST", f"/workspaces/{world.ws_id}/projects", body={"name": "P", "slug": f"p-{role}"}
        )
        assert agentworks.status == (403 if role == Role.MEMBER else expected)
    stranger = sign_up("Stan", "stan@example.com").at("enterprise")
    assert stranger("projects", "POST", path, body=ENTERPRISE_PROJECT).status == 404


def test_a_repository_in_a_folder_is_for_laptops(world, path, monkeypatch):
    changes = {"repository_url": "file:///home/ada/shop"}
    assert create(world, path, **changes).json["data"]["repository_url"] == changes["repository_url"]
    deployed = replace(settings(), stage="prod")
    monkeypatch.setattr("functions.projects.enterprise.settings", lambda: deployed)
    assert create(world, path, slug="other", **changes).status == 400
