"""agentworks: making, reading, listing and deleting cards."""

import pytest

from shared.core.actor import Role
from shared.core.ids import new_id
from shared.events import get_event
from shared.store import fetch
from shared.work.items.creating import NewItem, create_item
from shared.work.items.rows import Item
from tests.areas.boards_world import World, create_world
from tests.trips import count_requests

CARD_KEYS = {
    "id", "boardId", "laneId", "title", "type", "status", "priority", "reporter", "position", "labels", "tags", "loggedHours",
    "externalLinks", "attachments", "customFields", "agentRuns", "createdAt", "updatedAt", "createdBy",
}  # fmt: skip


def cards(world: World, query: str = "", client=None):
    return (client or world.ada)("cards", "GET", f"/boards/{world.board.id}/cards{query}")


def make(world: World, lane: int = 0, **fields):
    body = {"laneId": world.lanes[lane].id, "title": "A card", "type": "task"} | fields
    return world.ada("cards", "POST", f"/boards/{world.board.id}/cards", body=body)


def test_a_card_is_made_with_everything_the_document_names(world):
    parent = make(world, 3, type="epic").json
    answer = make(
        world,
        6,
        title=" Login page ",
        description="With a form",
        type="feature",
        priority="high",
        parentId=parent["id"],
        assigneeId=world.ada.user["id"],
        position=2.5,
        labels=["ui", "ui"],
        tags=[{"key": "team", "value": "web", "color": "#fff"}, {"key": "team", "value": "web"}],
        estimatedHours=8,
        dueDate="2026-12-01",
        customFields={"points": 5, "nested": {"a": None}},
    )
    assert answer.status == 201
    card = answer.json
    assert card.keys() == CARD_KEYS | {"description", "parentId", "assignee", "estimatedHours", "dueDate"}
    ada = {"id": world.ada.user["id"], "name": "Ada Lovelace", "email": "ada@example.com"}
    assert card["createdBy"] == card["reporter"] == card["assignee"] == ada
    expected = {
        "title": "Login page", "type": "feature", "status": "draft", "priority": "high", "position": 2.5, "labels": ["ui"],
        "tags": [{"key": "team", "value": "web"}], "estimatedHours": 8, "loggedHours": 0, "dueDate": "2026-12-01",
        "customFields": {"points": 5, "nested": {"a": None}}, "parentId": parent["id"], "laneId": world.lanes[6].id,
    }  # fmt: skip
    assert {name: card[name] for name in expected} == expected
    assert world.ada("cards", "GET", f"/cards/{card['id']}").json.items() >= card.items()
    assert world.lane_counts() == {3: 1, 6: 1}
    assert world.column_counts() == {"analyzing": 1, "building": 1}


def test_a_new_card_carries_its_event_and_comes_last(world):
    first, second = make(world).json, make(world).json
    assert (first["position"], second["position"], first["priority"]) == (1, 2, "medium")
    event = get_event(fetch(Item, first["id"]))
    assert (event.type, event.actor["id"], event.data["lane_number"]) == ("item.created", world.ada.user["id"], 0)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": "  "}, "title"),
        ({"title": "x" * 501}, "title"),
        ({"type": "story"}, "type"),
        ({"priority": "urgent"}, "priority"),
        ({"dueDate": "tomorrow"}, "dueDate"),
        ({"estimatedHours": -1}, "estimatedHours"),
        ({"position": -1}, "position"),
        ({"status": "done"}, "status"),
        ({"tags": [{"key": "a"}]}, "tags.0.value"),
        ({"tags": [{"key": "a", "value": "b", "hue": 1}]}, "tags.0.hue"),
        ({"customFields": {"x": "y" * 10_001}}, "customFields"),
        ({"description": "ä" * 40_001}, "description"),
    ],
)
def test_a_bad_field_is_named(world, fields, field):
    answer = make(world, **fields)
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert [one["field"] for one in answer.json["validationErrors"]] == [field]
    assert world.counts().next == 0


def test_a_description_must_fit_a_row(world):
    answer = make(world, description="語" * 20_000)
    assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, "description")


