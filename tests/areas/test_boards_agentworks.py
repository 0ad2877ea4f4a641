"""agentworks: boards and lanes."""

import pytest

from shared.core.actor import Role
from shared.people.access import records
from shared.store import fetch, write
from shared.work.boards.rows import Board, Lane
from tests.areas.driving import Client, sign_up
from tests.trips import count_requests


@pytest.fixture
def ada(aws) -> Client:
    return sign_up()


@pytest.fixture
def project(ada) -> str:
    ws = ada("workspaces", "GET", "/workspaces").json["workspaces"][0]["id"]
    return ada("projects", "POST", f"/workspaces/{ws}/projects", body={"name": "Engine", "slug": "engine"}).json["id"]


@pytest.fixture
def board(ada, project) -> str:
    return ada("boards", "GET", f"/projects/{project}/boards").json["boards"][0]["id"]


def lanes_of(client: Client, board: str) -> list[dict]:
    return client("boards", "GET", f"/boards/{board}/lanes").json


def ticket(client: Client, project: str, phase: str, title: str = "T") -> str:
    body = {"title": title, "phase_id": phase}
    return client.at("omoios")("projects", "POST", f"/projects/{project}/create-ticket", body=body).json["id"]


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        ({"key": "a", "name": "A", "type": "colour"}, "settings.customFields.1.type"),
        ({"key": "a", "name": "A", "type": "select"}, "settings.customFields.1.options"),
        ({"key": "once", "name": "A", "type": "number"}, "settings.customFields.1.key"),
    ],
)
def test_a_custom_field_that_could_hold_nothing_is_refused(ada, board, definition, field):
    fields = [{"key": "once", "name": "Once", "type": "text"}, definition]
    answer = ada("boards", "PUT", f"/boards/{board}", body={"settings": {"customFields": fields}})
    assert (answer.status, [one["field"] for one in answer.json["validationErrors"]]) == (422, [field])


def test_a_board_shows_its_lanes_and_their_cards(ada, project, board):
    for phase in ("PHASE_BACKLOG", "PHASE_BACKLOG", "PHASE_TESTING"):
        ticket(ada, project, phase)
    answer = ada("boards", "GET", f"/boards/{board}")
    assert answer.status == 200, answer.text
    assert set(answer.json) == {"id", "projectId", "name", "lanes", "settings", "createdAt", "updatedAt"}
    assert (answer.json["projectId"], answer.json["name"]) == (project, "Development Board")
    assert answer.json["settings"] == {
        "showWipLimits": True, "enableCardDependencies": True, "autoArchiveCompleted": False, "customFields": []
    }  # fmt: skip
    assert [lane["cardCount"] for lane in answer.json["lanes"]] == [2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]
    assert answer.json["lanes"] == lanes_of(ada, board)
    lane = answer.json["lanes"][1]
    assert (lane["name"], lane["wipLimit"], lane["autoTriggerAgent"]) == ("PRD / MVP Definition", 5, "prd")
    assert set(lane["settings"]) == {"color", "position", "allowedCardTypes", "requiredFields"}
    assert "wipLimit" not in answer.json["lanes"][0]
    summary = ada("boards", "GET", f"/projects/{project}/boards").json["boards"]
    assert [(one["id"], one["cardCount"]) for one in summary] == [(board, 3)]
    assert summary[0]["lastActivity"]


def test_a_board_is_renamed_and_set(ada, board):
    fields = [{"key": "size", "name": "Size", "type": "select", "required": True, "options": ["S", "L"]}]
    answer = ada("boards", "PUT", f"/boards/{board}", body={"name": "Ours", "settings": {"customFields": fields}})
    assert answer.status == 200, answer.text
    assert (answer.json["name"], answer.json["settings"]["customFields"]) == ("Ours", fields)
    assert answer.json["settings"]["showWipLimits"] is True
    assert ada("boards", "GET", f"/boards/{board}").json == answer.json
    assert fetch(Board, board).event["type"] == "board.updated"
    version = fetch(Board, board).version
    ada("boards", "PUT", f"/boards/{board}", body={"name": "Ours"})
    assert fetch(Board, board).version == version


