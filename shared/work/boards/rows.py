"""The rows of a board: the board itself, its lanes and its card counts."""

from typing import Any

from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, Row, Shards, UnicodeAttribute, flat_map

MAX_LISTED_CARDS = 20_000
"""Cards of a board that a filtered list reads at most: fourteen queries of a megabyte. Archived cards do not count."""

AUTO_ARCHIVING = Shards("BOARDS#ARCHIVING", 4)
"""Index of the boards whose finished cards are archived automatically; the schedule reads it."""

DEFAULT_SETTINGS: dict[str, Any] = {
    "showWipLimits": True,
    "enableCardDependencies": True,
    "autoArchiveCompleted": False,
    "customFields": [],
}


class Board(Entity):
    KIND = "BOARD"
    NAME = "board"

    name = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    settings = JSONAttribute(default=lambda: dict(DEFAULT_SETTINGS))
    is_default = BooleanAttribute(default=True)
    lane_ids = JSONAttribute()
    """The ids of the lanes in order; with them all lanes can be read strongly consistently."""

    def indexes(self) -> dict[int, tuple[str, str]]:
        keys = {1: (f"PROJ#{self.proj_id}#BOARD", f"{self.created_at}#{self.id}")}
        if self.wants_archiving:
            keys[2] = (AUTO_ARCHIVING.partition_of(self.id), self.id)
        return keys

    @property
    def wants_archiving(self) -> bool:
        """Tell whether finished cards are archived automatically."""
        return bool(self.settings.get("autoArchiveCompleted"))


class Lane(Entity):
    KIND = "LANE"
    NAME = "lane"

    board_id = UnicodeAttribute()
    number = NumberAttribute()
    name = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    phase_id = UnicodeAttribute()
    wip_limit = NumberAttribute(null=True)
    auto_trigger_agent = UnicodeAttribute(null=True)
    exit_criteria = UnicodeAttribute(null=True)
    settings = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"BOARD#{self.board_id}#LANE", f"{int(self.number):03d}")}

    @property
    def conditions(self) -> list[dict[str, Any]]:
        """Return the conditions on which its cards move on by themselves (`shared.work.items.auto_progress`)."""
        return self.settings.get("autoProgressConditions") or []

    def filters(self) -> dict[str, Any]:
        return {"wip_limit": self.wip_limit, "has_conditions": bool(self.conditions)}


class Counts(Row):
    """Card counts of each lane and each column, at `BOARD#<id>, COUNTS`. They change in the transaction that moves a card, so that a WIP
    limit is a condition of the write. `next` counts all cards ever created: it is the default position of a new card."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="COUNTS")
    lanes: Any = flat_map()
    columns: Any = flat_map()
    next = NumberAttribute(default=0)
    closed = BooleanAttribute(null=True)
    """True while the project is archived; the conditions of all count changes require that it is not set."""

    @classmethod
    def key(cls, board_id: str) -> tuple[str, str]:
        return f"BOARD#{board_id}", "COUNTS"

    @classmethod
    def of(cls, board_id: str) -> "Counts":
        pk, sk = cls.key(board_id)
        return cls(pk=pk, sk=sk)
