"""agentworks: changing and moving cards; what a status does."""

import pytest

from shared.core.actor import Role
from shared.core.ids import new_id
from shared.events import get_event
from shared.store import fetch, put, save, write
from shared.work.activities.rows import new_activity
from shared.work.boards.lanes import LANES
from shared.work.items import updating
from shared.work.items.places import places_of
from shared.work.items.rows import Item
from tests.areas.boards_world import World, create_world
from tests.trips import count_requests


def make(world: World, lane: int = 0, **fields):
    body = {"laneId": world.lanes[lane].id, "title": "A card", "type": "task"} | fields
    return world.ada("cards", "POST", f"/boards/{world.board.id}/cards", body=body).json


def change(world: World, card, client=None, **fields):
    return (client or world.ada)("cards", "PUT", f"/cards/{card['id']}", body=fields)


def lane_of(world: World, card) -> int:
    return next(lane.number for lane in world.lanes if lane.id == card["laneId"])


def test_a_change_changes_what_it_names(world):
    card = make(world, 6, description="Old", labels=["a"], estimatedHours=3)
    answer = change(
        world, card, title="New", labels=["b", "c"], tags=[{"key": "k", "value": "v"}], priority="critical", type="bug"
    )
    assert answer.status == 200
    changed = {"title": "New", "labels": ["b", "c"], "tags": [{"key": "k", "value": "v"}], "priority": "critical", "type": "bug"}
    assert answer.json == card | changed | {"updatedAt": answer.json["updatedAt"]}
    event = get_event(fetch(Item, card["id"]))
    assert (event.type, event.changes["title"], "status" in event.changes) == ("item.updated", ["A card", "New"], False)


def test_null_clears_what_may_be_empty(world):
    card = make(world, description="D", estimatedHours=3, dueDate="2026-12-01", assigneeId=world.ada.user["id"])
    answer = change(world, card, description=None, estimatedHours=None, dueDate=None, assigneeId=None, title=None, labels=None)
    assert answer.status == 200
    assert not answer.json.keys() & {"description", "estimatedHours", "dueDate", "assignee"}
    assert answer.json["title"] == "A card"


def test_a_change_of_nothing_writes_nothing(world):
    card = make(world)
    with count_requests() as seen:
        assert change(world, card, title="A card", status="draft").json == card
    assert "TransactWriteItems" not in seen.by_name


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "story"}, "type"),
        ({"status": "archived"}, "status"),
        ({"status": "unblocked"}, "status"),
        ({"priority": "HIGH"}, "priority"),
        ({"title": ""}, "title"),
        ({"dueDate": "soon"}, "dueDate"),
        ({"laneId": "x"}, "laneId"),
        ({"version": 3}, "version"),
    ],
)
def test_a_bad_change_is_named(world, fields, field):
    answer = change(world, make(world), **fields)
    assert (answer.status, [one["field"] for one in answer.json["validationErrors"]]) == (422, [field])


def test_an_assignee_is_a_member(world):
    card = make(world)
    bob = world.join("Bob", "bob@example.com", Role.MEMBER)
    with count_requests() as seen:
        given = change(world, card, assigneeId=bob.user["id"])
    assert (given.json["assignee"]["name"], seen.names) == ("Bob", ["BatchGetItem", "GetItem", "TransactWriteItems"])
    stranger = create_world("eve@example.com", "Eve").ada.user["id"]
    for nobody in (stranger, new_id(), "nonsense"):
        refused = change(world, card, assigneeId=nobody)
        assert (refused.status, refused.json["validationErrors"][0]["field"]) == (422, "assigneeId")
    assert "assignee" not in change(world, card, assigneeId="").json


def test_done_moves_to_the_done_lane_and_reopening_moves_back(world):
    card = make(world, 6)
    with count_requests() as seen:
        done = change(world, card, status="done").json
    assert (lane_of(world, done), done["status"], "completedAt" in done) == (10, "done", True)
    assert seen.names == ["BatchGetItem", "GetItem", "BatchGetItem", "TransactWriteItems"]  # card, edges, board, write
    assert (world.lane_counts(), world.column_counts()) == ({10: 1}, {"done": 1})
    event = get_event(fetch(Item, card["id"]))
    places = places_of(event.changes, event.data)
    assert (event.type, places["from_lane"], places["to_lane"], places["to_column"]) == (
        "item.moved",
        world.lanes[6].id,
        world.lanes[10].id,
        "done",
    )
    back = change(world, card, status="ready").json
    assert (lane_of(world, back), back["status"], "completedAt" in back) == (6, "ready", False)
    assert (world.lane_counts(), world.column_counts()) == ({6: 1}, {"building": 1})


