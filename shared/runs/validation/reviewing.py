"""Reviews: a validator is given a task, says whether it is done, and who works on it is told.

A task is under validation once it was submitted for a review. From then on it is completed only by a review that passes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Forbidden, Malformed
from shared.core.ids import bare_id, new_id
from shared.events import EventType, record
from shared.runs.agent_runs.rows import Run
from shared.runs.agent_runs.steering import steer_run
from shared.runs.live_agents.holding import held_tasks
from shared.runs.live_agents.reading import agents_in, see_again
from shared.runs.live_agents.registering import NewAgent, build_agent, making_room
from shared.runs.live_agents.rows import CLIENT, LIVING, PLATFORM, LiveAgent
from shared.runs.live_agents.statuses import set_status as set_agent_status
from shared.runs.validation.rows import ValidationReview, reviews_of
from shared.store import (
    Operation,
    create,
    fetch,
    fetch_all,
    first_index_rows,
    load,
    read_ahead,
    retrying,
    update,
    update_with_retry,
    write,
)
from shared.work.tasks.changing import TaskStatus, change_task, set_status
from shared.work.tasks.claiming import fail_attempt
from shared.work.tasks.rows import Task, TaskHead

REVIEWS: Final = 100  # of a task, the newest, that are listed
MAX_FAILURES: Final = 10
"""Reviews of a task that may fail before the task does: our number. Who opens it again begins anew."""
REVIEW_SECONDS: Final = 3_600
"""After which a review by the platform is given up: its message was tried as often as the queue tries one."""
MESSAGES: Final = 20  # that are kept for an agent until its next heartbeat
STATES: Final[Mapping[str, str]] = MappingProxyType(
    {"running": "in_progress", "validating": "validation_in_progress", "completed": "done", "cancelled": "failed"}
)
"""The states whose names differ from those of a task's status."""
_REVIEWABLE: Final = frozenset({"under_review", "validating"})
_SUBMITTED_FROM: Final = frozenset({"assigned", "running", "needs_work", "under_review"})


@dataclass(frozen=True)
class Review:
    """What a validator says of a task."""

    passed: bool
    feedback: str
    evidence: dict[str, Any] | None = None
    recommendations: Sequence[str] = ()
    criteria: Sequence[dict[str, Any]] = field(default_factory=tuple)
    asks: bool = False
    """Whether nothing has failed, and evidence is missing: who did the work is asked for it once, then a person has to judge."""


def state_of(task: TaskHead) -> str:
    """Return how far the validation of a task is."""
    validation = task.validation or {}
    if task.status == "pending" and validation.get("last_feedback") and not validation.get("passed"):
        return "needs_work"
    return STATES.get(task.status, task.status)


def get_state(actor: Actor, task_id: str) -> TaskHead:
    """Return a task, to show how far its validation is. One round trip. Raises NotFound, Forbidden."""
    return load(TaskHead, task_id, actor, Permission.CARD_READ)


def list_reviews(actor: Actor, task_id: str) -> list[ValidationReview]:
    """Return the reviews of a task, newest first. Two round trips. Raises NotFound, Forbidden."""
    found = read_ahead(lambda: first_index_rows(2, reviews_of(bare_id(task_id)), REVIEWS, newest_first=True)[0])
    load(TaskHead, task_id, actor, Permission.CARD_READ)
    return fetch_all(ValidationReview, [row.id for row in found.result()], to_show=True)


def spawn_validator(actor: Actor, task_id: str, commit_sha: str | None = None) -> str:
    """Give a task to a validator, and return the validator's id: an agent of a client that waits, or a new one of the platform, which
    reviews by a reaction.

    Raises NotFound, Forbidden, Conflict: TASK_STATUS (a validator is at it, nobody works on the task), CARD_ARCHIVED, PROJECT_ARCHIVED.
    """
    task = load(Task, task_id, actor, Permission.AGENT_RUN)
    lost = _require_submittable(task)
    waiting = _waiting_validator(task)
    chosen = waiting.id if waiting is not None else ""

    def change(row: Task) -> list[Operation]:
        nonlocal chosen
        sha = commit_sha
        if _require_submittable(row, known=lost) is None and row.status != "under_review":
            row.submit()
        else:
            sha = commit_sha or (row.validation or {}).get("commit_sha")
        created: list[Operation] = []
        if waiting is None:
            new = NewAgent("validator", row.phase_id, ["acceptance criteria"], status="running", runner=PLATFORM)
            agent, created = build_agent(actor, new, row.org_id, str(row.ws_id), row.proj_id)
            chosen = agent.id
        given = {"validator_id": chosen, "since": clock.iso(), "by": actor.summary, "put_back": False}
        row.validation = (row.validation or {}) | given | {"commit_sha": sha}
        set_status(row, "validating", actor)
        return created

    def attempt(number: int) -> str:
        with making_room(str(task.ws_id)):
            change_task(actor, task.id, change, first=None if number else task)
        return chosen

    validator_id = retrying(attempt)
    if lost is not None:
        dismiss(actor, lost, "Another validator has its task")
    return validator_id


