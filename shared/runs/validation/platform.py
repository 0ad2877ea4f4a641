"""What follows by itself: a task that was submitted gets a validator, the platform's one reviews it, who did the work is told, and a task
that fails again and again is looked into."""

import logging
from collections.abc import Sequence
from typing import Final

from shared.core.actor import SYSTEM, Actor, Role
from shared.core.errors import CadreError, Conflict, Forbidden, Invalid, LimitExceeded, Malformed, NotFound, Upstream
from shared.core.ids import derived_id
from shared.core.situations import Situation
from shared.money.budgets.reserving import BudgetExhausted
from shared.people.tenancy.rows import Organization
from shared.runs.agent_runs.rows import Run
from shared.runs.live_agents.rows import PLATFORM, LiveAgent
from shared.runs.validation import queue
from shared.runs.validation.asking import calls_for
from shared.runs.validation.criteria import FAILED, PASSED, Verdict, feedback_of, shown
from shared.runs.validation.judging import judge
from shared.runs.validation.material import FindBuilds, gather
from shared.runs.validation.reviewing import (
    MAX_FAILURES,
    Review,
    dismiss,
    give_review,
    note_told,
    put_back,
    spawn_validator,
    tell_worker,
)
from shared.runs.validation.rows import ValidationReview
from shared.store import fetch, is_stale
from shared.work.discoveries.rows import Discovery, create_discovery
from shared.work.discoveries.spawning import SpawnedTask, spawn_task
from shared.work.items.rows import Item
from shared.work.tasks.rows import TaskHead

FAILURES: Final = 3
"""Failed reviews of a task after which it is looked into why; and again after as many more."""
TRIES: Final = 5
"""How often a review is tried whose model does not answer (`infra/queues.py`)."""
DIAGNOSIS: Final = "diagnostic_validation_failed"
_BY_DIAGNOSIS: Final = f"discovery_{DIAGNOSIS}"
"""The type of a task that looks into why reviews fail."""
NO_CRITERIA: Final = "The ticket has no acceptance criteria: a person or another validator has to judge"
_NO_BUDGET: Final = "A budget has no room for the validator's model"  # everybody sees a task, and not everybody what is spent
_MOST: Final = 100  # criteria of a ticket that are judged
log = logging.getLogger(__name__)


class _NotNow(Exception):
    """The task cannot be judged by the platform, and says why."""


def platform_in(ws_id: str) -> Actor:
    """Return the platform as an actor in a workspace."""
    return Actor(SYSTEM.id, SYSTEM.name, kind="system", workspaces={ws_id: Role.MEMBER})


def review_submitted(task: TaskHead) -> None:
    """Go on with a task that was submitted: it gets a validator if a run has done it or if it must be validated; one that the platform's
    validator has goes to the queue.

    Idempotent: the state of the task decides.
    """
    now = fetch(TaskHead, task.id)
    if now is None or now.deleted_at or now.archived_at:
        return
    validation = now.validation or {}
    if now.status == "under_review" and not validation.get("put_back") and (now.validation_enabled or _is_done_by_run(now)):
        try:
            spawn_validator(platform_in(str(now.ws_id)), now.id)
        except (Conflict, NotFound, LimitExceeded) as error:  # it waits for whoever submits it
            if is_stale(error):
                raise
            log.info("a task got no validator", extra={"task": now.id, "reason": error.message})
    elif now.status == "validating" and validation.get("validator_id"):
        validator = fetch(LiveAgent, validation["validator_id"])
        if validator is not None and validator.runner == PLATFORM and validator.status != "terminated":
            queue.enqueue(now.id, validator.id)


def _is_done_by_run(task: TaskHead) -> bool:
    run = fetch(Run, task.work_run_id) if task.work_run_id else None
    return run is not None and run.ended


def review_task(task_id: str, validator_id: str, find_builds: FindBuilds, *, last: bool = False) -> None:
    """Review a task by a validator of the platform. Repeating it changes nothing.

    With `last`, a model that does not answer is no error: the task waits for a person.
    Raises Upstream, CadreError (TIMEOUT, RUN_IN_PROGRESS).
    """
    task = fetch(TaskHead, task_id)
    validator = fetch(LiveAgent, validator_id)
    if validator is None:
        return
    actor = platform_in(str(validator.ws_id))
    if task is not None and task.status == "validating" and (task.validation or {}).get("validator_id") == validator_id:
        try:
            _review(actor, task, validator, find_builds, last=last)
        except (Conflict, NotFound, Forbidden, Malformed) as error:
            if is_stale(error) or error.situation is Situation.RUN_IN_PROGRESS:
                raise
            log.info("a review was not written", extra={"task": task_id, "reason": error.message})
    dismiss(actor, validator_id, "It has done its review")


