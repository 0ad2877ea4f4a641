"""Lists that a document pages go on past every number; what a document lists whole is bounded where it grows."""

from collections.abc import Iterator

from shared.store import collection, page_of
from tests.areas.boards_world import World


def page(world: World, area: str, path: str, contract: str = "agentworks"):
    answer = world.ada.at(contract)(area, "GET", path)
    assert answer.status == 200, answer.text
    return answer.json


def test_comments_and_runs_are_paged_past_the_bound_of_a_collection(world, monkeypatch):
    """The bound is 5,000 rows (`COLLECTION_CAP`): here it is 2."""
    card = world.card()
    for _ in range(3):
        assert world.ada("comments", "POST", f"/cards/{card.id}/comments", body={"content": "Words"}).status == 201
        world.run(card, "completed")
    monkeypatch.setitem(collection.__kwdefaults__, "cap", 2)
    threads = page(world, "comments", f"/cards/{card.id}/comments?limit=2&offset=2")
    assert (threads["total"], len(threads["comments"])) == (3, 1)
    assert len(page(world, "comments", f"/tickets/{card.id}/comments", "omoios")) > 0
    for query in ("", "&status=completed"):
        runs = page(world, "runs", f"/cards/{card.id}/runs?limit=2&offset=2{query}")
        assert (runs["total"], len(runs["runs"])) == (3, 1)


def test_a_page_keeps_no_more_than_itself():
    def rows() -> Iterator[int]:
        yield from range(100_000)

    assert page_of(rows(), 99_998, 5) == ([99_998, 99_999], 100_000)
    assert page_of(rows(), 3, 2) == ([3, 4], 100_000)
    assert page_of(rows(), 100_000, 2) == ([], 100_000)


def test_a_filter_lists_cards_of_a_board_of_any_size(world, monkeypatch):
    monkeypatch.setattr("shared.work.items.finding.SMALL_BOARD", 2)
    for number in range(4):
        world.card(6 - number, f"Card {number}")
    found = page(world, "cards", f"/boards/{world.board.id}/cards?search=card&limit=2&offset=1")
    assert ([card["title"] for card in found["cards"]], found["total"]) == (["Card 2", "Card 1"], 4)


def test_a_card_takes_no_more_dependencies_than_it_can_show(world, monkeypatch):
    monkeypatch.setattr("shared.work.items.dependencies.MAX_RELATED", 2)
    card, *others = (world.card() for _ in range(4))

    def relate(one: str, other: str) -> tuple[int, str]:
        body = {"dependencyCardId": other, "type": "relates_to"}
        answer = world.ada("cards", "POST", f"/cards/{one}/dependencies", body=body)
        return answer.status, answer.json.get("error", {}).get("code", "")

    assert [relate(card.id, other.id)[0] for other in others[:2]] == [201, 201]
    assert relate(card.id, others[2].id) == relate(others[2].id, card.id) == (403, "LIMIT_EXCEEDED")
