"""What a monitoring cycle costs as more agents work: reads for each agent, and no write that says nothing new but a reading."""

import time

import time_machine

from shared.core import clock
from shared.core.ids import new_id
from shared.runs.guardian.monitoring import watch
from shared.runs.guardian.reports import NewReport, report
from shared.runs.live_agents.holding import take_task
from shared.runs.live_agents.rows import Heartbeat, LiveAgent, heartbeat_expiry
from shared.store import Entity, fetch, put_many
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World
from tests.areas.live_agents_world import registered, stored
from tests.trips import count_requests

AGENTS = 60
OF_A_WORKSPACE = 20
_OWN = frozenset({"pk", "sk", "kind", "id", "created_at", "updated_at", "event", "event_id", "cold_version", "counted_in"})


def copy_of(entity: Entity, **more: object) -> Entity:
    """Return a row with an id of its own that is like another one."""
    common = {name: value for name, value in entity.attribute_values.items() if name not in _OWN}
    return type(entity).new(new_id(), **(common | more))


def put_at_work(world: World, number: int) -> None:
    """Let so many agents work, each on a task of its own, in workspaces of OF_A_WORKSPACE agents."""
    agent_id = registered(world.ada)["agent_id"]
    task = add_task(world.actor, world.card(), new_id(), NewTask("A task"))
    take_task(stored(agent_id), task.id, seconds=3_600)
    report(world.actor, agent_id, task.id, NewReport("tool_call", {"text": "I read the card", "tool": "read", "result": "ok"}))
    agent, held = stored(agent_id), fetch(Task, task.id)
    assert held is not None
    rows = []
    ws_id = world.ws_id
    for place in range(1, number):
        if place % OF_A_WORKSPACE == 0:
            ws_id = new_id()
        one = copy_of(agent, ws_id=ws_id)
        its = copy_of(held, ws_id=ws_id, agent=held.agent | {"id": one.id})
        assert isinstance(one, LiveAgent)
        one.task_ids = [its.id]
        beat = Heartbeat.of(one.id)
        beat.at, beat.sequence, beat.status, beat.ttl = clock.iso(), 1, "running", heartbeat_expiry()
        beat.health_metrics = {"cpu_usage_percent": 20}
        rows += [one, its, beat]
    put_many(rows)


def cycle() -> tuple[dict[str, int], float]:
    started = time.process_time()
    with count_requests() as seen:
        watch(time.monotonic() + 300)
    return seen.by_name, time.process_time() - started


def test_a_cycle_reads_a_few_rows_for_each_agent_and_writes_what_is_new(world):
    with time_machine.travel(clock.now(), tick=False):  # they stay heard from
        put_at_work(world, AGENTS)
        first, _ = cycle()
        again, _ = cycle()
    workspaces = AGENTS // OF_A_WORKSPACE
    assert (
        AGENTS <= again["Query"] <= first["Query"] <= 3 * AGENTS + 10
    )  # its events, the tasks that it ended, those that wait for its own
    assert again["BatchGetItem"] <= AGENTS // 10 + 4 * workspaces
    assert again["BatchWriteItem"] <= 2 * workspaces * (AGENTS // OF_A_WORKSPACE)
    assert not again.keys() & {"TransactWriteItems", "PutItem", "UpdateItem"}
