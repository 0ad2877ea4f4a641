"""Defining quality gates, and evaluating one for a task."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, LimitExceeded, NotFound
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.insight.memories.advising import text_of
from shared.insight.quality.predicting import Prediction, predict
from shared.store import create, fetch, load, retrying, save, stale, write
from shared.work.boards.counting import require_writable
from shared.work.projects.creating import default_workspace_id
from shared.work.projects.rows import Project
from shared.work.quality_gates.holding import measure, read_standing
from shared.work.quality_gates.rows import GateSet
from shared.work.quality_gates.rules import CONFIDENCE, PREDICTED, Gate, Outcome, default_requirements, evaluate
from shared.work.tasks.changing import refuse_archived, subject_of
from shared.work.tasks.creating import task_conditions
from shared.work.tasks.rows import Task

MAX_GATES: Final = 20
"""Gates of a project, and of a workspace: each completed task is held against all of them."""


@dataclass(frozen=True)
class Evaluation:
    gate: Gate
    task_id: str
    outcomes: Sequence[Outcome]
    applies: bool
    """Whether the gate is for a task of this phase and type; if not, it holds nothing."""
    prediction: Prediction | None = None

    @property
    def passed(self) -> bool:
        return all(one.passed for one in self.outcomes)

    @property
    def blocked(self) -> bool:
        """Whether the task cannot be completed because of this."""
        return self.applies and not self.passed and self.gate.failure_action == "block"


def define_gate(actor: Actor, gate: Gate, project_id: str | None = None) -> Gate:
    """Define a gate of a project, or of the default workspace of the caller's organization, or define it anew.

    A gate without requirements asks for the default ones. Three round trips. Raises NotFound, Forbidden, Invalid (a custom gate without
    requirements), LimitExceeded, Conflict (PROJECT_ARCHIVED).
    """
    if not gate.requirements:
        if gate.gate_type == "custom":
            raise Invalid(FieldError("requirements", "A custom gate says itself what it asks for"))
        gate = Gate(**vars(gate) | {"requirements": default_requirements(gate.gate_type)})

    def attempt(_: int) -> Gate:
        project = load(Project, project_id, actor, Permission.PROJECT_WRITE) if project_id else None
        if project is None:
            ws_id = default_workspace_id(actor, actor.org_id, Permission.WORKSPACE_WRITE)
            name, org_id = f"WS#{ws_id}", actor.org_id
        else:
            name, ws_id, org_id = f"PROJ#{project.id}", str(project.ws_id), project.org_id
        stored = fetch(GateSet, name)
        gates = stored or GateSet.new(name, org_id=org_id, ws_id=ws_id, proj_id=project.id if project else None)
        if gate.id not in gates.gates and len(gates.gates) >= MAX_GATES:
            reason = f"There are {MAX_GATES} quality gates here already, as many as there may be"
            raise LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": MAX_GATES})
        gates.id = gates.entity_id
        gates.gates = dict(gates.gates) | {gate.id: gate.as_stored()}
        record(gates, EventType.QUALITY_GATE_SET, actor, gate=gate.id, failure_action=gate.failure_action)
        writable = [require_writable(project.board_id)] if project else []
        write(save(gates) if stored else create(gates, stale), *writable)
        return gate

    return retrying(attempt)


def evaluate_gate(actor: Actor, gate_id: str, task_id: str) -> Evaluation:
    """Check whether a task passes a gate, and store whether blocking gates stop it. Three round trips, more for a gate of predictions.

    Raises NotFound (the task, or a gate that is not defined for its project or workspace), Forbidden, Conflict (archived).
    """

    def attempt(_: int) -> Evaluation:
        task = load(Task, task_id, actor, Permission.CARD_EDIT)
        refuse_archived(task)
        subject = subject_of(task)
        standing = read_standing(subject)
        gate = standing.gates.get(gate_id)
        if gate is None or not gate.enabled:
            raise NotFound(GateSet.NAME)
        values, prediction = standing.values, None
        if gate.gate_type == "ml_prediction":
            prediction = predict(actor, text_of(task), task.task_type, not_of_task=task.id)
            for name, value in ((PREDICTED, prediction.score), (CONFIDENCE, prediction.confidence)):
                values[name] = {"value": value, "passed": True, "at": clock.iso()}
        row, operation = measure(standing, values)
        before = standing.measured
        if prediction or row.failing != (before.failing if before else []):
            write(operation, *task_conditions(task))
        applies = gate.is_for(task.phase_id, task.task_type)
        return Evaluation(gate, task.id, evaluate(gate, values), applies, prediction)

    return retrying(attempt)
