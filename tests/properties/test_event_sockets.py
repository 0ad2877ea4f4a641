"""Whatever happens to a socket of events, its client ends with all of them, in order and once, by naming the last one that it has."""

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from shared.channels.sockets import replaying
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.insight.audit import marking, sealing
from shared.insight.audit.sealing import seal
from shared.people.access.records import Access, key_row
from shared.store import update_now
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Client
from tests.areas.viewers import Gateway, Viewer, messages, project, push_batch, raw_row, shared_gateway, stream_record
from tests.examples import examples

PATH = "/api/v1/ws/events"
quickly = settings(
    phases=[Phase.explicit, Phase.generate],  # a plot is short enough to be read, and to make it shorter takes minutes
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
AWAY_TWICE = ["push", "push", "push", "burst", "cut", "work", "seal", "burst", "seal", "happen", "happen", "happen"]
AWAY_TWICE += ["refuse", "refuse", "cut", "burst", "cut", "cut"]
"""The second time pushes of what a replay has sent are still on their way."""
STEPS = ("happen", "happen", "burst", "push", "push", "push", "work", "refuse", "refuse", "stick", "cut", "seal")


@pytest.fixture
def gateway() -> Gateway:
    gateway = shared_gateway()
    gateway.clear()
    gateway.activate()
    return gateway


class Play:
    """A client, its socket, and the queues between it and what happens."""

    def __init__(self, worlds: list[World], client: Client, gateway: Gateway) -> None:
        self.worlds, self.client, self.gateway = worlds, client, gateway
        self.live: list[dict] = []
        self.last_topic = ""
        self.jobs: list[dict] = []
        self.has: list[str] = []
        self.happened: list[str] = []
        self.viewer = Viewer(gateway, client, PATH)
        self.happen()
        self.rest()

    def collect(self) -> None:
        for message in messages():
            (self.jobs if message["kind"] == "job" else self.live).append(message)

    def happen(self) -> None:
        card = self.worlds[len(self.happened) % len(self.worlds)].card()
        assert project(stream_record(raw_row(f"ITEM#{card.id}"))) == []
        self.happened.append(str(card.event_id))
        self.collect()

    def burst(self) -> None:
        for _ in range(6):
            self.happen()

    def push(self) -> None:
        """The queue delivers what is first in it of one workspace, up to ten messages. The workspaces take turns."""
        topic = next((one["topic"] for one in self.live if one["topic"] != self.last_topic), self.last_topic)
        batch = [one for one in self.live if one["topic"] == topic][:10]
        self.live = [one for one in self.live if one not in batch]
        self.last_topic = topic
        if batch:
            assert push_batch(*batch) == {"batchItemFailures": []}
        self.collect()

    def work(self) -> None:
        if self.jobs:
            push_batch(self.jobs.pop(0))
        self.collect()

    def refuse(self) -> None:
        """The next message is taken by the third time only, or by a job."""
        self.gateway.answers[self.viewer.id] = [500] * 3

    def stick(self) -> None:
        """The socket takes nothing for longer than it is waited for: it is closed."""
        self.gateway.answers[self.viewer.id] = [500] * 60

    def cut(self) -> None:
        self.hear()
        self.viewer.leave()
        named = self.has[-1:] if len(self.worlds) == 1 else self.has[-replaying.MAX_IDS :]
        self.viewer = Viewer(self.gateway, self.client, PATH, last_event_id=",".join(named))
        assert self.viewer.status == 200
        self.collect()

    def seal(self) -> None:
        for world in self.worlds:
            seal(f"WS#{world.ws_id}")
        self.collect()

    def hear(self) -> None:
        self.has += [one["event_id"] for one in self.viewer.received() if "event_id" in one]

    def step(self, name: str) -> None:
        getattr(self, name)()
        if self.viewer.id in self.gateway.closed:
            self.cut()

    def rest(self) -> None:
        """Whatever is under way arrives."""
        while self.live or self.jobs:
            self.step("push")
            self.step("work")
        self.hear()


@example(steps=["happen", "refuse", "push", "happen", "push", "work"], size=500)
@example(steps=["burst", "refuse", "push", "burst", "push", "cut", "work", "burst", "work", "push"], size=3)
@example(steps=["burst", "seal", "cut", "happen", "work", "stick", "push", "work", "cut", "happen"], size=500)
@example(steps=AWAY_TWICE, size=1)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=10, max_size=30), size=st.sampled_from((1, 3, 500)))
@settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_event_is_missed_and_none_comes_twice(aws, gateway, steps, size):
    world = new_world()
    play = played([world], world.ada, gateway, steps, size)
    assert play.has == play.happened


@given(steps=st.lists(st.sampled_from(STEPS), min_size=8, max_size=15), size=st.sampled_from((1, 3, 500)))
@settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_of_two_workspaces_nothing_is_missed_by_who_names_what_they_have(aws, gateway, steps, size):
    worlds = [new_world(), new_world()]
    name = new_id()
    ben = worlds[0].join(name, f"{name}@example.com", Role.MEMBER)
    access = key_row(ben("auth", "GET", "/auth/me").json["id"])
    update_now(access, [Access.workspaces[worlds[1].ws_id].set(Role.MEMBER.value)])
    play = played(worlds, ben, gateway, steps, size)
    assert sorted(play.has) == sorted(play.happened)


def new_world() -> World:
    """What happens in one example is the past of no other."""
    name = new_id()
    return create_world(f"{name}@example.com", name)


def played(worlds: list[World], client: Client, gateway: Gateway, steps: list[str], size: int) -> Play:
    gateway.clear()
    marking._marked.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "HORIZON", 0)  # what is projected is old enough: ids tell the real time, and no test can move it
        patch.setattr(replaying, "_TOGETHER", size)
        patch.setattr("shared.channels.sockets.client._PAUSE", 0)
        play = Play(worlds, client, gateway)
        for step in steps:
            play.step(step)
        play.gateway.answers.clear()
        play.rest()
        play.happen()
        play.rest()
        play.viewer.leave()
    return play
