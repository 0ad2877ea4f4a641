"""Deliveries of webhooks: what happens is sent as documented, in order, at least once, whatever the receiver does."""

import base64
import hashlib
import hmac
import json
import socket
import threading
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from standardwebhooks import Webhook as Standard
from standardwebhooks import WebhookVerificationError

from bench.trips import costing
from functions.webhook_worker.handler import handler as worker
from shared.channels.webhooks import attempts
from shared.channels.webhooks.deliveries import WebhookEvent, clear_cache, queue_event
from shared.channels.webhooks.rows import DUE, Content, Line, State, partition_of
from shared.channels.webhooks.signing import PREFIX
from shared.core import networks, posting, queues
from shared.core.clock import iso, now
from shared.core.ids import new_id
from shared.core.settings import settings
from shared.store import delete_many, get, put_many, query, stored_id
from shared.store.client import dynamodb
from shared.work.items.creating import NewItem, create_item
from shared.work.items.moving import move_item, move_to_column
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Context, confirm_address
from tests.areas.hooks_world import Hooks
from tests.areas.mailbox import requested_mails
from tests.areas.receiver import Behaviour, Received, Receiver, closes, drips, hangs, never_ends, rubbish, says, stays
from tests.areas.viewers import project, raw_row, stream_record
from tests.kills import crash_at_every_write
from tests.trips import count_requests


@pytest.fixture
def hooks(world: World, receiver: Receiver) -> Hooks:
    return Hooks(world, receiver)


# -- what is sent


def test_a_feature_and_its_status_are_sent_as_documented(hooks):
    webhook = hooks.subscribe()
    card = hooks.feature("Pay by invoice")
    hooks.change(card, "in_progress")
    hooks.deliver()
    created, changed = hooks.receiver.events()
    assert set(created) == {"event", "timestamp", "event_id", "retry_count", "data"}
    assert (created["event"], created["retry_count"]) == ("feature.created", 0)
    assert created["event_id"] == card.event_id
    assert created["data"]["feature"]["id"] == card.id
    assert created["data"]["feature"]["implementation_status"] == "not_started"
    assert changed["event"] == "feature.status_changed"
    feature = changed["data"]["feature"]
    assert (feature["name"], feature["previous_status"], feature["current_status"]) == (
        "Pay by invoice",
        "not_started",
        "in_progress",
    )
    assert [(one["event"], one["status"], one["attempts"], one["response_status"]) for one in hooks.log(webhook)] == [
        ("feature.created", "delivered", 1, 204),
        ("feature.status_changed", "delivered", 1, 204),
    ]
    assert (hooks.waiting(webhook), hooks.wakes("webhook_retry")) == ([], [])


def test_a_move_through_agentworks_and_one_through_omoios_are_the_same_event(hooks):
    hooks.subscribe(events=["feature.status_changed"])
    card = hooks.feature()
    for move in (
        lambda: move_item(hooks.world.actor, card.id, hooks.world.board.lane_ids[-1]),
        lambda: move_to_column(hooks.world.actor, card.id, "building"),
    ):
        before = raw_row(f"ITEM#{card.id}")
        move()
        hooks.tell(card, before)
    hooks.deliver()
    statuses = [one["data"]["feature"]["current_status"] for one in hooks.receiver.events()]
    assert statuses == ["completed", "in_progress"]


def test_what_a_webhook_does_not_want_is_not_sent(hooks):
    other_project = {"name": "Other", "slug": "other"}
    made = hooks.world.ada("projects", "POST", f"/workspaces/{hooks.world.ws_id}/projects", body=other_project).json["id"]
    hooks.subscribe("/named", events=["feature.created"])
    hooks.subscribe("/elsewhere", project_id=made)
    hooks.subscribe("/here", project_id=hooks.world.project.id)
    hooks.subscribe("/paused", active=False)
    card = hooks.feature()
    hooks.change(card, "done")
    task = hooks.world.card()  # no feature
    hooks.tell(task)
    stranger = create_world("stan@example.com", "Stan Stranger")
    Hooks(stranger, hooks.receiver).feature()
    hooks.deliver()
    seen = sorted((one.path, one.json["event"]) for one in hooks.receiver.received)
    assert seen == [
        ("/here", "feature.created"),
        ("/here", "feature.status_changed"),
        ("/named", "feature.created"),
    ]


def test_signatures_are_those_of_the_document_and_of_standard_webhooks(hooks):
    webhook = hooks.subscribe()
    hooks.feature("Zahlung per Rechnung: ä€")
    hooks.deliver()
    (received,) = hooks.receiver.received
    documented = hmac.new(webhook["secret"].encode(), received.body, hashlib.sha256).hexdigest()
    assert received.headers["x-signature-256"] == f"sha256={documented}"
    assert "x-signature-256-previous" not in received.headers
    assert Standard(webhook["secret"]).verify(received.body, received.headers)["event"] == "feature.created"
    assert received.headers["webhook-id"] == received.json["event_id"]
    with pytest.raises(WebhookVerificationError):
        Standard(webhook["secret"]).verify(received.body + b" ", received.headers)


def test_a_secret_of_ones_own_signs_as_it_is(hooks):
    secret = "0123456789-abcdefghij-KLMNOP"
    hooks.subscribe(secret=secret)
    hooks.feature()
    hooks.deliver()
    (received,) = hooks.receiver.received
    documented = hmac.new(secret.encode(), received.body, hashlib.sha256).hexdigest()
    assert received.headers["x-signature-256"] == f"sha256={documented}"
    Standard(PREFIX + base64.b64encode(secret.encode()).decode()).verify(received.body, received.headers)


