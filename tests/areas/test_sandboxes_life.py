"""The life of a sandbox: the steps of its state machine, crashes, sleep. The machine is a fake of the port."""

import pytest

from functions.sandbox_steps.handler import handler
from shared.core import clock
from shared.people.access import tokens
from shared.sandboxes.lifecycle import living
from shared.sandboxes.lifecycle.changing import delete_sandbox, restart_sandbox, start_sandbox, stop_sandbox
from shared.sandboxes.lifecycle.creating import NewSandbox, create_sandbox
from shared.sandboxes.lifecycle.rows import Link, Sandbox
from shared.store import StepInterrupted, fetch, get, put, write
from tests.areas.sandbox_machines import ISOLATION, FakeMachine, machine_in_force
from tests.kills import concurrently
from tests.samples.sandboxes import TEAM, in_status

ENDED = {"next": "ended", "seconds": 0}


@pytest.fixture
def machine():
    with machine_in_force() as one:
        yield one


@pytest.fixture
def sandbox(world) -> Sandbox:
    return create_sandbox(world.actor, world.ws_id, NewSandbox("frontend-team", TEAM["agent_config"]))


def step(sandbox: Sandbox, name: str, **more):
    return handler({"step": name, "sandbox_id": sandbox.id, "start_number": int(sandbox.start_number), **more}, None)


def stored(sandbox: Sandbox) -> Sandbox:
    row = fetch(Sandbox, sandbox.id)
    assert row is not None
    return row


def run(sandbox: Sandbox) -> Sandbox:
    """Bring a sandbox to `running` as the platform does."""
    step(stored(sandbox), "start")
    assert living.become_ready(sandbox.id, int(stored(sandbox).start_number))
    return stored(sandbox)


def test_a_start_gives_the_machine_a_token_of_this_start_and_no_key(sandbox, machine: FakeMachine):
    after = step(sandbox, "start")
    assert (after["next"], after["seconds"]) == ("check", 60)
    (told,) = machine.started
    claims = tokens.read(told.token, tokens.SANDBOX)
    assert (claims.user_id, claims.session_id, claims.kind) == (sandbox.id, "1", "sandbox")
    assert told.socket_url.endswith(f"/aintandem/ws/sandboxes/sb_{sandbox.id}")
    assert stored(sandbox).machine["isolation"] == list(ISOLATION)
    assert step(sandbox, "start")["next"] == "check"  # repeated
    running = living.become_ready(sandbox.id, 1)
    assert running is not None
    assert running.status == "running"
    assert step(sandbox, "check") == {"sandbox_id": sandbox.id, "start_number": 1, **ENDED}
    assert stored(sandbox).status == "running"


def test_what_belongs_to_an_earlier_start_is_not_heard(sandbox, machine: FakeMachine, world):
    old = run(sandbox)
    restart_sandbox(world.actor, sandbox.id)
    assert living.become_ready(sandbox.id, int(old.start_number)) is None
    assert step(old, "start")["next"] == "ended"
    assert step(stored(sandbox), "start")["next"] == "check"
    assert machine.stopped == [(sandbox.id, 1)]  # the machine of the start before
    assert [one.start_number for one in machine.started] == [1, 2]


def test_who_does_not_connect_is_in_error_and_its_machine_is_ended(sandbox, machine: FakeMachine):
    step(sandbox, "start")
    step(sandbox, "check")
    assert (stored(sandbox).status, stored(sandbox).reason) == ("error", "It did not connect within 60 seconds")
    assert machine.stopped == [(sandbox.id, 1)]


def test_a_host_that_does_not_answer_is_asked_again_and_then_it_is_said(sandbox, machine: FakeMachine):
    machine.unavailable = True
    with pytest.raises(StepInterrupted, match="does not answer"):
        step(sandbox, "start")
    machine.unavailable = False
    cause = '{"errorType": "StepInterrupted", "errorMessage": "The sandbox host does not answer"}'
    step(sandbox, "fail", error={"Error": "StepInterrupted", "Cause": cause})
    assert (stored(sandbox).status, stored(sandbox).reason) == ("error", "The sandbox host does not answer")


