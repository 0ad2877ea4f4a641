"""The graph of a project with 5,000 tasks: few trips, below the size of an answer, and the rest is reached."""

import json

import pytest

from shared.core.ids import new_id
from shared.core.texts import MAX_ANSWER, size_in_answer
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task, tasks_of
from tests.areas.boards_world import World, create_world
from tests.seeding import put_counted
from tests.trips import count_requests

NUMBER = 5_000
MOST = 3
"""Round trips: who asks and which project; the first tasks; all others, block by block side by side."""


def tasks_like(world: World, number: int, description: str) -> list[Task]:
    """Tasks of which each depends on the two before it."""
    first = add_task(world.actor, world.card(), new_id(), NewTask("A task", description))
    own = {"pk", "sk", "kind", "id", "created_at", "updated_at", "event", "event_id", "cold_version", "counted_in", "depends_on"}
    own |= {name for name in first.attribute_values if name.startswith("gsi")}
    common = {name: value for name, value in first.attribute_values.items() if name not in own}
    rows = [first]
    while len(rows) < number:
        needed = [row.id for row in rows[-2:]]
        rows.append(Task.new(new_id(), **common | {"title": f"Task {len(rows)}", "depends_on": needed, "waiting": True}))
    put_counted(tasks_of(world.ws_id), rows)
    return rows


@pytest.fixture
def asked(aws):
    world = create_world()

    def ask(query: str = "") -> dict:
        with count_requests() as seen:
            answer = world.ada.at("omoios")("tasks", "GET", f"/graph/dependency-graph/project/{world.project.id}{query}")
        assert answer.status == 200, answer.text
        assert seen.count <= MOST, str(seen)
        assert size_in_answer(answer.text) < MAX_ANSWER
        return answer.json

    return world, ask


def test_a_project_of_five_thousand_tasks_is_one_answer(asked):
    world, ask = asked
    rows = tasks_like(world, NUMBER, "A task")
    found = ask()
    assert [one["id"] for one in found["nodes"] if one["type"] == "task"] == [row.id for row in rows]
    assert len([one for one in found["edges"] if one["type"] == "depends_on"]) == 2 * NUMBER - 3
    assert found["metadata"]["critical_path"] == [row.id for row in rows]
    assert (found["metadata"]["blocked_count"], found["metadata"]["next_offset"]) == (NUMBER - 1, None)


@pytest.mark.thorough
def test_what_does_not_fit_is_on_the_next_page(asked):
    world, ask = asked
    rows = tasks_like(world, NUMBER, "Wörter " * 40)
    seen, offset, pages = [], 0, 0
    while offset is not None:
        page = ask(f"?offset={offset}")
        seen += [one["id"] for one in page["nodes"] if one["type"] == "task"]
        offset, pages = page["metadata"]["next_offset"], pages + 1
    assert seen == [row.id for row in rows]
    assert pages == 2
    assert len(json.dumps(page["metadata"])) < 300_000
