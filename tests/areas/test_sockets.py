"""The socket API on moto: who gets in, what a terminal is told, what events reach whom."""

import json

import pytest

from functions.ws.handler import handler as ws
from shared.channels.sockets.connections import get_connection
from shared.channels.sockets.rows import LIVE, Connection, OpenConnections, Subscription
from shared.channels.sockets.topics import terminal_topic, workspace_topic
from shared.core.actor import Role
from shared.core.clock import iso
from shared.core.errors import ConditionFailed
from shared.core.limits import RateRule
from shared.edge.contracts import contract as get_contract
from shared.people.access import liveness, records
from shared.people.identity import sessions
from shared.runs.agent_runs.rows import Run
from shared.runs.terminal import TerminalWriter, canonical, entries, publish_run_status
from shared.runs.terminal_sessions.terminal import HISTORY
from shared.store import check, fetch, get, query, save, update_now, write
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Context, sign_up
from tests.areas.viewers import Gateway, Viewer, drain, entries_in, messages, publish_events, push_batch, socket_event
from tests.kills import concurrently, crash_at_every_write
from tests.trips import count_requests


def terminal_of(run: Run) -> TerminalWriter:
    return TerminalWriter(run.id, run.item_id, run.ws_id, lambda: check(run, Run.pk.exists(), ConditionFailed("no")))


def say(run: Run, *lines: str, **more) -> None:
    with terminal_of(run) as terminal:
        for line in lines:
            terminal.write(more.get("level", "info"), more.get("component", "agent"), line, source=more.get("source", "agent"))


def watch(gateway: Gateway, world: World, card) -> Viewer:
    viewer = Viewer(gateway, world.ada, f"/api/cards/{card.id}/terminal")
    assert viewer.status == 200
    drain()
    return viewer


# -- who gets in


def test_a_terminal_greets_after_the_handshake_and_not_before(gateway, world):
    card = world.card()
    run = world.run(card)
    say(run, "one", "two")
    messages()
    viewer = Viewer(gateway, world.ada, f"/api/cards/{card.id}/terminal")
    assert (viewer.status, viewer.received()) == (200, [])
    gateway.answers[viewer.id] = [410, 410]  # the handshake is still under way
    drain()
    connected, batch, status = viewer.received()
    assert connected == {
        "type": "connected",
        "data": {
            "connectionId": viewer.id,
            "cardId": card.id,
            "capabilities": ["live_logs", "replay", "search"],
            "activeRuns": [run.id],
        },
    }
    assert batch["type"] == "logs_batch"
    assert [entry["message"] for entry in batch["data"]] == ["one", "two"]
    assert status == {"type": "run_status", "data": {"runId": run.id, "status": "running", "progress": 0, "version": 1}}


def test_nothing_comes_before_the_greeting_and_nothing_is_lost_by_that(gateway, world):
    card = world.card()
    run = world.run(card)
    messages()
    viewer = Viewer(gateway, world.ada, f"/api/cards/{card.id}/terminal")
    (greeting,) = messages()
    publish_run_status(run.id, card.id, run.ws_id, "running", progress=50)
    drain()
    assert viewer.received() == []
    push_batch(greeting)
    assert [one["type"] for one in viewer.received()] == ["connected", "logs_batch", "run_status"]
    publish_run_status(run.id, card.id, run.ws_id, "running", progress=60)
    drain()
    assert viewer.received()[-1]["data"]["progress"] == 60


def test_a_card_without_runs_has_an_empty_history(gateway, world):
    viewer = watch(gateway, world, world.card())
    connected, batch = viewer.received()
    assert connected["data"]["activeRuns"] == []
    assert batch == {"type": "logs_batch", "data": []}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/cards/{foreign}/terminal", 404),
        ("/api/cards/0199-nonsense/terminal", 404),
        ("/api/workspaces/{foreign_ws}/events", 403),
        ("/api/workspaces/0199-nonsense/events", 403),
        ("/api/nowhere", 404),
        ("/ws/sandboxes/sb_1", 404),
        ("/ws/collaborations/col_1", 404),
        ("/ws/system", 403),
        ("/v1/ws", 503),
    ],
)
def test_what_is_not_the_callers_is_refused(gateway, world, path, status):
    eve = create_world("eve@example.com", "Eve")
    path = path.format(foreign=eve.card().id, foreign_ws=eve.project.ws_id)
    assert Viewer(gateway, world.ada, path).status == status


def test_without_a_living_session_nobody_connects(gateway, world):
    path = f"/api/cards/{world.card().id}/terminal"
    assert Viewer(gateway, None, path).status == 401
    assert Viewer(gateway, None, path, token="junk").status == 401
    sessions.end(world.actor.id, str(world.actor.session_id))
    assert Viewer(gateway, world.ada, path).status == 401


