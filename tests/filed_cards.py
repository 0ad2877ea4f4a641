"""What a board knows of its cards beside their rows must be what the rows say: counts, tallies, postings, words, indexes, second rows."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from shared.core.settings import settings
from shared.store import get, pages
from shared.store.client import dynamodb
from shared.store.rows import COLD_KEY
from shared.work.boards.counting import card_location, lane_tally, priority_tally, type_tally
from shared.work.boards.lanes import lane_key
from shared.work.boards.rows import Counts
from shared.work.items.postings import Posting, partition_of, words_of
from shared.work.items.rows import Item
from shared.work.items.searching import Words, text_of, words_partition
from shared.work.items.stays import ended_stays

Raw = dict[str, Any]


def check_board(board_id: str) -> list[Item]:
    """Assert that the board's counts, tallies, stays, postings and words, and each card's indexes and second row, are what the cards say.
    Return the cards."""
    cards = [
        card_of(rows) for rows in _cards() if rows.get("META", rows[next(iter(rows))]).get("board_id", {}).get("S") == board_id
    ]
    listed = [card for card in cards if not card.deleted_at and not card.archived_at]
    counts = get(Counts, *Counts.key(board_id))
    assert counts is not None
    places = [card_location(card) for card in listed]
    assert _some(dict(counts.lanes)) == Counter(lane_key(board_id, place.lane_id) for place in places), (
        "the lanes count other cards"
    )
    assert _some(dict(counts.columns)) == Counter(place.column_id for place in places), "the columns count other cards"
    tallies = Counter(lane_tally(board_id, place.lane_id, place.status) for place in places)
    tallies += Counter(type_tally(place.status, place.type) for place in places)
    tallies += Counter(priority_tally(place.priority) for place in places)
    assert _some(counts.tallies) == tallies, "the tallies know other cards"
    assert dict(counts.stays) == sum_of_stays(cards), "the board sums up other stays"
    postings = {row.sk for page in pages(Posting, partition_of(board_id), consistent=True) for row in page.rows}
    assert postings == {f"{word}#{card.id}" for card in listed for word in words_of(card)}, "other postings"
    texts = {row.item_id: row.text for page in pages(Words, words_partition(board_id), consistent=True) for row in page.rows}
    assert texts == {card.id: text_of(card) for card in listed}, "searches look at other texts"
    return cards


def sum_of_stays(cards: Iterable[Item]) -> dict[str, tuple[int, int]]:
    """Return the seconds of the stays in each phase that these cards have left, and how many there were."""
    sums: dict[str, tuple[int, int]] = {}
    for phase, stay in ((phase, stay) for card in cards for phase, stay in ended_stays(card).items()):
        seconds, number = sums.get(phase, (0, 0))
        sums[phase] = seconds + stay[0], number + stay[1]
    return sums


def card_of(rows: dict[str, Raw]) -> Item:
    """Return the card of these rows by their sort keys. Both belong together, and the indexes show what the card says."""
    assert "META" in rows, "a second row without its card"
    card = Item.join(rows["META"], rows.get(COLD_KEY))
    assert card is not None, "the rows of a card do not belong together"
    stored = {name: rows["META"].get(name) for name in ("f", "GSI1PK", "GSI1SK", "GSI3PK", "GSI3SK", "GSI4PK", "GSI4SK")}
    card.set_index_keys()
    written = card.serialize()
    assert stored == {name: written.get(name) for name in stored}, "an index shows another card"
    return card


def _cards() -> list[dict[str, Raw]]:
    """Return the rows of all cards in the table by their sort keys."""
    found: dict[str, dict[str, Raw]] = {}
    for page in dynamodb().get_paginator("scan").paginate(TableName=settings().core_table):
        for raw in page["Items"]:
            if raw["PK"]["S"].startswith("ITEM#") and raw["SK"]["S"] in ("META", COLD_KEY):
                found.setdefault(raw["PK"]["S"], {})[raw["SK"]["S"]] = raw
    return list(found.values())


def _some(numbers: dict[str, int]) -> dict[str, int]:
    return {name: int(number) for name, number in numbers.items() if number}
