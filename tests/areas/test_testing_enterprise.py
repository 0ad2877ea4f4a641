"""enterprise, section 5: test cases, their results and their flakiness."""

from typing import Any

import pytest

from shared.core.actor import Role
from shared.core.ids import new_id
from shared.edge.cascade import purging
from shared.edge.views.enterprise.planning import PLANNING_EVENTS
from shared.events.change import parse_change
from shared.store import fetch, get, query, save, write
from shared.store.rows import Entity
from shared.work.testing import results, rows
from shared.work.testing.results import NewResult
from tests.areas.boards_world import World
from tests.areas.driving import Answer, deadline, sign_up
from tests.areas.test_planning_enterprise import ask, errors, feature
from tests.areas.viewers import project, raw_row, stream_record
from tests.kills import concurrently, crash_at_every_write
from tests.samples.planning import RESULT, TEST
from tests.trips import count_requests


@pytest.fixture
def case(world: World) -> dict:
    answer = ask(world, "POST", f"/features/{feature(world)['id']}/tests", TEST)
    assert answer.status == 201, answer.text
    return answer.json["data"]


def record(world: World, case: dict, **changes: Any) -> Answer:
    return ask(world, "POST", f"/testcases/{case['id']}/results", changes if "status" in changes else RESULT | changes)


def history(world: World, case: dict, query: str = "") -> dict:
    answer = ask(world, "GET", f"/testcases/{case['id']}{query}")
    assert answer.status == 200, answer.text
    return answer.json["data"]


# -- test cases


def test_a_test_case_keeps_what_the_documents_sample_says(world, case):
    assert {name: case[name] for name in TEST} == TEST
    assert (case["last_status"], case["flakiness_percent"]) == (None, None)
    shown = history(world, case)
    assert shown.pop("history") == {"results": [], "page": 1, "page_size": 20, "total": 0, "pages": 0}
    assert shown == case


def test_steps_without_numbers_are_numbered(world):
    steps = [{"action": "Open"}, {"action": "Close"}]
    answer = ask(world, "POST", f"/features/{feature(world)['id']}/tests", TEST | {"steps": steps})
    assert [one["step_number"] for one in answer.json["data"]["steps"]] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"steps": []}, "steps"), ({"steps": [{"step_number": 2, "action": "a"}]}, "steps.0.step_number"),
        ({"steps": [{"step_number": 1, "action": "a"}, {"step_number": 3, "action": "b"}]}, "steps.1.step_number"),
        ({"steps": [{"step_number": 1, "action": ""}]}, "steps.0.action"), ({"steps": [{"action": "x" * 2_000}] * 11}, "steps"),
        ({"steps": [{}]}, "steps.0.action"),
        ({"name": "ab"}, "name"), ({"test_type": "smoke"}, "test_type"), ({"priority": "urgent"}, "priority"),
        ({"automated": "yes"}, "automated"), ({"expected_result": ""}, "expected_result"), ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_a_test_case_that_is_not_valid_is_named(world, changes, field):
    answer = ask(world, "POST", f"/features/{feature(world)['id']}/tests", TEST | changes)
    assert errors(answer) == (400, [field])


def test_the_test_cases_of_a_feature_are_listed_page_by_page(world, case):
    path = f"/features/{case['feature_id']}/tests"
    for number in range(4):
        assert ask(world, "POST", path, TEST | {"name": f"Test {number}"}).status == 201
    pages = [ask(world, "GET", f"{path}?page_size=2&page={page}").json for page in (1, 2, 3)]
    listed = [one["name"] for page in pages for one in page["data"]]
    assert listed == ["OAuth Login Flow", "Test 0", "Test 1", "Test 2", "Test 3"]
    assert pages[2]["pagination"] == {
        "page": 3, "page_size": 2, "total": 5, "pages": 3, "has_next": False, "has_prev": True,
    }  # fmt: skip
    with count_requests() as seen:
        ask(world, "GET", path)
    assert seen.names == ["BatchGetItem", "BatchGetItem"]


