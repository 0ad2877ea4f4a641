"""The statuses of a task, and from which to which it may go."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

HELD: Final = frozenset({"assigned", "running", "under_review", "validating", "needs_work"})
"""Somebody works on it, or reviews it."""
REVIEWED: Final = frozenset({"under_review", "validating"})
"""It was submitted, and is or will be reviewed."""
ENDED: Final = frozenset({"completed", "failed", "cancelled"})
STATUSES: Final = ("pending", *sorted(HELD), *sorted(ENDED))
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "pending": frozenset({"assigned", "running", "completed", "cancelled"}),
        "assigned": frozenset({"pending", "running", "completed", "failed", "cancelled"}),
        "running": frozenset({"pending", "under_review", "completed", "failed", "cancelled"}),
        "under_review": frozenset({"running", "validating", "needs_work", "completed", "failed", "cancelled"}),
        "validating": frozenset({"under_review", "needs_work", "completed", "failed", "cancelled"}),
        "needs_work": frozenset({"pending", "running", "under_review", "completed", "failed", "cancelled"}),
        "completed": frozenset(),  # what depends on it may have begun
        "failed": frozenset({"pending"}),
        "cancelled": frozenset({"pending"}),
    }
)
RANKS: Final[Mapping[str, int]] = MappingProxyType({"critical": 0, "high": 1, "medium": 2, "low": 3})
"""The priorities, in the order in which tasks are handed out."""
