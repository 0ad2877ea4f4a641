"""The configuration of a sandbox: what changes at once, what waits for the next start, and what a running one is told."""

import pytest

from functions.sandbox_steps.handler import handler as steps
from shared.core.actor import Role
from shared.people.tenancy.organizations import set_status as set_organization_status
from shared.sandboxes.lifecycle import living
from shared.sandboxes.lifecycle.changing import delete_sandbox, restart_sandbox, stop_sandbox
from shared.sandboxes.lifecycle.configuring import SandboxChanges, change_sandbox
from shared.sandboxes.lifecycle.creating import NewSandbox, create_sandbox
from shared.sandboxes.lifecycle.rows import LEFT, Link, Sandbox
from shared.sandboxes.lifecycle.servers import told
from shared.store import fetch, iterate_shards, put, query, write
from tests.areas.driving import deadline, sign_up
from tests.areas.sandbox_machines import FakeMachine, machine_in_force
from tests.kills import concurrently
from tests.samples.sandboxes import CONFIG, TEAM, in_status


@pytest.fixture
def machine():
    with machine_in_force() as one:
        yield one


@pytest.fixture
def sandbox(world) -> Sandbox:
    new = NewSandbox("frontend-team", TEAM["agent_config"], environment_variables={"NODE_ENV": "development", "COLOR": "1"})
    return create_sandbox(world.actor, world.ws_id, new)


def stored(sandbox: Sandbox) -> Sandbox:
    row = fetch(Sandbox, sandbox.id)
    assert row is not None
    return row


def step(sandbox: Sandbox, name: str):
    return steps({"step": name, "sandbox_id": sandbox.id, "start_number": int(sandbox.start_number)}, None)


def put_config(world, sandbox: Sandbox, body):
    return world.ada.at("aintandem")("sandboxes", "PUT", f"/sandboxes/sb_{sandbox.id}/config", body=body)


def left() -> list[str]:
    return [row.entity_id for row in iterate_shards(Sandbox, LEFT, deadline(), index=1)]


def test_the_documents_sample_changes_what_it_names_and_nothing_else(world, sandbox):
    in_status(sandbox.id, "stopped")
    answer = put_config(world, sandbox, CONFIG)
    assert answer.status == 200, answer.text
    data = answer.json["data"]
    assert data["resources"] == {
        "memory_mb": 1024,
        "cpu_cores": 2,
        "timeout_seconds": 300,
        "max_processes": 20,
        "disk_mb": 512,
    }
    assert data["environment_variables"] == {"NODE_ENV": "production", "COLOR": "1"}
    assert data["agent_config"] == TEAM["agent_config"]
    assert data["pending_changes"] == []  # nothing runs: all of it holds from the next start on
    shown = world.ada.at("aintandem")("sandboxes", "GET", f"/sandboxes/sb_{sandbox.id}/config").json["data"]
    assert shown == data


def test_null_removes_a_variable_and_ends_the_sleep(world, sandbox):
    assert put_config(world, sandbox, {"idle_seconds": 60}).json["data"]["idle_seconds"] == 60
    kept = put_config(world, sandbox, {"environment_variables": {"COLOR": None}}).json["data"]
    assert (kept["environment_variables"], kept["idle_seconds"]) == ({"NODE_ENV": "development"}, 60)
    assert put_config(world, sandbox, {"idle_seconds": None}).json["data"]["idle_seconds"] is None


def test_a_running_sandbox_takes_over_what_it_can_and_the_rest_waits_for_its_next_start(world, sandbox, machine: FakeMachine):
    step(sandbox, "start")
    living.become_ready(sandbox.id, 1)
    answer = put_config(world, sandbox, CONFIG | {"allowed_hosts": ["API.Example.com", "*.example.org"]})
    assert answer.json["data"]["pending_changes"] == ["resources", "environment_variables"]
    changed = stored(sandbox).event["data"]["changed"]
    assert told(stored(sandbox), changed) == {"allowed_hosts": ["api.example.com", "*.example.org"]}
    restart_sandbox(world.actor, sandbox.id)
    assert stored(sandbox).pending_changes == ["resources", "environment_variables"]
    step(stored(sandbox), "start")
    assert stored(sandbox).pending_changes == []
    assert machine.started[-1].environment["NODE_ENV"] == "production"


def test_what_is_changed_while_the_machine_is_started_waits_too(world, sandbox, machine: FakeMachine):
    changes = SandboxChanges(environment_variables={"NODE_ENV": "production"})
    with concurrently(lambda: change_sandbox(world.actor, sandbox.id, changes)):
        step(sandbox, "start")
    assert machine.started[0].environment["NODE_ENV"] == "development"
    assert stored(sandbox).pending_changes == ["environment_variables"]
    living.become_ready(sandbox.id, 1)
    assert stored(sandbox).pending_changes == ["environment_variables"]


