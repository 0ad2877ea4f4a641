"""Requests of the area `usage`."""

from tests.samples.stage import MAY, Sample, Samples, of_project, of_workspace

SAMPLES: Samples = {
    ("agentworks", "usage.workspace"): of_workspace,
    ("agentworks", "usage.project"): of_project,
    ("agentworks", "usage.export"): lambda s: Sample({"id": s.world.ws_id}, query=MAY),
    ("agentworks", "exports.get"): lambda s: Sample({"id": s.export()}),
}
