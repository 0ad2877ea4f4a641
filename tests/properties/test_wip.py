"""Where the cards are, under races: a limit is never passed, and the counts are always the number of cards."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core.actor import Actor
from shared.core.errors import Conflict, LimitExceeded, NotFound, TransitionRefused
from shared.core.ids import new_id
from shared.people.access import records
from shared.people.tenancy.rows import Workspace
from shared.store import fetch, fetch_all, get, query, save, write
from shared.work.boards.counting import card_location, lane_tally, priority_tally, type_tally
from shared.work.boards.lanes import COLUMNS, lane_id_of, lane_key
from shared.work.boards.rows import Counts, Lane
from shared.work.items.creating import NewItem, create_item
from shared.work.items.deleting import delete_item
from shared.work.items.moving import move_item, move_to_column, move_to_next_column
from shared.work.items.postings import Posting, partition_of, words_of
from shared.work.items.rows import Item
from shared.work.items.updating import block_item, unblock_item, update_item
from shared.work.projects.creating import NewProject, create_project
from shared.work.projects.rows import Project
from shared.work.projects.updating import archive_project, restore_project
from tests.areas.driving import sign_up
from tests.examples import examples
from tests.filed_cards import sum_of_stays

REFUSALS = (TransitionRefused, Conflict, NotFound)


@dataclass
class Play:
    """A board of its own, and every card that was ever made on it."""

    actor: Actor
    project: Project
    cards: list[str] = field(default_factory=list)

    @property
    def board_id(self) -> str:
        return str(self.project.board_id)

    def lane(self, number: int) -> str:
        return lane_id_of(self.board_id, number)

    def create(self, lane: int, status: str = "draft") -> str:
        item = create_item(self.actor, self.board_id, NewItem("A card", "task", lane_id=self.lane(lane), status=status))
        self.cards.append(item.id)
        return item.id

    def limit(self, lane: int, limit: int | None) -> None:
        row = fetch(Lane, self.lane(lane))
        row.wip_limit = limit
        write(save(row))

    def counts(self) -> Counts:
        return get(Counts, *Counts.key(self.board_id))

    def check(self) -> None:
        """The counts are what the cards say, key by key."""
        items = fetch_all(Item, self.cards)
        living = [item for item in items if item.deleted_at is None]
        places = [card_location(item) for item in living]
        counts = self.counts()
        lanes, columns = Counter(place.lane_id for place in places), Counter(place.column_id for place in places)
        assert dict(counts.lanes) == {f"{number:02d}": lanes[self.lane(number)] for number in range(11)}
        assert dict(counts.columns) == {column.id: columns[column.id] for column in COLUMNS}
        assert counts.next == len(self.cards)
        assert dict(counts.stays) == sum_of_stays(items)
        listed = query(Item, f"BOARD#{self.board_id}#ITEM", index=1).rows
        assert {row.gsi1sk.split("#")[0] for row in listed} == {lane_key(self.board_id, lane_id) for lane_id in lanes}
        assert len(listed) == len(living)
        tallied = Counter(lane_tally(self.board_id, place.lane_id, place.status) for place in places)
        tallied += Counter(type_tally(place.status, place.type) for place in places)
        tallied += Counter(priority_tally(place.priority) for place in places)
        assert {name: number for name, number in counts.tallies.items() if number} == tallied
        postings = {(item.id, word) for item in living for word in words_of(item)}
        assert {tuple(row.sk.rsplit("#", 1)[::-1]) for row in query(Posting, partition_of(self.board_id)).rows} == postings


@pytest.fixture(scope="module")
def actor(shared_tables) -> Actor:
    """Somebody whose workspace and organization hold as many projects as the tests make."""
    client = sign_up("Ada", f"{new_id()}@example.com")
    held = records.find_access(client.user["id"])
    workspace = fetch(Workspace, next(iter(dict(held.workspaces))))
    workspace.plan, workspace.settings = "enterprise", workspace.settings | {"maxProjects": 100_000}
    write(save(workspace))
    return records.build_actor(client.user["id"], held, next(iter(dict(held.sessions))))


def begin(actor: Actor) -> Play:
    ws_id = next(iter(actor.workspaces))
    return Play(actor, create_project(actor, ws_id, NewProject("Race", slug=f"race-{new_id()}")))


def race(calls, threads: int = 24) -> list[bool]:
    """All at once; whether each one got through."""

    def attempt(call) -> bool:
        try:
            call()
        except REFUSALS:
            return False
        return True

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(attempt, calls))


def test_racing_forced_moves_tell_the_true_number(actor):
    play = begin(actor)
    cards = [play.create(0) for _ in range(10)]
    landed = race([lambda card=card: move_to_column(actor, card, "deploying", force=True) for card in cards])
    assert all(landed)
    event = fetch(Lane, play.lane(8)).event
    assert (event["type"], event["data"]["current_count"]) == ("lane.wip_exceeded", 10)
    play.check()


@pytest.mark.thorough
def test_of_a_hundred_racing_moves_as_many_land_as_there_is_room(actor):
    play = begin(actor)
    cards = [play.create(0) for _ in range(100)]
    play.limit(2, 5)
    landed = race([lambda card=card: move_item(actor, card, play.lane(2)) for card in cards], threads=100)
    assert sum(landed) == 5
    assert play.counts().cards_in(play.lane(2)) == 5
    assert [fetch(Item, card).lane_id == play.lane(2) for card in cards] == landed
    play.check()


def test_a_column_fills_to_its_limit_from_two_lanes_and_not_further(actor):
    play = begin(actor)
    cards = [play.create(0) for _ in range(40)]
    for lane in (8, 9):
        play.limit(lane, None)
    landed = race(
        [
            lambda card=card, lane=lane: move_item(actor, card, play.lane(lane), enforce_column_limit=True)
            for card, lane in zip(cards, [8, 9] * 20, strict=True)
        ]
    )
    assert sum(landed) == play.counts().columns["deploying"] == 3
    play.check()


def test_racing_creations_fill_a_lane_and_take_their_own_numbers(actor):
    play = begin(actor)
    landed = race([lambda: play.create(10)] * 30)
    assert sum(landed) == 2
    play.check()


def test_one_card_moved_by_many_is_in_one_place(actor):
    play = begin(actor)
    card = play.create(5)
    race([lambda lane=lane: move_item(actor, card, play.lane(lane)) for lane in [4, 5, 6, 7, 8] * 6])
    assert play.counts().cards == 1
    play.check()


def test_forced_moves_that_race_are_all_counted(actor):
    play = begin(actor)
    cards = [play.create(0) for _ in range(8)]
    assert all(race([lambda card=card: move_to_column(actor, card, "deploying", force=True) for card in cards], threads=8))
    assert play.counts().columns["deploying"] == 8
    event = fetch(Lane, play.lane(8)).event
    assert event["type"] == "lane.wip_exceeded"
    play.check()


def test_projects_that_race_for_the_last_room_do_not_share_it(shared_tables):
    client = sign_up("Eve", f"{new_id()}@example.com")
    held = records.find_access(client.user["id"])
    eve = records.build_actor(client.user["id"], held, next(iter(dict(held.sessions))))
    ws_id = next(iter(eve.workspaces))

    def make() -> bool:
        with suppress(LimitExceeded):
            create_project(eve, ws_id, NewProject("P", slug=f"p-{new_id()}"))
            return True
        return False

    with ThreadPoolExecutor(12) as pool:
        made = sum(pool.map(lambda _: make(), range(12)))
    assert made == 3
    assert fetch(Workspace, ws_id).project_count == 3


LANES = st.integers(0, 10)
CARD = st.integers(0, 3)  # few, so that much happens to each
STEPS = st.one_of(
    st.tuples(st.just("create"), LANES),
    st.tuples(st.just("move"), CARD, LANES),
    st.tuples(st.just("column"), CARD, st.sampled_from([column.id for column in COLUMNS]), st.booleans()),
    st.tuples(st.just("move_on"), CARD),
    st.tuples(st.just("block"), CARD),
    st.tuples(st.just("unblock"), CARD),
    st.tuples(st.just("status"), CARD, st.sampled_from(["draft", "ready", "in_progress", "done"])),
    st.tuples(st.just("delete"), CARD),
    st.tuples(st.just("archive")),
    st.tuples(st.just("restore")),
)


def take(play: Play, step: tuple) -> None:
    """One step of a story; what is refused changes nothing."""
    name, *given = step
    actor = play.actor
    if name in {"archive", "restore"}:
        (archive_project if name == "archive" else restore_project)(actor, play.project.id)
        return
    if name == "create":
        play.create(given[0])
        return
    if not play.cards:
        return
    card = play.cards[-1 - given[0] % len(play.cards)]
    match name:
        case "move":
            move_item(actor, card, play.lane(given[1]))
        case "column":
            move_to_column(actor, card, given[1], force=given[2])
        case "move_on":
            move_to_next_column(actor, card)
        case "block":
            block_item(actor, card, "Waiting")
        case "unblock":
            unblock_item(actor, card)
        case "status":
            update_item(actor, card, {"status": given[1]})
        case "delete":
            delete_item(actor, card)


@settings(
    max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(STEPS, min_size=10, max_size=25))
def test_the_counts_are_the_cards_after_every_step(actor, story):
    play = begin(actor)
    for lane in (0, 5, 7):
        play.create(lane)
    for step in story:
        with suppress(*REFUSALS):
            take(play, step)
        play.check()


@settings(
    max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(STEPS, min_size=12, max_size=60))
@pytest.mark.thorough
def test_the_counts_are_the_cards_after_stories_that_race(actor, story):
    play = begin(actor)
    for lane in (0, 0, 1, 5, 7):
        play.create(lane)
    race([lambda step=step: take(play, step) for step in story], threads=6)
    play.check()
