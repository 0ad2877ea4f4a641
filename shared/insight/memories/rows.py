"""The rows of memories.

MEMORY#<id>, META             Memory         what was done at a task, in words, and how it ended; index 1 lists those of a workspace
MEMORY#<id>, USES             Uses           how often it was handed out; PATTERN#<id>, USES the same of a pattern
PATTERN#<id>, META            Pattern        what memories of a kind have in common; index 1 lists those of a workspace
PROJ#<id>, PLAYBOOK           Playbook       short pieces of advice that completed tasks have left in a project
WS#<ws>, MEMORIES             MemoryCount    how many memories a workspace has

WS#<ws>#MEMORY#<part>, <task type>#<id>      MemoryIndex: the vector and the words of a memory

A search reads all of the last kind, the parts side by side. A memory's part follows from its id, which ends with chance, so the parts are
equal; its sort key begins with the type of the task, so the newest of a type can be read alone.
"""

from typing import Any, Final

from shared.core.texts import searchable
from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, Row, UnicodeAttribute

TYPES: Final = ("error_fix", "discovery", "decision", "learning", "warning", "codebase_knowledge")
PATTERN_TYPES: Final = ("success", "failure", "optimization")
MAX_MEMORIES: Final = 10_000
"""Memories of a workspace. When there are as many, a new one takes the place of the oldest."""
MAX_PATTERNS: Final = 200
"""Patterns of a workspace, which lists read as a whole. A new one takes the place of the one that says least."""
PARTS: Final = 4  # as many as a function reads side by side; of 10,000 memories each is about two megabytes


class Memory(Entity):
    KIND = "MEMORY"
    NAME = "memory"

    task_id = UnicodeAttribute()
    item_id = UnicodeAttribute()
    task_type = UnicodeAttribute()
    phase_id = UnicodeAttribute()
    summary = UnicodeAttribute()
    success = BooleanAttribute()
    memory_type = UnicodeAttribute()  # TYPES
    error_patterns = JSONAttribute(null=True)
    files = JSONAttribute(default=list)
    """The files that were worked on."""
    tags = JSONAttribute(default=list)
    agent_id = UnicodeAttribute(null=True)
    created_by = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        place = f"{self.created_at}#{self.id}"
        return {1: (memories_of(str(self.ws_id)), place), 2: (f"TASK#{self.task_id}#MEMORY", place)}


def memories_of(ws_id: str) -> str:
    """Return the partition of index 1 that holds the memories of a workspace, oldest first."""
    return f"WS#{ws_id}#MEMORY"


class MemoryIndex(Row):
    """What searches look at. `vector` is packed (`vectors`); `words` are those of the text as they are compared, in their order."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="MEMINDEX")
    task_id = UnicodeAttribute()
    proj_id = UnicodeAttribute()
    memory_type = UnicodeAttribute()
    success = BooleanAttribute()
    model = UnicodeAttribute()
    """What made the vector: others cannot be compared with it."""
    vector = UnicodeAttribute()
    step = NumberAttribute()
    words = UnicodeAttribute()

    @classmethod
    def key_of(cls, ws_id: str, task_type: str, memory_id: str) -> tuple[str, str]:
        return part_of(ws_id, int(memory_id[-1], 16) % PARTS), f"{task_type}#{memory_id}"

    @classmethod
    def key_for(cls, memory: Memory) -> tuple[str, str]:
        return cls.key_of(str(memory.ws_id), memory.task_type, memory.id)


def part_of(ws_id: str, part: int) -> str:
    return f"{memories_of(ws_id)}#{part}"


class MemoryCount(Row):
    TABLE = "core_table"

    kind = UnicodeAttribute(default="MEMORIES")
    memories = NumberAttribute(default=0)

    @classmethod
    def of(cls, ws_id: str) -> "MemoryCount":
        return cls(pk=f"WS#{ws_id}", sk="MEMORIES")


class Uses(Row):
    """How often a memory or a pattern was handed out. Beside it, because a count changes more often than what is counted."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="USES")
    number = NumberAttribute(default=0)

    @classmethod
    def of(cls, kind: str, entity_id: str) -> "Uses":
        return cls(pk=f"{kind}#{entity_id}", sk="USES")


class Pattern(Entity):
    KIND = "PATTERN"
    NAME = "pattern"

    pattern_type = UnicodeAttribute()  # PATTERN_TYPES
    task_type_pattern = UnicodeAttribute()
    success_indicators = JSONAttribute(default=list)
    failure_indicators = JSONAttribute(default=list)
    words = JSONAttribute(default=list)
    """The indicators as texts are compared by them."""
    recommended_context = JSONAttribute(default=dict)
    evidence = NumberAttribute(default=0)
    """The confidence that follows from the memories alone."""
    judged = NumberAttribute(default=0)
    """What feedback has added to it, or taken from it."""
    samples = NumberAttribute(default=0)
    origin = UnicodeAttribute(default="request")  # request | stored: who made it, or that a memory was stored

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (patterns_of(str(self.ws_id)), f"{self.created_at}#{self.id}")}

    @property
    def confidence(self) -> float:
        return round(min(max(float(self.evidence) + float(self.judged), 0.0), 1.0), 4)

    def filters(self) -> dict[str, Any]:
        return {
            "kind": self.pattern_type,
            "of": searchable(self.task_type_pattern),
            "confidence": self.confidence,
            "words": self.words,
            "origin": self.origin,
            "project": self.proj_id,
        }


def patterns_of(ws_id: str) -> str:
    """Return the partition of index 1 that holds the patterns of a workspace."""
    return f"WS#{ws_id}#PATTERN"


class Playbook(Entity):
    """The playbook of a project. A bullet is `{id, content, helpful, harmful, tags, updated_at}`."""

    KIND = "PLAYBOOK"
    NAME = "playbook"

    bullets: Any = JSONAttribute(default=list)

    @classmethod
    def key(cls, entity_id: str) -> tuple[str, str]:
        return f"PROJ#{entity_id}", "PLAYBOOK"