# -- results


def test_a_result_is_kept_as_the_documents_sample_says(world, case):
    with count_requests() as seen:
        answer = record(world, case)
    assert (answer.status, seen.names) == (201, ["BatchGetItem", "TransactWriteItems"])
    made = answer.json["data"]
    assert {name: made[name] for name in RESULT} == RESULT
    assert (made["test_case_id"], made["feature_id"], made["executed_at"]) == (case["id"], case["feature_id"], made["created_at"])
    shown = history(world, case)
    assert (shown["last_status"], shown["last_result_at"]) == ("passed", made["executed_at"])
    assert shown["history"]["results"] == [made]
    row = fetch(rows.TestCase, case["id"])
    assert row.recent == "p"


def test_what_was_not_measured_is_absent(world, case):
    made = record(world, case, status="skipped").json["data"]
    measured = ("duration_ms", "assertions_run", "assertions_passed", "assertions_failed", "code_coverage_percent")
    assert {name: made[name] for name in measured} == dict.fromkeys(measured)
    assert made["flakiness_percent"] is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"status": "done"}, "status"), ({"code_coverage_percent": 100.1}, "code_coverage_percent"),
        ({"code_coverage_percent": -1}, "code_coverage_percent"), ({"duration_ms": -1}, "duration_ms"),
        ({"assertions_run": 4}, "assertions_run"), ({"assertions_run": 6}, "assertions_run"),
        ({"assertions_passed": 4, "assertions_failed": 1}, "assertions_failed"), ({"logs": ["line"]}, "logs.0"),
        ({"logs": [{"text": "x" * 200_000}]}, "logs"), ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_a_result_that_contradicts_itself_is_refused(world, case, changes, field):
    answer = ask(world, "POST", f"/testcases/{case['id']}/results", RESULT | changes)
    assert errors(answer) == (400, [field])
    assert history(world, case)["history"]["total"] == 0


def test_an_oversized_report_is_a_clear_error(world, case):
    answer = ask(world, "POST", f"/testcases/{case['id']}/results", RESULT | {"logs": [{"text": "x" * 1_100_000}]})
    assert (answer.status, answer.json["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_the_logs_of_a_result_are_read_with_it(world, case):
    logs = [{"level": "info", "line": "Opened"}, {"level": "info", "line": "Closed"}]
    made = record(world, case, logs=logs).json["data"]
    assert "logs" not in made
    shown = ask(world, "GET", f"/testresults/{made['id']}").json["data"]
    assert shown == made | {"logs": logs}


def test_a_test_of_an_archived_project_records_nothing(world, case):
    world.archive()
    assert record(world, case).status == 409
    assert ask(world, "POST", f"/features/{case['feature_id']}/tests", TEST).status == 409
    assert history(world, case)["history"]["total"] == 0


def test_the_history_is_newest_first_and_exact(world, case):
    for number in range(5):
        record(world, case, duration_ms=number)
    pages = [history(world, case, f"?page_size=2&page={page}")["history"] for page in (1, 2, 3)]
    assert [[one["duration_ms"] for one in page["results"]] for page in pages] == [[4, 3], [2, 1], [0]]
    assert {(page["total"], page["pages"]) for page in pages} == {(5, 3)}


# -- flakiness


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ("", None), ("p", None), ("s s", None), ("p p p", 0.0), ("f e f", 0.0), ("p f", 100.0), ("p f p f p", 100.0),
        ("p p f p p", 50.0), ("p s s p f", 50.0), ("p p p p f f f f", 14.3),
    ],
)  # fmt: skip
def test_flakiness_is_the_share_of_results_unlike_the_one_before(world, case, outcomes, expected):
    statuses = {"p": "passed", "f": "failed", "e": "error", "s": "skipped"}
    answers = [record(world, case, status=statuses[one]) for one in outcomes.split()]
    assert history(world, case)["flakiness_percent"] == expected
    assert [one.json["data"]["flakiness_percent"] for one in answers[-1:]] == [expected] * bool(answers)


