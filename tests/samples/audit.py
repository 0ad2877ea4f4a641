"""Requests of the area `audit`."""

from shared.agents.catalogue import agent_named
from tests.samples.stage import Sample, Samples

PRD = agent_named("prd")

SAMPLES: Samples = {
    ("omoios", "audit.ticket"): lambda s: Sample({"ticket_id": s.card()}),
    ("omoios", "audit.agent"): lambda s: Sample({"agent_id": PRD.id}),
    ("omoios", "audit.project"): lambda s: Sample({"project_id": s.world.project.id}),
}
