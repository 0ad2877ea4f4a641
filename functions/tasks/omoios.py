"""omoios, section 19 and what the document counts as existing: tasks of tickets."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import AfterValidator, Field

from functions.tasks import dependencies, discoveries, graph, holding
from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.core.texts import write_json
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Form, Offset, OneLine, Seen, Title
from shared.edge.contracts.omoios import OMOIOS, Id, Phase, Priority
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.tasks import STORED, Task, known_phase, task
from shared.work.tasks import updating
from shared.work.tasks.creating import NewTask, create_card_task
from shared.work.tasks.listing import TaskQuery, list_agent_tasks, list_card_tasks, list_tasks
from shared.work.tasks.rows import MAX_DEPENDENCIES
from shared.work.tasks.timeouts import MAX_TIMEOUT

routes = Routes(OMOIOS, "tasks")

MAX_RESULT = 20_000
"""Characters of a result as JSON: listeners get it with the event."""
CHANGED = (Situation.TASK_STATUS, Situation.CARD_ARCHIVED, Situation.PROJECT_ARCHIVED)
"""How a change of a task may be refused."""
Limit = Annotated[int, Query(ge=1, le=500)]
Text = Annotated[str, Field(min_length=1, max_length=20_000), Seen]
TaskType = Annotated[
    str, Form(r"^[a-z][a-z0-9_]{0,49}$", "Should be a word such as implementation: letters from a to z, digits, _")
]
Seconds = Annotated[int, Field(ge=1, le=MAX_TIMEOUT)]
_FILTERS = "|".join(STORED)
StatusFilter = Annotated[str, Form(f"^({_FILTERS})$", f"Should be one of {', '.join(STORED)}")]
NewStatus = Annotated[
    str,
    Form(
        "^(pending|assigned|in_progress|running|completed|failed|cancelled)$",
        "Should be pending, in_progress, completed, failed or cancelled",
    ),
]


def _result(value: Any) -> Any:
    if len(write_json(value)) > MAX_RESULT:
        raise ValueError(f"Takes at most {MAX_RESULT:,} characters as JSON")
    return value


class DependsOn(Request):
    depends_on: Annotated[list[Id], Field(max_length=MAX_DEPENDENCIES)] = []


class CreateTask(Request):
    """Without a title the beginning of the description is it, without a phase it is that of the ticket."""

    description: Text
    title: Title | None = None
    priority: Priority = "MEDIUM"
    phase_id: Phase | None = None
    task_type: TaskType = "implementation"
    dependencies: DependsOn | None = None
    timeout_seconds: Seconds | None = None
    max_retries: Annotated[int, Field(ge=0, le=10)] = 3
    validation_enabled: bool = False


class UpdateTask(Request):
    """`validation_enabled`: only a review that passes completes the task; who may approve runs may turn it off before the first one.

    `fence` is that of the claim: with it, only who holds the task can change it, and `failed` means that this attempt has failed."""

    description: Text | None = None
    title: Title | None = None
    priority: Priority | None = None
    phase_id: Phase | None = None
    status: NewStatus | None = None
    result: Annotated[Any, AfterValidator(_result)] = None
    error_message: Annotated[str, Field(min_length=1, max_length=5_000), Seen] | None = None
    validation_enabled: bool | None = None
    fence: Annotated[int, Field(ge=0)] | None = None


class CancelTask(Request):
    reason: Annotated[str, Field(min_length=1, max_length=500), OneLine] = "cancelled_by_request"


class Cancelled(Shape):
    task_id: str
    cancelled: bool
    reason: str


class RegisterConversation(Request):
    conversation_id: Annotated[str, Field(min_length=1, max_length=200), OneLine]
    sandbox_id: Annotated[str, Field(max_length=200), OneLine] = ""
    persistence_dir: Annotated[str, Field(max_length=1_024), OneLine] = ""


class ConversationRegistered(Shape):
    task_id: str
    conversation_id: str
    status: str = "registered"


@routes.get("/tasks", "tasks.list", permission=Permission.CARD_READ)
async def list_all(
    caller: Caller,
    call: ThisCall,
    status: StatusFilter | None = None,
    phase_id: Phase | None = None,
    ticket_id: Id | None = None,
    agent_id: Id | None = None,
    project_id: Id | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> list[Task]:
    """List tasks, newest first: all of the caller's projects, or those of a project, a ticket or an agent; `X-Total-Count` counts them."""
    query = TaskQuery(STORED[status] if status else (), known_phase(phase_id), project_id, limit, offset)
    if ticket_id is not None:
        found, total = list_card_tasks(caller, ticket_id, query, agent_id)
    elif agent_id is not None:
        found, total = list_agent_tasks(caller, agent_id, query)
    else:
        found, total = list_tasks(caller, query)
    call.headers.append(("X-Total-Count", str(total)))
    return [task(one) for one in found]


