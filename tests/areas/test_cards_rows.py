"""A card is two rows: the one that every change writes is small, the other holds what is long and seldom changes."""

import json
from contextlib import contextmanager
from datetime import timedelta

import boto3
import pytest
import time_machine

from bench.trips import costing, size_of
from shared.core import clock
from shared.core.settings import settings
from shared.events.change import parse_change
from shared.store import fetch, fetch_all, get_many, save, update_with_retry, write
from shared.store.client import the_client
from shared.work.items.moving import move_item, move_to_column
from shared.work.items.places import places_of
from shared.work.items.rows import Item, ItemHead
from shared.work.items.updating import update_item
from tests.areas.viewers import project, stream_record
from tests.kills import concurrently, crash_at_every_write
from tests.trips import count_requests

TEXT = "Business customers leave because they cannot pay by invoice.\n" * 33
OTHER_TEXT = "They want to pay later, as their own rules say.\n" * 42


@pytest.fixture
def card(world) -> dict:
    """A card with what a card usually has, and 2 KB of description."""
    body = {
        "laneId": world.lanes[0].id,
        "title": "Let customers pay by invoice",
        "type": "task",
        "description": TEXT,
        "labels": ["billing", "backend"],
        "tags": [{"key": "area", "value": "billing"}],
        "assigneeId": world.actor.id,
        "dueDate": "2026-12-24",
        "customFields": {"team": "payments", "customer": "Example Corporation Ltd", "notes": "x" * 200},
    }
    return world.ada("cards", "POST", f"/boards/{world.board.id}/cards", body=body).json


def raw(card_id: str, sk: str = "META") -> dict:
    key = {"PK": {"S": f"ITEM#{card_id}"}, "SK": {"S": sk}}
    return boto3.client("dynamodb").get_item(TableName=settings().core_table, Key=key)["Item"]


@contextmanager
def between_the_rows(happens):
    """Let something happen between the reads of a card's two rows, once: the batch has the first row of before and the second of after."""
    events, done = the_client().meta.events, []

    def answered(parsed, **_):
        rows = parsed["Responses"][settings().core_table]
        old = [row for row in rows if row["SK"]["S"] == "REST"]
        if old and not done:
            done.append(True)
            happens()
            new = raw(old[0]["PK"]["S"].partition("#")[2], "REST")
            rows[rows.index(old[0])] = new

    events.register("after-call.dynamodb.BatchGetItem", answered)
    try:
        yield
    finally:
        events.unregister("after-call.dynamodb.BatchGetItem", answered)
    assert done


def test_a_move_writes_nothing_of_what_is_long(world, card):
    before, rest = raw(card["id"]), raw(card["id"], "REST")
    assert "description" in rest
    assert not Item.COLD & set(before)
    moved = world.ada("cards", "POST", f"/cards/{card['id']}/move", body={"toLaneId": world.lanes[4].id}).json
    assert (moved["description"], moved["customFields"]) == (TEXT, card["customFields"])
    assert raw(card["id"], "REST") == rest
    assert not Item.COLD & set(raw(card["id"]))


def test_a_change_of_the_text_writes_both_rows_in_one_transaction(world, card):
    with count_requests() as seen:
        changed = world.ada("cards", "PUT", f"/cards/{card['id']}", body={"description": OTHER_TEXT})
    assert (changed.status, changed.json["description"]) == (200, OTHER_TEXT)
    assert seen.names == ["BatchGetItem", "TransactWriteItems"]
    assert raw(card["id"], "REST")["rest_version"] == raw(card["id"])["rest_version"] == {"N": "2"}


def test_a_card_with_its_text_is_one_trip_and_a_page_of_fifty_is_one_batch(world, card):
    with count_requests() as seen:
        assert fetch(Item, card["id"]).description == TEXT
    assert seen.names == ["BatchGetItem"]
    ids = [card["id"], *(world.card().id for _ in range(50))]
    with count_requests() as seen:
        assert [item.id for item in fetch_all(Item, ids, to_show=True)] == ids
    assert (seen.names, seen.beside) == (["BatchGetItem"], ["BatchGetItem"])


