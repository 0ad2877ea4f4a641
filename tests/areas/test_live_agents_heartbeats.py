"""Heartbeats of live agents: what is accepted, what they tell, and what their absence means."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from shared.core import clock
from shared.runs.live_agents.beating import Beat, find, receive
from shared.runs.live_agents.rows import Heartbeat
from shared.store import get
from tests.areas.boards_world import World
from tests.areas.driving import Client, run_jobs
from tests.areas.live_agents_world import beat, message, registered, stored
from tests.kills import concurrently
from tests.trips import count_requests


@pytest.fixture
def noon(ada):
    """A clock that stands still until it is set."""
    with time_machine.travel(clock.now().replace(microsecond=0) + timedelta(seconds=1), tick=False) as traveller:
        traveller.begun = clock.now()
        yield traveller


def watch() -> None:
    run_jobs("heartbeat-watch")


def heard(world: World, agent_id: str, number: int) -> Callable[[], None]:
    """A heartbeat that arrives while another request is served."""
    return lambda: receive(world.actor, *find(world.actor, agent_id), Beat(number, "idle", None, {})) and None


def health(ada: Client, agent_id: str) -> dict:
    answer = ada("agents", "GET", f"/agents/{agent_id}/health")
    assert answer.status == 200, answer.text
    return answer.json


def later(noon, seconds: float) -> None:
    noon.move_to(noon.begun + timedelta(seconds=seconds))


def send(ada: Client, body: dict | str):
    agent_id = (json.loads(body) if isinstance(body, str) else body)["agent_id"]
    return ada("agents", "POST", f"/agents/{agent_id}/heartbeat", body=body)


def test_a_heartbeat_is_acknowledged_and_shown(ada, noon):
    made = registered(ada)["agent_id"]
    answer = beat(ada, made, 1)
    assert answer.status == 200, answer.text
    assert answer.json == {
        "agent_id": made,
        "sequence_number": 1,
        "timestamp": clock.iso(noon.begun),
        "received": True,
        "acknowledged": True,
        "message": None,
        "status": "idle",
        "task_ids": [],
    }
    shown = ada("agents", "GET", f"/agents/{made}").json
    assert (shown["last_heartbeat"], shown["health_status"]) == (clock.iso(noon.begun), "healthy")
    row = get(Heartbeat, *Heartbeat.key(made))
    assert row.health_metrics == {"cpu": 0.5, "memory": {"used": 5, "free": 3}}


def test_a_heartbeat_costs_a_read_and_a_write_of_a_row_that_no_stream_sees(ada):
    made = registered(ada)["agent_id"]
    before = stored(made).version
    with count_requests() as seen:
        assert beat(ada, made, 1).status == 200
    assert (seen.names, seen.beside) == (["BatchGetItem", "UpdateItem"], ["Query"])  # beside: whether anybody listens
    assert stored(made).version == before


@pytest.mark.parametrize("compact", [False, True], ids=["python", "javascript"])
def test_a_checksum_is_that_of_the_client_s_own_json(ada, compact):
    made = registered(ada)["agent_id"]
    metrics = {"zeit": 1.5, "note": "Grüße", "nested": {"b": [1, True, None], "a": "\u2028"}}
    assert send(ada, message(made, 1, compact=compact, health_metrics=metrics)).status == 200
    body = message(made, 2, compact=compact, health_metrics=metrics)
    wrong = send(ada, body | {"sequence_number": 3})
    assert (wrong.status, wrong.json["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert "checksum" in wrong.json["detail"]


def test_numbers_count_as_they_are_written(ada):
    """Python writes 5.0, where JavaScript writes 5; and it may leave out what is null, or not sort what is nested."""
    made = registered(ada)["agent_id"]
    fields = f'"agent_id":"{made}",' + '"health_metrics":{"b":5.0,"a":1e-7},"sequence_number":1,"status":"idle"'
    checksum = hashlib.sha256(("{" + fields + "}").encode()).hexdigest().upper()
    assert send(ada, "{" + fields + f',"checksum":"{checksum}"' + "}").status == 200
    other = ("{" + fields + f',"checksum":"{checksum}"' + "}").replace("5.0", "5")
    assert send(ada, other).status == 400


def test_what_is_no_heartbeat_of_this_agent(ada):
    made, other = registered(ada)["agent_id"], registered(ada)["agent_id"]
    answer = ada("agents", "POST", f"/agents/{made}/heartbeat", body=message(other, 1))
    assert (answer.status, other in answer.json["detail"]) == (400, True)
    unknown = "01900000-0000-7000-8000-000000000000"
    assert beat(ada, unknown, 1).status == 404
    assert send(ada, message(made, 1, health_metrics={"text": "x" * 5_000})).status == 400
    assert send(ada, message(made, 1) | {"checksum": "0"}).status == 400
    assert send(ada, message(made, -1)).status == 422


def test_gaps_are_told_and_numbers_never_go_back(ada):
    made = registered(ada)["agent_id"]
    assert beat(ada, made, 1).json["message"] is None
    gap = beat(ada, made, 5).json
    assert (gap["received"], gap["message"]) == (True, "Sequence gap: expected 2, received 5 (2 to 4 did not arrive)")
    again = beat(ada, made, 5).json
    assert (again["received"], again["message"]) == (True, "Heartbeat 5 was received before")
    late = beat(ada, made, 3).json
    assert (late["received"], late["acknowledged"]) == (False, False)
    assert late["message"] == "Heartbeat 3 is out of order: 5 was received before, and the next one is 6 or higher"
    assert get(Heartbeat, *Heartbeat.key(made)).sequence == 5


def test_of_two_heartbeats_at_once_the_higher_number_stays(ada, world):
    made = registered(ada)["agent_id"]
    beat(ada, made, 1)
    with concurrently(heard(world, made, 3)):
        assert beat(ada, made, 2).json["received"] is False
    assert get(Heartbeat, *Heartbeat.key(made)).sequence == 3


@pytest.mark.parametrize(
    ("about", "status", "seconds"),
    [
        ({"agent_type": "worker"}, "idle", 30),
        ({"agent_type": "worker"}, "running", 15),
        ({"agent_type": "monitor"}, "idle", 15),
        ({"agent_type": "watchdog"}, "idle", 15),
        ({"agent_type": "guardian"}, "running", 60),
    ],
)
def test_health_follows_from_the_silence_without_any_job(ada, noon, about, status, seconds):
    made = registered(ada, **about)["agent_id"]
    beat(ada, made, 1, status=status)
    for missed, expected in (
        (0, (status, "healthy")),
        (1, (status, "warning")),
        (2, ("degraded", "degraded")),
        (3, ("failed", "unresponsive")),
    ):
        later(noon, missed * seconds + 1)
        shown = health(ada, made)
        assert (shown["status"], shown["health_status"], shown["missed_heartbeats"]) == (*expected, missed)
        assert shown["time_since_last_heartbeat"] == missed * seconds + 1
        assert ada("agents", "GET", f"/agents/{made}").json["status"] == expected[0]
        assert ada("agents", "GET", "/agents/health").json == [shown]
    assert stored(made).status == status
    beat(ada, made, 2, status=status)
    assert health(ada, made)["health_status"] == "healthy"


def test_the_time_of_the_health_list_is_ninety_seconds_or_the_caller_s(ada, noon):
    made = registered(ada)["agent_id"]
    beat(ada, made, 1)
    later(noon, 85)
    assert health(ada, made)["healthy"] is True
    assert health(ada, made)["timeout_seconds"] == 90
    assert ada("agents", "GET", f"/agents/{made}/health?timeout_seconds=80").json["healthy"] is False
    assert [one["agent_id"] for one in ada("agents", "GET", "/agents/stale?timeout_seconds=80").json] == [made]
    assert ada("agents", "GET", "/agents/stale").json == []


def test_the_job_tells_what_the_silence_means_once(ada, noon):
    made = registered(ada)["agent_id"]
    beat(ada, made, 1)
    watch()
    assert stored(made).version == 1
    later(noon, 61)
    watch()
    watch()
    assert (stored(made).status, stored(made).version) == ("degraded", 2)
    assert stored(made).event["changes"]["status"] == ["idle", "degraded"]
    later(noon, 91)
    watch()
    watch()
    assert (stored(made).status, stored(made).version) == ("failed", 3)
    assert stored(made).event["changes"]["status"] == ["degraded", "failed"]
    refused = beat(ada, made, 2)
    assert (refused.status, "Register a new one" in refused.json["detail"]) == (409, True)
    later(noon, 86_400 + 92)
    watch()
    assert stored(made).status == "terminated"


def test_an_agent_that_was_only_silent_comes_back(ada, noon):
    made = registered(ada)["agent_id"]
    later(noon, 65)
    watch()
    assert stored(made).status == "degraded"
    assert beat(ada, made, 1).json["status"] == "idle"
    assert stored(made).event["changes"]["status"] == ["degraded", "idle"]


def test_an_agent_that_is_heard_at_the_last_moment_is_not_marked(ada, world, noon):
    made = registered(ada)["agent_id"]
    later(noon, 100)
    with concurrently(heard(world, made, 1)):
        watch()
    assert stored(made).status == "idle"
    later(noon, 200)
    with concurrently(heard(world, made, 2)):
        answer = ada("agents", "POST", "/agents/cleanup-stale").json
    assert (answer["marked_count"], stored(made).status) == (0, "idle")


@pytest.mark.parametrize(
    ("mark", "status"), [("timeout", "failed"), ("terminated", "terminated"), ("quarantined", "quarantined")]
)
def test_stale_agents_are_cleaned_up(ada, noon, mark, status):
    made, alive = registered(ada)["agent_id"], registered(ada)["agent_id"]
    later(noon, 100)
    beat(ada, alive, 1)
    answer = ada("agents", "POST", f"/agents/cleanup-stale?timeout_seconds=60&mark_as={mark}")
    assert answer.json == {
        "success": True,
        "marked_count": 1,
        "cleaned": 1,
        "agent_ids": [made],
        "timeout_seconds": 60,
        "marked_as": mark,
        "message": f"Marked 1 stale agent as {mark}",
    }
    assert (stored(made).status, stored(alive).status) == (status, "idle")
    assert ada("agents", "POST", f"/agents/cleanup-stale?timeout_seconds=60&mark_as={mark}").json["marked_count"] == 0
    assert ada("agents", "POST", "/agents/cleanup-stale?mark_as=gone").status == 422
    assert ada("agents", "POST", "/agents/cleanup-stale?timeout_seconds=60&mark_as=degraded").json["marked_count"] == 0
    assert stored(made).status == status  # what is out of work does not come back by its silence


def test_the_word_of_an_agent_changes_its_status_once(ada, noon):
    made = registered(ada, status="spawning")["agent_id"]
    assert beat(ada, made, 1, status="IDLE").json["status"] == "idle"
    assert beat(ada, made, 2, status="running").json["status"] == "running"
    version = stored(made).version
    assert beat(ada, made, 3, status="running").json["message"] is None
    assert stored(made).version == version
    odd = beat(ada, made, 4, status="spawning").json
    assert (odd["status"], odd["message"]) == ("running", "The agent is running, not spawning")


def test_heartbeats_are_counted_apart_from_other_requests(ada):
    made = registered(ada)["agent_id"]
    before = ada("agents", "GET", f"/agents/{made}")
    sent = [beat(ada, made, number) for number in (1, 2)]
    after = ada("agents", "GET", f"/agents/{made}")
    assert [int(one.header("X-RateLimit-Limit")) for one in (before, sent[0])] == [1_000, 10_000]
    assert int(sent[0].header("X-RateLimit-Remaining")) - int(sent[1].header("X-RateLimit-Remaining")) == 1
    assert int(before.header("X-RateLimit-Remaining")) - int(after.header("X-RateLimit-Remaining")) == 1