@routes.post(
    "/tickets/{ticket_id}/tasks",
    "tasks.create",
    status=201,
    permission=Permission.CARD_EDIT,
    errors=(Situation.LANE_TRANSITION, Situation.CARD_ARCHIVED, Situation.PROJECT_ARCHIVED, Situation.LIMIT_REACHED),
)
async def create(ticket_id: str, body: CreateTask, caller: Caller) -> Task:
    """Create a task of a ticket, which waits for the tasks that it depends on. A ticket takes 500 tasks."""
    new = NewTask(
        body.title,
        body.description,
        body.task_type,
        body.priority.lower(),
        known_phase(body.phase_id),
        body.dependencies.depends_on if body.dependencies else (),
        body.timeout_seconds,
        body.max_retries,
        validated=body.validation_enabled,
    )
    return task(create_card_task(caller, ticket_id, new))


holding.publish_lists(routes)


@routes.get("/tasks/{task_id}", "tasks.get", permission=Permission.CARD_READ)
async def get(task_id: str, caller: Caller) -> Task:
    """Get a task."""
    return task(updating.get_task(caller, task_id))


@routes.put("/tasks/{task_id}", "tasks.update", permission=Permission.CARD_EDIT, errors=CHANGED)
async def update(task_id: str, body: UpdateTask, caller: Caller) -> Task:
    """Change a task, or set how far it is: an agent that holds it under a fence, or a person."""
    changes = updating.TaskChanges(
        title=body.title,
        description=body.description,
        priority=body.priority.lower() if body.priority else None,
        phase_id=known_phase(body.phase_id),
        status="running" if body.status == "in_progress" else body.status,
        result=body.result,
        error_message=body.error_message,
        validated=body.validation_enabled,
        fence=body.fence,
    )
    return task(updating.update_task(caller, task_id, changes))


@routes.post("/tasks/{task_id}/cancel", "tasks.cancel", permission=Permission.CARD_EDIT, errors=CHANGED[1:])
async def cancel(task_id: str, caller: Caller, body: CancelTask | None = None) -> Cancelled:
    """Cancel a task on which somebody works, with the run that does it: it has failed, with the reason."""
    reason = (body or CancelTask()).reason
    return Cancelled(task_id=updating.cancel_task(caller, task_id, reason).id, cancelled=True, reason=reason)


@routes.post(
    "/tasks/{task_id}/register-conversation",
    "tasks.registerConversation",
    permission=Permission.CARD_EDIT,
    addition=True,
    errors=CHANGED[1:],
)
async def register_conversation(task_id: str, body: RegisterConversation, caller: Caller) -> ConversationRegistered:
    """Note in which conversation, and in which sandbox, a task is done."""
    done = updating.register_conversation(caller, task_id, body.conversation_id, body.sandbox_id, body.persistence_dir)
    return ConversationRegistered(task_id=done.id, conversation_id=body.conversation_id)


dependencies.publish(routes)
holding.publish(routes)
discoveries.publish(routes)
graph.publish(routes)
