"""Requests of the area `documents`."""

from tests.samples.explorations import document
from tests.samples.stage import Sample, Samples, Stage, of_project


def _latest_document(stage: Stage) -> Sample:
    stage.document()
    return Sample({"id": stage.world.project.id, "type": "prd"})


SAMPLES: Samples = {
    ("agentworks", "documents.list"): of_project,
    ("agentworks", "documents.latestByType"): _latest_document,
    ("agentworks", "documents.get"): lambda s: Sample({"id": s.document()}),
    ("agentworks", "documents.create"): lambda s: Sample(
        {"id": s.world.project.id}, {"type": "custom", "title": "T", "content": "C"}
    ),
    ("agentworks", "documents.upload"): lambda s: Sample({"id": s.world.project.id}, {"size": 5_000_000}),
    ("agentworks", "documents.update"): lambda s: Sample({"id": s.document()}, {"content": "Other words"}),
    ("agentworks", "documents.publish"): lambda s: Sample({"id": s.document()}, {}),
    ("omoios", "documents.approve"): lambda s: Sample({"document_id": s.document()}, {}),
    ("omoios", "documents.reject"): lambda s: Sample(
        {"document_id": document(s)}, {"rejection_reason": "Missing security requirements"}
    ),
    ("omoios", "documents.versions"): lambda s: Sample({"document_id": s.document()}),
}
