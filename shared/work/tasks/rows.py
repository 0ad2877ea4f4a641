"""The rows of tasks and of what they wait for.

Index 1 lists the tasks of a workspace (counted), index 2 those of a card, index 3 those that somebody holds in a workspace by their
deadlines and those that an agent has ended, index 4 what agents may claim in a project: tasks that are ready, by phase, priority and age,
and tasks whose holder may have died, by the end of the lease.
"""

from typing import Any, Final

from shared.store import (
    BooleanAttribute,
    CountedEntity,
    CountedList,
    JSONAttribute,
    NumberAttribute,
    Row,
    UnicodeAttribute,
)
from shared.work.tasks.statuses import ENDED, HELD, RANKS, REVIEWED

MAX_RETRIES: Final = 3
"""Attempts that may fail before the task does, as in the original service."""
MAX_CARD_TASKS: Final = 500
"""Tasks of a card: its gate reads all of them, which is one query."""
MAX_DEPENDENCIES: Final = 40  # of a task: each takes two rows of its transaction, of which a transaction has 100
NO_LIST: Final = "none none none"
"""What the tasks of archived and deleted cards are counted as: no status, no phase, no project."""
_EXCERPT: Final = 200  # characters of a description that lists and graphs show
_LAST: Final = "~"  # sorts behind every time


def label_of(f: dict[str, Any]) -> str:
    """Return what a task is counted as: its status, its phase and its project."""
    return f"{f['status']} {f['phase_id']} {f['project']}"


def tasks_of(ws_id: str) -> CountedList:
    """Return the tasks of a workspace as a counted list."""
    return CountedList(f"WS#{ws_id}", "TASK", f"WS#{ws_id}#TASK", label_of)


def tasks_of_card(item_id: str) -> str:
    """Return the partition of index 2 that holds the tasks of a card, oldest first."""
    return f"ITEM#{item_id}#TASK"


def held_in(ws_id: str) -> str:
    """Return the partition of index 3 that holds the tasks on which somebody works, those with the earliest deadline first."""
    return f"WS#{ws_id}#HELD"


def ended_by(ws_id: str, agent_id: str) -> str:
    """Return the partition of index 3 that holds the tasks that an agent has ended, by when."""
    return f"WS#{ws_id}#AGENT#{agent_id}#TASK"


def ready_in(proj_id: str, phase_id: str) -> str:
    """Return the partition of index 4 that holds the tasks of a phase that can be claimed, by priority and age."""
    return f"PROJ#{proj_id}#READY#{phase_id}"


def leased_in(proj_id: str) -> str:
    """Return the partition of index 4 that holds the tasks of a project that are held until some time, by that time."""
    return f"PROJ#{proj_id}#LEASED"


class TaskHead(CountedEntity):
    """A task without its description: all that rules need. Only for reading; the row is written as a `Task`."""

    KIND = "TASK"
    NAME = "task"

    item_id = UnicodeAttribute()
    board_id = UnicodeAttribute()
    title = UnicodeAttribute()
    task_type = UnicodeAttribute(default="implementation")
    priority = UnicodeAttribute(default="medium")
    phase_id = UnicodeAttribute()
    status = UnicodeAttribute(default="pending")  # statuses.STATUSES
    depends_on = JSONAttribute(default=list)
    waiting = BooleanAttribute(default=False)
    """Whether a task that it depends on has not been completed, as far as is known: that the last one is, is noted a moment later."""
    agent = JSONAttribute(null=True)
    """Who holds it, or held it to the end."""
    fence = NumberAttribute(default=0)
    """Goes up with each claim. What the holder of an earlier claim writes is refused."""
    lease_until = UnicodeAttribute(null=True)
    deadline = UnicodeAttribute(null=True)
    """When the attempt that is under way has taken too long."""
    timeout_seconds = NumberAttribute(null=True)
    handed_over = NumberAttribute(null=True)
    """How often the agent that holds it was given it by another one since it was claimed."""
    retry_count = NumberAttribute(default=0)
    max_retries = NumberAttribute(default=MAX_RETRIES)
    discovery_id = UnicodeAttribute(null=True)
    run_id = UnicodeAttribute(null=True)
    """The run that created the task."""
    work_run_id = UnicodeAttribute(null=True)
    """The run that does the task."""
    conversation_id = UnicodeAttribute(null=True)
    sandbox_id = UnicodeAttribute(null=True)
    persistence_dir = UnicodeAttribute(null=True)
    result = JSONAttribute(null=True)
    validation = JSONAttribute(null=True)
    """None: it needs no review. Else {enabled, iteration, passed, review_done, last_feedback, failures, validator_id, commit_sha, ...}."""
    error_message = UnicodeAttribute(null=True)
    started_at = UnicodeAttribute(null=True)
    completed_at = UnicodeAttribute(null=True)
    archived_at = UnicodeAttribute(null=True)
    """When its card was archived: it is in no list until the card is restored."""
    created_by = JSONAttribute()

    @property
    def label(self) -> str:
        """Return what it is counted as."""
        return NO_LIST if self.deleted_at or self.archived_at else label_of(self.listed())

    @property
    def iteration(self) -> int:
        """Return how many times it was submitted for a review."""
        return int((self.validation or {}).get("iteration", 0))

    @property
    def needs_review(self) -> bool:
        """Tell whether it can be completed only by a review that passes."""
        return self.validation is not None and not self.validation.get("passed")

    @property
    def validation_enabled(self) -> bool:
        """Tell whether somebody has said that it must be validated: each of its results is reviewed without being asked for."""
        return bool((self.validation or {}).get("enabled"))

    def submit(self) -> None:
        """Begin the next review: what an earlier one said stays until there is another word."""
        before = self.validation or {}
        fresh = {"iteration": self.iteration + 1, "passed": False, "review_done": False, "validator_id": None, "put_back": False}
        self.validation = before | fresh

    @property
    def is_open(self) -> bool:
        """Whether what depends on it has to wait. A task that was deleted or archived before it was completed is waited for no longer."""
        return self.status != "completed" and not self.deleted_at and not self.archived_at

    @property
    def is_held(self) -> bool:
        return self.status in HELD

    @property
    def claimable_at(self) -> str | None:
        """Return when somebody else may take it from its holder: as the lease ends or the time is up. None: never, nor in a review."""
        if self.status in REVIEWED:
            return None
        return min((time for time in (self.lease_until, self.deadline) if time), default=None)

    def is_lost(self, now: str) -> bool:
        """Tell whether its holder has lost it: anybody may claim it."""
        return self.is_held and self.claimable_at is not None and self.claimable_at <= now

    def is_timed_out(self, now: str) -> bool:
        return self.is_held and self.deadline is not None and self.deadline <= now

    def set_index_keys(self) -> None:
        if not self.COLD:
            raise TypeError("a task is written whole")
        super().set_index_keys()