def test_for_a_day_after_a_rotation_both_secrets_are_good(hooks):
    webhook = hooks.subscribe()
    rotated = datetime.now(UTC)
    with time_machine.travel(rotated) as clock:
        new = hooks.ask("POST", f"/webhooks/{webhook['id']}/rotate-secret").json["data"]["secret"]
        hooks.feature()
        hooks.deliver()
        clock.shift(timedelta(hours=24, seconds=1))
        hooks.ask("POST", f"/webhooks/{webhook['id']}/test")
        hooks.deliver()
        (during, after) = hooks.receiver.received
        Standard(new).verify(after.body, after.headers)
        with pytest.raises(WebhookVerificationError):
            Standard(webhook["secret"]).verify(after.body, after.headers)
        assert "x-signature-256-previous" not in after.headers
    with time_machine.travel(rotated):
        for secret in (new, webhook["secret"]):
            Standard(secret).verify(during.body, during.headers)
        for name, secret in (("x-signature-256", new), ("x-signature-256-previous", webhook["secret"])):
            assert during.headers[name] == "sha256=" + hmac.new(secret.encode(), during.body, hashlib.sha256).hexdigest()
    assert new != webhook["secret"]


# -- what it costs


def test_who_has_no_webhook_pays_a_query_for_a_burst(hooks):
    cards = [hooks.world.card(title=str(number)) for number in range(2)]
    lane = hooks.world.board.lane_ids[0]
    features = [create_item(hooks.world.actor, hooks.world.board.id, NewItem(str(one), "feature", lane)) for one in range(3)]
    task_only, with_features = (
        [stream_record(raw_row(f"ITEM#{card.id}"), sequence=number) for number, card in enumerate(made)]
        for made in (cards, features)
    )
    with count_requests() as tasks:
        assert project(*task_only[:2]) == []
    with count_requests() as burst:
        assert project(*with_features) == []
    per_task = len(tasks.names) / 2
    assert len(burst.names) <= per_task * 3 + 1  # one query, for all of them
    assert hooks.wakes() == []


def test_a_delivery_is_two_transactions_of_small_rows_and_the_receivers_state_is_none(hooks):
    """What an event says is written once, however long it is, and is in no transaction."""
    webhook = hooks.subscribe()
    with costing() as queued:
        hooks.happens("A", data={"feature": {"description": "x" * 5_000}})
    assert queued.names[-2:] == ["PutItem", "TransactWriteItems"]
    assert queued.writes <= 6 + 6
    with costing() as cost:
        hooks.deliver()
    # what is due, what waits of it, what it says; the log, the end; that nothing is due of it, what is due next
    assert cost.names == [
        "BatchGetItem", "Query", "Query", "GetItem", "PutItem", "TransactWriteItems", "BatchWriteItem", "Query",
    ]  # fmt: skip
    assert cost.writes <= 6
    assert get(State, partition_of(webhook["id"]), "STATE") is None


def test_twenty_webhooks_are_queued_by_one_transaction_and_two_requests(hooks):
    """A burst of one organization may not hold the stream up for all others."""
    made = [hooks.subscribe(f"/{number}") for number in range(20)]
    hooks.happens("warm")
    assert {wake["webhook"] for wake in hooks.wakes()} == {one["id"] for one in made}
    sent: list[str] = []
    with count_requests() as seen, patch.object(queues.aws, "short_call_client", lambda _: _Sqs(sent)):
        hooks.happens("A", data={"long": "x" * 5_000})
    assert [name for name in seen.names if name != "Query"] == ["PutItem", "TransactWriteItems"]
    assert sent == ["SendMessageBatch"] * 2


class _Sqs:
    def __init__(self, sent: list[str]) -> None:
        self._sent = sent

    def send_message_batch(self, *, Entries: list[Any], **_: Any) -> dict[str, Any]:
        self._sent.append("SendMessageBatch")
        assert len(Entries) <= 10
        return {}


def test_a_message_that_the_queue_has_not_taken_is_an_error_and_the_event_comes_again(hooks):
    webhook = hooks.subscribe()
    refusing = SimpleNamespace(send_message_batch=lambda **_: {"Failed": [{"Id": "0", "Code": "InternalError"}]})
    event = WebhookEvent("feature.created", new_id(), iso(), "A", "1", None, dict)
    with patch.object(queues.aws, "short_call_client", lambda _: refusing), pytest.raises(queues.Unsent):
        queue_event(str(hooks.world.project.org_id), event)
    queue_event(str(hooks.world.project.org_id), event)
    hooks.deliver()
    assert [one["status"] for one in hooks.log(webhook)] == ["delivered"]
    assert len(hooks.receiver.received) == 1


def test_an_event_that_comes_again_says_the_same_and_reaches_who_asked_for_it_meanwhile(hooks):
    first = hooks.subscribe("/first")
    second = hooks.subscribe("/second", events=["build.completed"])
    event = WebhookEvent("feature.created", new_id(), iso(), "A", "1", None, lambda: {"name": "before"})
    queue_event(str(hooks.world.project.org_id), event)
    hooks.ask("PATCH", f"/webhooks/{second['id']}", {"events": ["*"]})
    clear_cache()
    queue_event(str(hooks.world.project.org_id), replace(event, data=lambda: {"name": "after"}))
    hooks.deliver()
    assert sorted((one.path, one.json["data"]["name"]) for one in hooks.receiver.received) == [
        ("/first", "before"),
        ("/second", "before"),
    ]
    assert len(hooks.log(first)) == len(hooks.log(second)) == 1