def test_the_token_may_come_in_the_header_and_the_path_with_its_mount(gateway, world):
    path = f"/agentworks/api/workspaces/{world.project.ws_id}/events"
    headers = {"authorization": f"Bearer {world.ada.token}"}
    event = socket_event("CONNECT", "c1=", query={"path": path, "contract": "agentworks"}, headers=headers)
    assert ws(event, Context()) == {"statusCode": 200}
    event = socket_event("CONNECT", "c2=", query={"path": path, "contract": "omoios"}, headers=headers)
    assert ws(event, Context()) == {"statusCode": 404}


def test_a_token_is_never_logged(gateway, world, caplog):
    Viewer(gateway, world.ada, f"/api/cards/{world.card().id}/terminal")
    Viewer(gateway, None, "/api/cards/x/terminal", token="s3cret-token")
    said = [str(record.__dict__) for record in caplog.records]
    assert any("a socket opened" in line for line in said)
    assert not any(str(world.ada.token) in line or "s3cret-token" in line for line in said)


def test_ten_connections_a_user_and_a_place_is_free_again_after_leaving(gateway, world):
    path = f"/api/workspaces/{world.project.ws_id}/events"
    viewers = [Viewer(gateway, world.ada, path) for _ in range(11)]
    assert [viewer.status for viewer in viewers] == [200] * 10 + [403]
    viewers[3].leave()
    viewers[3].leave()  # told twice
    assert Viewer(gateway, world.ada, path).status == 200
    assert Viewer(gateway, world.ada, path).status == 403
    assert get(OpenConnections, f"CONNS#{world.actor.id}").open == 10


def test_places_of_connections_that_ended_without_a_word_are_found(gateway, world):
    path = f"/api/workspaces/{world.project.ws_id}/events"
    viewers = [Viewer(gateway, world.ada, path) for _ in range(10)]
    for viewer in viewers[:2]:
        row = get(Connection, f"CONN#{viewer.id}")
        update_now(row, [Connection.opened.set(row.opened - 8000)])
    assert Viewer(gateway, world.ada, path).status == 200
    assert get(OpenConnections, f"CONNS#{world.actor.id}").open == 9


def test_leaving_leaves_nothing_behind(gateway, world):
    card = world.card()
    viewer = watch(gateway, world, card)
    viewer.leave()
    assert get(Connection, f"CONN#{viewer.id}") is None
    assert query(Subscription, f"SUB#{terminal_topic('', card.id)}", consistent=True).rows == []
    viewer.send({"type": "ping", "timestamp": 1})  # a message that was on its way


def test_round_trips(gateway, world):
    card = world.card()
    run = world.run(card)
    assert world.ada("cards", "GET", f"/cards/{card.id}").status == 200, "the hour's counter has begun"
    messages()
    with count_requests() as seen:
        viewer = Viewer(gateway, world.ada, f"/api/cards/{card.id}/terminal")
    assert seen.names == ["UpdateItem", "GetItem", "TransactWriteItems"]  # session and count, card, connection
    drain()
    with count_requests() as seen:
        viewer.send({"type": "ping", "timestamp": 1})
    assert seen.names == ["GetItem", "UpdateItem"]  # the connection, its messages of the minute; the session is known
    with count_requests() as seen, terminal_of(run) as terminal:
        for _ in range(3):
            terminal.write("info", "agent", "x")
            terminal.flush()
    assert seen.names == ["Query", *["TransactWriteItems"] * 3]  # where the log ends, then one a chunk
    waiting = messages()
    with count_requests() as seen:
        push_batch(*waiting)
    assert seen.names == ["Query"]  # who listens; whether they still may is known


# -- the terminal


def test_new_entries_come_live_to_everybody_in_the_stored_bytes(gateway, world):
    card = world.card()
    run = world.run(card)
    viewers = [watch(gateway, world, card) for _ in range(3)]
    for viewer in viewers:
        viewer.received()
    say(run, "first")
    drain()
    say(run, "second", "third")
    drain()
    for viewer in viewers:
        one, many = viewer.received()
        assert (one["type"], one["data"]["message"]) == ("log_entry", "first")
        assert [entry["message"] for entry in many["data"]] == ["second", "third"]
        assert [canonical(entry) for entry in (one["data"], *many["data"])] == [canonical(entry) for entry in entries(run.id)]


def test_what_piles_up_in_the_queue_is_one_message_to_a_viewer(gateway, world):
    card = world.card()
    run = world.run(card)
    viewer = watch(gateway, world, card)
    viewer.received()
    for number in range(6):
        say(run, f"line {number}")
    waiting = messages()
    assert push_batch(*reversed(waiting), waiting[0]) == {"batchItemFailures": []}  # out of order, and one twice
    (batch,) = viewer.received()
    assert [entry["seq"] for entry in batch["data"]] == [1, 2, 3, 4, 5, 6]


def test_large_output_is_cut_into_messages_below_32_kb(gateway, world):
    card = world.card()
    run = world.run(card)
    viewer = watch(gateway, world, card)
    viewer.received()
    say(run, *("x" * 9_000 for _ in range(10)))
    drain()
    heard = viewer.received()
    assert len(heard) > 2
    assert [entry["seq"] for entry in entries_in(heard)] == list(range(1, 11))


