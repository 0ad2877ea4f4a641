"""The socket of omoios: what it refuses to wait for, and what becomes of a client that takes nothing for a while."""

import ast
import json
import re
import socket
import threading
from pathlib import Path

import pytest

from shared.channels.sockets import client as posting
from shared.channels.sockets import holding, replaying
from shared.channels.sockets.client import FAILED, Poster
from shared.channels.sockets.connections import get_connection
from shared.channels.sockets.rows import Held, Subscription
from shared.channels.sockets.topics import workspace_topic
from shared.edge.views.omoios import filters as known
from shared.insight.audit import marking
from shared.store import get, query
from shared.work.items.moving import move_item
from tests.areas.boards_world import World, create_world
from tests.areas.test_sockets_omoios_replay import PATH, events, happen, said
from tests.areas.viewers import Gateway, Viewer, drain, messages, project, push_batch, raw_row, shared_gateway, stream_record
from tests.kills import crash_at_every_write

VIEWS = Path(known.__file__).parent
NO_EVENTS = {"audit.py"}  # has the names of our own events


@pytest.fixture
def world(aws) -> World:
    marking._marked.clear()
    return create_world()


@pytest.fixture
def gateway(monkeypatch) -> Gateway:
    gateway = shared_gateway()
    gateway.clear()
    gateway.activate()
    monkeypatch.setattr(posting, "_PAUSE", 0)
    return gateway


def subscription(world: World, viewer: Viewer) -> Subscription:
    row = get(Subscription, f"SUB#{workspace_topic(world.ws_id)}", f"CONN#{viewer.id}")
    assert row is not None
    return row


def test_every_event_that_is_shown_may_be_asked_for():
    shown = set()
    for path in VIEWS.glob("*.py"):
        texts = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        names = {one for one in texts if isinstance(one, str) and re.fullmatch(r"[A-Z]+(_[A-Z]+)+|[a-z]+(\.[a-z]+)+", one)}
        shown |= set() if path.name in NO_EVENTS else names
    assert shown <= known.EVENT_TYPES


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"event_types": "TICKET_MADE"}, "Unknown event type TICKET_MADE; there are AGENT_HEARTBEAT, "),
        ({"event_types": ["TICKET_CREATED", "ticket_created"]}, "Unknown event type ticket_created; "),
        ({"entity_types": "tickets"}, "Unknown entity type tickets; there are agent, "),
        ({"event_type": "TICKET_CREATED"}, "Unknown filter event_type; there are event_types, entity_types, entity_ids"),
        ({"filters": {"event_types": ["TICKET_CREATED"]}}, "Unknown filter filters; "),
        ({"entity_ids": 7}, "A filter is a list of texts"),
    ],
)
def test_what_no_event_has_cannot_be_waited_for(world, gateway, message, words):
    viewer = Viewer(gateway, world.ada, PATH, event_types="TICKET_CREATED")
    viewer.send({"type": "subscribe"} | message)
    (answer,) = viewer.received()
    assert answer["error"].startswith(words)
    assert subscription(world, viewer).filters == {"event_types": ["TICKET_CREATED"]}  # what was asked for before goes on
    told = happen(world)
    drain()
    assert events(viewer.received()) == [told]


def test_a_socket_that_would_be_silent_is_not_opened(world, gateway):
    assert Viewer(gateway, world.ada, PATH, event_types="TICKET_MADE").status == 422
    assert Viewer(gateway, world.ada, PATH, entity_types="ticket", event_types="alert.triggered,TICKET_CREATED").status == 200


def test_a_client_that_takes_nothing_for_a_while_has_all_in_order_and_others_wait_for_nothing(world, gateway):
    slow, other = Viewer(gateway, world.ada, PATH), Viewer(gateway, world.ada, PATH)
    gateway.answers[slow.id] = [500] * 3
    first = happen(world)
    push_batch(*messages())
    assert events(other.received()) == [first]
    (resend,) = messages()
    later = [happen(world) for _ in range(3)]
    push_batch(*messages())
    assert events(other.received()) == later
    assert slow.received() == []  # nothing passes what waits
    push_batch(resend)
    drain()
    assert events(slow.received()) == [first, *later]
    assert subscription(world, slow).state == "live"
    after = happen(world)
    drain()
    assert events(slow.received()) == [after]
    assert query(Held, Held.partition(slow.id, str(subscription(world, slow).generation))).rows == []


def test_a_client_that_takes_nothing_is_closed_and_has_all_when_it_comes_again(world, gateway):
    slow = Viewer(gateway, world.ada, PATH)
    seen = happen(world)
    drain()
    slow.received()
    gateway.answers[slow.id] = [500] * 100
    missed = [happen(world) for _ in range(3)]
    waits = []
    while waiting := messages():
        waits += [one["piece"]["refused"] for one in waiting if one["kind"] == "job"]
        push_batch(*waiting)
    assert gateway.closed == [slow.id]
    assert get_connection(slow.id) is None
    assert waits == [0, 1, 2, 3, 4, 5]  # a job each, and no more
    again = Viewer(gateway, world.ada, PATH, last_event_id=seen)
    drain()
    assert events(again.received()) == missed


