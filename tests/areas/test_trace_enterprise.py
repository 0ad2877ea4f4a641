"""enterprise: the trace chain from a requirement to what is deployed and back, and the report of what nothing proves."""

from dataclasses import dataclass
from typing import Any

import pytest

from shared.core.actor import Role
from shared.core.ids import new_id
from shared.delivery.builds.recording import NewBuild, record_build
from shared.delivery.deployments.deploying import NewDeployment, request_deployment
from shared.delivery.deployments.rows import Deployment, Environment
from shared.delivery.tracing import chains, coverage
from shared.store import collection, fetch, save, write
from shared.work.items import planning, tracing
from shared.work.items.deleting import delete_item
from shared.work.items.moving import move_item
from shared.work.items.rows import Item
from shared.work.items.updating import update_item
from shared.work.testing import cases, results
from tests.areas.boards_world import World, create_world
from tests.areas.deploying import configure
from tests.areas.driving import Answer, call, sign_up
from tests.areas.test_planning_enterprise import errors
from tests.kills import crash_at_every_write
from tests.samples.planning import FEATURE, REQUIREMENT, TEST
from tests.trips import count_requests

OAUTH, JWT, REFRESH = REQUIREMENT["acceptance_criteria"]
PASSWORD, TOKEN = REQUIREMENT["user_stories"][0]["acceptance_criteria"]


def ask(world: World, method: str, path: str, body: Any = None, client=None, area: str = "delivery") -> Answer:
    return (client or world.ada).at("enterprise")(area, method, path, body=body)


def requirement(world: World, title: str = "Sign in", criteria: tuple[str, ...] = (OAUTH, JWT, REFRESH)) -> Item:
    new = planning.NewRequirement(title, "Words", criteria, REQUIREMENT["user_stories"] if OAUTH in criteria else ())
    return planning.create_requirement(world.actor, world.board.id, new)


def feature(world: World, above: Item) -> Item:
    return planning.create_feature(world.actor, above.id, planning.NewFeature(**FEATURE))


def case(world: World, of: Item, *criteria: str, passes: bool | None = None) -> str:
    made = cases.create_case(world.actor, of.id, cases.NewTestCase(**TEST, acceptance_criteria=criteria))
    if passes is not None:
        record(world, made.id, "passed" if passes else "failed")
    return made.id


def record(world: World, case_id: str, status: str) -> str:
    return results.record_result(world.actor, case_id, results.NewResult(status)).id


def build(world: World, of: Item, version: str = "1.2.0") -> str:
    return record_build(world.actor, of.id, NewBuild(version, "abc123def456", "main")).id


def deploy(world: World, build_id: str) -> str:
    """A deployment that succeeded."""
    configure(world)
    made = request_deployment(world.actor, build_id, NewDeployment("staging"))
    made.status, made.phase = "success", "finish"
    environment = fetch(Environment, made.environment_id)
    environment.deployment_id = None
    write(save(made), save(environment))
    return made.id


def trace(world: World, of: str, kind: str = "requirements") -> dict[str, Any]:
    answer = ask(world, "GET", f"/{kind}/{of}/trace")
    assert answer.status == 200, answer.text
    return answer.json["data"]


def ids(found: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [one["id"] for one in found[name]] for name in ("features", "test_cases", "builds", "deployments")}


def proven(found: dict[str, Any]) -> list[str]:
    return [one["text"] for one in found["criteria"] if one["proven"]]


def report(world: World, query: str = "") -> tuple[list[str], int]:
    answer = ask(world, "GET", f"/projects/{world.project.id}/traceability{query}")
    assert answer.status == 200, answer.text
    return [one["title"] for one in answer.json["data"]], answer.json["pagination"]["total"]


# -- the chain


