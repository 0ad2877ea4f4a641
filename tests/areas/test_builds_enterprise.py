"""enterprise, section 6: builds that ran elsewhere are recorded, and what was not told is absent."""

from typing import Any

import pytest

from shared.core.actor import Role
from shared.core.ids import new_id
from shared.delivery.builds import recording
from shared.delivery.builds.rows import Build, BuildCounter, Vulnerability
from shared.edge.cascade import purging
from shared.edge.views.enterprise.delivery import DELIVERY_EVENTS
from shared.events.change import parse_change
from shared.store import Entity, get, query
from shared.work.items import planning
from shared.work.projects.updating import archive_project
from tests.areas.boards_world import World
from tests.areas.driving import Answer, deadline, sign_up
from tests.areas.viewers import raw_row
from tests.kills import crash_at_every_write
from tests.samples.delivery import BUILD, SARIF, TOLD
from tests.samples.planning import FEATURE
from tests.trips import count_requests

LEAST = {name: BUILD[name] for name in ("version_tag", "git_commit_hash", "git_branch")}


def ask(world: World, method: str, path: str, body: Any = None, client=None, **more) -> Answer:
    return (client or world.ada).at("enterprise")("delivery", method, path, body=body, **more)


@pytest.fixture
def feature(world) -> str:
    new = planning.NewRequirement("A requirement", "Words", ["It works"])
    parent = planning.create_requirement(world.actor, world.board.id, new)
    return planning.create_feature(world.actor, parent.id, planning.NewFeature(**FEATURE)).id


def make(world: World, feature: str, body: dict[str, Any] = BUILD) -> dict[str, Any]:
    answer = ask(world, "POST", f"/features/{feature}/builds", body)
    assert answer.status == 201, answer.text
    return answer.json["data"]


def shown(world: World, build: str) -> dict[str, Any]:
    return ask(world, "GET", f"/builds/{build}").json["data"]


def test_a_build_that_ran_elsewhere_is_recorded_as_told(world, feature):
    made = make(world, feature)
    assert {name: made[name] for name in BUILD} == BUILD
    assert (made["feature_id"], made["project_id"]) == (feature, world.project.id)
    assert (made["build_number"], made["status"], made["tests_run"]) == (1, "success", 245)
    assert shown(world, made["id"]) == made


def test_what_was_not_told_is_absent(world, feature):
    made = shown(world, make(world, feature, LEAST)["id"])
    assert sorted(made) == sorted(
        [*LEAST, "id", "feature_id", "project_id", "build_number", "status", "completed_at", "created_at"]
    )
    partly = make(world, feature, LEAST | {"tests_failed": 0})
    assert partly["tests_failed"] == 0
    assert not {"tests_run", "tests_passed"} & set(partly)


def test_a_build_with_a_start_has_a_duration_and_with_a_report_its_vulnerabilities(world, feature):
    made = make(world, feature, LEAST | TOLD)
    assert {name: made[f"vulnerabilities_{name}"] for name in ("critical", "high", "medium", "low")} == {
        "critical": 1, "high": 0, "medium": 0, "low": 1,
    }  # fmt: skip
    assert (made["security_scan_status"], made["docker_image_size_bytes"]) == ("failed", 524_288_000)
    assert made["duration_seconds"] > 0
    assert made["started_at"] == "2024-10-26T10:00:00.000Z"
    assert make(world, feature, BUILD | {"scan_report": SARIF})["security_scan_status"] == "passed"  # as told


@pytest.mark.parametrize(
    ("told", "status"),
    [({}, "success"), ({"tests_failed": 1}, "failed"), ({"security_scan_status": "failed"}, "failed"),
     ({"security_scan_status": "warnings"}, "success"), ({"status": "cancelled"}, "cancelled"),
     ({"status": "success", "tests_failed": 2}, "success"), ({"status": "failed"}, "failed")],
)  # fmt: skip
def test_the_status_comes_from_what_is_told(world, feature, told, status):
    assert make(world, feature, LEAST | told)["status"] == status


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *(({"version_tag": one}, "version_tag") for one in ("1.2", "v1.2.0", "01.2.0", "1.2.0-", "\u0661.2.0", "1.2.0\n", "")),
        *(({"git_commit_hash": one}, "git_commit_hash") for one in ("", "abc", "xyz123", "a" * 65)),
        *(({"git_branch": one}, "git_branch") for one in ("", "-x", "a b", "a:b")),
        ({"tests_passed": -1}, "tests_passed"), ({"tests_failed": 1.5}, "tests_failed"),
        ({"code_coverage_percent": 100.1}, "code_coverage_percent"), ({"security_scan_status": "ok"}, "security_scan_status"),
        ({"scan_report": {}}, "scan_report"), ({"scan_report": []}, "scan_report"), ({"started_at": "today"}, "started_at"),
        ({"started_at": "2999-01-01T00:00:00Z"}, "started_at"), ({"build_number": 7}, "build_number"),
    ],
)  # fmt: skip
def test_a_build_that_is_not_valid_is_named(world, feature, changes, field):
    answer = ask(world, "POST", f"/features/{feature}/builds", BUILD | changes)
    assert (answer.status, [one["field"] for one in answer.json["error"]["details"]]) == (400, [field])


