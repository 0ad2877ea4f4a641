"""Lists of a large board read what they show, and what they are found by stays with the card."""

from contextlib import suppress

import pytest

from bench.trips import FILTERED, costing, size_of
from shared.core import clock
from shared.store import amount, fetch, put, query, save, update, write
from shared.store.client import the_client
from shared.work.boards.counting import lane_tally, priority_tally, type_tally
from shared.work.boards.lanes import COLUMNS, PHASE_LETTERS, lane_key
from shared.work.boards.rows import PRIORITY_LETTERS, STATUS_LETTERS, TYPE_LETTERS, Counts
from shared.work.items import finding
from shared.work.items.archiving import archive_finished, restore_item
from shared.work.items.creating import NewItem, create_item
from shared.work.items.deleting import delete_item
from shared.work.items.moving import move_item
from shared.work.items.postings import Posting, partition_of
from shared.work.items.rows import Item
from shared.work.items.searching import Words, words_partition
from shared.work.items.updating import update_item
from tests.areas.boards_world import World
from tests.areas.many_cards import add_cards, like
from tests.kills import Killed, crash_at_every_write


def listed(world: World, query: str = "") -> dict:
    answer = world.ada("cards", "GET", f"/boards/{world.board.id}/cards?{query}")
    assert answer.status == 200, answer.text
    return answer.json


def units(world: World, query: str) -> float:
    with costing() as cost:
        listed(world, query)
    return cost.reads


def postings(world: World) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in query(Posting, partition_of(world.board.id)).rows:
        word, _, card = row.sk.rpartition("#")
        found.setdefault(card, set()).add(word)
    return found


@pytest.fixture
def writes():
    """The operations of each transaction, in order."""
    seen: list[list[str]] = []

    def note(params: dict, **_) -> None:
        seen.append([next(iter(one)) + " " + next(iter(one.values()))["TableName"] for one in params["TransactItems"]])

    events = the_client().meta.events
    events.register("provide-client-params.dynamodb.TransactWriteItems", note)
    yield seen
    events.unregister("provide-client-params.dynamodb.TransactWriteItems", note)


def test_a_page_costs_no_more_on_a_larger_board(world):
    """The first page of a thousand cards cost 189 read units, more than that of ten thousand."""
    template = world.card(6, "A card with a title of usual length")
    backlog, done, costs = world.lanes[0], world.lanes[10], []
    for number in (60, 300, 1_000):
        for lane, status in ((backlog, "draft"), (done, "done")):
            own = {"lane_id": lane.id, "phase_id": lane.phase_id, "status": status}
            add_cards(world, like(template, **own), range(number))
        bugs = like(template, lane_id=backlog.id, phase_id=backlog.phase_id, status="ready", type="bug")
        add_cards(world, bugs, range(3))
        costs.append(
            [units(world, query) for query in ("", f"laneId={done.id}", "status=done", "status=ready&type=bug", "type=task")]
        )
    for of_query in zip(*costs, strict=True):
        assert max(of_query) <= min(of_query) + 25, costs  # a filter finds a few bugs more on the larger ones
    assert max(costs[-1]) < 100, costs


def test_a_move_writes_its_card_and_the_counts_and_no_posting(world, writes):
    card = world.card(0, tags=[{"key": "team", "value": "web"}], assignee_id=world.actor.id)
    assert postings(world)[card.id] == {"type#task", f"assignee#{world.actor.id}", "tag#team:web"}
    before = postings(world)
    writes.clear()
    move_item(world.actor, card.id, world.lanes[5].id)
    assert writes == [["Put core", "Update core"]]
    assert postings(world) == before


def test_postings_follow_their_card(world):
    card = world.card(0, tags=[{"key": "Team", "value": "Web"}])
    update_item(world.actor, card.id, {"type": "bug", "assignee_id": world.actor.id, "tags": [], "status": "blocked"})
    assert postings(world) == {card.id: {"type#bug", f"assignee#{world.actor.id}", "blocked"}}
    update_item(world.actor, card.id, {"assignee_id": None, "status": "unblocked"})
    assert postings(world) == {card.id: {"type#bug"}}
    delete_item(world.actor, card.id)
    assert postings(world) == {}


def test_an_archived_card_is_found_by_nothing_until_it_is_restored(world):
    card = world.card(0)
    update_item(world.actor, card.id, {"status": "done"})
    archived = fetch(Item, card.id)
    world.ada("boards", "PUT", f"/boards/{world.board.id}", body={"settings": {"autoArchiveCompleted": True}})
    archived.completed_at = "2020-01-01T00:00:00.000Z"
    write(save(archived))
    assert archive_finished(clock.epoch() + 1e9) == 1
    assert (postings(world), world.counts().is_tallied, listed(world, "type=task")["total"]) == ({}, True, 0)
    restore_item(world.actor, card.id)
    assert (postings(world), world.counts().is_tallied) == ({card.id: {"type#task"}}, True)


