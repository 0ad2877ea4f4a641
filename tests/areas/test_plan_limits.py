"""The limits of a plan: settings stay within it, every limit that is shown holds, and a refusal says how to raise it."""

from datetime import timedelta

import pytest
import time_machine

from shared.core import clock
from shared.core.plans import PLANS
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs.requesting import RunRequest, request_run
from shared.runs.agent_runs.rows import RunCount
from shared.store import fetch, get, save, write
from shared.work.items.rows import Item
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.areas.driving import confirm_address
from tests.areas.test_billing import put
from tests.areas.test_invitations import error_of
from tests.areas.test_runs import card_in, started, trigger
from tests.trips import count_requests


@pytest.fixture
def world(aws) -> World:
    world = create_world()
    world.set_wip(1, None)
    settings = {"settings": {"maxConcurrentRuns": 100}}
    assert world.ada("projects", "PUT", f"/projects/{world.project.id}", body=settings).status == 200
    return world


def settings(world: World, **settings):
    return world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body={"settings": settings})


def shown(world: World) -> dict:
    return world.ada("workspaces", "GET", f"/workspaces/{world.ws_id}").json


def runs_today(world: World) -> int:
    row = get(RunCount, f"ORG#{world.project.org_id}", f"RUNS#{clock.epoch() // 86_400}")
    return int(row.runs) if row else 0


@pytest.mark.parametrize(
    ("name", "above", "plan"),
    [("maxMonthlyUsage", 1_000_000, "Pro"), ("maxMembers", 1_000, "Enterprise"), ("maxProjects", 4, "Pro")],
)
def test_no_setting_is_above_the_plan_and_the_refusal_names_the_plan_that_allows_it(world, name, above, plan):
    before = shown(world)["settings"]
    refused = settings(world, **{name: above})
    assert error_of(refused) == (422, "VALIDATION_ERROR")
    (issue,) = refused.json["validationErrors"]
    assert (issue["field"], issue["value"]) == (f"settings.{name}", above)
    assert f"can change to the plan {plan} in its billing" in issue["message"]
    assert shown(world)["settings"] == before
    created = world.ada("workspaces", "POST", "/workspaces", body={"name": "B", "slug": "b", "settings": {name: above}})
    assert error_of(created) == (422, "VALIDATION_ERROR")


def test_a_plan_that_is_bought_raises_the_limits_and_one_that_is_given_up_lowers_them_again(world):
    """What was set under the larger plan is neither shown nor does it hold under the smaller one."""
    assert put(world, plan="enterprise").status == 200
    assert settings(world, maxMembers=1_000, maxMonthlyUsage=5_000).status == 200
    assert put(world, plan="free").status == 200
    assert fetch(Workspace, world.ws_id).settings["maxMembers"] == 1_000
    now = shown(world)
    assert (now["settings"]["maxMembers"], now["settings"]["maxMonthlyUsage"], now["usage"]["usageLimit"]) == (5, 100, 100)
    workspace = world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body={"settings": now["settings"]})
    assert workspace.status == 200  # what is shown can be sent back


def test_members_are_limited_by_the_plan_whatever_was_set(world):
    put_on_plan(world.ws_id, "free", maxMembers=1_000)
    confirm_address(world.ada)
    workspace = fetch(Workspace, world.ws_id)
    workspace.member_count = 5
    write(save(workspace))
    body = {"email": "eve@example.com", "role": "member"}
    refused = world.ada("workspaces", "POST", f"/workspaces/{world.ws_id}/members/invite", body=body)
    assert error_of(refused) == (403, "WORKSPACE_MEMBER_LIMIT")
    assert "can change to the plan Enterprise" in refused.json["error"]["details"]["reason"]


def test_runs_of_a_day_end_at_the_plan_and_begin_again_with_the_next_day(world):
    allowed = PLANS["free"].runs_per_day
    for _ in range(allowed):
        started(world, card_in(world, 1, "doc"), "prd")
    card = card_in(world, 1, "doc")
    refused = trigger(world, card, "prd")
    assert error_of(refused) == (403, "LIMIT_EXCEEDED")
    details = refused.json["error"]["details"]
    assert (details["limit"], details["plan"]) == (5, "Free")
    assert details["reason"].endswith("the owner of the workspace can change to the plan Pro in its billing")
    assert clock.parse(details["resetsAt"]) > clock.now()
    assert (fetch(Item, card.id).lease_run, runs_today(world)) == (None, allowed)
    with time_machine.travel(clock.now() + timedelta(days=1), tick=False):
        answer = world.ada("auth", "POST", "/auth/login", body={"email": "ada@example.com", "password": "correct horse"})
        world.ada.token = answer.json["token"]
        assert trigger(world, card, "prd").status == 202
    put_on_plan(world.ws_id, "professional")
    assert runs_today(world) == allowed


def test_new_workspaces_bring_no_new_runs_of_the_free_plan(world):
    """Also not one after the other: a workspace that is deleted takes nothing back. One whose plan is paid for has its own."""
    for _ in range(PLANS["free"].runs_per_day):
        started(world, card_in(world, 1, "doc"), "prd")
    ws_id = world.ada("workspaces", "POST", "/workspaces", body={"name": "B", "slug": "b"}).json["id"]
    project = world.ada("projects", "POST", f"/workspaces/{ws_id}/projects", body={"name": "P", "slug": "p"}).json["id"]
    board = world.ada("boards", "GET", f"/projects/{project}/boards").json["boards"][0]["id"]
    body = {"laneId": world.ada("boards", "GET", f"/boards/{board}/lanes").json[1]["id"], "title": "C", "type": "doc"}
    card = fetch(Item, world.ada("cards", "POST", f"/boards/{board}/cards", body=body).json["id"])
    refused = trigger(world, card, "prd")
    assert error_of(refused) == (403, "LIMIT_EXCEEDED")
    assert "5 runs a day (UTC) in all your workspaces together" in refused.json["error"]["details"]["reason"]
    assert world.ada("billing", "PUT", f"/workspaces/{ws_id}/billing", body={"plan": "pro"}).status == 200
    assert (trigger(world, card, "prd").status, runs_today(world)) == (202, 5)


def test_a_refused_run_is_not_counted(world):
    card = card_in(world, 1, "doc")
    assert trigger(world, card, "prd").status == 202
    assert trigger(world, card, "prd").json["error"]["code"] == "AGENT_RUN_IN_PROGRESS"
    assert trigger(world, card_in(world, 7), "prd").status == 403
    assert runs_today(world) == 1


def test_the_count_of_the_day_costs_no_round_trip(world):
    put_on_plan(world.ws_id, "enterprise")
    with count_requests() as without:
        request_run(world.actor, card_in(world, 1, "doc").id, "prd", RunRequest())
    put_on_plan(world.ws_id, "free")
    with count_requests() as counted:
        request_run(world.actor, card_in(world, 1, "doc").id, "prd", RunRequest())
    assert counted.count == without.count
