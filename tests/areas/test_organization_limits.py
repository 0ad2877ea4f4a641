"""The limits of an organization follow its plan, and bite at the write."""

from shared.core.plans import FREE, PLANS
from shared.people.tenancy.rows import Organization, Workspace
from shared.store import fetch, save, write
from tests.areas.boards_world import World, put_on_plan
from tests.areas.driving import Answer, confirm_address
from tests.areas.test_billing import put


def new_workspace(world: World, number: int) -> Answer:
    return world.ada("workspaces", "POST", "/workspaces", body={"name": f"W {number}", "slug": f"w-{number}"})


def new_project(world: World, ws_id: str, slug: str) -> Answer:
    return world.ada("projects", "POST", f"/workspaces/{ws_id}/projects", body={"name": slug, "slug": slug})


def organization(world: World) -> Organization:
    return fetch(Organization, fetch(Workspace, world.ws_id).org_id)


def test_a_paid_plan_has_no_limit_of_projects_in_the_organization(world):
    confirm_address(world.ada)
    assert put(world, plan="pro").status == 200
    settings = {"settings": {"maxProjects": 20}}
    assert world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body=settings).status == 200
    answers = [new_project(world, world.ws_id, f"p-{number}") for number in range(7)]
    assert [answer.status for answer in answers] == [201] * 7
    assert organization(world).project_count == 8


def test_the_free_plan_limits_the_projects_of_all_workspaces_and_says_how_to_raise_it(world):
    second = new_workspace(world, 2).json["id"]
    places = [world.ws_id, world.ws_id, second, second]  # one exists already
    assert [new_project(world, ws_id, f"p-{number}").status for number, ws_id in enumerate(places)] == [201] * 4
    full = new_project(world, second, "p-9")
    reason = (
        "This organization may have at most 5 active projects; archive one, "
        "or the owner of its default workspace can change to the plan Pro in its billing"
    )
    assert (full.status, full.json["error"]["code"]) == (403, "LIMIT_EXCEEDED")
    assert full.json["error"]["details"] == {"reason": reason, "limit": 5}


def test_a_workspace_with_a_plan_of_its_own_is_not_limited_by_a_free_organization(world):
    second = new_workspace(world, 2).json["id"]
    put_on_plan(second, "professional", maxProjects=20)
    assert [new_project(world, second, f"p-{number}").status for number in range(6)] == [201] * 6


def test_what_an_administrator_chose_holds_under_every_plan(world):
    chosen = organization(world)
    chosen.max_projects = 2
    write(save(chosen))
    put_on_plan(world.ws_id, maxProjects=20)
    assert [new_project(world, world.ws_id, slug).status for slug in ("a", "b")] == [201, 403]


def test_an_organization_has_as_many_workspaces_as_its_plan_and_system_info_say(world):
    most = PLANS[FREE].max_workspaces
    shown = world.ada.at("aintandem")("system", "GET", "/system/info").json["data"]["features"]["max_workspaces"]
    assert shown == most
    made = [new_workspace(world, number) for number in range(2, most + 1)]
    assert [answer.status for answer in made] == [201] * (most - 1)
    full = new_workspace(world, 99)
    assert (full.status, full.json["error"]["code"]) == (403, "LIMIT_EXCEEDED")
    reason = full.json["error"]["details"]["reason"]
    assert "can change to the plan Pro" in reason
    assert f"at most {most} workspaces" in reason
    assert world.ada("workspaces", "DELETE", f"/workspaces/{made[0].json['id']}").status == 202
    assert new_workspace(world, 99).status == 201
    confirm_address(world.ada)
    assert put(world, plan="pro").status == 200
    assert new_workspace(world, 100).status == 201
    assert organization(world).workspace_count == most + 1
