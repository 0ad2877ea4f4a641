"""The connection of a sandbox to the platform: who may connect, what it is told, what follows from what it says."""

import json
import re
from datetime import timedelta
from unittest.mock import patch

import pytest

from infra.routes import table
from shared.core import clock
from shared.core.limits import RateRule
from shared.people.access import tokens
from shared.sandboxes.lifecycle.rows import ASLEEP, ERROR, RUNNING, STOPPED, STOPPING, Link
from shared.sandboxes.metrics.rows import Point
from shared.store import get, update_now
from tests.areas.driving import Client
from tests.areas.sandbox_links import Agent, new_agent, running
from tests.areas.viewers import Viewer, drain
from tests.samples.sandboxes import TEAM, in_status

NOTHING = {"cpu_percent": None, "memory_mb": None}


def test_a_sandbox_connects_is_configured_and_runs_when_it_is_ready(gateway, world):
    agent = new_agent(gateway, world).connect()
    assert (agent.status, agent.heard()) == (200, [])
    gateway.answers[agent.connection] = [410, 410]  # the handshake is still under way
    drain()
    (told,) = agent.heard()
    assert told == {
        "event": "configure",
        "data": {
            "name": "frontend-team",
            "agent_config": TEAM["agent_config"],
            "resources": agent.row.resources,
            "mcp_servers": [],
            "workspace_id": f"ws_{world.ws_id}",
        },
    }
    assert agent.row.status == "provisioning"
    agent.say("ready", mcp_servers={"filesystem": "connected", "web-search": "error"}, agent_version="1")
    assert agent.row.status == RUNNING
    shown = world.ada.at("aintandem")("sandboxes", "GET", f"/sandboxes/{agent.id}/status").json["data"]
    assert shown["connections"] == {
        "collaboration_bus": "connected",
        "mcp_servers": {"filesystem": "connected", "web-search": "error"},
    }
    assert shown["health"]["status"] == "healthy"
    agent.say("ping")
    assert agent.heard() == [{"event": "pong"}]


def test_a_newer_connection_replaces_the_older_one_whose_end_changes_nothing(gateway, world):
    agent = running(gateway, world)
    older = agent.connection
    agent.connect()
    drain()
    assert gateway.closed == [older]
    newer, agent.connection = agent.connection, older
    agent.say("ping")
    assert agent.heard() == []
    agent.leave()
    assert agent.link.connection == newer
    agent.connection = newer
    agent.leave()
    assert agent.link.connection is None


def test_only_the_token_of_this_sandbox_and_of_its_present_start_connects(gateway, world):
    first, second = new_agent(gateway, world), new_agent(gateway, world, "backend-team")
    assert first.connect(second.id).status == 401
    before = Agent(gateway, first.row)
    in_status(first.id, "restarting")
    assert before.connect().status == 401
    after = Agent(gateway, first.row)
    assert after.connect().status == 200
    for status in (STOPPED, ERROR, ASLEEP, STOPPING):
        in_status(first.id, status)
        assert after.connect().status == 401
    assert Viewer(gateway, None, f"/ws/sandboxes/sb_{first.id}", token="nonsense").status == 401
    assert Viewer(gateway, None, "/api/v1/ws/events", token=second.token).status == 401


def test_a_token_that_has_expired_connects_nobody(gateway, world, late):
    agent = new_agent(gateway, world)
    late.shift(tokens.SANDBOX_SECONDS + 1)
    assert agent.connect().status == 401


def test_what_an_earlier_start_says_is_not_heard(gateway, world):
    agent = running(gateway, world)
    in_status(agent.id, "restarting")
    again = Agent(gateway, agent.row).connect()
    agent.say("heartbeat", usage={"memory_mb": 512.0})
    assert again.link.usage is None
    assert agent.connection in gateway.closed
    agent.say("ready")
    assert again.row.status == "restarting"


def test_a_heartbeat_is_kept_and_counted_in_the_points_of_its_minute_hour_and_day(gateway, world, late):
    agent = running(gateway, world)
    usage = {
        "cpu_percent": 25.5,
        "memory_mb": 256.0,
        "disk_mb": 3,
        "network_in_bytes": 1_000,
        "network_out_bytes": 10,
        "processes": 2,
    }
    agent.say("heartbeat", usage=usage, busy=[])
    agent.say("heartbeat", usage=usage | {"network_in_bytes": 1_500, "cpu_percent": None}, busy=["one"])
    assert (agent.link.usage["network_in_bytes"], agent.link.busy) == (1_500, ["one"])
    for granularity, start in (("minute", clock.iso()[:16]), ("hour", clock.iso()[:13]), ("day", clock.iso()[:10])):
        point = get(Point, *Point.key(agent.id, granularity, start))
        assert (point.samples, point.cpu_sum, point.cpu_samples) == (2, 25_500, 1)
        assert (point.memory_sum, point.memory_samples) == (2 * 256 * 1_024, 2)
        assert (point.network_in, point.network_out) == (1_500, 10)


