"""Gates: what a phase must have brought before its card moves on by `progress`. All tasks of the phase must have ended well, too.

phase            artifacts                                       what is looked at
REQUIREMENTS     requirements_document                           500 characters or more; the sections scope and acceptance_criteria
IMPLEMENTATION   code_changes, test_coverage                     coverage of 80 percent or more
TESTING          test_results, test_evidence
DEPLOYMENT       packaging_bundle, handoff_documentation

A quality gate that blocks holds its card's phase, too (`work/quality_gates`). Of several artifacts of a type the newest counts. The
numbers are those of the original service.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed
from shared.core.ids import bare_id
from shared.core.texts import searchable
from shared.planning.phases.rows import PhaseArtifact, artifacts_of, partition_of
from shared.store import IndexRow, Operation, ReadFuture, check, collection, get, item_collection, load, pages, read_ahead
from shared.work.items.rows import Item
from shared.work.quality_gates.rows import MEASURED, Measured
from shared.work.tasks.rows import CardTasks, tasks_of_card

MIN_CHARACTERS: Final = 500
MIN_COVERAGE: Final = 80
SECTIONS: Final = ("scope", "acceptance_criteria")
_TEXTS = ("content", "text", "markdown", "body", "document")
_COVERAGES = ("percentage", "coverage", "coverage_percent", "coverage_percentage", "value", "line_coverage")
_NUMBERS: Final = re.compile(r"(?:\d+[.)])+\s*")
_ENDED: Final = frozenset({"completed", "done", "cancelled"})
Check = Callable[[Mapping[str, Any]], list[str]]


def _nothing(_: Mapping[str, Any]) -> list[str]:
    return []


def _check_requirements(content: Mapping[str, Any]) -> list[str]:
    text = "\n".join(str(content[name]) for name in _TEXTS if isinstance(content.get(name), str))
    faults = []
    if len(text.strip()) < MIN_CHARACTERS:
        faults.append(f"It has {len(text.strip())} characters; {MIN_CHARACTERS} are needed")
    named = content.get("sections")
    given = [*named] if isinstance(named, list | dict) else []
    sections = {_section(str(one)) for one in (*given, *content, *map(_heading, text.splitlines()))}
    return faults + [f"It has no section {name}" for name in SECTIONS if name not in sections]


def _heading(line: str) -> str:
    """Return a line without what marks a heading, as in `## 1. Scope:` or `**Scope**`. Character by character: texts are of strangers."""
    words = line.strip().strip("#").strip(" \t*:")
    return words[found.end() :] if (found := _NUMBERS.match(words)) else words


def _section(heading: str) -> str:
    return "_".join(searchable(heading).split())


def _check_coverage(content: Mapping[str, Any]) -> list[str]:
    numbers = [content[name] for name in _COVERAGES if name in content]
    found = next((float(one) for one in numbers if isinstance(one, int | float) and not isinstance(one, bool)), None)
    if found is None:
        return ["It has no number `percentage`"]
    if not 0 <= found <= 100:
        return [f"{found:g} is no percentage"]
    return [] if found >= MIN_COVERAGE else [f"It is {found:g} percent; {MIN_COVERAGE} are needed"]


GATES: Final[Mapping[str, Mapping[str, Check]]] = MappingProxyType(
    {
        "PHASE_REQUIREMENTS": {"requirements_document": _check_requirements},
        "PHASE_IMPLEMENTATION": {"code_changes": _nothing, "test_coverage": _check_coverage},
        "PHASE_TESTING": {"test_results": _nothing, "test_evidence": _nothing},
        "PHASE_DEPLOYMENT": {"packaging_bundle": _nothing, "handoff_documentation": _nothing},
    }
)


def faults_of(phase_id: str, type_: str, path: str | None, content: Mapping[str, Any] | None) -> list[str]:
    """Return what the gate of a phase finds wrong with an artifact."""
    check = GATES.get(phase_id, {}).get(type_, _nothing)
    if check is not _nothing:
        return check(content or {})
    return [] if path or content else ["It is empty"]


@dataclass(frozen=True)
class Gate:
    """The gate of a phase as it is now."""

    item: Item
    phase_id: str
    required: list[str]
    artifacts: list[PhaseArtifact]
    missing: list[str] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)
    """What is wrong with artifacts that are there, by type."""
    open_tasks: list[IndexRow] = field(default_factory=list)
    failing: list[str] = field(default_factory=list)
    """Why quality gates hold tasks of the phase."""
    made: int = 0
    """How many tasks were ever made of the card."""
    unseen: int = 0
    """How many of them the list of its tasks does not have yet."""

    @property
    def passed(self) -> bool:
        return not (self.missing or self.faults or self.open_tasks or self.failing or self.unseen)

    @property
    def no_task_since(self) -> Operation:
        """Return the condition that no task was added to the card since the gate was read. Refused with TaskAdded."""
        row = CardTasks.of(self.item.id)
        return check(row, CardTasks.made == self.made if self.made else CardTasks.made.does_not_exist(), TaskAdded)

    @property
    def reasons(self) -> list[str]:
        """Return in words what keeps the card in the phase."""
        found = [f"The artifact {name} is missing" for name in self.missing]
        found += [f"The artifact {name} is not enough: {'; '.join(faults)}" for name, faults in self.faults.items()]
        if self.open_tasks:
            titles = ", ".join(str(row.f.get("title") or row.id) for row in self.open_tasks[:5])
            found.append(f"{len(self.open_tasks)} of the phase's tasks have not been completed: {titles}")
        if self.unseen:
            found.append(f"{self.unseen} of its tasks were added a moment ago; ask again")
        return found + [f"A quality gate holds it: {reason}" for reason in self.failing]


class TaskAdded(ConditionFailed):
    """A task was added to the card since its gate was read."""


class GateReader:
    """Reads what the gates of a card look at: it begins when it is made, before it is decided who may see it."""

    def __init__(self, item_id: str) -> None:
        partition = partition_of(bare_id(item_id))
        start = artifacts_of()
        self._artifacts: ReadFuture[list[Any]] = read_ahead(
            lambda: item_collection([PhaseArtifact], partition, (start, f"{start}~"))
        )
        self._tasks = read_ahead(lambda: collection(2, tasks_of_card(bare_id(item_id))))
        self._made = read_ahead(lambda: get(CardTasks, partition, CardTasks.SORT))
        self._measured = read_ahead(
            lambda: [row for page in pages(Measured, partition, prefix=MEASURED, consistent=True) for row in page.rows]
        )

    def gate(self, item: Item, phase_id: str) -> Gate:
        """Return the gate of a phase."""
        counted = self._made.result()
        tasks, made = self._tasks.result(), int(counted.made) if counted else 0
        return assess(item, phase_id, self._artifacts.result(), tasks, self._measured.result(), made)


def assess(
    item: Item,
    phase_id: str,
    artifacts: Sequence[PhaseArtifact],
    tasks: Sequence[IndexRow],
    measured: Sequence[Measured] = (),
    made: int = 0,
) -> Gate:
    """Return the gate of a phase by all artifacts and tasks of its card, what was measured of these, and how many tasks were made."""
    mine = [one for one in artifacts if one.phase_id == phase_id]
    newest = {one.type: one for one in mine}  # they are in the order of their times
    required = [*GATES.get(phase_id, ())]
    of_phase = {row.id: row for row in tasks if row.f.get("phase_id") == phase_id}
    open_tasks = [row for row in of_phase.values() if row.f.get("status") not in _ENDED]
    return Gate(
        item,
        phase_id,
        required,
        mine,
        [name for name in required if name not in newest],
        {name: list(newest[name].faults) for name in required if name in newest and newest[name].faults},
        open_tasks,
        [reason for row in measured if _counts(of_phase.get(row.task_id)) for reason in row.failing],
        made,
        max(0, made - len(tasks)),
    )


def _counts(task: IndexRow | None) -> bool:
    """Tell whether what was measured of a task counts: what was cancelled is not delivered."""
    return task is not None and task.f.get("status") != "cancelled"


def get_gate(actor: Actor, item_id: str, phase_id: str | None = None) -> Gate:
    """Return the gate of a phase of a card, by default the one in which the card is. One round trip: the card, beside it the rest. Raises
    NotFound, Forbidden."""
    reader = GateReader(item_id)
    item = load(Item, item_id, actor, Permission.CARD_READ)
    return reader.gate(item, phase_id or item.phase_id)