# -- once at least, and in order


def test_an_event_that_comes_again_is_delivered_once(hooks):
    webhook = hooks.subscribe()
    card = hooks.feature()
    record = stream_record(raw_row(f"ITEM#{card.id}"), sequence=1)
    hooks.deliver()
    assert project(record, record) == []
    hooks.deliver()
    assert len(hooks.receiver.received) == len(hooks.log(webhook)) == 1


def test_a_new_webhook_misses_nothing_and_gets_nothing_from_before(hooks):
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        early = hooks.feature("early")
        clock.shift(1)
        hooks.subscribe()
        project(stream_record(raw_row(f"ITEM#{early.id}")))  # the stream is replayed
        clock.shift(1)
        hooks.feature("late")
        hooks.deliver()
    assert [one["data"]["feature"]["name"] for one in hooks.receiver.events()] == ["late"]


def test_a_crash_at_any_write_loses_no_event(hooks):
    webhook = hooks.subscribe()
    for process in crash_at_every_write():
        with process:
            card = hooks.feature()
        card_row = next(
            row for row in dynamodb().scan(TableName="core")["Items"] if row.get("title") and row["type"] == {"S": "feature"}
        )
        project(stream_record(card_row))  # the stream delivers it again
        hooks.deliver()
        if process.dead:
            assert stored_id(card_row) in {one["data"]["feature"]["id"] for one in hooks.receiver.events()}
    assert card.id in {one["data"]["feature"]["id"] for one in hooks.receiver.events()}
    assert {one["status"] for one in hooks.log(webhook)} == {"delivered"}


def test_a_worker_that_dies_at_any_write_repeats_the_same_event(hooks):
    webhook = hooks.subscribe()
    for process in crash_at_every_write():
        hooks.receiver.behaviours = [says(500)]
        card = hooks.feature()
        before = len(hooks.receiver.received)
        with process:
            hooks.deliver()
        wake = {"org": hooks.world.project.org_id, "webhook": webhook["id"], "at_once": True}
        hooks.work(wake)  # the queue delivers its message again; the receiver is back
        hooks.wakes()
        seen = [one for one in hooks.receiver.events()[before:] if one["event_id"] == card.event_id]
        assert 2 <= len(seen) <= 3
        assert [one["retry_count"] for one in seen] == sorted(one["retry_count"] for one in seen)
        assert hooks.waiting(webhook) == []
        assert hooks.log(webhook)[-1]["status"] == "delivered"


def test_a_resource_keeps_its_order_while_others_go_on(hooks):
    webhook = hooks.subscribe()
    first, second = hooks.feature("first"), hooks.feature("second")
    hooks.deliver()
    hooks.receiver.received.clear()
    hooks.receiver.behaviours = [says(500)]
    hooks.change(first, "in_progress")
    hooks.deliver()
    for status in ("done", "in_progress"):
        hooks.change(first, status)
    hooks.change(second, "in_progress")
    hooks.deliver()  # rests: the first retry has not come
    assert len(hooks.receiver.received) == 1
    with time_machine.travel(datetime.now(UTC)) as clock:
        hooks.later(clock, 0.01)
    of_first = [one for one in hooks.receiver.events() if one["data"]["feature"]["id"] == first.id]
    assert [one["data"]["feature"]["current_status"] for one in of_first] == [
        "in_progress", "in_progress", "completed", "in_progress",
    ]  # fmt: skip
    assert [one["retry_count"] for one in of_first] == [0, 1, 0, 0]
    assert len({one["event_id"] for one in of_first}) == 3
    assert {one["status"] for one in hooks.log(webhook)} == {"delivered"}
    assert get(State, partition_of(webhook["id"]), "STATE") is None


def test_the_order_is_the_streams_and_not_that_of_arrival(hooks):
    webhook = hooks.subscribe()
    card = hooks.feature()
    images = [raw_row(f"ITEM#{card.id}")]
    for status in ("in_progress", "done"):
        hooks.world.ada("cards", "PUT", f"/cards/{card.id}", body={"status": status})
        images.append(raw_row(f"ITEM#{card.id}"))
    hooks.deliver()
    hooks.receiver.received.clear()
    project(stream_record(images[2], images[1], sequence=10**21 + 2))
    project(stream_record(images[1], images[0], sequence=99))
    hooks.deliver()
    assert [one["data"]["feature"]["current_status"] for one in hooks.receiver.events()] == ["in_progress", "completed"]
    assert hooks.waiting(webhook) == []


def test_a_resource_whose_line_is_long_hides_no_other(hooks):
    webhook = hooks.subscribe()
    other_came = threading.Event()

    def chooses(received: Received) -> Behaviour | None:
        if received.json["data"] != {"stuck": True}:
            other_came.set()
            return None
        assert other_came.wait(10)
        return says(500)

    hooks.receiver.chooses = chooses
    hooks.happens("A", data={"stuck": True})
    hooks.happens("B")
    hooks.deliver()
    behind = [Content.decode(hooks.waiting(webhook)[0].serialize()) for _ in range(120)]  # more than a page
    for number, content in enumerate(behind):
        content.sk = f"{content.sk}-{number:03}"
    put_many(behind)
    hooks.happens("B", data={"last": True})
    with count_requests() as seen:
        hooks.work(hooks.wakes()[-1])
    assert seen.names.count("Query") == 3
    assert hooks.receiver.events()[-1]["data"] == {"last": True}
    assert {one.resource for one in hooks.waiting(webhook)} == {"A"}


