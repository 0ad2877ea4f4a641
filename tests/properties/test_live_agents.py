"""Live agents under races and kills: a task has one of them, each has what its list says and no more than it takes, and nobody's death
loses work."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.core import clock
from shared.core.errors import CadreError, Conflict
from shared.core.ids import new_id
from shared.runs.live_agents.asking import next_task
from shared.runs.live_agents.beating import Beat, find, receive
from shared.runs.live_agents.changing import set_available, update_agent
from shared.runs.live_agents.giving import give_work
from shared.runs.live_agents.holding import claim_for, worker_actor
from shared.runs.live_agents.reading import agents_in, get_agent
from shared.runs.live_agents.registering import NewAgent, register_agent
from shared.runs.live_agents.rows import AgentCount, LiveAgent
from shared.runs.live_agents.silence import clean_up
from shared.store import fetch, fetch_all, get
from shared.work.tasks.claiming import FenceLost, claim_task, complete_task, fail_task, release_task, start_task
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task
from shared.work.tasks.updating import cancel_task
from tests.areas.boards_world import World, create_world
from tests.areas.driving import run_jobs
from tests.areas.test_cards_progress import Stream
from tests.examples import examples
from tests.kills import concurrently, crash_at_every_write
from tests.stored_rows import check_rows


@pytest.fixture
def world(aws: None) -> World:
    return create_world()


def register(world: World, capacity: int = 1) -> str:
    return register_agent(world.actor, NewAgent("worker", None, (), capacity), world.project.id).id


def make(world: World, number: int, **more) -> list[str]:
    card = world.card()
    return [add_task(world.actor, card, new_id(), NewTask(f"Task {one}", **more)).id for one in range(number)]


def agent(agent_id: str) -> LiveAgent:
    found = fetch(LiveAgent, agent_id)
    assert found is not None
    return found


def beat(world: World, agent_id: str, number: int, status: str = "idle", task_id: str | None = None) -> bool:
    row, last = find(world.actor, agent_id)
    return receive(world.actor, row, last, Beat(number, status, task_id, {})).received


def check(world: World, agents: list[str], tasks: list[str], capacity: int = 1) -> None:
    """What each agent's list says is what the tasks say, and who holds something is running. Only after all events."""
    held: dict[str, list[str]] = {}
    for task in fetch_all(Task, tasks):
        if task.is_held:
            held.setdefault(task.agent["id"], []).append(task.id)
    for row in fetch_all(LiveAgent, agents):
        assert row.task_ids == sorted(held.get(row.id, [])), (row.status, row.task_ids, held.get(row.id))
        assert len(row.task_ids) <= capacity
        assert (row.status == "running") == bool(row.task_ids) or row.status not in ("idle", "running")
        assert not row.task_ids or row.status in ("running", "degraded")
    count = get(AgentCount, f"WS#{world.ws_id}", "AINS")
    assert int(count.living) == len(agents_in(world.ws_id))
    check_rows()


def test_of_twenty_agents_that_ask_at_once_each_has_a_task_of_its_own(world):
    agents, tasks = [register(world) for _ in range(20)], make(world, 12)

    def ask(agent_id: str) -> str | None:
        for _ in range(6):  # what it tried was taken by others
            if (got := next_task(world.actor, agent_id)) is not None:
                return got.id
        return None

    with ThreadPoolExecutor(20) as threads:
        got = [task for task in threads.map(ask, agents) if task]
    assert len(got) == len(set(got))
    assert sorted(got) == sorted(tasks)
    Stream().flow()
    check(world, agents, tasks)


ACTIONS = [
    *("ask", "ask", "claim", "start", "complete", "fail", "release", "cancel"),
    *("beat", "silence", "watch", "clean", "away", "back", "quarantine", "flow"),
]
GIVES_BACK = {"fail", "release"}
"""What makes a task what it was before it was claimed: the stream shows both changes, and this one's stream the last state only."""
TOLD = {"watch", "clean", "quarantine"}
"""After these all that has happened is told: what an agent lets go stands in one of its events, and the tests' stream has only the last."""
STEPS = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 2), st.integers(0, 3)), min_size=8, max_size=30)


