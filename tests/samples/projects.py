"""Requests of the area `projects`."""

from tests.samples.stage import Sample, Samples, Stage, nothing, of_project, of_workspace

ENTERPRISE_PROJECT = {
    "name": "Frontend Web App",
    "slug": "frontend-web",
    "description": "React-based web application",
    "repository_url": "https://github.com/acme/frontend-web",
    "repository_type": "git",
    "visibility": "private",
    "template_type": "web",
    "tech_stack": ["react", "typescript", "webpack"],
}
"""The document's own request."""


def _of_spare_project(stage: Stage) -> Sample:
    return Sample({"id": stage.extra_project})


SAMPLES: Samples = {
    ("agentworks", "projects.list"): of_workspace,
    ("agentworks", "projects.get"): of_project,
    ("agentworks", "projects.create"): lambda s: Sample({"workspaceId": s.world.ws_id}, {"name": "Other", "slug": s.slug()}),
    ("agentworks", "projects.update"): lambda s: Sample({"id": s.world.project.id}, {"description": "Ours"}),
    ("agentworks", "projects.archive"): _of_spare_project,
    ("agentworks", "projects.restore"): _of_spare_project,
    ("enterprise", "projects.list"): lambda s: Sample({"org_id": s.organization}),
    ("enterprise", "projects.create"): lambda s: Sample({"org_id": s.organization}, ENTERPRISE_PROJECT | {"slug": s.slug()}),
    ("enterprise", "projects.get"): lambda s: Sample({"project_id": s.world.project.id}),
    ("omoios", "projects.list"): nothing,
    ("omoios", "projects.create"): lambda s: Sample({}, {"name": s.slug()}),
    ("omoios", "projects.get"): lambda s: Sample({"project_id": s.world.project.id}),
    ("omoios", "projects.update"): lambda s: Sample({"project_id": s.world.project.id}, {"validation_enabled": False}),
    ("omoios", "projects.createTicket"): lambda s: Sample(
        {"project_id": s.world.project.id}, {"title": "T", "phase_id": "PHASE_BACKLOG"}
    ),
    ("omoios", "projects.spawnAgent"): lambda s: Sample(
        {"project_id": s.world.project.id},
        {"agent_type": "worker", "phase_id": "PHASE_IMPLEMENTATION", "capabilities": ["python", "fastapi"], "capacity": 1},
    ),
}
