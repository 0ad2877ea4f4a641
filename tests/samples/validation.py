"""Requests of the area `validation`."""

from shared.runs.live_agents import beating
from shared.runs.validation.reviewing import Review, give_review, spawn_validator
from tests.samples.guardian import agent
from tests.samples.stage import Sample, Samples, Stage
from tests.samples.tasks import held

REVIEW = {
    "validation_passed": False,
    "feedback": "The second criterion is not met",
    "evidence": {"tests": "2 of 3"},
    "recommendations": ["Handle the empty list"],
}


def under_review(stage: Stage) -> tuple[str, str]:
    """A task that a client's validator has, and the validator."""
    task, actor = held(stage), stage.world.actor
    beating.receive(actor, *beating.find(actor, agent(stage, "validator")), beating.Beat(1, "idle", None, {}))
    return task, spawn_validator(actor, task)


def _review(stage: Stage) -> Sample:
    task, validator = under_review(stage)
    return Sample({}, REVIEW | {"task_id": task, "validator_agent_id": validator})


def reviewed(stage: Stage) -> str:
    task, validator = under_review(stage)
    give_review(stage.world.actor, task, validator, Review(passed=False, feedback="Not yet"))
    return task


SAMPLES: Samples = {
    ("omoios", "validation.giveReview"): _review,
    ("omoios", "validation.spawnValidator"): lambda s: Sample({}, {"task_id": held(s), "commit_sha": "0a1b2c3d"}),
    ("omoios", "validation.sendFeedback"): lambda s: Sample({}, {"agent_id": agent(s), "feedback": "Handle the empty list"}),
    ("omoios", "validation.status"): lambda s: Sample({}, query=f"task_id={reviewed(s)}"),
    ("omoios", "validation.reviews"): lambda s: Sample({}, query=f"task_id={reviewed(s)}"),
}
