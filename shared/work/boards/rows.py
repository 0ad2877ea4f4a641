"""The rows of a board: the board itself, its lanes and its card counts."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Self

from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, Row, Shards, UnicodeAttribute, amount, flat_map
from shared.work.boards.lanes import PHASE_LETTERS, lane_key

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


# a letter each: the row must stay below a kilobyte, because every move pays for it
STATUS_LETTERS: Final = MappingProxyType({"draft": "d", "ready": "r", "in_progress": "i", "blocked": "b", "done": "x"})
TYPE_LETTERS: Final = MappingProxyType({"epic": "e", "feature": "f", "task": "t", "bug": "b", "blueprint": "p", "doc": "d"})


PRIORITY_LETTERS: Final = MappingProxyType({"critical": "c", "high": "h", "medium": "m", "low": "l"})
_SECONDS, _STAYS = "s_", "n_"  # before a phase's letter, in the name of an attribute


_DIGITS: Final = frozenset("0123456789~")


class Counts(Row):
    """Card counts of each lane and each column, at `BOARD#<id>, COUNTS`. They change in the transaction that moves a card, so that a WIP
    limit is a condition of the write. `next` counts all cards ever created: it is the default position of a new card.

    Beside them stand tallies, which give lists their totals: attributes of their own, `06:i` (lane and status), `i:t` (status and type) and
    `p:h` (priority), so that the first card of a kind can be added without a read. So do the sums of the stays in each phase that a card
    has left: `s_i` has their seconds, `n_i` how many there were.
    """

    TABLE = "core_table"

    kind = UnicodeAttribute(default="COUNTS")
    lanes: Any = flat_map()
    """By `lane_key`, which is shorter than a lane's id."""
    columns: Any = flat_map()
    next = NumberAttribute(default=0)
    closed = BooleanAttribute(null=True)
    """True while the project is archived; the conditions of all count changes require that it is not set."""
    tallies: Mapping[str, int] = MappingProxyType({})
    stays: Mapping[str, tuple[int, int]] = MappingProxyType({})
    """The seconds of the stays in each phase that a card has left, and how many there were."""

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        row = super().decode(raw)
        row.tallies = {name: int(boxed["N"]) for name, boxed in raw.items() if ":" in name}
        row.stays = {
            phase: (int(raw[_SECONDS + letter]["N"]), int(raw[_STAYS + letter]["N"]))
            for phase, letter in PHASE_LETTERS.items()
            if _STAYS + letter in raw
        }
        return row

    @staticmethod
    def add_stay(phase_id: str, seconds: int) -> list[Any]:
        """Return the changes that count a stay in a phase which has ended."""
        letter = PHASE_LETTERS[phase_id]
        return [amount(_SECONDS + letter).add(seconds), amount(_STAYS + letter).add(1)]

    @property
    def board_id(self) -> str:
        return str(self.pk).partition("#")[2]

    def cards_in(self, lane_id: str) -> int:
        """Return the number of cards in a lane."""
        return int(self.lanes.get(lane_key(self.board_id, lane_id), 0))

    @property
    def cards(self) -> int:
        """Return the number of cards on the board."""
        return sum(int(number) for number in dict(self.lanes).values())

    @property
    def is_tallied(self) -> bool:
        """Tell whether the tallies know every card of the board."""
        return self.cards == sum(number for name, number in self.tallies.items() if name[0] in _DIGITS)

    @property
    def by_status(self) -> dict[str, int]:
        """Return how many cards have each status, of those that have any card."""
        return self._by_letter(STATUS_LETTERS, lambda name: name[0] in _DIGITS)

    @property
    def by_priority(self) -> dict[str, int]:
        """Return how many cards have each priority. Cards that were made before priorities were tallied are in none until they change."""
        return self._by_letter(PRIORITY_LETTERS, lambda name: name[0] == "p")

    def _by_letter(self, letters: Mapping[str, str], counts: Callable[[str], bool]) -> dict[str, int]:
        words = {letter: word for word, letter in letters.items()}
        found: dict[str, int] = {}
        for name, number in self.tallies.items():
            word = words.get(name.rpartition(":")[2])
            if word is not None and number and counts(name):
                found[word] = found.get(word, 0) + number
        return found

    @classmethod
    def key(cls, board_id: str) -> tuple[str, str]:
        return f"BOARD#{board_id}", "COUNTS"

    @classmethod
    def of(cls, board_id: str) -> "Counts":
        pk, sk = cls.key(board_id)
        return cls(pk=pk, sk=sk)
