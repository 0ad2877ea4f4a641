"""enterprise, section 7: deployments, as clients see them."""

from typing import Any

import pytest

from shared.core import clock
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.delivery.builds.rows import Build
from shared.delivery.deployments import deploying
from shared.delivery.deployments.rows import Deployment
from shared.edge.views.enterprise.deployments import DEPLOYMENT_EVENTS
from shared.events.change import parse_change
from shared.store import collection, fetch
from tests.areas.boards_world import World
from tests.areas.deploying import FakeTarget, build, configure, deploy, machine, target
from tests.areas.driving import Answer, sign_up
from tests.areas.viewers import raw_row
from tests.samples.delivery import DEPLOY, ENVIRONMENT, ROLLBACK
from tests.trips import count_requests

__all__ = ["target"]


def ask(world: World, method: str, path: str, body: Any = None, client=None, **more) -> Answer:
    return (client or world.ada).at("enterprise")("delivery", method, path, body=body, **more)


def errors(answer: Answer) -> tuple[int, str, list[str]]:
    error = answer.json["error"]
    return answer.status, error["code"], [one["field"] for one in error.get("details", [])]


def test_a_deployment_is_accepted_as_the_documents_sample_says(world):
    configure(world, "production")
    made = build(world)
    answer = ask(world, "POST", f"/builds/{made.id}/deploy", DEPLOY)
    assert (answer.status, answer.json["status"]) == (201, 201)
    data = answer.json["data"]
    assert data | DEPLOY == data
    assert (data["build_id"], data["status"], data["health_check_status"]) == (made.id, "pending", None)
    assert ask(world, "GET", f"/deployments/{data['id']}").json["data"] == data


def test_a_deployment_that_is_over_has_every_documented_field(world, target):
    configure(world)
    made = deploy(world)
    data = ask(world, "GET", f"/deployments/{made.id}").json["data"]
    assert (data["status"], data["health_check_status"], data["error_rate_percent"]) == ("success", "healthy", 0.1)
    assert data["performance_metrics"] == {
        "p95_response_time_ms": 100, "throughput_rps": 16.667, "error_rate_percent": 0.1,
    }  # fmt: skip
    assert data["duration_seconds"] >= 0
    assert data["started_at"] <= data["completed_at"]


def test_a_rollback_is_answered_as_the_documents_sample_says(world, target):
    configure(world)
    first, second = deploy(world), deploy(world)
    answer = ask(world, "POST", f"/deployments/{second.id}/rollback", ROLLBACK)
    data = answer.json["data"]
    assert (answer.status, data["id"], data["status"]) == (200, second.id, "rolled_back")
    assert (data["rollback_reason"], data["traffic_percentage"]) == (ROLLBACK["reason"], 0)
    assert clock.parse(data["rolled_back_at"]) <= clock.now()
    assert target.weights == {first.id: 100}
    again = ask(world, "POST", f"/deployments/{second.id}/rollback", ROLLBACK)
    assert errors(again) == (400, "VALIDATION_ERROR", ["status"])


def test_a_rollback_that_the_target_does_not_do_is_503_and_may_be_repeated(world, target):
    configure(world)
    deploy(world)
    second = deploy(world)
    target.fails.add("set_weights")
    answer = ask(world, "POST", f"/deployments/{second.id}/rollback", ROLLBACK)
    assert errors(answer)[:2] == (503, "SERVICE_UNAVAILABLE")
    shown = ask(world, "GET", f"/deployments/{second.id}").json["data"]
    assert (shown["status"], shown["failure_reason"]) == ("failed", "The rollback failed: set_weights does not work")
    target.fails.clear()
    assert ask(world, "POST", f"/deployments/{second.id}/rollback", ROLLBACK).json["data"]["status"] == "rolled_back"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["environment"]), ({"environment": "test"}, ["environment"]),
        ({"environment": "staging", "deployment_strategy": "canary"}, ["canary_percentage"]),
        ({"environment": "staging", "deployment_strategy": "canary", "canary_percentage": 101}, ["canary_percentage"]),
        ({"environment": "production"}, ["approval_notes"]), ({"environment": "production", "approval_notes": " "}, ["approval_notes"]),
        ({"environment": "staging", "deployment_strategy": "big_bang"}, ["deployment_strategy"]),
        ({"environment": "dev"}, ["environment"]),  # it has no target
    ],
)  # fmt: skip
def test_a_deployment_that_is_not_valid_is_named(world, body, fields):
    configure(world)
    assert errors(ask(world, "POST", f"/builds/{build(world).id}/deploy", body)) == (400, "VALIDATION_ERROR", fields)