def test_what_a_card_refers_to_must_be_there_and_ours(world):
    other = create_world("eve@example.com", "Eve")
    theirs = make(other).json
    mine = create_world_of(world)
    for lane, code, status in (
        (new_id(), "LANE_NOT_FOUND", 404),
        ("nonsense", "LANE_NOT_FOUND", 404),
        (other.lanes[0].id, "LANE_NOT_FOUND", 404),
        (mine.lanes[0].id, "INVALID_LANE_TRANSITION", 422),
    ):
        answer = make(world, laneId=lane)
        assert (answer.status, answer.json["error"]["code"]) == (status, code)
    for parent in (new_id(), theirs["id"], "nonsense"):
        answer = make(world, parentId=parent)
        assert (answer.status, answer.json["error"]["code"]) == (404, "CARD_NOT_FOUND")
    elsewhere = make(mine).json
    assert make(world, parentId=elsewhere["id"]).json["validationErrors"][0]["field"] == "parentId"
    assert make(world, assigneeId=other.ada.user["id"]).json["validationErrors"][0]["field"] == "assigneeId"
    assert world.ada("cards", "POST", f"/boards/{other.board.id}/cards", body={}).status == 422
    foreign = world.ada("cards", "POST", f"/boards/{other.board.id}/cards", body={"laneId": "x", "title": "T", "type": "task"})
    assert (foreign.status, foreign.json["error"]["code"]) == (404, "BOARD_NOT_FOUND")
    assert cards(other, client=world.ada).status == 404
    assert world.ada("cards", "GET", f"/cards/{theirs['id']}").json["error"]["code"] == "CARD_NOT_FOUND"


def create_world_of(world: World) -> World:
    """A second board of the same people."""
    from shared.store import create, fetch_all, write
    from shared.work.boards.creating import new_board
    from shared.work.boards.rows import Lane
    from shared.work.projects.rows import Project

    project_id = new_id()
    board, operations = new_board(project_id, world.project.org_id, world.ws_id, {})
    project = Project.new(
        project_id, name="B", slug="b", board_id=board.id, created_by={}, ws_id=world.ws_id, org_id=world.project.org_id
    )
    write(create(project), *operations)
    return World(world.ada, world.actor, world.ws_id, project, board, fetch_all(Lane, board.lane_ids))


@pytest.mark.parametrize("odd", ["x", "board-1", "x" * 3_000, "%00", "a%20b"])
def test_an_odd_id_is_nobodys(world, odd):
    body = {"laneId": world.lanes[0].id, "title": "T", "type": "task"}
    for method, path, sent in (
        ("GET", f"/boards/{odd}/cards", None),
        ("POST", f"/boards/{odd}/cards", body),
        ("GET", f"/cards/{odd}", None),
        ("PUT", f"/cards/{odd}", {"title": "T"}),
        ("POST", f"/cards/{odd}/move", {"toLaneId": world.lanes[0].id}),
        ("DELETE", f"/cards/{odd}", None),
        ("GET", f"/cards/{odd}/dependencies", None),
        ("DELETE", f"/dependencies/{odd}", None),
    ):
        assert world.ada("cards", method, path, body=sent).status == 404, (method, path)


def test_a_card_goes_to_a_colleague(world):
    bob = world.join("Bob", "bob@example.com", Role.MEMBER)
    assert make(world, assigneeId=bob.user["id"]).json["assignee"] == {
        "id": bob.user["id"],
        "name": "Bob",
        "email": "bob@example.com",
    }


def test_the_last_place_in_a_lane_goes_to_one(world):
    world.set_wip(2, 2)
    assert [make(world, 2).status for _ in range(3)] == [201, 201, 422]
    refused = make(world, 2)
    assert refused.json["error"]["code"] == "INVALID_LANE_TRANSITION"
    assert refused.json["error"]["details"]["rule"] == "lane_wip_limit"
    assert world.lane_counts() == {2: 2}
    assert cards(world).json["total"] == 2


def test_a_lane_asks_for_a_type_and_for_fields(world):
    world.configure(1, allowedCardTypes=["doc"], requiredFields=["description", "assigneeId", "risk"])
    wrong = make(world, 1)
    assert (wrong.status, wrong.json["error"]["details"]["allowedCardTypes"]) == (422, ["doc"])
    missing = make(world, 1, type="doc", description="x")
    assert missing.json["error"]["details"]["missingFields"] == ["assigneeId", "risk"]
    fits = make(world, 1, type="doc", description="x", assigneeId=world.ada.user["id"], customFields={"risk": "low"})
    assert fits.status == 201