def test_a_requirement_is_traced_to_its_deployment_and_the_deployment_back_to_it(world):
    above = requirement(world)
    one, other = feature(world, above), feature(world, above)
    test, untried = case(world, one, OAUTH, TOKEN), case(world, other, OAUTH)
    result = record(world, test, "passed")
    first, second = build(world, one), build(world, other)
    deployed = deploy(world, first)

    forward = trace(world, above.id)
    assert forward["requirement"] == {
        "id": above.id, "project_id": world.project.id, "title": "Sign in", "status": "draft",
    }  # fmt: skip
    assert forward["criteria"] == [
        {"text": OAUTH, "user_story": None, "proven": True, "test_case_ids": [test, untried]},
        {"text": JWT, "user_story": None, "proven": False, "test_case_ids": []},
        {"text": REFRESH, "user_story": None, "proven": False, "test_case_ids": []},
        {"text": PASSWORD, "user_story": "User Login", "proven": False, "test_case_ids": []},
        {"text": TOKEN, "user_story": "User Login", "proven": True, "test_case_ids": [test]},
    ]
    assert ids(forward) == {
        "features": [one.id, other.id], "test_cases": [test, untried], "builds": [second, first], "deployments": [deployed],
    }  # fmt: skip
    assert forward["complete"] is True
    assert [(one["last_status"], one["last_result_id"]) for one in forward["test_cases"]] == [("passed", result), (None, None)]
    assert forward["deployments"] == [
        {"id": deployed, "build_id": first, "feature_id": one.id, "environment": "staging", "status": "success"}
    ]
    assert [(one["build_number"], one["version_tag"], one["status"]) for one in forward["builds"]] == [
        (2, "1.2.0", "success"), (1, "1.2.0", "success"),
    ]  # fmt: skip

    back = trace(world, deployed, "deployments")
    assert (back["requirement"], back["criteria"]) == (forward["requirement"], forward["criteria"])
    assert ids(back) == {"features": [one.id], "test_cases": [test], "builds": [first], "deployments": [deployed]}


def test_a_chain_is_one_query_each_way(world):
    above = requirement(world)
    for _ in range(3):
        one = feature(world, above)
        case(world, one, OAUTH, passes=True)
        deployed = deploy(world, build(world, one))
    ask(world, "GET", f"/requirements/{above.id}/trace")  # the rate window has begun
    with count_requests() as seen:
        trace(world, above.id)
    assert (seen.count, seen.by_name) == (2, {"BatchGetItem": 1, "Query": 1})
    with count_requests() as seen:
        trace(world, deployed, "deployments")
    # the deployment with the access record; then the query, and beside it the requirement and the build
    assert (seen.count, seen.by_name) == (2, {"BatchGetItem": 2, "Query": 1})
    with count_requests() as seen:
        report(world)
    assert (seen.count, seen.by_name["Query"]) == (2, 1)


def test_what_changes_is_seen_in_the_chain_at_once(world):
    above = requirement(world)
    one = feature(world, above)
    test = case(world, one, OAUTH, passes=True)
    assert proven(trace(world, above.id)) == [OAUTH]
    for status, expected in (("failed", []), ("passed", [OAUTH]), ("skipped", [])):
        record(world, test, status)
        assert proven(trace(world, above.id)) == expected, status
    move_item(world.actor, one.id, world.lanes[4].id)
    planning.set_feature_status(world.actor, one.id, "done")
    assert [one["implementation_status"] for one in trace(world, above.id)["features"]] == ["completed"]


def test_an_archived_feature_still_proves_and_a_deleted_one_does_not(world):
    above = requirement(world)
    kept, gone = feature(world, above), feature(world, above)
    case(world, kept, OAUTH, passes=True)
    case(world, gone, JWT, passes=True)
    deployed = deploy(world, build(world, gone))
    card = fetch(Item, kept.id)
    card.status, card.archived_at = "done", card.created_at
    write(save(card))
    assert proven(trace(world, above.id)) == [OAUTH, JWT]
    delete_item(world.actor, gone.id)
    found = trace(world, above.id)
    assert (proven(found), [len(one) for one in ids(found).values()]) == ([OAUTH], [1, 1, 0, 0])
    back = trace(world, deployed, "deployments")  # it was deployed all the same
    assert (back["features"], back["test_cases"], [one["id"] for one in back["deployments"]]) == ([], [], [deployed])
    assert (back["requirement"]["id"], [one["build_number"] for one in back["builds"]]) == (above.id, [1])


def test_a_feature_without_a_requirement_is_traced_as_far_as_there_is_something(world):
    above = requirement(world)
    one = feature(world, above)
    test = case(world, one, OAUTH, passes=True)
    deployed = deploy(world, build(world, one))
    delete_item(world.actor, above.id)
    assert ask(world, "GET", f"/requirements/{above.id}/trace").status == 404
    back = trace(world, deployed, "deployments")
    assert (back["requirement"], back["criteria"], ids(back)["test_cases"]) == (None, [], [test])
    assert report(world) == ([], 0)

    alone = world.card(title="Alone")
    update_item(world.actor, alone.id, {"type": "feature"})
    test = case(world, alone)
    deployed = deploy(world, build(world, alone))
    back = trace(world, deployed, "deployments")
    assert (back["requirement"], ids(back)["features"], ids(back)["test_cases"]) == (None, [alone.id], [test])