def test_the_next_token_comes_long_before_the_present_one_expires(gateway, world, late):
    agent = running(gateway, world)
    agent.say("heartbeat")
    assert agent.heard() == []
    late.shift(tokens.SANDBOX_SECONDS / 3 + 1)
    gateway.answers[agent.connection] = [500, 500, 500]
    agent.say("heartbeat", busy=["x"])  # the connection does not take it: it comes with the next heartbeat
    assert agent.heard() == []
    agent.say("heartbeat", busy=["x"])
    (told,) = agent.heard()
    assert told["event"] == "token"
    assert tokens.read(told["data"]["token"], tokens.SANDBOX).session_id == "1"
    agent.say("heartbeat", busy=["x"])
    assert agent.heard() == []


@pytest.mark.parametrize(
    ("setting", "idle", "busy", "then"),
    [(300, 301, [], STOPPING), (300, 200, [], RUNNING), (None, 9_000, [], RUNNING), (300, 301, ["m"], RUNNING)],
)
def test_who_is_idle_for_longer_than_its_setting_falls_asleep(gateway, world, late, setting, idle, busy, then):
    agent = running(gateway, world, idle_seconds=setting)
    late.shift(idle)
    agent.say("heartbeat", busy=busy)
    assert agent.row.status == then
    if then == STOPPING:
        assert agent.row.reason == "It was idle"


def test_a_message_of_a_moment_ago_keeps_it_awake(gateway, world, late):
    agent = running(gateway, world, idle_seconds=60)
    late.shift(61)
    update_now(Link.of(agent.id), [Link.message_at.set(clock.epoch())])
    agent.say("heartbeat")
    assert agent.row.status == RUNNING


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not valid JSON"),
        ("[]", "JSON object"),
        ("{}", "action"),
        ('{"action": "fly"}', "action"),
        ('{"action": "heartbeat", "usage": {"cpu_percent": -1}}', "usage.cpu_percent"),
        ('{"action": "heartbeat", "usage": {"cpu_percent": NaN}}', "NaN"),
        ('{"action": "heartbeat", "busy": "no"}', "busy"),
        ('{"action": "ready", "mcp_servers": {"a": "perhaps"}}', "mcp_servers.a"),
        (json.dumps({"action": "log", "entries": [{"timestamp": "t", "level": "info", "message": "x"}] * 51}), "entries"),
        ('{"action": "log", "entries": [{"timestamp": "t", "level": "info", "message": "' + "x" * 40_000 + '"}]}', "32,768"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(gateway, world, text, reason):
    agent = running(gateway, world)
    agent.send(text)
    (told,) = agent.heard()
    assert told["event"] == "error"
    assert reason in told["data"]["message"], told


def test_who_says_too_much_is_told_so_and_disconnected(gateway, world):
    agent = running(gateway, world)
    from dataclasses import replace

    from functions.ws import handler, sandboxes

    few = replace(sandboxes.LINK, messages=RateRule("messages", 3, 60))
    with patch.dict(handler._BY_NAME, {sandboxes.LINK.name: few}):
        for _ in range(4):
            agent.say("ping")
    told = agent.heard()
    assert told[-1]["data"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert agent.connection in gateway.closed


def _owner(world):
    return world.ada.at("aintandem")


def test_a_sandbox_of_a_suspended_organization_may_change_nothing(gateway, world):
    from shared.people.tenancy.organizations import set_status
    from shared.sandboxes.lifecycle.identity import caller_of_sandbox

    agent = running(gateway, world)
    set_status(str(agent.row.org_id), "suspended")
    claims = tokens.read(agent.token, tokens.SANDBOX)
    actor, _ = caller_of_sandbox(claims, agent.id, changes=True)
    from shared.core.actor import Permission
    from shared.core.errors import OrganizationClosed

    with pytest.raises(OrganizationClosed):
        actor.require(Permission.AGENT_RUN, world.ws_id)


def test_the_lines_of_a_sandbox_stand_in_its_log_without_its_keys(gateway, world, late):
    agent = running(gateway, world)
    at = clock.iso(clock.now() - timedelta(seconds=2))
    agent.say(
        "log",
        entries=[
            {"timestamp": at, "level": "info", "message": "Agent started successfully"},
            {"timestamp": "yesterday", "level": "warning", "message": f"I was told {agent.token} and sk-ant-0123456789abcdef"},
            {"timestamp": "2099-01-01T00:00:00Z", "level": "critical", "message": "Authorization: Bearer abcdefghijk"},
        ],
    )
    answer = _owner(world)("sandboxes", "GET", f"/sandboxes/{agent.id}/logs")
    assert answer.status == 200, answer.text
    logs = answer.json["data"]["logs"]
    assert [(one["level"], one["message"]) for one in logs] == [
        ("info", "Agent started successfully"),
        ("warn", "I was told *** and ***"),
        ("error", "Authorization: Bearer ***"),
    ]
    assert [one["timestamp"] for one in logs] == [at, clock.iso(), clock.iso()]


def test_a_sandboxes_token_opens_no_operation_that_is_not_declared_for_it(gateway, world):
    agent = running(gateway, world)
    tried = 0
    for route in table():
        operation = route.operation
        if operation.public or operation.for_sandboxes:
            continue
        path = re.sub(r"\{[^}]*\}", agent.id, operation.path)
        answer = Client(operation.contract.name, token=agent.token)(operation.area, operation.method, path)
        assert answer.status == 401, f"{operation.contract.name} {operation.id} answered {answer.status}"
        tried += 1
    assert tried > 200
