"""Replays: the same bytes at their own pace, in slices that survive the function that plays them."""

import json
from types import SimpleNamespace

import pytest

from shared.channels.sockets.rows import Connection
from shared.core.errors import ConditionFailed
from shared.people.access import liveness
from shared.people.identity import sessions
from shared.runs.agent_runs.rows import Run
from shared.runs.terminal import TerminalWriter, canonical, entries
from shared.runs.terminal.entries import LogChunk, new_entry, with_sequence
from shared.runs.terminal_sessions import replay
from shared.runs.terminal_sessions.replay import pause_between
from shared.store import check, create, get, update_now, write
from tests.areas.test_sockets import watch
from tests.areas.viewers import drain, entries_in, messages, push_batch


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only by sleeping."""
    held = SimpleNamespace(now=1_000.0, slept=[])

    def sleep(seconds: float) -> None:
        held.slept.append(round(seconds, 4))
        held.now += seconds

    monkeypatch.setattr(replay, "time", SimpleNamespace(monotonic=lambda: held.now, sleep=sleep, time=lambda: 5e9 + held.now))
    return held


def logged(run: Run, *seconds: float, level=lambda _: "info") -> None:
    """Entries of a run at these seconds of a minute."""
    made = [
        with_sequence(
            run.id, index + 1, new_entry(level(index), "agent", f"line {index}", None, "agent", f"2026-11-21T10:00:{at:06.3f}Z")
        )
        for index, at in enumerate(seconds)
    ]
    write(
        create(
            LogChunk(
                pk=LogChunk.partition_key(run.id),
                sk=LogChunk.sort_key(1),
                last_sequence=len(made),
                writer="w",
                at=made[0]["timestamp"],
                body=canonical(made),
            )
        )
    )


def test_a_replay_says_what_comes_plays_it_and_says_that_it_is_done(gateway, world, clock):
    card = world.card()
    run = world.run(card, "completed")
    logged(run, 0, 1, 1.001, 9)
    viewer = watch(gateway, world, card)
    viewer.received()
    viewer.send({"type": "replay_run", "runId": run.id})
    drain()
    started, *played, completed = viewer.received()
    assert started["type"] == "replay_started"
    assert (started["data"]["runId"], started["data"]["totalLogs"], started["data"]["estimatedDuration"]) == (run.id, 4, 6050)
    assert [message["type"] for message in played] == ["replay_log"] * 4
    assert [message["data"]["replayPosition"] for message in played] == [1, 2, 3, 4]
    assert [message["data"]["replayProgress"] for message in played] == [25.0, 50.0, 75.0, 100.0]
    assert {message["data"]["replayTotal"] for message in played} == {4}
    assert completed["type"] == "replay_completed"
    assert completed["data"]["totalLogsPlayed"] == 4
    assert {started["data"]["sessionId"], completed["data"]["sessionId"]} == {started["data"]["sessionId"]}
    assert clock.slept == [1.0, 0.05]  # the five seconds were spent in the queue
    assert get(Connection, f"CONN#{viewer.id}").replay is None


def test_replayed_bytes_are_the_live_bytes(gateway, world, clock):
    card = world.card()
    run = world.run(card)
    viewer = watch(gateway, world, card)
    viewer.received()
    with TerminalWriter(run.id, card.id, run.ws_id, lambda: check(run, Run.pk.exists(), ConditionFailed("x"))) as terminal:
        for number in range(30):
            terminal.write("info", "agent", f"Zeile {number} ✓ \x1b[0m", {"n": number, "f": 0.1, "deep": {"a": [None, True]}})
    drain()
    live = [canonical(entry) for entry in entries_in(viewer.received())]
    viewer.send({"type": "replay_run", "runId": run.id, "options": {"speed": 100}})
    drain()
    frames = gateway.frames[viewer.id][1:-1]
    assert len(frames) == len(live) == 30
    for frame, text in zip(frames, live, strict=True):
        assert frame.startswith('{"type":"replay_log","data":' + text[:-1] + ',"replayPosition":')
    assert live == [canonical(entry) for entry in entries(run.id)]


@pytest.mark.parametrize(
    ("apart", "speed", "pause"),
    [(1, 1, 1), (1, 2, 0.5), (0, 1, 0.05), (0.01, 0.1, 0.1), (3600, 1, 5), (3600, 100, 5), (-3, 1, 0.05), (20, 10, 2)],
)
def test_pauses_are_as_they_were_but_never_dull(apart, speed, pause):
    from datetime import UTC, datetime, timedelta

    first = datetime(2026, 11, 21, tzinfo=UTC)
    assert pause_between(first.isoformat(), (first + timedelta(seconds=apart)).isoformat(), speed) == pytest.approx(pause)
    assert pause_between(first.isoformat(), "no time", speed) == 0.1
    assert pause_between(None, "x", speed) == 0.1


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({"filters": {"levels": ["error"]}}, [2, 4]),
        ({"startTime": "2026-11-21T10:00:01Z", "endTime": "2026-11-21T10:00:02Z"}, [2, 3]),
        ({"filters": {"components": ["nobody"]}}, []),
        ({"includeSystemLogs": False}, [1, 2, 3, 4]),
    ],
)
def test_options_choose_what_is_played(gateway, world, clock, options, numbers):
    card = world.card()
    run = world.run(card, "completed")
    logged(run, 0, 1, 2, 3, level=lambda index: "error" if index % 2 else "info")
    viewer = watch(gateway, world, card)
    viewer.received()
    viewer.send({"type": "replay_run", "runId": run.id, "options": options})
    drain()
    started, *played, completed = viewer.received()
    assert [message["data"]["seq"] for message in played] == numbers
    assert (started["data"]["totalLogs"], completed["data"]["totalLogsPlayed"]) == (len(numbers), len(numbers))


def test_a_long_replay_is_many_slices_and_each_is_played_once(gateway, world, clock):
    card = world.card()
    run = world.run(card, "completed")
    logged(run, *(number * 0.4 for number in range(40)))
    viewer = watch(gateway, world, card)
    viewer.received()
    viewer.send({"type": "replay_run", "runId": run.id})
    slices = 0
    while waiting := messages():
        slices += 1
        push_batch(*waiting)
        push_batch(*waiting)  # delivered twice
    *_, completed = heard = viewer.received()
    assert slices >= 4
    assert [entry["seq"] for entry in entries_in(heard)] == list(range(1, 41))
    assert completed["type"] == "replay_completed"
    assert completed["data"]["duration"] == pytest.approx(39 * 400, abs=500)


def test_a_slice_whose_player_died_is_played_by_another(gateway, world, clock):
    card = world.card()
    run = world.run(card, "completed")
    logged(run, 0, 0.1)
    viewer = watch(gateway, world, card)
    viewer.received()
    viewer.send({"type": "replay_run", "runId": run.id})
    (job,) = messages()
    row = get(Connection, f"CONN#{viewer.id}")
    update_now(row, [Connection.replay_slice.set(1), Connection.replay_claimed.set(row.opened)])  # claimed just now
    push_batch(job)
    assert viewer.received() == []
    update_now(row, [Connection.replay_claimed.set(row.opened - 100)])
    push_batch(job)
    assert [entry["seq"] for entry in entries_in(viewer.received())] == [1, 2]


def test_another_replay_ends_the_one_under_way(gateway, world, clock):
    card = world.card()
    run = world.run(card, "completed")
    logged(run, *range(0, 50, 4))
    viewer = watch(gateway, world, card)
    viewer.received()
    viewer.send({"type": "replay_run", "runId": run.id})
    push_batch(*messages())  # the first slice
    (rest,) = messages()
    first = viewer.received()[0]["data"]["sessionId"]
    viewer.send({"type": "replay_run", "runId": run.id, "options": {"speed": 100}})
    push_batch(rest)
    assert viewer.received() == []
    drain()
    heard = viewer.received()
    assert [message["data"].get("sessionId") for message in heard if message["type"] == "replay_started"] != [first]
    assert len(entries_in(heard)) == 13


def test_a_replay_stops_when_nobody_is_there(gateway, world, clock):
    card = world.card()
    run = world.run(card, "completed")
    logged(run, *range(0, 50, 4))
    viewer = watch(gateway, world, card)
    viewer.received()
    viewer.send({"type": "replay_run", "runId": run.id})
    push_batch(*messages())
    viewer.leave()
    drain()
    assert len(entries_in(viewer.received())) == 1
    other = watch(gateway, world, card)
    other.received()
    other.send({"type": "replay_run", "runId": run.id})
    gateway.answers[other.id] = [200, 410]
    drain()
    assert get(Connection, f"CONN#{other.id}") is None


def test_a_replay_ends_with_its_session(gateway, world, clock):
    card = world.card()
    run = world.run(card, "completed")
    logged(run, 0, 4, 8)
    viewer = watch(gateway, world, card)
    viewer.received()
    viewer.send({"type": "replay_run", "runId": run.id})
    push_batch(*messages())
    viewer.received()
    sessions.end(world.actor.id, str(world.actor.session_id))
    liveness.clear_cache()
    drain()
    assert (viewer.received(), gateway.closed) == ([], [viewer.id])


def test_pausing_holds_a_replay_and_resuming_plays_the_rest(gateway, world, clock):
    card = world.card()
    run = world.run(card, "completed")
    logged(run, *range(0, 20, 4))
    viewer = watch(gateway, world, card)
    viewer.received()
    viewer.send({"type": "replay_run", "runId": run.id})
    push_batch(*messages())
    viewer.send({"type": "pause_stream"})
    drain()
    assert [entry["seq"] for entry in entries_in(viewer.received())] == [1]
    viewer.send({"type": "resume_stream"})
    drain()
    heard = viewer.received()
    assert [entry["seq"] for entry in entries_in(heard)] == [2, 3, 4, 5]
    assert heard[-1]["type"] == "replay_completed"
    assert json.dumps(heard[-1]["data"]["totalLogsPlayed"]) == "5"


@pytest.mark.parametrize("sent_first", range(4))
def test_a_busy_gateway_delays_a_replay_and_does_not_end_it(gateway, world, clock, sent_first):
    card = world.card()
    run = world.run(card, "completed")
    logged(run, 0, 1)
    viewer = watch(gateway, world, card)
    viewer.received()
    viewer.send({"type": "replay_run", "runId": run.id})
    gateway.answers[viewer.id] = [200] * sent_first + [500] * 3
    drain()
    assert [one["type"] for one in viewer.received()] == ["replay_started", "replay_log", "replay_log", "replay_completed"]