@pytest.mark.parametrize("status", ["pending", "building", "failed", "cancelled"])
def test_only_a_successful_build_is_deployed(world, status):
    configure(world)
    answer = ask(world, "POST", f"/builds/{build(world, status).id}/deploy", {"environment": "staging"})
    assert errors(answer) == (400, "VALIDATION_ERROR", ["build_id"])


def test_production_needs_who_may_approve(world):
    configure(world, "production")
    configure(world)
    mia, vera = world.join("Mia", "mia@example.com", Role.MEMBER), world.join("Vera", "vera@example.com", Role.VIEWER)
    made = build(world)
    path = f"/builds/{made.id}/deploy"
    assert errors(ask(world, "POST", path, DEPLOY, mia))[:2] == (403, "AUTHORIZATION_DENIED")
    assert errors(ask(world, "POST", path, {"environment": "staging"}, vera))[:2] == (403, "AUTHORIZATION_DENIED")
    assert ask(world, "POST", path, {"environment": "staging"}, mia).status == 201
    assert ask(world, "POST", path, DEPLOY, world.join("Alan", "alan@example.com", Role.ADMIN)).status == 201


def test_a_second_deployment_to_an_environment_is_a_conflict(world):
    configure(world)
    path = f"/builds/{build(world).id}/deploy"
    first = ask(world, "POST", path, {"environment": "staging"}).json["data"]
    answer = ask(world, "POST", path, {"environment": "staging"})
    assert (answer.status, answer.json["error"]["code"]) == (409, "CONFLICT")
    assert {"deployment_id": first["id"]} in answer.json["error"]["details"] or first["id"] in answer.text


def test_unknown_and_foreign_ids_are_not_found(world, target):
    configure(world)
    made = deploy(world)
    stranger = sign_up("Stan", "stan@example.com")
    for path, body in (("", None), ("/rollback", ROLLBACK)):
        method = "POST" if body else "GET"
        for who, deployment in ((world.ada, new_id()), (stranger, made.id)):
            answer = ask(world, method, f"/deployments/{deployment}{path}", body, who)
            assert errors(answer)[:2] == (404, "RESOURCE_NOT_FOUND")
    body = {"environment": "staging"}
    assert errors(ask(world, "POST", f"/builds/{made.build_id}/deploy", body, stranger))[:2] == (404, "RESOURCE_NOT_FOUND")


def test_an_archived_project_deploys_nothing(world):
    configure(world)
    made = build(world)
    world.archive()
    answer = ask(world, "POST", f"/builds/{made.id}/deploy", {"environment": "staging"})
    assert errors(answer)[:2] == (409, "CONFLICT")


def test_round_trips(world, target):
    configure(world)
    made = build(world)
    with count_requests() as trips:
        answer = ask(world, "POST", f"/builds/{made.id}/deploy", {"environment": "staging"})
    assert (answer.status, trips.count) == (201, 2)
    with count_requests() as trips:
        ask(world, "GET", f"/deployments/{answer.json['data']['id']}")
    assert trips.count == 1
    machine(fetch(Deployment, answer.json["data"]["id"])).play()
    second = deploy(world)
    with count_requests() as trips:
        assert ask(world, "POST", f"/deployments/{second.id}/rollback", ROLLBACK).status == 200
    assert trips.count == 4