def test_a_new_connection_gets_the_last_hundred_and_then_goes_on_without_a_hole(gateway, world):
    card = world.card()
    run = world.run(card)
    say(run, *(str(number) for number in range(150)))
    messages()
    viewer = watch(gateway, world, card)
    assert [entry["seq"] for entry in entries_in(viewer.received())] == list(range(51, 151))
    assert HISTORY == 100
    say(run, "next")
    drain()
    assert [entry["seq"] for entry in entries_in(viewer.received())] == [151]


def test_entries_written_while_a_viewer_catches_up_are_not_lost_nor_repeated(gateway, world):
    card = world.card()
    run = world.run(card)
    say(run, "1")
    messages()
    viewer = Viewer(gateway, world.ada, f"/api/cards/{card.id}/terminal")
    (greeting,) = messages()
    say(run, "2")  # pushed before the greeting: it is left out, and noted
    push_batch(*messages())
    assert viewer.received() == []
    say(run, "3")  # pushed after the greeting, written before it
    late = messages()
    push_batch(greeting)
    assert [entry["seq"] for entry in entries_in(viewer.received())] == [1, 2, 3]
    push_batch(*late)
    assert viewer.received() == []
    say(run, "4")
    drain()
    assert [entry["seq"] for entry in entries_in(viewer.received())] == [4]


def test_the_first_entries_of_a_run_are_not_lost_while_a_viewer_is_greeted(gateway, world):
    card = world.card()
    run = world.run(card)
    viewer = Viewer(gateway, world.ada, f"/api/cards/{card.id}/terminal")
    with concurrently(lambda: say(run, "1", "2", "3")):  # after the empty history was read, before the greeting is noted
        drain()
    drain()
    assert [entry["seq"] for entry in entries_in(viewer.received())] == [1, 2, 3]


def test_a_run_that_begins_while_a_viewer_catches_up_is_heard_from_its_first_entry(gateway, world, monkeypatch):
    from shared.runs.terminal_sessions import terminal as watching

    card = world.card()
    viewer = Viewer(gateway, world.ada, f"/api/cards/{card.id}/terminal")
    (greeting,) = messages()
    run = world.run(card)
    say(run, "1", "2")
    push_batch(*messages())
    monkeypatch.setattr(watching, "runs_of", lambda _: [])  # the index does not show it yet
    push_batch(greeting)
    drain()
    assert [entry["seq"] for entry in entries_in(viewer.received())] == [1, 2]


def test_subscribing_from_a_number_on_gives_the_rest_and_then_live(gateway, world):
    card = world.card()
    run, other = world.run(card), world.run(card)
    say(run, *(str(number) for number in range(120)))
    messages()
    viewer = watch(gateway, world, card)
    viewer.received()
    viewer.send({"type": "subscribe_run", "runId": run.id, "fromSequence": 7})
    say(run, "while it catches up")
    drain()
    heard = viewer.received()
    assert [entry["seq"] for entry in entries_in(heard)] == list(range(7, 122))
    assert heard[0]["type"] == "run_status"
    say(run, "live")
    say(other, "of another run")
    drain()
    assert [entry["message"] for entry in entries_in(viewer.received())] == ["live"]
    viewer.send({"type": "subscribe_run", "runId": run.id})
    drain()
    assert [entry["seq"] for entry in entries_in(viewer.received())] == list(range(23, 123))


def test_a_paused_stream_is_silent_and_resuming_brings_what_was_missed(gateway, world):
    card = world.card()
    run = world.run(card)
    viewer = watch(gateway, world, card)
    say(run, "1")
    drain()
    viewer.received()
    viewer.send({"type": "pause_stream"})
    say(run, "2")
    later = messages()
    say(run, "3")
    drain()
    push_batch(*later)  # overtaken
    publish_run_status(run.id, card.id, run.ws_id, "running", progress=50)
    drain()
    assert viewer.received() == []
    viewer.send({"type": "resume_stream"})
    say(run, "4")
    drain()
    heard = viewer.received()
    assert [entry["seq"] for entry in entries_in(heard)] == [2, 3, 4]
    say(run, "5")
    drain()
    assert [entry["seq"] for entry in entries_in(viewer.received())] == [5]
    viewer.send({"type": "resume_stream"})  # it was not paused
    assert messages() == []


def test_pausing_before_the_greeting_loses_nothing(gateway, world):
    card = world.card()
    run = world.run(card)
    say(run, "1", "2")
    messages()
    viewer = watch(gateway, world, card)
    viewer.received()
    viewer.send({"type": "subscribe_run", "runId": run.id, "fromSequence": 1})
    viewer.send({"type": "pause_stream"})
    drain()
    viewer.received()
    viewer.send({"type": "resume_stream"})
    drain()
    assert {entry["seq"] for entry in entries_in(viewer.received())} <= {1, 2}
    say(run, "3")
    drain()
    assert [entry["seq"] for entry in entries_in(viewer.received())] == [3]


