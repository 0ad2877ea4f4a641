"""Viewers of sandboxes, of collaborations and of the platform: who may listen, what they are told, what they get again."""

import pytest

from shared.channels.sockets.connections import LIMIT, get_connection
from shared.channels.sockets.rows import OpenConnections
from shared.core import clock
from shared.core.actor import SYSTEM, Role
from shared.core.ids import new_id
from shared.edge.views.aintandem import replay
from shared.events import EventType, record
from shared.people.access import liveness
from shared.people.identity.administrators import set_administrator
from shared.sandboxes.collaborations.rows import Collaboration
from shared.sandboxes.lifecycle.rows import STOPPED
from shared.sandboxes.logs.writing import Line, append
from shared.sandboxes.messages.rows import Message
from shared.store import create, get, write
from tests.areas.driving import confirm_address, sign_up
from tests.areas.sandbox_links import Agent, new_agent, running
from tests.areas.viewers import Gateway, Viewer, drain
from tests.samples.sandboxes import in_status


@pytest.fixture(autouse=True)
def no_machine(monkeypatch) -> None:
    """Nothing starts the sandboxes of these tests."""
    monkeypatch.setattr("shared.edge.reactions.sandboxes.start_execution", lambda *_: None)


def watch(gateway: Gateway, world, agent: Agent, *channels: str, last=None, **query) -> Viewer:
    viewer = Viewer(gateway, world.ada, f"/ws/sandboxes/sb_{agent.id}", **query)
    assert viewer.status == 200
    viewer.send({"action": "subscribe", "channels": list(channels)} | ({} if last is None else {"last_sequence": last}))
    (answer,) = viewer.received()
    assert (answer["channel"], answer["event"]) == ("control", "subscribed"), answer
    assert set(channels) <= set(answer["data"]["channels"])
    return viewer


def message(world, sender: Agent, recipient: Agent, content="Design it", **more) -> Message:
    row = Message.new(
        new_id(),
        org_id=sender.row.org_id,
        ws_id=world.ws_id,
        from_sandbox=sender.id,
        from_name=sender.row.name,
        from_agent="frontend-architect",
        to_sandbox=recipient.id,
        to_agent="frontend-architect",
        message_type="request",
        content=content,
        number=1,
        ttl_seconds=60,
        expires_at=clock.in_seconds(60),
        sent_by=world.actor.summary,
        **more,
    )
    record(row, EventType.SANDBOX_MESSAGE_SENT, world.actor)
    write(create(row))
    return row


def say(agent: Agent, world, *texts: str) -> None:
    append(agent.id, world.ws_id, [Line(clock.iso(), "info", text) for text in texts])


def test_only_members_listen_to_a_sandbox_and_its_own_token_does_not(gateway, world):
    agent = new_agent(gateway, world)
    path = f"/ws/sandboxes/sb_{agent.id}"
    stranger = sign_up("Stan", "stan@example.com")
    assert Viewer(gateway, stranger, path).status == 404
    assert Viewer(gateway, None, path).status == 401
    assert Viewer(gateway, world.ada, f"/ws/sandboxes/sb_{new_id()}").status == 404
    viewer = world.join("Vic", "vic@example.com", Role.VIEWER)
    assert Viewer(gateway, viewer, path).status == 200
    agent.connect()
    drain()
    agent.heard()
    agent.say("subscribe", channels=["logs"])
    assert agent.heard()[0]["event"] == "error"


def test_events_come_in_the_documents_form(gateway, world, stream):
    agent = new_agent(gateway, world)
    stream.flow()
    viewer = watch(gateway, world, agent, "events")
    agent.connect()
    drain()
    agent.say("ready")
    in_status(agent.id, STOPPED)
    stream.flow()
    drain()
    heard = viewer.received()
    assert [one["event"] for one in heard] == ["stopped"]  # the stream of tests shows a row as it is in the end
    (told,) = heard
    assert set(told) == {"channel", "event", "data", "timestamp", "sequence"}
    assert told["channel"] == "events"
    assert (told["data"]["sandbox_id"], told["data"]["status"]) == (f"sb_{agent.id}", "stopped")
    assert told["sequence"].startswith(told["timestamp"] + "#")


def test_messages_come_to_the_sockets_of_both_and_of_their_collaboration(gateway, world, stream):
    first, second = new_agent(gateway, world), new_agent(gateway, world, "backend-team")
    collaboration = _collaboration(world, first.row.org_id)
    stream.flow()
    sender, recipient = watch(gateway, world, first, "messages"), watch(gateway, world, second, "messages", "events")
    team = Viewer(gateway, world.ada, f"/ws/collaborations/col_{collaboration.id}")
    team.send({"action": "subscribe", "channels": ["messages", "events"]}).received()
    sent = message(world, first, second, collaboration_id=collaboration.id)
    stream.flow()
    drain()
    (to_sender,), (to_recipient,), (to_team,) = sender.received(), recipient.received(), team.received()
    assert (to_sender["event"], to_recipient["event"], to_team["event"]) == ("message_sent", "message_queued", "message_sent")
    assert to_recipient["data"]["message_id"] == f"msg_{sent.id}"
    assert to_recipient["data"]["content"] == "Design it"
    assert to_sender["sequence"] == to_recipient["sequence"]