class Story:
    """Three agents with room for two tasks each, and four tasks."""

    def __init__(self, world: World, moment: time_machine.Traveller) -> None:
        self.world, self.moment, self.beats = world, moment, 0
        self.stream = Stream()
        self.agents, self.tasks = [register(world, 2) for _ in range(3)], make(world, 4, timeout_seconds=3_600)

    def take(self, step: str, agent_id: str, task_id: str) -> None:
        world, task = self.world, fetch(Task, task_id)
        mine = task.agent is not None and task.agent["id"] == agent_id
        worker, fence = worker_actor(agent(agent_id)), int(task.fence) if mine else -1
        self.beats += 1
        match step:
            case "ask":
                next_task(world.actor, agent_id)
            case "claim":
                claim_for(world.actor, task_id, {"id": agent_id, "name": "worker"}, 60)
            case "start":
                start_task(worker, task_id, fence)
            case "complete":
                complete_task(worker, task_id, "done", fence=fence)
            case "fail":
                fail_task(worker, task_id, "It broke", fence=fence)
            case "release":
                release_task(worker, task_id, fence)
            case "cancel":
                cancel_task(world.actor, task_id, "Not now")
            case "beat":
                beat(world, agent_id, self.beats, "running" if mine else "idle", task_id if mine else None)
            case "silence":
                self.moment.shift(timedelta(seconds=40))
            case "watch":
                run_jobs("heartbeat-watch")
            case "clean":
                clean_up(world.actor, 90, "timeout")
            case "away" | "back":
                set_available(world.actor, agent_id, step == "back")
            case "quarantine":
                update_agent(world.actor, agent_id, {"status": "quarantined"})
            case "flow":
                self.stream.flow()


