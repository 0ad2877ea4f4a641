"""Many cards of an exploration at once: in few transactions, each once, whoever dies or asks at the same time."""

import time
from collections import Counter

import pytest

from shared.core.errors import CadreError, Conflict
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.planning.explorations.making import make_cards
from shared.planning.explorations.planning import PlannedCard, PlannedTask
from shared.planning.explorations.rows import Exploration
from shared.store import count_entries, fetch, fetch_all, get
from shared.work.boards.counting import card_location
from shared.work.items.deleting import delete_item
from shared.work.items.dependencies import Dependency, DependencyGraph
from shared.work.items.rows import Item
from shared.work.tasks.dependencies import read_graph
from shared.work.tasks.rows import CardTasks, Task, tasks_of
from tests.areas.boards_world import World
from tests.filed_cards import sum_of_stays
from tests.kills import concurrently, crash_at_every_write
from tests.stored_rows import check_rows
from tests.trips import count_requests


def exploration(world: World) -> Exploration:
    return Exploration.new(world.project.id, ws_id=world.ws_id)


def planned(requirements: int) -> list[PlannedCard]:
    """A card that all others need, and two cards and four tasks for each requirement."""
    setup = PlannedCard(new_id(), "task", "Set up", "First of all", "high", "PHASE_BACKLOG", "")
    cards = [setup]
    for number in range(requirements):
        epic, feature, first = new_id(), new_id(), new_id()
        tests = [PlannedTask(new_id(), f"Test {one}", "Words", "testing", after=first) for one in range(3)]
        tasks = (PlannedTask(first, "Build it", "Words", "implementation"), *tests)
        cards.append(PlannedCard(epic, "epic", f"Requirement {number}", "Words", "medium", "PHASE_BACKLOG", f"R{number}"))
        cards.append(
            PlannedCard(
                feature,
                "feature",
                f"Feature {number}",
                "Words",
                "medium",
                "PHASE_BACKLOG",
                f"R{number}",
                epic,
                setup.id,
                (),
                tasks,
            )
        )
    return cards


def make(world: World, cards: list[PlannedCard], seconds: float = 60.0) -> None:
    make_cards(world.actor, exploration(world), cards, time.monotonic() + seconds)


def check(world: World, cards: list[PlannedCard]) -> None:
    """Everything is there once, in its order, and counted."""
    items = fetch_all(Item, [card.id for card in cards])
    assert [(item.title, item.parent_id) for item in items] == [(card.title, card.parent_id) for card in cards]
    assert sorted(items, key=lambda item: item.position) == items
    counts = world.counts()
    assert dict(counts.columns)["backlog"] == sum(card_location(item).column_id == "backlog" for item in items) == len(cards)
    assert (int(counts.next), dict(counts.stays)) == (len(cards), sum_of_stays(items))
    wanted = [task for card in cards for task in card.tasks]
    tasks = {task.id: task for task in fetch_all(Task, [task.id for task in wanted])}
    assert count_entries(tasks_of(world.ws_id), lambda _: True) == len(tasks) == len(wanted)
    assert all(tasks[one.id].depends_on == ([one.after] if one.after else []) for one in wanted)
    assert all(bool(tasks[one.id].waiting) == bool(one.after) for one in wanted)
    assert sorted(read_graph(world.project.id)[1]) == sorted((one.id, one.after) for one in wanted if one.after)
    of_card = Counter(task.item_id for task in tasks.values())
    made = {card.id: get(CardTasks, f"ITEM#{card.id}", "TASKS") for card in cards}
    assert {key: int(row.made) for key, row in made.items() if row} == dict(of_card)
    graph = get(DependencyGraph, *DependencyGraph.key(world.board.id))
    blocked = [[card.id, card.blocked_by] for card in cards if card.blocked_by]
    assert sorted(graph.edges if graph else []) == sorted(blocked)
    check_rows()


def test_many_cards_are_made_in_few_round_trips(world):
    cards = planned(20)
    with count_requests() as seen:
        make(world, cards)
    check(world, cards)
    assert len(cards) == 41
    assert seen.count <= 15, str(seen)  # which are there; seven transactions, and what each of them reads
    with count_requests() as again:
        make(world, cards)
    assert again.count == 1
    check(world, cards)


def test_whoever_dies_leaves_the_rest_to_the_next(world):
    for process in crash_at_every_write():
        cards = planned(7)
        with process:
            make(world, cards)
        there = len(fetch_all(Item, [card.id for card in cards]))
        assert there < len(cards) or not process.dead or len(process.names) == 3
        make(world, cards)
        assert [item.id for item in fetch_all(Item, [card.id for card in cards])] == [card.id for card in cards]
        tasks = [task.id for card in cards for task in card.tasks]
        assert len(fetch_all(Task, tasks)) == len(tasks)
    check_rows()


@pytest.mark.parametrize("write", [1, 2, 3])
def test_two_requests_at_once_make_each_card_once(world, write):
    cards = planned(7)
    with concurrently(lambda: make(world, cards), write) as process:
        make(world, cards)
    assert process.happened
    check(world, cards)


def test_other_writes_of_the_board_do_not_stop_it(world):
    """A card that is made meanwhile moves the counts, and so it is asked again with what is there then."""
    cards = planned(7)
    with concurrently(lambda: world.card() and None, 2):
        make(world, cards)
    assert len(fetch_all(Item, [card.id for card in cards])) == len(cards)
    check_rows()


def test_who_has_no_more_time_says_how_many_there_are(world):
    cards = planned(7)
    make(world, cards[:4])
    with pytest.raises(CadreError) as late:
        make(world, cards, -1)
    assert (late.value.situation, late.value.details) == (Situation.TIMEOUT, {"made": 4, "of": 15})


def test_what_has_to_come_first_and_was_deleted_blocks_nothing(world):
    cards = planned(2)
    make(world, cards[:1])
    delete_item(world.actor, cards[0].id)
    make(world, cards)
    graph = get(DependencyGraph, *DependencyGraph.key(world.board.id))
    assert graph is None
    assert fetch(Dependency, cards[2].id) is None


def test_nothing_is_made_in_an_archived_project(world):
    world.archive()
    cards = planned(1)
    with pytest.raises(Conflict) as refused:
        make(world, cards)
    assert refused.value.situation is Situation.PROJECT_ARCHIVED
    assert fetch_all(Item, [card.id for card in cards]) == []
