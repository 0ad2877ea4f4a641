"""A board of ten thousand cards: what a list costs, counted in round trips, and that its totals are exact."""

import pytest

from shared.core.ids import new_id
from shared.store import fetch, put_many, update, write
from shared.work.boards.rows import Counts
from shared.work.items.rows import Item
from tests.areas.boards_world import World, create_world
from tests.trips import count_requests

BUILD, QA = 6, 7
EACH = 5_000
MOST_QUERIES = 16
"""Of a megabyte each, as moto counts: the whole row. DynamoDB counts what the index holds, and needs half of them (see below)."""


@pytest.fixture
def world(shared_tables) -> World:
    """Five thousand cards in each of two lanes, every hundredth a bug of the team `rare`."""
    world = create_world("many@example.com")
    template = world.card(BUILD, "A card with a title of usual length")
    own = {
        "pk",
        "sk",
        "kind",
        "id",
        "created_at",
        "updated_at",
        "event",
        "event_id",
        "position",
        "tags",
        "lane_id",
        "phase_id",
        "type",
    }
    common = {name: value for name, value in template.attribute_values.items() if name not in own}
    rows = []
    for number in (BUILD, QA):
        lane = world.lanes[number]
        for place in range(EACH - (number == BUILD)):
            rare = place % 100 == 0
            rows.append(
                Item.new(
                    new_id(),
                    **common,
                    lane_id=lane.id,
                    phase_id=lane.phase_id,
                    position=place + 2,
                    type="bug" if rare else "task",
                    tags=[{"key": "team", "value": "rare" if rare else "core"}],
                )
            )
    put_many(rows)
    held = {world.lanes[number].id: EACH for number in (BUILD, QA)}
    write(update(Counts.of(world.board.id), [Counts.lanes[lane].set(count) for lane, count in held.items()]))
    world.ada("cards", "GET", f"/boards/{world.board.id}/cards?limit=1")  # the window of the rate limit has begun
    return world


@pytest.mark.thorough
def test_ten_thousand_cards_are_listed_filtered_and_counted(world):
    def listed(query: str):
        with count_requests() as seen:
            answer = world.ada("cards", "GET", f"/boards/{world.board.id}/cards?{query}")
        assert answer.status == 200, answer.text
        return answer.json, seen.names

    lane = world.lanes[QA].id
    usual = ["BatchGetItem", "Query", "BatchGetItem"]  # board and counts; the index; the page
    page, names = listed("limit=100")
    assert (page["total"], len(page["cards"]), names) == (2 * EACH, 100, usual)
    assert [card["position"] for card in page["cards"]] == [1, *range(2, 101)]
    page, names = listed(f"limit=50&offset=40&laneId={lane}")
    assert (page["total"], [card["position"] for card in page["cards"]]) == (EACH, [*range(42, 92)])
    assert names == ["BatchGetItem", "BatchGetItem"]  # the index of a lane is read beside the board
    page, names = listed(f"limit=20&offset={EACH - 10}")  # the page stands in two lanes
    assert {card["laneId"] for card in page["cards"]} == {world.lanes[BUILD].id, lane}
    assert (len(page["cards"]), names.count("BatchGetItem")) == (20, 2)
    page, names = listed(f"limit=20&offset={2 * EACH - 5}")
    assert (len(page["cards"]), page["pagination"]["hasMore"]) == (5, False)
    # any filter looks through the index: a query for each megabyte, and nothing else grows
    for query, total in (
        ("type=bug&limit=100", 100),
        ("tags=team:rare&offset=90", 100),
        ("search=usual+length&limit=10", 2 * EACH),
        ("status=done", 0),
    ):
        page, names = listed(query)
        assert page["total"] == page["pagination"]["total"] == total, query
        assert names.count("Query") <= MOST_QUERIES, query
        assert len(names) <= 3 + names.count("Query"), query
    page, names = listed(f"laneId={lane}&type=bug&limit=5")
    assert (page["total"], len(page["cards"])) == (EACH // 100, 5)
    assert names.count("Query") <= MOST_QUERIES // 2
    row = fetch(Item, page["cards"][0]["id"]).serialize()
    held = sum(len(name) + len(row[name]["S"]) for name in ("PK", "SK", "GSI1PK", "GSI1SK", "kind", "f"))
    assert 2 * EACH * held < 8 * 1_048_576
