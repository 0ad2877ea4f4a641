"""Requests of the area `projects`."""

from tests.samples.stage import Sample, Samples, Stage, nothing, of_project, of_workspace


def _of_spare_project(stage: Stage) -> Sample:
    return Sample({"id": stage.extra_project})


SAMPLES: Samples = {
    ("agentworks", "projects.list"): of_workspace,
    ("agentworks", "projects.get"): of_project,
    ("agentworks", "projects.create"): lambda s: Sample({"workspaceId": s.world.ws_id}, {"name": "Other", "slug": s.slug()}),
    ("agentworks", "projects.update"): lambda s: Sample({"id": s.world.project.id}, {"description": "Ours"}),
    ("agentworks", "projects.archive"): _of_spare_project,
    ("agentworks", "projects.restore"): _of_spare_project,
    ("omoios", "projects.list"): nothing,
    ("omoios", "projects.create"): lambda s: Sample({}, {"name": s.slug()}),
    ("omoios", "projects.get"): lambda s: Sample({"project_id": s.world.project.id}),
    ("omoios", "projects.createTicket"): lambda s: Sample(
        {"project_id": s.world.project.id}, {"title": "T", "phase_id": "PHASE_BACKLOG"}
    ),
}