def test_more_than_is_kept_for_a_client_closes_it(world, gateway, monkeypatch):
    monkeypatch.setattr("shared.channels.sockets.fanout.MAX_HELD", 3)
    slow = Viewer(gateway, world.ada, PATH)
    gateway.answers[slow.id] = [500] * 3
    happen(world)
    for _ in range(3):
        push_batch(*(one for one in messages() if one["kind"] == "push"))
        happen(world)
    assert gateway.closed == []
    push_batch(*(one for one in messages() if one["kind"] == "push"))
    happen(world)
    push_batch(*(one for one in messages() if one["kind"] == "push"))
    assert gateway.closed == [slow.id]


def test_a_pusher_that_dies_while_it_keeps_loses_nothing(world, gateway):
    for process in crash_at_every_write():
        slow = Viewer(gateway, world.ada, PATH)
        gateway.answers[slow.id] = [500] * 3
        told = happen(world)
        (push,) = messages()
        with process:
            push_batch(push)
        push_batch(push)  # the queue delivers it again
        drain()
        heard = events(slow.received())
        assert set(heard) == {told}
        assert subscription(world, slow).state == "live"
        slow.leave()


def test_filters_that_change_during_a_replay_hold_for_the_rest_and_for_what_is_held(world, gateway, monkeypatch):
    ids = [happen(world) for _ in range(6)]
    messages()
    monkeypatch.setattr(replaying, "_SECONDS", -1.0)
    monkeypatch.setattr(replaying, "_LOOK", -1.0)
    again = Viewer(gateway, world.ada, PATH, last_event_id=ids[0])
    for _ in range(2):
        push_batch(*messages())
    assert events(again.received()) == ids[1:3]
    held = happen(world)
    again.send({"type": "subscribe", "event_types": ["TASK_CREATED"]})
    drain()
    heard = again.received()
    assert held not in events(heard)
    assert events(heard) == []
    assert [one["type"] for one in said(heard)] == ["replay_completed"]
    happen(world)
    drain()
    assert again.received() == []
    again.send({"type": "subscribe"})
    told = happen(world)
    drain()
    assert events(again.received()) == [told]


def test_what_is_silent_is_waited_for_once(aws, monkeypatch):
    """A server that takes a connection and says nothing: one request, and no second wait for the same."""
    monkeypatch.setattr(posting, "_TIMEOUT", 0.05)
    monkeypatch.setattr(posting, "_PATIENCE", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    taken.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        poster = Poster(f"http://127.0.0.1:{server.getsockname()[1]}")
        assert poster.post("one=", json.dumps({})).outcome == FAILED
        assert len(taken) == 1
        for one in taken:
            one.close()
        server.shutdown(socket.SHUT_RDWR)


def test_what_is_kept_is_small_enough_for_a_queue(world, gateway):
    """Ten pushes of 28 KB are kept in rows: a message of SQS holds 256 KB."""
    slow = Viewer(gateway, world.ada, PATH)
    texts = [json.dumps({"event_id": str(number), "words": "x" * 28_000}) for number in range(12)]
    assert holding.hold_back(subscription(world, slow), texts, at=1)
    (job,) = messages()
    assert len(json.dumps(job)) < 5_000
    push_batch(job)
    drain()
    assert events(slow.received()) == [str(number) for number in range(12)]


def test_who_is_cut_off_between_two_messages_of_an_event_gets_the_second(world, gateway):
    viewer = Viewer(gateway, world.ada, PATH)
    card = world.card()
    before = raw_row(f"ITEM#{card.id}")
    move_item(world.actor, card.id, world.board.lane_ids[5])
    assert project(stream_record(raw_row(f"ITEM#{card.id}"), before)) == []
    after = happen(world)
    drain()
    first, second, last = viewer.received()
    assert (first["event_id"], first["part"], second["part"]) == (second["event_id"], 1, 2)
    assert "part" not in last
    cut = Viewer(gateway, world.ada, PATH, last_event_id=f"{first['event_id']}/1")
    drain()
    assert [one for one in cut.received() if "event_id" in one] == [second, last]
    whole = Viewer(gateway, world.ada, PATH, last_event_id=first["event_id"])
    drain()
    assert events(whole.received()) == [after]
    assert Viewer(gateway, world.ada, PATH, last_event_id=f"{first['event_id']}/x").status == 422
    assert Viewer(gateway, world.ada, PATH, last_event_id=f"{first['event_id']}/0").status == 422