@settings(
    max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@example(
    steps=[
        ("silence", 2, 2), ("claim", 2, 1), ("watch", 0, 0), ("beat", 0, 3), ("cancel", 0, 0), ("silence", 1, 3), ("quarantine", 2, 2),
        ("complete", 1, 2), ("ask", 1, 1), ("release", 1, 3),
    ]
)  # fmt: skip
@given(steps=STEPS)
def test_after_any_story_the_lists_of_agents_are_what_the_tasks_say(aws, steps):
    world = create_world(f"{new_id()}@example.com", "Ada")  # of its own: agents without work get that of other examples
    with time_machine.travel(clock.now(), tick=False) as moment:
        story = Story(world, moment)
        for step, number, which in steps:
            if step in GIVES_BACK:
                story.stream.flow()
            with suppress(CadreError):
                story.take(step, story.agents[number], story.tasks[which])
            if step in TOLD:
                story.stream.flow()
        story.stream.flow()
        check(world, story.agents, story.tasks, 2)


def test_an_end_of_work_after_the_lease_and_a_claim_at_the_same_time(world):
    """Until somebody else claims it, a late holder may end its task; from then on it may not."""
    one, two = register(world), register(world)
    first, second = make(world, 2)
    with time_machine.travel(clock.now(), tick=False) as moment:
        fences = [int(claim_task(world.actor, task, {"id": "a", "name": "a"}, 60).fence) for task in (first, second)]
        moment.shift(timedelta(seconds=61))
        with concurrently(lambda: next_task(world.actor, one) and None), pytest.raises(FenceLost):
            complete_task(world.actor, first, "late", fence=fences[0])
        assert (fetch(Task, first).agent["id"], fetch(Task, first).status) == (one, "assigned")
        with concurrently(lambda: complete_task(world.actor, second, "in time", fence=fences[1]) and None):
            assert next_task(world.actor, two) is None
        assert (fetch(Task, second).result, agent(two).task_ids) == ("in time", [])


def test_a_heartbeat_and_a_clean_up_that_race_leave_one_truth(world):
    """Whoever is heard before the mark is written keeps its work; whoever is marked first has to register again."""
    with time_machine.travel(clock.now(), tick=False) as moment:
        agents = [register(world) for _ in range(6)]
        moment.shift(timedelta(seconds=200))

        def happen(number: int) -> bool | None:
            if number == 0:
                clean_up(world.actor, 90, "timeout")
                return None
            try:
                return beat(world, agents[number - 1], 1)
            except Conflict:
                return False

        with ThreadPoolExecutor(7) as threads:
            _, *heard = threads.map(happen, range(7))
        for one, was_heard in zip(agents, heard, strict=True):
            assert agent(one).status in (("idle", "failed") if was_heard else ("failed",))
            if agent(one).status == "idle":
                assert was_heard
                assert get_agent(world.actor, one).health.status == "idle"
    Stream().flow()
    check(world, agents, [])


def test_places_of_a_workspace_are_taken_once(world, monkeypatch):
    monkeypatch.setattr("shared.runs.live_agents.registering.LIMIT", 5)

    def attempt(_: int) -> bool:
        with suppress(CadreError):
            return bool(register(world))
        return False

    with ThreadPoolExecutor(12) as threads:
        made = sum(threads.map(attempt, range(12)))
    names = [seen.agent.name for seen in agents_in(world.ws_id)]
    assert made == len(names) == len(set(names)) == 5


def begun(world: World) -> tuple[str, str]:
    """An agent that has begun a task."""
    agent_id, (task_id,) = register(world), make(world, 1)
    got = claim_for(world.actor, task_id, {"id": agent_id, "name": "worker"}, 60)
    start_task(worker_actor(agent(agent_id)), task_id, int(got.fence))
    return agent_id, task_id


def act(world: World, name: str, agent_id: str, task_id: str) -> None:
    worker, fence = worker_actor(agent(agent_id)), int(fetch(Task, task_id).fence)
    match name:
        case "complete":
            complete_task(worker, task_id, "done", fence=fence)
        case "fail":
            fail_task(worker, task_id, "It broke", fence=fence)
        case "away":
            set_available(world.actor, agent_id, False)
        case "quarantine":
            update_agent(world.actor, agent_id, {"status": "quarantined"})
        case "beat":
            beat(world, agent_id, 1, "running", task_id)
        case "silent":
            clean_up(world.actor, 90, "failed")
        case "watch":
            run_jobs("heartbeat-watch")
        case "cancel":
            cancel_task(world.actor, task_id, "No")


@pytest.mark.parametrize("name", ["complete", "fail", "away", "quarantine", "beat", "silent", "watch", "cancel"])
def test_whoever_dies_at_an_agent_is_made_good_by_what_follows(world, name):
    """The process that acts dies, then the one that follows from it; whoever comes after them brings all in line."""
    agents, tasks = [], []
    with time_machine.travel(clock.now(), tick=False) as moment:
        for process in crash_at_every_write():
            stream = Stream()
            one, task = begun(world)
            agents, tasks = [*agents, one], [*tasks, task]
            stream.flow()
            if name in ("silent", "watch"):
                moment.shift(timedelta(seconds=200))
            seen = dict(stream.seen)
            with process, suppress(CadreError):
                act(world, name, one, task)
                stream.flow()
            stream.seen = seen  # what was told is told again
            stream.flow()
            check(world, agents, tasks)


def test_whoever_dies_while_an_agent_registers_leaves_one_or_none(world):
    agents: list[str] = []
    for process in crash_at_every_write():
        with process:
            register(world)
        agents = [seen.agent.id for seen in agents_in(world.ws_id)]
        check(world, agents, [])
    assert agents


def test_whoever_dies_while_work_is_given_out_leaves_it_to_the_next(world):
    agents: list[str] = []
    tasks: list[str] = []
    for process in crash_at_every_write():
        agents, tasks = [*agents, register(world)], [*tasks, *make(world, 1)]
        with process:
            give_work(agents[-1])
        give_work(agents[-1])
        assert agent(agents[-1]).task_ids == [tasks[-1]]
        Stream().flow()
        check(world, agents, tasks)
