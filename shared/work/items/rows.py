"""The work item (card). Its comments, activities, runs and dependencies share one index partition, `ITEM#<id>` on GSI1, each with its own
prefix (`COM#`, `ACT#`, `RUN#`, `DEP#`), so that one query lists everything that belongs to a card."""

from typing import Any, Final

from shared.core import clock
from shared.store import Entity, JSONAttribute, NumberAttribute, UnicodeAttribute
from shared.work.boards.lanes import lane_key
from shared.work.items.tracing import card_link, marks_of

PENDING: Final = "pending_review"
"""The approval status of a card that waits for the decision of a person."""
PERSON_FIELDS: Final = frozenset({"assignee"})
"""Fields that hold a person (`Actor.summary`): events store their changes in full, and each contract shows them in its own form."""


def place_of_position(position: float) -> str:
    """Return a text that sorts as positions do; zeros at its end would be paid for four times."""
    return f"{float(position):029.17f}".rstrip("0").rstrip(".")


class ItemHead(Entity):
    """A card without what it seldom changes: what moves, rules and summaries need. Only for reading; the row is written as an `Item`."""

    KIND = "ITEM"
    NAME = "card"

    type = UnicodeAttribute()  # epic | feature | task | bug | blueprint | doc
    title = UnicodeAttribute()
    status = UnicodeAttribute(default="draft")  # draft | ready | in_progress | blocked | done
    priority = UnicodeAttribute(default="medium")  # low | medium | high | critical
    board_id = UnicodeAttribute()
    lane_id = UnicodeAttribute()
    phase_id = UnicodeAttribute()
    position = NumberAttribute(default=0)
    parent_id = UnicodeAttribute(null=True)
    assignee_id = UnicodeAttribute(null=True)
    blocked_reason = UnicodeAttribute(null=True)
    status_before_block = UnicodeAttribute(null=True)
    lane_before_done = UnicodeAttribute(null=True)
    """The lane of a finished card before it was done; reopening the card returns it there."""
    approval_status = UnicodeAttribute(null=True)
    completed_at = UnicodeAttribute(null=True)
    lane_at = NumberAttribute(null=True)
    """When the card entered its lane, in epoch milliseconds."""
    stays = UnicodeAttribute(null=True)
    """The phases that the card has left (`shared.work.items.stays`)."""
    auto_moves = NumberAttribute(default=0)
    """How often the card, and before it the card from which an agent created it, moved without a person since a person last changed it."""
    root_id = UnicodeAttribute(null=True)
    """The card with which the chain of cards began that agents created from each other; None for a card that a person created."""
    archived_at = UnicodeAttribute(null=True)
    """When the card was archived: it is in no list and no count, but can be read by its id."""
    restored_at = UnicodeAttribute(null=True)
    lease_run = UnicodeAttribute(null=True)
    """The run that holds the lease on the card. The run's row has the expiry; after it any other run may take the card."""

    issue = UnicodeAttribute(null=True)
    """The issue at GitHub with which it is kept in step: `owner/name#12`."""

    @property
    def lane_since(self) -> str | None:
        """Return when the card entered its lane."""
        return None if self.lane_at is None else clock.iso(clock.from_epoch(self.lane_at / 1000))

    @property
    def finished_since(self) -> str:
        """The time from which archiving counts: when the card was finished or restored from the archive, whichever is later."""
        return max(self.completed_at or self.updated_at, self.restored_at or "")

    @property
    def place(self) -> str:
        """The one sort key of a card among others: its position, then its age. Seventeen decimals tell any two floats above 0.1 apart."""
        return f"{place_of_position(self.position)}#{self.id}"

    @property
    def is_blocked(self) -> bool:
        return bool(self.status == "blocked")

    def set_index_keys(self) -> None:
        if not self.COLD:
            raise TypeError("a card is written whole")
        super().set_index_keys()


class Item(ItemHead):
    """A whole card: its row and the second one, which a move does not write."""

    description = UnicodeAttribute(null=True)
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
    user_stories = JSONAttribute(null=True)
    effort_points = NumberAttribute(null=True)
    complexity_points = NumberAttribute(null=True)
    implementation_notes = UnicodeAttribute(null=True)
    context = JSONAttribute(null=True)
    approval = JSONAttribute(null=True)
    """Who asked for the approval (`requested_by`, `requested_at`), until when (`expires_at`), and who decided (`decided_by`, `decided_at`,
    `reason`)."""
    blocker_type = UnicodeAttribute(null=True)
    """Why the card is blocked; means nothing on a card that is not blocked."""
    recent_runs = JSONAttribute(default=list)
    """Summaries of the last few runs, newest first, so that a list of cards needs no query per card."""

    @property
    def criteria(self) -> list[tuple[str | None, str]]:
        """Return all acceptance criteria: those of the card, then those of its user stories, each with the title of the story."""
        own = [(None, text) for text in self.acceptance_criteria or []]
        return own + [(story["title"], text) for story in self.user_stories or [] for text in story["acceptance_criteria"]]

    def indexes(self) -> dict[int, tuple[str, str]]:
        traced = card_link(self.proj_id, self.id, self.type, self.parent_id)
        if self.archived_at:
            return {1: (f"BOARD#{self.board_id}#ARCHIVED", f"{self.archived_at}#{self.id}")} | traced
        keys = traced | {1: (f"BOARD#{self.board_id}#ITEM", f"{lane_key(self.board_id, self.lane_id)}#{self.place}")}
        if self.parent_id:
            keys[3] = (f"PARENT#{self.parent_id}", self.place)
        if self.status == "done":
            keys[4] = (f"BOARD#{self.board_id}#DONE", f"{self.finished_since}#{self.id}")
        return keys

    def filters(self) -> dict[str, Any]:
        """Return the tags, and what stands for the acceptance criteria of a requirement, if there are any."""
        keys = [tag["key"] for tag in self.tags]
        fields = {
            "tags": [f"{tag['key']}:{tag['value']}" for tag in self.tags],
            "tag_keys": keys if any(":" in key for key in keys) else None,  # else the tags tell them
            "approval_until": self.approval["expires_at"] if self.approval_status == PENDING and self.approval else None,
            "criteria": marks_of(text for _, text in self.criteria) if self.type == "epic" else None,
        }
        return {name: value for name, value in fields.items() if value}

    def compact(self, raw: dict[str, Any]) -> None:
        super().compact(raw)
        if not self.auto_moves:
            del raw["auto_moves"]

    def set_index_keys(self) -> None:
        self.assignee_id = self.assignee["id"] if self.assignee else None
        super().set_index_keys()


# what only the whole card has; nothing that reads a head asks when the card was made
Item.COLD = frozenset(Item.get_attributes()) - frozenset(ItemHead.get_attributes()) | {"created_at"}