def test_all_tags_of_a_card_may_be_replaced(world, monkeypatch):
    """All old and new postings would be a hundred operations, as many as a transaction has."""
    monkeypatch.setattr(finding, "SMALL_BOARD", 1)
    card, other = world.card(0, tags=[{"key": f"k{number}", "value": "v"} for number in range(50)]), world.card(0)
    update_item(world.actor, card.id, {"tags": [{"key": f"n{number}", "value": "v"} for number in range(50)]})
    assert [one["id"] for one in listed(world, "tags=n49:v")["cards"]] == [card.id]
    assert listed(world, "tags=k49")["total"] == 0
    update_item(world.actor, card.id, {"tags": [{"key": f"m{number}", "value": "v"} for number in range(20)]})
    assert [one["id"] for one in listed(world, "tags=m19")["cards"]] == [card.id]
    assert other.id in {one["id"] for one in listed(world)["cards"]}


def test_whoever_dies_leaves_a_card_with_its_postings_and_tallies(world):
    for process in crash_at_every_write():
        with suppress(Killed), process:
            card = create_item(world.actor, world.board.id, NewItem("T", "task", world.lanes[0].id))
            update_item(world.actor, card.id, {"type": "bug", "status": "ready"})
        cards = listed(world)["cards"]
        assert postings(world) == {card["id"]: {f"type#{card['type']}"} for card in cards}, process.names
        assert world.counts().is_tallied, process.names


def test_a_board_whose_tallies_do_not_know_all_cards_is_listed_by_its_whole_index(world, monkeypatch):
    monkeypatch.setattr(finding, "SMALL_BOARD", 1)
    cards = [world.card(lane, f"Card {lane}") for lane in (10, 6, 0)]
    write(update(Counts.of(world.board.id), [amount(lane_tally(world.board.id, world.lanes[0].id, "draft")).add(-1)]))
    the_client().delete_item(
        TableName="core", Key={"PK": {"S": partition_of(world.board.id)}, "SK": {"S": f"type#task#{cards[0].id}"}}
    )
    for asked, found in (("type=task", ["Card 0", "Card 6", "Card 10"]), ("status=draft&limit=2", ["Card 0", "Card 6"])):
        assert [card["title"] for card in listed(world, asked)["cards"]] == found, asked


def test_lanes_in_another_order_are_listed_in_it(world, monkeypatch):
    monkeypatch.setattr(finding, "SMALL_BOARD", 1)
    for lane in (0, 5, 6):
        world.card(lane, f"Card {lane}")
    world.board.lane_ids = world.board.lane_ids[::-1]
    write(put(world.board))
    titles = [listed(world, f"limit=1&offset={offset}")["cards"][0]["title"] for offset in range(3)]
    assert titles == ["Card 6", "Card 5", "Card 0"]
    assert [card["title"] for card in listed(world, "type=task&limit=2")["cards"]] == ["Card 6", "Card 5"]


def test_children_are_shown_on_a_board_of_any_size(world, monkeypatch):
    monkeypatch.setattr(finding, "SMALL_BOARD", 1)
    parent = world.card(0, "Parent")
    children = [world.card(lane, f"Child {lane}", parent_id=parent.id) for lane in (6, 5)]
    listed(world)  # the window of the rate limit has begun
    with costing() as cost:
        page = listed(world, "includeChildren=true&limit=1")
    assert [child["title"] for child in page["cards"][0]["children"]] == ["Child 6", "Child 5"]
    assert (page["total"], page["cards"][0]["children"][0]["id"]) == (3, children[0].id)
    assert cost.names == ["BatchGetItem", "BatchGetItem"]  # the index and the children are read beside them


def test_the_counts_stay_below_a_kilobyte(world):
    """Every move pays for the counts: here each lane has had cards of each status, there is every type with every status, and 10,000
    stays of a day each have ended in each phase."""
    board_id, row = world.board.id, Counts.of(world.board.id)
    names = {lane_tally(board_id, lane.id, status) for lane in world.lanes for status in STATUS_LETTERS}
    names |= {type_tally(status, type_) for status in STATUS_LETTERS for type_ in TYPE_LETTERS}
    names |= {priority_tally(priority) for priority in PRIORITY_LETTERS}
    places = [Counts.lanes[lane_key(board_id, lane.id)] for lane in world.lanes] + [Counts.columns[one.id] for one in COLUMNS]
    write(update(row, [*(place.set(1_000) for place in places), *(amount(name).add(1_000) for name in names)]))
    sums = [(amount(f"s_{one}").add(864_000_000), amount(f"n_{one}").add(10_000)) for one in PHASE_LETTERS.values()]
    write(update(row, [change for pair in sums for change in pair]))
    pk, sk = Counts.key(board_id)
    raw = the_client().get_item(TableName="core", Key={"PK": {"S": pk}, "SK": {"S": sk}})["Item"]
    counts = world.counts()
    assert (len(raw), set(counts.stays), counts.tallies.keys()) == (6 + 55 + 30 + 4 + 14, set(PHASE_LETTERS), names)
    assert size_of(raw) < 1_024


