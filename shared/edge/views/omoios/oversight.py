"""omoios: the guardian, the watchdog and validation, as they are shown and as their events are."""

from collections.abc import Iterator
from typing import Any

from shared.events.change import Change
from shared.runs.guardian.monitoring import Monitoring
from shared.runs.guardian.rows import GuardianAction
from shared.runs.validation.rows import ValidationReview

Shown = tuple[str, str, str, dict[str, Any]]
"""Event type, entity type, entity id, payload."""


def steering_issued(change: Change) -> Iterator[Shown]:
    data = change.event.data
    agent_id = str(data.get("live_agent_id") or data["agent_id"])
    payload = {
        "agent_id": agent_id,
        "steering_type": data["rule"],
        "message": data["message"],
        "timestamp": change.event.at,
    }
    yield "STEERING_ISSUED", "agent", agent_id, payload


def intervened(change: Change) -> Iterator[Shown]:
    action = change.after(GuardianAction)
    payload = {
        "action_id": action.id,
        "action_type": action.action_type,
        "target_entity": action.target_entity,
        "authority_level": int(action.authority_level),
        "reason": action.reason,
        "initiated_by": action.initiated_by,
        "timestamp": change.event.at,
    }
    yield "GUARDIAN_INTERVENTION", "guardian_action", action.id, payload


def monitored(change: Change) -> Iterator[Shown]:
    seen = change.after(Monitoring)
    payload = {
        "cycle_id": seen.cycle_id,
        "timestamp": seen.at,
        "agents": seen.agents,
        "systemCoherence": float(seen.coherence),
        "duplicates": seen.duplicates,
        "interventions": seen.interventions,
    }
    yield "MONITORING_UPDATE", "workspace", str(seen.ws_id), payload


def reviewed(change: Change) -> Iterator[Shown]:
    """Yield the events of a review: that it was submitted, and what it says."""
    review, at = change.after(ValidationReview), change.event.at
    about = {"task_id": review.task_id, "iteration": int(review.iteration)}
    submitted = about | {"passed": review.passed, "validator_agent_id": review.validator_id, "timestamp": at}
    yield "VALIDATION_REVIEW_SUBMITTED", "task", review.task_id, submitted
    if review.passed:
        yield "VALIDATION_PASSED", "task", review.task_id, about | {"timestamp": at}
    else:
        yield "VALIDATION_FAILED", "task", review.task_id, about | {"feedback": review.feedback, "timestamp": at}