def test_a_lane_is_renamed_limited_and_freed(ada, project, board):
    ticket(ada, project, "PHASE_TESTING")
    lane = lanes_of(ada, board)[7]
    body = {
        "name": "Trials",
        "wipLimit": 2,
        "autoTriggerAgent": "troubleshooter",
        "exitCriteria": "All green",
        "settings": {"color": "#000000", "requiredFields": ["dueDate"], "allowedCardTypes": ["bug", "task"]},
    }
    answer = ada("boards", "PUT", f"/lanes/{lane['id']}", body=body)
    assert answer.status == 200, answer.text
    assert answer.json == lane | body | {"settings": lane["settings"] | body["settings"]}
    assert answer.json["cardCount"] == 1
    event = fetch(Lane, lane["id"]).event
    assert (event["type"], event["changes"]["wip_limit"]) == ("lane.updated", [5, 2])
    freed = ada("boards", "PUT", f"/lanes/{lane['id']}", body={"wipLimit": None, "autoTriggerAgent": ""}).json
    assert "wipLimit" not in freed
    assert "autoTriggerAgent" not in freed
    assert freed["exitCriteria"] == "All green"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"autoTriggerAgent": "nobody"}, "autoTriggerAgent"),
        ({"wipLimit": 0}, "wipLimit"),
        ({"wipLimit": 1.5}, "wipLimit"),
        ({"settings": {"allowedCardTypes": ["story"]}}, "settings.allowedCardTypes.0"),
        ({"settings": {"allowedCardTypes": ["doc"] * 7}}, "settings.allowedCardTypes"),
        (
            {"settings": {"autoProgressConditions": [{"type": "t", "value": "v" * 501}]}},
            "settings.autoProgressConditions.0.value",
        ),
        ({"laneNumber": 3}, "laneNumber"),
        ({"name": " "}, "name"),
    ],
)
def test_a_bad_lane_says_what_is_wrong(ada, board, body, field):
    lane = lanes_of(ada, board)[0]["id"]
    answer = ada("boards", "PUT", f"/lanes/{lane}", body=body)
    assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, field)


def test_a_board_of_others_does_not_exist(ada, project, board):
    lane = lanes_of(ada, board)[0]["id"]
    eve = sign_up("Eve", "eve@example.com")
    for method, path, body, code in (
        ("GET", f"/projects/{project}/boards", None, "PROJECT_NOT_FOUND"),
        ("GET", f"/boards/{board}", None, "BOARD_NOT_FOUND"),
        ("GET", f"/boards/{board}/lanes", None, "BOARD_NOT_FOUND"),
        ("PUT", f"/boards/{board}", {"name": "X"}, "BOARD_NOT_FOUND"),
        ("PUT", f"/lanes/{lane}", {"name": "X"}, "LANE_NOT_FOUND"),
        ("GET", "/boards/nonsense", None, "BOARD_NOT_FOUND"),
    ):
        answer = eve("boards", method, path, body=body)
        assert (answer.status, answer.json["error"]["code"]) == (404, code), (method, path)


def test_a_viewer_looks_only(ada, board):
    lane = lanes_of(ada, board)[0]["id"]
    ws = fetch(Board, board).ws_id
    write(records.grant_workspace(ada.user["id"], ws, Role.VIEWER))
    assert ada("boards", "GET", f"/boards/{board}").status == 200
    for path in (f"/boards/{board}", f"/lanes/{lane}"):
        assert ada("boards", "PUT", path, body={"name": "X"}).status == 403


def test_what_a_request_costs(ada, project, board):
    lane = lanes_of(ada, board)[0]["id"]
    for method, path, body, cost in (
        ("GET", f"/projects/{project}/boards", None, 1),  # its numbers, and beside them the board's name
        ("GET", f"/boards/{board}", None, 1),
        ("GET", f"/boards/{board}/lanes", None, 1),
        ("PUT", f"/boards/{board}", {"name": "B"}, 2),
        ("PUT", f"/lanes/{lane}", {"name": "B"}, 2),  # and beside the write how many cards are in it
    ):
        with count_requests() as seen:
            assert ada("boards", method, path, body=body).status == 200
        assert seen.count == cost, (method, path, str(seen))


def test_more_than_a_row_holds_is_refused_and_nothing_changes(ada, board):
    before = ada("boards", "GET", f"/boards/{board}").json
    fields = [{"key": f"k{n}", "name": "Choice", "type": "select", "options": ["o" * 100] * 200} for n in range(45)]
    refused = ada("boards", "PUT", f"/boards/{board}", body={"name": "Large", "settings": {"customFields": fields}})
    assert (refused.status, refused.json["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert refused.json["validationErrors"][0]["field"] == "body"
    assert ada("boards", "GET", f"/boards/{board}").json == before
