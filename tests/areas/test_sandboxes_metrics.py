"""Logs and metrics of sandboxes, as members of the workspace read them."""

from datetime import timedelta
from unittest.mock import patch

import pytest

from shared.core import clock
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.core.limits import RateRule
from shared.sandboxes.logs.redacting import redact
from shared.sandboxes.logs.writing import Line, append
from shared.sandboxes.metrics import reading
from shared.sandboxes.metrics.measuring import add, add_usage
from shared.sandboxes.metrics.rows import Point
from tests.areas.driving import sign_up
from tests.areas.sandbox_links import new_agent, running
from tests.kills import concurrently, crash_at_every_write
from tests.trips import count_requests


def logs_of(world, sandbox_id, query=""):
    answer = world.ada.at("aintandem")("sandboxes", "GET", f"/sandboxes/{sandbox_id}/logs{query}")
    assert answer.status == 200, answer.text
    return answer.json["data"]


def lines(count, level="info", at=None):
    return [Line(at or clock.iso(), level, f"line {number}") for number in range(count)]


def test_the_newest_lines_come_oldest_first_with_their_total(gateway, world):
    agent = new_agent(gateway, world)
    assert logs_of(world, agent.id) == {
        "sandbox_id": f"sb_{agent.id}",
        "logs": [],
        "meta": {"total": 0, "since": None},
    }
    append(agent.id, world.ws_id, lines(150))
    append(agent.id, world.ws_id, lines(3, "error"))
    found = logs_of(world, agent.id, "?limit=4")
    assert [one["sequence"] for one in found["logs"]] == [150, 151, 152, 153]
    assert found["meta"]["total"] == 153
    assert len(logs_of(world, agent.id)["logs"]) == 100
    assert len(logs_of(world, agent.id, "?limit=1000")["logs"]) == 153


def test_a_level_leaves_out_what_is_less_important(gateway, world):
    agent = new_agent(gateway, world)
    for level in ("debug", "info", "warn", "error"):
        append(agent.id, world.ws_id, lines(2, level))
    assert [logs_of(world, agent.id, f"?level={one}")["meta"]["total"] for one in ("debug", "info", "warn", "error")] == [
        8,
        6,
        4,
        2,
    ]
    assert {one["level"] for one in logs_of(world, agent.id, "?level=error&limit=1")["logs"]} == {"error"}


def test_since_leaves_out_what_is_older(gateway, world):
    agent = new_agent(gateway, world)
    hour = clock.now() - timedelta(hours=1)
    append(agent.id, world.ws_id, lines(5, at=clock.iso(hour)))
    append(agent.id, world.ws_id, lines(2))
    since = clock.iso(hour + timedelta(minutes=1))
    found = logs_of(world, agent.id, f"?since={since}")
    assert (len(found["logs"]), found["meta"]) == (2, {"total": 2, "since": since})


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "level=loud", "since=yesterday", "limit=x"])
def test_what_cannot_be_asked_of_a_log(gateway, world, query):
    agent = new_agent(gateway, world)
    answer = world.ada.at("aintandem")("sandboxes", "GET", f"/sandboxes/{agent.id}/logs?{query}")
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR")


def test_two_writers_use_no_number_twice(gateway, world):
    agent = new_agent(gateway, world)
    with concurrently(lambda: append(agent.id, world.ws_id, [Line(clock.iso(), "info", "faster")])):
        append(agent.id, world.ws_id, [Line(clock.iso(), "info", "slower")])
    assert [(one["sequence"], one["message"]) for one in logs_of(world, agent.id)["logs"]] == [(1, "faster"), (2, "slower")]


def test_a_log_is_limited_by_the_hour(gateway, world):
    agent = running(gateway, world)
    few = (RateRule("minute", 2, 60),)
    with patch("shared.sandboxes.links.hearing.LOGS", few):
        for _ in range(3):
            agent.say("log", entries=[{"timestamp": clock.iso(), "level": "info", "message": "x"}])
    (told,) = agent.heard()
    assert (told["data"]["code"], told["data"]["action"]) == ("RATE_LIMIT_EXCEEDED", "log")
    assert logs_of(world, agent.id)["meta"]["total"] == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("KeyError: keyboard_layout is not set", "KeyError: keyboard_layout is not set"),
        ("skipped risk-assessment-of-everything", "skipped risk-assessment-of-everything"),
        ("Bearer abcdefgh12345", "Bearer ***"),
        ("token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0abc.sig", "token=***"),
        ("ghp_0123456789abcdefghij0123", "***"),
        ("AKIAIOSFODNN7EXAMPLE", "***"),
    ],
)
def test_only_what_is_a_key_is_taken_out_of_a_line(text, shown):
    assert redact(text) == shown


def test_long_lines_are_cut_and_stand_in_several_rows(gateway, world):
    agent = new_agent(gateway, world)
    append(agent.id, world.ws_id, [Line(clock.iso(), "info", "x" * 20_000) for _ in range(3)])
    found = logs_of(world, agent.id)["logs"]
    assert [one["sequence"] for one in found] == [1, 2, 3]
    assert all(one["message"].startswith("xxx") and "cut" in one["message"] for one in found)


