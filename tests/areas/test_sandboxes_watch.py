"""The job that watches sandboxes, and what becomes of them with their organization and their workspace."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine

from functions.message_worker.handler import handler as message_worker
from functions.sandbox_steps.handler import handler as steps
from shared.core import clock
from shared.core.errors import NotFound
from shared.edge.cascade import clearing
from shared.edge.cascade.purging import RETENTION
from shared.edge.cascade.queue import Task
from shared.people.tenancy.organizations import set_status as set_organization_status
from shared.people.tenancy.rows import Workspace
from shared.sandboxes.lifecycle import living
from shared.sandboxes.lifecycle.changing import delete_sandbox
from shared.sandboxes.lifecycle.creating import NewSandbox, create_sandbox
from shared.sandboxes.lifecycle.rows import Link, Sandbox, SandboxCount, sandboxes_of
from shared.sandboxes.messages.broadcasting import NewBroadcast, broadcast_message
from shared.sandboxes.messages.sending import NewMessage, send_message
from shared.sandboxes.metrics.measuring import add
from shared.sandboxes.metrics.rows import Point
from shared.store import fetch, get, put, query, write
from shared.store.client import dynamodb
from tests.areas.cascades import process_all
from tests.areas.driving import Context, run_jobs
from tests.areas.queues import drain_queue
from tests.areas.sandbox_machines import Executions, FakeMachine, executions_noted, machine_in_force
from tests.areas.test_cascade import Place
from tests.areas.viewers import project, raw_row, stream_record
from tests.kills import concurrently, crash_at_write
from tests.samples.sandboxes import TEAM, in_status


@pytest.fixture
def machine():
    with machine_in_force() as one:
        yield one


@pytest.fixture
def begun():
    with executions_noted() as noted:
        yield noted


def make(world, name: str = "frontend-team") -> Sandbox:
    return create_sandbox(world.actor, world.ws_id, NewSandbox(name, TEAM["agent_config"]))


@pytest.fixture
def sandbox(world) -> Sandbox:
    return make(world)


def stored(sandbox: Sandbox) -> Sandbox:
    row = fetch(Sandbox, sandbox.id)
    assert row is not None
    return row


def step(sandbox: Sandbox, name: str):
    row = stored(sandbox)
    return steps({"step": name, "sandbox_id": row.id, "start_number": int(row.start_number)}, None)


def linked(sandbox: Sandbox, **fields) -> None:
    link = Link.of(sandbox.id)
    link.start_number, link.connection, link.heartbeat_at = stored(sandbox).start_number, "c1", clock.iso()
    for name, value in fields.items():
        setattr(link, name, value)
    write(put(link))


def work(*bodies: dict) -> None:
    """Let the worker of the queue `sandbox-messages` do these."""
    about = {"receiptHandle": "r", "attributes": {}, "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1"}
    about["eventSourceARN"] = "arn:aws:sqs:us-east-1:123456789012:sandbox-messages"
    if not bodies:
        return
    records = [about | {"messageId": f"m{number}", "body": json.dumps(body)} for number, body in enumerate(bodies)]
    assert message_worker({"Records": records}, Context()) == {"batchItemFailures": []}


def watch(begun: Executions) -> list[tuple[str, str]]:
    """Run the job and what it wakes; return the steps that were begun."""
    run_jobs("sandbox-watch")
    work(*(one for one in drain_queue("sandbox_messages_queue") if "watch" in one))
    return begun.steps()


def test_who_is_silent_for_a_minute_is_looked_at_and_who_is_heard_is_not(world, sandbox, begun, late, machine: FakeMachine):
    heard = make(world, "backend-team")
    for one in (sandbox, heard):
        step(one, "start")
        assert living.become_ready(one.id, 1)
        linked(one)
    late.shift(59)
    assert watch(begun) == []
    linked(heard)
    late.shift(1)
    assert watch(begun) == [("look", sandbox.id)]
    assert watch(begun) == []  # in the same two minutes
    step(sandbox, "look")
    assert (stored(sandbox).status, stored(heard).status) == ("restarting", "running")
    assert machine.running == {(heard.id, 1)}


def test_who_is_heard_between_the_list_and_the_look_is_left_alone(sandbox, begun, late, machine: FakeMachine):
    step(sandbox, "start")
    living.become_ready(sandbox.id, 1)
    linked(sandbox)
    late.shift(60)
    step(sandbox, "look")
    assert stored(sandbox).status == "restarting"
    in_status(sandbox.id, "running")
    late.shift(60)
    linked(sandbox)
    step(sandbox, "look")
    assert stored(sandbox).status == "running"


@pytest.mark.parametrize(
    ("status", "seconds", "again"), [("starting", 300, "start"), ("restarting", 300, "start"), ("stopping", 120, "stop")]
)
def test_what_nobody_works_on_begins_again(sandbox, begun, late, status, seconds, again):
    in_status(sandbox.id, status)
    late.shift(seconds - 1)
    assert watch(begun) == []
    late.shift(1)
    assert watch(begun) == [(again, sandbox.id)]
    late.shift(120)
    assert watch(begun) == [(again, sandbox.id)]


@pytest.mark.parametrize("status", ["stopped", "asleep", "error"])
def test_what_does_not_run_is_not_watched(sandbox, begun, late, status):
    in_status(sandbox.id, status)
    late.shift(86_400)
    assert watch(begun) == []


def test_the_machine_of_a_deleted_sandbox_is_ended_also_if_nobody_was_told(world, sandbox, begun, late, machine: FakeMachine):
    step(sandbox, "start")
    delete_sandbox(world.actor, sandbox.id)
    assert watch(begun) == []
    late.shift(120)
    assert watch(begun) == [("stop", sandbox.id)]
    step(sandbox, "stop")
    assert machine.running == set()
    late.shift(120)
    assert watch(begun) == []


def test_in_a_suspended_organization_what_runs_is_stopped(world, sandbox, begun, machine: FakeMachine):
    step(sandbox, "start")
    living.become_ready(sandbox.id, 1)
    linked(sandbox)
    assert watch(begun) == []
    set_organization_status(str(sandbox.org_id), "suspended")
    watch(begun)
    assert (stored(sandbox).status, stored(sandbox).reason) == ("stopping", "Its organization is suspended")
    step(sandbox, "stop")
    assert (stored(sandbox).status, machine.running) == ("stopped", set())
    assert world.ada.at("aintandem")("sandboxes", "POST", f"/sandboxes/sb_{sandbox.id}/start").status == 403
    set_organization_status(str(sandbox.org_id), "active")
    watch(begun)
    assert stored(sandbox).status == "stopped"  # who is paid for again starts what they want
    assert world.ada.at("aintandem")("sandboxes", "POST", f"/sandboxes/sb_{sandbox.id}/start").status == 202


def test_the_job_does_not_undo_what_happened_meanwhile(sandbox, begun, machine: FakeMachine):
    in_status(sandbox.id, "running")
    set_organization_status(str(sandbox.org_id), "suspended")
    with concurrently(lambda: in_status(sandbox.id, "stopped")):
        watch(begun)
    assert stored(sandbox).status == "stopped"


def lost(sandbox: Sandbox) -> None:
    work({"lost": sandbox.id, "start_number": int(stored(sandbox).start_number), "since": clock.epoch()})


def test_a_lost_connection_is_looked_after_by_the_state_machine_unless_it_is_back(sandbox, begun, late, machine: FakeMachine):
    step(sandbox, "start")
    living.become_ready(sandbox.id, 1)
    linked(sandbox)
    lost(sandbox)
    assert begun.steps() == []
    linked(sandbox, connection=None)
    lost(sandbox)
    lost(sandbox)  # the same wake twice
    assert begun.steps() == [("look", sandbox.id)]
    late.shift(30)
    lost(sandbox)  # the same start may lose it again
    assert begun.steps() == [("look", sandbox.id)]
    machine.dead[sandbox.id] = "It was killed by signal 9"
    step(sandbox, "look")
    assert stored(sandbox).reason == "It crashed. It was killed by signal 9"


def everything(needle: str) -> list[str]:
    found = [row for table in ("core", "telemetry") for row in dynamodb().scan(TableName=table)["Items"]]
    return [f"{row['PK']['S']} {row['SK']['S']}" for row in found if needle in json.dumps(row)]


def test_a_deleted_workspace_stops_its_sandboxes_and_nothing_of_them_is_left(aws, begun, machine: FakeMachine):
    place = Place()
    team = [
        create_sandbox(place.actor, place.ws_id, NewSandbox(name, TEAM["agent_config"])) for name in ("alpha", "beta", "gamma")
    ]
    for one in team:
        step(one, "start")
        living.become_ready(one.id, 1)
        linked(one)
    sent = send_message(place.actor, team[0].id, NewMessage(to=team[1].id, message_type="request", content="x" * 5_000))
    broadcast_message(place.actor, place.ws_id, NewBroadcast(team[0].id, "notification", "news"))
    add(team[0].id, [Point.sent.add(1)])
    assert everything(sent.id)
    place.delete()
    process_all()
    for one in team:
        assert stored(one).deleted_at
        assert project(stream_record(raw_row(f"SBX#{one.id}"))) == []
    assert sorted(begun.steps()) == sorted(("stop", one.id) for one in team)
    for one in team:
        step(one, "stop")
    assert machine.running == set()
    with pytest.raises(NotFound):
        create_sandbox(place.actor, place.ws_id, NewSandbox("late", TEAM["agent_config"]))
    workspace = fetch(Workspace, place.ws_id)
    assert workspace is not None
    assert workspace.cleared_at
    with time_machine.travel(clock.now() + RETENTION + timedelta(hours=1), tick=False):
        run_jobs("purge")
        process_all()
    for one in team:
        assert everything(one.id) == []
    assert everything(sent.id) == []


def test_a_sandbox_that_is_made_while_its_workspace_is_cleared_is_none(aws, begun, machine: FakeMachine):
    place = Place()
    place.delete()

    def come() -> None:
        with suppress(NotFound):
            create_sandbox(place.actor, place.ws_id, NewSandbox("between", TEAM["agent_config"]))

    with concurrently(come):
        process_all()
    assert query(Sandbox, sandboxes_of(place.ws_id), index=1).rows == []


def test_a_cascade_that_dies_at_any_write_leaves_no_sandbox_behind(aws, begun, machine: FakeMachine):
    place = Place()
    team = [create_sandbox(place.actor, place.ws_id, NewSandbox(name, TEAM["agent_config"])) for name in ("alpha", "beta")]
    place.delete()
    deaths = 0
    for number in range(1, 20):
        with crash_at_write(number) as process:
            assert clearing.process(Task(place.ws_id, "sandboxes"), float("inf")) is None
        deaths += process.dead
        if not process.dead:
            break
    assert deaths > 1
    assert all(stored(one).deleted_at for one in team)
    counted = get(SandboxCount, f"WS#{place.ws_id}", "SBX")
    assert counted is not None
    assert counted.living == 0