def test_custom_fields_follow_the_boards_definitions(world):
    world.define_fields(
        {"key": "points", "name": "Points", "type": "number", "required": True},
        {"key": "risk", "name": "Risk", "type": "select", "required": False, "options": ["low", "high"]},
        {"key": "due", "name": "Due", "type": "date", "required": False},
    )
    bad = make(world, customFields={"points": "5", "risk": "some", "due": "soon", "else": 1})
    assert [one["field"] for one in bad.json["validationErrors"]] == [
        "customFields.points",
        "customFields.risk",
        "customFields.due",
        "customFields.else",
    ]
    assert make(world).json["validationErrors"][0]["message"] == "This field is required"
    good = make(world, customFields={"points": 5, "risk": "low", "due": "2026-12-01"})
    assert good.status == 201
    card = f"/cards/{good.json['id']}"
    changed = world.ada("cards", "PUT", card, body={"customFields": {"risk": "high", "due": None}})
    assert changed.json["customFields"] == {"points": 5, "risk": "high"}
    gone = world.ada("cards", "PUT", card, body={"customFields": {"points": None}})
    assert (gone.status, gone.json["validationErrors"][0]["field"]) == (422, "customFields.points")


def test_the_list_filters_and_counts(world):
    bob = world.join("Bob", "bob@example.com", Role.MEMBER)
    make(world, 6, title="Login page", tags=[{"key": "team", "value": "web"}, {"key": "p", "value": "1"}], labels=["UI"])
    make(world, 0, title="Roadmap", type="blueprint", description="The login comes first")
    make(world, 6, title="Search", type="bug", assigneeId=bob.user["id"], tags=[{"key": "team", "value": "core"}])
    make(world, 2, title="Study")

    def found(query: str) -> list[str]:
        answer = cards(world, query)
        assert answer.status == 200
        assert answer.json["total"] == len(answer.json["cards"])
        return [card["title"] for card in answer.json["cards"]]

    assert found("") == ["Roadmap", "Study", "Login page", "Search"]
    assert found(f"?laneId={world.lanes[6].id}") == ["Login page", "Search"]
    assert found(f"?assigneeId={bob.user['id']}") == ["Search"]
    assert found("?type=blueprint") == ["Roadmap"]
    assert found("?status=draft&type=bug") == ["Search"]
    assert found("?status=done") == []
    assert found("?search=LOGIN") == ["Roadmap", "Login page"]
    assert found("?search=page+ui") == ["Login page"]
    assert found("?tags=team") == ["Login page", "Search"]
    assert found("?tags=team:web") == ["Login page"]
    assert found("?tags=team,p:1") == found("?tags=team&tags=p:1") == ["Login page"]
    page = cards(world, "?limit=2&offset=1").json
    assert [card["title"] for card in page["cards"]] == ["Study", "Login page"]
    assert page["pagination"] == {"limit": 2, "offset": 1, "total": 4, "hasMore": True}
    assert (page["total"], page["cards"][0].keys()) == (4, CARD_KEYS)
    for bad in ("?limit=0", "?limit=101", "?offset=-1", "?includeChildren=maybe"):
        assert cards(world, bad).status == 422


def test_children_come_when_asked_for(world):
    parent = make(world, 3, type="epic").json
    child = make(world, 6, parentId=parent["id"], title="Child").json
    assert "children" not in cards(world).json["cards"][0]
    first, second = cards(world, "?includeChildren=true").json["cards"]
    summary = {name: child[name] for name in ("id", "boardId", "laneId", "title", "type", "status", "priority", "position")}
    assert (first["children"], second["children"]) == ([summary], [])
    assert world.ada("cards", "GET", f"/cards/{parent['id']}").json["children"] == [summary]


