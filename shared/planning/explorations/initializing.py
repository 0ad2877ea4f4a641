"""Making the project of an exploration, with its cards, tasks and dependencies: each exactly once, however often and by whom it is asked.

All ids follow from the exploration. A request that dies, or whose time ends, is sent again and goes on where it stopped.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError, ConditionFailed
from shared.events import EventType, record
from shared.people.tenancy.rows import slugify
from shared.planning.explorations.making import make_cards
from shared.planning.explorations.planning import PlannedCard
from shared.planning.explorations.rows import Exploration
from shared.planning.explorations.specs import generate_spec, load_spec, mark_tasks_generated, planned
from shared.planning.explorations.state import read_state
from shared.store import fetch, fetch_all, retrying, save, write
from shared.work.items.rows import Item
from shared.work.projects.creating import NewProject, create_project
from shared.work.projects.rows import Project

SECONDS: Final = 18.0
"""After which a request makes no more cards and says how many there are: API Gateway waits 29 seconds."""
_DESCRIPTION: Final = 500  # characters of the idea in the project's description


@dataclass(frozen=True)
class Initialized:
    """The project of an exploration, and how many cards and tasks were made of its requirements."""

    project_id: str
    cards: int
    tasks: int


@dataclass(frozen=True)
class SpecCard:
    """A card of a spec: as it is on the board, or, before there is a project, as it will be made there."""

    planned: PlannedCard
    item: Item | None


def initialize(actor: Actor, exploration_id: str, name: str, *, create_cards: bool = True) -> Initialized:
    """Make the project, and its cards unless `create_cards` is false. Safe to repeat, and at the same time as another request.

    Raises NotFound, Forbidden, Conflict before the design is approved, LimitExceeded, CadreError(TIMEOUT) if not all cards could be made
    in time: the same request goes on.
    """
    state = read_state(actor, exploration_id, Permission.PROJECT_CREATE)
    exploration = state.exploration
    if state.spec is None and state.stage == "design_approved":
        generate_spec(actor, exploration.id, slugify(name))
        state = read_state(actor, exploration_id, Permission.PROJECT_CREATE)
        exploration = state.exploration
    cards = planned(state)
    if exploration.initialized_at and (exploration.cards_made or not create_cards):
        return Initialized(exploration.id, int(exploration.cards_made), int(exploration.tasks_made))
    _make_project(actor, exploration, name)
    if create_cards:
        make_cards(actor, exploration, cards, time.monotonic() + SECONDS)
    made = cards if create_cards else []
    return _mark_initialized(actor, exploration.id, made)


def generate_tasks(actor: Actor, spec_id: str) -> list[SpecCard]:
    """Plan the cards of a spec; if the exploration has its project already, make those that are missing. Safe to repeat: the ids stay.

    Raises NotFound, Forbidden, CadreError(TIMEOUT) as `initialize` does.
    """
    loaded = load_spec(actor, spec_id, Permission.CARD_CREATE)
    cards = loaded.cards
    if not loaded.exploration.initialized_at:
        mark_tasks_generated(actor, loaded.spec)
        return [SpecCard(card, None) for card in cards]
    if not loaded.exploration.cards_made:
        make_cards(actor, loaded.exploration, cards, time.monotonic() + SECONDS)
        _mark_initialized(actor, loaded.exploration.id, cards)
    items = {item.id: item for item in fetch_all(Item, [card.id for card in cards]) if not item.deleted_at}
    return [SpecCard(card, items[card.id]) for card in cards if card.id in items]


def _make_project(actor: Actor, exploration: Exploration, name: str) -> None:
    if fetch(Project, exploration.id) is not None:
        return
    description = " ".join(exploration.initial_idea.split())[:_DESCRIPTION]
    try:
        create_project(actor, str(exploration.ws_id), NewProject(name, description=description), project_id=exploration.id)
    except (CadreError, ConditionFailed):  # another request was faster
        if fetch(Project, exploration.id) is None:
            raise


def _mark_initialized(actor: Actor, exploration_id: str, cards: Sequence[PlannedCard]) -> Initialized:
    def attempt(_: int) -> Exploration:
        exploration = read_state(actor, exploration_id, Permission.CARD_CREATE).exploration
        is_first = exploration.initialized_at is None
        if not is_first and int(exploration.cards_made) == len(cards):
            return exploration
        exploration.initialized_at = exploration.initialized_at or clock.iso()
        exploration.cards_made = max(len(cards), int(exploration.cards_made))
        exploration.tasks_made = max(sum(len(card.tasks) for card in cards), int(exploration.tasks_made))
        if is_first:
            record(exploration, EventType.PROJECT_INITIALIZED, actor, project_id=exploration.id)
        write(save(exploration))
        return exploration

    exploration = retrying(attempt)
    return Initialized(exploration.id, int(exploration.cards_made), int(exploration.tasks_made))