def test_the_status_of_a_run_is_told(gateway, world):
    card = world.card()
    run = world.run(card)
    viewer = watch(gateway, world, card)
    viewer.received()
    publish_run_status(run.id, card.id, run.ws_id, "running", progress=40, estimated_completion="2026-11-21T10:00:00.000Z")
    drain()
    assert viewer.received() == [
        {
            "type": "run_status",
            "data": {"runId": run.id, "status": "running", "progress": 40, "estimatedCompletion": "2026-11-21T10:00:00.000Z"},
        }
    ]


@pytest.mark.parametrize(
    ("status", "started", "shown"),
    [("assigned", False, "pending"), ("waiting", False, "pending"), ("waiting", True, "running"), ("running", True, "running")],
)
def test_the_terminal_and_the_api_show_one_status_of_a_run(gateway, world, status, started, shown):
    card = world.card()
    run = world.run(card, status)
    if started:
        run.started_at = iso()
        write(save(run))
    assert world.ada("runs", "GET", f"/runs/{run.id}").json["status"] == shown
    viewer = watch(gateway, world, card)
    assert [one["data"]["status"] for one in viewer.received() if one["type"] == "run_status"] == [shown]
    viewer.send({"type": "subscribe_run", "runId": run.id})
    drain()
    assert [one["data"]["status"] for one in viewer.received() if one["type"] == "run_status"] == [shown]
    publish_run_status(run.id, card.id, run.ws_id, run.status, started=started)
    drain()
    assert [one["data"]["status"] for one in viewer.received()] == [shown]


def statuses(viewer: Viewer) -> list[tuple[str, int]]:
    return [(one["data"]["status"], one["data"]["version"]) for one in viewer.received() if one["type"] == "run_status"]


@pytest.mark.parametrize("together", [False, True])
def test_no_viewer_sees_a_run_step_back(gateway, world, together):
    """A worker says that the run is running, late: somebody else has ended it and said so before."""
    card = world.card()
    run = world.run(card)
    viewer = watch(gateway, world, card)
    viewer.received()

    def tell(seen: Run) -> None:
        publish_run_status(run.id, card.id, run.ws_id, seen.status, progress=0, version=int(seen.version))
        if not together:
            drain()

    earlier = fetch(Run, run.id)
    ended = world.end(fetch(Run, run.id))
    tell(ended)
    tell(earlier)
    drain()
    assert statuses(viewer) == [("completed", 2)]
    viewer.send({"type": "subscribe_run", "runId": run.id})
    drain()
    assert statuses(viewer) == [("completed", 2)]


def test_a_status_that_is_still_so_is_told_though_the_run_has_changed(gateway, world):
    card = world.card()
    run = world.run(card)
    viewer = watch(gateway, world, card)
    viewer.received()
    changed = fetch(Run, run.id)
    changed.progress = 30
    write(save(changed))
    publish_run_status(run.id, card.id, run.ws_id, "running", progress=0, version=1)
    drain()
    assert statuses(viewer) == [("running", 1)]


def test_the_status_that_ends_a_run_says_how_long_its_log_is(gateway, world):
    card = world.card()
    run = world.run(card)
    viewer = watch(gateway, world, card)
    for line in "123":
        say(run, line)
    publish_run_status(run.id, card.id, run.ws_id, "failed")
    drain()
    (ended,) = (one["data"] for one in viewer.received() if one["type"] == "run_status" and one["data"]["status"] == "failed")
    assert ended == {"runId": run.id, "status": "failed", "lastSequence": 3}