# -- receivers that do not what they should


@pytest.mark.parametrize(
    ("behaviour", "shown"),
    [
        (says(500, "oops"), {"status": 500, "answer": "oops"}),
        (says(302, location="/elsewhere"), {"status": 302}),
        (rubbish, {"error": "The receiver cannot be reached or does not speak HTTP (RemoteProtocolError)"}),
        (closes, {"error": "The receiver cannot be reached or does not speak HTTP (RemoteProtocolError)"}),
        (hangs, {"error": "No answer within 0.2 seconds"}),
        (drips, {"error": "No answer within 0.2 seconds"}),
    ],
    ids=["fails", "redirects", "rubbish", "closes", "hangs", "drips"],
)
def test_what_fails_is_tried_again_and_shown_in_the_log(hooks, behaviour, shown):
    webhook = hooks.subscribe()
    hooks.receiver.behaviours = [behaviour]
    hooks.feature()
    with patch.object(posting, "SECONDS", 0.2 if behaviour in (hangs, drips) else posting.SECONDS):
        hooks.deliver()
    (pending,) = hooks.log(webhook)
    assert (pending["status"], pending["attempts"], pending["response_status"]) == ("pending", 1, shown.get("status"))
    assert pending["next_attempt_at"] is not None
    with time_machine.travel(datetime.now(UTC)) as clock:
        hooks.later(clock, 0.01)
        report = hooks.ask("GET", f"/webhooks/{webhook['id']}/deliveries/{pending['id']}").json["data"]
    assert (report["status"], report["attempts"], report["response_status"]) == ("delivered", 2, 204)
    failed, delivered = report["tries"]
    assert failed | shown == failed
    assert (delivered["status"], delivered["error"]) == (204, None)
    assert json.loads(report["request_body"]) == hooks.receiver.events()[-1]
    assert [one["retry_count"] for one in hooks.receiver.events()] == [0, 1]
    assert {one.path for one in hooks.receiver.received} == {"/hook"}  # no redirect was followed


def test_an_answer_without_end_is_read_to_its_limit_and_counts(hooks):
    webhook = hooks.subscribe()
    hooks.receiver.behaviours = [never_ends]
    hooks.feature()
    hooks.deliver()
    (delivery,) = hooks.log(webhook)
    assert (delivery["status"], delivery["response_status"]) == ("delivered", 200)
    report = hooks.ask("GET", f"/webhooks/{webhook['id']}/deliveries/{delivery['id']}").json["data"]
    assert report["tries"][0]["answer"] == "x" * 1_024
    with patch.object(posting, "MAX_ANSWER", 10_000):
        hooks.receiver.behaviours = [never_ends]
        assert len(posting.post(hooks.receiver.url, b"", {}).body) == 10_000


def test_a_receiver_that_never_closes_has_answered_all_the_same_and_nothing_of_it_stays(hooks):
    webhook = hooks.subscribe()
    we_closed = threading.Event()
    hooks.receiver.behaviours = [lambda connection: (stays(connection), we_closed.set())]
    hooks.feature()
    with patch.object(posting, "SECONDS", 0.2):
        hooks.deliver()
    (delivery,) = hooks.log(webhook)
    assert (delivery["status"], delivery["response_status"], delivery["attempts"]) == ("delivered", 200, 1)
    report = hooks.ask("GET", f"/webhooks/{webhook['id']}/deliveries/{delivery['id']}").json["data"]
    assert report["tries"][0]["answer"] == "Taken"
    assert we_closed.wait(10)


def test_one_slow_receiver_delays_nobody_else(hooks):
    """A hanging receiver takes one call of the worker and one attempt, not one for each event; others are served meanwhile."""
    slow, quick = hooks.subscribe("/slow"), hooks.subscribe("/quick")
    released = threading.Event()

    def wait(connection: socket.socket) -> None:
        assert released.wait(10)

    hooks.receiver.chooses = lambda received: wait if received.path == "/slow" else None
    for number in range(10):
        hooks.happens(f"R-{number}")
    wakes = hooks.wakes()
    of_slow = [one for one in wakes if one["webhook"] == slow["id"]]
    of_quick = [one for one in wakes if one["webhook"] == quick["id"]]
    hanging = threading.Thread(target=hooks.work, args=of_slow)
    hanging.start()
    try:
        hooks.work(*of_quick)
        assert {one["status"] for one in hooks.log(quick)} == {"delivered"}
    finally:
        released.set()
        hanging.join()
    assert sum(one.path == "/slow" for one in hooks.receiver.received) <= 8  # the first call's threads; then it rests
    assert {one["status"] for one in hooks.log(slow)} == {"pending"}


def test_a_receiver_that_comes_back_gets_everything_in_order(hooks):
    webhook = hooks.subscribe()
    hooks.receiver.usual = says(503)
    cards = [hooks.feature(str(number)) for number in range(3)]
    with time_machine.travel(datetime.now(UTC)) as clock:
        for status in ("in_progress", "done"):
            hooks.log_in()
            for card in cards:
                hooks.change(card, status)
            hooks.deliver()
            hooks.later(clock, 1)
        hooks.receiver.usual = says(200)
        hooks.receiver.received.clear()
        hooks.later(clock, 12)
    for card in cards:
        events = [one for one in hooks.receiver.events() if one["data"]["feature"]["id"] == card.id]
        statuses = [one["data"]["feature"]["implementation_status"] for one in events]
        assert statuses == ["not_started", "in_progress", "completed"]
    assert {one["status"] for one in hooks.log(webhook)} == {"delivered"}
    assert hooks.wakes("webhook_retry") == []


