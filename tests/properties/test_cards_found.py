"""Filters: whatever the cards are and however they are found, a list is what the filter says of each card."""

from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.core.errors import Conflict, NotFound, TransitionRefused
from shared.core.ids import new_id
from shared.store import fetch_all
from shared.work.boards.lanes import lane_id_of
from shared.work.items import finding
from shared.work.items.creating import NewItem, create_item
from shared.work.items.deleting import delete_item
from shared.work.items.filtering import ItemFilter
from shared.work.items.listing import list_items
from shared.work.items.moving import move_item
from shared.work.items.rows import Item
from shared.work.items.updating import update_item
from shared.work.projects.creating import NewProject, create_project
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.examples import examples

LANES, TYPES = (0, 0, 5, 6, 10), ("task", "task", "bug", "doc")
STATUSES = ("draft", "ready", "in_progress", "blocked", "done")
TAGS = ("team:web", "team:core", "a,b:c", "a:b")
WORDS = ("invoice", "INVOICES", "\u8acb\u6c42\u66f8", "web")
WAYS = {
    "as it is": {"SMALL_BOARD": 100},
    "by postings": {"SMALL_BOARD": 2, "_UNITS_OF_ROW": 0},
    "by the index": {"SMALL_BOARD": 2, "_UNITS_OF_ROW": 1_000},
    "by the counts": {"SMALL_BOARD": 2, "_MAX_AHEAD": 0},
}
MAYBE = {
    "type": st.sampled_from(TYPES),
    "status": st.sampled_from(STATUSES),
    "tags": st.sampled_from(TAGS),
    "mine": st.booleans(),
}
CARDS = st.lists(st.fixed_dictionaries({"lane": st.sampled_from(LANES), "word": st.sampled_from(WORDS)} | MAYBE), max_size=10)
CHANGES = st.lists(
    st.tuples(st.integers(0, 11), st.sampled_from(("move", "status", "type", "tags", "mine", "delete")), st.integers(0, 3)),
    max_size=8,
)
NAMES = st.sampled_from(("team", "team:web", "a,b", "a", "a:b", "TEAM:WEB,a", "nobody"))
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "lane": st.sampled_from((0, 6, 10)),
        "type": st.sampled_from(TYPES),
        "status": st.sampled_from(STATUSES),
        "mine": st.just(True),
        "tags": st.lists(NAMES, min_size=1, max_size=2),
        "search": st.sampled_from(("voice", "invoice", "\u6c42", "web team")),
    },
)
SINGLE = (
    {"mine": True},
    *({"status": status} for status in STATUSES),
    {"type": "task"},
    {"type": "bug"},
    {"tags": ["team"]},
    {"search": "voice"},
)
"""Filters that each board is asked for."""


@pytest.fixture(scope="module")
def world(shared_tables) -> World:
    world = create_world("found@example.com")
    put_on_plan(world.ws_id, maxProjects=100_000)
    return world


def make_board(world: World, cards: list[dict], changes: list[tuple[int, str, int]]) -> tuple[str, list[str], list[Item]]:
    """A board with these cards, after these changes: its id, its lanes, and the cards that are on it."""
    project = create_project(world.actor, world.ws_id, NewProject("Found", slug=f"found-{new_id()}"))
    board_id = str(project.board_id)
    lanes = list_lanes(board_id)
    ids = []
    for card in cards:
        key, _, value = card["tags"].rpartition(":")
        new = NewItem(
            f"Card {card['word']}",
            card["type"],
            lanes[card["lane"]],
            assignee_id=world.actor.id if card["mine"] else None,
            tags=[{"key": key, "value": value}],
        )
        ids.append(create_item(world.actor, board_id, new, force=True).id)
        change(world, ids[-1], lanes, "status", STATUSES.index(card["status"]))
    for number, what, value in changes:
        if number < len(ids):
            change(world, ids[number], lanes, what, value)
    return board_id, lanes, [item for item in fetch_all(Item, ids) if not item.deleted_at]


def list_lanes(board_id: str) -> list[str]:
    return [lane_id_of(board_id, number) for number in range(11)]


def change(world: World, card: str, lanes: list[str], what: str, value: int) -> None:
    """One change; what is refused changes nothing."""
    try:
        if what == "move":
            move_item(world.actor, card, lanes[LANES[value]], force=True)
        elif what == "delete":
            delete_item(world.actor, card)
        elif what == "mine":
            update_item(world.actor, card, {"assignee_id": world.actor.id if value % 2 else None})
        elif what == "tags":
            key, _, tag = TAGS[value].rpartition(":")
            update_item(world.actor, card, {"tags": [{"key": key, "value": tag}]})
        else:
            update_item(world.actor, card, {what: (TYPES if what == "type" else STATUSES)[value]})
    except (TransitionRefused, Conflict, NotFound):
        return


def is_wanted(item: Item, wanted: dict, lanes: list[str], me: str) -> bool:
    """What the filter says, in the plainest words."""
    names = {tag["key"].casefold() for tag in item.tags} | {f"{tag['key']}:{tag['value']}".casefold() for tag in item.tags}
    text = "\n".join([item.title, *(f"{tag['key']}:{tag['value']}" for tag in item.tags)]).casefold()
    return (
        ("lane" not in wanted or item.lane_id == lanes[wanted["lane"]])
        and ("type" not in wanted or item.type == wanted["type"])
        and ("status" not in wanted or item.status == wanted["status"])
        and ("mine" not in wanted or (item.assignee or {}).get("id") == me)
        and all(tag.casefold() in names or names.issuperset(tag.casefold().split(",")) for tag in wanted.get("tags", ()))
        and all(word in text for word in wanted.get("search", "").split())
    )


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=examples(6), deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(cards=CARDS, changes=CHANGES, filters=st.lists(FILTERS, min_size=1, max_size=4), limit=st.integers(3, 6))
def test_a_filter_lists_what_it_says_of_each_card(world, way, cards, changes, filters, limit):
    board_id, lanes, living = make_board(world, cards, changes)
    living.sort(key=lambda item: (lanes.index(item.lane_id), item.position, item.id))
    for wanted in (*SINGLE, *filters):
        item_filter = ItemFilter(
            lane_id=lanes[wanted["lane"]] if "lane" in wanted else None,
            assignee_id=world.actor.id if "mine" in wanted else None,
            tags=tuple(wanted.get("tags", ())),
            **{name: wanted[name] for name in ("type", "status", "search") if name in wanted},
        )
        expected = [item.id for item in living if is_wanted(item, wanted, lanes, world.actor.id)]
        found: list[str] = []
        with patch.multiple(finding, **WAYS[way]):
            while True:
                page = list_items(world.actor, board_id, item_filter, limit=limit, offset=len(found))
                assert page.total == len(expected), (wanted, way)
                found += [item.id for item in page.items]
                if not page.items or len(found) >= page.total:
                    break
        assert found == expected, (wanted, way)
