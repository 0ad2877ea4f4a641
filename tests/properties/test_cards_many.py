"""A board of ten thousand cards: what a list costs, in trips and read units, and that its totals are exact."""

import pytest

from bench.trips import costing
from tests.areas.boards_world import World, create_world
from tests.areas.many_cards import add_cards, like

BACKLOG, BUILD, DONE = 0, 6, 10
EACH = 5_000
PAGE = 57
"""Read units of a page of fifty cards, each of two rows, with the access record, the board and its counts."""


@pytest.fixture
def world(shared_tables) -> World:
    """Five thousand cards in the first lane and in the last, every hundredth a bug of the team `rare`."""
    world = create_world("many@example.com")
    template = world.card(BUILD, "A card with a title of usual length")
    rare = {"tags": [{"key": "team", "value": "rare"}], "assignee": world.actor.summary, "type": "bug"}
    for number, status in ((BACKLOG, "draft"), (DONE, "done")):
        lane = world.lanes[number]
        own = {"lane_id": lane.id, "phase_id": lane.phase_id, "status": status}
        add_cards(world, like(template, **own), [place for place in range(EACH) if place % 100])
        add_cards(world, like(template, **own, **rare), range(0, EACH, 100))
    world.ada("cards", "GET", f"/boards/{world.board.id}/cards?limit=1")  # the window of the rate limit has begun
    return world


@pytest.mark.thorough
def test_ten_thousand_cards_are_listed_filtered_and_counted(world):
    board, backlog, build, done = (f"/boards/{world.board.id}/cards?", *(world.lanes[one].id for one in (BACKLOG, BUILD, DONE)))

    def listed(query: str, *, units: float, total: int, first: tuple[str, int] | None) -> None:
        """A page begins with the card at this lane and position, and costs so many units beside its own rows."""
        with costing() as cost:
            answer = world.ada("cards", "GET", f"{board}limit=50&{query}")
        assert answer.status == 200, answer.text
        cards = answer.json["cards"]
        assert answer.json["total"] == answer.json["pagination"]["total"] == total, query
        assert next(((card["laneId"], card["position"]) for card in cards), None) == first, query
        assert cost.trips <= 3, (query, cost)
        assert cost.reads <= PAGE + units, (query, cost.reads)

    listed("", units=5, total=2 * EACH + 1, first=(backlog, 0))
    listed(
        f"offset={EACH - 10}", units=400, total=2 * EACH + 1, first=(backlog, EACH - 10)
    )  # a deep page reads what is before it
    listed("status=draft", units=20, total=EACH + 1, first=(backlog, 0))
    listed("status=blocked", units=10, total=0, first=None)
    listed("type=task", units=35, total=2 * EACH - 99, first=(backlog, 1))
    listed("type=task&status=done", units=35, total=EACH - 50, first=(done, 1))
    listed(f"laneId={done}&type=bug", units=65, total=50, first=(done, 0))
    listed("tags=team:rare&offset=90", units=65, total=100, first=(done, 4_000))
    listed(f"assigneeId={world.actor.id}", units=65, total=100, first=(backlog, 0))
    listed(f"assigneeId={world.actor.id}&status=done&search=usual", units=105, total=50, first=(done, 0))
    listed("search=usual+length", units=400, total=2 * EACH + 1, first=(backlog, 0))
    listed(f"laneId={build}&status=draft&search=usual+length", units=5, total=1, first=(build, 1))
