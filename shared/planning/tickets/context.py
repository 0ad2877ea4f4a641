"""All that is known of a ticket, and in short: for who goes on with it. The same ticket always gives the same words.

The full context is bounded: the newest tasks, comments and artifacts, each text shortened. The summary says each phase in a line or two.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.planning.phases.history import Stay, find_moves, phase_changes, stays_of
from shared.planning.phases.rows import PhaseArtifact, artifacts_of, partition_of
from shared.store import ReadFuture, first_index_rows, get_all, item_collection, load, read_ahead
from shared.work.activities.rows import Activity
from shared.work.comments.rows import Comment
from shared.work.items.pending import approval_of
from shared.work.items.rows import Item
from shared.work.items.stays import all_stays
from shared.work.items.updating import change_item
from shared.work.tasks.rows import Task, tasks_of_card

MAX_TASKS, MAX_COMMENTS, MAX_ARTIFACTS = 50, 20, 50
"""How many of each the context shows: the newest."""
_TEXT: Final = 1_000  # characters of a text
_SUMMARY: Final = 4_000  # characters of the summary
_ENDED: Final = ("completed", "done")


@dataclass(frozen=True)
class TicketContext:
    item: Item
    stays: list[Stay]
    tasks: list[Task]
    comments: list[Comment]
    artifacts: list[PhaseArtifact]

    @property
    def full(self) -> dict[str, Any]:
        """Return all of it as JSON."""
        item = self.item
        return {
            "ticket": {
                "id": item.id,
                "title": item.title,
                "description": _short(item.description, 10 * _TEXT),
                "phase_id": item.phase_id,
                "priority": item.priority.upper(),
                "is_blocked": item.is_blocked,
                "blocked_reason": item.blocked_reason,
                "approval_status": approval_of(item) or "approved",
                "acceptance_criteria": [_short(one) for one in item.acceptance_criteria or []],
                "labels": item.labels,
            },
            "phases": [_phase(one) for one in self.stays],
            "tasks": [_task(one) for one in self.tasks],
            "comments": [_comment(one) for one in self.comments],
            "artifacts": [_artifact(one) for one in self.artifacts],
            "context": item.context or {},
        }

    @property
    def summary(self) -> str:
        """Return it in short: the ticket, then each phase in which it was."""
        item = self.item
        state = f"blocked ({item.blocked_reason or 'no reason given'})" if item.is_blocked else f"in {item.phase_id}"
        lines = [f"{item.title}: {item.priority.upper()}, {state}."]
        if item.description:
            lines.append(_short(" ".join(item.description.split()), 300) or "")
        lines += [line for phase in self.phases() if (line := self.phase_summary(phase))]
        return "\n".join(lines)[:_SUMMARY]

    def phases(self) -> list[str]:
        """Return each phase that the ticket was in, ordered by the last stay; phases from before its log come first."""
        known = list(dict.fromkeys(one.phase_id for one in reversed(self.stays)))[::-1]
        return [*(phase for phase in all_stays(self.item) if phase not in known), *known]

    def phase_summary(self, phase_id: str) -> str:
        """Return one phase in short."""
        seconds, entered = all_stays(self.item).get(phase_id, (0, 0))
        tasks = [one for one in self.tasks if one.phase_id == phase_id]
        done = [one for one in tasks if one.status in _ENDED]
        parts = [f"{phase_id}: {_duration(seconds)}"]
        if entered > 1:
            parts.append(f"entered {entered} times")
        if tasks:
            parts.append(f"{len(done)} of {len(tasks)} tasks completed")
        failed = [one for one in tasks if one.status == "failed"]
        if failed:
            parts.append(f"failed: {', '.join(one.title for one in failed[:3])}")
        artifacts = dict.fromkeys(one.type for one in self.artifacts if one.phase_id == phase_id)
        if artifacts:
            parts.append(f"artifacts: {', '.join(artifacts)}")
        line = "; ".join(parts) + "."
        results = [f"{one.title}: {_result(one)}" for one in done if one.result][:3]
        back = [one.reason for one in self.stays if one.to_phase_id == phase_id and one.reason]
        if back:
            line += f" Came with: {_short(back[-1], 300)}"
        return line + "".join(f" {_short(one, 200)}" for one in results)


class _Reader:
    """Reads what stands around a ticket: it begins when it is made, before it is decided who may see it."""

    def __init__(self, item_id: str) -> None:
        partition, start = partition_of(bare_id(item_id)), artifacts_of()
        self._artifacts: ReadFuture[list[Any]] = read_ahead(
            lambda: item_collection([PhaseArtifact], partition, (start, f"{start}~"))
        )
        self._moves = read_ahead(lambda: find_moves(bare_id(item_id)))
        self._tasks = read_ahead(lambda: first_index_rows(2, tasks_of_card(bare_id(item_id)), MAX_TASKS, newest_first=True)[0])
        self._comments = read_ahead(lambda: first_index_rows(1, partition, MAX_COMMENTS, "COM#", newest_first=True)[0])

    def context(self, item: Item) -> TicketContext:
        tasks, comments = self._tasks.result()[::-1], self._comments.result()[::-1]
        rows: Sequence[Any] = get_all(
            [
                *((Task, *Task.key(row.id)) for row in tasks),
                *((Comment, *Comment.key(row.id)) for row in comments),
                *self._moves.result(),
            ],
            consistent=False,
        )
        artifacts = sorted(self._artifacts.result(), key=lambda one: one.created_at)[-MAX_ARTIFACTS:]
        return TicketContext(
            item,
            stays_of(item, phase_changes(item, (row for row in rows if isinstance(row, Activity)))),
            [row for row in rows if isinstance(row, Task) and not row.deleted_at],
            [row for row in rows if isinstance(row, Comment) and not row.removed_at and not row.deleted_at],
            artifacts,
        )


def get_context(actor: Actor, item_id: str) -> TicketContext:
    """Return all that is known of a ticket. Raises NotFound, Forbidden.

    Two round trips: the ticket, beside it what stands around it; the rows of these.
    """
    reader = _Reader(item_id)
    return reader.context(load(Item, item_id, actor, Permission.CARD_READ))


def update_context(actor: Actor, item_id: str, phase_id: str | None, more: dict[str, Any] | None) -> Item:
    """Store the summary of a phase in the ticket's context, by default of the current phase; the keys of `more` replace those of before.

    Three round trips. Raises NotFound, Forbidden, Invalid (it is too long), Conflict (archived).
    """
    reader = _Reader(item_id)
    item = load(Item, item_id, actor, Permission.CARD_EDIT)
    found = reader.context(item)
    phase = phase_id or item.phase_id

    def decide(card: Item) -> dict[str, Any]:
        kept = dict(card.context or {})
        phases = dict(kept.get("phases") or {})
        phases[phase] = {"summary": found.phase_summary(phase), "updated_at": clock.iso()}
        return {"context": kept | (more or {}) | {"phases": phases}}

    return change_item(lambda: load(Item, item_id, actor, Permission.CARD_EDIT), actor, decide, first=item)


def _phase(stay: Stay) -> dict[str, Any]:
    return {
        "phase_id": stay.phase_id,
        "entered_at": stay.entered_at,
        "left_at": stay.left_at,
        "seconds": round(stay.seconds),
        "to_phase_id": stay.to_phase_id,
        "moved_by": (stay.actor or {}).get("name"),
        "reason": _short(stay.reason),
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "title": task.title,
        "task_type": task.task_type,
        "phase_id": task.phase_id,
        "status": task.status,
        "result": _result(task),
        "error_message": _short(task.error_message),
    }


def _result(task: Task) -> str | None:
    """Return what a task brought, in short."""
    result = task.result
    if isinstance(result, dict):
        result = result.get("summary") or result.get("text") or json.dumps(result, ensure_ascii=False, sort_keys=True)
    return _short(None if result is None else str(result))


def _comment(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "author": comment.author["name"],
        "content": _short(comment.content),
        "created_at": comment.created_at,
    }


def _artifact(artifact: PhaseArtifact) -> dict[str, Any]:
    content = json.dumps(artifact.content, ensure_ascii=False) if artifact.content else None
    return {
        "id": artifact.id,
        "phase_id": artifact.phase_id,
        "artifact_type": artifact.type,
        "artifact_path": artifact.path,
        "content": _short(content),
        "created_at": artifact.created_at,
    }


def _short(text: str | None, limit: int = _TEXT) -> str | None:
    return text if text is None or len(text) <= limit else text[:limit] + "…"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    days, hours = divmod(minutes // 60, 24)
    parts = [f"{number}{unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes % 60, "m")) if number]
    return " ".join(parts) or "0m"