def test_flakiness_looks_at_the_last_fifty_results(world, case):
    row = fetch(rows.TestCase, case["id"])
    row.recent = "pf" * (rows.RECENT // 2)
    write(save(row))
    assert record(world, case).json["data"]["flakiness_percent"] == 100.0
    assert fetch(rows.TestCase, case["id"]).recent == ("pf" * rows.RECENT)[1 : rows.RECENT] + "p"


def test_results_that_race_are_all_counted(world, case):
    def another() -> None:
        results.record_result(world.actor, case["id"], NewResult("failed"))

    with concurrently(another):
        assert record(world, case).status == 201
    shown = history(world, case)
    assert shown["history"]["total"] == 2
    assert [one["status"] for one in shown["history"]["results"]] == ["passed", "failed"]
    assert fetch(rows.TestCase, case["id"]).recent == "fp"


def test_a_result_is_there_wholly_or_not_at_all(world, case):
    for recorded, process in enumerate(crash_at_every_write(), 1):
        with process:
            results.record_result(world.actor, case["id"], NewResult("passed"))
        shown = history(world, case)  # the one write was carried out, whatever became of the process
        assert (shown["history"]["total"], len(fetch(rows.TestCase, case["id"]).recent)) == (recorded, recorded)


def test_a_key_records_once(world, case):
    path, headers = f"/testcases/{case['id']}/results", {"Idempotency-Key": "run-1"}
    client = world.ada.at("enterprise")
    ids = {client("planning", "POST", path, body=RESULT, headers=headers).json["data"]["id"] for _ in range(2)}
    assert len(ids) == 1
    assert history(world, case)["history"]["total"] == 1


def test_a_result_is_an_event_of_its_feature(world, case):
    made = record(world, case).json["data"]
    change = parse_change({"dynamodb": {"NewImage": raw_row(f"TR#{made['id']}")}})
    assert PLANNING_EVENTS[change.event.type](change) == ("test.completed", {"test_result": made})


def test_test_cases_and_results_are_activities_of_the_card(world, case):
    made = record(world, case, status="failed").json["data"]
    for key in (f"TC#{case['id']}", f"TR#{made['id']}"):
        project(stream_record(raw_row(key)))
    shown = world.ada("comments", "GET", f"/cards/{case['feature_id']}/activities").json["activities"]
    assert [one["description"] for one in shown] == ["Ada Lovelace recorded a test result", "Ada Lovelace added a test case"]
    assert (shown[0]["metadata"]["status"], shown[0]["metadata"]["name"]) == ("failed", "OAuth Login Flow")


# -- tenants


def test_roles_and_strangers(world, case):
    made = record(world, case).json["data"]
    stranger, viewer = sign_up("Stan", "stan@example.com"), world.join("Vic", "vic@example.com", Role.VIEWER)
    for client, read, change in ((viewer, 200, 403), (stranger, 404, 404)):
        for path in (f"/testcases/{case['id']}", f"/testresults/{made['id']}", f"/features/{case['feature_id']}/tests"):
            assert ask(world, "GET", path, client=client).status == read
        assert ask(world, "POST", f"/testcases/{case['id']}/results", RESULT, client=client).status == change
        assert ask(world, "POST", f"/features/{case['feature_id']}/tests", TEST, client=client).status == change
    assert ask(world, "GET", f"/testcases/{new_id()}").status == 404
    assert history(world, case)["history"]["total"] == 1


def test_nothing_is_left_of_them_when_the_workspace_is_purged(world, case):
    made = record(world, case, logs=[{"line": "x"}]).json["data"]
    purging._Sweep(deadline()).erase_tree("PROJ", world.project.id)
    for key in (f"TC#{case['id']}", f"TR#{made['id']}"):
        assert query(Entity, key).rows == []
    assert get(rows.TestCase, *rows.TestCase.key(case["id"])) is None
