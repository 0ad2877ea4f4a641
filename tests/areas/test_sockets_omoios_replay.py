"""The socket of omoios sends again what somebody missed: in order, once, without a gap."""

import json
import threading
from uuid import UUID

import pytest
import time_machine

from shared.channels.sockets import replaying
from shared.channels.sockets.rows import Subscription
from shared.channels.sockets.topics import workspace_topic
from shared.core import clock
from shared.core.actor import Role
from shared.core.clock import timedelta
from shared.core.ids import new_id
from shared.insight.audit import marking
from shared.insight.audit.sealing import seal
from shared.money.budgets.setting import Terms, set_budget
from shared.people.access import liveness
from shared.people.access.records import Access, key_row
from shared.store import get, query, update_now
from shared.work.activities.rows import Activity, project_log
from shared.work.items.moving import move_item
from tests.areas.boards_world import World, create_world
from tests.areas.viewers import (
    Viewer,
    drain,
    messages,
    project,
    push_batch,
    raw_row,
    shared_gateway,
    stream_record,
)
from tests.kills import concurrently

PATH = "/api/v1/ws/events"
SHOWN = {"replay_started", "replay_completed", "replay_gap"}


@pytest.fixture
def world(aws) -> World:
    marking._marked.clear()
    return create_world()


@pytest.fixture
def gateway():
    gateway = shared_gateway()
    gateway.clear()
    gateway.activate()
    return gateway


def happen(world: World, title: str = "A card") -> str:
    """A ticket is made, and the projector has told of it; what it told is not delivered yet. Return the event's id."""
    card = world.card(title=title)
    assert project(stream_record(raw_row(f"ITEM#{card.id}"))) == []
    return card.event_id


def events(heard: list[dict]) -> list[str]:
    return [one["event_id"] for one in heard if "event_id" in one]


def said(heard: list[dict]) -> list[dict]:
    return [one for one in heard if one.get("type") in SHOWN]


def test_what_was_missed_comes_in_order_then_what_happens_byte_for_byte(world, gateway):
    watching = Viewer(gateway, world.ada, PATH)
    first = Viewer(gateway, world.ada, PATH)
    seen = happen(world)
    drain()
    assert events(first.received()) == [seen]
    first.leave()
    missed = [happen(world, f"Ticket {number}") for number in range(5)]
    card = world.card()
    before = raw_row(f"ITEM#{card.id}")
    project(stream_record(before))
    move_item(world.actor, card.id, world.board.lane_ids[5])
    project(stream_record(raw_row(f"ITEM#{card.id}"), before))
    drain()
    again = Viewer(gateway, world.ada, PATH, last_event_id=seen)
    assert again.status == 200
    drain()
    heard = again.received()
    assert (heard[0], heard[-1]) == (
        {"type": "replay_started", "last_event_id": seen},
        {"type": "replay_completed", "events": 7},
    )
    live = watching.received()[1:]
    assert heard[1:-1] == live  # the same messages: two of the move
    assert events(live)[:5] == missed
    after = happen(world)
    drain()
    assert (events(again.received()), events(watching.received())) == ([after], [after])


def test_what_happens_during_a_replay_comes_once_and_behind_it(world, gateway):
    watching = Viewer(gateway, world.ada, PATH)
    seen = happen(world)
    missed = happen(world)
    drain()
    again = Viewer(gateway, world.ada, PATH, last_event_id=seen)
    (job,) = messages()
    during = happen(world)  # in the log before the replay reads it, and pushed before it begins
    push_batch(*messages())
    assert again.received() == []
    late_push = happen(world)  # in the log before the replay, pushed after it
    waiting = messages()
    push_batch(job)
    drain()
    assert events(again.received()) == [missed, during, late_push]
    push_batch(*waiting)
    assert again.received() == []
    after = happen(world)
    drain()
    assert events(again.received()) == [after]
    assert events(watching.received()) == [seen, missed, during, late_push, after]


def test_a_push_between_the_last_look_and_the_end_is_not_lost(world, gateway):
    Viewer(gateway, world.ada, PATH)
    seen = happen(world)
    drain()
    again = Viewer(gateway, world.ada, PATH, last_event_id=seen)
    (job,) = messages()
    between: list[str] = []

    def elsewhere() -> None:
        between.append(happen(world))
        push_batch(*messages())

    def happens() -> None:
        thread = threading.Thread(target=elsewhere, name="elsewhere")
        thread.start()
        thread.join()

    with concurrently(
        happens, 2, ignore_thread="elsewhere"
    ):  # the job is claimed by the first write, and ends with the second one
        push_batch(job)
    drain()
    heard = again.received()
    assert events(heard) == between
    assert len(between) == 1
    assert said(heard)[-1] == {"type": "replay_completed", "events": 1}
    after = happen(world)
    drain()
    assert events(again.received()) == [after]