def test_a_card_that_is_no_feature_any_more_leaves_the_chain_and_comes_back(world):
    above = requirement(world)
    one = feature(world, above)
    case(world, one, OAUTH, passes=True)
    update_item(world.actor, one.id, {"type": "task"})
    assert (ids(trace(world, above.id))["features"], report(world, "?coverage_state=unproven")[1]) == ([], 1)
    update_item(world.actor, one.id, {"type": "feature"})
    assert (proven(trace(world, above.id)), report(world, "?coverage_state=unproven")[1]) == ([OAUTH], 0)


def test_a_chain_that_is_too_long_lacks_its_oldest_builds_and_says_so(world, monkeypatch):
    above = requirement(world)
    one = feature(world, above)
    case(world, one, OAUTH, passes=True)
    made = [build(world, one) for _ in range(3)]
    monkeypatch.setattr(chains, "MAX_LINKS", 4)
    found = trace(world, above.id)
    assert (ids(found)["builds"], found["complete"], proven(found)) == ([made[2], made[1]], False, [OAUTH])


@dataclass
class Work:
    """A feature with a test case and a build, and what is done with them."""

    world: World

    def __post_init__(self) -> None:
        self.above = requirement(self.world)
        self.feature = feature(self.world, self.above)
        self.test, self.made = case(self.world, self.feature, OAUTH), build(self.world, self.feature)
        configure(self.world)

    def case(self) -> None:
        case(self.world, self.feature, JWT)

    def result(self) -> None:
        record(self.world, self.test, "passed")

    def build(self) -> None:
        build(self.world, self.feature)

    def deployment(self) -> None:
        request_deployment(self.world.actor, self.made, NewDeployment("staging"))


@pytest.mark.parametrize("name", ["case", "result", "build", "deployment"])
def test_who_dies_leaves_no_half_link(aws, name):
    for number, process in enumerate(crash_at_every_write()):
        work = Work(create_world(f"ada{number}@example.com"))
        before = links(work.world)
        with process:
            getattr(work, name)()
        added = [one for one in links(work.world) if one not in before]
        rows = [fetch(model, entity_id) for model, entity_id in added]
        assert len(rows) <= (name != "result")
        assert None not in rows
        assert bool(proven(trace(work.world, work.above.id))) == bool(results_of(work.test))


def results_of(test: str) -> int:
    return len(collection(1, f"TC#{test}"))


def links(world: World) -> list[tuple[type, str]]:
    models = {model.KIND: model for model in (Item, cases.TestCase, chains.Build, Deployment)}
    return [(models[row.kind], row.id) for row in collection(tracing.INDEX, tracing.partition_of(world.project.id))]


# -- which criteria a test proves


def test_a_test_case_names_criteria_of_its_requirement_word_for_word(world):
    one = feature(world, requirement(world))
    path = f"/features/{one.id}/tests"
    made = ask(world, "POST", path, TEST | {"acceptance_criteria": [f" {OAUTH} ", TOKEN, OAUTH]}, area="planning")
    assert (made.status, made.json["data"]["acceptance_criteria"]) == (201, [OAUTH, TOKEN])
    shown = ask(world, "GET", f"/testcases/{made.json['data']['id']}", area="planning").json["data"]
    assert shown["acceptance_criteria"] == [OAUTH, TOKEN]
    refused = ask(world, "POST", path, TEST | {"acceptance_criteria": [OAUTH, "It flies"]}, area="planning")
    assert errors(refused) == (400, ["acceptance_criteria.1"])
    assert ask(world, "GET", path, area="planning").json["pagination"]["total"] == 1


def test_a_feature_without_a_requirement_has_no_criteria_to_name(world):
    alone = world.card(title="Alone")
    update_item(world.actor, alone.id, {"type": "feature"})
    refused = ask(world, "POST", f"/features/{alone.id}/tests", TEST | {"acceptance_criteria": [OAUTH]}, area="planning")
    assert errors(refused) == (400, ["acceptance_criteria"])


