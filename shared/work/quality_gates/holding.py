"""Which gates a task must pass, and holding back one that does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.core.errors import Conflict
from shared.core.situations import Situation
from shared.store import Operation, check, get_many, put
from shared.store.optimistic import stale
from shared.work.quality_gates.rows import GateSet, Measured
from shared.work.quality_gates.rules import DEFAULT_GATE, Gate, default_gate, held_by


@dataclass(frozen=True)
class Subject:
    """A task as gates see it."""

    task_id: str
    item_id: str
    proj_id: str
    ws_id: str
    phase_id: str
    task_type: str


@dataclass(frozen=True)
class Standing:
    """The gates of a task and what was measured of it, as read at one moment."""

    subject: Subject
    gates: dict[str, Gate]
    """By their ids; a project's one goes before its workspace's. The default gate is among them."""
    measured: Measured | None

    @property
    def values(self) -> dict[str, Any]:
        return dict(self.measured.values) if self.measured else {}

    @property
    def failing(self) -> list[str]:
        """Return why the task is held back now."""
        return held_by(self.gates, self.values, self.subject.phase_id, self.subject.task_type)


def read_standing(subject: Subject) -> Standing:
    """Read what decides on a task. One round trip."""
    names = (f"WS#{subject.ws_id}", f"PROJ#{subject.proj_id}")
    keys: list[Any] = [(GateSet, *GateSet.key(name)) for name in names]
    rows: list[Any] = get_many([*keys, (Measured, *Measured.key_of(subject.item_id, subject.task_id))])
    gates = {DEFAULT_GATE: default_gate()}
    for row in rows[:2]:
        gates |= {gate_id: Gate.stored(raw) for gate_id, raw in (row.gates if row else {}).items()}
    return Standing(subject, gates, rows[2])


def measure(standing: Standing, values: dict[str, Any]) -> tuple[Measured, Operation]:
    """Return the row of a task with these newest values, and what writes it: refused (`is_stale`) if it was changed meanwhile."""
    subject, before = standing.subject, standing.measured
    pk, sk = Measured.key_of(subject.item_id, subject.task_id)
    failing = held_by(standing.gates, values, subject.phase_id, subject.task_type)
    row = Measured(
        pk=pk, sk=sk, phase_id=subject.phase_id, values=values, failing=failing, version=(before.version if before else 0) + 1
    )
    unchanged = Measured.version == before.version if before else Measured.pk.does_not_exist()
    return row, put(row, unchanged, stale)


def require_gates(subject: Subject) -> Sequence[Operation]:
    """Return the conditions under which a task may be completed. One round trip. Raises Conflict (TASK_STATUS) while a gate holds it."""
    standing = read_standing(subject)
    if failing := standing.failing:
        raise Conflict(Situation.TASK_STATUS, f"A quality gate holds this task: {'; '.join(failing)}", {"failures": failing})
    if all(gate.failure_action != "block" for gate in standing.gates.values()):
        return ()
    pk, sk = Measured.key_of(subject.item_id, subject.task_id)
    before = standing.measured
    unchanged = Measured.version == before.version if before else Measured.pk.does_not_exist()
    return [check(Measured(pk=pk, sk=sk), unchanged, stale)]