def test_who_needs_no_text_reads_none(world, card):
    with costing() as head:
        read = fetch(ItemHead, card["id"])
    assert (read.title, head.reads) == (card["title"], 1)
    with pytest.raises(TypeError):  # it would leave the card without its indexes
        save(read)


def test_a_card_and_its_head_are_read_together(world, card):
    item, head = get_many([(Item, *Item.key(card["id"])), (ItemHead, *ItemHead.key(card["id"]))])
    assert (item.description, head.title) == (TEXT, card["title"])


@pytest.mark.parametrize("to_show", [False, True])
def test_a_read_between_the_writes_of_two_rows_shows_no_mixed_card(world, card, to_show):
    def change():
        update_with_retry(
            lambda: fetch(Item, card["id"]),
            lambda item: setattr(item, "title", "Other") or setattr(item, "description", OTHER_TEXT),
        )

    with between_the_rows(change):
        (read,) = fetch_all(Item, [card["id"]], to_show=to_show)
    assert (read.title, read.description) == ("Other", OTHER_TEXT)


def test_a_move_and_a_change_of_the_text_at_once_keep_both(world, card):
    with concurrently(lambda: move_item(world.actor, card["id"], world.lanes[4].id)):
        update_item(world.actor, card["id"], {"description": OTHER_TEXT})
    with concurrently(lambda: update_item(world.actor, card["id"], {"description": TEXT})):
        move_item(world.actor, card["id"], world.lanes[3].id)
    read = fetch(Item, card["id"])
    assert (read.lane_id, read.description, read.version) == (world.lanes[3].id, TEXT, 5)


def test_an_instance_that_is_written_twice_writes_its_second_row_each_time(world, card):
    item = fetch(Item, card["id"])
    item.description = OTHER_TEXT
    write(save(item))
    item.description = TEXT
    write(save(item))
    assert fetch(Item, card["id"]).description == TEXT


def test_a_card_of_before_has_one_row_until_it_is_written(world, card):
    """Rows on a laptop may be older than the second row."""
    whole = {name: value for name, value in (raw(card["id"], "REST") | raw(card["id"])).items() if name != "rest_version"}
    client, table = boto3.client("dynamodb"), settings().core_table
    client.delete_item(TableName=table, Key={"PK": whole["PK"], "SK": {"S": "REST"}})
    client.put_item(TableName=table, Item=whole)
    assert world.ada("cards", "GET", f"/cards/{card['id']}").json["description"] == TEXT
    assert world.ada("cards", "POST", f"/cards/{card['id']}/move", body={"toLaneId": world.lanes[4].id}).status == 200
    assert raw(card["id"], "REST")["description"]["S"] == TEXT


def test_the_second_row_of_a_card_is_no_event(world, card):
    assert parse_change({"dynamodb": {"NewImage": raw(card["id"], "REST")}}) is None


@pytest.mark.parametrize(("lane", "column"), [(4, "analyzing"), (3, "analyzing"), (5, "building")])
def test_an_activity_shows_all_places_of_a_move_though_its_row_says_each_once(world, card, lane, column):
    first, second = world.lanes[2], world.lanes[lane]
    move_item(world.actor, card["id"], first.id)
    old = raw(card["id"])
    moved = move_item(world.actor, card["id"], second.id)
    project(stream_record(raw(card["id"]), old))
    stored = raw(card["id"])["event"]["S"]
    assert (stored.count(first.id), stored.count(second.id)) == (1, 0)
    assert json.dumps(moved.event).count(second.id) == 1
    (shown,) = world.ada("comments", "GET", f"/cards/{card['id']}/activities").json["activities"]
    assert {
        name: shown["metadata"][name] for name in ("fromLaneId", "toLaneId", "fromPhase", "toPhase", "fromColumn", "toColumn")
    } == {
        "fromLaneId": first.id,
        "toLaneId": second.id,
        "fromPhase": first.phase_id,
        "toPhase": second.phase_id,
        "fromColumn": "analyzing",
        "toColumn": column,
    }