def _require_submittable(task: Task, known: str | None = None) -> str | None:
    """Return the validator that a task has lost, if it has one: `known` is one that is known to be gone. Raises TaskStatus."""
    if task.status == "validating":
        chosen = str((task.validation or {}).get("validator_id"))
        if chosen == known or _is_gone(chosen, task):
            return chosen
        raise TaskStatus("A validator is at this task already", status=task.status)
    if task.status not in _SUBMITTED_FROM:
        raise TaskStatus(f"This task is {task.status}: only one on which somebody works can be validated", status=task.status)
    return None


def _is_gone(validator_id: str, task: Task) -> bool:
    """Tell whether a validator will give no review any more: it was not heard from, or the platform's one has had an hour."""
    seen = see_again(validator_id)
    if seen is None or seen.health.status in ("failed", "terminated", "quarantined"):
        return True
    since = str((task.validation or {}).get("since") or task.updated_at)
    return seen.agent.runner == PLATFORM and since < clock.in_seconds(-REVIEW_SECONDS)


def _waiting_validator(task: Task) -> LiveAgent | None:
    for one in agents_in(str(task.ws_id)):
        agent = one.agent
        if _is_worker(agent, task):
            continue
        fits = agent.agent_type == "validator" and agent.runner == CLIENT and agent.proj_id in (None, task.proj_id)
        if fits and one.health.status == "idle" and one.beat is not None and agent.has_room:
            return agent
    return None


def _is_worker(agent: LiveAgent, task: TaskHead) -> bool:
    return task.agent is not None and task.agent["id"] == agent.id


def dismiss(actor: Actor, agent_id: str, reason: str) -> None:
    """Terminate a validator of the platform that has done its review. Repeating it changes nothing."""
    agent = fetch(LiveAgent, agent_id)
    if agent is None or agent.runner != PLATFORM:
        return

    def change(row: LiveAgent) -> Sequence[Operation]:
        return () if row.status == "terminated" else set_agent_status(row, "terminated", actor, reason)

    update_with_retry(lambda: fetch(LiveAgent, agent_id) or agent, change, first=agent)


def give_review(actor: Actor, task_id: str, validator_id: str, review: Review) -> Task:
    """Say whether a task is done. One that has not passed goes back to who works on it, who is told by a reaction; with its MAX_FAILURES-th
    review that fails, the task has failed.

    Raises NotFound; Forbidden for who is no validator, or not the one that has the task; Malformed for a task that is not under review, and
    for a refusal without words; Conflict (archived).
    """
    validator = load(LiveAgent, validator_id, actor, Permission.AGENT_RUN)
    if validator.agent_type != "validator" or validator.status == "terminated":
        raise Forbidden("validator_agent_id is no working validator")
    if validator.runner == PLATFORM and actor.kind != "system":
        raise Forbidden("The platform runs this validator: nobody else speaks for it")
    if not review.feedback.strip():
        raise Malformed("feedback is missing: say what was found")
    review_id = new_id()

    def change(task: Task) -> list[Operation]:
        if task.ws_id != validator.ws_id or validator.proj_id not in (None, task.proj_id):
            raise Forbidden("The validator does not belong to this task's project")
        if _is_worker(validator, task):
            raise Forbidden("The agent that did this task does not validate it")
        if task.status not in _REVIEWABLE:
            raise Malformed(f"This task is {state_of(task)}: only one under review can be reviewed")
        chosen = (task.validation or {}).get("validator_id")
        if task.status == "validating" and chosen not in (None, validator.id):
            raise Forbidden("Another validator has this task")
        row = _review(task, validator, review, review_id, actor)
        _decide(task, actor, review)
        return [create(row)]

    return change_task(actor, task_id, change)


