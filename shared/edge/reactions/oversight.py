"""Oversight: a run that the guardian has stopped becomes an intervention; what was submitted is reviewed; what fails again and again is
looked into.

Idempotent, because the current state decides, and what is made has an id of the event.
"""

from shared.events import EventType
from shared.events.change import Change
from shared.runs.agent_runs.rows import Run
from shared.runs.agent_runs.steering import GUARDIAN
from shared.runs.guardian.acting import note_stopped_run
from shared.runs.validation.platform import after_review, review_submitted
from shared.runs.validation.rows import ValidationReview
from shared.work.tasks.rows import TaskHead


def react(change: Change) -> None:
    if change.event.type is EventType.RUN_CANCELLED and change.event.actor["id"] == GUARDIAN.id:
        note_stopped_run(GUARDIAN, change.after(Run), change.event.id)
    elif change.event.type is EventType.VALIDATION_REVIEWED:
        after_review(change.after(ValidationReview))
    elif change.kind == TaskHead.KIND:
        task, (was, now) = change.after(TaskHead), change.status()
        if was != now and now in ("under_review", "validating"):
            review_submitted(task)