def test_a_sandbox_that_is_stopped_while_its_machine_starts_leaves_no_machine(sandbox, machine: FakeMachine, world):
    with concurrently(lambda: stop_sandbox(world.actor, sandbox.id)):
        assert step(sandbox, "start")["next"] == "ended"
    assert machine.stopped == [(sandbox.id, 1)]
    step(stored(sandbox), "stop")
    assert stored(sandbox).status == "stopped"


def test_stop_start_and_delete(sandbox, machine: FakeMachine, world):
    run(sandbox)
    link = Link.of(sandbox.id)
    link.start_number, link.connection = 1, "c1"
    write(put(link))
    stop_sandbox(world.actor, sandbox.id)
    step(stored(sandbox), "stop")
    assert stored(sandbox).status == "stopped"
    assert get(Link, *Link.key(sandbox.id)) is None
    start_sandbox(world.actor, sandbox.id)
    assert run(sandbox).start_number == 2
    assert machine.forgotten == []  # what it stored is there after a stop
    delete_sandbox(world.actor, sandbox.id)
    step(stored(sandbox), "stop")
    assert machine.stopped[-1] == (sandbox.id, 2)
    assert machine.forgotten == [sandbox.id]


def test_a_crash_restarts_it_after_a_pause_and_the_third_in_a_minute_is_an_error(sandbox, machine: FakeMachine):
    machine.dead[sandbox.id] = "It was killed by signal 9"
    pauses = []
    for _ in range(2):
        running = run(sandbox)
        assert living.look_after_lost(sandbox.id, int(running.start_number), 0) is None
        after = stored(sandbox)
        assert (after.status, after.reason) == ("restarting", "It crashed. It was killed by signal 9")
        pauses.append(after.event["data"]["after_seconds"])
    assert pauses == [1, 5]
    running = run(sandbox)
    living.look_after_lost(sandbox.id, int(running.start_number), 0)
    after = stored(sandbox)
    assert (after.status, after.restart_count) == ("error", 2)
    assert after.reason == "It crashed 3 times within 60 seconds. It was killed by signal 9"


def test_crashes_that_are_far_apart_are_no_error(sandbox, machine: FakeMachine, monkeypatch):
    machine.dead[sandbox.id] = "exit 1"
    start = clock.epoch()
    for number in range(5):
        monkeypatch.setattr(clock, "epoch", lambda now=start + 61 * number: now)
        running = run(sandbox)
        living.look_after_lost(sandbox.id, int(running.start_number), 0)
        assert stored(sandbox).status == "restarting"


def test_a_machine_that_runs_may_come_back_for_a_minute(sandbox, machine: FakeMachine):
    running = run(sandbox)
    assert living.look_after_lost(sandbox.id, 1, 0) == 5
    assert stored(sandbox).status == "running"
    link = Link.of(sandbox.id)
    link.start_number, link.connection = 1, "c2"
    write(put(link))
    assert living.look_after_lost(sandbox.id, 1, 60) is None
    assert stored(sandbox).status == "running"
    link.connection = None
    write(put(link))
    assert living.look_after_lost(sandbox.id, 1, 60) is None
    assert (stored(sandbox).status, running.status) == ("restarting", "running")


def test_who_is_idle_falls_asleep_and_wakes_for_a_message(sandbox, machine: FakeMachine):
    living.fall_asleep(run(sandbox))
    assert stored(sandbox).status == "stopping"
    step(stored(sandbox), "stop")
    assert stored(sandbox).status == "asleep"
    living.wake_up(stored(sandbox))
    assert (stored(sandbox).status, stored(sandbox).start_number) == ("starting", 2)
    living.wake_up(stored(sandbox))
    assert stored(sandbox).start_number == 2
    in_status(sandbox.id, "stopped")
    living.wake_up(stored(sandbox))
    assert stored(sandbox).status == "stopped"