def test_a_content_that_no_message_of_a_socket_holds_is_left_out(gateway, world, stream):
    first, second = new_agent(gateway, world), new_agent(gateway, world, "backend-team")
    stream.flow()
    viewer = watch(gateway, world, second, "messages")
    message(world, first, second, content="x" * 40_000)
    stream.flow()
    drain()
    (told,) = viewer.received()
    assert (told["data"]["content"], told["data"]["content_omitted"]) == (None, True)


def test_lines_of_the_log_and_measurements_come_as_they_are_written(gateway, world):
    agent = running(gateway, world)
    viewer = watch(gateway, world, agent, "logs", "metrics")
    agent.say("log", entries=[{"timestamp": clock.iso(), "level": "warn", "message": "one"}] * 3)
    agent.say("heartbeat", usage={"memory_mb": 12.5})
    drain()
    logs, metrics = sorted(viewer.received(), key=lambda one: one["channel"])
    assert (logs["sequence"], [one["message"] for one in logs["data"]["logs"]]) == (3, ["one"] * 3)
    assert (metrics["event"], metrics["data"]["memory_usage_mb"]) == ("metrics_updated", 12.5)
    viewer.send({"action": "unsubscribe", "channels": ["logs"]})
    assert viewer.received()[0]["data"] == {"channels": ["metrics"]}
    agent.say("log", entries=[{"timestamp": clock.iso(), "level": "warn", "message": "two"}])
    drain()
    assert viewer.received() == []


def test_a_client_that_comes_back_gets_the_lines_that_it_has_missed(gateway, world):
    agent = running(gateway, world)
    say(agent, world, *(f"line {number}" for number in range(1, 301)))
    viewer = watch(gateway, world, agent, "logs", last={"logs": 120})
    say(agent, world, "line 301")
    drain()
    numbers = [line["sequence"] for one in viewer.received() for line in one["data"]["logs"]]
    assert set(numbers) == set(range(121, 302))
    by_query = watch(gateway, world, agent, "logs", last_sequence="300")
    drain()
    assert [one["sequence"] for one in by_query.received()] == [301]


def test_of_too_many_lines_the_newest_come_and_the_gap_is_said(gateway, world, monkeypatch):
    monkeypatch.setattr(replay, "MAX_LINES", 10)
    agent = running(gateway, world)
    say(agent, world, *(str(number) for number in range(40)))
    viewer = watch(gateway, world, agent, "logs", last=5)
    drain()
    gap, lines = viewer.received()
    assert (gap["channel"], gap["event"], gap["data"]["channel"]) == ("control", "gap", "logs")
    assert [one["sequence"] for one in lines["data"]["logs"]] == list(range(31, 41))


def test_a_client_that_comes_back_gets_the_events_and_messages_that_it_has_missed(gateway, world, stream, late):
    first, second = new_agent(gateway, world), new_agent(gateway, world, "backend-team")
    other = new_agent(gateway, world, "security-team")
    message(world, first, second, content="before")
    stream.flow()
    late.shift(60)
    last = f"{clock.iso()}#{new_id()}"
    late.shift(60)
    sent = [message(world, first, second, content=f"number {number}") for number in range(3)]
    message(world, first, other, content="for others")
    in_status(second.id, STOPPED)
    stream.flow()
    viewer = watch(gateway, world, second, "messages", "events", last=last)
    drain()
    heard = viewer.received()
    contents = [one["data"]["content"] for one in heard if one["channel"] == "messages"]
    assert sorted(contents) == ["number 0", "number 1", "number 2"]
    assert {one["event"] for one in heard if one["channel"] == "messages"} == {"message_queued"}
    assert [one["event"] for one in heard if one["channel"] == "events"] == ["stopped"]
    assert all(one["sequence"] > last for one in heard)
    assert len({one["sequence"] for one in heard}) == 4
    assert len(sent) == 3