def test_filters_hold_for_a_replay_and_can_be_changed_with_it(world, gateway):
    watching = Viewer(gateway, world.ada, PATH)
    seen = happen(world)
    first, second = happen(world), happen(world)
    drain()
    about = {one["event_id"]: one["entity_id"] for one in watching.received()}
    again = Viewer(gateway, world.ada, PATH, last_event_id=seen, entity_ids=about[second])
    drain()
    assert events(again.received()) == [second]
    again.send({"type": "subscribe", "last_event_id": seen, "entity_ids": [about[first]]})
    drain()
    heard = again.received()
    assert heard[0] == {"status": "subscribed", "filters": {"entity_ids": [about[first]]}}
    assert events(heard) == [first]


def test_who_names_what_they_have_gets_the_rest(world, gateway):
    watching = Viewer(gateway, world.ada, PATH)
    ids = [happen(world) for _ in range(5)]
    drain()
    assert events(watching.received()) == ids
    again = Viewer(gateway, world.ada, PATH, last_event_id=",".join([ids[1], ids[3]]))
    drain()
    assert events(again.received()) == [ids[2], ids[4]]


def test_events_of_one_millisecond_are_told_apart(world, gateway):
    with time_machine.travel(clock.now(), tick=False):
        ids = [happen(world) for _ in range(4)]
        log = [row.id for row in sealed_or_not(world)]
        assert sorted(log) == sorted(ids)
        again = Viewer(gateway, world.ada, PATH, last_event_id=log[1])
        drain()
        assert events(again.received()) == log[2:]


def sealed_or_not(world: World) -> list[Activity]:
    return query(Activity, project_log(world.project.id)).rows


def test_the_old_part_comes_from_the_chain(world, gateway):
    ids = [happen(world) for _ in range(3)]
    with time_machine.travel(clock.now() + timedelta(seconds=100), tick=True):
        assert seal(f"WS#{world.ws_id}") == 3
    ids.append(happen(world))
    again = Viewer(gateway, world.ada, PATH, last_event_id=ids[0])
    drain()
    assert events(again.received()) == ids[1:]
    once_more = Viewer(gateway, world.ada, PATH, last_event_id=ids[-1])
    drain()
    assert events(once_more.received()) == []


@pytest.mark.parametrize("kind", ["unknown", "foreign"])
def test_what_cannot_be_told_is_said(world, gateway, kind):
    eve = create_world("eve@example.com", "Eve")
    event_id = new_id() if kind == "unknown" else happen(eve)
    happen(world)
    again = Viewer(gateway, world.ada, PATH, last_event_id=event_id)
    drain()
    (gap, done) = again.received()
    assert (gap["type"], gap["reason"], done["type"]) == ("replay_gap", "unknown_event", "replay_completed")
    after = happen(world)
    drain()
    assert events(again.received()) == [after]


def test_a_replay_is_bounded_and_says_so(world, gateway, monkeypatch):
    ids = [happen(world) for _ in range(4)]
    monkeypatch.setattr(replaying, "MAX_EVENTS", 2)
    again = Viewer(gateway, world.ada, PATH, last_event_id=ids[0])
    drain()
    heard = again.received()
    assert events(heard) == ids[1:3]
    assert [one.get("reason") for one in said(heard)] == [None, "too_many", None]
    monkeypatch.setattr(replaying, "MAX_HOURS", -1)
    old = Viewer(gateway, world.ada, PATH, last_event_id=ids[0])
    drain()
    assert said(old.received())[0]["reason"] == "too_old"


def test_an_event_of_last_week_is_said_to_be_too_old_and_the_last_day_is_told(world, gateway):
    ids = [happen(world) for _ in range(2)]
    milliseconds = int((clock.now() - timedelta(days=7)).timestamp() * 1000)
    old = str(UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | 1))
    again = Viewer(gateway, world.ada, PATH, last_event_id=old)
    drain()
    heard = again.received()
    assert [one.get("reason") for one in said(heard)] == ["too_old", None, None]
    assert events(heard) == ids


def test_a_replay_goes_on_in_further_jobs(world, gateway, monkeypatch):
    ids = [happen(world) for _ in range(4)]
    with time_machine.travel(clock.now() + timedelta(seconds=100), tick=True):
        assert seal(f"WS#{world.ws_id}") == 4
    ids += [happen(world) for _ in range(3)]
    monkeypatch.setattr(replaying, "_SECONDS", -1.0)
    again = Viewer(gateway, world.ada, PATH, last_event_id=ids[0])
    jobs = 0
    while waiting := [one for one in messages() if one["kind"] == "job"]:
        jobs += len(waiting)
        push_batch(*waiting, *waiting)  # each is delivered twice
    assert jobs == 7
    assert events(again.received()) == ids[1:]