def test_a_change_of_nothing_writes_nothing(world, sandbox):
    before = stored(sandbox)
    assert put_config(world, sandbox, {}).status == 200
    assert put_config(world, sandbox, {"environment_variables": {"COLOR": "1"}}).status == 200
    assert stored(sandbox).version == before.version


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"resources": {"memory_mb": 127}}, "memory_mb"),
        ({"environment_variables": {"PYTHONPATH": "/x"}}, "environment_variables"),
        ({"environment_variables": {f"V{n}": "x" * 4_000 for n in range(5)}}, "environment_variables"),
        ({"environment_variables": {"A": "a\u0000b"}}, "environment_variables"),
        ({"allowed_hosts": ["*"]}, "allowed_hosts"),
        ({"allowed_hosts": ["169.254.169.254"]}, "allowed_hosts"),
        ({"allowed_hosts": ["https://example.com"]}, "allowed_hosts"),
        ({"allowed_hosts": ["a.*.example.com"]}, "allowed_hosts"),
        ({"idle_seconds": 59}, "idle_seconds"),
        ({"agent_config": {"sub_agents": []}}, "primary_agent"),
        (
            {"agent_config": {"primary_agent": {"name": "a"}, "sub_agents": [{"name": "b", "system_prompt": "x" * 20_000}] * 4}},
            "agent_config",
        ),
        ({"mcp_servers": [{"name": "m", "command": ["x" * 1_000] * 21}]}, "mcp_servers"),
    ],
)
def test_what_cannot_be_configured(world, sandbox, wrong, field):
    answer = put_config(world, sandbox, wrong)
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR"), answer.text
    assert field in answer.text
    body = {"name": "another", **TEAM} | wrong
    created = world.ada.at("aintandem")("sandboxes", "POST", f"/workspaces/{world.ws_id}/sandboxes", body=body)
    assert created.status == 422, created.text


def test_who_may_see_and_change_it(world, sandbox):
    path = f"/sandboxes/sb_{sandbox.id}/config"
    stranger = sign_up("Stan", "stan@example.com").at("aintandem")
    viewer = world.join("Vic", "vic@example.com", Role.VIEWER).at("aintandem")
    assert stranger("sandboxes", "GET", path).status == stranger("sandboxes", "PUT", path, body=CONFIG).status == 404
    assert viewer("sandboxes", "GET", path).status == 200
    assert viewer("sandboxes", "PUT", path, body=CONFIG).status == 403
    delete_sandbox(world.actor, sandbox.id)
    assert put_config(world, sandbox, CONFIG).status == 404


def test_no_machine_is_left_by_a_start_that_died_before_it_could_say_so(world, sandbox, machine: FakeMachine):
    """The machine runs and its row does not know it: whoever comes next ends it."""
    place = (sandbox.id, 1)
    machine.running.add(place)
    stop_sandbox(world.actor, sandbox.id)
    step(stored(sandbox), "stop")
    assert machine.running == set()
    machine.running.add(place)
    assert step(sandbox, "start")["next"] == "ended"  # repeated by the state machine
    assert machine.running == set()
    in_status(sandbox.id, "starting")  # a newer start
    machine.running.add(place)
    step(sandbox, "start")
    assert machine.running == set()


def test_an_older_start_does_not_end_the_machine_that_a_newer_one_has_at_the_same_place(sandbox, machine: FakeMachine):
    machine.one_place = True
    in_status(sandbox.id, "starting")
    machine.running.add((sandbox.id, 1))
    step(sandbox, "start")
    assert machine.running == {(sandbox.id, 1)}


def test_a_deleted_sandbox_is_listed_until_its_machine_has_ended(world, sandbox, machine: FakeMachine):
    step(sandbox, "start")
    delete_sandbox(world.actor, sandbox.id)
    assert left() == [sandbox.id]
    machine.unavailable = True
    with pytest.raises(Exception, match="does not answer"):
        step(stored(sandbox), "stop")
    assert left() == [sandbox.id]
    machine.unavailable = False
    step(stored(sandbox), "stop")
    assert (left(), machine.running) == ([], set())
    deleted = query(Sandbox, f"TRASH#WS#{world.ws_id}", index=1).rows  # where the purge finds it
    assert [row.entity_id for row in deleted] == [sandbox.id]


def test_in_a_suspended_organization_no_machine_starts(world, sandbox, machine: FakeMachine):
    set_organization_status(str(sandbox.org_id), "suspended")
    assert step(sandbox, "start")["next"] == "ended"
    assert machine.started == []
    assert (stored(sandbox).status, stored(sandbox).reason) == ("stopping", "Its organization is suspended")
    step(stored(sandbox), "stop")
    assert stored(sandbox).status == "stopped"
    start = world.ada.at("aintandem")("sandboxes", "POST", f"/sandboxes/sb_{sandbox.id}/start")
    assert start.status == 403


def test_a_connection_that_says_nothing_for_a_minute_is_none(sandbox, machine: FakeMachine, late):
    step(sandbox, "start")
    running = living.become_ready(sandbox.id, 1)
    assert running is not None
    link = Link.of(sandbox.id)
    link.start_number, link.connection, link.heartbeat_at = 1, "half open", running.started_at
    write(put(link))
    late.shift(59)
    assert step(stored(sandbox), "look")["next"] == "ended"
    assert stored(sandbox).status == "running"
    late.shift(2)
    step(stored(sandbox), "look")
    assert (stored(sandbox).status, machine.running) == ("restarting", set())
