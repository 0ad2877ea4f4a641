"""Requests of the area `tasks`: the document's own, where it shows one."""

from typing import Any

from shared.core import clock
from shared.core.ids import new_id
from shared.store import fetch, save, write
from shared.work.discoveries.spawning import NewDiscovery, report_discovery
from shared.work.items.rows import Item
from shared.work.tasks import claiming
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task
from tests.samples.stage import Sample, Samples, Stage

TASK: dict[str, Any] = {
    "description": "Task description",
    "priority": "MEDIUM",
    "phase_id": "PHASE_IMPLEMENTATION",
    "task_type": "implementation",
}
CHANGES = {"description": "Updated description", "priority": "HIGH", "status": "in_progress"}
SPAWNED = {"description": "Fix database connection timeout", "priority": "HIGH", "phase_id": "PHASE_IMPLEMENTATION"}
FOUND = {"type": "bug", "description": "Database connection timeout occurs after 5 minutes"}
AGENT = "agent-456"


# made by the services: the owner's requests of a minute are for what is tried


def task(stage: Stage, depends_on: tuple[str, ...] = (), card_id: str | None = None) -> str:
    card = fetch(Item, card_id or stage.card())
    assert card is not None
    return add_task(stage.world.actor, card, new_id(), NewTask(None, "Do it", depends_on=depends_on)).id


def waiting(stage: Stage) -> dict[str, str]:
    """A task that waits for another one."""
    first = task(stage)
    return {"task_id": task(stage, (first,)), "depends_on_task_id": first}


def awaited(stage: Stage) -> str:
    """A task for which another one waits."""
    return waiting(stage)["depends_on_task_id"]


def held(stage: Stage) -> str:
    return claiming.claim_task(stage.world.actor, task(stage), {"id": AGENT, "name": "worker"}, 600).id


def late(stage: Stage) -> str:
    """A task whose time is up."""
    made = fetch(Task, held(stage))
    assert made is not None
    made.timeout_seconds, made.started_at, made.deadline = 60, clock.in_seconds(-90), clock.in_seconds(-30)
    write(save(made))
    return made.id


def ended(stage: Stage) -> str:
    return claiming.complete_task(stage.world.actor, held(stage), {"summary": "Done"}).id


def found(stage: Stage) -> tuple[str, str]:
    """A task and a discovery that was made at it."""
    made = task(stage)
    new = NewDiscovery(FOUND["type"], FOUND["description"], agent={"id": AGENT, "name": "worker"})
    return made, report_discovery(stage.world.actor, made, new).id


def ticket_with_tasks(stage: Stage) -> str:
    card = stage.card()
    task(stage, (task(stage, card_id=card),), card_id=card)
    return card


def with_something(_: object, sample: Sample) -> Sample:
    """A request that names nothing of what was made for it."""
    return sample


SAMPLES: Samples = {
    ("omoios", "tasks.create"): lambda s: Sample({"ticket_id": s.card()}, TASK | {"dependencies": {"depends_on": [task(s)]}}),
    ("omoios", "tasks.list"): lambda s: Sample({}, query=f"ticket_id={ticket_with_tasks(s)}"),
    ("omoios", "tasks.get"): lambda s: Sample({"task_id": task(s)}),
    ("omoios", "tasks.update"): lambda s: Sample({"task_id": task(s)}, CHANGES),
    ("omoios", "tasks.dependencies"): lambda s: Sample({"task_id": waiting(s)["task_id"]}),
    ("omoios", "tasks.addDependencies"): lambda s: Sample({"task_id": task(s)}, {"depends_on": [task(s)]}),
    ("omoios", "tasks.setDependencies"): lambda s: Sample({"task_id": waiting(s)["task_id"]}, {"depends_on": [task(s)]}),
    ("omoios", "tasks.removeDependency"): lambda s: Sample(waiting(s)),
    ("omoios", "tasks.checkCircular"): lambda s: Sample({"task_id": task(s)}, [task(s)]),
    ("omoios", "tasks.claim"): lambda s: Sample({"task_id": task(s)}, {"agent_id": AGENT}),
    ("omoios", "tasks.cancel"): lambda s: Sample({"task_id": held(s)}, {"reason": "No longer needed"}),
    ("omoios", "tasks.timeoutStatus"): lambda s: Sample({"task_id": held(s)}),
    ("omoios", "tasks.setTimeout"): lambda s: Sample({"task_id": task(s)}, {"timeout_seconds": 600}),
    ("omoios", "tasks.results"): lambda s: Sample({"task_id": ended(s)}),
    ("omoios", "tasks.registerConversation"): lambda s: Sample({"task_id": held(s)}, {"conversation_id": "conversation-1"}),
    ("omoios", "discoveries.listByTask"): lambda s: Sample({"task_id": found(s)[0]}),
    ("omoios", "discoveries.create"): lambda s: Sample({"task_id": task(s)}, FOUND),
    ("omoios", "discoveries.update"): lambda s: Sample({"discovery_id": found(s)[1]}, {"resolution_status": "invalid"}),
    ("omoios", "discoveries.spawnTask"): lambda s: Sample({"discovery_id": found(s)[1]}, SPAWNED),
    ("omoios", "graph.ticket"): lambda s: Sample({"ticket_id": ticket_with_tasks(s)}),
    ("omoios", "graph.project"): lambda s: Sample({"project_id": task(s) and s.world.project.id}),
    ("omoios", "graph.blockedBy"): lambda s: Sample({"task_id": awaited(s)}),
    ("omoios", "graph.blocking"): lambda s: Sample({"task_id": waiting(s)["task_id"]}),
    ("omoios", "tasks.timedOut"): lambda s: with_something(late(s), Sample({})),
    ("omoios", "tasks.cancellable"): lambda s: with_something(held(s), Sample({})),
    ("omoios", "tasks.cleanupTimedOut"): lambda s: with_something(late(s), Sample({})),
    ("omoios", "discoveries.listByAgent"): lambda s: with_something(found(s), Sample({"agent_id": AGENT})),
}
