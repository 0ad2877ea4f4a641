"""Every operation that is served answers a valid request with the fields and types that its document shows.

The facts are data, taken from the documents and not from the code (`tests/data/shapes.json`), so that a model that was changed by mistake
fails here. The things that are asked for are furnished: a list that is empty proves nothing of what is in it.
"""

import re

import pytest

from infra.routes import Route, table
from shared.edge.contracts import NAMES
from tests.areas.driving import Client
from tests.areas.running import connected
from tests.areas.viewers import project, raw_row, stream_record
from tests.contracts.shapes import ANSWERS, ERRORS, ORIGINAL, faults
from tests.samples import ALONE, SAMPLES, Sample, Stage, ask, key_of, name_of, sample_of

pytestmark = pytest.mark.usefixtures("shared_tables", "many_requests")

ROUTES = [route for route in table() if route.operation.media is None]
GUARDED = [route for route in ROUTES if not route.operation.public]
EMPTY = (202, 204, 302)
NOBODY = "0190a0a0-0000-7000-8000-000000000000"
WORDS = {"environment", "gate_id"}
"""Parts of paths that are no ids: one of a few words, or a name of the caller's own."""


class Furnished(Stage):
    """A stage whose cards have one of everything."""

    def card(self, lane: int = 0) -> str:
        ada, made = self.world.ada, super().card(lane)
        person = ada.user["id"]
        for method, path, body in (
            ("PUT", f"/cards/{made}", {
                "description": "Words", "assigneeId": person, "labels": ["one"], "priority": "high", "estimatedHours": 2.5,
                "dueDate": "2027-01-01T00:00:00.000Z",
                "customFields": {"team": "blue"},
            }),
            ("POST", f"/boards/{self.world.board.id}/cards", {
                "laneId": self.world.lanes[0].id, "title": "A child", "type": "task", "parentId": made,
            }),
        ):  # fmt: skip
            answer = ada("cards", method, path, body=body)
            assert answer.status < 300, answer.text
        link = {"dependencyCardId": super().card(), "type": "blocks"}
        assert ada("cards", "POST", f"/cards/{made}/dependencies", body=link).status == 201
        comment = ada("comments", "POST", f"/cards/{made}/comments", body={"content": "Words"}).json
        reply = {"content": "Other words", "parentCommentId": comment["id"]}
        assert ada("comments", "POST", f"/cards/{made}/comments", body=reply).status == 201
        project(stream_record(raw_row(f"ITEM#{made}")))
        return made

    def document(self) -> str:
        """With a second version, approved and published."""
        made = super().document()
        for method, path, body in (
            ("PUT", f"/documents/{made}", {"content": "Words\nMore words\n", "status": "review"}),
            ("PUT", f"/documents/{made}", {"status": "approved"}),
            ("POST", f"/documents/{made}/publish", {"version": 2}),
        ):
            answer = self.world.ada("documents", method, path, body=body)
            assert answer.status == 200, answer.text
        return made


@pytest.fixture(scope="module")
def stage(shared_tables: None) -> Stage:
    """With a run that was paid for: the ledger has a line, a card its run."""
    stage = Furnished()
    with pytest.MonkeyPatch.context() as patch:
        machine = connected(patch)
        started = stage.world.ada("runs", "POST", f"/cards/{stage.card(lane=1)}/agents/prd/run", body={})
        assert machine.play(started.json["run"]["id"]).status == "completed"
    return stage


def test_the_stage_is_furnished(stage: Stage) -> None:
    usage = stage.world.ada("usage", "GET", f"/workspaces/{stage.world.ws_id}/usage").json
    assert usage["breakdown"]
    assert usage["timeline"]
    card = stage.world.ada("cards", "GET", f"/cards/{stage.card()}").json
    assert card["comments"]
    assert card["activities"]
    threads = stage.world.ada("comments", "GET", f"/cards/{card['id']}/comments").json["comments"]
    assert threads[0]["replies"]
    assert card["children"]
    assert card["dependencies"]
    listed = stage.world.ada("cards", "GET", f"/boards/{stage.world.board.id}/cards?limit=100").json["cards"]
    assert any(one["agentRuns"] for one in listed)
    document = stage.world.ada("documents", "GET", f"/documents/{stage.document()}").json
    assert document["publishedAt"]
    assert {one["changeType"] for one in document["revisions"]} == {"created", "updated", "approved", "published"}