def test_what_is_not_measured_is_null(gateway, world):
    agent = running(gateway, world)
    answer = world.ada.at("aintandem")("sandboxes", "GET", f"/sandboxes/{agent.id}/metrics").json["data"]
    assert set(answer["resources"].values()) == {None}
    assert answer["messaging"] == {
        "messages_sent": 0,
        "messages_received": 0,
        "messages_failed": 0,
        "avg_response_time_ms": None,
    }
    agent.say("heartbeat", usage={"memory_mb": 256.0, "disk_mb": 7.5})
    answer = world.ada.at("aintandem")("sandboxes", "GET", f"/sandboxes/{agent.id}/metrics").json["data"]
    assert answer["resources"] == {
        "cpu_usage_percent": None,
        "memory_usage_mb": 256,
        "memory_usage_percent": 50.0,
        "disk_usage_mb": 8,
        "network_in_bytes": None,
        "network_out_bytes": None,
    }
    assert answer["health"] == {"status": "healthy", "uptime_seconds": 0, "restart_count": 0}


def aggregate_of(world, query=""):
    return world.ada.at("aintandem")("sandboxes", "GET", f"/workspaces/ws_{world.ws_id}/metrics/aggregate{query}")


def test_an_aggregate_adds_up_what_was_measured_in_its_time(gateway, world, late):
    first, second = running(gateway, world), new_agent(gateway, world, "backend-team")
    late.shift(-3 * 3_600)
    add_usage(first.id, {"cpu_percent": 90, "memory_mb": 512}, {}, 512)
    late.shift(3 * 3_600)
    add_usage(first.id, {"cpu_percent": 20, "memory_mb": 128}, {}, 512)
    add_usage(second.id, {"cpu_percent": 40, "memory_mb": 256, "network_in_bytes": 10}, {}, 512)
    add(first.id, [Point.sent.add(3), Point.answered.add(2), Point.answer_ms.add(301)])
    since = clock.iso(clock.now() - timedelta(minutes=5))
    found = aggregate_of(world, f"?since={since}&granularity=minute").json["data"]
    assert found["summary"] == {
        "total_sandboxes": 2,
        "active_sandboxes": 1,
        "total_messages": 3,
        "avg_cpu_usage": 30.0,
        "avg_memory_usage": 37.5,
    }
    assert found["period"] == {"start": since[:16] + ":00.000Z", "end": clock.iso(), "granularity": "minute"}
    of = {one["name"]: one for one in found["by_sandbox"]}
    assert (of["frontend-team"]["avg_cpu_usage"], of["frontend-team"]["avg_response_time_ms"]) == (20.0, 150)
    assert (of["backend-team"]["network_in_bytes"], of["backend-team"]["status"]) == (10, "provisioning")
    hours = aggregate_of(world).json["data"]
    assert [one["avg_cpu_usage"] for one in hours["intervals"]] == [90.0, 30.0]
    assert aggregate_of(world, "?granularity=day").json["data"]["summary"]["avg_cpu_usage"] == 50.0


def test_an_aggregate_is_bounded(gateway, world):
    for name in ("one", "two"):
        new_agent(gateway, world, name)
    with patch.object(reading, "MAX_POINTS", 50):
        refused = aggregate_of(world, "?granularity=minute")
    assert (refused.status, refused.json["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert aggregate_of(world, "?since=1999-01-01&granularity=minute").json["data"]["period"]["start"] > "2020"
    assert aggregate_of(world, "?granularity=week").status == 422
    assert aggregate_of(world, "?since=2999-01-01").json["data"]["summary"]["total_messages"] == 0


def test_others_see_neither_logs_nor_metrics(gateway, world):
    agent = running(gateway, world)
    stranger = sign_up("Stan", "stan@example.com").at("aintandem")
    viewer = world.join("Vic", "vic@example.com", Role.VIEWER).at("aintandem")
    paths = [f"/sandboxes/{agent.id}/logs", f"/sandboxes/{agent.id}/metrics", f"/workspaces/{world.ws_id}/metrics/aggregate"]
    assert [stranger("sandboxes", "GET", one).status for one in paths] == [404, 404, 404]
    assert [viewer("sandboxes", "GET", one).status for one in paths] == [200, 200, 200]
    assert [agent.ask("sandboxes", "GET", one).status for one in paths] == [401, 401, 401]
    assert world.ada.at("aintandem")("sandboxes", "GET", f"/sandboxes/{new_id()}/metrics").status == 404


def test_what_an_aggregate_costs(gateway, world):
    agents = [running(gateway, world, f"team {number}") for number in range(3)]
    for agent in agents:
        agent.say("heartbeat", usage={"memory_mb": 1.0})
    with count_requests() as seen:
        assert aggregate_of(world).status == 200
    assert seen.count <= 2, seen.names


def test_a_connection_that_dies_at_any_write_leaves_a_sandbox_that_can_connect_again(gateway, world):
    for number, process in enumerate(crash_at_every_write()):
        agent = new_agent(gateway, world, f"team {number}")
        with process:
            agent.connect()
            agent.say("ready")
            agent.say("heartbeat", usage={"memory_mb": 1.0})
        agent.connect()
        agent.say("ready")
        agent.say("heartbeat", usage={"memory_mb": 2.0})
        assert agent.status == 200
        assert (agent.row.status, agent.link.usage["memory_mb"]) == ("running", 2.0)
        world.ada.at("aintandem")("sandboxes", "DELETE", f"/sandboxes/{agent.id}")
