"""omoios: validation. A task that was submitted for a review is done when a validator says so."""

import json
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from shared.core.actor import Permission
from shared.core.errors import Malformed
from shared.core.situations import Situation
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Form, OneLine, Seen
from shared.edge.contracts.omoios import OMOIOS, Id
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.runs.validation import reviewing
from shared.runs.validation.reviewing import Review
from shared.runs.validation.rows import ValidationReview

routes = Routes(OMOIOS, "validation")
EVIDENCE_BYTES = 20_000  # of JSON
ARCHIVED = (Situation.CARD_ARCHIVED, Situation.PROJECT_ARCHIVED)
Sha = Annotated[str, Form(r"(?i)^[0-9a-f]{7,64}$", "Should be the SHA of a commit")]
Line = Annotated[str, Field(min_length=1, max_length=1_000), OneLine]
TaskId = Annotated[Id, Query(min_length=1)]


class GiveReviewRequest(Request):
    """`validator_agent_id`: the live agent of the type validator that has reviewed the task."""

    task_id: Id
    validator_agent_id: Id
    validation_passed: bool
    feedback: Annotated[str, Field(max_length=10_000)]
    evidence: dict[str, Any] | None = None
    recommendations: Annotated[list[Line], Field(max_length=50)] | None = None


class GiveReviewResponse(Shape):
    status: str
    message: str
    iteration: int


class SpawnValidatorRequest(Request):
    """`commit_sha`: the commit that is to be reviewed."""

    task_id: Id
    commit_sha: Sha | None = None


class SpawnValidatorResponse(Shape):
    validator_agent_id: str


class SendFeedbackRequest(Request):
    agent_id: Id
    feedback: Annotated[str, Field(min_length=1, max_length=4_000), Seen]


class SendFeedbackResponse(Shape):
    """`delivered`: whether the agent can hear it. Runs read it at their next turn, other agents with their next heartbeat."""

    delivered: bool


class ValidationStatusResponse(Shape):
    task_id: str
    state: str
    iteration: int
    review_done: bool
    last_feedback: str | None


class CriterionVerdict(Shape):
    """`result`: passed, failed or unknown; `evidence` is quoted from `source`."""

    criterion: str
    result: str
    evidence: str | None = None
    source: str | None = None
    reason: str | None = None
    """Why it is unknown, or what the validator adds."""


class ReviewShown(Shape):
    review_id: str
    task_id: str
    iteration: int
    passed: bool
    feedback: str
    validator_agent_id: str
    validator_name: str
    evidence: dict[str, Any] | None
    recommendations: list[str]
    criteria: list[CriterionVerdict]
    commit_sha: str | None
    created_at: str


@routes.post("/validation/give_review", "validation.giveReview", permission=Permission.AGENT_RUN, errors=ARCHIVED)
async def give_review(body: GiveReviewRequest, caller: Caller) -> GiveReviewResponse:
    """Say whether a task is done. 403 for an agent that is no validator, 400 for a task that is not under review."""
    if len(json.dumps(body.evidence or {}, ensure_ascii=False).encode()) > EVIDENCE_BYTES:
        raise Malformed(f"evidence is longer than {EVIDENCE_BYTES:,} bytes")
    review = Review(body.validation_passed, body.feedback, body.evidence, body.recommendations or [])
    task = reviewing.give_review(caller, body.task_id, body.validator_agent_id, review)
    if body.validation_passed:
        return GiveReviewResponse(status="completed", message="The task has passed and is completed", iteration=task.iteration)
    message = f"The task is {task.status}" if task.status != "needs_work" else "The task needs work; its agent has the feedback"
    return GiveReviewResponse(status="needs_work", message=message, iteration=task.iteration)


@routes.post(
    "/validation/spawn_validator",
    "validation.spawnValidator",
    status=201,
    permission=Permission.AGENT_RUN,
    errors=(Situation.TASK_STATUS, *ARCHIVED),
)
async def spawn_validator(body: SpawnValidatorRequest, caller: Caller) -> SpawnValidatorResponse:
    """Submit a task for a review: to a validator that waits, or to one of the platform. It gives the ticket's acceptance
    criteria that name a test or the build the verdict of the newest result, and lets the model of the workspace judge the others."""
    return SpawnValidatorResponse(validator_agent_id=reviewing.spawn_validator(caller, body.task_id, body.commit_sha))


@routes.post("/validation/send_feedback", "validation.sendFeedback", permission=Permission.AGENT_RUN)
async def send_feedback(body: SendFeedbackRequest, caller: Caller) -> SendFeedbackResponse:
    """Tell an agent something while it works."""
    return SendFeedbackResponse(delivered=reviewing.send_feedback(caller, body.agent_id, body.feedback))


@routes.get("/validation/status", "validation.status", permission=Permission.CARD_READ)
async def status(task_id: TaskId, caller: Caller) -> ValidationStatusResponse:
    """Show how far the validation of a task is."""
    task = reviewing.get_state(caller, task_id)
    validation = task.validation or {}
    return ValidationStatusResponse(
        task_id=task.id,
        state=reviewing.state_of(task),
        iteration=task.iteration,
        review_done=bool(validation.get("review_done")),
        last_feedback=validation.get("last_feedback"),
    )


@routes.get("/validation/reviews", "validation.reviews", permission=Permission.CARD_READ, addition=True)
async def reviews(task_id: TaskId, caller: Caller) -> list[ReviewShown]:
    """List the last hundred reviews of a task, newest first, with the verdict on each acceptance criterion."""
    return [_shown(one) for one in reviewing.list_reviews(caller, task_id)]


def _shown(row: ValidationReview) -> ReviewShown:
    return ReviewShown(
        review_id=row.id,
        task_id=row.task_id,
        iteration=int(row.iteration),
        passed=row.passed,
        feedback=row.feedback,
        validator_agent_id=row.validator_id,
        validator_name=row.validator_name,
        evidence=row.evidence,
        recommendations=row.recommendations,
        criteria=[CriterionVerdict(**one) for one in row.criteria],
        commit_sha=row.commit_sha,
        created_at=row.created_at,
    )