def test_a_ping_comes_back_with_its_timestamp(gateway, world):
    viewer = watch(gateway, world, world.card())
    viewer.received()
    for timestamp in (1732180000123, 0, 1.5):
        viewer.send({"type": "ping", "timestamp": timestamp})
        assert viewer.received() == [{"type": "pong", "timestamp": timestamp}]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"type": "search_logs", "query": 5}, "query"),
        ({"type": "subscribe_run", "runId": 5}, "runId"),
        ({"type": "dance"}, "type"),
        ({"type": "ping", "timestamp": 1, "path": "x"}, "path"),
    ],
)
def test_a_field_of_a_message_is_named_as_it_was_sent(gateway, world, message, field):
    viewer = watch(gateway, world, world.card())
    viewer.received()
    viewer.send(message)
    (error,) = viewer.received()
    assert [one["field"] for one in error["data"]["details"]] == [field]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{broken", "INVALID_REQUEST"),
        ("[1]", "INVALID_REQUEST"),
        ("[" * 5_000, "INVALID_REQUEST"),
        ('"text"', "INVALID_REQUEST"),
        ("", "INVALID_REQUEST"),
        ('{"type": "ping", "timestamp": NaN}', "INVALID_REQUEST"),
        ('{"type": "ping", "timestamp": 1e999}', "INVALID_REQUEST"),
        (r'{"type": "search_logs", "query": "x", "filters": {"components": ["\ud800"]}}', "INVALID_REQUEST"),
        ({}, "VALIDATION_ERROR"),
        ({"type": "dance"}, "VALIDATION_ERROR"),
        ({"type": 7}, "VALIDATION_ERROR"),
        ({"type": "subscribe_run"}, "VALIDATION_ERROR"),
        ({"type": "subscribe_run", "runId": 5}, "VALIDATION_ERROR"),
        ({"type": "subscribe_run", "runId": "x", "extra": 1}, "VALIDATION_ERROR"),
        ({"type": "subscribe_run", "runId": "x", "fromSequence": 0}, "VALIDATION_ERROR"),
        ({"type": "subscribe_run", "runId": "x", "fromSequence": 10**12}, "VALIDATION_ERROR"),
        ({"type": "search_logs", "query": "x", "continueFrom": {"runId": "x", "sequence": 10**12}}, "VALIDATION_ERROR"),
        ({"type": "ping"}, "VALIDATION_ERROR"),
        ({"type": "search_logs", "query": "x" * 501}, "VALIDATION_ERROR"),
        ({"type": "search_logs", "query": "x", "filters": {"levels": ["loud"]}}, "VALIDATION_ERROR"),
        ({"type": "search_logs", "query": "x", "filters": {"from": "yesterday"}}, "VALIDATION_ERROR"),
        ({"type": "search_logs", "query": "x", "filters": {"from": "0001-01-01T00:00:00+14:00"}}, "VALIDATION_ERROR"),
        ({"type": "replay_run", "runId": "x", "options": {"speed": 0}}, "VALIDATION_ERROR"),
        ({"type": "replay_run", "runId": "x", "options": {"filters": [1]}}, "VALIDATION_ERROR"),
        ({"type": "ping", "timestamp": 1, "note": "y" * 20_000}, "PAYLOAD_TOO_LARGE"),
        ({"type": "subscribe_run", "runId": "0199a000-0000-7000-8000-000000000000"}, "RUN_NOT_FOUND"),
    ],
)
def test_what_cannot_be_done_is_an_error_message(gateway, world, message, code):
    viewer = watch(gateway, world, world.card())
    viewer.received()
    viewer.send(message)
    (heard,) = viewer.received()
    assert (heard["type"], heard["data"]["code"]) == ("error", code)
    assert heard["data"]["message"]


@pytest.mark.parametrize(
    ("kind", "sent", "field"),
    [
        ("search", {"from": "nope"}, "filters.from"),
        ("search", {"startTime": "nope"}, "filters.startTime"),
        ("search", {"to": 5}, "filters.to"),
        ("search", {"level": "loud"}, "filters.level"),
        ("search", {"levels": ["loud"]}, "filters.levels"),
        ("search", {"source": 5}, "filters.source"),
        ("search", {"components": [5]}, "filters.components"),
        ("replay", {"from": "nope"}, "options.from"),
        ("replay", {"endTime": "nope"}, "options.endTime"),
        ("replay", {"filters": {"levels": ["loud"]}}, "options.filters.levels"),
        ("replay", {"filters": {"endTime": "nope"}}, "options.filters.endTime"),
        ("replay", {"filters": {"component": 5}}, "options.filters.component"),
        ("replay", {"speed": 0}, "options.speed"),
    ],
)
def test_an_error_names_the_field_as_it_was_sent(gateway, world, kind, sent, field):
    card = world.card()
    run = world.run(card)
    viewer = watch(gateway, world, card)
    viewer.received()
    if kind == "search":
        viewer.send({"type": "search_logs", "query": "x", "filters": sent})
    else:
        viewer.send({"type": "replay_run", "runId": run.id, "options": sent})
    (heard,) = viewer.received()
    assert (heard["type"], [one["field"] for one in heard["data"]["details"]]) == ("error", [field])


def test_runs_of_other_cards_and_other_people_do_not_exist_here(gateway, world):
    eve = create_world("eve@example.com", "Eve")
    foreign, elsewhere = eve.run(eve.card()), world.run(world.card(title="Another"))
    viewer = watch(gateway, world, world.card())
    viewer.received()
    for run in (foreign, elsewhere):
        for message in (
            {"type": "subscribe_run", "runId": run.id},
            {"type": "replay_run", "runId": run.id},
            {"type": "search_logs", "query": "", "filters": {"runId": run.id}},
        ):
            viewer.send(message)
            (heard,) = viewer.received()
            assert heard["data"]["code"] == "RUN_NOT_FOUND"
    assert messages() == []


