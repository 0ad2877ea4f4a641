"""omoios: the board as columns, and moving tickets through it."""

import pytest

from shared.store import fetch, get
from shared.work.boards.creating import board_id_of
from shared.work.boards.lanes import lane_id_of
from shared.work.boards.rows import Counts, Lane
from shared.work.items.places import places_of
from shared.work.items.rows import Item
from tests.areas.driving import Client, sign_up
from tests.trips import count_requests


@pytest.fixture
def ada(aws) -> Client:
    return sign_up().at("omoios")


@pytest.fixture
def project(ada) -> str:
    answer = ada("projects", "POST", "/projects", body={"name": "Engine"})
    assert answer.status == 201, answer.text
    return answer.json["id"]


def ticket(client: Client, project: str, phase: str = "PHASE_BACKLOG", **more) -> str:
    answer = client("projects", "POST", f"/projects/{project}/create-ticket", body={"title": "T", "phase_id": phase} | more)
    assert answer.status == 201, answer.text
    return answer.json["id"]


def move(client: Client, ticket_id: str, column: str, **more):
    return client("boards", "POST", "/board/move", body={"ticket_id": ticket_id, "target_column_id": column} | more)


def counts(project: str) -> dict[str, int]:
    held = get(Counts, *Counts.key(board_id_of(project)))
    return {name: number for name, number in dict(held.columns).items() if number}


def test_the_view_has_seven_columns_with_their_tickets(ada, project):
    first = ticket(ada, project, title="First", priority="HIGH")
    ticket(ada, project, "PHASE_DESIGN", title="Second")
    answer = ada("boards", "GET", f"/board/view?project_id={project}")
    assert answer.status == 200, answer.text
    assert answer.json["project_id"] == project
    columns = {column["id"]: column for column in answer.json["columns"]}
    assert list(columns) == ["backlog", "analyzing", "building", "testing", "deploying", "done", "blocked"]
    backlog = columns["backlog"]
    assert backlog["tickets"] == [
        {
            "id": first,
            "title": "First",
            "phase_id": "PHASE_BACKLOG",
            "priority": "HIGH",
            "status": "open",
            "approval_status": "approved",
            "context": None,
            "is_blocked": False,
        }
    ]
    assert {key: backlog[key] for key in ("name", "sequence_order", "wip_limit", "current_count", "wip_exceeded")} == {
        "name": "📋 Backlog",
        "sequence_order": 0,
        "wip_limit": None,
        "current_count": 1,
        "wip_exceeded": False,
    }
    assert [one["title"] for one in columns["analyzing"]["tickets"]] == ["Second"]
    assert [columns[name]["wip_limit"] for name in ("analyzing", "building", "testing", "deploying")] == [5, 10, 8, 3]


def test_without_a_project_it_is_the_latest(ada, project):
    other = ada("projects", "POST", "/projects", body={"name": "Later"}).json["id"]
    for path in ("/board/view", "/board/stats", "/board/wip-violations"):
        assert ada("boards", "GET", path).status == 200
    assert ada("boards", "GET", "/board/view").json["project_id"] == other
    eve = sign_up("Eve", "eve@example.com").at("omoios")
    assert eve("boards", "GET", f"/board/view?project_id={project}").status == 404


def test_who_has_no_project_yet_sees_an_empty_board(ada):
    view = ada("boards", "GET", "/board/view").json
    assert (view["project_id"], len(view["columns"])) == (None, 7)
    assert {(column["current_count"], *column["tickets"]) for column in view["columns"]} == {(0,)}
    assert [one["ticket_count"] for one in ada("boards", "GET", "/board/stats").json] == [0] * 7
    assert ada("boards", "GET", "/board/wip-violations").json == []
    assert ada("boards", "GET", "/board/tickets?column_id=backlog").json["tickets"] == []
    assert ada("cards", "GET", "/tickets").json == {"tickets": [], "total": 0}


def test_a_ticket_moves_to_the_first_lane_of_the_column(ada, project):
    one = ticket(ada, project)
    answer = move(ada, one, "building")
    assert (answer.status, answer.json) == (
        200,
        {"ticket_id": one, "new_phase": "PHASE_IMPLEMENTATION", "new_column": "building", "status": "moved"},
    )
    item = fetch(Item, one)
    assert (item.lane_id, item.status) == (lane_id_of(board_id_of(project), 5), "in_progress")
    assert item.event["type"] == "item.moved"
    said = places_of(item.event["changes"], item.event["data"])
    assert (said["from_column"], said["to_column"], said["from_phase"], said["to_phase"]) == (
        "backlog", "building", "PHASE_BACKLOG", "PHASE_IMPLEMENTATION"
    )  # fmt: skip
    assert move(ada, one, "done").json["new_phase"] == "PHASE_DONE"
    assert fetch(Item, one).status == "done"
    assert move(ada, one, "testing").status == 200
    item = fetch(Item, one)
    assert (item.status, item.completed_at) == ("in_progress", None)
    assert counts(project) == {"testing": 1}


