"""Requests of the area `collaborations`."""

from typing import Any

from shared.sandboxes.collaborations.moving import advance
from shared.sandboxes.collaborations.starting import NewCollaboration, orchestrate
from tests.samples.sandboxes import sandbox
from tests.samples.stage import Sample, Samples, Stage

DELIVERABLES = ["frontend_components", "backend_api", "security_review"]


def collaboration(stage: Stage, **more: Any) -> str:
    """A collaboration of three sandboxes that were asked for their first answers, and its id."""
    participants = [sandbox(stage) for _ in range(3)]
    new = NewCollaboration("Implement user authentication feature", participants, deliverables=DELIVERABLES, **more)
    made = orchestrate(stage.world.actor, stage.world.ws_id, new).id
    advance(made)
    return made


def _new(stage: Stage) -> Sample:
    body = {
        "task": "Implement user authentication feature",
        "participants": [sandbox(stage) for _ in range(3)],
        "collaboration_mode": "orchestrated",
        "orchestrator": "project-manager",
        "timeout": 300,
        "deliverables": DELIVERABLES,
    }
    return Sample({"workspace_id": stage.world.ws_id}, body)


def _listed(stage: Stage) -> Sample:
    collaboration(stage)
    return Sample({"workspace_id": stage.world.ws_id})


SAMPLES: Samples = {
    ("aintandem", "collaborations.orchestrate"): _new,
    ("aintandem", "collaborations.get"): lambda s: Sample({"collaboration_id": collaboration(s)}),
    ("aintandem", "collaborations.list"): _listed,
    ("aintandem", "collaborations.cancel"): lambda s: Sample({"collaboration_id": collaboration(s)}),
}