# -- when it is tried again, and when no more


def test_attempts_go_on_for_three_days(hooks):
    """A receiver that refuses one event and takes others: the event is tried again for three days, and then given up; the next one of its
    resource goes on."""
    webhook = hooks.subscribe()
    hooks.receiver.chooses = lambda received: says(422) if received.json["data"] == {"stuck": True} else None
    with time_machine.travel(datetime.now(UTC)) as clock:
        hooks.happens("A", data={"stuck": True})
        hooks.happens("A", data={"next": True})
        started = now()
        hours = chain([0.5] * 6, repeat(6))
        while hooks.log(webhook)[0]["status"] == "pending":
            hooks.happens(f"other-{now()}")  # something arrives: the webhook is not switched off
            hooks.deliver()
            hooks.later(clock, next(hours))
            assert now() - started < timedelta(days=4)
        took = now() - started
        hooks.later(clock, 1)
    stuck, following = (one for one in hooks.log(webhook) if one["event"] == "feature.created" and one["event_id"] in hooks.named)
    assert timedelta(days=2.5) < took <= timedelta(days=3, hours=7)
    assert (stuck["status"], stuck["response_status"], stuck["next_attempt_at"]) == ("failed", 422, None)
    assert 9 <= stuck["attempts"] <= 14
    assert following["status"] == "delivered"
    retries = [one["retry_count"] for one in hooks.receiver.events() if one["data"] == {"stuck": True}]
    assert retries == list(range(stuck["attempts"]))


def test_an_event_that_is_refused_for_days_holds_no_other_resource_up_for_long(hooks):
    webhook = hooks.subscribe()
    hooks.receiver.chooses = lambda received: says(422) if received.json["data"] == {"stuck": True} else None
    with time_machine.travel(datetime.now(UTC)) as clock:
        hooks.happens("A", data={"stuck": True})
        hooks.deliver()
        for pause in attempts.DELAYS[:7]:
            hooks.later(clock, pause * 1.25 / 3_600)
        assert hooks.log(webhook)[0]["attempts"] == 8  # the next one is in twelve hours
        hooks.happens("B")
        hooks.deliver()
        hooks.later(clock, 150 / 3_600)
        assert [one["status"] for one in hooks.log(webhook)] == ["pending", "delivered"]


def wait_alike(content: Content, times: list[str]) -> None:
    """Let as many deliveries wait as there are times, each of a resource of its own, as if they had been refused like this one.

    moto makes a row of a thousand bytes in half a millisecond; these share what they have in common.
    """
    table = dynamodb_backends["123456789012"]["us-east-1"].tables["telemetry"]
    patterns = [
        (raw, Item(DynamoType(raw["PK"]), DynamoType(raw["SK"]), raw))
        for raw in (content.serialize(), Line.of(content).serialize())
    ]
    for number, time in enumerate(times):
        one = Content(**content.attribute_values | {"id": new_id(), "resource": f"{number:05}", "next_attempt_at": time})
        one.sk = f"WAIT#{one.resource}#{number:040}#{one.id}"
        for (raw, pattern), sort in zip(patterns, (one.sk, Line.place(one)), strict=True):
            own = {"SK": sort, "id": one.id, "resource": one.resource, "next_attempt_at": time}
            row = copy(pattern)
            row.range_key = DynamoType({"S": sort})
            row.attrs = pattern.attrs | {name: DynamoType({"S": value}) for name, value in own.items() if name in raw}
            table.items[row.hash_key][row.range_key] = row


def test_ten_thousand_refused_events_that_wait_cost_a_wake_nothing(hooks):
    """A receiver has refused one kind of event for days: a wake reads what is due, and what is new comes first."""
    webhook = hooks.subscribe()
    hooks.receiver.chooses = lambda received: says(422) if received.json["data"].get("stuck") else None
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        hooks.happens("A", data={"stuck": True})
        hooks.deliver()
        (refused,) = hooks.waiting(webhook)
        wait_alike(refused, [iso(now() + timedelta(seconds=60 + 4 * number)) for number in range(10_000)])
        clock.shift(timedelta(seconds=30))  # the rest is over, and it is time for the first one again
        hooks.wakes()
        hooks.happens("B")
        with costing() as cost:
            hooks.work(*hooks.wakes())
        assert sorted(len(one.json["data"]) for one in hooks.receiver.received[1:]) in ([0], [0, 1])
        assert cost.reads <= 12, cost
        assert cost.names.count("Query") <= 4, cost
        before = len(hooks.receiver.received)
        clock.shift(timedelta(hours=6))  # half of them are due
        hooks.happens("C")
        hooks.happens("D")
        hooks.wakes()
        with costing() as cost:
            hooks.work({"org": hooks.world.project.org_id, "webhook": webhook["id"]})
        tried = [one.json["data"] for one in hooks.receiver.received[before:]]
        assert {} in tried  # what is new is begun first; eight go at a time, and none is begun after the first refusal
        assert len(tried) <= 2 + 2 * 8
        assert cost.reads <= 50, cost