def test_a_full_column_refuses_unless_forced_and_the_force_is_told(ada, project):
    ids = [ticket(ada, project) for _ in range(5)]
    for one in ids[:3]:
        assert move(ada, one, "deploying").status == 200
    refused = move(ada, ids[3], "deploying")
    assert (refused.status, refused.json["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert "WIP limit of the column 'deploying'" in refused.json["detail"]
    assert counts(project) == {"backlog": 2, "deploying": 3}
    assert ada("boards", "GET", f"/board/wip-violations?project_id={project}").json == []
    assert move(ada, ids[3], "deploying", force=True).status == 200
    event = fetch(Lane, lane_id_of(board_id_of(project), 8)).event
    assert (event["type"], event["data"]["column_id"], event["data"]["current_count"], event["data"]["wip_limit"]) == (
        "lane.wip_exceeded", "deploying", 4, 3
    )  # fmt: skip
    assert ada("boards", "GET", f"/board/wip-violations?project_id={project}").json == [
        {"column_id": "deploying", "column_name": "🚀 Deploying", "wip_limit": 3, "current_count": 4, "excess": 1}
    ]
    before = fetch(Lane, lane_id_of(board_id_of(project), 5)).event
    assert move(ada, ids[4], "building", force=True).status == 200
    assert fetch(Lane, lane_id_of(board_id_of(project), 5)).event == before


def test_the_stats_say_how_full_each_column_is(ada, project):
    ticket(ada, project)
    for _ in range(2):
        move(ada, ticket(ada, project), "testing")
    found = {one["column_id"]: one for one in ada("boards", "GET", f"/board/stats?project_id={project}").json}
    assert found["backlog"] == {
        "column_id": "backlog", "name": "📋 Backlog", "ticket_count": 1, "wip_limit": None, "utilization": None, "wip_exceeded": False
    }  # fmt: skip
    assert (found["testing"]["ticket_count"], found["testing"]["utilization"]) == (2, 0.25)


def test_an_unknown_column_is_a_400_and_a_foreign_ticket_is_as_unknown_as_any(ada, project):
    one = ticket(ada, project)
    assert move(ada, one, "nowhere").status == 400
    assert move(ada, "ticket-123", "building").status == 404
    eve = sign_up("Eve", "eve@example.com").at("omoios")
    foreign = move(eve, one, "building")
    assert (foreign.status, foreign.json["error"]["code"]) == (404, "NOT_FOUND")
    assert eve("boards", "POST", f"/board/auto-transition/{one}").status == 404


def test_finished_work_is_passed_on(ada, project):
    one = ticket(ada, project, "PHASE_IMPLEMENTATION")
    path = f"/board/auto-transition/{one}"
    assert ada("boards", "POST", path).json == {
        "ticket_id": one, "transitioned": True, "new_phase": "PHASE_TESTING", "reason": None
    }  # fmt: skip
    stays = ada("boards", "POST", path)
    assert (stays.status, stays.json["transitioned"]) == (200, False)
    assert stays.json["reason"] == "No auto-transition configured or WIP limit exceeded"
    for _ in range(8 - 1):
        move(ada, ticket(ada, project), "testing")
    last = ticket(ada, project, "PHASE_IMPLEMENTATION")
    assert ada("boards", "POST", f"/board/auto-transition/{last}").json["transitioned"] is False


def test_the_blocked_column_blocks_and_every_other_lifts_the_block(ada, project):
    one = ticket(ada, project, "PHASE_TESTING")
    answer = move(ada, one, "blocked")
    assert (answer.status, answer.json["new_phase"]) == (200, "PHASE_BLOCKED")
    assert fetch(Item, one).is_blocked
    assert counts(project) == {"blocked": 1}
    view = {column["id"]: column for column in ada("boards", "GET", "/board/view").json["columns"]}
    assert [(shown["id"], shown["is_blocked"]) for shown in view["blocked"]["tickets"]] == [(one, True)]
    assert move(ada, one, "testing").json["new_phase"] == "PHASE_TESTING"
    item = fetch(Item, one)
    assert (item.is_blocked, item.event["type"]) == (False, "item.unblocked")
    assert counts(project) == {"testing": 1}
    move(ada, one, "blocked")
    assert move(ada, one, "deploying").json["new_phase"] == "PHASE_DEPLOYMENT"
    assert (fetch(Item, one).event["type"], counts(project)) == ("item.moved", {"deploying": 1})


def test_a_blocked_ticket_has_one_status_wherever_it_is_shown(ada, project):
    waits, works = ticket(ada, project, "PHASE_TESTING"), ticket(ada, project)
    move(ada, works, "building")
    for one, status in ((waits, "open"), (works, "in_progress")):
        assert move(ada, one, "blocked").status == 200
        shown = [row for column in ada("boards", "GET", "/board/view").json["columns"] for row in column["tickets"]]
        assert [row["status"] for row in shown if row["id"] == one] == [status]
        assert ada("cards", "GET", f"/tickets/{one}").json["status"] == status


@pytest.mark.parametrize(
    ("phase", "column"),
    [
        ("PHASE_DESIGN", "analyzing"),
        ("PHASE_BLOCKED", "blocked"),
        ("PHASE_INITIAL", "analyzing"),
        ("PHASE_INTEGRATION", "testing"),
        ("PHASE_REFACTORING", "building"),
    ],
)
def test_a_phase_has_a_column(ada, phase, column):
    answer = ada("boards", "GET", f"/board/column/{phase}")
    assert (answer.status, answer.json["id"]) == (200, column)
    assert set(answer.json) == {
        "id", "name", "description", "sequence_order", "phase_mapping", "wip_limit", "is_terminal", "auto_transition_to", "color_theme"
    }  # fmt: skip


def test_an_unknown_phase_has_none(ada):
    assert ada("boards", "GET", "/board/column/PHASE_X").status == 404


def test_what_a_request_costs(ada, project):
    one = ticket(ada, project)
    for method, path, body, cost in (
        ("GET", f"/board/view?project_id={project}", None, 2),  # project, board, counts and lanes; then the cards
        ("GET", f"/board/stats?project_id={project}", None, 1),
        ("GET", f"/board/wip-violations?project_id={project}", None, 1),
        ("GET", "/board/stats", None, 2),  # who calls, and beside it the last project of each workspace; its numbers
        ("GET", "/board/column/PHASE_DONE", None, 1),
        ("POST", "/board/move", {"ticket_id": one, "target_column_id": "building"}, 3),  # ticket, its board, one transaction
    ):
        with count_requests() as seen:
            assert ada("boards", method, path, body=body).status == 200
        assert seen.count == cost, (method, path, str(seen))


def view_of(ada: Client, project: str) -> dict[str, list[str]]:
    """The titles that each column of the view shows, if it has any."""
    answer = ada("boards", "GET", f"/board/view?project_id={project}")
    assert answer.status == 200, answer.text
    return {one["id"]: [row["title"] for row in one["tickets"]] for one in answer.json["columns"] if one["current_count"]}


def test_a_large_board_shows_the_first_tickets_of_each_column_and_lists_the_rest(ada, project, monkeypatch):
    for number in range(4):
        ticket(ada, project, title=f"Idea {number}")
    for number in range(3):
        move(ada, ticket(ada, project, title=f"Built {number}"), "building")
    for number in range(3):
        move(ada, ticket(ada, project, "PHASE_TESTING", title=f"Waits {number}"), "blocked")
    move(ada, ticket(ada, project, "PHASE_TESTING", title="Tested"), "testing")
    whole = view_of(ada, project)
    monkeypatch.setattr("shared.work.items.columns.WHOLE_BOARD", 10)
    monkeypatch.setattr("shared.work.items.columns.FIRST_CARDS", 2)
    with count_requests() as seen:
        shown = view_of(ada, project)
    assert shown == {column: titles[:2] for column, titles in whole.items()}
    assert (seen.names, seen.count) == (["BatchGetItem"], 2)  # the board; beside it and after it indexes
    counted = {one["id"]: one["current_count"] for one in ada("boards", "GET", "/board/view").json["columns"]}
    for column, number in counted.items():
        rest: list[str] = []
        for offset in range(0, number + 1, 2):
            page = ada("boards", "GET", f"/board/tickets?project_id={project}&column_id={column}&limit=2&offset={offset}")
            assert (page.status, page.json["total"], page.json["column_id"]) == (200, number, column)
            rest += [row["title"] for row in page.json["tickets"]]
        assert rest == whole.get(column, [])


def test_the_tickets_of_an_unknown_column_or_a_foreign_board_are_not_found(ada, project):
    assert ada("boards", "GET", f"/board/tickets?project_id={project}&column_id=nowhere").status == 404
    eve = sign_up("Eve", "eve@example.com").at("omoios")
    assert eve("boards", "GET", f"/board/tickets?project_id={project}&column_id=backlog").status == 404
    assert ada("boards", "GET", f"/board/tickets?project_id={project}&column_id=backlog&limit=101").status == 422
