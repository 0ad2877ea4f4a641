"""What a person has to approve first is worked on through no contract: it has no task and no run, and stays in its lane."""

from datetime import timedelta

import pytest
import time_machine

from shared.core import clock
from shared.core.errors import TransitionRefused
from shared.core.ids import new_id
from shared.delivery.operations.requesting import BuildRequest, request_build
from shared.planning.tickets import approving
from shared.planning.tickets.creating import NewTicket, create_ticket
from shared.planning.tickets.detecting import detect_stuck
from shared.store import fetch, fetch_all, index_rows
from shared.work.items.rows import Item
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task, tasks_of_card
from tests.areas.boards_world import World
from tests.filed_cards import check_board


def wanted(world: World, title: str = "Wanted", phase: str = "PHASE_REQUIREMENTS") -> Item:
    made = create_ticket(world.actor, world.project.id, NewTicket(title, phase_id=phase, approval_required=True))
    assert isinstance(made, Item)
    return made


def tasks_of(item: Item) -> list[Task]:
    return fetch_all(Task, [row.id for row in index_rows(2, tasks_of_card(item.id))])


@pytest.fixture(params=["pending", "rejected"])
def ticket(request, world) -> Item:
    item = wanted(world)
    if request.param == "rejected":
        approving.reject(world.actor, item.id, "Not now")
    return item


def test_it_gets_no_task(world, ticket):
    omoios = world.ada.at("omoios")
    refused = omoios("tasks", "POST", f"/tickets/{ticket.id}/tasks", body={"description": "Do it all the same"})
    assert (refused.status, refused.json["error"]["code"]) == (400, "VALIDATION_ERROR"), refused.text
    with pytest.raises(TransitionRefused):
        add_task(world.actor, fetch(Item, ticket.id), new_id(), NewTask("Do it all the same"))
    blocked = omoios("cards", "POST", f"/tickets/{ticket.id}/block", body={"blocker_type": "dependency"})
    assert (blocked.status, blocked.json["remediation_task_id"]) == (200, None)
    assert tasks_of(ticket) == []
    assert omoios("cards", "POST", f"/tickets/{ticket.id}/unblock").status == 200


def test_no_agent_runs_on_it(world, ticket):
    refused = world.ada("runs", "POST", f"/cards/{ticket.id}/agents/prd/run", body={})
    assert (refused.status, refused.json["error"]["code"]) == (403, "AGENT_NOT_ALLOWED"), refused.text
    assert fetch(Item, ticket.id).lease_run is None


def test_it_is_not_built_as_a_feature(world, ticket):
    assert world.ada("cards", "PUT", f"/cards/{ticket.id}", body={"type": "feature"}).status == 200
    with pytest.raises(TransitionRefused):
        request_build(world.actor, ticket.id, BuildRequest())


def test_it_stays_in_its_lane(world, ticket):
    omoios = world.ada.at("omoios")
    forced = {"ticket_id": ticket.id, "target_column_id": "building", "force": True}
    refused = [
        omoios("boards", "POST", "/board/move", body=forced),
        world.ada("cards", "POST", f"/cards/{ticket.id}/move", body={"toLaneId": world.lanes[4].id}),
        world.ada("cards", "PUT", f"/cards/{ticket.id}", body={"status": "done"}),
        world.ada("cards", "PUT", f"/cards/{ticket.id}", body={"status": "in_progress"}),
    ]
    assert [one.status for one in refused] == [400, 422, 422, 422], [one.text for one in refused]
    assert omoios("boards", "POST", f"/board/auto-transition/{ticket.id}").json["transitioned"] is False
    after = fetch(Item, ticket.id)
    assert (after.lane_id, after.status) == (ticket.lane_id, ticket.status)
    assert world.ada("cards", "POST", f"/cards/{ticket.id}/move", body={"toLaneId": ticket.lane_id, "position": 9}).status == 200
    check_board(world.board.id)


def test_it_is_not_stuck(world, ticket):
    usual = world.card(1)
    with time_machine.travel(clock.now() + timedelta(minutes=40)):
        found = detect_stuck(world.actor, world.project.id).stuck
    assert [one.item.id for one in found] == [usual.id]


def test_all_of_it_is_allowed_as_soon_as_it_is_approved(world):
    item = wanted(world)
    omoios = world.ada.at("omoios")
    assert omoios("cards", "POST", f"/tickets/{item.id}/block", body={"blocker_type": "dependency"}).status == 200
    assert omoios("cards", "POST", f"/tickets/{item.id}/unblock").status == 200
    approving.approve(world.actor, item.id)
    assert omoios("tasks", "POST", f"/tickets/{item.id}/tasks", body={"description": "More"}).status == 201
    assert omoios("boards", "POST", "/board/move", body={"ticket_id": item.id, "target_column_id": "building"}).status == 200
    assert {task.task_type for task in tasks_of(item)} == {"analyze_requirements", "implementation"}


def test_a_ticket_of_a_project_begins_as_any_other(world):
    omoios = world.ada.at("omoios")
    path = f"/projects/{world.project.id}/create-ticket"
    made = omoios("projects", "POST", path, body={"title": "Rotate keys", "phase_id": "PHASE_IMPLEMENTATION"})
    assert made.status == 201, made.text
    item = fetch(Item, made.json["id"])
    assert [(task.title, task.task_type) for task in tasks_of(item)] == [("Implement: Rotate keys", "implement_feature")]
