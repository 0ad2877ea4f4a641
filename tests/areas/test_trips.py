"""What an operation costs in round trips, access included: exactly, so that a trip more is a decision and not an accident.

The cards', boards', runs' and projects' own tests hold theirs; here is what a client calls first.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine

from bench import trips
from infra.routes import Route, table
from shared.core import clock
from shared.delivery.operations import requesting
from shared.people.access import quota_leases
from shared.people.access.quota_leases import QuotaLeases
from shared.store import get, put_file, rate_windows
from shared.work.attachments.rows import Upload
from tests.areas.boards_world import create_world
from tests.areas.build_runs import FakeRunner
from tests.areas.driving import Answer, Client, call, sign_up
from tests.filed_cards import check_board
from tests.kills import WRITES
from tests.samples import ALONE, SAMPLES, Stage, ask, key_of, name_of
from tests.samples.counted import OTHERWISE, TOKEN
from tests.stored_rows import check_projects
from tests.trips import count_requests

ADDRESS, PASSWORD = "ada@example.com", "correct horse"


@pytest.fixture
def ada(aws) -> Client:
    client = sign_up("Ada", ADDRESS, PASSWORD)
    client("auth", "GET", "/auth/me")  # the rate window has begun
    return client


def test_a_login(ada):
    body = {"email": ADDRESS, "password": PASSWORD}
    assert call("auth", "agentworks", "POST", "/auth/login", body=body).status == 200  # the windows have begun
    with count_requests() as seen:
        assert call("auth", "agentworks", "POST", "/auth/login", body=body).status == 200
    # the rate limit; guesses from here and from here at this account; those from everywhere; the session
    assert seen.names == ["UpdateItem", "TransactWriteItems", "UpdateItem", "TransactWriteItems"]
    # beside them the address, the user, the organization, the workspaces
    assert sorted(seen.beside) == ["BatchGetItem", "GetItem", "GetItem", "GetItem"]


def test_a_registration(ada):
    body = {"name": "Bea", "email": "bea@example.com", "password": PASSWORD}
    with count_requests() as seen:
        assert call("auth", "agentworks", "POST", "/auth/register", body=body).status == 201
    assert seen.names == ["UpdateItem", "TransactWriteItems"]


WRITE = ["BatchGetItem", "TransactWriteItems"]
"""The card with the access record, and one transaction: the change of a card, whatever it is."""


def test_what_is_added_to_a_card(aws):
    world = create_world()
    ada, card = world.ada, f"/cards/{world.card().id}"
    ada("auth", "GET", "/auth/me")  # the rate window has begun
    sent = {"filename": "a.txt", "contentType": "text/plain", "size": 2}
    for area, method, path, body, names in (
        ("cards", "POST", f"{card}/links", {"url": "https://example.com"}, WRITE),
        ("cards", "POST", f"{card}/time", {"hours": 1}, WRITE),
        ("comments", "POST", f"{card}/attachments", sent, WRITE),
        ("cards", "GET", f"/boards/{world.board.id}/cards/archived", None, ["BatchGetItem"]),  # and beside it the index
        ("runs", "GET", f"/workspaces/{world.ws_id}/approvals", None, ["BatchGetItem"]),  # and beside it two
    ):
        with count_requests() as seen:
            assert ada(area, method, path, body=body).status < 300, path
        assert seen.names == names, path
    announced = ada("comments", "POST", f"{card}/attachments", body=sent).json["id"]
    put_file(get(Upload, *Upload.key(announced)).file, b"ok", "text/plain")
    with count_requests() as seen:
        assert ada("comments", "POST", f"/attachments/{announced}/complete").status == 200
    assert seen.names == ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]  # the upload; its card, which is two rows
    for method, path, names in (
        ("GET", f"/attachments/{announced}/download", ["BatchGetItem", "GetItem"]),
        ("DELETE", f"/attachments/{announced}", ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]),
    ):
        with count_requests() as seen:
            assert ada("comments", method, path).status < 300
        assert seen.names == names, path


@pytest.mark.parametrize(
    ("area", "path", "names"),
    [("auth", "/auth/me", ["BatchGetItem"]), ("workspaces", "/workspaces", ["GetItem", "BatchGetItem"])],
)
def test_what_a_page_starts_with(ada, area, path, names):
    with count_requests() as seen:
        assert ada(area, "GET", path).status == 200
    assert seen.names == names


def test_what_bench_measures_is_within_its_budget(aws):
    over = {row["operation"]: f"{row['trips']}: {row['calls']}" for row in trips.rows() if row["trips"] > row["budget"]}
    assert over == {}


PLANNING = {
    "requirements.create": 14,  # the card's two rows (the first above 1 KB) and two index entries, the board's counts, its posting
    "features.create": 15,  # and the entry below its requirement, the words of its searches
    "features.updateStatus": 9,
    "tests.create": 12,  # its two rows and its two entries; its block of the list; the board
    "testcases.recordResult": 17,  # its two rows and its entry, the first row of the test case and its two, its block; the board
}
"""Write units of what planning changes, each in one transaction."""


@pytest.mark.parametrize(("operation", "most"), PLANNING.items())
def test_what_planning_writes(operation: str, most: int, one_process, stage: Stage):
    route = next(route for route in table() if key_of(route) == ("enterprise", operation))
    sample = SAMPLES[key_of(route)](stage)
    stage.world.ada.at("enterprise")("organizations", "GET", "/organizations")  # the rate window has begun
    with trips.costing() as cost:
        assert ask(sample, route, stage.world.ada).status < 300
    assert (cost.writes, cost.events) == (most, 1), cost


TRIED = [route for route in table() if key_of(route) in ALONE | SAMPLES]


WRITES_NOTHING = {
    ("agentworks", "documents.upload"): "it only signs an address",
    ("omoios", "tasks.checkCircular"): "it only tells what would be refused",
    ("omoios", "quality.predict"): "it only looks",
    ("omoios", "tickets.checkDuplicates"): "it only looks",
    ("omoios", "tickets.detectBlocking"): "it only looks",
    ("omoios", "tickets.validateGate"): "it only looks",
    ("omoios", "costs.forecastPost"): "it only computes",
}
"""Changes whose sample finds everything as it should be, and why."""


def shows_nothing(answer: Answer) -> bool:
    """Tell whether an answer has lists and all of them are empty: one with something in it may cost more."""
    body = answer.json if answer.text.startswith(("{", "[")) else {}
    lists = [body] if isinstance(body, list) else [value for value in body.values() if isinstance(value, list)]
    return bool(lists) and not any(lists)


@pytest.fixture(scope="module")
def stage(shared_tables) -> Stage:
    """A stage whose workspace has its billing account: whichever operation asks for it first makes it, which costs one trip more."""
    stage = Stage()
    assert stage.world.ada("billing", "GET", f"/workspaces/{stage.world.ws_id}/billing").status == 200
    return stage


PROCESS = QuotaLeases()


@pytest.fixture(scope="module")
def minute(stage: Stage) -> datetime:
    """The minute in which all operations are asked, after everything that the stage has made."""
    return clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)


@pytest.fixture
def one_process(leases, monkeypatch, minute: datetime) -> Iterator[None]:
    """All operations are asked of one process, as they have one stage, and in one minute, whose first request costs more."""
    monkeypatch.setattr(quota_leases, "PROCESS_LEASES", PROCESS)
    monkeypatch.setattr(
        quota_leases, "FIRST", 100
    )  # of this hour the stage has used some: what does not fit is counted one by one
    for module in (quota_leases, rate_windows):
        monkeypatch.setattr(module, "clock", clock)
    with time_machine.travel(minute):
        yield


def usual(route: Route) -> int:
    return trips.usual(route.operation.id, route.method)


@pytest.mark.parametrize("route", TRIED, ids=name_of)
def test_no_operation_is_above_its_budget_without_a_reason(
    route: Route, one_process, stage: Stage, request: pytest.FixtureRequest
):
    """One that is added has to keep to the budget, or stand in `bench.trips.LISTED` with its number and why. What is refused or changes
    nothing would cost less than it does."""
    key = key_of(route)
    if route.operation.id == "billing.stripeWebhook":
        request.getfixturevalue("stripe")
    if route.operation.id in {"runs.approve", "runs.reject"}:
        request.getfixturevalue("machine").token = TOKEN
    if route.operation.id == "features.buildAndDeploy":
        request.getfixturevalue("monkeypatch").setattr(requesting, "build_runner", FakeRunner)
    sample = (ALONE | SAMPLES | OTHERWISE)[key](stage)
    with count_requests() as seen:
        answer = ask(sample, route, sample.caller or stage.world.ada)
    most, _ = trips.budget(*key, usual(route))
    assert seen.count <= most, str(seen)
    assert answer.status < 400, answer.text
    if route.method == "GET":
        assert not shows_nothing(answer), answer.text
    else:
        assert (not WRITES & {*seen.names}) == (key in WRITES_NOTHING), str(seen)


def test_every_operation_is_counted_and_every_reason_is_needed():
    """What has no sample is a document, which reads nothing; what is listed is an operation, above what is usual."""
    assert {route.operation.id.partition(".")[0] for route in table() if route not in TRIED} <= {"docs", "system"}
    by_name = {trips.listed_name(*key_of(route)): usual(route) for route in TRIED}
    assert trips.LISTED.keys() <= by_name.keys()
    assert [name for name, (most, _) in trips.LISTED.items() if most <= by_name[name]] == []
    assert OTHERWISE.keys() | WRITES_NOTHING.keys() <= {key_of(route) for route in TRIED}


def test_after_all_operations_every_row_is_in_order(stage: Stage):
    """Indexes show what rows say, events are kept as they would be again, boards and lists have exactly what there is."""
    assert check_projects(stage.world.ws_id)
    assert check_board(stage.world.board.id)