def test_finished_work_is_not_limited_but_reopened_work_is(world):
    cards = [make(world, 6) for _ in range(4)]
    assert LANES[10].wip_limit == 2
    assert [change(world, card, status="done").status for card in cards] == [200] * 4
    world.set_wip(6, 1)
    assert change(world, cards[0], status="in_progress").status == 200
    full = change(world, cards[1], status="in_progress")
    assert (full.status, full.json["error"]["code"]) == (422, "INVALID_LANE_TRANSITION")
    assert world.lane_counts() == {6: 1, 10: 3}


def test_a_card_moved_to_done_by_hand_goes_back_where_it_was(world):
    card = make(world, 7)
    moved = world.ada("cards", "POST", f"/cards/{card['id']}/move", body={"toLaneId": world.lanes[10].id}).json
    assert (moved["status"], lane_of(world, moved)) == ("done", 10)
    assert lane_of(world, change(world, card, status="in_progress").json) == 7


def test_a_card_made_in_the_done_lane_reopens_into_the_last_lane_of_work(world):
    card = make(world, 10)
    assert card["status"] == "draft"
    for status in ("ready", "blocked", "draft", "done"):
        assert lane_of(world, change(world, card, status=status).json) == 10
    assert lane_of(world, change(world, card, status="in_progress").json) == 9


def test_a_block_remembers_what_it_interrupted(world):
    card = make(world, 6)
    change(world, card, status="ready")
    blocked = change(world, card, status="blocked")
    assert (blocked.json["status"], lane_of(world, blocked.json)) == ("blocked", 6)
    assert (world.lane_counts(), world.column_counts()) == ({6: 1}, {"blocked": 1})
    row = fetch(Item, card["id"])
    assert (row.status_before_block, get_event(row).type) == ("ready", "item.blocked")
    restored = updating.unblock_item(world.actor, card["id"])
    assert (restored.status, restored.status_before_block, get_event(restored).type) == ("ready", None, "item.unblocked")
    assert world.column_counts() == {"building": 1}
    assert updating.unblock_item(world.actor, card["id"]).version == restored.version


def test_a_written_status_lifts_a_block_and_a_finished_card_is_not_blocked(world):
    card = make(world, 6)
    updating.block_item(world.actor, card["id"], "Waits for a key")
    assert updating.block_item(world.actor, card["id"], "Waits for two keys").blocked_reason == "Waits for two keys"
    assert change(world, card, status="in_progress").json["status"] == "in_progress"
    assert fetch(Item, card["id"]).blocked_reason is None
    updating.block_item(world.actor, card["id"], "Again")
    assert lane_of(world, change(world, card, status="done").json) == 10
    assert world.column_counts() == {"done": 1}
    refused = change(world, card, status="blocked")
    assert (refused.status, refused.json["error"]["code"]) == (422, "INVALID_LANE_TRANSITION")


def test_the_done_lane_has_its_rules_too(world):
    world.configure(10, requiredFields=["description"])
    card = make(world, 6)
    refused = change(world, card, status="done")
    assert (refused.status, refused.json["error"]["details"]["missingFields"]) == (422, ["description"])
    assert change(world, card, status="done", description="What was learnt").json["status"] == "done"


def test_a_type_must_suit_the_lane(world):
    card = make(world, 1)
    world.configure(1, allowedCardTypes=["task", "doc"])
    assert change(world, card, type="doc").status == 200
    assert change(world, card, type="bug").json["error"]["code"] == "INVALID_LANE_TRANSITION"


def test_a_move_is_a_move(world):
    card = make(world, 0)
    answer = world.ada(
        "cards", "POST", f"/cards/{card['id']}/move", body={"toLaneId": world.lanes[1].id, "position": 0.5, "reason": "Chosen"}
    )
    assert (answer.status, lane_of(world, answer.json), answer.json["position"], answer.json["status"]) == (
        200,
        1,
        0.5,
        "in_progress",
    )
    other = create_world("eve@example.com", "Eve")
    for lane, status, code in (
        (other.lanes[0].id, 404, "LANE_NOT_FOUND"),
        ("nonsense", 404, "LANE_NOT_FOUND"),
    ):
        refused = world.ada("cards", "POST", f"/cards/{card['id']}/move", body={"toLaneId": lane})
        assert (refused.status, refused.json["error"]["code"]) == (status, code)
    unknown = world.ada("cards", "POST", f"/cards/{card['id']}/move", body={"toLaneId": world.lanes[1].id, "lane": 1})
    assert (unknown.status, unknown.json["validationErrors"][0]["field"]) == (422, "lane")


