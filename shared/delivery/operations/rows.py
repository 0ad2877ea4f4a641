"""The row of an operation."""

from typing import Final

from shared.core import clock
from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, UnicodeAttribute

KEPT: Final = 30 * 86_400
"""Seconds for which an operation can be asked for, from its request on (areas.md: 30 days)."""
OVERDUE_DEPLOYING: Final = 600
"""The same while its deployment goes on, which has a job of its own."""
UNFINISHED: Final = "OPERATIONS#UNFINISHED"
"""The list, in index 3 by `due`, of operations that still have something to do."""
OVERDUE: Final = 60
"""Seconds after which an unfinished operation of which nothing was heard is looked after."""


class OperationRow(Entity):
    """A build that is made here, and what follows it. It goes on until it is `released`: ended, and nothing of it runs any more."""

    KIND = "OP"
    NAME = "operation"

    item_id = UnicodeAttribute()
    build_id = UnicodeAttribute()
    deployment_id = UnicodeAttribute(null=True)
    """The deployment that follows the build; None: it is a build alone."""
    handed_over = BooleanAttribute(default=False)
    """The build is there, and its deployment goes on by its own machine."""
    deploying_takes = NumberAttribute(default=0)
    """Seconds for which the deployment's steps are looked at, at least."""
    status = UnicodeAttribute(default="pending")  # pending | in_progress | completed | failed | cancelled
    progress = NumberAttribute(default=0)
    """In percent; never goes back."""
    step = UnicodeAttribute(null=True)
    """What is done now, in words."""
    eta_seconds = NumberAttribute(null=True)
    """Seconds that were left when the row was written; None: nothing is known."""
    source = JSONAttribute()
    """The fields of `building.runner.Source`."""
    handle = UnicodeAttribute(null=True)
    """The runner's name for the build, once it was started."""
    reason = UnicodeAttribute(null=True)
    execution = UnicodeAttribute(null=True)
    launches = NumberAttribute(default=0)
    """Executions that were started after the first one was lost."""
    due = NumberAttribute()
    """When somebody must look after it if nothing was heard before, in epoch seconds."""
    released = BooleanAttribute(default=False)
    completed_at = UnicodeAttribute(null=True)
    created_by = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        own = {1: (f"ORG#{self.org_id}#OP", f"{self.created_at}#{self.id}")}
        return own if self.released else own | {3: (UNFINISHED, f"{int(self.due):012d}#{self.id}")}

    @property
    def ended(self) -> bool:
        return self.status in ("completed", "failed", "cancelled")

    def postpone(self, seconds: int = OVERDUE) -> None:
        """Say that something was heard of the operation now, and when it must be looked after."""
        self.due = clock.epoch() + seconds

    def end(self, status: str, reason: str | None = None) -> None:
        self.status, self.reason, self.completed_at = status, reason, clock.iso()
        self.step = self.eta_seconds = None
        self.postpone()
