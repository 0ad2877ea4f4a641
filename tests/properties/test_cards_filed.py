"""However a card is made, changed, worked on or removed, its board counts it and finds it as its row says, also if somebody dies."""

from contextlib import suppress
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.errors import CadreError
from shared.core.ids import new_id
from shared.runs.agent_runs.ending import end_run, with_error
from shared.runs.agent_runs.rows import Run
from shared.runs.agent_runs.steps import Step, ensure_running, run_step
from shared.store import fetch
from shared.work.boards.lanes import COLUMNS, lane_id_of
from shared.work.boards.reading import get_board
from shared.work.items import archiving, columns, deleting, finding, hours, links, moving, updating
from shared.work.items.columns import list_column_cards, list_columns_with_cards
from shared.work.items.creating import NewItem, create_item
from shared.work.items.rows import Item
from shared.work.projects.creating import NewProject, create_project
from shared.work.projects.updating import archive_project
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.areas.running import connected
from tests.areas.test_runs import card_in, started
from tests.examples import examples
from tests.filed_cards import check_board
from tests.kills import concurrently, crash_at_every_write

STATUSES, TYPES = ("draft", "ready", "in_progress", "blocked", "done", "unblocked"), ("task", "bug", "doc", "epic")
LONG = "\u8acb#\u6c42:, \u00c5\u0130\u1e9e" * 10
TAGS = (
    [],
    [{"key": "a#b", "value": "c:d"}, {"key": "a#b", "value": "c:d"}, {"key": "a", "value": ""}],
    [{"key": LONG[:50], "value": LONG}, {"key": LONG[:50], "value": LONG[:99]}],
    [{"key": f"k{number}", "value": "v"} for number in range(20)],
    [{"key": f"n{number}", "value": "v"} for number in range(50)],
)
STEPS = st.tuples(
    st.integers(0, 3),
    st.sampled_from(
        [
            *("create", "move", "column", "archive", "restore", "delete", "links"),
            *("status", "type", "tags", "assignee_id", "title", "description", "labels"),
        ]
    ),
    st.integers(0, 10),
)


@pytest.fixture(scope="module")
def shared_world(shared_tables) -> World:
    world = create_world("filed@example.com")
    put_on_plan(world.ws_id, maxProjects=100_000)
    return world


@pytest.fixture
def world(aws) -> World:
    return create_world()


class Board:
    def __init__(self, world: World) -> None:
        self.actor = world.actor
        self.id = str(create_project(world.actor, world.ws_id, NewProject("Filed", slug=f"filed-{new_id()}")).board_id)
        self.cards: list[str] = []

    def do(self, number: int, what: str, value: int) -> None:
        """One step; what is refused changes nothing."""
        lane = lane_id_of(self.id, value)
        with suppress(CadreError):
            if what == "create":
                new = NewItem("A card", TYPES[value % 4], lane, assignee_id=self.actor.id if value % 2 else None)
                new.tags.extend(TAGS[value % 5])
                self.cards.append(create_item(self.actor, self.id, new, force=True).id)
            elif number < len(self.cards):
                self.change(self.cards[number], lane, what, value)

    def change(self, card: str, lane: str, what: str, value: int) -> None:
        if what == "move":
            moving.move_item(self.actor, card, lane, float(value), force=True)
        elif what == "column":
            moving.move_to_column(self.actor, card, COLUMNS[value % 7].id, force=True)
        elif what == "archive":
            archiving._archive_item(card, clock.in_seconds(60))
        elif what == "restore":
            archiving.restore_item(self.actor, card)
        elif what == "delete" and value > 5:
            deleting.delete_item(self.actor, card)
        elif what == "links":
            links.add_link(self.actor, card, f"https://example.com/{value}")
            hours.log_hours(self.actor, card, value + 1)
        else:
            somebody = self.actor.id if value % 2 else None
            values = {"status": STATUSES[value % 6], "type": TYPES[value % 4], "tags": TAGS[value % 5], "assignee_id": somebody}
            values |= {"title": f"Card {value}", "description": LONG * value or None, "labels": [f"label {value}"]}
            updating.update_item(self.actor, card, {what: values[what]} if what in values else {})


@settings(max_examples=examples(15), deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=8, max_size=20))
def test_a_board_knows_of_its_cards_what_their_rows_say(shared_world, steps):
    board = Board(shared_world)
    for number in range(2):
        board.do(0, "create", number)
    for step in steps:
        board.do(*step)
    assert len(check_board(board.id)) == len(board.cards)
    check_columns(board)


