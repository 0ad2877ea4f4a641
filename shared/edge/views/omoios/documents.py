"""omoios: the statuses of documents."""

from typing import Final

_STATUSES: Final = {
    "draft": "draft",
    "review": "pending_review",
    "approved": "approved",
    "rejected": "rejected",
    "archived": "superseded",
    "superseded": "superseded",
}


def document_status(status: str) -> str:
    """Return draft, pending_review, approved, rejected or superseded."""
    return _STATUSES[status]
