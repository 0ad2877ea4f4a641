"""Requests of the area `comments`."""

from tests.samples.stage import Sample, Samples

MULTIPART = {"Content-Type": "multipart/form-data; boundary=cadre"}


def form_with(body: bytes, filename: str = "plan.txt", content_type: str = "text/plain", field: str = "file") -> bytes:
    """A form with one file, as clients send it (RFC 7578)."""
    head = f'Content-Disposition: form-data; name="{field}"; filename="{filename}"\r\nContent-Type: {content_type}\r\n\r\n'
    return b"--cadre\r\n" + head.encode() + body + b"\r\n--cadre--\r\n"


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
    ("omoios", "attachments.upload"): lambda s: Sample({"ticket_id": s.card()}, form_with(b"Words"), headers=MULTIPART),
    ("omoios", "attachments.list"): lambda s: Sample({"ticket_id": s.filed()}),
    ("omoios", "attachments.download"): lambda s: Sample({"attachment_id": s.attachment()}),
    ("omoios", "attachments.delete"): lambda s: Sample({"attachment_id": s.attachment()}),
    ("omoios", "comments.delete"): lambda s: Sample({"comment_id": s.comment()}),
}