def test_all_that_waits_is_tried_when_the_receiver_has_been_mended(hooks):
    """Also what one call does not take up."""
    webhook = hooks.subscribe()
    hooks.receiver.chooses = lambda _: says(500)
    hooks.happens("A")
    hooks.deliver()
    (refused,) = hooks.waiting(webhook)
    wait_alike(refused, [iso(now() + timedelta(hours=1))] * 120)
    hooks.receiver.chooses = lambda _: None
    assert hooks.ask("PATCH", f"/webhooks/{webhook['id']}", {"url": webhook["url"] + "2"}).status == 200
    hooks.deliver()
    assert hooks.waiting(webhook) == []
    assert query(Line, partition_of(webhook["id"]), prefix="LINE#").rows == []


def test_what_has_expired_and_is_still_there_holds_nothing_up(hooks):
    webhook = hooks.subscribe()
    hooks.happens("A")
    (waits,) = hooks.waiting(webhook)
    expired = [Content.decode(waits.serialize()) for _ in range(60)]  # more than a page
    for number, one in enumerate(expired):
        one.sk, one.ttl = f"WAIT#A#{number:040}#{one.id}", 1
    delete_many([waits])
    put_many(expired)
    hooks.deliver()
    assert query(Line, partition_of(webhook["id"]), prefix="LINE#").rows == []
    hooks.happens("A", data={"new": True})
    hooks.deliver()
    assert [one["data"] for one in hooks.receiver.events()] == [{"new": True}]


def test_what_was_held_up_is_still_in_line_when_its_turn_comes(hooks):
    """An event that arrives late but stands before one that was tried."""
    webhook = hooks.subscribe()
    hooks.receiver.chooses = lambda _: says(500)
    hooks._sequence = 10
    hooks.happens("A", data={"number": 11})
    hooks.deliver()
    hooks._sequence = 4
    hooks.happens("A", data={"number": 5})
    with time_machine.travel(datetime.now(UTC)) as clock:
        hooks.later(clock, 1)
        hooks.receiver.chooses = lambda _: None
        hooks.receiver.received.clear()
        hooks.later(clock, 6)
        hooks.later(clock, 6)
    assert [one["data"]["number"] for one in hooks.receiver.events()] == [5, 11]
    assert hooks.waiting(webhook) == []


def test_what_waited_behind_another_is_tried_once_however_old_it_is(hooks):
    webhook = hooks.subscribe()
    hooks.receiver.behaviours = [says(500)]
    hooks.happens("A", data={"stuck": True})
    hooks.happens("A", data={"next": True})
    hooks.deliver()
    with time_machine.travel(datetime.now(UTC)) as clock:
        hooks.later(clock, 73)
        assert [(one["status"], one["attempts"]) for one in hooks.log(webhook)] == [("failed", 1), ("delivered", 1)]
    assert [one["data"] for one in hooks.receiver.events()] == [{"stuck": True}, {"next": True}]


def test_delays_grow_with_jitter_and_keep_to_what_the_receiver_asks():
    for failures, usual in enumerate((*attempts.DELAYS, attempts.DELAYS[-1]), 1):
        delays = {attempts.delay_after(failures) for _ in range(200)}
        assert min(delays) >= usual * 0.8 - 1
        assert max(delays) <= usual * 1.2 + 1
        assert len(delays) > 1
    assert attempts.delay_after(1, 100) == 100
    assert attempts.delay_after(1, 10**9) == 86_400
    with time_machine.travel("2026-11-28T10:00:00Z", tick=False):
        assert attempts.parse_retry_after("Sat, 28 Nov 2026 10:02:00 GMT") == 120
        assert attempts.parse_retry_after("Sat, 28 Nov 2026 09:00:00 GMT") == 0
    assert [attempts.parse_retry_after(text) for text in (" 7 ", "soon", "", "-1", "٣", "9" * 400)] == [
        7,
        0,
        0,
        0,
        0,
        999_999_999,
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"Sat, 28 Nov {10**20} 10:02:00 GMT",
        f"Sat, 28 Nov 2026 {10**20}:02:00 GMT",
        f"Sat, 28 Nov 2026 10:02:00 +{10**17}",
        "Sat, 28 Nov 2026 10:99:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 -0000",
    ],
)
def test_a_retry_after_without_sense_is_none_and_the_attempt_is_written(hooks, text):
    webhook = hooks.subscribe()
    hooks.receiver.behaviours = [says(503, retry_after=text)]
    hooks.happens("A")
    hooks.deliver()
    (pending,) = hooks.log(webhook)
    assert (pending["status"], pending["attempts"], pending["response_status"]) == ("pending", 1, 503)
    assert len(hooks.wakes("webhook_retry")) == 1


def test_retry_after_is_honoured(hooks):
    webhook = hooks.subscribe()
    hooks.receiver.behaviours = [says(429, retry_after="600")]
    hooks.feature()
    hooks.deliver()
    assert len(hooks.wakes("webhook_retry")) == 1
    with time_machine.travel(datetime.now(UTC)) as clock:
        hooks.later(clock, 595 / 3600)
        assert hooks.log(webhook)[0]["attempts"] == 1
        hooks.later(clock, 10 / 3600)
        assert hooks.log(webhook)[0]["status"] == "delivered"


def test_what_waits_longer_than_a_queue_can_is_found_by_the_schedule(hooks):
    webhook = hooks.subscribe()
    hooks.receiver.behaviours = [says(503, retry_after="7200")]
    hooks.feature()
    hooks.deliver()
    assert hooks.wakes("webhook_retry") == []
    due = [row for shard in DUE.partitions() for row in query(State, shard, index=1).rows]
    assert [row.webhook_id for row in due] == [webhook["id"]]
    with time_machine.travel(datetime.now(UTC)) as clock:
        clock.shift(timedelta(hours=1.9))
        hooks.sweep()
        assert hooks.wakes() == []
        clock.shift(timedelta(hours=0.2))
        hooks.sweep()
        hooks.deliver()
    assert hooks.log(webhook)[0]["status"] == "delivered"


