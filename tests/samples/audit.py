"""Requests of the area `audit`."""

from functions.audit import exporting
from shared.agents.catalogue import agent_named
from tests.samples.stage import Sample, Samples, Stage

PRD = agent_named("prd")


def exported(stage: Stage) -> Sample:
    """A file that its owner has asked for; it is nobody else's."""
    actor = stage.world.actor
    export = exporting.export_tickets(actor, stage.world.project.id, "csv", {})
    return Sample({"export_id": export.id}, caller=stage.world.ada)


SAMPLES: Samples = {
    ("omoios", "audit.ticket"): lambda s: Sample({"ticket_id": s.card()}),
    ("omoios", "audit.agent"): lambda _: Sample({"agent_id": PRD.id}),
    ("omoios", "audit.project"): lambda s: Sample({"project_id": s.world.project.id}),
    ("omoios", "audit.verify"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    ("omoios", "export.tickets"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    ("omoios", "export.auditTrail"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
}
ALONE: Samples = {("omoios", "export.file"): exported}
