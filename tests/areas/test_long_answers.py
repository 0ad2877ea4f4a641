"""A page that is longer than a function may answer ends early: nothing is cut, left out or shown twice."""

import json
from typing import Any

import pytest

from shared.core.texts import MAX_ANSWER
from shared.store import fetch
from shared.work.comments.rows import Comment, comments_of
from shared.work.items.rows import Item
from tests.areas import driving
from tests.areas.boards_world import World
from tests.areas.driving import Answer
from tests.areas.many_cards import add_cards, like
from tests.seeding import put_counted

TEXT = 'A paragraph, with "quotes" and a line.\n'


@pytest.fixture(autouse=True)
def sizes(monkeypatch) -> list[int]:
    """The bytes of each answer as Lambda's runtime of this Python sends them, none of which is too long."""
    found: list[int] = []

    def noted(answer: dict[str, Any]) -> dict[str, Any]:
        found.append(len(json.dumps(answer).encode()))
        assert found[-1] <= MAX_ANSWER
        return answer

    original = driving.import_module

    class Area:
        def __init__(self, name: str) -> None:
            self.handle = original(name).handler

        def handler(self, event: Any, context: Any) -> dict[str, Any]:
            return noted(self.handle(event, context))

    monkeypatch.setattr(driving, "import_module", Area)
    return found


def long_cards(world: World, number: int, description: str) -> None:
    template = fetch(Item, world.card().id)
    assert template is not None
    add_cards(world, like(template, description=description), range(1, number))


@pytest.mark.parametrize("letter", ["a", "é", "字"])
def test_a_page_of_long_cards_ends_early_and_the_next_one_goes_on(world, sizes, letter):
    """A hundred cards of 80 KB were more than Lambda answers: the gateway said 502."""
    long_cards(world, 100, letter * (80_000 // len(letter.encode())))
    shown: list[str] = []
    offset, more = 0, True
    while more:
        page = world.ada("cards", "GET", f"/boards/{world.board.id}/cards?limit=100&offset={offset}").json
        shown += [card["id"] for card in page["cards"]]
        meta = page["pagination"]
        assert (meta["total"], meta["offset"], len(page["cards"])) == (100, offset, min(meta["limit"], 100 - offset))
        offset, more = offset + meta["limit"], meta["hasMore"]
    assert len(shown) == len(set(shown)) == 100
    assert max(sizes) > MAX_ANSWER - 300_000, "a page is as long as it can be"


def test_a_page_that_fits_is_whole(world, sizes):
    long_cards(world, 40, TEXT * 1_000)
    page = world.ada("cards", "GET", f"/boards/{world.board.id}/cards?limit=100").json
    assert (len(page["cards"]), page["pagination"]["limit"], page["pagination"]["hasMore"]) == (40, 100, False)


def comments(world: World, number: int, content: str) -> str:
    card = world.card()
    first = world.ada("comments", "POST", f"/cards/{card.id}/comments", body={"content": "Short"})
    assert first.status == 201, first.text
    template = fetch(Comment, first.json["id"])
    assert template is not None
    own = {"pk", "sk", "kind", "id", "created_at", "updated_at", "event", "event_id", "content"}
    common = {name: value for name, value in template.attribute_values.items() if name not in own}
    rows = [Comment.new(f"{place:032}", **common, content=content) for place in range(1, number)]
    put_counted(comments_of(card.id), [template, *rows])
    return card.id


def test_a_bare_array_ends_early_if_its_total_is_shown(world, sizes):
    card = comments(world, 200, "😀" * 10_000)
    shown: list[str] = []
    while True:
        answer: Answer = world.ada.at("omoios")("comments", "GET", f"/tickets/{card}/comments?limit=200&offset={len(shown)}")
        assert answer.json
        shown += [one["id"] for one in answer.json]
        if len(shown) >= int(answer.header("X-Total-Count") or 0):
            break
    assert len(shown) == len(set(shown)) == 200
    assert len(sizes) > 3
