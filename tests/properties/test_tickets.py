"""Tickets under races and kills: no limit is passed, one decision counts, what is made is whole, and the counts are the cards."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core import clock
from shared.core.errors import CadreError, TransitionRefused
from shared.core.ids import new_id
from shared.planning.phases.artifacts import NewArtifact, add_artifact
from shared.planning.phases.moving import progress, send_back, transition
from shared.planning.tickets import approving
from shared.planning.tickets.blocking import CHECKS, block_ticket
from shared.planning.tickets.context import update_context
from shared.planning.tickets.creating import NewTicket, create_ticket
from shared.store import fetch, fetch_all, index_rows
from shared.work.items.moving import move_to_column, move_to_next_column
from shared.work.items.pending import APPROVED, TIMED_OUT
from shared.work.items.rows import Item
from shared.work.items.updating import update_item
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task, tasks_of_card
from shared.work.tasks.updating import TaskChanges, update_task
from tests.areas.boards_world import World, create_world
from tests.examples import examples
from tests.filed_cards import check_board
from tests.kills import concurrently, crash_at_every_write
from tests.stored_rows import check_rows

TESTING, DEPLOYING = 7, "deploying"
ROOM = 3
"""Cards that the column `deploying` takes."""
Do = Callable[[World, str], object]
WAYS: dict[str, Do] = {
    "board": lambda world, card: move_to_column(world.actor, card, DEPLOYING),
    "transition": lambda world, card: transition(world.actor, card, "PHASE_DEPLOYMENT"),
    "status": lambda world, card: transition(world.actor, card, "building-done", force=True),
    "auto": lambda world, card: move_to_next_column(world.actor, card),
    "back": lambda world, card: send_back(world.actor, card, None, "It fails"),
    "block": lambda world, card: block_ticket(world.actor, card, CHECKS),
    "progress": lambda world, card: progress(world.actor, card),
}


@pytest.fixture
def world(aws: None) -> World:
    world = create_world()
    for number in range(11):
        world.set_wip(number, None)
    return world


def tasks(card: str) -> list[Task]:
    return fetch_all(Task, [row.id for row in index_rows(2, tasks_of_card(card))])


def check(world: World) -> None:
    check_board(world.board.id)
    check_rows()


def at_once(calls: list[Callable[[], object]]) -> list[bool]:
    """Whether each got through."""

    def attempt(call: Callable[[], object]) -> bool:
        try:
            call()
        except CadreError:
            return False
        return True

    with ThreadPoolExecutor(12) as threads:
        return list(threads.map(attempt, calls))


def passed_testing(world: World) -> str:
    """A card in testing whose gate holds."""
    card = world.card(TESTING)
    for name in ("test_results", "test_evidence"):
        add_artifact(world.actor, card.id, NewArtifact("PHASE_TESTING", name, path="report.html"))
    return card.id


@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(sorted(WAYS)), st.integers(0, 7)), min_size=8, max_size=16))
def test_whatever_moves_tickets_at_once_no_column_has_more_than_it_takes(world, steps):
    for item in check_board(world.board.id):  # what another example has left there
        if not item.is_blocked and item.phase_id == "PHASE_DEPLOYMENT":
            transition(world.actor, item.id, "done", force=True)
    cards = [passed_testing(world) if number < 6 else world.card(6).id for number in range(8)]
    at_once([lambda way=way, card=cards[number]: WAYS[way](world, card) for way, number in steps])
    assert int(world.counts().columns[DEPLOYING]) <= ROOM
    check(world)


def test_the_last_place_of_a_column_has_one_ticket(world):
    """Eight tickets at once, by each way that leads there."""
    cards = [passed_testing(world) for _ in range(8)]
    ways = ["board", "transition", "status", "progress"] * 2
    landed = at_once([lambda way=way, card=card: WAYS[way](world, card) for way, card in zip(ways, cards, strict=True)])
    assert int(world.counts().columns[DEPLOYING]) == ROOM
    there = [item.id for item in fetch_all(Item, cards) if item.phase_id == "PHASE_DEPLOYMENT"]
    assert len(there) == ROOM
    assert sum(landed) >= ROOM  # progress says in its answer that there is no room
    check(world)


def test_of_two_that_take_a_ticket_on_at_once_one_does(world):
    """It goes one phase on, not two."""
    card = passed_testing(world)
    with concurrently(lambda: progress(world.actor, card) and None):
        slower = progress(world.actor, card)
    assert "moved meanwhile" in slower.reasons[0]
    assert fetch(Item, card).phase_id == "PHASE_DEPLOYMENT"
    check(world)


def test_a_task_that_is_added_meanwhile_holds_the_gate(world):
    card = passed_testing(world)
    item = fetch(Item, card)
    with concurrently(lambda: add_task(world.actor, item, new_id(), NewTask("One more", phase_id="PHASE_TESTING")) and None):
        held = progress(world.actor, card)
    assert "One more" in held.reasons[0]
    assert fetch(Item, card).phase_id == "PHASE_TESTING"
    (added,) = tasks(card)
    update_task(world.actor, added.id, TaskChanges(status="completed"))
    assert progress(world.actor, card).reasons == []
    check(world)


@pytest.mark.parametrize("number", [2, 20])
def test_of_tickets_with_one_text_that_are_made_at_once_there_is_one(world, number):
    """Of twenty agents that find the same at the same moment one makes the ticket; the others are told of it."""
    texts = [NewTicket("Google  login fails" if one % 2 else "google login FAILS", "Since yesterday") for one in range(number)]
    texts += [NewTicket(f"Another matter {new_id()}") for _ in range(number)]
    with ThreadPoolExecutor(12) as threads:
        made = list(threads.map(lambda new: create_ticket(world.actor, world.project.id, new), texts))
    tickets = [one for one in made[:number] if isinstance(one, Item)]
    assert len(tickets) == 1
    others = [one for one in made[:number] if not isinstance(one, Item)]
    assert {one.candidates[0].item.id for one in others} == {tickets[0].id}
    assert all(isinstance(one, Item) for one in made[number:])
    check(world)


def test_a_ticket_that_was_renamed_or_ended_a_moment_ago_is_in_nobodys_way(world):
    first = create_ticket(world.actor, world.project.id, NewTicket("Rotate the keys"))
    update_item(world.actor, first.id, {"title": "Write the guide"})
    second = create_ticket(world.actor, world.project.id, NewTicket("Rotate the keys"))
    transition(world.actor, second.id, "done", force=True)
    third = create_ticket(world.actor, world.project.id, NewTicket("Rotate the keys"))
    assert isinstance(third, Item)
    assert not isinstance(create_ticket(world.actor, world.project.id, NewTicket("Rotate the keys")), Item)
    check(world)


def test_who_dies_while_a_ticket_is_made_leaves_no_text_of_none(world):
    for process in crash_at_every_write():
        title = f"Google login fails {new_id()}"
        with process:
            create_ticket(world.actor, world.project.id, NewTicket(title))
        again = create_ticket(world.actor, world.project.id, NewTicket(title))
        assert isinstance(again, Item) is not bool(process.names)
    check(world)


def wanted(world: World) -> str:
    made = create_ticket(world.actor, world.project.id, NewTicket(f"Wanted {new_id()}", approval_required=True))
    assert isinstance(made, Item)
    return made.id


def late(world: World) -> int:
    return approving.time_out_due(time.monotonic() + 60)


DECISIONS: dict[str, Do] = {
    APPROVED: lambda world, card: approving.approve(world.actor, card),
    approving.REJECTED: lambda world, card: approving.reject(world.actor, card, "No"),
}


@pytest.mark.parametrize("faster", DECISIONS)
@pytest.mark.parametrize("slower", DECISIONS)
def test_of_two_decisions_at_once_one_counts(world, faster, slower):
    card = wanted(world)
    with concurrently(lambda: DECISIONS[faster](world, card) and None), pytest.raises(TransitionRefused):
        DECISIONS[slower](world, card)
    assert fetch(Item, card).approval_status == faster
    assert len(tasks(card)) == (faster == APPROVED)
    check(world)


@pytest.mark.parametrize("word", DECISIONS)
def test_a_decision_and_the_deadline_at_the_same_time(world, word):
    """Who reads before the deadline and writes after it: what is written first counts, and the other one sees it."""
    card = wanted(world)
    until = clock.parse(fetch(Item, card).approval["expires_at"])
    with time_machine.travel(until - timedelta(seconds=1), tick=False) as moment:

        def time_out() -> None:
            moment.move_to(until + timedelta(seconds=1))
            assert late(world) == 1

        with concurrently(time_out), pytest.raises(TransitionRefused):
            DECISIONS[word](world, card)
    assert (fetch(Item, card).approval_status, tasks(card)) == (TIMED_OUT, [])
    other = wanted(world)
    until = clock.parse(fetch(Item, other).approval["expires_at"])
    with time_machine.travel(until + timedelta(seconds=1), tick=False) as moment:

        def decide() -> None:
            moment.move_to(until - timedelta(seconds=1))
            DECISIONS[word](world, other)
            moment.move_to(until + timedelta(seconds=1))

        with concurrently(decide):
            assert late(world) == 0
    assert fetch(Item, other).approval_status == word
    check(world)


def test_two_blocks_at_once_bring_one_remedy(world):
    card = world.card(6)
    with concurrently(lambda: block_ticket(world.actor, card.id, CHECKS, "Red") and None):
        assert block_ticket(world.actor, card.id, CHECKS, "Still red").task is None
    assert ([task.task_type for task in tasks(card.id)], fetch(Item, card.id).blocked_reason) == (
        ["fix_failing_checks"],
        "Still red",
    )
    check(world)


KILLED: dict[str, tuple[Callable[[World], str], Do, Callable[[Item], bool]]] = {
    "approve": (wanted, DECISIONS[APPROVED], lambda card: card.approval_status == APPROVED and len(tasks(card.id)) == 1),
    "reject": (
        wanted,
        DECISIONS[approving.REJECTED],
        lambda card: card.approval_status == approving.REJECTED and not tasks(card.id),
    ),
    "block": (passed_testing, WAYS["block"], lambda card: card.is_blocked and len(tasks(card.id)) == 1),
    "transition": (passed_testing, WAYS["transition"], lambda card: card.phase_id == "PHASE_DEPLOYMENT"),
    "progress": (passed_testing, WAYS["progress"], lambda card: card.phase_id == "PHASE_DEPLOYMENT"),
    "back": (passed_testing, WAYS["back"], lambda card: card.phase_id == "PHASE_IMPLEMENTATION"),
    "auto": (lambda world: world.card(6).id, WAYS["auto"], lambda card: card.phase_id == "PHASE_TESTING"),
    "board": (passed_testing, WAYS["board"], lambda card: card.phase_id == "PHASE_DEPLOYMENT"),
    "context": (
        passed_testing,
        lambda world, card: update_context(world.actor, card, None, {"seen": 1}),
        lambda card: bool(card.context),
    ),
    "done": (
        passed_testing,
        lambda world, card: update_item(world.actor, card, {"status": "done"}),
        lambda card: card.phase_id == "PHASE_DONE",
    ),
}


@pytest.mark.parametrize("name", KILLED)
def test_whoever_dies_at_a_ticket_has_done_it_or_nothing(world, name):
    """And whoever asks again finds it done, or does it."""
    make, act, is_done = KILLED[name]
    for process in crash_at_every_write():
        card = make(world)
        with process:
            act(world, card)
        row = fetch(Item, card)
        assert is_done(row) == bool(process.names), (name, process.names)
        with suppress(TransitionRefused):  # it is done
            act(world, card)
        assert is_done(fetch(Item, card))
        check(world)
        if row.phase_id == "PHASE_DEPLOYMENT" and not row.is_blocked:  # room for the next
            transition(world.actor, card, "done", force=True)


def test_whoever_dies_at_a_new_ticket_leaves_a_whole_one_or_none(world):
    blocker = world.card(1)
    for process in crash_at_every_write():
        before = {item.id for item in check_board(world.board.id)}
        with process:
            create_ticket(
                world.actor, world.project.id, NewTicket(f"New {new_id()}", blocked_by=[blocker.id], check_duplicates=False)
            )
        made = {item.id for item in check_board(world.board.id)} - before
        assert len(made) == bool(process.names)
        assert all(len(tasks(card)) == 1 for card in made)
        check(world)


def test_whoever_dies_while_deadlines_are_written_leaves_the_rest_to_the_next(world):
    for process in crash_at_every_write():
        cards = [wanted(world) for _ in range(3)]
        with time_machine.travel(clock.now() + timedelta(hours=1)):
            with process:
                late(world)
            late(world)
        assert {item.approval_status for item in fetch_all(Item, cards)} == {TIMED_OUT}
        check(world)