def test_a_repeated_request_deploys_once(world):
    configure(world)
    made = build(world)
    headers = {"Idempotency-Key": "one"}
    path, body = f"/builds/{made.id}/deploy", {"environment": "staging"}
    answer, again = (ask(world, "POST", path, body, headers=headers) for _ in range(2))
    assert answer.status == 201
    assert again.json["data"] == answer.json["data"]
    assert [row.id for row in collection(1, f"BLD#{made.id}#DPL")] == [answer.json["data"]["id"]]


def test_the_documents_events_are_those_of_its_start_and_its_end(world, target):
    configure(world)
    made = deploying.request_deployment(world.actor, build(world).id, deploying.NewDeployment("staging"))
    seen: list[tuple[str, str]] = []
    played = machine(made)
    more = True
    while more:
        more = played.step()
        change = parse_change({"dynamodb": {"NewImage": raw_row(*Deployment.key(made.id))}})
        if tell := DEPLOYMENT_EVENTS.get(change.event.type):
            name, data = tell(change)
            told = (name, data()["deployment"]["status"])
            if told not in seen:
                seen.append(told)
    assert seen == [("deployment.started", "in_progress"), ("deployment.completed", "success")]


# -- environments


def test_an_environment_is_set_shown_and_changed(world):
    path = f"/projects/{world.project.id}/environments/staging"
    assert errors(ask(world, "GET", path))[0] == 404
    made = ask(world, "PUT", path, ENVIRONMENT).json["data"]
    assert made["hook_secret"].startswith("whsec_")
    assert made["analysis"] == {"window_seconds": 60, "minimum_requests": 50}
    shown = ask(world, "GET", path).json["data"]
    assert {**shown, "hook_secret": made["hook_secret"]} == made
    again = ask(world, "PUT", path, ENVIRONMENT | {"analysis": {"minimum_requests": 5}}).json["data"]
    assert (again["hook_secret"], again["analysis"]["minimum_requests"]) == (made["hook_secret"], 5)
    assert ask(world, "PUT", path, ENVIRONMENT | {"rotate_secret": True}).json["data"]["hook_secret"] != made["hook_secret"]


def test_another_target_knows_no_earlier_version(world, target):
    configure(world)
    deploy(world)
    second = deploy(world)
    other = {"target": {"kind": "hook", "url": "https://other.example.com/"}}
    answer = ask(world, "PUT", f"/projects/{world.project.id}/environments/staging", other)
    assert answer.json["data"]["current_deployment_id"] is None
    assert errors(ask(world, "POST", f"/deployments/{second.id}/rollback", ROLLBACK)) == (400, "VALIDATION_ERROR", ["status"])


@pytest.mark.parametrize(
    "wanted",
    [
        {"kind": "hook", "url": "http://deploy.example.com"}, {"kind": "hook"}, {"kind": "ssh"}, {"kind": "process", "command": []},
        {"kind": "process", "command": ["python3"]},  # there is no host of processes here
        {"kind": "lambda", "function": "shop", "alias": "live", "role_arn": "arn:aws:iam::123456789012:role/x"},
    ],
)  # fmt: skip
def test_a_target_that_cannot_be_is_refused(world, wanted):
    answer = ask(world, "PUT", f"/projects/{world.project.id}/environments/staging", {"target": wanted})
    status, code, fields = errors(answer)
    assert (status, code) == (400, "VALIDATION_ERROR")
    assert fields[0].startswith("target")


def test_who_may_not_approve_sets_no_target(world):
    mia = world.join("Mia", "mia@example.com", Role.MEMBER)
    path = f"/projects/{world.project.id}/environments/dev"
    assert errors(ask(world, "PUT", path, ENVIRONMENT, mia))[:2] == (403, "AUTHORIZATION_DENIED")


def test_what_is_deployed_is_of_a_build(world, target):
    configure(world)
    made = deploy(world)
    assert fetch(Build, made.build_id).item_id == made.item_id
    assert isinstance(target, FakeTarget)
