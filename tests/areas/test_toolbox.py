"""What the tools of an agent reach: the project of its run, and nothing beside it."""

import pytest

from shared.agents.catalogue import agent_named
from shared.core.errors import NotFound
from shared.core.ids import new_id
from shared.runs.toolbox.call_context import CallContext
from shared.runs.toolbox.executor import agent_actor, execute_tool
from shared.store import fetch
from shared.work.documents.writing import write_document
from shared.work.items.creating import NewItem, create_item
from shared.work.projects.creating import NewProject, create_project
from shared.work.tasks.creating import create_task
from shared.work.tasks.rows import Task

TOOLS = ("read_card", "read_document", "create_card", "add_dependency", "create_task")


@pytest.fixture
def work(world) -> CallContext:
    """A run on a card of Ada's first project."""
    actor = agent_actor(agent_named("planner"), world.ws_id, TOOLS, world.project.id)
    return CallContext(actor, world.card(title="Mine").id, "run", TOOLS, new_id())


@pytest.fixture
def foreign(world) -> dict[str, str]:
    """A card, a document and a task of another project in the same workspace, with which Ada may do anything."""
    other = create_project(world.actor, world.ws_id, NewProject(name="Other"))
    card = create_item(world.actor, other.board_id, NewItem("Secret", "task", phase_id="PHASE_DESIGN"))
    document = write_document(world.actor, other.id, "prd", "Secret", "# Secret", document_id=new_id(), item_id=card.id)
    task = create_task(world.actor, card, new_id(), "Secret", None)
    return {"card": card.id, "document": document.id, "task": task.id}


@pytest.mark.parametrize(
    ("tool", "arguments", "kind"),
    [
        ("read_card", {"card_id": "{card}"}, "card"),
        ("read_document", {"document_id": "{document}"}, "document"),
        ("add_dependency", {"card": "{mine}", "depends_on": "{card}"}, "card"),
        ("add_dependency", {"card": "{card}", "depends_on": "{mine}"}, "card"),
        ("create_task", {"title": "A task", "description": "Words", "depends_on": ["{task}"]}, "task"),
        ("create_task", {"title": "A task", "description": "Words", "depends_on": ["nothing"]}, "task"),
    ],
)
def test_an_agent_stays_in_its_project(work, foreign, tool, arguments, kind):
    known = foreign | {"mine": work.card_id}
    given = {
        name: [one.format(**known) for one in value] if isinstance(value, list) else value.format(**known)
        for name, value in arguments.items()
    }
    with pytest.raises(NotFound) as refused:
        execute_tool(work, tool, given)
    assert refused.value.kind == kind
    assert "Secret" not in str(refused.value)


def test_an_agent_works_in_its_project(world, work):
    other = world.card(title="Another").id
    assert "Another" in execute_tool(work, "read_card", {"card_id": other}).content
    assert execute_tool(work, "add_dependency", {"card": work.card_id, "depends_on": other}).content
    first = execute_tool(work, "create_task", {"title": "First", "description": "Words", "ref": "t1"}).effect["id"]
    work.new_id = new_id()
    second = execute_tool(work, "create_task", {"title": "Second", "description": "Words", "depends_on": [first]}).effect["id"]
    assert fetch(Task, second).depends_on == [first]
    work.new_id = new_id()
    assert execute_tool(work, "create_card", {"title": "A card", "description": "Words", "type": "task"}).effect["kind"] == "card"
