"""Requests of the area `agents`."""

from tests.samples.stage import PRD, Sample, Samples, nothing, of_project

SAMPLES: Samples = {
    ("agentworks", "agents.list"): nothing,
    ("agentworks", "agents.get"): lambda _: Sample({"id": PRD.id}),
    ("agentworks", "agentConfigs.list"): of_project,
    ("agentworks", "agentConfigs.update"): lambda s: Sample({"id": s.world.project.id, "agentId": PRD.id}, {"temperature": 0.1}),
}
