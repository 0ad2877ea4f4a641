"""Requests of the area `memory`."""

from typing import Any

from shared.core.ids import new_id
from shared.insight.memories.learning import PatternRequest, extract_pattern
from shared.insight.memories.storing import NewMemory, store_memory
from shared.insight.quality.gating import define_gate
from shared.insight.quality.measuring import NewMetric, record_metric
from shared.store import fetch
from shared.work.items.rows import Item
from shared.work.quality_gates.rules import Gate
from shared.work.tasks.creating import NewTask, add_task
from tests.samples.stage import Sample, Samples, Stage

SUMMARY = "Fixed the login timeout by raising the session lifetime in the auth service"
EXECUTION: dict[str, Any] = {"execution_summary": SUMMARY, "success": True, "error_patterns": {"TimeoutError": "after 30 s"}}
METRIC: dict[str, Any] = {
    "metric_type": "coverage",
    "metric_name": "line_coverage",
    "value": 85.5,
    "metadata": {"tool": "pytest"},
}
GATE: dict[str, Any] = {"failure_action": "warn", "requirements": [{"metric": "coverage", "threshold": 70}]}
REPORT: dict[str, Any] = {
    "goal": "Fix the login timeout of the web application",
    "result": "The session lifetime was too short, because the cache evicted it early. All tests pass.",
    "tool_usage": [{"tool_name": "edit", "arguments": {"path": "src/auth/session.py"}, "result": "ok"}],
    "feedback": "Always check the cache size first.",
    "agent_id": "agent-456",
}


def task(stage: Stage) -> str:
    """A task of the ticket that the owner has made: made by the services, as those of `tests.samples.tasks`."""
    card = fetch(Item, stage.card())
    assert card is not None
    return add_task(stage.world.actor, card, new_id(), NewTask("The login fails", "The session times out after a minute")).id


def remembered(stage: Stage, number: int = 1) -> str:
    """A task of whose kind so many memories were stored."""
    for _ in range(number):
        store_memory(stage.world.actor, task(stage), NewMemory(SUMMARY, True))
    return task(stage)


def pattern(stage: Stage) -> str:
    remembered(stage, 3)
    return extract_pattern(stage.world.actor, PatternRequest("login", project_id=stage.world.project.id)).id


def searched(stage: Stage) -> Sample:
    remembered(stage, 1)
    return Sample({}, {"task_description": "The login times out", "project_id": stage.world.project.id})


def extracted(stage: Stage) -> Sample:
    remembered(stage, 3)
    return Sample({}, {"task_type_pattern": "implementation", "project_id": stage.world.project.id})


def measured(stage: Stage) -> str:
    made = task(stage)
    record_metric(stage.world.actor, made, NewMetric("coverage", "line_coverage", 90))
    return made


def predicted(stage: Stage) -> Sample:
    remembered(stage, 1)
    return Sample({}, {"task_description": "The login times out", "task_type": "implementation"})


def listed(stage: Stage) -> Sample:
    pattern(stage)
    return Sample({})


def held(stage: Stage) -> Sample:
    """A task that a gate begins to hold: one for tasks of a type that no other sample has."""
    card = fetch(Item, stage.card())
    assert card is not None
    reviewed = add_task(stage.world.actor, card, new_id(), NewTask("Look at it", task_type="gate_review"))
    gate = Gate("reviews", "Reviews", "quality", (), "block", task_types=["gate_review"])
    define_gate(stage.world.actor, gate, stage.world.project.id)
    return Sample({"gate_id": "reviews"}, {"task_id": reviewed.id})


def trending(stage: Stage) -> Sample:
    measured(stage)
    return Sample({}, query=f"limit=10&project_id={stage.world.project.id}")


SAMPLES: Samples = {
    ("omoios", "memory.store"): lambda s: Sample({}, EXECUTION | {"task_id": task(s)}),
    ("omoios", "memory.search"): searched,
    ("omoios", "memory.taskContext"): lambda s: Sample({"task_id": remembered(s)}),
    ("omoios", "memory.patterns"): listed,
    ("omoios", "memory.extract"): extracted,
    ("omoios", "memory.feedback"): lambda s: Sample({"pattern_id": pattern(s)}, {"helpful": True}),
    ("omoios", "memory.completeTask"): lambda s: Sample({}, REPORT | {"task_id": task(s)}),
    ("omoios", "quality.record"): lambda s: Sample({}, METRIC | {"task_id": task(s)}),
    ("omoios", "quality.get"): lambda s: Sample({"task_id": measured(s)}),
    ("omoios", "quality.predict"): predicted,
    ("omoios", "quality.trends"): trending,
    ("omoios", "quality.setGate"): lambda s: Sample({"gate_id": "release"}, GATE | {"project_id": s.world.project.id}),
    ("omoios", "quality.evaluateGate"): held,
}
