"""Queue the clearing of a deleted workspace, since it may take long."""

from shared.edge.cascade.queue import Task, enqueue
from shared.events import EventType
from shared.events.change import Change
from shared.people.tenancy.rows import Workspace


def react(change: Change) -> None:
    if change.event.type is EventType.WORKSPACE_DELETED and change.kind == Workspace.KIND:
        enqueue(Task(change.id))
