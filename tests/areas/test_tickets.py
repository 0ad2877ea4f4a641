"""omoios: a ticket is a card."""

from shared.core.actor import Role
from shared.core.ids import new_id
from shared.work.items.updating import block_item
from tests.areas.boards_world import World, create_world
from tests.trips import count_requests


def ticket(world: World, ticket_id: str, client=None):
    return (client or world.ada).at("omoios")("cards", "GET", f"/tickets/{ticket_id}")


def make(world: World, lane: int = 6, **fields) -> dict:
    body = {"laneId": world.lanes[lane].id, "title": "A card", "type": "task"} | fields
    return world.ada("cards", "POST", f"/boards/{world.board.id}/cards", body=body).json


def test_a_card_is_a_ticket(world):
    card = make(world, title="Login", description="A form", priority="high")
    ticket(world, card["id"])  # the rate window has begun
    with count_requests() as seen:
        answer = ticket(world, card["id"])
    assert (answer.status, seen.names) == (200, ["BatchGetItem"])
    expected = {
        "id": card["id"],
        "title": "Login",
        "description": "A form",
        "phase_id": "PHASE_IMPLEMENTATION",
        "status": "open",
        "priority": "HIGH",
        "project_id": world.project.id,
        "approval_status": "approved",
        "is_blocked": False,
        "blocked_reason": None,
        "created_at": card["createdAt"],
        "updated_at": card["updatedAt"],
    }
    assert answer.json.items() >= expected.items()


def test_a_ticket_is_a_card(world):
    body = {"title": "Implement feature", "description": "...", "priority": "HIGH", "phase_id": "PHASE_IMPLEMENTATION"}
    answer = world.ada.at("omoios")("projects", "POST", f"/projects/{world.project.id}/create-ticket", body=body)
    assert answer.status == 201
    made = answer.json
    assert {name: made[name] for name in body} == body
    assert ticket(world, made["id"]).json == made
    card = world.ada("cards", "GET", f"/cards/{made['id']}").json
    shown = {"title": "Implement feature", "priority": "high", "status": "draft", "laneId": world.lanes[5].id}
    assert {name: card[name] for name in shown} == shown
    assert world.ada("cards", "GET", f"/boards/{world.board.id}/cards").json["total"] == 1
    assert (world.lane_counts(), world.column_counts()) == ({5: 1}, {"building": 1})


def test_what_one_contract_changes_the_other_shows(world):
    card = make(world)
    for status, shown in (("ready", "open"), ("in_progress", "in_progress"), ("done", "done")):
        world.ada("cards", "PUT", f"/cards/{card['id']}", body={"status": status})
        assert ticket(world, card["id"]).json["status"] == shown
    assert ticket(world, card["id"]).json["phase_id"] == "PHASE_DONE"
    world.ada("cards", "POST", f"/cards/{card['id']}/move", body={"toLaneId": world.lanes[7].id})
    assert ticket(world, card["id"]).json.items() >= {"phase_id": "PHASE_TESTING", "status": "in_progress"}.items()
    block_item(world.actor, card["id"], "Waits for a key")
    blocked = {"status": "in_progress", "is_blocked": True, "blocked_reason": "Waits for a key"}
    assert ticket(world, card["id"]).json.items() >= blocked.items()


def test_who_may_read_a_ticket(world):
    card = make(world)
    assert ticket(world, card["id"], world.join("Vera", "vera@example.com", Role.VIEWER)).status == 200
    eve = create_world("eve@example.com", "Eve").ada
    for answer in (ticket(world, card["id"], eve), ticket(world, new_id()), ticket(world, "ticket-123")):
        assert (answer.status, answer.json["error"]["code"]) == (404, "NOT_FOUND")
    world.ada("cards", "DELETE", f"/cards/{card['id']}")
    assert ticket(world, card["id"]).status == 404