def test_gone_switches_off_and_tells_the_owner(hooks):
    confirm_address(hooks.world.ada)
    webhook = hooks.subscribe()
    requested_mails()
    hooks.receiver.behaviours = [says(410)]
    hooks.feature()
    hooks.deliver()
    shown = hooks.ask("GET", f"/webhooks/{webhook['id']}").json["data"]
    assert (shown["active"], shown["disabled_reason"]) == (False, "gone")
    assert hooks.log(webhook)[0]["status"] == "failed"
    record = stream_record(raw_row(*hooks.key(webhook)))
    assert project(record, record) == []
    mails = requested_mails()
    assert {mail["id"] for mail in mails} == {mails[0]["id"]}  # one mail, however often the event comes
    assert (mails[0]["kind"], mails[0]["to"], mails[0]["values"]["host"]) == ("webhook_disabled", "ada@example.com", "127.0.0.1")
    hooks.feature("another")
    assert hooks.wakes() == []


def test_an_owner_whose_address_is_not_confirmed_is_told_nothing(hooks):
    webhook = hooks.subscribe()
    requested_mails()
    hooks.receiver.behaviours = [says(410)]
    hooks.feature()
    hooks.deliver()
    assert project(stream_record(raw_row(*hooks.key(webhook)))) == []
    assert requested_mails() == []


def test_a_receiver_that_fails_for_more_than_a_day_is_switched_off_and_can_come_back(hooks):
    webhook = hooks.subscribe()
    hooks.receiver.usual = says(500)
    with time_machine.travel(datetime.now(UTC)) as clock:
        started = now()
        hooks.feature()
        hooks.deliver()
        while hooks.row(webhook).active:
            hooks.later(clock, 0.5)
            assert now() - started < timedelta(days=3)
        assert timedelta(days=1) < now() - started < timedelta(days=2)
        assert len(hooks.receiver.received) == 10
        assert hooks.row(webhook).disabled_reason == "failing"
        assert get(State, partition_of(webhook["id"]), "STATE") is None
        hooks.receiver.usual = says(200)
        answer = hooks.ask("PATCH", f"/webhooks/{webhook['id']}", {"active": True}).json["data"]
        assert answer["disabled_reason"] is None
        hooks.deliver()
    (delivery,) = hooks.log(webhook)
    assert (delivery["status"], delivery["attempts"]) == ("delivered", 11)


def test_what_waited_for_three_days_at_a_paused_webhook_is_given_up(hooks):
    webhook = hooks.subscribe()
    hooks.receiver.behaviours = [says(500)]
    hooks.feature()
    hooks.deliver()
    hooks.ask("PATCH", f"/webhooks/{webhook['id']}", {"active": False})
    with time_machine.travel(datetime.now(UTC)) as clock:
        hooks.later(clock, 73)
        assert len(hooks.receiver.received) == 1
        hooks.ask("PATCH", f"/webhooks/{webhook['id']}", {"active": True})
        hooks.deliver()
    (delivery,) = hooks.log(webhook)
    assert (delivery["status"], delivery["attempts"], len(hooks.receiver.received)) == ("failed", 1, 1)


def test_what_happened_before_a_pause_is_sent_after_it_and_what_happened_in_it_is_not(hooks):
    """The stream tells of an event later than it happened, so the time of the event decides and not that of the telling."""
    webhook = hooks.subscribe()
    path = f"/webhooks/{webhook['id']}"

    def told(name: str, at: str) -> None:
        queue_event(
            str(hooks.world.project.org_id), WebhookEvent("feature.created", new_id(), at, name, "1", None, lambda: {"is": name})
        )

    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        clock.shift(1)
        before = iso()
        clock.shift(1)
        hooks.ask("PATCH", path, {"active": False})
        clock.shift(1)
        told("before", before)
        within = iso()
        told("within", within)
        hooks.deliver()
        assert hooks.receiver.received == []
        clock.shift(1)
        hooks.ask("PATCH", path, {"active": True})
        clock.shift(1)
        told("within, told late", within)
        told("after", iso())
        hooks.deliver()
    assert sorted(one["data"]["is"] for one in hooks.receiver.events()) == ["after", "before"]


def test_a_new_address_is_tried_at_once(hooks):
    webhook = hooks.subscribe("/wrong")
    hooks.receiver.chooses = lambda received: says(404) if received.path == "/wrong" else None
    hooks.feature()
    hooks.deliver()
    hooks.ask("PATCH", f"/webhooks/{webhook['id']}", {"url": hooks.receiver.url})
    hooks.deliver()
    assert hooks.log(webhook)[0]["status"] == "delivered"


def test_what_waits_for_a_deleted_webhook_is_not_sent(hooks):
    webhook = hooks.subscribe()
    hooks.feature()
    assert hooks.ask("DELETE", f"/webhooks/{webhook['id']}").status == 204
    hooks.deliver()
    assert hooks.receiver.received == []
    assert project(stream_record(raw_row(f"WHK#{webhook['id']}"))) == []  # its last event


def test_a_wake_for_a_webhook_that_nobody_has_does_nothing(aws):
    sample = json.loads((Path(__file__).parents[2] / "events" / "sqs-webhook-delivery.json").read_text())
    with count_requests() as seen:
        assert worker(sample, Context()) == {"batchItemFailures": []}
    assert seen.names == ["BatchGetItem"]


