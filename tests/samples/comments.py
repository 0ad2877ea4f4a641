"""Requests of the area `comments`."""

from tests.samples.stage import Sample, Samples

SAMPLES: Samples = {
    ("agentworks", "comments.list"): lambda s: Sample({"id": s.card()}),
    ("agentworks", "comments.create"): lambda s: Sample({"id": s.card()}, {"content": "Words"}),
    ("agentworks", "attachments.create"): lambda s: Sample(
        {"id": s.card()}, {"filename": "plan.txt", "contentType": "text/plain", "size": 5}
    ),
    ("agentworks", "attachments.complete"): lambda s: Sample({"id": s.upload()}),
    ("agentworks", "attachments.download"): lambda s: Sample({"id": s.attachment()}),
    ("agentworks", "attachments.delete"): lambda s: Sample({"id": s.attachment()}),
    ("agentworks", "activities.list"): lambda s: Sample({"id": s.card()}),
    ("omoios", "comments.list"): lambda s: Sample({"ticket_id": s.card()}),
    ("omoios", "comments.create"): lambda s: Sample({"ticket_id": s.card()}, {"content": "Words"}),
    ("agentworks", "comments.update"): lambda s: Sample({"id": s.comment()}, {"content": "Other words"}),
    ("agentworks", "comments.delete"): lambda s: Sample({"id": s.comment()}),
    ("omoios", "comments.update"): lambda s: Sample({"comment_id": s.comment()}, {"content": "Other words"}),
    ("omoios", "comments.delete"): lambda s: Sample({"comment_id": s.comment()}),
}
