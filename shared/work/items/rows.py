"""The work item. Its comments, activities, runs and dependencies are members of one collection, `ITEM#<id>` on GSI1, each under a
prefix of its own (`COM#`, `ACT#`, `RUN#`, `DEP#`), so that one query shows what a card has."""

from typing import Any, Final

from shared.store import Entity, JSONAttribute, NumberAttribute, UnicodeAttribute

PERSON_FIELDS: Final = frozenset({"assignee"})
"""The fields whose changes hold people (`Actor.summary`): events keep them whole, contracts show them in their own form."""


class Item(Entity):
    KIND = "ITEM"
    NAME = "card"

    item_kind = UnicodeAttribute(default="card")  # card | requirement | feature
    type = UnicodeAttribute()  # epic | feature | task | bug | blueprint | doc
    title = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    status = UnicodeAttribute(default="draft")  # draft | ready | in_progress | blocked | done
    priority = UnicodeAttribute(default="medium")  # low | medium | high | critical
    board_id = UnicodeAttribute()
    lane_id = UnicodeAttribute()
    phase_id = UnicodeAttribute()
    position = NumberAttribute(default=0)
    parent_id = UnicodeAttribute(null=True)
    assignee = JSONAttribute(null=True)
    reporter = JSONAttribute(null=True)
    created_by = JSONAttribute()
    labels = JSONAttribute(default=list)
    tags = JSONAttribute(default=list)
    estimated_hours = NumberAttribute(null=True)
    logged_hours = NumberAttribute(default=0)
    due_date = UnicodeAttribute(null=True)
    external_links = JSONAttribute(default=list)
    attachments = JSONAttribute(default=list)
    custom_fields = JSONAttribute(default=dict)
    acceptance_criteria = JSONAttribute(default=list)
    blocked_reason = UnicodeAttribute(null=True)
    status_before_block = UnicodeAttribute(null=True)
    lane_before_done = UnicodeAttribute(null=True)
    """Where a finished card was last worked on: reopening it leads back there."""
    approval_status = UnicodeAttribute(null=True)
    context = JSONAttribute(null=True)
    completed_at = UnicodeAttribute(null=True)
    lane_since = UnicodeAttribute(null=True)
    """When it came into its lane."""
    auto_moves = NumberAttribute(default=0)
    """How often it went on by itself (`shared.work.items.auto_progress`) since a person last had it in hand."""
    archived_at = UnicodeAttribute(null=True)
    """Finished and put away: in no list and no count, still there by its id."""
    recent_runs = JSONAttribute(default=list)
    """Summaries of the last few runs, newest first: a list of cards shows them without a query per card."""
    lease_run = UnicodeAttribute(null=True)
    """The run that works on the card. The run's own row says how long its lease lasts; after it the card is anybody's to take."""

    restored_at = UnicodeAttribute(null=True)

    @property
    def finished_since(self) -> str:
        """When a finished card came to lie where it lies: it was finished, or brought back from the archive."""
        return max(self.completed_at or self.updated_at, self.restored_at or "")

    @property
    def is_blocked(self) -> bool:
        return bool(self.status == "blocked")

    def indexes(self) -> dict[int, tuple[str, str]]:
        if self.archived_at:
            return {1: (f"BOARD#{self.board_id}#ARCHIVED", f"{self.archived_at}#{self.id}")}
        places = {
            1: (f"BOARD#{self.board_id}#ITEM", f"{self.lane_id}#{float(self.position):016.4f}#{self.id}"),
            2: (f"PROJ#{self.proj_id}#ITEM", f"{self.item_kind}#{self.created_at}#{self.id}"),
        }
        if self.parent_id:
            places[3] = (f"PARENT#{self.parent_id}", f"{float(self.position):016.4f}#{self.id}")
        if self.status == "done":  # finished work is on nobody's list of things to do: in its place, when it was finished
            places[4] = (f"BOARD#{self.board_id}#DONE", f"{self.finished_since}#{self.id}")
        elif self.assignee:
            places[4] = (f"ASSIGNEE#{self.assignee['id']}", f"{self.updated_at}#{self.id}")
        return places

    def filters(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "excerpt": (self.description or "")[:200],
            "type": self.type,
            "status": self.status,
            "priority": self.priority,
            "lane_id": self.lane_id,
            "phase_id": self.phase_id,
            "position": self.position,
            "parent_id": self.parent_id,
            "assignee_id": self.assignee["id"] if self.assignee else None,
            "labels": self.labels,
            "tags": [f"{tag['key']}:{tag['value']}" for tag in self.tags],
            "approval_status": self.approval_status,
        }
