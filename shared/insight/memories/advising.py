"""What is known for a task: similar ones, the patterns that fit it, and what follows from both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.agents.embeddings.words import words_of
from shared.core.actor import Actor, Permission
from shared.core.texts import searchable
from shared.insight.memories.patterns import matches
from shared.insight.memories.playbook import bullets_about
from shared.insight.memories.ranking import Indexed, SearchQuery
from shared.insight.memories.rows import Pattern, Playbook, patterns_of
from shared.insight.memories.searching import Found, MemorySearch, count_uses, found_in, keys_of, keys_with_uses
from shared.store import IndexRow, begin_index_rows, get_all, load
from shared.work.projects.reading import by_workspace
from shared.work.tasks.rows import Task

_PATTERNS: Final = 5  # patterns that are shown for a task
_FITTING: Final = 2  # indicators that a text must have if its type of tasks does not say that the pattern is about it
_EXCERPT: Final = 200  # characters of a memory in a recommendation


@dataclass(frozen=True)
class UsedPattern:
    pattern: Pattern
    uses: int


@dataclass(frozen=True)
class TaskContext:
    similar: list[Found]
    patterns: list[UsedPattern]
    recommendations: list[str]


def get_task_context(actor: Actor, task_id: str, top_k: int) -> TaskContext:
    """Return the memories, patterns and advice that can help with a task, and count that they were handed out.

    Three round trips: the task, beside it the index of memories and the patterns; what was found; its counts. Raises NotFound, Forbidden,
    Upstream (the service that makes vectors does not answer).
    """
    search = MemorySearch(actor)
    begun = {ws_id: begin_index_rows(1, patterns_of(ws_id)) for ws_id in actor.likely_workspaces}
    task = load(Task, task_id, actor, Permission.CARD_READ)
    ws_id, text = str(task.ws_id), text_of(task)
    ranked = search.in_workspace(ws_id, SearchQuery(text, top_k, not_of_task=task.id))
    chosen = fitting(actor, list(begun.get(ws_id) or begin_index_rows(1, patterns_of(ws_id))), task.task_type, text)
    memory_keys, pattern_keys = keys_of(ranked), keys_with_uses(Pattern, [row.id for row in chosen])
    rows: list[Any] = get_all([*memory_keys, *pattern_keys, (Playbook, *Playbook.key(str(task.proj_id)))])
    similar = found_in(ranked, rows[: len(memory_keys)])
    used = used_in(rows[len(memory_keys) : -1], 1)
    count_uses([*(one.memory for one in similar), *(one.pattern for one in used)])
    return TaskContext(similar, used, recommendations(similar, [one.pattern for one in used], bullets_about(rows[-1], text)))


def text_of(task: Task) -> str:
    return f"{task.title}\n{task.description or ''}".strip()


def fitting(actor: Actor, rows: Sequence[IndexRow], task_type: str | None, text: str) -> list[IndexRow]:
    """Return the patterns that are about a text of a type of tasks, the surest first."""
    words = " ".join(words_of(text))
    one = Indexed("", task_type or "", "", "", "", True, "", "", 0.0, words)
    said = set(words.split())

    def fits(row: IndexRow) -> bool:
        if actor.project_id is not None and row.f.get("project") not in (None, actor.project_id):
            return False
        shared = len(said.intersection(row.f["words"]))
        return shared >= _FITTING or (shared >= 1 and matches(row.f["of"], one))

    return sorted(filter(fits, rows), key=lambda row: (-row.f["confidence"], row.id))[:_PATTERNS]


def used_in(rows: Sequence[Any], now: int = 0) -> list[UsedPattern]:
    """Return patterns by their rows (`keys_with_uses`), with `now` more uses."""
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return [UsedPattern(one, (int(uses.number) if uses else 0) + now) for one, uses in pairs if one and not one.deleted_at]


@dataclass(frozen=True)
class PatternQuery:
    """`task_type` is one that a pattern names or means; None: all."""

    task_type: str | None = None
    pattern_type: str | None = None
    limit: int = 10


def list_patterns(actor: Actor, query: PatternQuery) -> tuple[list[UsedPattern], int]:
    """Return the patterns of all the actor's workspaces, the surest first, and how many fit. Two round trips."""
    begun = by_workspace(actor, lambda ws_id: begin_index_rows(1, patterns_of(ws_id)), Permission.CARD_READ)
    rows = [row for part in begun.values() for row in part if _wanted(actor, query, row)]
    rows.sort(key=lambda row: (-row.f["confidence"], row.id))
    return used_in(get_all(keys_with_uses(Pattern, [row.id for row in rows[: query.limit]]))), len(rows)


def _wanted(actor: Actor, query: PatternQuery, row: IndexRow) -> bool:
    if actor.project_id is not None and row.f.get("project") not in (None, actor.project_id):
        return False
    if query.pattern_type is not None and row.f["kind"] != query.pattern_type:
        return False
    if query.task_type is None:
        return True
    asked = searchable(query.task_type)
    return asked == row.f["of"] or matches(row.f["of"], Indexed("", asked, "", "", "", True, "", "", 0.0, ""))


def recommendations(similar: Sequence[Found], patterns: Sequence[Pattern], advice: Sequence[str]) -> list[str]:
    """Return recommendations, each from one thing that was found; an empty list if nothing was found."""
    found = [f"From the playbook: {one}" for one in advice]
    for one in similar:
        outcome = "worked" if one.memory.success else "failed"
        found.append(f"A similar task {outcome}: {_excerpt(one.memory.summary)}")
        if one.memory.success and one.memory.files:
            found.append(f"It worked on {', '.join(one.memory.files[:5])}")
        if errors := [*(one.memory.error_patterns or {})]:
            found.append(f"Watch for {', '.join(errors[:5])}, which a similar task met")
    for pattern in patterns:
        share = f"{int(pattern.samples)} tasks, confidence {pattern.confidence:.2f}"
        if pattern.success_indicators and pattern.pattern_type != "failure":
            found.append(
                f"What worked in {pattern.task_type_pattern} ({share}) has to do with {', '.join(pattern.success_indicators[:5])}"
            )
        if pattern.failure_indicators and pattern.pattern_type == "failure":
            found.append(
                f"What failed in {pattern.task_type_pattern} ({share}) has to do with {', '.join(pattern.failure_indicators[:5])}"
            )
    return list(dict.fromkeys(found))


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1].rpartition(" ")[0] + "…"
