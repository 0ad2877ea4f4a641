"""Whatever a receiver answers, and whoever works beside: every event arrives, those of a resource in their order, with true numbers."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.channels.webhooks.rows import Content, Line, partition_of
from shared.store import query
from tests.areas.boards_world import create_world
from tests.areas.hooks_world import Hooks
from tests.areas.receiver import Receiver, says
from tests.examples import examples
from tests.kills import concurrently, crash_at_write

pytestmark = pytest.mark.usefixtures("shared_tables")


@pytest.fixture(scope="module")
def hooks(shared_tables: None) -> Iterator[Hooks]:
    receiver = Receiver()
    yield Hooks(create_world("webhooks@example.com"), receiver)
    receiver.close()


def check_arrived(hooks: Hooks, sent: list[tuple[str, int]], *, repeats: bool) -> None:
    """Every event has arrived, in the order of its resource; the number of a retry goes up by one, or stays if a worker died."""
    arrived: dict[str, list[int]] = defaultdict(list)
    numbers: dict[str, list[int]] = defaultdict(list)
    for one in hooks.receiver.events():
        data = one["data"]
        if data["number"] not in arrived[data["resource"]]:
            arrived[data["resource"]].append(data["number"])
        numbers[one["event_id"]].append(one["retry_count"])
    for resource in {resource for resource, _ in sent}:
        assert arrived[resource] == [number for name, number in sent if name == resource]
    for seen in numbers.values():
        steps = {after - before for before, after in pairwise(seen)}
        assert seen[0] == 0
        assert steps <= ({0, 1} if repeats else {1})


def check_entries(webhook: dict[str, Any]) -> None:
    """Each resource that waits has an entry, not later than its first delivery: no wake would find it otherwise."""
    partition, waiting = partition_of(webhook["id"]), dict[str, Content]()
    for one in query(Content, partition, prefix="WAIT#", consistent=True).rows:
        waiting.setdefault(one.resource, one)
    entries = query(Line, partition, prefix="LINE#", consistent=True).rows
    for resource, first in waiting.items():
        assert any(one.resource == resource and one.sk <= Line.place(first) for one in entries), resource


def send(hooks: Hooks, sent: list[tuple[str, int]]) -> None:
    for resource, number in sent:
        hooks.happens(resource, data={"resource": resource, "number": number})


EVENTS = st.lists(st.sampled_from("ABC"), min_size=1, max_size=6).map(lambda names: [(name, at) for at, name in enumerate(names)])
ANSWERS = st.lists(st.sampled_from([200, 500, 404, 429]), max_size=6)


@settings(max_examples=examples(8))
@given(EVENTS, ANSWERS, st.none() | st.integers(1, 9))
def test_events_arrive_in_order_whatever_is_answered_and_whoever_dies(hooks, sent, answers, dies_at):
    random.seed(0)
    webhook = hooks.subscribe()
    hooks.receiver.received.clear()
    hooks.receiver.behaviours = [says(one) for one in answers]
    try:
        send(hooks, sent)
        wake = {"org": hooks.world.project.org_id, "webhook": webhook["id"]}
        hooks.wakes()
        with crash_at_write(dies_at):
            hooks.work(wake)
        check_entries(webhook)
        with time_machine.travel(datetime.now(UTC)) as clock:
            for _ in range(len(answers) + 2):
                hooks.work(wake)
                check_entries(webhook)
                hooks.later(clock, 0.9)
                check_entries(webhook)
                clock.shift(7_200)
        check_arrived(hooks, sent, repeats=dies_at is not None)
        assert {one["status"] for one in hooks.log(webhook)} == {"delivered"}
        assert hooks.waiting(webhook) == []
    finally:
        hooks.receiver.behaviours = []  # it may have been asked less often
        assert hooks.ask("DELETE", f"/webhooks/{webhook['id']}").status == 204
        hooks.wakes()


def test_what_happens_while_the_worker_is_at_it_comes_after(hooks):
    webhook = hooks.subscribe()
    hooks.receiver.received.clear()
    send(hooks, [("A", 0)])
    with concurrently(lambda: send(hooks, [("A", 1), ("B", 2)])):
        hooks.work(*hooks.wakes())
    check_entries(webhook)
    hooks.deliver()
    check_arrived(hooks, [("A", 0), ("A", 1), ("B", 2)], repeats=False)
    hooks.ask("DELETE", f"/webhooks/{webhook['id']}")


@pytest.mark.parametrize("answer", [200, 500])
def test_two_workers_at_once_write_one_end(hooks, answer):
    """The queue lets one work at a time; where a message comes again too early, the second one's write is refused."""
    webhook = hooks.subscribe()
    hooks.receiver.received.clear()
    hooks.receiver.usual = says(answer)
    try:
        send(hooks, [("A", 0), ("A", 1)])
        (wake, _) = hooks.wakes()
        with concurrently(lambda: hooks.work(wake)):
            hooks.work(wake)
        check_entries(webhook)
        hooks.receiver.usual = says(200)
        hooks.work(wake | {"at_once": True})
        log = hooks.log(webhook)
        assert [one["status"] for one in log] == ["delivered", "delivered"]
        assert [one["attempts"] for one in log] == [1 if answer == 200 else 2, 1]
        first = [one["data"]["number"] for one in hooks.receiver.events()]
        assert sorted(set(first), key=first.index) == [0, 1]
    finally:
        hooks.receiver.usual = says(204)
        hooks.ask("DELETE", f"/webhooks/{webhook['id']}")
        hooks.wakes()