# -- by hand


def test_a_delivery_is_repeated_by_hand(hooks):
    webhook = hooks.subscribe()
    card = hooks.feature()
    path = f"/webhooks/{webhook['id']}/deliveries"
    pending = hooks.log(webhook)[0]
    assert hooks.ask("POST", f"{path}/{pending['id']}/redeliver").status == 400
    hooks.deliver()
    answer = hooks.ask("POST", f"{path}/{pending['id']}/redeliver")
    assert (answer.status, answer.json["data"]["status"]) == (202, "pending")
    assert answer.json["data"]["id"] != pending["id"]
    hooks.deliver()
    first, second = hooks.receiver.events()
    assert first["event_id"] == second["event_id"] == card.event_id
    assert [first["retry_count"], second["retry_count"]] == [0, 1]
    assert first["data"] == second["data"]
    assert [one["status"] for one in hooks.log(webhook)] == ["delivered", "delivered"]


def test_a_test_says_that_it_is_one(hooks):
    webhook = hooks.subscribe(events=["build.completed"])
    assert hooks.ask("POST", f"/webhooks/{webhook['id']}/test").status == 202
    hooks.deliver()
    (event,) = hooks.receiver.events()
    assert (event["event"], event["data"]["webhook"]["id"]) == ("webhook.test", webhook["id"])


# -- addresses


@pytest.fixture
def on_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADRE_STAGE", "prod")
    settings.cache_clear()


@pytest.fixture(autouse=True)
def _settings_as_before():
    yield
    settings.cache_clear()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104
        "255.255.255.255", "::", "::1", "fe80::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
        "64:ff9b::10.0.0.1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe", "192.0.2.1", "2001:db8::1",
        "fec0::1", "fe80::1%eth0", "64:ff9b:1::a00:1", "::ffff:0:10.0.0.1", "2002:a9fe:a9fe::1", "4000::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_never_connected_to(on_aws, address, monkeypatch):
    connected = []
    monkeypatch.setattr(socket, "create_connection", lambda *args, **_: connected.append(args))
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    known = {"hooks.example.com": [address], "mixed.example.com": ["93.184.215.14", address]}
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, **_: [(family, 1, 6, "", (one, port)) for one in known.get(host, [host])]
    )
    literal = f"[{address}]" if ":" in address else address
    for url in ("https://hooks.example.com/", "https://mixed.example.com/", f"https://{literal}/"):
        with pytest.raises(posting.NotDelivered, match="not in the public internet"):
            posting.post(url, b"", {})
    assert connected == []


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(on_aws, monkeypatch):
    """A name that shows another address at its second look-up gains nothing: there is no second look-up."""
    answers = iter(["93.184.215.14", "127.0.0.1", "127.0.0.1"])
    asked, connected = [], []

    def look_up(host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, 1, 6, "", (next(answers), port))]

    def connect(address, *_, **__):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(posting.NotDelivered, match="cannot be reached"):
        posting.post("https://rebinding.example.com/", b"", {})
    assert (asked, connected) == (["rebinding.example.com"], [("93.184.215.14", 443)])


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"]
)
def test_public_addresses_are_public(address):
    assert networks.is_public(address)


def test_only_a_laptop_sends_to_itself_without_tls(on_aws, receiver):
    with pytest.raises(posting.NotDelivered, match="must be https"):
        posting.post(receiver.url, b"", {})
    assert receiver.received == []


def test_an_unknown_name_and_a_closed_port_are_said(receiver, monkeypatch):
    receiver.close()
    with pytest.raises(posting.NotDelivered, match="cannot be reached"):
        posting.post(receiver.url, b"", {})

    def unknown(*_, **__):
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(posting.NotDelivered, match="not known"):
        posting.post("https://nowhere.example.com/", b"", {})


def test_new_events_that_are_refused_leave_what_was_tried_before_its_turn(hooks):
    """As many new events as one call tries come after each rest, and all are refused."""
    webhook = hooks.subscribe()
    hooks.receiver.behaviours = [says(503)]
    hooks.receiver.chooses = lambda received: says(422) if received.json["data"].get("refused") else None
    with time_machine.travel(datetime.now(UTC)) as clock:
        hooks.happens("old", data={"old": True})
        hooks.deliver()
        for number in range(6):
            for one in range(12):
                hooks.happens(f"{number} {one}", data={"refused": True})
            hooks.later(clock, 150 / 3_600)
    assert hooks.log(webhook)[0]["status"] == "delivered"


def test_whoever_dies_while_a_webhook_is_switched_on_leaves_it_to_be_woken(hooks):
    webhook = hooks.subscribe()
    hooks.ask("PATCH", f"/webhooks/{webhook['id']}", {"active": False})
    path = f"/webhooks/{webhook['id']}"
    hooks.feature()
    for process in crash_at_every_write():
        hooks.receiver.usual = says(200)
        hooks.ask("PATCH", path, {"active": True})
        hooks.wakes()
        hooks.feature()
        hooks.ask("PATCH", path, {"active": False})
        hooks.deliver()
        with process:
            hooks.ask("PATCH", path, {"active": True})
        hooks.wakes()  # whatever was sent, if anything was, is lost
        if hooks.row(webhook).active:
            with time_machine.travel(datetime.now(UTC)) as clock:
                hooks.later(clock, 0.1)
            assert {one["status"] for one in hooks.log(webhook)} == {"delivered"}