@pytest.mark.parametrize("version", ["1.2.0", "0.0.1", "1.0.0-alpha.1+build.5", "1.0.0-0A.is.legal", "10.20.30+meta-valid"])
def test_versions_are_semantic(world, feature, version):
    assert make(world, feature, LEAST | {"version_tag": version})["version_tag"] == version


def test_builds_are_numbered_by_project(world, feature):
    assert [make(world, feature)["build_number"] for _ in range(3)] == [1, 2, 3]


def test_an_archived_project_takes_no_build(world, feature):
    archive_project(world.actor, world.project.id)
    assert ask(world, "POST", f"/features/{feature}/builds", BUILD).status == 409
    assert get(BuildCounter, f"CTR#PROJ#{world.project.id}", "BUILD") is None


def test_what_builds_cost(world, feature):
    with count_requests() as seen:
        made = make(world, feature)
    # the feature names the project; the number of its last build; the transaction
    assert seen.names == ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]
    with count_requests() as seen:
        shown(world, made["id"])
    assert seen.names == ["BatchGetItem"]


def test_a_build_is_there_wholly_or_not_at_all(world, feature):
    for number, process in enumerate(crash_at_every_write(), 1):
        with process:
            recording.record_build(world.actor, feature, recording.NewBuild(**LEAST, scan_report=SARIF))
        rows = query(Build, f"FEAT#{feature}#BLD", index=1).rows
        assert len(rows) == number == int(get(BuildCounter, f"CTR#PROJ#{world.project.id}", "BUILD").number)
        assert len(query(Vulnerability, rows[-1].pk, prefix="VUL#").rows) == 2


def test_a_key_records_once(world, feature):
    path, headers = f"/features/{feature}/builds", {"Idempotency-Key": "build-1"}
    ids = {ask(world, "POST", path, BUILD, headers=headers).json["data"]["id"] for _ in range(2)}
    assert len(ids) == 1
    assert make(world, feature)["build_number"] == 2


def test_a_build_and_each_of_its_vulnerabilities_is_an_event(world, feature):
    made = make(world, feature, BUILD | {"scan_report": SARIF})
    change = parse_change({"dynamodb": {"NewImage": raw_row(f"BLD#{made['id']}")}})
    name, data = DELIVERY_EVENTS[change.event.type](change)
    assert (name, data()) == ("build.completed", {"build": made})
    rows = [raw_row(f"BLD#{made['id']}", f"VUL#{place:03d}") for place in (1, 2)]
    changes = [parse_change({"dynamodb": {"NewImage": row}}) for row in rows]
    named = [DELIVERY_EVENTS[change.event.type](change) for change in changes]
    told = [(name, data()) for name, data in named]
    assert [(name, data["vulnerability"]["severity"]) for name, data in told] == [
        ("vulnerability.detected", "critical"), ("vulnerability.detected", "low"),
    ]  # fmt: skip
    assert told[0][1]["vulnerability"] | {"id": "", "detected_at": ""} == {
        "id": "", "build_id": made["id"], "feature_id": feature, "project_id": world.project.id, "severity": "critical",
        "title": "SQL is built from input", "rule": "sql", "location": "src/db.py:7", "status": "open", "detected_at": "",
    }  # fmt: skip


def test_all_vulnerabilities_are_counted_and_the_most_severe_kept(world, feature):
    many = {"runs": [{"results": [{"level": "note"}] * 500 + [{"level": "error"}]}]}
    made = make(world, feature, BUILD | {"scan_report": many})
    assert (made["vulnerabilities_low"], made["vulnerabilities_high"]) == (500, 1)
    kept = query(Vulnerability, f"BLD#{made['id']}", prefix="VUL#").rows
    assert [one.severity for one in kept] == ["high"] + ["low"] * (recording.MAX_VULNERABILITIES - 1)


def test_roles_and_strangers(world, feature):
    made = make(world, feature)
    stranger, viewer = sign_up("Stan", "stan@example.com"), world.join("Vic", "vic@example.com", Role.VIEWER)
    for client, read, change in ((viewer, 200, 403), (stranger, 404, 404)):
        assert ask(world, "GET", f"/builds/{made['id']}", client=client).status == read
        assert ask(world, "POST", f"/features/{feature}/builds", BUILD, client=client).status == change
    assert ask(world, "GET", f"/builds/{new_id()}").status == 404
    assert ask(world, "POST", f"/features/{world.card().id}/builds", BUILD).status == 404
    assert make(world, feature)["build_number"] == 2


def test_nothing_is_left_of_builds_when_the_project_is_purged(world, feature):
    made = make(world, feature, BUILD | {"scan_report": SARIF})
    purging._Sweep(deadline()).erase_tree("PROJ", world.project.id)
    assert query(Entity, f"BLD#{made['id']}").rows == []
    assert get(BuildCounter, f"CTR#PROJ#{world.project.id}", "BUILD") is None
