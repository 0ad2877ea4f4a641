"""Making patterns of memories, by themselves or on request, and judging them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict
from shared.core.ids import bare_id, derived_id, new_id
from shared.core.situations import Situation
from shared.core.texts import searchable
from shared.events import EventType, record
from shared.insight.memories.patterns import MIN_SAMPLES, Extracted, Samples, extract, is_improvement, matches
from shared.insight.memories.ranking import Indexed
from shared.insight.memories.rows import MAX_PATTERNS, Memory, Pattern, Uses, patterns_of
from shared.insight.memories.searching import begin_memories
from shared.insight.memories.vectors import Question, shown, unpack
from shared.store import (
    IndexRow,
    Operation,
    collection,
    create,
    delete,
    fetch,
    fetch_all,
    load,
    read_ahead,
    retrying,
    save,
    stale,
    update_with_retry,
    write,
)
from shared.work.projects.creating import default_workspace_id
from shared.work.projects.rows import Project

_SAME: Final = 0.4  # the share of words that two patterns have in common if they are one
_ALIKE: Final = 0.74
"""The similarity of memories of one pattern: above that of an answer to a question, because both texts are long."""
_TELLING: Final = 2  # words that a pattern must have which nobody asked for: what only shares one word is about many things
JUDGEMENT: Final = 0.2
"""What one piece of feedback changes of a confidence at most, and by default, as in the original service."""


class PatternChoice:
    """The patterns of a workspace, which are being read, and which of them a new one is."""

    def __init__(self, ws_id: str) -> None:
        self._rows = read_ahead(lambda: collection(1, patterns_of(ws_id)))

    def same(self, pattern_type: str, task_type: str, found: Extracted) -> Pattern | None:
        """Return the pattern that was made of like memories before. One round trip if there is one."""
        near = [
            (_shared(row.f["words"], found.words), row) for row in self._rows.result() if _is_of(row, pattern_type, task_type)
        ]
        share, best = max(near, key=lambda one: one[0], default=(0.0, None))
        return fetch(Pattern, best.id) if best is not None and share >= _SAME else None

    def room(self) -> list[Operation]:
        """Return what makes room for a new pattern: of as many as there may be the one with the least confidence goes."""
        rows = self._rows.result()
        if len(rows) < MAX_PATTERNS:
            return []
        last = min(rows, key=lambda row: (row.f["confidence"], row.sort))
        return [delete(Pattern(*Pattern.key(last.id)), Pattern.pk.exists(), stale), delete(Uses.of(Pattern.KIND, last.id))]


def _is_of(row: IndexRow, pattern_type: str, task_type: str) -> bool:
    named = (row.f["origin"], row.f["kind"], row.f["of"])
    return named == ("stored", pattern_type, searchable(task_type))


def _shared(one: Sequence[str], other: Sequence[str]) -> float:
    """Return the share of words that two patterns have in common (Jaccard)."""
    both = {*one, *other}
    return len(set(one) & set(other)) / len(both) if both else 0.0


def pattern_of(
    actor: Actor, memory: Memory, indexed: Indexed, others: Sequence[Indexed], choice: PatternChoice
) -> tuple[list[Operation], Pattern | None]:
    """Return the pattern that a new memory belongs to, with the operations that create or update it.

    There is none unless MIN_SAMPLES memories of the same type of tasks are about the same and ended the same way. Two round trips if
    there is one.
    """
    near = [one for one in similar_to(indexed, others) if one.memory_id != memory.id]
    samples = Samples(
        [indexed, *(one for one in near if one.success == memory.success)], [one for one in near if one.success != memory.success]
    )
    if len(samples.outcome) < MIN_SAMPLES:
        return [], None
    pattern_type = "success" if memory.success else "failure"
    found = _read_and_extract(samples, pattern_type, memory)
    if len(found.words) < _TELLING:
        return [], None
    pattern = choice.same(pattern_type, memory.task_type, found)
    if pattern is not None:
        return [_renewed(actor, pattern, found)], pattern
    where = {"org_id": memory.org_id, "ws_id": memory.ws_id}
    pattern = _new(actor, new_id(), pattern_type, memory.task_type, found, origin="stored", **where)
    return [create(pattern), *choice.room()], pattern


def similar_to(one: Indexed, others: Sequence[Indexed]) -> list[Indexed]:
    """Return those that are about the same as a memory."""
    question = Question(unpack(one.vector, one.step))
    return [other for other in others if other.model == one.model and shown(question.cosine(other.vector, other.step)) >= _ALIKE]


def _read_and_extract(samples: Samples, pattern_type: str, new: Memory | None = None) -> Extracted:
    outcome, others = samples.read
    rows = fetch_all(Memory, [one for one in (*outcome, *others) if new is None or one != new.id])
    by_id = {row.id: row for row in rows} | ({new.id: new} if new else {})
    return extract(
        samples, pattern_type, [by_id[one] for one in outcome if one in by_id], [by_id[one] for one in others if one in by_id]
    )


def _new(actor: Actor, pattern_id: str, pattern_type: str, task_type: str, found: Extracted, **fields: Any) -> Pattern:
    pattern = Pattern.new(pattern_id, pattern_type=pattern_type, task_type_pattern=task_type, **fields)
    _fill(actor, pattern, found)
    return pattern


def _renewed(actor: Actor, pattern: Pattern, found: Extracted) -> Operation:
    _fill(actor, pattern, found)
    return save(pattern)


def _fill(actor: Actor, pattern: Pattern, found: Extracted) -> None:
    pattern.success_indicators, pattern.failure_indicators = found.success_indicators, found.failure_indicators
    pattern.words, pattern.recommended_context = found.words, found.recommended_context
    pattern.evidence, pattern.samples = found.confidence, found.samples
    record(pattern, EventType.PATTERN_EXTRACTED, actor, pattern_type=pattern.pattern_type, confidence=pattern.confidence)


@dataclass(frozen=True)
class PatternRequest:
    """Which memories make a pattern. `task_type` names a type of tasks, several with `*`, or words of the memories."""

    task_type: str
    pattern_type: str = "success"
    min_samples: int = MIN_SAMPLES
    project_id: str | None = None


def extract_pattern(actor: Actor, asked: PatternRequest) -> Pattern:
    """Make the pattern of all memories of a kind in a project's workspace, or in the default one; the same request renews it.

    Four round trips. Raises NotFound, Forbidden, Conflict (SAMPLES_TOO_FEW).
    """

    def attempt(_: int) -> Pattern:
        org_id, ws_id, proj_id = _scope(actor, asked.project_id or actor.project_id)
        reading = begin_memories(ws_id)
        choice = PatternChoice(ws_id)
        pattern_id = derived_id("pattern", ws_id, proj_id or "", asked.pattern_type, searchable(asked.task_type))
        known = read_ahead(lambda: fetch(Pattern, pattern_id))
        samples = _samples(asked, [one for one in reading() if proj_id is None or one.proj_id == proj_id])
        if len(samples.outcome) < asked.min_samples:
            words = f"Only {len(samples.outcome)} memories fit {asked.task_type!r}; {asked.min_samples} are needed"
            raise Conflict(Situation.SAMPLES_TOO_FEW, words, {"found": len(samples.outcome), "needed": asked.min_samples})
        found = _read_and_extract(samples, asked.pattern_type)
        pattern = known.result()
        if pattern is not None:
            write(_renewed(actor, pattern, found))
            return pattern
        where = {"org_id": org_id, "ws_id": ws_id, "proj_id": proj_id}
        pattern = _new(actor, pattern_id, asked.pattern_type, asked.task_type, found, **where)
        write(create(pattern, stale), *choice.room())
        return pattern

    return retrying(attempt)


def _scope(actor: Actor, project_id: str | None) -> tuple[str | None, str, str | None]:
    """Return the organization, the workspace and the project whose memories are meant. Raises NotFound, Forbidden."""
    if project_id is None:
        return actor.org_id, default_workspace_id(actor, actor.org_id, Permission.CARD_EDIT), None
    project = load(Project, bare_id(project_id), actor, Permission.CARD_EDIT)
    return project.org_id, str(project.ws_id), project.id


def _samples(asked: PatternRequest, rows: Sequence[Indexed]) -> Samples:
    fitting = [one for one in rows if matches(asked.task_type, one)]
    if asked.pattern_type == "optimization":
        improving = [one for one in fitting if one.success and is_improvement(one)]
        return Samples(improving, [one for one in fitting if not one.success and is_improvement(one)])
    wanted = asked.pattern_type == "success"
    return Samples([one for one in fitting if one.success is wanted], [one for one in fitting if one.success is not wanted])


def judge_pattern(actor: Actor, pattern_id: str, *, helpful: bool, adjustment: float | None = None) -> Pattern:
    """Raise or lower the confidence of a pattern, which stays between 0 and 1. One read, one write. Raises NotFound, Forbidden."""
    change = adjustment if adjustment is not None else JUDGEMENT if helpful else -JUDGEMENT

    def apply(pattern: Pattern) -> None:
        before = pattern.confidence
        after = min(max(before + change, 0.0), 1.0)
        pattern.judged = round(after - float(pattern.evidence), 4)
        changes = {"confidence": [before, pattern.confidence]}
        record(pattern, EventType.PATTERN_JUDGED, actor, changes=changes, helpful=helpful)

    return update_with_retry(lambda: load(Pattern, pattern_id, actor, Permission.CARD_EDIT), apply)