def test_searching_finds_and_counts(gateway, world):
    card = world.card()
    first, second = world.run(card, "completed"), world.run(card)
    say(first, "Reading the PRD", "Writing code")
    say(second, "reading failed", level="error", component="provider", source="provider")
    messages()
    viewer = watch(gateway, world, card)
    viewer.received()
    viewer.send({"type": "search_logs", "query": "READING"})
    drain()
    (found,) = viewer.received()
    data = found["data"]
    assert found["type"] == "search_results"
    assert [entry["message"] for entry in data["logs"]] == ["Reading the PRD", "reading failed"]
    assert (data["totalCount"], data["query"]) == (2, "READING")
    assert data["levelDistribution"] == {"info": 1, "error": 1}
    assert data["sourceDistribution"] == {"agent": 1, "provider": 1}
    assert sum(bucket["count"] for bucket in data["timelineData"]) == 2
    assert data["timelineData"][0]["timestamp"].endswith(":00:00.000Z")
    assert data["executionTime"] >= 0
    for filters, total in (
        ({"levels": ["error"]}, 1),
        ({"level": "info"}, 2),
        ({"sources": ["provider"]}, 1),
        ({"components": ["nobody"]}, 0),
        ({"runId": first.id}, 2),
        ({"from": "2999-01-01T00:00:00Z"}, 0),
        ({"to": "2999-01-01"}, 3),
    ):
        viewer.send({"type": "search_logs", "query": "", "filters": filters})
        drain()
        assert viewer.received()[0]["data"]["totalCount"] == total


def test_a_search_goes_on_in_the_run_that_it_is_for(gateway, world):
    """A position in another run of the card would show that one's lines, whatever run the filter names."""
    card = world.card()
    first, second = world.run(card, "completed"), world.run(card)
    say(first, "one")
    say(second, "two")
    messages()
    viewer = watch(gateway, world, card)
    viewer.received()
    for position, expected in ((first, "search_results"), (second, "error")):
        place = {"runId": position.id, "sequence": 1}
        viewer.send({"type": "search_logs", "query": "", "filters": {"runId": first.id}, "continueFrom": place})
        drain()
        (heard,) = viewer.received()
        assert heard["type"] == expected
    assert heard["data"]["details"][0]["field"] == "continueFrom.runId"


def test_a_search_that_finds_too_much_shows_the_newest_and_says_so(gateway, world):
    card = world.card()
    run = world.run(card)
    say(run, *(f"{number} " + "x" * 1_000 for number in range(130)))
    messages()
    viewer = watch(gateway, world, card)
    viewer.received()
    viewer.send({"type": "search_logs", "query": "x"})
    drain()
    (found,) = viewer.received()
    assert (found["data"]["totalCount"], found["data"]["truncated"]) == (130, True)
    assert found["data"]["logs"][-1]["seq"] == 130


# -- who may still listen


def test_a_session_that_ends_hears_nothing_more_and_is_hung_up(gateway, world, monkeypatch):
    card = world.card()
    run = world.run(card)
    viewer = watch(gateway, world, card)
    viewer.received()
    sessions.end(world.actor.id, str(world.actor.session_id))
    _later(monkeypatch, liveness.MAX_AGE + 1)
    say(run, "secret")
    drain()
    assert (viewer.received(), gateway.closed) == ([], [viewer.id])
    assert get(Connection, f"CONN#{viewer.id}") is None


def test_a_message_of_an_ended_session_is_not_answered(gateway, world, monkeypatch):
    viewer = watch(gateway, world, world.card())
    viewer.received()
    sessions.end(world.actor.id, str(world.actor.session_id))
    _later(monkeypatch, liveness.MAX_AGE + 1)
    viewer.send({"type": "ping", "timestamp": 1})
    assert (viewer.received(), gateway.closed) == ([], [viewer.id])


def test_who_leaves_the_workspace_hears_no_more_of_it(gateway, world, monkeypatch):
    eve = sign_up("Eve", "eve@example.com")
    write(records.grant_workspace(eve.user["id"], str(world.project.ws_id), Role.VIEWER))
    viewer = Viewer(gateway, eve, f"/api/workspaces/{world.project.ws_id}/events")
    assert viewer.status == 200
    topic = workspace_topic(str(world.project.ws_id))
    publish_events(topic, world.project.ws_id, agentworks=[{"type": "x"}])
    drain()
    assert viewer.received() == [{"type": "x"}]
    write(records.revoke_workspace(eve.user["id"], str(world.project.ws_id)))
    _later(monkeypatch, liveness.MAX_AGE + 1)
    publish_events(topic, world.project.ws_id, agentworks=[{"type": "y"}])
    drain()
    assert viewer.received() == []


def test_a_session_that_has_just_begun_is_not_taken_for_an_ended_one(gateway, world):
    card = world.card()
    watch(gateway, world, card)  # the access record is known now
    liveness._cache[world.actor.id] = (liveness._cache[world.actor.id][0] - 2, liveness._cache[world.actor.id][1])
    from tests.areas.driving import Client, call

    answer = call("auth", "agentworks", "POST", "/auth/login", body={"email": "ada@example.com", "password": "correct horse"})
    viewer = Viewer(gateway, Client(token=answer.json["token"]), f"/api/cards/{card.id}/terminal")
    drain()
    assert viewer.received()[0]["type"] == "connected"