def check_columns(board: Board) -> None:
    """Assert that the columns of a large board show what those of a small one do: their first cards, and all of them page by page."""
    snapshot = get_board(board.actor, board.id)
    whole = list_columns_with_cards(snapshot)
    with patch.multiple(columns, WHOLE_BOARD=0, FIRST_CARDS=2), patch.multiple(finding, SMALL_BOARD=1, _UNITS_OF_ROW=0):
        large = list_columns_with_cards(snapshot)
        for one, first in zip(whole, large, strict=True):
            assert one.count == first.count == len(one.cards)
            assert [card.id for card in first.cards] == [card.id for card in one.cards][:2]
            pages = [list_column_cards(snapshot, one.column, offset, 2) for offset in range(0, one.count + 1, 2)]
            shown = [card for page in pages for card in page]
            assert [(card.id, card.f) for card in shown] == [(card.id, card.f) for card in one.cards]


def test_a_board_counts_a_card_by_its_status_while_an_agent_works_and_afterwards(world, monkeypatch):
    """A run puts a draft in progress and leaves it ready: both are other tallies, without which lists by status are wrong."""
    machine = connected(monkeypatch)
    card = card_in(world, 1, "doc")
    seen = []
    run = started(world, card, "prd")

    def look() -> None:
        check_board(world.board.id)
        seen.append(fetch(Item, card.id).status)

    with concurrently(look, number=4):
        machine.play(run)
    look()
    assert seen == ["in_progress", "ready"]


@pytest.mark.parametrize("ended", ["failed", "cancelled"])
def test_a_run_that_ends_early_gives_its_card_the_old_status_and_count(world, monkeypatch, ended):
    connected(monkeypatch)
    card = card_in(world, 1, "doc")
    run = work_on(fetch(Run, started(world, card, "prd")))
    check_board(world.board.id)
    archive_project(world.actor, world.project.id)  # which ends the work of agents
    end_run(run, ended, SYSTEM, with_error("X", "y"))
    check_board(world.board.id)
    assert fetch(Item, card.id).status == "draft"


def test_whoever_dies_at_the_start_or_the_end_of_a_run_leaves_the_card_counted_as_it_is(world, monkeypatch):
    connected(monkeypatch)
    for process in crash_at_every_write():
        card = card_in(world, 1, "doc")
        run = fetch(Run, started(world, card, "prd"))
        with process:
            end_run(work_on(run), "cancelled", SYSTEM, with_error("X", "y"))
        check_board(world.board.id)
        end_run(fetch(Run, run.id), "cancelled", SYSTEM, with_error("X", "y"))  # its concurrent runs are limited
        check_board(world.board.id)
        deleting.delete_item(world.actor, card.id)


@pytest.mark.parametrize("meanwhile", ["text", "move", "delete"])
def test_a_text_that_changes_while_somebody_else_works_on_the_card_is_searched_as_it_is(world, meanwhile):
    card = card_in(world, 1, "doc")
    others = {
        "text": lambda: updating.update_item(world.actor, card.id, {"title": "Other", "labels": ["x"]}),
        "move": lambda: moving.move_item(world.actor, card.id, lane_id_of(world.board.id, 2)),
        "delete": lambda: deleting.delete_item(world.actor, card.id),
    }
    with suppress(CadreError), concurrently(others[meanwhile]):
        updating.update_item(world.actor, card.id, {"description": "By invoice"})
    (after,) = check_board(world.board.id)
    assert (after.description == "By invoice") == (meanwhile != "delete")


def test_whoever_dies_leaves_a_card_that_is_searched_as_it_is(world):
    for process in crash_at_every_write():
        with process:
            card = create_item(world.actor, world.board.id, NewItem("Pay", "task", lane_id_of(world.board.id, 0)))
            updating.update_item(world.actor, card.id, {"description": "By invoice"})
            deleting.delete_item(world.actor, card.id)
        check_board(world.board.id)


def test_a_card_that_is_moved_while_its_run_starts_is_counted_where_it_is(world, monkeypatch):
    connected(monkeypatch)
    card = card_in(world, 1, "doc")
    run = fetch(Run, started(world, card, "prd"))
    with concurrently(lambda: updating.update_item(world.actor, card.id, {"type": "task", "status": "ready"})):
        work_on(run)
    (after,) = check_board(world.board.id)
    assert (after.status, after.type) == ("in_progress", "task")


def work_on(run: Run) -> Run:
    """The run as it has begun to work on its card."""
    run_step("claim", Step(run.id, "execution-1"))
    return ensure_running(run.id, "execution-1")


AT_ONCE = ("move", "archive", "restore", "delete", "status", "title", "tags", "assignee_id")


@pytest.mark.parametrize("what", AT_ONCE)
def test_of_two_changes_at_once_the_board_knows_what_became_of_the_card(shared_world, what):
    board = Board(shared_world)
    for number, other in enumerate(AT_ONCE):
        board.do(0, "create", 3)
        board.do(number, "status", 4)  # done: only such a card is archived
        if "restore" in (what, other):
            board.do(number, "archive", 0)
        with concurrently(lambda number=number, other=other: board.do(number, other, 7)):
            board.do(number, what, 8)
    assert len(check_board(board.id)) == len(AT_ONCE)
