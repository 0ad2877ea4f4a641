"""A key is executed once, whatever dies, fails or comes in between; what was not executed can be asked for again."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import time_machine
from botocore.exceptions import EndpointConnectionError

from infra.routes import table
from shared.core import clock
from shared.core.errors import CadreError, NotFound, Upstream
from shared.core.situations import Situation
from shared.edge.http.idempotency import LOCK_SECONDS, IdempotencyRecord
from shared.store import Entity, count, update_now
from shared.store.client import dynamodb
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Answer
from tests.areas.test_http_door import kept_rows
from tests.kills import answer_lost, concurrently, crash_at_every_write
from tests.samples import ALONE, SAMPLES, Stage, ask, key_of


@dataclass
class Place:
    """A board on which a card is asked for with a key."""

    world: World

    def ask(self, *, title: str = "Pay by invoice", **changes: str) -> Answer:
        body = {"laneId": self.world.lanes[1].id, "type": "doc", "title": title} | changes
        path = f"/boards/{self.world.board.id}/cards"
        return self.world.ada("cards", "POST", path, body=body, headers={"Idempotency-Key": "k"})

    @property
    def cards(self) -> int:
        return count(Entity, f"BOARD#{self.world.board.id}#ITEM", index=1)


@pytest.fixture
def place(aws) -> Place:
    return Place(create_world())


def elsewhere(work: Callable[[], Answer]) -> Answer:
    """Do it in another process: a handler has one event loop, which serves one request at a time."""
    loop = asyncio.new_event_loop()
    with ThreadPoolExecutor(1) as other, pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.edge.http.lambda_handler._loop", lambda: loop)
        answer = other.submit(work).result()
    loop.close()
    return answer


def later(seconds: float) -> AbstractContextManager[object]:
    return time_machine.travel(time.time() + seconds, tick=False)


def conflict(answer: Answer) -> bool:
    return (answer.status, answer.status == 409 and answer.json["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


THE_CARD = {"TransactWriteItems"}
THE_KEY = {"PutItem"}  # the first is the claim, the second the answer


def test_a_process_that_dies_at_any_write_leaves_one_card_or_a_free_key(aws):
    outcomes = []
    for process in crash_at_every_write():
        place = Place(create_world(f"ada{len(outcomes)}@example.com"))
        with process:
            place.ask()
        made = place.cards
        with later(LOCK_SECONDS + 1):
            again = place.ask()
            assert place.cards == 1
            assert place.ask().status == again.status
        outcomes.append((made, again.status, again.header("idempotent-replayed")))
    before, between, after = (0, 201, None), (1, 409, None), (1, 201, "true")
    assert [outcome for number, outcome in enumerate(outcomes) if outcome not in outcomes[:number]] == [before, between, after]


def test_an_answer_that_cannot_be_stored_is_given_and_its_card_made_once(place):
    with concurrently(unreachable, 2, calls=THE_KEY) as failing:
        first = place.ask()
    assert (failing.happened, first.status) == (True, 201)
    for seconds in (0, LOCK_SECONDS + 1):
        with later(seconds):
            assert conflict(place.ask())
    assert place.cards == 1


def unreachable() -> None:
    raise EndpointConnectionError(endpoint_url="https://dynamodb")


def test_of_two_at_once_one_makes_the_card(place):
    second: list[Answer] = []
    with concurrently(lambda: second.append(elsewhere(place.ask)), calls=THE_CARD):
        first = place.ask()
    assert (first.status, conflict(second[0]), second[0].header("retry-after"), place.cards) == (201, True, "1", 1)


def test_a_request_whose_claim_ran_out_cannot_write_any_more(place):
    """It was slower than its lock, and another one with its key has taken over."""
    second: list[Answer] = []

    def take_over() -> None:
        with later(LOCK_SECONDS + 1):
            second.append(elsewhere(place.ask))

    with concurrently(take_over, calls=THE_CARD):
        first = place.ask()
    assert (conflict(first), second[0].status, place.cards) == (True, 201, 1)
    assert place.ask().json == second[0].json


def test_an_error_after_the_write_does_not_free_the_key(place, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("functions.cards.agentworks.views.card", lambda _: 1 // 0)
        assert place.ask().status == 500
    for seconds in (0, LOCK_SECONDS + 1):
        with later(seconds):
            assert conflict(place.ask())
    assert place.cards == 1


def refuse_once(patch: pytest.MonkeyPatch, error: CadreError) -> None:
    def refuse(_: object) -> None:
        raise error

    patch.setattr("functions.cards.agentworks.views.card", refuse)


def test_a_refusal_after_the_write_is_kept_with_the_key(place, monkeypatch):
    """Whoever asks again is told the same; the card is not made a second time."""
    with monkeypatch.context() as patch:
        refuse_once(patch, NotFound("lane"))
        first = place.ask()
    assert (first.status, place.cards) == (404, 1)
    for seconds in (0, LOCK_SECONDS + 1):
        with later(seconds):
            again = place.ask()
            assert (again.status, again.header("idempotent-replayed")) == (404, "true")
            assert again.json["error"]["code"] == first.json["error"]["code"] == "LANE_NOT_FOUND"
    assert conflict(place.ask(title="Another card"))
    assert place.cards == 1


def test_a_failure_that_asks_to_try_again_frees_the_key_also_after_a_write(place, monkeypatch):
    with monkeypatch.context() as patch:
        refuse_once(patch, Upstream(Situation.UNAVAILABLE, "Try again shortly"))
        assert place.ask().status == 503
    assert place.ask().status == 201


def test_every_post_writes_one_marked_transaction_at_most(shared_tables):
    """So nothing can fail between two. Who adds a second one decides here what a repeat does (decision 24)."""
    stage, twice = Stage(), set()
    for route in table():
        if route.method != "POST" or key_of(route) not in SAMPLES | ALONE:
            continue
        sample = (SAMPLES | ALONE)[key_of(route)](stage)
        keyed = replace(sample, headers=(sample.headers or {}) | {"Idempotency-Key": stage.slug()})
        with marked_transactions() as seen:
            ask(keyed, route, sample.caller or stage.world.ada)
        if len(seen) > 1:
            twice.add(key_of(route))
    assert twice == set()


@contextmanager
def marked_transactions() -> Iterator[list[str]]:
    """The transactions of requests with a key."""
    seen: list[str] = []

    def note(request: Any, operation_name: str, **_: Any) -> None:
        if operation_name == "TransactWriteItems" and b"IDEMP#" in request.body:
            seen.append(operation_name)

    events = dynamodb().meta.events
    events.register("request-created.dynamodb", note)
    try:
        yield seen
    finally:
        events.unregister("request-created.dynamodb", note)


def test_an_error_before_the_write_frees_the_key(place):
    with concurrently(unreachable, calls=THE_CARD):
        assert place.ask().status == 503
    assert (place.ask().status, place.cards) == (201, 1)


def test_a_refused_request_leaves_its_key_free(place):
    assert place.ask(title="").status == 422
    assert place.ask(laneId="lane_" + "0" * 32).status in {404, 422}
    assert (place.ask().status, place.cards) == (201, 1)


def test_a_record_that_has_expired_but_is_still_there_does_not_count(place):
    """DynamoDB removes an expired row some days later."""
    assert place.ask().status == 201
    assert place.ask().header("idempotent-replayed") == "true"
    (row,) = kept_rows()
    update_now(row, [IdempotencyRecord.ttl.set(clock.epoch())])
    assert place.ask().header("idempotent-replayed") is None
    assert place.cards == 2


def test_a_claim_whose_answer_was_lost_is_still_our_own(place):
    """Seen: 409 for half a minute, "the first request is still running", and there was none."""
    with answer_lost("PutItem", "IDEMP#") as lost:
        answer = place.ask()
    assert (lost.happened, answer.status, place.cards) == (True, 201, 1)
    assert place.ask().header("idempotent-replayed") == "true"