def _review(actor: Actor, task: TaskHead, validator: LiveAgent, find_builds: FindBuilds, *, last: bool) -> None:
    try:
        verdicts = _verdicts(task, find_builds, last=last)
    except _NotNow as reason:
        put_back(actor, task.id, validator.id, str(reason))
        return
    passed = all(one.result == PASSED for one in verdicts)
    asks = not passed and not any(one.result == FAILED for one in verdicts)
    if asks and (task.validation or {}).get("asked"):
        put_back(actor, task.id, validator.id, f"A person has to judge. {feedback_of(verdicts)}")
        return
    found = Review(passed, feedback_of(verdicts), criteria=[shown(one) for one in verdicts], asks=asks)
    give_review(actor, task.id, validator.id, found)


def _verdicts(task: TaskHead, find_builds: FindBuilds, *, last: bool) -> Sequence[Verdict]:
    card, organization = fetch(Item, task.item_id), fetch(Organization, str(task.org_id)) if task.org_id else None
    if card is None or card.deleted_at:
        raise NotFound(TaskHead.NAME)
    if organization is not None and organization.status != "active":
        raise _NotNow("The organization is not active")
    criteria = [text for _, text in card.criteria]
    if not criteria:
        raise _NotNow(NO_CRITERIA)
    if len(criteria) > _MOST:
        raise _NotNow(f"The ticket has more than {_MOST} acceptance criteria: a person or another validator has to judge")
    try:
        begin = calls_for(task, card)
        calls = begin() if begin is not None else None
        return judge(criteria, gather(task, card, find_builds), calls.ask if calls is not None else None)
    except BudgetExhausted:
        raise _NotNow(_NO_BUDGET) from None
    except Invalid as error:
        raise _NotNow(f"No model can judge: {error.message}") from error
    except CadreError as error:
        waits = isinstance(error, Upstream) or error.situation in (Situation.TIMEOUT, Situation.RUN_IN_PROGRESS)
        if not (waits and last):
            raise
        raise _NotNow(f"The model that judges does not answer: {error.message}") from error


def after_review(review: ValidationReview) -> None:
    """Tell who works on a task of a review that has failed, and look into a task that fails again and again. Repeating it changes nothing,
    but for a message that comes twice if the process dies as it is sent."""
    if review.passed:
        return
    stored = fetch(ValidationReview, review.id)
    if stored is None:
        return
    task, actor = fetch(TaskHead, stored.task_id), platform_in(str(stored.ws_id))
    if not stored.told and task is not None and task.is_held and task.iteration == int(stored.iteration):
        tell_worker(actor, task, f"The validation has failed (iteration {int(stored.iteration)}). {stored.feedback}")
        note_told(stored)
    if task is None or task.task_type != _BY_DIAGNOSIS:  # else each would bring the next, as long as the card takes tasks
        _look_into(actor, stored)


def _look_into(actor: Actor, review: ValidationReview) -> None:
    """Begin a diagnosis of a task that has failed FAILURES reviews: a discovery, and a task for it."""
    failures = int(review.failures)
    if not failures or failures % FAILURES or failures >= MAX_FAILURES:
        return
    card = fetch(Item, review.item_id)
    if card is None or card.deleted_at or card.archived_at:
        return
    try:
        _begin_diagnosis(actor, card, review)
    except (Conflict, NotFound, LimitExceeded) as error:  # its project is archived, or the card has all the tasks that it takes
        if is_stale(error):
            raise
        log.info("no diagnosis was begun", extra={"task": review.task_id, "reason": error.message})


def _begin_diagnosis(actor: Actor, card: Item, review: ValidationReview) -> None:
    discovery_id, failures = derived_id("diagnosis", review.id), int(review.failures)
    words = f"{failures} reviews of the task have failed. The last one says: {review.feedback}"
    found = fetch(Discovery, discovery_id) or create_discovery(
        actor, card, discovery_id, DIAGNOSIS, words[:5_000], "high", task_id=review.task_id
    )
    if not found.spawned_task_ids:
        spawn_task(actor, found.id, SpawnedTask(f"Find out why the reviews fail: {review.feedback}"[:5_000]))