def test_a_stale_write_starts_over_from_what_stands_there(world, monkeypatch):
    card = make(world)
    interfering = [True]
    real = updating.card_location

    def card_location(item):
        if interfering:
            interfering.clear()
            other = fetch(Item, item.id)
            other.priority = "high"
            write(save(other))
        return real(item)

    monkeypatch.setattr(updating, "card_location", card_location)
    answer = change(world, card, title="Mine")
    assert (answer.status, answer.json["title"], answer.json["priority"]) == (200, "Mine", "high")


def test_a_card_shows_all_that_is_around_it(world):
    card = make(world, 6)
    write(put(new_activity(fetch(Item, card["id"]), get_event(fetch(Item, card["id"])))))
    child, blocker = make(world, 6, parentId=card["id"]), make(world, 6)
    path = f"/cards/{card['id']}"
    world.ada("cards", "POST", f"{path}/dependencies", body={"dependencyCardId": blocker["id"], "type": "blocks"})
    for number in range(3):
        world.ada("comments", "POST", f"{path}/comments", body={"content": f"No. {number}"})
    row = fetch(Item, card["id"])
    row.recent_runs = [_run(card["id"], world.actor.summary)]
    write(save(row))
    with count_requests() as seen:
        answer = world.ada("cards", "GET", path)
    assert (seen.names, seen.beside) == (["BatchGetItem", "BatchGetItem"], ["Query", "Query"])
    found = answer.json
    assert [one["id"] for one in found["children"]] == [child["id"]]
    assert [(one["dependentCardId"], one["dependencyCard"]["id"]) for one in found["dependencies"]] == [
        (card["id"], blocker["id"])
    ]
    assert [one["content"] for one in found["comments"]] == ["No. 0", "No. 1", "No. 2"]
    assert [(one["type"], one["description"]) for one in found["activities"]] == [("created", "Ada Lovelace created the card")]
    assert found["agentRuns"] == [
        {
            "id": "r1",
            "cardId": card["id"],
            "agentId": "prd",
            "agent": {"id": "prd", "name": "prd", "displayName": "PRD Agent", "status": "active"},
            "status": "pending",
            "provider": "embedded",
            "model": "m",
            "progress": 40,
            "duration": 1.5,
            "cost": 0.25,
            "tokensUsed": 12,
            "createdAt": "2026-11-21T00:00:00.000Z",
            "triggeredBy": {"id": world.ada.user["id"], "name": "Ada Lovelace", "email": "ada@example.com"},
        }
    ]


def _run(card_id: str, person: dict) -> dict:
    return {
        "id": "r1",
        "card_id": card_id,
        "agent_id": "prd",
        "agent": {"id": "prd", "name": "prd", "display_name": "PRD Agent", "status": "active"},
        "status": "waiting",
        "waiting_for": "approval",
        "provider": "embedded",
        "model": "m",
        "progress": 40,
        "duration_ms": 1500,
        "customer_price_micros": 250_000,
        "tokens": 12,
        "created_at": "2026-11-21T00:00:00.000Z",
        "started_at": None,
        "completed_at": None,
        "triggered_by": person,
    }


def test_an_assignee_with_a_long_address_of_a_picture_is_told_as_any_other(world):
    world.ada("auth", "PUT", "/auth/me", body={"avatarUrl": "https://example.com/" + "a" * 1_000})
    card = make(world)
    assert change(world, card, assigneeId=world.ada.user["id"]).status == 200
    item = fetch(Item, card["id"])
    write(put(new_activity(item, get_event(item))))
    told = world.ada("comments", "GET", f"/cards/{card['id']}/activities").json["activities"][0]
    assert told["description"] == "Ada Lovelace assigned the card to Ada Lovelace"
    assert told["newValue"]["id"] == world.ada.user["id"]
    assert world.ada("cards", "GET", f"/cards/{card['id']}").status == 200
