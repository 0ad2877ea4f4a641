"""omoios: who works on tasks, and for how long: claims, timeouts, results."""

from typing import Annotated

from fastapi import Query
from pydantic import Field

from shared.core.actor import Permission
from shared.core.ids import derived_id
from shared.core.situations import Situation
from shared.core.texts import write_json
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Offset, OneLine
from shared.edge.contracts.omoios import Id
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.tasks import ClaimedTask, Task, claimed_task, task, task_status
from shared.runs.live_agents.holding import claim_for
from shared.work.tasks import timeouts, updating
from shared.work.tasks.timeouts import MAX_TIMEOUT

Limit = Annotated[int, Query(ge=1, le=500)]
CHANGED = (Situation.TASK_STATUS, Situation.CARD_ARCHIVED, Situation.PROJECT_ARCHIVED)


class ClaimTask(Request):
    agent_id: Annotated[str, Field(min_length=1, max_length=100), OneLine]
    agent_name: Annotated[str, Field(min_length=1, max_length=100), OneLine] | None = None
    lease_seconds: Annotated[int, Field(ge=5, le=3_600)] = 300


class TimeoutStatus(Shape):
    task_id: str
    exists: bool = True
    status: str
    timeout_seconds: int | None
    elapsed_seconds: float | None
    time_remaining: float | None
    is_timed_out: bool
    can_cancel: bool


class SetTimeout(Request):
    timeout_seconds: Annotated[int, Field(ge=1, le=MAX_TIMEOUT)]


class TimeoutSet(Shape):
    task_id: str
    timeout_seconds: int


class CleanedUp(Shape):
    """A request ends fifty attempts at most: ask again while `total_timed_out` is larger than `cleaned_count`."""

    cleaned_count: int
    total_timed_out: int


class AgentResult(Shape):
    """The result of a task. `verification_status`: unverified, verified (a review of it has passed) or disputed (one has failed)."""

    result_id: str
    agent_id: str | None
    task_id: str
    markdown_file_path: str | None
    result_type: str
    summary: str
    verification_status: str
    verified_at: str | None
    verified_by_validation_id: str | None
    created_at: str


async def timed_out(caller: Caller, call: ThisCall, limit: Limit = 100, offset: Offset = 0) -> list[Task]:
    """List the tasks whose time is up and on which somebody still works; `X-Total-Count` has their number."""
    found, total = timeouts.list_held(caller, limit, offset, timed_out=True)
    call.headers.append(("X-Total-Count", str(total)))
    return [task(one) for one in found]


async def cancellable(
    caller: Caller, call: ThisCall, agent_id: Id | None = None, limit: Limit = 100, offset: Offset = 0
) -> list[Task]:
    """List the tasks on which somebody works, or only one agent; `X-Total-Count` has their number."""
    found, total = timeouts.list_held(caller, limit, offset, agent_id=agent_id)
    call.headers.append(("X-Total-Count", str(total)))
    return [task(one) for one in found]


async def cleanup(caller: Caller) -> CleanedUp:
    """Fail the attempts whose time is up. They are repeated while the tasks have attempts left."""
    cleaned, total = timeouts.end_timed_out(caller)
    return CleanedUp(cleaned_count=cleaned, total_timed_out=total)


async def claim(task_id: str, body: ClaimTask, caller: Caller) -> ClaimedTask:
    """Give a task to an agent for some time: to a live agent of its project, or to any other name.

    Claim it again, or let it go, when that has passed without the end of the task.
    """
    agent = {"id": body.agent_id, "name": body.agent_name or body.agent_id}
    row = claim_for(caller, task_id, agent, body.lease_seconds)
    return claimed_task(row)


async def timeout_status(task_id: str, caller: Caller) -> TimeoutStatus:
    """Get how long a task has taken and may take, in seconds."""
    found = timeouts.get_timeout_status(caller, task_id)
    seconds = found.task.timeout_seconds
    return TimeoutStatus(
        task_id=found.task.id,
        status=task_status(found.task.status),
        timeout_seconds=None if seconds is None else int(seconds),
        elapsed_seconds=found.elapsed,
        time_remaining=found.remaining,
        is_timed_out=found.is_timed_out,
        can_cancel=found.task.is_held,
    )


async def set_timeout(task_id: str, body: SetTimeout, caller: Caller) -> TimeoutSet:
    """Set how long an attempt of a task may take, in seconds; also for the one that is under way."""
    row = timeouts.set_timeout(caller, task_id, body.timeout_seconds)
    return TimeoutSet(task_id=row.id, timeout_seconds=body.timeout_seconds)


async def results(task_id: str, caller: Caller) -> list[AgentResult]:
    """List the results of a task: the one with which it was completed, if it is."""
    row = updating.get_task(caller, task_id)
    if row.result is None:
        return []
    named = row.result if isinstance(row.result, dict) else {}
    summary = named.get("summary", row.result if isinstance(row.result, str) else write_json(row.result))
    path = named.get("markdown_file_path")
    review = row.validation if row.validation and row.validation.get("review_done") else {}
    passed = bool(review.get("passed"))
    return [
        AgentResult(
            result_id=derived_id("result", row.id, int(row.fence)),
            agent_id=row.agent["id"] if row.agent else None,
            task_id=row.id,
            markdown_file_path=path if isinstance(path, str) else None,
            result_type="task_completion",
            summary=summary if isinstance(summary, str) else write_json(summary),
            verification_status="verified" if passed else "disputed" if review else "unverified",
            verified_at=review.get("reviewed_at") if passed else None,
            verified_by_validation_id=review.get("review_id") if passed else None,
            created_at=row.completed_at or row.updated_at,
        )
    ]


def publish_lists(routes: Routes) -> None:
    """Declare the operations whose paths look like that of a task."""
    routes.get("/tasks/timed-out", "tasks.timedOut", permission=Permission.CARD_READ)(timed_out)
    routes.get("/tasks/cancellable", "tasks.cancellable", permission=Permission.CARD_READ)(cancellable)
    routes.post("/tasks/cleanup-timed-out", "tasks.cleanupTimedOut", permission=Permission.CARD_EDIT)(cleanup)


def publish(routes: Routes) -> None:
    """Declare the operations on a task that is held."""
    reads, edits = Permission.CARD_READ, Permission.CARD_EDIT
    routes.post(
        "/tasks/{task_id}/claim", "tasks.claim", permission=edits, addition=True, errors=(*CHANGED, Situation.AGENT_STATUS)
    )(claim)
    routes.get("/tasks/{task_id}/timeout-status", "tasks.timeoutStatus", permission=reads)(timeout_status)
    routes.post("/tasks/{task_id}/set-timeout", "tasks.setTimeout", permission=edits, errors=CHANGED[1:])(set_timeout)
    routes.get("/tasks/{task_id}/results", "tasks.results", permission=reads, addition=True)(results)