def request_of(route: Route, stage: Stage) -> tuple[Sample, Client]:
    sample = sample_of(route, stage)
    return sample, sample.caller or (Client() if route.operation.public else stage.world.ada)


def test_every_operation_has_a_sample() -> None:
    assert [name_of(route) for route in ROUTES if key_of(route) not in ALONE | SAMPLES] == []


def test_every_documented_answer_is_known() -> None:
    """An answer without facts would be checked against nothing: only additions of our own, and answers that are empty."""
    unknown = [route for route in ROUTES if name_of(route) not in ANSWERS and route.operation.status not in EMPTY]
    assert [name_of(route) for route in unknown if not route.operation.addition] == []


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_an_answer_looks_as_its_document_says(route: Route, stage: Stage) -> None:
    sample, caller = request_of(route, stage)
    answer = ask(sample, route, caller)
    if sample.status is not None:  # the thing's state refuses it
        assert answer.status == sample.status
        assert list(faults(ERRORS[route.contract], answer.json, route.contract)) == []
        return
    assert answer.status == route.operation.status, answer.text
    if name_of(route) in ANSWERS:
        assert (answer.header("content-type") or "").startswith("application/json")
        assert list(faults(ANSWERS[name_of(route)], answer.json, route.contract)) == []
    if name_of(route) in ORIGINAL:
        assert list(faults(ORIGINAL[name_of(route)], answer.json, route.contract)) == []
    if answer.status in (204, 302):
        assert answer.text == ""
    if route.operation.limited:  # a probe, for example, is not counted
        assert_limits(route, answer)


def assert_limits(route: Route, answer) -> None:
    names = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]
    if route.contract == "agentworks":
        names.append("X-RateLimit-Window")
    found = {name: answer.header(name) for name in names}
    assert all(value is not None and re.fullmatch(r"\d+", value) for value in found.values()), found
    assert int(found["X-RateLimit-Remaining"]) < int(found["X-RateLimit-Limit"])
    assert int(found["X-RateLimit-Reset"]) > 1_700_000_000  # a time, in seconds


@pytest.mark.thorough
@pytest.mark.parametrize("route", GUARDED, ids=name_of)
def test_a_refusal_looks_as_the_contract_says(route: Route, stage: Stage) -> None:
    sample, caller = request_of(route, stage)
    nobody = ask(sample, route, Client())
    assert nobody.status == 401
    assert list(faults(ERRORS[route.contract], nobody.json, route.contract)) == []
    if sample.path.keys() - WORDS:
        path = {name: value if name in WORDS else NOBODY for name, value in sample.path.items()}
        unknown = Sample(path, _elsewhere(sample), sample.query, headers=sample.headers)
        missing = ask(unknown, route, caller)
        assert missing.status == 404, missing.text
        assert list(faults(ERRORS[route.contract], missing.json, route.contract)) == []
    if sample.body:
        broken = ask(Sample(sample.path, "[1, 2", sample.query, headers=sample.headers), route, caller)
        assert broken.status in (400, 422)
        assert list(faults(ERRORS[route.contract], broken.json, route.contract)) == []


def _elsewhere(sample: Sample):
    """The body of a request for another thing: what is in the path too changes with it."""
    if not isinstance(sample.body, dict):
        return sample.body
    ours = set(sample.path.values())
    return {name: NOBODY if isinstance(value, str) and value in ours else value for name, value in sample.body.items()}


@pytest.mark.parametrize("contract", NAMES)
def test_errors_have_facts(contract: str) -> None:
    assert "error" in ERRORS[contract]