def test_a_connection_that_is_gone_is_forgotten(gateway, world):
    card = world.card()
    run = world.run(card)
    gone, here = watch(gateway, world, card), watch(gateway, world, card)
    row = Subscription.at(terminal_topic("", card.id), gone.id)
    update_now(row, [Subscription.opened.set(0)])
    gateway.answers[gone.id] = [410]
    say(run, "x")
    drain()
    assert get(Connection, f"CONN#{gone.id}") is None
    assert get(Subscription, row.pk, row.sk) is None
    assert entries_in(here.received())[0]["message"] == "x"


def test_a_gateway_that_is_busy_is_asked_again(gateway, world):
    card = world.card()
    run = world.run(card)
    viewer, other = watch(gateway, world, card), watch(gateway, world, card)
    viewer.received()
    other.received()
    gateway.answers[viewer.id] = [429, 500, 429, 503, 200]
    say(run, "x")
    drain()
    assert [entry["message"] for entry in entries_in(viewer.received())] == ["x"]
    assert [entry["message"] for entry in entries_in(other.received())] == ["x"]


@pytest.mark.parametrize("sent_first", range(4))
def test_a_busy_gateway_delays_the_greeting_and_loses_nothing_of_it(gateway, world, sent_first):
    card = world.card()
    run = world.run(card)
    say(run, "1")
    messages()
    viewer = Viewer(gateway, world.ada, f"/api/cards/{card.id}/terminal")
    gateway.answers[viewer.id] = [200] * sent_first + [500] * 3
    drain()
    say(run, "2")
    drain()
    heard = viewer.received()
    assert [entry["seq"] for entry in entries_in(heard)] == [1, 2]
    assert [one["type"] for one in heard].count("connected") == 1
    assert "run_status" in [one["type"] for one in heard]


def test_a_greeting_that_ends_half_way_goes_on_when_it_is_delivered_again(gateway, world):
    for process in crash_at_every_write():
        card = world.card()
        run = world.run(card)
        say(run, "1")
        messages()
        viewer = Viewer(gateway, world.ada, f"/api/cards/{card.id}/terminal")
        (greeting,) = messages()
        with process:
            push_batch(greeting)
        push_batch(greeting)
        say(run, "2")
        drain()
        heard = viewer.received()
        assert [entry["seq"] for entry in entries_in(heard)][-2:] == [1, 2]
        assert "run_status" in [one["type"] for one in heard]
        viewer.leave()


def test_a_job_that_fails_is_tried_again_soon_and_at_last_reported(gateway, world, monkeypatch):
    viewer = Viewer(gateway, world.ada, f"/api/cards/{world.card().id}/terminal")
    (greeting,) = messages()
    with monkeypatch.context() as patch:
        patch.setattr(liveness, "may_listen", lambda *_: 1 / 0)
        for _ in range(3):
            assert push_batch(greeting) == {"batchItemFailures": []}
            (greeting,) = messages()
        assert push_batch(greeting) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
        assert messages() == []
    push_batch(greeting)
    assert viewer.received()[0]["type"] == "connected"


def test_a_busy_gateway_delays_an_answer(gateway, world):
    viewer = watch(gateway, world, world.card())
    viewer.received()
    gateway.answers[viewer.id] = [500] * 3
    viewer.send({"type": "ping", "timestamp": 1})
    drain()
    assert viewer.received() == [{"type": "pong", "timestamp": 1}]


def test_a_delivery_that_fails_half_way_is_not_repeated_from_its_start(gateway, world):
    card = world.card()
    run = world.run(card)
    viewer = watch(gateway, world, card)
    viewer.received()
    say(run, *("x" * 20_000 for _ in range(3)))  # each is a message of its own
    gateway.answers[viewer.id] = [200] + [500] * 3
    drain()
    assert [entry["seq"] for entry in entries_in(viewer.received())] == [1, 2, 3]


def test_posts_are_signed(gateway, world):
    viewer = watch(gateway, world, world.card())
    viewer.received()
    assert "/us-east-1/execute-api/aws4_request" in gateway.headers["Authorization"]


def test_a_topic_that_fails_is_reported_and_the_others_are_served(gateway, world, monkeypatch):
    from shared.channels.sockets import fanout

    viewer = Viewer(gateway, world.ada, f"/api/workspaces/{world.project.ws_id}/events")
    good = {
        "kind": "push",
        "topic": workspace_topic(str(world.project.ws_id)),
        "at": 1,
        "frames": {"agentworks": [{"text": '{"type":"x"}'}]},
    }
    whole = fanout.fan_out
    monkeypatch.setattr(fanout, "fan_out", lambda topic, *about: whole(topic, *about) if topic != "bad" else 1 / 0)
    assert push_batch(good | {"topic": "bad"}, good) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert viewer.received() == [{"type": "x"}]


# -- omoios


def event(number: int, kind: str = "TICKET_CREATED", entity: str = "ticket") -> dict:
    return {"event_type": kind, "entity_type": entity, "entity_id": f"id-{number}", "payload": {}}


