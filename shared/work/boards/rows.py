"""Board, lane, and how many cards are where."""

from typing import Any

from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, Row, Shards, UnicodeAttribute, flat_map

MAX_LISTED_CARDS = 20_000
"""Cards of a board that a filtered list looks through: fourteen queries of a megabyte. Archiving takes finished cards out."""

AUTO_ARCHIVING = Shards("BOARDS#ARCHIVING", 4)
"""The boards whose finished cards are put away, for the clock."""

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
    """The ids of its lanes in order: a strongly consistent way to all of them."""

    def indexes(self) -> dict[int, tuple[str, str]]:
        places = {1: (f"PROJ#{self.proj_id}#BOARD", f"{self.created_at}#{self.id}")}
        if self.wants_archiving:
            places[2] = (AUTO_ARCHIVING.partition_of(self.id), self.id)
        return places

    @property
    def wants_archiving(self) -> bool:
        """Whether its finished cards are put away after a while."""
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


class Counts(Row):
    """At `BOARD#<id>, COUNTS`: living cards in each lane and each column, changed in the transaction that moves a card, so that a WIP
    limit is a condition of the write. `next` numbers the cards of the board as they come (the default position)."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="COUNTS")
    lanes: Any = flat_map()
    columns: Any = flat_map()
    next = NumberAttribute(default=0)
    closed = BooleanAttribute(null=True)
    """Set while the project is archived: whoever counts a card in or out is refused in the same condition."""

    @classmethod
    def key(cls, board_id: str) -> tuple[str, str]:
        return f"BOARD#{board_id}", "COUNTS"

    @classmethod
    def of(cls, board_id: str) -> "Counts":
        pk, sk = cls.key(board_id)
        return cls(pk=pk, sk=sk)
