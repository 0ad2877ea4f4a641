"""Storing a memory of a task, and with it the pattern that it completes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.agents.embeddings.registry import search_embedder
from shared.core.actor import Actor, Permission
from shared.core.ids import new_id
from shared.events import EventType, record
from shared.insight.memories.learning import PatternChoice, pattern_of
from shared.insight.memories.ranking import Indexed, kept_words
from shared.insight.memories.rows import MAX_MEMORIES, Memory, MemoryCount, MemoryIndex, Pattern, Uses, memories_of
from shared.insight.memories.searching import begin_memories, model_name
from shared.insight.memories.vectors import pack
from shared.store import (
    Operation,
    ReadFuture,
    create,
    delete,
    fetch,
    get,
    load,
    put,
    query,
    read_ahead,
    retrying,
    stale,
    update,
    write,
)
from shared.work.tasks.changing import refuse_archived
from shared.work.tasks.creating import task_conditions
from shared.work.tasks.rows import Task

_COMPARED: Final = 50  # memories of each part that a new one is compared with: the newest of its type of tasks


@dataclass(frozen=True)
class NewMemory:
    """The values of a memory. Without a type it is that of a task that succeeded, `learning`, or of one that failed, `warning`."""

    summary: str
    success: bool
    error_patterns: dict[str, Any] | None = None
    memory_type: str | None = None
    files: Sequence[str] = ()
    tags: Sequence[str] = ()
    agent_id: str | None = None
    extract_patterns: bool = True


@dataclass(frozen=True)
class Stored:
    memory: Memory
    pattern: Pattern | None = None
    """The pattern that was made, or that knows more now."""


@dataclass
class Writing:
    """A memory that is about to be written, with all that is written beside it."""

    memory: Memory
    pattern: Pattern | None
    operations: list[Operation] = field(default_factory=list)


def store_memory(actor: Actor, task_id: str, new: NewMemory) -> Stored:
    """Store what was done at a task, and how it ended.

    Three round trips: the task; the newest memories of its kind and the patterns; the transaction. One more if a pattern is made.
    Raises NotFound, Forbidden, Conflict (CARD_ARCHIVED, PROJECT_ARCHIVED), Upstream (the service that makes vectors).
    """
    memory_id = new_id()

    def attempt(_: int) -> Stored:
        writing = prepare(actor, load(Task, task_id, actor, Permission.CARD_EDIT), memory_id, new)
        write(*writing.operations)
        return Stored(writing.memory, writing.pattern)

    return retrying(attempt)


def prepare(actor: Actor, task: Task, memory_id: str, new: NewMemory) -> Writing:
    """Return a memory of a task, not yet written, and what writes it. The write may raise a version conflict (`is_stale`): do it again."""
    refuse_archived(task)
    ws_id = str(task.ws_id)
    count: ReadFuture[Any] = read_ahead(lambda: get(MemoryCount, f"WS#{ws_id}", "MEMORIES"))
    choice = PatternChoice(ws_id) if new.extract_patterns else None
    others = begin_memories(ws_id, task_type=task.task_type, newest=_COMPARED) if new.extract_patterns else None
    memory = memory_of(actor, task, memory_id, new)
    index, indexed = index_of(memory)
    changed, pattern = pattern_of(actor, memory, indexed, others(), choice) if others and choice else ([], None)
    operations = [create(memory), put(index), *_place(ws_id, count.result()), *task_conditions(task), *changed]
    return Writing(memory, pattern, operations)


def memory_of(actor: Actor, task: Task, memory_id: str, new: NewMemory) -> Memory:
    """Return a memory of a task with its event, not yet written."""
    memory = Memory.new(
        memory_id,
        org_id=task.org_id,
        ws_id=task.ws_id,
        proj_id=task.proj_id,
        task_id=task.id,
        item_id=task.item_id,
        task_type=task.task_type,
        phase_id=task.phase_id,
        summary=new.summary,
        success=new.success,
        memory_type=new.memory_type or ("learning" if new.success else "warning"),
        error_patterns=new.error_patterns,
        files=list(new.files),
        tags=list(new.tags),
        agent_id=new.agent_id,
        created_by=actor.summary,
    )
    record(
        memory,
        EventType.MEMORY_STORED,
        actor,
        card_id=task.item_id,
        task_id=task.id,
        memory_type=memory.memory_type,
        success=new.success,
    )
    return memory


def index_of(memory: Memory) -> tuple[MemoryIndex, Indexed]:
    """Return the row by which searches find a memory, and the same as they see it."""
    errors = [f"{key} {value}" for key, value in (memory.error_patterns or {}).items() if isinstance(value, str | int | float)]
    text = "\n".join([memory.summary, *errors, *memory.tags])
    vector, step = pack(search_embedder().embed([text])[0])
    pk, sk = MemoryIndex.key_for(memory)
    fields: dict[str, Any] = {
        "task_id": memory.task_id,
        "proj_id": str(memory.proj_id),
        "memory_type": memory.memory_type,
        "success": memory.success,
        "model": model_name(),
        "vector": vector,
        "step": step,
        "words": kept_words(text),
    }
    return MemoryIndex(pk=pk, sk=sk, **fields), Indexed(memory.id, memory.task_type, **fields)


def _place(ws_id: str, count: MemoryCount | None) -> list[Operation]:
    """Return what makes room for a memory in a workspace, and counts it: in a full one the oldest goes."""
    if count is None or count.memories < MAX_MEMORIES:
        free = MemoryCount.memories.does_not_exist() | (MemoryCount.memories < MAX_MEMORIES)
        return [update(MemoryCount.of(ws_id), [MemoryCount.memories.add(1), MemoryCount.kind.set("MEMORIES")], free, stale)]
    for row in query(Memory, memories_of(ws_id), index=1, limit=1).rows:
        oldest = fetch(Memory, row.entity_id)
        if oldest is not None:
            pk, sk = MemoryIndex.key_for(oldest)
            beside = [delete(MemoryIndex(pk, sk)), delete(Uses.of(Memory.KIND, oldest.id))]
            return [delete(Memory(*Memory.key(oldest.id)), Memory.pk.exists(), stale), *beside]
    raise stale()
