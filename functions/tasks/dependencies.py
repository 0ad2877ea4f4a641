"""omoios: what tasks depend on."""

from typing import Annotated

from pydantic import Field

from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.omoios import Id
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.tasks import task_status
from shared.work.tasks import dependencies
from shared.work.tasks.rows import MAX_DEPENDENCIES, TaskHead

Ids = Annotated[list[Id], Field(max_length=MAX_DEPENDENCIES)]


class ChangeDependencies(Request):
    depends_on: Ids


class BlockedTask(Shape):
    id: str
    description: str
    status: str


class TaskDependencies(Shape):
    task_id: str
    depends_on: list[str]
    dependencies_complete: bool
    blocked_tasks: list[BlockedTask]
    """The first 500 tasks that depend on this one."""
    blocked_count: int


class ChangedDependencies(Shape):
    task_id: str
    depends_on: list[str]
    is_blocked: bool


class CircularCheck(Shape):
    task_id: str
    has_circular_dependency: bool
    cycle: list[str] | None


def _changed(row: TaskHead) -> ChangedDependencies:
    return ChangedDependencies(task_id=row.id, depends_on=row.depends_on, is_blocked=bool(row.waiting))


async def get(task_id: str, caller: Caller) -> TaskDependencies:
    """Get the tasks that a task depends on, and those that depend on it."""
    found = dependencies.get_dependencies(caller, task_id)
    return TaskDependencies(
        task_id=found.task.id,
        depends_on=[one.id for one in found.needed],
        dependencies_complete=found.complete,
        blocked_tasks=[BlockedTask(id=one.id, description=one.title, status=task_status(one.status)) for one in found.dependents],
        blocked_count=found.dependent_count,
    )


async def add(task_id: str, body: ChangeDependencies, caller: Caller) -> ChangedDependencies:
    """Let a task depend on further tasks of its project. What would close a circle is refused."""
    return _changed(dependencies.add_dependencies(caller, task_id, body.depends_on))


async def replace(task_id: str, body: ChangeDependencies, caller: Caller) -> ChangedDependencies:
    """Let a task depend on these tasks of its project, in place of those before. What would close a circle is refused."""
    return _changed(dependencies.set_dependencies(caller, task_id, body.depends_on))


async def remove(task_id: str, depends_on_task_id: str, caller: Caller) -> ChangedDependencies:
    """Let a task no longer depend on another one."""
    return _changed(dependencies.remove_dependency(caller, task_id, depends_on_task_id))


async def check(task_id: str, body: Ids, caller: Caller) -> CircularCheck:
    """Tell whether it would close a circle if a task depended on these tasks, and which."""
    cycle = dependencies.find_cycle(caller, task_id, body)
    return CircularCheck(task_id=task_id, has_circular_dependency=bool(cycle), cycle=cycle or None)


def publish(routes: Routes) -> None:
    """Declare the operations on dependencies."""
    path, edits = "/tasks/{task_id}/dependencies", Permission.CARD_EDIT
    refusals = (Situation.DEPENDENCY_CYCLE, Situation.TASK_STATUS, Situation.CARD_ARCHIVED, Situation.PROJECT_ARCHIVED)
    routes.get(path, "tasks.dependencies", permission=Permission.CARD_READ)(get)
    routes.post(path, "tasks.addDependencies", permission=edits, addition=True, errors=refusals)(add)
    routes.put(path, "tasks.setDependencies", permission=edits, addition=True, errors=refusals)(replace)
    routes.delete(
        f"{path}/{{depends_on_task_id}}", "tasks.removeDependency", permission=edits, addition=True, errors=refusals[1:]
    )(remove)
    routes.post("/tasks/{task_id}/check-circular", "tasks.checkCircular", permission=Permission.CARD_READ)(check)