def test_a_socket_that_takes_nothing_gets_the_rest_later(world, gateway):
    ids = [happen(world) for _ in range(4)]
    again = Viewer(gateway, world.ada, PATH, last_event_id=ids[0])
    (job,) = [one for one in messages() if one["kind"] == "job"]
    gateway.answers[again.id] = [200, 200, 400]  # the start, one event, then none
    push_batch(job)
    assert events(again.received()) == ids[1:2]
    drain()
    assert events(again.received()) == ids[2:]


@pytest.mark.parametrize("value", ["x", "1," * 101, "0199a000-0000-7000-8000-00000000000"])
def test_what_is_no_event_is_refused(world, gateway, value):
    assert Viewer(gateway, world.ada, PATH, last_event_id=value).status == 422
    viewer = Viewer(gateway, world.ada, PATH)
    viewer.send(json.dumps({"type": "subscribe", "last_event_id": value}))
    (answer,) = viewer.received()
    assert "id of an event" in answer["error"] or "values" in answer["error"]


def test_a_subscription_knows_what_was_sent(world, gateway):
    ids = [happen(world) for _ in range(2)]
    again = Viewer(gateway, world.ada, PATH, last_event_id=ids[0])
    drain()
    row = get(Subscription, f"SUB#{workspace_topic(world.ws_id)}", f"CONN#{again.id}")
    assert (row.state, row.sent_ids) == ("live", ids)


def test_an_id_of_a_far_future_is_unknown(world, gateway):
    happen(world)
    again = Viewer(gateway, world.ada, PATH, last_event_id="ffffffff-ffff-7fff-bfff-ffffffffffff")
    drain()
    (gap, done) = again.received()
    assert (gap["type"], gap["reason"], done["type"]) == ("replay_gap", "unknown_event", "replay_completed")


def test_what_was_spent_is_told_only_to_who_may_see_it(world, gateway):
    vera = world.join("Vera", "vera@example.com", Role.VIEWER)
    seen = happen(world)
    drain()
    both = [Viewer(gateway, one, PATH) for one in (world.ada, vera)]
    told = set_a_budget(world)
    assert [events(one.received()) for one in both] == [[told], []]
    missed = [Viewer(gateway, one, PATH, last_event_id=seen) for one in (world.ada, vera)]
    drain()
    assert [events(one.received()) for one in missed] == [[told], []]


def test_who_may_no_longer_see_what_was_spent_is_not_told_it(world, gateway):
    ben = world.join("Ben", "ben@example.com", Role.MEMBER)
    listening = Viewer(gateway, ben, PATH)
    access = key_row(ben("auth", "GET", "/auth/me").json["id"])
    update_now(access, [Access.workspaces[world.ws_id].set(Role.VIEWER.value)])
    liveness.clear_cache()
    set_a_budget(world)
    assert listening.received() == []


def set_a_budget(world: World) -> str:
    """Set a budget of the project, and tell of it. Return the event's id."""
    made = set_budget(world.actor, "project", world.project.id, Terms(10_000_000, 0.8))
    assert project(stream_record(raw_row(f"BUDGET#{made.id}"))) == []
    drain()
    return str(made.event_id)


def test_a_workspace_that_is_lost_during_a_replay_takes_nothing_of_the_others_with_it(world, gateway, monkeypatch):
    """The places of a replay are those of its workspaces, whichever remain."""
    eve = create_world("eve@example.com", "Eve")
    owners = sorted((world, eve), key=lambda one: one.ws_id)
    ben = world.join("Ben", "ben@example.com", Role.MEMBER)
    access = key_row(ben("auth", "GET", "/auth/me").json["id"])
    update_now(access, [Access.workspaces[eve.ws_id].set(Role.MEMBER.value)])
    seen = happen(owners[0])
    ids = {one.ws_id: [happen(one) for _ in range(3)] for one in owners}
    messages()
    monkeypatch.setattr(replaying, "_SECONDS", -1.0)
    again = Viewer(gateway, ben, PATH, last_event_id=seen)
    heard: list[str] = []
    first, second = (ids[one.ws_id] for one in owners)
    while second[0] not in heard:  # the second workspace is being told
        push_batch(*(one for one in messages() if one["kind"] == "job"))
        heard += events(again.received())
    update_now(access, [Access.workspaces[owners[0].ws_id].remove()])
    liveness.clear_cache()
    drain()
    assert heard + events(again.received()) == first + second
