"""The eleven lanes of a new board, and its second view: phases and columns.

Each lane has a phase, and each column groups the lanes of certain phases. Both views show the same board: a card that is moved in one
is moved in the other.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from shared.core.ids import derived_id


@dataclass(frozen=True)
class LaneTemplate:
    """The values of a lane on a new board. `wip_limit` None: no limit."""

    number: int
    name: str
    color: str
    wip_limit: int | None
    agent: str | None
    card_type: str
    phase: str


LANES = (
    LaneTemplate(0, "Vision & CoPilot Planning", "#8B5CF6", None, "ceo_copilot", "blueprint", "PHASE_BACKLOG"),
    LaneTemplate(1, "PRD / MVP Definition", "#10B981", 5, "prd", "doc", "PHASE_REQUIREMENTS"),
    LaneTemplate(2, "Research", "#F59E0B", 3, "research", "task", "PHASE_REQUIREMENTS"),
    LaneTemplate(3, "Architecture & Stack", "#EF4444", 3, "architect", "epic", "PHASE_DESIGN"),
    LaneTemplate(4, "Planning & Task Breakdown", "#3B82F6", 5, "planner", "task", "PHASE_DESIGN"),
    LaneTemplate(5, "Scaffolding", "#6366F1", 5, None, "feature", "PHASE_IMPLEMENTATION"),
    LaneTemplate(6, "Build", "#8B5CF6", 8, None, "feature", "PHASE_IMPLEMENTATION"),
    LaneTemplate(7, "Test & QA", "#06B6D4", 5, "qa", "feature", "PHASE_TESTING"),
    LaneTemplate(8, "Deploy", "#10B981", 3, "deployment", "feature", "PHASE_DEPLOYMENT"),
    LaneTemplate(9, "Docs & Training", "#F59E0B", 3, "documentation", "feature", "PHASE_DEPLOYMENT"),
    LaneTemplate(10, "Learn & Optimize", "#6B7280", 2, "refactor", "feature", "PHASE_DONE"),
)
BOARD_NAME = "Development Board"


@dataclass(frozen=True)
class Column:
    """A column of the omoios view. `auto_transition_to` names the column that takes its finished tickets."""

    id: str
    name: str
    order: int
    phases: tuple[str, ...]
    wip_limit: int | None = None
    terminal: bool = False
    auto_transition_to: str | None = None
    color: str = field(default="gray")
    category: str = "in_progress"
    description: str = ""


COLUMNS = (
    Column(
        "backlog", "📋 Backlog", 0, ("PHASE_BACKLOG",), color="gray", category="todo", description="Ideas and work not yet begun"
    ),
    Column(
        "analyzing",
        "🔍 Analyzing",
        1,
        ("PHASE_REQUIREMENTS", "PHASE_DESIGN"),
        5,
        color="blue",
        description="Requirements and design",
    ),
    Column(
        "building",
        "🔨 Building",
        2,
        ("PHASE_IMPLEMENTATION",),
        10,
        auto_transition_to="testing",
        color="yellow",
        description="Implementation under way",
    ),
    Column("testing", "🧪 Testing", 3, ("PHASE_TESTING",), 8, color="blue", description="Tests and quality assurance"),
    Column(
        "deploying",
        "🚀 Deploying",
        4,
        ("PHASE_DEPLOYMENT",),
        3,
        auto_transition_to="done",
        color="green",
        description="On its way to users",
    ),
    Column("done", "✅ Done", 5, ("PHASE_DONE",), terminal=True, color="green", category="done", description="Finished work"),
    Column("blocked", "🚫 Blocked", 6, ("PHASE_BLOCKED",), terminal=True, color="red", description="Waiting for something"),
)
COLUMN_BY_PHASE = MappingProxyType({phase: column for column in COLUMNS for phase in column.phases})
COLUMN_BY_ID = MappingProxyType({column.id: column for column in COLUMNS})
LANE_PHASES = frozenset(lane.phase for lane in LANES)
"""The phases in which a card can begin: a card is blocked wherever it is, no lane is for that."""
PHASE_LETTERS = MappingProxyType(
    {
        "PHASE_BACKLOG": "b",
        "PHASE_REQUIREMENTS": "r",
        "PHASE_DESIGN": "d",
        "PHASE_IMPLEMENTATION": "i",
        "PHASE_TESTING": "t",
        "PHASE_DEPLOYMENT": "p",
        "PHASE_DONE": "x",
    }
)
"""What stands for the phase of a lane in rows that every move pays for."""

PHASE_ALIASES = MappingProxyType(
    {  # other phase names in the samples of the omoios document
        "PHASE_INITIAL": "PHASE_REQUIREMENTS",
        "PHASE_INTEGRATION": "PHASE_TESTING",
        "PHASE_REFACTORING": "PHASE_IMPLEMENTATION",
    }
)


def canonical_phase(phase: str) -> str:
    """Replace an alias by the phase's own name; unknown names are returned unchanged."""
    return PHASE_ALIASES.get(phase, phase)


def phase_category(phase: str) -> str:
    """Return the category of a phase: todo, in_progress or done."""
    return COLUMN_BY_PHASE[phase].category


def lane_id_of(board_id: str, number: int) -> str:
    return derived_id("lane", board_id, number)


def lane_key(board_id: str, lane_id: str) -> str:
    """Return what the sort keys of a lane's cards begin with: the number that the lane was made with, in two digits.

    So the index of a board is in the order of its lanes. The key stays with the lane if lanes are ordered anew, and no card is rewritten.
    """
    return _lane_keys(board_id).get(lane_id, f"~{lane_id}")


@lru_cache(maxsize=256)
def _lane_keys(board_id: str) -> dict[str, str]:
    return {lane_id_of(board_id, template.number): f"{template.number:02d}" for template in LANES}
