"""Whatever is done with a webhook while its receiver answers as it likes, what waits is found, and ends when the receiver is well."""

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.channels.webhooks import deliveries, subscribing
from shared.channels.webhooks.rows import Content, Delivery, Line, State, partition_of
from shared.core.actor import Role
from shared.core.errors import CadreError
from shared.store import get, query
from tests.areas.boards_world import create_world
from tests.areas.hooks_world import Hooks
from tests.areas.receiver import Receiver, says
from tests.examples import examples
from tests.kills import crash_at_write
from tests.properties.test_webhooks import check_entries

pytestmark = pytest.mark.usefixtures("shared_tables")

STEPS = st.tuples(
    st.sampled_from(["event", "event", "event", "work", "work", "hours", "pause", "resume", "move", "repeat", "test", "die"]),
    st.integers(0, 8),
)
ANSWERS = st.lists(st.sampled_from([200, 200, 500, 404, 429]), max_size=25)


@pytest.fixture(scope="module")
def hooks(shared_tables: None) -> Iterator[Hooks]:
    receiver = Receiver()
    yield Hooks(create_world("switches@example.com"), receiver)
    receiver.close()


class Subscription:
    """A webhook, and what its owner, the receiver and the worker do."""

    def __init__(self, hooks: Hooks) -> None:
        org_id = str(hooks.world.project.org_id)
        self.hooks, self.actor = hooks, replace(hooks.world.actor, org_id=org_id, organizations={org_id: Role.OWNER})
        self.url = hooks.receiver.url
        self.id = subscribing.create_webhook(self.actor, subscribing.NewWebhook(self.url, ["*"]))[0].id
        self.wake = {"org": org_id, "webhook": self.id}
        deliveries.clear_cache()

    def do(self, what: str, value: int, clock: time_machine.Traveller) -> None:
        """One step; what is refused changes nothing."""
        if what == "event":
            self.hooks.happens("ABC"[value % 3])
        elif what == "work":
            self.hooks.work(*self.hooks.wakes())
        elif what == "hours":
            self.hooks.later(clock, value * 3)
        elif what == "die":
            with crash_at_write(value + 1):
                self.hooks.work(self.wake)
        elif what in ("pause", "resume"):
            self.change(active=what == "resume")
        elif what == "move":
            self.change(url=f"{self.url}/{value}")
        else:
            with suppress(CadreError):
                self.repeat(value) if what == "repeat" else deliveries.send_test(self.actor, self.id)

    def change(self, **changes: object) -> None:
        subscribing.update_webhook(self.actor, self.id, changes)

    def repeat(self, value: int) -> None:
        if log := self.log():
            deliveries.redeliver(self.actor, self.id, log[value % len(log)].id)

    def log(self) -> list[Delivery]:
        return query(Delivery, partition_of(self.id), prefix="DLV#", consistent=True).rows

    def check_ended(self) -> None:
        partition = partition_of(self.id)
        assert query(Content, partition, prefix="WAIT#", consistent=True).rows == []
        assert query(Line, partition, prefix="LINE#", consistent=True).rows == []
        assert get(State, partition, "STATE") is None
        for one in self.log():
            kept = get(Content, *Content.log_key(self.id, one.id))
            assert (one.status in ("delivered", "failed"), one.waits_at) == (True, None)
            assert kept is not None
            assert kept.attempts >= one.attempts


@settings(max_examples=examples(5))
@given(st.lists(STEPS, min_size=8, max_size=25), ANSWERS)
def test_what_waits_is_found_and_ends_whatever_is_done_with_the_webhook(hooks, steps, answers):
    random.seed(0)
    one = Subscription(hooks)
    hooks.receiver.behaviours = [says(answer) for answer in answers]
    try:
        with time_machine.travel(datetime.now(UTC), tick=False) as clock:
            for what, value in steps:
                clock.shift(0.005)
                one.do(what, value, clock)
                check_entries({"id": one.id})
            hooks.receiver.behaviours = []
            one.change(active=False)
            one.change(active=True)
            for _ in range(8):
                hooks.later(clock, 0.1)
            one.check_ended()
    finally:
        hooks.receiver.behaviours = []
        subscribing.delete_webhook(one.actor, one.id)
        hooks.wakes(), hooks.wakes("webhook_retry")