class Task(TaskHead):
    """A whole task: its row and the second one, which a claim does not write."""

    description = UnicodeAttribute(null=True)

    def indexes(self) -> dict[int, tuple[str, str]]:
        card = {2: (tasks_of_card(self.item_id), f"{self.created_at}#{self.id}")}
        if self.archived_at:
            return card
        ws_id, proj_id = str(self.ws_id), str(self.proj_id)
        keys = card | ({1: (tasks_of(ws_id).partition, self.place)} if self.counted_in is not None else {})
        if self.is_held:
            keys[3] = (held_in(ws_id), f"{self.deadline or _LAST}#{self.id}")
            if self.claimable_at:
                keys[4] = (leased_in(proj_id), f"{self.claimable_at}#{self.id}")
        elif self.status in ENDED and self.agent:
            keys[3] = (ended_by(ws_id, self.agent["id"]), f"{self.completed_at or self.updated_at}#{self.id}")
        elif self.status == "pending" and not self.waiting:
            keys[4] = (ready_in(proj_id, self.phase_id), f"{RANKS[self.priority]}#{self.created_at}#{self.id}")
        return keys

    def filters(self) -> dict[str, Any]:
        """Return what lists filter by, and what graphs show. The lease is not in it: it is renewed every few seconds."""
        excerpt = (self.description or "")[:_EXCERPT]
        fields = {
            "project": self.proj_id,
            "item_id": self.item_id,
            "task_type": self.task_type,
            "depends_on": self.depends_on or None,
            "waiting": self.waiting or None,
            "agent_id": self.agent["id"] if self.agent else None,
            "deadline": self.deadline,
            "discovery_id": self.discovery_id,
            "started_at": self.started_at,
            "completed_at": self.completed_at,
            "about": excerpt if excerpt != self.title else None,
        }
        return {name: value for name, value in fields.items() if value is not None}


# what only the whole task has
Task.COLD = frozenset(Task.get_attributes()) - frozenset(TaskHead.get_attributes())


class CardTasks(Row):
    """How many tasks were ever made of a card, at `ITEM#<card>, TASKS`: each new one is counted in its own transaction."""

    TABLE = "core_table"

    SORT = "TASKS"

    made = NumberAttribute(default=0)

    @classmethod
    def of(cls, item_id: str) -> "CardTasks":
        return cls(pk=f"ITEM#{item_id}", sk=cls.SORT)


class Dependent(Row):
    """That a task depends on another one, at `TASK#<other>, NEEDED#<task>`: read consistently when the other one is completed."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="NEEDED")

    @classmethod
    def of(cls, needed_id: str, task_id: str) -> "Dependent":
        return cls(pk=f"TASK#{needed_id}", sk=f"NEEDED#{task_id}")

    @property
    def task_id(self) -> str:
        return str(self.sk).removeprefix("NEEDED#")


class GraphRow(Row):
    """A row of the graph of a project's tasks, `TASKGRAPH#<project>`: what a task depends on, by its id; or the VERSION, which every edge
    between existing tasks raises."""

    TABLE = "core_table"
    VERSION = "#"  # sorts before all ids

    kind = UnicodeAttribute(default="TASKGRAPH")
    depends_on = JSONAttribute(null=True)
    version = NumberAttribute(null=True)

    @staticmethod
    def partition(proj_id: str) -> str:
        return f"TASKGRAPH#{proj_id}"

    @classmethod
    def of(cls, proj_id: str, task_id: str, depends_on: list[str] | None = None) -> "GraphRow":
        return cls(pk=cls.partition(proj_id), sk=task_id, depends_on=depends_on)

    @classmethod
    def version_of(cls, proj_id: str) -> "GraphRow":
        return cls(pk=cls.partition(proj_id), sk=cls.VERSION)
