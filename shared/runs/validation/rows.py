"""The row of a review, `VREV#<id>, META`: what a validator has found out about a task."""

from typing import Any

from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, UnicodeAttribute


def reviews_of(task_id: str) -> str:
    """Return the partition of index 2 that holds the reviews of a task, oldest first."""
    return f"TASK#{task_id}#VREV"


class ValidationReview(Entity):
    KIND = "VREV"
    NAME = "review"

    task_id = UnicodeAttribute()
    item_id = UnicodeAttribute()
    iteration = NumberAttribute()
    passed = BooleanAttribute()
    feedback = UnicodeAttribute()
    validator_id = UnicodeAttribute()
    validator_name = UnicodeAttribute()
    evidence = JSONAttribute(null=True)
    recommendations = JSONAttribute(default=list)
    criteria = JSONAttribute(default=list)
    """Of the platform's validator: [{criterion, result, evidence, source, reason}]."""
    commit_sha = UnicodeAttribute(null=True)
    told = BooleanAttribute(default=False)
    """Whether who works on the task was told of it."""
    failures = NumberAttribute(default=0)
    """How many reviews of the task have failed, this one included."""

    def indexes(self) -> dict[int, tuple[str, str]]:
        place = f"{self.created_at}#{self.id}"
        return {1: (f"WS#{self.ws_id}#VREV", place), 2: (reviews_of(self.task_id), place)}

    def filters(self) -> dict[str, Any]:
        return {"passed": self.passed}
