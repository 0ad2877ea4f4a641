"""enterprise: lists of builds, deployments, vulnerabilities and environments, additions to the document."""

from typing import Any

import pytest

from shared.core.ids import new_id
from shared.delivery.builds import listing
from shared.delivery.builds.recording import NewBuild, record_build
from shared.delivery.deployments.deploying import NewDeployment, request_deployment
from shared.store import save, write
from shared.work.items import planning
from tests.areas.boards_world import World
from tests.areas.deploying import build, configure, deploy, machine, target
from tests.areas.driving import Answer, sign_up
from tests.samples.delivery import SARIF
from tests.samples.planning import FEATURE
from tests.trips import count_requests

__all__ = ["target"]


def ask(world: World, path: str, client=None) -> Answer:
    return (client or world.ada).at("enterprise")("delivery", "GET", path)


def listed(world: World, path: str) -> tuple[list[dict[str, Any]], int]:
    answer = ask(world, path)
    assert answer.status == 200, answer.text
    return answer.json["data"], answer.json["pagination"]["total"]


def feature_of(world: World) -> str:
    new = planning.NewRequirement("A requirement", "Words", ["It works"])
    parent = planning.create_requirement(world.actor, world.board.id, new)
    return planning.create_feature(world.actor, parent.id, planning.NewFeature(**FEATURE)).id


def record(world: World, feature: str, status: str = "success", scan: Any = None) -> str:
    return record_build(world.actor, feature, NewBuild("1.0.0", "abc123", "main", status, scan_report=scan)).id


def test_the_builds_of_a_feature_are_listed_newest_first_in_pages(world):
    feature, other = feature_of(world), feature_of(world)
    made = [record(world, feature, status) for status in ("success", "failed", "success", "cancelled")]
    record(world, other)
    everything, total = listed(world, f"/features/{feature}/builds")
    assert ([one["id"] for one in everything], total) == (made[::-1], 4)
    assert everything[0] == ask(world, f"/builds/{made[-1]}").json["data"]
    page, total = listed(world, f"/features/{feature}/builds?page=2&page_size=3")
    assert ([one["id"] for one in page], total) == (made[:1], 4)


def test_builds_are_filtered_by_status_with_an_exact_total(world):
    feature = feature_of(world)
    made = [record(world, feature, status) for status in ("success", "failed", "success")]
    page, total = listed(world, f"/features/{feature}/builds?status=success&page_size=1")
    assert ([one["id"] for one in page], total) == (made[2:], 2)
    assert listed(world, f"/features/{feature}/builds?status=building") == ([], 0)
    assert ask(world, f"/features/{feature}/builds?status=good").status == 400


def test_a_list_of_builds_has_the_newest_ones_and_reads_no_more(world, monkeypatch):
    monkeypatch.setattr(listing, "MAX_LISTED", 2)
    feature = feature_of(world)
    made = [record(world, feature) for _ in range(3)]
    found, total = listed(world, f"/features/{feature}/builds")
    assert ([one["id"] for one in found], total) == ([made[2], made[1]], 2)


def test_the_deployments_of_a_build_are_listed_newest_first_and_by_the_status_that_is_shown(world, target):
    configure(world)
    of_build = build(world)
    requests = (request_deployment(world.actor, of_build.id, NewDeployment("staging")) for _ in range(2))
    first, second = (machine(one).play() for one in requests)
    deploy(world)  # of another build
    assert [one["id"] for one in listed(world, f"/builds/{of_build.id}/deployments")[0]] == [second.id, first.id]
    assert listed(world, f"/builds/{of_build.id}/deployments?status=success")[1] == 2
    second.status = "rolling_back"
    write(save(second))
    (found,), total = listed(world, f"/builds/{of_build.id}/deployments?status=in_progress")
    assert (found, total) == (ask(world, f"/deployments/{second.id}").json["data"], 1)
    assert listed(world, f"/builds/{of_build.id}/deployments?page=2&page_size=1")[0][0]["id"] == first.id


def test_the_vulnerabilities_of_a_build_are_listed_most_severe_first(world):
    made = record(world, feature_of(world), scan=SARIF)
    found, total = listed(world, f"/builds/{made}/vulnerabilities")
    assert ([one["severity"] for one in found], total) == (["critical", "low"], 2)
    assert (found[0]["title"], found[0]["build_id"], found[0]["location"]) == ("SQL is built from input", made, "src/db.py:7")
    assert listed(world, f"/builds/{made}/vulnerabilities?severity=low") == (found[1:], 1)
    assert listed(world, f"/builds/{made}/vulnerabilities?page=2&page_size=1") == (found[1:], 2)
    assert listed(world, f"/builds/{record(world, feature_of(world))}/vulnerabilities") == ([], 0)


def test_the_environments_of_a_project_are_listed_in_their_order(world):
    path = f"/projects/{world.project.id}/environments"
    assert listed(world, path) == ([], 0)
    for name in ("production", "dev"):
        configure(world, name)
    found, total = listed(world, path)
    assert ([one["environment"] for one in found], total) == (["dev", "production"], 2)
    assert found[0] == ask(world, f"{path}/dev").json["data"]  # and so without its secret
    assert listed(world, f"{path}?page=2&page_size=1") == (found[1:], 2)


@pytest.mark.parametrize(
    ("path", "trips"),
    [("/features/{feature}/builds", 2), ("/builds/{build}/vulnerabilities", 1), ("/builds/{build}/deployments", 1),
     ("/projects/{project}/environments", 1)],
)  # fmt: skip
def test_a_list_costs_few_round_trips_and_shows_nothing_to_strangers(world, path, trips):
    feature = feature_of(world)
    ids = {"feature": feature, "build": record(world, feature), "project": world.project.id}
    ask(world, path.format(**ids))  # the rate window has begun
    with count_requests() as seen:
        assert ask(world, path.format(**ids)).status == 200
    assert seen.count == trips
    stranger = sign_up("Stan Stranger", "stan@example.com")
    foreign, unknown = (ask(world, one, stranger) for one in (path.format(**ids), path.format(**dict.fromkeys(ids, new_id()))))
    assert (foreign.status, unknown.status) == (404, 404)
    assert foreign.json["error"]["code"] == unknown.json["error"]["code"]