def test_who_was_away_for_longer_than_a_day_is_told_of_the_gap(gateway, world):
    agent = new_agent(gateway, world)
    viewer = watch(gateway, world, agent, "events", last="2025-01-10T15:30:00.000Z#x")
    drain()
    assert [one["event"] for one in viewer.received()] == ["gap"]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"action": "subscribe", "channels": ["secrets"]}, "There is no channel secrets"),
        ({"action": "subscribe", "channels": []}, "list of channels"),
        ({"action": "subscribe"}, "list of channels"),
        ({"action": "subscribe", "channels": "logs"}, "list of channels"),
        ({"action": "subscribe", "channels": [["logs"]]}, "There is no channel"),
        ({"action": "subscribe", "channels": ["logs"], "last_sequence": {"logs": -1}}, "sequence"),
        ({"action": "subscribe", "channels": ["logs"], "last_sequence": {"logs": True}}, "sequence"),
        ({"action": "subscribe", "channels": ["events"], "last_sequence": "yesterday"}, "sequence"),
        ({"action": "subscribe", "channels": ["events"], "last_sequence": {"secrets": 1}}, "no channel"),
        ({"action": "fly"}, "subscribe, unsubscribe or ping"),
        ({}, "subscribe, unsubscribe or ping"),
        ("{", "JSON"),
        ("[]", "JSON object"),
        ('"x"', "JSON object"),
        ("x" * 20_000, "16,384"),
    ],
)
def test_what_cannot_be_asked_is_answered_by_an_error(gateway, world, asked, reason):
    agent = new_agent(gateway, world)
    viewer = Viewer(gateway, world.ada, f"/ws/sandboxes/{agent.id}").send(asked)
    (told,) = viewer.received()
    assert (told["channel"], told["event"]) == ("control", "error")
    assert reason in told["data"]["message"], told
    viewer.send({"action": "ping"})
    assert viewer.received()[0]["event"] == "pong"


def test_ten_connections_are_open_at_once_and_leave_nothing_behind(gateway, world):
    agent = new_agent(gateway, world)
    viewers = [watch(gateway, world, agent, "logs", "events") for _ in range(LIMIT)]
    assert Viewer(gateway, world.ada, f"/ws/sandboxes/{agent.id}").status == 429
    for viewer in viewers:
        viewer.leave()
        assert get_connection(viewer.id) is None
    assert get(OpenConnections, f"CONNS#{world.actor.id}").open == 0


def test_a_removed_member_hears_nothing_more(gateway, world, late):
    agent = running(gateway, world)
    vic = world.join("Vic", "vic@example.com", Role.VIEWER)
    viewer = Viewer(gateway, vic, f"/ws/sandboxes/{agent.id}")
    viewer.send({"action": "subscribe", "channels": ["logs", "metrics"]}).received()
    assert world.ada("workspaces", "DELETE", f"/workspaces/{world.ws_id}/members/{vic.user['id']}").status == 204
    late.shift(liveness.MAX_AGE + 1)
    agent.say("log", entries=[{"timestamp": clock.iso(), "level": "info", "message": "secret"}])
    agent.say("heartbeat", usage={"memory_mb": 1.0})
    drain()
    assert viewer.received() == []


def _collaboration(world, org_id) -> Collaboration:
    row = Collaboration.new(
        new_id(),
        org_id=org_id,
        ws_id=world.ws_id,
        task="Login",
        mode="orchestrated",
        state={"mode": "orchestrated", "members": []},
        deadline_at=clock.in_seconds(300),
        timeout_seconds=300,
        created_by=world.actor.summary,
    )
    record(row, EventType.COLLABORATION_STARTED, SYSTEM, changes={"status": [None, "initializing"]})
    write(create(row))
    return row


def test_only_members_listen_to_a_collaboration(gateway, world, stream):
    made = _collaboration(world, None)
    stranger = sign_up("Stan", "stan@example.com")
    assert Viewer(gateway, stranger, f"/ws/collaborations/col_{made.id}").status == 404
    viewer = Viewer(gateway, world.ada, f"/ws/collaborations/col_{made.id}")
    viewer.send({"action": "subscribe", "channels": ["events"]}).received()
    stream.flow()
    drain()
    (told,) = viewer.received()
    assert (told["event"], told["data"]["collaboration_id"]) == ("started", f"col_{made.id}")
    viewer.send({"action": "subscribe", "channels": ["logs"]})
    assert viewer.received()[0]["event"] == "error"


def test_only_administrators_of_the_platform_listen_to_it_and_only_as_long_as_they_are_ones(gateway, world, stream, late):
    assert Viewer(gateway, world.ada, "/ws/system").status == 403
    confirm_address(world.ada)
    set_administrator("ada@example.com", administrator=True)
    viewer = Viewer(gateway, world.ada, "/ws/system")
    assert viewer.status == 200
    viewer.send({"action": "subscribe", "channels": ["events"]}).received()
    agent = new_agent(gateway, world, "quiet")
    stream.flow()
    drain()
    (told,) = viewer.received()
    assert (told["event"], told["data"]["id"], told["data"]["workspace_id"]) == ("sandbox.created", agent.id, world.ws_id)
    assert "quiet" not in str(told)
    set_administrator("ada@example.com", administrator=False)
    late.shift(liveness.MAX_AGE + 1)
    new_agent(gateway, world, "other")
    stream.flow()
    drain()
    assert viewer.received() == []
    assert viewer.id in gateway.closed