def test_a_deleted_card_is_gone_from_everywhere(world):
    kept, gone = make(world).json, make(world, 6).json
    comment = world.ada("comments", "POST", f"/cards/{gone['id']}/comments", body={"content": "Hi"}).json
    with count_requests() as seen:
        assert world.ada("cards", "DELETE", f"/cards/{gone['id']}").status == 204
    assert seen.count == 2  # the card with access, the transaction
    assert world.lane_counts() == {0: 1}
    assert world.column_counts() == {"backlog": 1}
    assert [card["id"] for card in cards(world).json["cards"]] == [kept["id"]]
    path = f"/cards/{gone['id']}"
    for area, method, where, body in (
        ("cards", "GET", path, None),
        ("cards", "PUT", path, {"title": "X"}),
        ("cards", "DELETE", path, None),
        ("cards", "POST", f"{path}/move", {"toLaneId": world.lanes[0].id}),
        ("cards", "GET", f"{path}/dependencies", None),
        ("cards", "POST", f"{path}/dependencies", {"dependencyCardId": kept["id"], "type": "blocks"}),
        ("comments", "GET", f"{path}/comments", None),
        ("comments", "POST", f"{path}/comments", {"content": "X"}),
        ("comments", "GET", f"{path}/activities", None),
        ("comments", "PUT", f"/comments/{comment['id']}", {"content": "X"}),
        ("comments", "DELETE", f"/comments/{comment['id']}", None),
    ):
        assert world.ada(area, method, where, body=body).status == 404, (method, where)
    assert make(world, parentId=gone["id"]).status == 404


def test_a_viewer_reads_and_does_not_write(world):
    card = make(world).json
    other = make(world).json
    vera = world.join("Vera", "vera@example.com", Role.VIEWER)
    assert cards(world, client=vera).json["total"] == 2
    path = f"/cards/{card['id']}"
    for area, where in (("cards", path), ("cards", f"{path}/dependencies"), ("comments", f"{path}/comments")):
        assert vera(area, "GET", where).status == 200
    for area, method, where, body in (
        ("cards", "POST", f"/boards/{world.board.id}/cards", {"laneId": card["laneId"], "title": "T", "type": "task"}),
        ("cards", "PUT", path, {"title": "X"}),
        ("cards", "POST", f"{path}/move", {"toLaneId": world.lanes[1].id}),
        ("cards", "DELETE", path, None),
        ("cards", "POST", f"{path}/dependencies", {"dependencyCardId": other["id"], "type": "blocks"}),
        ("comments", "POST", f"{path}/comments", {"content": "X"}),
    ):
        answer = vera(area, method, where, body=body)
        assert (answer.status, answer.json["error"]["code"]) == (403, "INSUFFICIENT_PERMISSIONS"), (method, where)


def test_an_archived_project_only_shows(world):
    card, other = make(world).json, make(world).json
    comment = world.ada("comments", "POST", f"/cards/{card['id']}/comments", body={"content": "Hi"}).json
    link = {"dependencyCardId": other["id"], "type": "relates_to"}
    dependency = world.ada("cards", "POST", f"/cards/{card['id']}/dependencies", body=link).json
    world.archive()
    path = f"/cards/{card['id']}"
    assert world.ada("cards", "GET", path).status == 200
    for area, method, where, body in (
        ("cards", "POST", f"/boards/{world.board.id}/cards", {"laneId": card["laneId"], "title": "T", "type": "task"}),
        ("cards", "PUT", path, {"title": "X"}),
        ("cards", "PUT", path, {"status": "blocked"}),
        ("cards", "POST", f"{path}/move", {"toLaneId": world.lanes[1].id}),
        ("cards", "DELETE", path, None),
        ("cards", "POST", f"{path}/dependencies", link | {"type": "blocks"}),
        ("cards", "DELETE", f"/dependencies/{dependency['id']}", None),
        ("comments", "POST", f"{path}/comments", {"content": "X"}),
        ("comments", "PUT", f"/comments/{comment['id']}", {"content": "X"}),
        ("comments", "DELETE", f"/comments/{comment['id']}", None),
    ):
        answer = world.ada(area, method, where, body=body)
        assert (answer.status, answer.json["error"]["code"]) == (409, "CONFLICT"), (method, where)
    assert world.lane_counts() == {0: 2}


def test_the_same_id_is_made_once(world):
    card_id = new_id()
    new = NewItem("First", "task", lane_id=world.lanes[6].id)
    first = create_item(world.actor, world.board.id, new, item_id=card_id)
    again = create_item(world.actor, world.board.id, NewItem("Second", "bug", phase_id="PHASE_TESTING"), item_id=card_id)
    assert (again.id, again.title, again.version) == (first.id, "First", 1)
    assert world.lane_counts() == {6: 1}


