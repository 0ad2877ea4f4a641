"""Learning from a completed task: its report becomes a memory and advice in the project's playbook."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.ids import derived_id, new_id
from shared.insight.memories.playbook import PlaybookDelta, add_advice, entries_about
from shared.insight.memories.reflecting import Reflection, Report, advice_of, reflect
from shared.insight.memories.rows import Memory, Playbook
from shared.insight.memories.storing import NewMemory, prepare
from shared.store import create, fetch, load, read_ahead, retrying, save, stale, write
from shared.work.tasks.rows import Task


@dataclass(frozen=True)
class Learned:
    """What was learned of a task. `change_id` names the change of the playbook; None if nothing changed there."""

    memory: Memory
    reflection: Reflection
    related: list[dict[str, Any]]
    """Bullets of the playbook, as it was before, that are about the task."""
    delta: PlaybookDelta
    change_id: str | None


def learn_from_task(actor: Actor, task_id: str, report: Report, agent_id: str) -> Learned:
    """Store the report of a task as a memory, its insights as advice, and the pattern that it completes; the task itself stays as it is.

    Four round trips: the task; the playbook beside what `store_memory` reads; the transaction. Raises as `store_memory` does.
    """
    memory_id = new_id()

    def attempt(_: int) -> Learned:
        task = load(Task, task_id, actor, Permission.CARD_EDIT)
        reading = read_ahead(lambda: fetch(Playbook, str(task.proj_id)))
        found = reflect(report, task.task_type, task_failed=task.status in {"failed", "cancelled"})
        writing = prepare(actor, task, memory_id, _new_memory(report, found, agent_id))
        stored = reading.result()
        playbook = stored or Playbook.new(str(task.proj_id), org_id=task.org_id, ws_id=task.ws_id, proj_id=task.proj_id)
        related = entries_about(stored, report.words)
        delta = add_advice(playbook, advice_of(found, report), found.tags[:5], success=found.success)
        if not delta.added and not delta.updated:
            write(*writing.operations)
            return Learned(writing.memory, found, related, delta, None)
        write(*writing.operations, save(playbook) if stored else create(playbook, stale))
        return Learned(writing.memory, found, related, delta, derived_id("playbook", playbook.id, int(playbook.version)))

    return retrying(attempt)


def _new_memory(report: Report, found: Reflection, agent_id: str) -> NewMemory:
    summary = f"{report.goal.strip()}\n{report.result.strip()}\n{report.feedback.strip()}".strip()
    return NewMemory(
        summary,
        found.success,
        _error_patterns(found.errors),
        found.memory_type,
        found.files,
        found.tags,
        agent_id,
    )


def _error_patterns(errors: Sequence[str]) -> dict[str, Any] | None:
    """Return errors by their names, each with what it says."""
    return {one.partition(":")[0].strip()[:80]: one.partition(":")[2].strip() or one for one in errors} or None