def test_omoios_events_are_filtered_by_the_query_and_by_subscribe(gateway, world):
    topic = workspace_topic(str(world.project.ws_id))
    everything = Viewer(gateway, world.ada, "/api/v1/ws/events")
    some = Viewer(gateway, world.ada, "/api/v1/ws/events", event_types="TICKET_CREATED,TASK_CREATED", entity_types="ticket")
    assert (everything.status, some.status) == (200, 200)
    sent = [event(1), event(2, "TASK_CREATED", "task"), event(3, "TICKET_UPDATED")]
    publish_events(topic, world.project.ws_id, agentworks=[{"type": "card_created"}], omoios=sent)
    drain()
    assert everything.received() == sent
    assert some.received() == [sent[0]]
    some.send({"type": "subscribe", "entity_ids": ["id-3"], "event_types": "TICKET_UPDATED"})
    assert some.received() == [{"status": "subscribed", "filters": {"event_types": ["TICKET_UPDATED"], "entity_ids": ["id-3"]}}]
    publish_events(topic, world.project.ws_id, omoios=sent)
    drain()
    assert some.received() == [sent[2]]
    some.send({"type": "subscribe"})
    assert some.received() == [{"status": "subscribed", "filters": {}}]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "7",
        "",
        '{"type": "ping", "timestamp": NaN}',
        r'{"type": "ping", "timestamp": "\ud800"}',
        json.dumps({"type": "subscribe", "entity_ids": "x" * 20_000}),
    ],
)
def test_omoios_says_what_it_cannot_read(gateway, world, text):
    viewer = Viewer(gateway, world.ada, "/api/v1/ws/events")
    viewer.send(text)
    assert viewer.received() == [{"error": "Invalid JSON message"}]


def test_omoios_answers_a_ping_and_refuses_nonsense(gateway, world):
    viewer = Viewer(gateway, world.ada, "/api/v1/ws/events")
    viewer.send({"type": "ping"}).send({"type": "nonsense"}).send({"type": "subscribe", "entity_ids": [1]})
    pong, unknown, bad = viewer.received()
    assert pong == {"type": "pong"}
    assert unknown == {"error": "Unknown message type"}
    assert "error" in bad


def test_the_other_contracts_messages_stay_with_their_own(gateway, world):
    agentworks = Viewer(gateway, world.ada, f"/api/workspaces/{world.project.ws_id}/events")
    omoios = Viewer(gateway, world.ada, "/api/v1/ws/events")
    publish_events(workspace_topic(world.project.ws_id), world.project.ws_id, agentworks=[{"type": "a"}], omoios=[event(1)])
    drain()
    assert agentworks.received() == [{"type": "a"}]
    assert omoios.received() == [event(1)]


def test_a_subscription_goes_live_with_the_numbers_it_has_reached(gateway, world):
    card = world.card()
    run = world.run(card)
    say(run, "1", "2")
    messages()
    viewer = watch(gateway, world, card)
    row = get(Subscription, f"SUB#{terminal_topic('', card.id)}", f"CONN#{viewer.id}")
    assert (row.state, row.sent_until) == (LIVE, {run.id: 3})


def _later(monkeypatch, seconds: float) -> None:
    import time

    moved = time.time() + seconds
    monkeypatch.setattr(liveness.time, "time", lambda: moved)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/api/cards/{card}/terminal", {"type": "error"}),
        ("/api/workspaces/{ws}/events", {"type": "error"}),
        ("/api/v1/ws/events", {}),
    ],
)
def test_a_connection_that_sends_without_end_is_told_and_closed(gateway, world, monkeypatch, path, told):
    monkeypatch.setattr("functions.ws.handler.MESSAGES", RateRule("messages", 3, 60))
    where = path.format(card=world.card().id, ws=world.ws_id)
    flood, other = (Viewer(gateway, world.ada, where) for _ in range(2))
    for viewer in (flood, other):
        drain()
        viewer.received()
    for _ in range(4):
        flood.send({"type": "ping", "timestamp": 1})
    heard = flood.received()
    assert [one["type"] for one in heard[:3]] == ["pong"] * 3
    assert len(heard) == 4
    assert heard[-1].items() >= told.items()
    assert "error" in str(heard[-1])
    assert (gateway.closed, get_connection(flood.id)) == ([flood.id], None)
    assert [one["type"] for one in other.send({"type": "ping", "timestamp": 1}).received()] == ["pong"]


@pytest.mark.parametrize(("contract", "path"), [("agentworks", "/api/workspaces/{ws}/events"), ("omoios", "/api/v1/ws/events")])
def test_a_handshake_counts_as_a_request_of_its_contract(gateway, world, monkeypatch, contract, path):
    """Else the limit of messages would begin anew with every connection, and connections cost more than messages."""
    monkeypatch.setattr(type(get_contract(contract)), "rate_rules", lambda *_: (RateRule("few", 3, 3600),))
    where = path.format(ws=world.ws_id)
    for _ in range(3):
        viewer = Viewer(gateway, world.ada, where)
        assert viewer.status == 200
        viewer.leave()
    assert Viewer(gateway, world.ada, where).status == 429
    assert Viewer(gateway, sign_up("Eve", "eve@example.com"), "/api/v1/ws/events").status == 200