def test_a_criterion_that_was_reworded_is_not_proven_until_a_test_names_it_again(world):
    above = requirement(world)
    test = case(world, feature(world, above), OAUTH, JWT, passes=True)
    update_item(world.actor, above.id, {"acceptance_criteria": [JWT, "OAuth 2.1 implemented"]})
    assert proven(trace(world, above.id)) == [JWT]
    path = f"/testcases/{test}/acceptance-criteria"
    with count_requests() as seen:
        answer = ask(world, "PUT", path, {"acceptance_criteria": ["OAuth 2.1 implemented"]}, area="planning")
    assert (answer.status, seen.count) == (200, 3)
    assert answer.json["data"]["acceptance_criteria"] == ["OAuth 2.1 implemented"]
    assert proven(trace(world, above.id)) == ["OAuth 2.1 implemented"]
    assert errors(ask(world, "PUT", path, {"acceptance_criteria": [OAUTH]}, area="planning")) == (400, ["acceptance_criteria.0"])
    world.archive()
    assert ask(world, "PUT", path, {"acceptance_criteria": []}, area="planning").status == 409


# -- the report


def test_the_report_says_what_nothing_proves_page_by_page(world):
    for number in range(3):
        requirement(world, f"Nothing {number}", ("One", "Two"))
    some, everything = requirement(world, "Some", ("One", "Two")), requirement(world, "Everything", ("One", "Two"))
    case(world, feature(world, some), "One", passes=True)
    one = feature(world, everything)
    case(world, one, "One", passes=True)
    case(world, one, "Two", passes=True)
    case(world, one, "Two", passes=False)  # another one proves it
    case(world, feature(world, requirement(world, "Failing", ("One",))), "One", passes=False)

    assert report(world) == (["Nothing 0", "Nothing 1", "Nothing 2", "Some", "Everything", "Failing"], 6)
    assert report(world, "?coverage_state=unproven") == (["Nothing 0", "Nothing 1", "Nothing 2", "Failing"], 4)
    assert report(world, "?coverage_state=unproven&page=2&page_size=3") == (["Failing"], 4)
    assert report(world, "?coverage_state=partial") == (["Some"], 1)
    assert report(world, "?coverage_state=proven") == (["Everything"], 1)
    shown = ask(world, "GET", f"/projects/{world.project.id}/traceability?coverage_state=partial").json["data"][0]
    assert [(one["text"], one["proven"]) for one in shown["criteria"]] == [("One", True), ("Two", False)]
    assert errors(ask(world, "GET", f"/projects/{world.project.id}/traceability?coverage_state=none")) == (
        400,
        ["coverage_state"],
    )


def test_a_report_of_too_many_links_is_refused_clearly(world, monkeypatch):
    requirement(world)
    feature(world, requirement(world))
    monkeypatch.setattr(coverage, "MAX_LINKS", 2)
    answer = ask(world, "GET", f"/projects/{world.project.id}/traceability")
    assert errors(answer) == (400, ["project_id"])


# -- who may


def test_foreign_and_unknown_chains_are_not_found(world):
    above = requirement(world)
    deployed = deploy(world, build(world, feature(world, above)))
    eve = sign_up("Eve", "eve@example.com")
    for path, own in (
        ("/requirements/{}/trace", above.id),
        ("/deployments/{}/trace", deployed),
        ("/projects/{}/traceability", world.project.id),
    ):
        for client, key in ((eve, own), (world.ada, new_id()), (world.ada, "nothing")):
            answer = ask(world, "GET", path.format(key), client=client)
            assert (answer.status, answer.json["error"]["code"]) == (404, "RESOURCE_NOT_FOUND"), path
    for of in (feature(world, above).id, world.card().id):
        assert ask(world, "GET", f"/requirements/{of}/trace").status == 404


@pytest.mark.parametrize("lacking", ["features:read", "tests:read", "deployments:read"])
def test_a_chain_needs_the_scopes_of_all_that_it_shows(world, lacking):
    above = requirement(world)
    deployed = deploy(world, build(world, feature(world, above)))
    held = [one for one in ("features:read", "tests:read", "deployments:read") if one != lacking]
    made = world.ada.at("enterprise")("auth", "POST", "/api-keys", body={"name": "CI", "permissions": held})
    assert made.status == 201, made.text
    key = made.json["data"]["key"]
    paths = [f"/requirements/{above.id}/trace", f"/deployments/{deployed}/trace"]
    for path in [*paths, *([] if lacking == "deployments:read" else [f"/projects/{world.project.id}/traceability"])]:
        answer = call("delivery", "enterprise", "GET", path, headers={"X-API-Key": key})
        assert (answer.status, "Sign in" in answer.text) == (403, False), path


def test_who_only_looks_may_read_chains(world):
    above = requirement(world)
    bob = world.join("Bob", "bob@example.com", Role.VIEWER)
    assert ask(world, "GET", f"/requirements/{above.id}/trace", client=bob).status == 200
    assert ask(world, "GET", f"/projects/{world.project.id}/traceability", client=bob).status == 200