def _review(task: Task, validator: LiveAgent, review: Review, review_id: str, actor: Actor) -> ValidationReview:
    """Return the row of a review, and note on the task what it says."""
    before = task.validation or {}
    failures = int(before.get("failures", 0)) + (not review.passed)
    task.validation = (
        before
        | {
            "passed": review.passed,
            "review_done": True,
            "last_feedback": review.feedback,
            "failures": failures,
            "validator_id": validator.id,
            "asked": review.asks,
            "review_id": review_id,
            "reviewed_at": (now := clock.iso()),
        }
        | ({} if review.passed else {"failed_at": now})
    )
    row = ValidationReview.new(
        review_id,
        org_id=task.org_id,
        ws_id=task.ws_id,
        proj_id=task.proj_id,
        task_id=task.id,
        item_id=task.item_id,
        iteration=task.iteration,
        passed=review.passed,
        feedback=review.feedback,
        validator_id=validator.id,
        validator_name=validator.name,
        evidence=review.evidence,
        recommendations=list(review.recommendations),
        criteria=list(review.criteria),
        commit_sha=before.get("commit_sha"),
        failures=failures,
    )
    record(row, EventType.VALIDATION_REVIEWED, actor, task_id=task.id, card_id=task.item_id, passed=review.passed)
    return row


def _decide(task: Task, actor: Actor, review: Review) -> None:
    if review.passed:
        set_status(task, "completed", actor, error_message=None)
        return
    failures = int((task.validation or {}).get("failures", 0))
    if failures >= MAX_FAILURES:
        set_status(
            task, "failed", actor, error_message=f"{failures} reviews have failed. The last one says: {review.feedback}"[:2_000]
        )
        return
    run = fetch(Run, str(task.work_run_id)) if task.work_run_id else None
    if run is not None and run.ended:  # nobody is there to go on: it is tried again
        fail_attempt(task, actor, f"The validation has failed: {review.feedback}"[:2_000])
    else:
        set_status(task, "needs_work", actor)


def tell_worker(actor: Actor, task: TaskHead, feedback: str) -> bool:
    """Tell who works on a task what a review has said. Return whether anybody can hear it."""
    if task.work_run_id and steer_run(actor, task.work_run_id, "feedback", feedback):
        return True
    agent = fetch(LiveAgent, task.agent["id"]) if task.agent else None
    return agent is not None and _leave_message(agent, feedback)


def send_feedback(actor: Actor, agent_id: str, feedback: str) -> bool:
    """Tell an agent something: its runs read it at their next turn, an agent of a client with its next heartbeat.

    Return whether it can hear it. Raises NotFound, Forbidden.
    """
    agent = load(LiveAgent, agent_id, actor, Permission.AGENT_RUN)
    if agent.runner == CLIENT:
        return _leave_message(agent, feedback)
    told = [steer_run(actor, task.work_run_id, "feedback", feedback) for task in held_tasks(agent) if task.work_run_id]
    return any(told)


def _leave_message(agent: LiveAgent, message: str) -> bool:
    """Keep a message for an agent of a client until its next heartbeat."""
    left = False

    def change(row: LiveAgent) -> Sequence[Operation] | None:
        nonlocal left
        left = row.runner == CLIENT and row.status in LIVING
        if not left:
            return None
        row.messages = [*row.messages, message][-MESSAGES:]
        return ()

    update_with_retry(lambda: fetch(LiveAgent, agent.id) or agent, change, first=agent)
    return left


def put_back(actor: Actor, task_id: str, validator_id: str, why: str) -> None:
    """Give a task back that its validator cannot judge: it is under review, and waits for a person or another validator."""

    def change(task: Task) -> list[Operation] | None:
        if task.status != "validating" or (task.validation or {}).get("validator_id") != validator_id:
            return None
        task.validation = (task.validation or {}) | {"validator_id": None, "put_back": True, "last_feedback": why}
        set_status(task, "under_review", actor)
        return []

    change_task(actor, task_id, change)


def note_told(review: ValidationReview) -> None:
    """Note that who works on the task was told of a review."""
    write(update(ValidationReview(*ValidationReview.key(review.id)), [ValidationReview.told.set(True)]))