def test_a_type_is_paged_through_lanes_that_hold_it_unevenly(world, monkeypatch):
    """How many of a lane's cards are of a type is only expected: no lane is passed over for it."""
    monkeypatch.setattr(finding, "SMALL_BOARD", 2)
    monkeypatch.setattr(finding, "_UNITS_OF_ROW", 1_000)
    titles = [world.card(0, f"Task {number}").title for number in range(6)]
    bugs = [world.card(4, f"Bug {number}").id for number in range(5)]
    for bug in bugs:
        update_item(world.actor, bug, {"type": "bug"})
    titles += [world.card(10, f"Task {number}").title for number in (6, 7)]
    for query_of, expected in (("type=task", titles), ("type=task&status=draft", titles)):
        found = [
            card["title"] for offset in range(0, 8, 2) for card in listed(world, f"{query_of}&limit=2&offset={offset}")["cards"]
        ]
        assert found == expected, query_of


@pytest.mark.parametrize("query", ["status=b", "status=d", "type=t", "status=draft&type=t", "status=d&type=task", "type=?"])
def test_a_filter_by_what_no_card_can_be_finds_none(world, monkeypatch, query):
    """The tallies have letters for statuses and types; a filter that names such a letter must not be taken for what it stands for."""
    monkeypatch.setattr(finding, "SMALL_BOARD", 1)
    blocked, _ = world.card(0), world.card(0)
    update_item(world.actor, blocked.id, {"status": "blocked"})
    assert (listed(world, query)["total"], listed(world, query)["cards"]) == (0, [])


def words(world: World) -> dict[str, str]:
    return {row.item_id: row.text for row in query(Words, words_partition(world.board.id)).rows}


def test_words_follow_their_card_and_a_move_writes_none(world, writes):
    card = create_item(
        world.actor, world.board.id, NewItem("Pay", "task", world.lanes[0].id, description="By INVOICE", labels=["A"])
    )
    assert words(world) == {card.id: "pay\nby invoice\na"}
    writes.clear()
    move_item(world.actor, card.id, world.lanes[5].id)
    assert writes == [["Put core", "Update core"]]
    update_item(world.actor, card.id, {"priority": "high"})
    update_item(world.actor, card.id, {"description": "x" * 300, "tags": [{"key": "Team", "value": "Web"}]})
    assert words(world) == {card.id: f"pay\n{'x' * 200}\na\nteam:web"}
    delete_item(world.actor, card.id)
    assert words(world) == {}


def test_a_search_of_a_large_board_reads_its_words_and_not_its_index(world):
    """A search of 10,000 cards read 782 units, their whole index."""
    template = world.card(6, "A card with a title of usual length", description="Words that say what is to be done. " * 10)
    backlog, done = world.lanes[0], world.lanes[10]
    for lane, status, number in ((backlog, "draft", 200), (done, "done", 300)):
        own = {"lane_id": lane.id, "phase_id": lane.phase_id, "status": status}
        add_cards(world, like(template, **own), range(number))
    rare = like(template, lane_id=done.id, phase_id=done.phase_id, status="done", title="Pay by invoice")
    add_cards(world, rare, range(3))
    weight = sum(size_of(raw) for raw in raw_words(world)) / 4096 / 2
    most, few = units(world, "search=usual"), units(world, "search=invoice")
    assert most < weight + 50 + 20  # the page, and the index rows up to its end
    assert few < weight + 15
    assert listed(world, "search=invoice")["total"] == 3
    assert listed(world, "search=usual&offset=190&limit=20")["total"] == 501
    with costing() as cost:
        listed(world, "search=usual")
    assert cost.names == ["BatchGetItem", "BatchGetItem"]  # words and index rows are read beside them


def raw_words(world: World) -> list[dict]:
    asked = {"KeyConditionExpression": "PK = :pk", "ExpressionAttributeValues": {":pk": {"S": words_partition(world.board.id)}}}
    return the_client().query(TableName="core", **asked)["Items"]