def test_a_card_that_is_unblocked_where_it_was_says_so(world, card):
    move_item(world.actor, card["id"], world.lanes[5].id)
    update_item(world.actor, card["id"], {"status": "blocked"})
    event = move_to_column(world.actor, card["id"], "building").event
    places = places_of(event["changes"], event["data"])
    assert (event["type"], places["from_column"], places["to_column"]) == ("item.unblocked", "blocked", "building")
    assert places["from_lane"] == places["to_lane"] == world.lanes[5].id


def test_a_process_that_dies_leaves_both_rows_or_none_changed(world, card):
    for process in crash_at_every_write():
        before = fetch(Item, card["id"])
        text = OTHER_TEXT if before.description == TEXT else TEXT
        with process:
            update_item(world.actor, card["id"], {"description": text, "title": text[:20]})
        read = fetch(Item, card["id"])
        assert (read.description[:20] == read.title) or read.version == 1
        assert read.version in (before.version, before.version + 1)
        assert raw(card["id"])["rest_version"] == raw(card["id"], "REST")["rest_version"]


def test_the_row_that_a_move_writes_stays_below_a_kilobyte(world, card):
    """It was 1.85 KB, and each kilobyte is 2 units of a move."""
    start = clock.now()
    for lane in (1, 2, 3, 4, 5, 6, 7, 8):  # phases and the status change on the way
        with time_machine.travel(start + timedelta(days=5 * lane)):
            move_item(world.actor, card["id"], world.lanes[lane].id)
        assert size_of(raw(card["id"])) < 1_024, lane
    assert raw(card["id"])["stays"]["S"].split()[0] == "b432000"
    with costing() as cost:
        world.ada("cards", "POST", f"/cards/{card['id']}/move", body={"toLaneId": world.lanes[6].id})
    # the card 2, its place in the index 2, the counts 2; access, the card's two rows, the lane
    assert (cost.writes, cost.reads) == (6, 4)


def test_an_event_says_nothing_that_its_row_says(world, card):
    move_item(world.actor, card["id"], world.lanes[5].id)
    stored = json.loads(raw(card["id"])["event"]["S"])
    assert stored["changes"]["lane_id"] == [card["laneId"]]
    assert (stored["data"]["title"], stored["data"]["board_id"]) == (None, None)
    for event in (fetch(Item, card["id"]).event, vars(parse_change(stream_record(raw(card["id"]), None)).event)):
        assert event["changes"]["lane_id"] == [card["laneId"], world.lanes[5].id]
        assert (event["data"]["title"], event["data"]["board_id"]) == (card["title"], world.board.id)


def test_what_an_event_says_of_a_value_that_left_the_row_it_says_itself(world, card):
    update_item(world.actor, card["id"], {"status": "blocked", "blocked_reason": "Wait", "title": "Other"})
    event = update_item(world.actor, card["id"], {"status": "ready", "assignee_id": None}).event
    assert fetch(Item, card["id"]).event == event
    assert event["changes"]["blocked_reason"] == ["Wait", None]
    assert event["changes"]["assignee"][1] is None


def test_a_card_with_the_longest_title_moves_for_no_more(world, card):
    """The row said the title three times: from some 60 characters on, a move paid for a third kilobyte."""
    title = "Let customers pay by invoice " * 17
    world.ada("cards", "PUT", f"/cards/{card['id']}", body={"title": title + "x" * (500 - len(title))})
    world.ada("cards", "POST", f"/cards/{card['id']}/move", body={"toLaneId": world.lanes[6].id})
    with costing() as cost:
        moved = world.ada("cards", "POST", f"/cards/{card['id']}/move", body={"toLaneId": world.lanes[5].id})
    assert (len(moved.json["title"]), cost.writes) == (500, 8)