def test_a_phase_names_its_first_lane(world):
    with count_requests() as seen:
        made = create_item(world.actor, world.board.id, NewItem("T", "task", phase_id="PHASE_IMPLEMENTATION"))
    assert (made.lane_id, made.phase_id, made.status, seen.count) == (world.lanes[5].id, "PHASE_IMPLEMENTATION", "draft", 2)
    assert create_item(world.actor, world.board.id, NewItem("T", "task", phase_id="PHASE_INITIAL")).lane_id == world.lanes[1].id


def test_what_each_operation_costs(world):
    lane = world.lanes[6].id
    body = {"laneId": lane, "title": "T", "type": "task"}
    cards(world)  # the first request of an hour starts the window of the rate limit
    with count_requests() as seen:
        card = world.ada("cards", "POST", f"/boards/{world.board.id}/cards", body=body).json
    assert seen.names == ["BatchGetItem", "TransactWriteItems"]
    with count_requests() as seen:
        cards(world)
    assert (seen.names, seen.beside) == (["BatchGetItem", "BatchGetItem"], ["Query"])
    with count_requests() as seen:
        assert [one["id"] for one in cards(world, f"?laneId={lane}").json["cards"]] == [card["id"]]
    assert (seen.names, seen.beside) == (["BatchGetItem", "BatchGetItem"], ["Query"])
    with count_requests() as seen:
        world.ada("cards", "GET", f"/cards/{card['id']}")
    assert (seen.names, seen.beside) == (["BatchGetItem"], ["Query", "Query"])  # nothing around it: no second batch
    with count_requests() as seen:
        world.ada("cards", "PUT", f"/cards/{card['id']}", body={"title": "New"})
    assert seen.names == ["BatchGetItem", "TransactWriteItems"]
    with count_requests() as seen:
        world.ada("cards", "POST", f"/cards/{card['id']}/move", body={"toLaneId": world.lanes[7].id})
    assert seen.names == ["BatchGetItem", "TransactWriteItems"]


def test_a_card_is_small_in_its_index(world):
    """A write of an index costs a unit for each kilobyte: a card with a long description and much else takes one."""
    made = create_item(
        world.actor,
        world.board.id,
        NewItem(
            "A title of a hundred characters " * 3,
            "task",
            lane_id=world.lanes[6].id,
            description="Words that say what is to be done. " * 100,
            labels=["backend", "security", "q3"],
            tags=[{"key": "team", "value": "core"}, {"key": "release", "value": "2026.12"}],
            assignee_id=world.ada.user["id"],
        ),
    )
    stored = fetch(Item, made.id).serialize()
    shown = {name: stored[name] for name in ("PK", "SK", "GSI1PK", "GSI1SK", "kind", "f")}
    assert sum(len(name) + len(value["S"].encode()) for name, value in shown.items()) < 1_024


def test_zero_and_false_are_values_that_a_lane_may_require(world):
    world.configure(6, requiredFields=["estimatedHours", "points", "ready", "assigneeId"])
    given = {"estimatedHours": 0, "customFields": {"points": 0, "ready": False}}
    refused = make(world, 6, **given).json["error"]
    assert refused["details"]["missingFields"] == ["assigneeId"]
    assert make(world, 6, **given, assigneeId=world.ada.user["id"]).status == 201


@pytest.mark.parametrize("due", ["2026-12-01", "2026-12-01T10:00:00.123Z", "2026-12-01T10:00+01:00", "2026-12-01 10:00"])
def test_a_due_date_is_a_date_or_a_moment(world, due):
    assert make(world, dueDate=due).json["dueDate"] == due


@pytest.mark.parametrize("due", ["", "tomorrow", "2026-02-30", "2026-W49-2", "20261201", "2026-12-01😀10:00", "२०२६-१२-०१"])
def test_what_other_clients_cannot_read_is_no_due_date(world, due):
    refused = make(world, dueDate=due)
    assert (refused.status, refused.json["validationErrors"][0]["field"]) == (422, "dueDate")


@pytest.mark.parametrize(("field", "value"), [("estimatedHours", "many"), ("position", [])])
def test_a_number_that_is_none_is_named_once_as_the_document_names_it(world, field, value):
    problems = make(world, **{field: value}).json["validationErrors"]
    assert [one["field"] for one in problems] == [field]