def test_a_search_with_another_filter_reads_the_words_of_the_candidates(world, monkeypatch):
    monkeypatch.setattr(finding, "SMALL_BOARD", 1)
    template = world.card(0, "A card with a title of usual length", description="Words that say what is to be done. " * 10)
    add_cards(world, like(template), range(300))
    bugs = [
        create_item(world.actor, world.board.id, NewItem(title, "bug", world.lanes[5].id)) for title in ("Pay", "Paid", "Pay")
    ]
    with costing() as cost:
        page = listed(world, "type=bug&search=pay")
    assert [card["id"] for card in page["cards"]] == [bugs[0].id, bugs[2].id]
    assert cost.reads < 15
    assert "Query" not in cost.names


def test_a_search_is_paged_through_lanes_that_hold_it_unevenly(world, monkeypatch):
    """How many cards of a lane a search finds is only expected: no lane is passed over for it."""
    monkeypatch.setattr(finding, "SMALL_BOARD", 2)
    monkeypatch.setattr(finding, "_UNITS_OF_ROW", 1_000)
    for number in range(5):
        world.card(0, f"Other {number}")
    titles = [world.card(lane, f"Pay {number}").title for lane, number in ((0, 0), (4, 1), (4, 2), (4, 3), (10, 4), (10, 5))]
    pages = [listed(world, f"search=pay&limit=2&offset={offset}") for offset in range(0, 8, 2)]
    assert [card["title"] for page in pages for card in page["cards"]] == titles
    assert {page["total"] for page in pages} == {6}


@pytest.fixture
def large(world):
    """A board whose lanes are read in parts: most cards are in the first lane, and a few of each kind at its end and in the last lane."""
    template = world.card(6, "A card with a title of usual length")
    backlog, done = world.lanes[0], world.lanes[10]
    own = {"lane_id": backlog.id, "phase_id": backlog.phase_id}
    rare = {"type": "bug", "assignee": world.actor.summary, "tags": [{"key": "team", "value": "rare"}]}
    add_cards(world, like(template, **own), range(600))
    add_cards(world, like(template, **own, **rare), range(600, 640))
    add_cards(world, like(template, **own, status="ready"), range(640, 700))
    add_cards(world, like(template, **own | {"status": "blocked"}), range(700, 730))
    add_cards(world, like(template, lane_id=done.id, phase_id=done.phase_id, status="done", title="Pay"), range(730, 760))
    listed(world)  # the window of the rate limit has begun
    return world


FILTERS = {
    "status=done": 30,
    "status=draft": 641,
    "status=blocked": 30,
    "type=bug": 40,
    "type=task&status=done": 30,
    "type=bug&laneId={backlog}": 40,
    "type=task&laneId={backlog}": 690,
    "assigneeId={me}": 40,
    "tags=team:rare": 40,
    "tags=team:rare&search=usual": 40,
    "search=pay": 30,
    "search=usual": 731,
    "includeChildren=true": 761,
    "status=done&includeChildren=true": 30,
}
"""Filters of the large board, and how many of its cards match."""


def test_a_page_of_a_filter_is_three_trips(large, monkeypatch):
    """What waits for another read is a trip, in whichever thread it is: a page of candidates was counted as two."""
    monkeypatch.setattr(finding, "_PART", 100)
    for asked, total in FILTERS.items():
        with costing() as cost:
            page = listed(large, asked.format(backlog=large.lanes[0].id, me=large.actor.id))
        assert (page["total"], len(page["cards"])) == (total, min(total, 50)), asked
        assert cost.trips <= FILTERED, (asked, cost)


def test_matches_at_the_end_of_a_lane_cost_one_trip_more(large, monkeypatch):
    """They were looked for page by page: nine trips here, and more on a larger board."""
    monkeypatch.setattr(finding, "_UNITS_OF_ROW", 1_000)  # not by their postings
    monkeypatch.setattr(finding, "_PART", 100)
    for asked, positions in (("status=ready", range(640, 700)), ("type=bug&status=draft", range(600, 640))):
        with costing() as cost:
            page = listed(large, f"{asked}&limit=60")
        assert cost.trips <= FILTERED + 1, (asked, cost)
        assert [card["position"] for card in page["cards"]] == list(positions), asked


def test_the_view_of_a_large_board_is_three_trips(large):
    with costing() as cost:
        answer = large.ada.at("omoios")("boards", "GET", f"/board/view?project_id={large.project.id}")
    assert answer.status == 200
    blocked = next(one for one in answer.json["columns"] if one["id"] == "blocked")
    assert (len(blocked["tickets"]), cost.trips) == (30, FILTERED), cost
    column = f"/board/tickets?project_id={large.project.id}&column_id=blocked"
    with costing() as cost:
        page = large.ada.at("omoios")("boards", "GET", column)
    assert (page.json["total"], cost.trips <= FILTERED) == (30, True), cost
