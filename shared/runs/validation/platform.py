"""What follows by itself: the platform's validator reviews what it was given, and a task that fails again and again is looked into."""

import json
from dataclasses import asdict
from typing import Any, Final

from shared.core.actor import SYSTEM, Actor, Role
from shared.core.errors import CadreError
from shared.core.ids import derived_id
from shared.runs.agent_runs.rows import Run
from shared.runs.live_agents.rows import PLATFORM, LiveAgent
from shared.runs.validation.criteria import Material, check, feedback_of
from shared.runs.validation.reviewing import Review, dismiss, give_review, put_back, spawn_validator
from shared.runs.validation.rows import ValidationReview
from shared.store import fetch, fetch_all, is_stale
from shared.work.discoveries.rows import Discovery, create_discovery
from shared.work.discoveries.spawning import SpawnedTask, spawn_task
from shared.work.documents.reading import read_texts
from shared.work.documents.rows import Document
from shared.work.items.rows import Item
from shared.work.tasks.rows import TaskHead

FAILURES: Final = 3
"""Failed reviews of a task after which it is looked into why; and again after as many more."""
DIAGNOSIS: Final = "diagnostic_validation_failed"
NO_CRITERIA: Final = "The ticket has no acceptance criteria: a person or another validator has to judge"
_DOCUMENTS: Final = 10  # of a run that are read


def platform_in(ws_id: str) -> Actor:
    """Return the platform as an actor in a workspace."""
    return Actor(SYSTEM.id, SYSTEM.name, kind="system", workspaces={ws_id: Role.MEMBER})


def review_submitted(task: TaskHead) -> None:
    """Go on with a task that was submitted: one that a run has done gets a validator, one that the platform's validator has is reviewed.

    Idempotent: the state of the task decides.
    """
    now = fetch(TaskHead, task.id)
    if now is None or now.deleted_at or now.archived_at:
        return
    actor, validation = platform_in(str(now.ws_id)), now.validation or {}
    if now.status == "under_review" and now.work_run_id and not validation.get("put_back"):
        run = fetch(Run, now.work_run_id)
        if run is not None and run.ended:
            spawn_validator(actor, now.id)
    elif now.status == "validating" and validation.get("validator_id"):
        validator = fetch(LiveAgent, validation["validator_id"])
        if validator is not None and validator.runner == PLATFORM and validator.status != "terminated":
            _review(actor, now, validator)


def _review(actor: Actor, task: TaskHead, validator: LiveAgent) -> None:
    card = fetch(Item, task.item_id)
    criteria = [text for _, text in card.criteria] if card is not None else []
    if not criteria:
        put_back(actor, task.id, validator.id, NO_CRITERIA)
    else:
        verdicts = check(criteria, _material(task))
        passed = all(one.result == "passed" for one in verdicts)
        found = Review(passed, feedback_of(verdicts), criteria=[asdict(one) for one in verdicts])
        try:
            give_review(actor, task.id, validator.id, found)
        except CadreError as error:
            if is_stale(error):
                raise
    dismiss(actor, validator.id, "It has done its review")


def _material(task: TaskHead) -> list[Material]:
    """Return the texts of what a task has brought: its result, and the documents that its run has written."""
    found = [Material("result", text) for text in _texts(task.result)]
    run = fetch(Run, str(task.work_run_id)) if task.work_run_id else None
    if run is not None:
        found.append(Material("summary", run.result_summary or ""))
        ids = [str(one["id"]) for one in (run.result_data or {}).get("documents", []) if one.get("id")]
        documents = fetch_all(Document, ids[:_DOCUMENTS])
        texts = read_texts(documents)
        found += [Material(f"document {one.title}", texts[one.id]) for one in documents if one.id in texts]
    return found


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [] if value is None else [json.dumps(value)]


def look_into(review: ValidationReview) -> None:
    """Begin a diagnosis of a task that has failed FAILURES reviews: a discovery, and a task for it. Repeating it changes nothing."""
    if review.passed or not review.failures or int(review.failures) % FAILURES:
        return
    actor, card = platform_in(str(review.ws_id)), fetch(Item, review.item_id)
    if card is None or card.deleted_at or card.archived_at:
        return
    discovery_id = derived_id("diagnosis", review.id)
    words = f"{int(review.failures)} reviews of the task have failed. The last one says: {review.feedback}"
    found = fetch(Discovery, discovery_id) or create_discovery(
        actor, card, discovery_id, DIAGNOSIS, words[:5_000], "high", task_id=review.task_id
    )
    if not found.spawned_task_ids:
        spawn_task(actor, found.id, SpawnedTask(f"Find out why the reviews fail: {review.feedback}"[:5_000]))
