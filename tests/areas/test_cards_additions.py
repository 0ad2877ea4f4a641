"""agentworks: what the document shows on a card and gives no operation for: links, hours, the archive."""

import contextlib
import time

import pytest
import time_machine

from shared.core import clock
from shared.core.actor import Role
from shared.runs.toolbox import CallContext, board_tools
from shared.store import Unfinished, collection, fetch, save, update_now, write
from shared.work.items import archiving
from shared.work.items.archiving import ARCHIVE_AFTER_DAYS, archive_finished
from shared.work.items.rows import Item
from shared.work.items.updating import update_item
from tests.areas.boards_world import World
from tests.areas.driving import deadline, run_jobs
from tests.areas.viewers import project, raw_row, stream_record
from tests.trips import count_requests

DONE = 10


@pytest.fixture
def card(world) -> str:
    return str(world.card(6).id)


def post(world: World, path: str, body: dict | None = None, client=None):
    return (client or world.ada)("cards", "POST", path, body=body)


def shown(world: World, card: str) -> dict:
    return world.ada("cards", "GET", f"/cards/{card}").json


# -- links


def test_a_link_is_put_on_a_card_and_taken_off(world, card):
    made = post(world, f"/cards/{card}/links", {"url": "https://github.com/o/r/pull/1"})
    assert made.status == 201
    link = made.json
    assert link == {"id": link["id"], "title": "github.com", "url": "https://github.com/o/r/pull/1", "type": "github"}
    named = post(world, f"/cards/{card}/links", {"url": "http://wiki.example/page", "title": "Notes", "type": "docs"}).json
    assert (named["title"], named["type"]) == ("Notes", "docs")
    assert post(world, f"/cards/{card}/links", {"url": "https://github.com/o/r/pull/1"}).json == link  # once is enough
    assert shown(world, card)["externalLinks"] == [link, named]
    assert world.ada("cards", "DELETE", f"/cards/{card}/links/{link['id']}").status == 204
    assert world.ada("cards", "DELETE", f"/cards/{card}/links/{link['id']}").status == 404
    assert shown(world, card)["externalLinks"] == [named]
    project(stream_record(raw_row(f"ITEM#{card}")))
    activity = shown(world, card)["activities"][0]
    assert (activity["type"], activity["description"]) == ("updated", "Ada Lovelace removed the link github.com")
    assert activity["oldValue"]["id"] == link["id"]


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "ftp://example.com/x", "//example.com", "example.com", "https://", "https://ada:secret@example.com/",
     "https://example.com:port/", "https://exa mple.com/", "https://[::1"],
)  # fmt: skip
def test_what_is_no_address_of_a_page_is_no_link(world, card, url):
    answer = post(world, f"/cards/{card}/links", {"url": url})
    assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, "url")
    assert shown(world, card)["externalLinks"] == []


def test_links_take_no_more_than_a_page_of_cards_has_room_for(world, card):
    """A hundred cards with everything they may hold must fit into one answer."""
    statuses = [post(world, f"/cards/{card}/links", {"url": f"https://example.com/{n}{'x' * 1_900}"}).status for n in range(5)]
    assert statuses == [201] * 4 + [422]


def test_a_card_holds_so_many_links(world, card, monkeypatch):
    monkeypatch.setattr("shared.work.items.links.MAX_LINKS", 2)
    statuses = [post(world, f"/cards/{card}/links", {"url": f"https://example.com/{n}"}).status for n in range(3)]
    assert statuses[:2] == [201, 201]
    assert 400 <= statuses[2] < 500
    assert len(shown(world, card)["externalLinks"]) == 2


# -- hours


def test_hours_are_logged_and_corrected(world, card):
    assert shown(world, card)["loggedHours"] == 0
    for hours in (0.1, 0.2, 2):
        assert post(world, f"/cards/{card}/time", {"hours": hours, "note": "The form"}).status == 201
    assert shown(world, card)["loggedHours"] == 2.3
    project(stream_record(raw_row(f"ITEM#{card}")))
    (activity,) = [one for one in shown(world, card)["activities"] if one.get("fieldChanged") == "loggedHours"]
    assert (activity["description"], activity["oldValue"], activity["newValue"]) == ("Ada Lovelace logged 2 h", 0.3, 2.3)
    assert (activity["metadata"]["hours"], activity["metadata"]["note"]) == (2, "The form")
    assert post(world, f"/cards/{card}/time", {"hours": -2.3}).json["loggedHours"] == 0
    for wrong in (0, -0.5, 1_001, "two"):
        answer = post(world, f"/cards/{card}/time", {"hours": wrong})
        assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, "hours"), wrong


def test_a_viewer_logs_nothing_and_a_stranger_sees_nothing(world, card):
    vera = world.join("Vera", "vera@example.com", Role.VIEWER)
    for path, body in ((f"/cards/{card}/time", {"hours": 1}), (f"/cards/{card}/links", {"url": "https://a.example"})):
        assert post(world, path, body, vera).status == 403
    world.archive()
    assert post(world, f"/cards/{card}/time", {"hours": 1}).status == 409
    assert post(world, f"/cards/{card}/links", {"url": "https://a.example"}).status == 409


# -- the archive


def finished(world: World, **more) -> Item:
    card = world.card(6, **more)
    assert world.ada("cards", "PUT", f"/cards/{card.id}", body={"status": "done"}).status == 200
    return fetch(Item, card.id)


def wants_archiving(world: World) -> None:
    body = {"settings": {"autoArchiveCompleted": True}}
    assert world.ada("boards", "PUT", f"/boards/{world.board.id}", body=body).status == 200


def later(days: float):
    return time_machine.travel(clock.epoch() + int(days * 86_400), tick=False)


def test_what_was_finished_long_ago_is_put_away_and_comes_back(world):
    card, fresh = finished(world, title="Old"), world.card(6, "Open")
    wants_archiving(world)
    assert archive_finished(deadline()) == 0
    with later(ARCHIVE_AFTER_DAYS + 0.1):
        run_jobs("auto-archive")
        assert fetch(Item, card.id).archived_at == clock.iso()
        assert archive_finished(deadline()) == 0
    assert [row.id for row in collection(1, f"BOARD#{world.board.id}#ITEM")] == [fresh.id]
    assert world.lane_counts() == {6: 1}
    put_away = world.ada("cards", "GET", f"/boards/{world.board.id}/cards/archived").json
    assert (put_away["total"], [one["id"] for one in put_away["cards"]]) == (1, [card.id])
    assert shown(world, card.id)["status"] == "done"
    for method, path, body in (
        ("PUT", "", {"title": "New"}),
        ("POST", "/move", {"toLaneId": world.lanes[6].id}),
        ("POST", "/time", {"hours": 1}),
    ):
        answer = world.ada("cards", method, f"/cards/{card.id}{path}", body=body)
        assert (answer.status, "archived" in answer.json["error"]["details"]["reason"]) == (409, True), path
    back = post(world, f"/cards/{card.id}/restore")
    assert (back.status, back.json["completedAt"]) == (200, card.completed_at)
    assert post(world, f"/cards/{card.id}/restore").status == 200
    assert world.lane_counts() == {6: 1, DONE: 1}
    with later(ARCHIVE_AFTER_DAYS - 1):
        restored = fetch(Item, card.id)
        restored.restored_at = clock.iso()
        write(save(restored))
    with later(ARCHIVE_AFTER_DAYS + 1):
        assert archive_finished(deadline()) == 0  # it was brought back two days ago
    with later(2 * ARCHIVE_AFTER_DAYS + 1):
        assert archive_finished(deadline()) == 1
    world.set_wip(DONE, 1)
    finished(world, title="In the way")
    assert post(world, f"/cards/{card.id}/restore").status == 422  # the lane is full


def test_an_archived_card_is_deleted_without_being_counted_twice(world):
    card = finished(world)
    wants_archiving(world)
    with later(ARCHIVE_AFTER_DAYS + 1):
        assert archive_finished(deadline()) == 1
    assert world.ada("cards", "DELETE", f"/cards/{card.id}").status == 204
    assert (world.lane_counts(), world.column_counts()) == ({}, {})
    assert world.ada("cards", "GET", f"/boards/{world.board.id}/cards/archived").json["total"] == 0


def test_what_was_reopened_is_worked_on_or_is_not_to_be_archived_stays(world, monkeypatch):
    reopened, worked_on, kept = finished(world), finished(world), finished(world)
    world.ada("cards", "PUT", f"/cards/{reopened.id}", body={"status": "in_progress"})
    wants_archiving(world)
    real = archiving.sweep

    def reopening(*place, **about):
        rows = list(real(*place, **about))
        update_item(world.actor, worked_on.id, {"status": "in_progress"})  # between the index and the card
        return rows

    monkeypatch.setattr(archiving, "sweep", reopening)
    with later(ARCHIVE_AFTER_DAYS + 1):
        assert archive_finished(deadline()) == 1
    assert [bool(fetch(Item, one.id).archived_at) for one in (reopened, worked_on, kept)] == [False, False, True]
    world.ada("boards", "PUT", f"/boards/{world.board.id}", body={"settings": {"autoArchiveCompleted": False}})
    finished(world)
    with later(2 * ARCHIVE_AFTER_DAYS + 2):
        assert archive_finished(deadline()) == 0


def test_an_archived_project_keeps_its_cards_and_time_ends_a_round(world):
    finished(world), finished(world)
    wants_archiving(world)
    with later(ARCHIVE_AFTER_DAYS + 1):
        assert archive_finished(time.monotonic() - 1) == 0
        world.archive()
        with count_requests() as seen:
            assert archive_finished(deadline()) == 0
        assert seen.by_name["TransactWriteItems"] == 1  # the first refusal is enough for the board


def break_card(card: Item) -> None:
    """Let every change of the card fail: its row names a lane that the board does not count."""
    update_now(Item(*Item.key(card.id)), [Item.lane_id.set("gone")])


def test_a_card_that_cannot_be_put_away_keeps_no_other_on_the_board(world, caplog, logged):
    cards = [finished(world, title=str(number)) for number in range(4)]
    wants_archiving(world)
    break_card(cards[0])
    break_card(cards[2])
    with later(ARCHIVE_AFTER_DAYS + 1):
        with pytest.raises(Unfinished):
            run_jobs("auto-archive")
        assert [bool(fetch(Item, one.id).archived_at) for one in cards] == [False, True, False, True]
        (line,) = (one for one in logged() if one["message"] == "job")
        assert (line["done"], line["failed"]) == (2, 2)
        (metric,) = line["_aws"]["CloudWatchMetrics"]
        assert metric["Metrics"] == [{"Name": "failed", "Unit": "Count"}]
        assert metric["Dimensions"] == [["stage", "job"], ["stage"]], "of the job, and of all jobs: the alarm is on that"
        failed = {record.item for record in caplog.records if record.message == "a part of a job failed"}
        assert failed == {f"card {cards[0].id}", f"card {cards[2].id}"}


def test_cards_that_cannot_be_put_away_do_not_fill_the_turn_of_their_board(world, monkeypatch):
    monkeypatch.setattr(archiving, "MAX_PER_BOARD", 2)
    cards = [finished(world, title=str(number)) for number in range(3)]
    wants_archiving(world)
    break_card(cards[0])
    break_card(cards[1])
    with later(ARCHIVE_AFTER_DAYS + 1):
        for expected in (False, True):
            with contextlib.suppress(Unfinished):
                archive_finished(deadline())
            assert bool(fetch(Item, cards[2].id).archived_at) is expected


def test_many_cards_are_put_away_page_by_page(world, monkeypatch):
    monkeypatch.setattr(archiving, "PAGE_SIZE", 2)
    cards = [finished(world, title=str(number)) for number in range(5)]
    wants_archiving(world)
    with later(ARCHIVE_AFTER_DAYS + 1):
        assert archive_finished(deadline()) == 5
    page = world.ada("cards", "GET", f"/boards/{world.board.id}/cards/archived?limit=2&offset=1").json
    assert (page["total"], len(page["cards"]), page["pagination"]["hasMore"]) == (5, 2, True)
    assert world.lane_counts() == {}
    assert {one.id for one in cards} == {row.id for row in collection(1, f"BOARD#{world.board.id}#ARCHIVED")}


@pytest.mark.parametrize(
    ("area", "path", "body"),
    [
        ("cards", "links", '{"url": "https://example.com/\\ud800"}'),
        ("cards", "links", '{"url": "https://example.com", "title": "\\ud800"}'),
        ("cards", "time", '{"hours": 1, "note": "\\ud800"}'),
        ("cards", "time", '{"hours": 1e999}'),
        ("cards", "time", '{"hours": NaN}'),
        ("comments", "attachments", '{"filename": "\\ud800.txt", "contentType": "text/plain", "size": 1}'),
        ("comments", "attachments", '{"filename": "a.txt", "contentType": "\\ud800", "size": 1}'),
        ("comments", "attachments", '{"filename": "a.txt", "contentType": "text/plain", "size": 1.5}'),
    ],
)
def test_odd_values_are_the_callers_mistake(world, card, area, path, body):
    assert world.ada(area, "POST", f"/cards/{card}/{path}", body=body).status in (400, 422)


def test_an_agent_on_a_large_board_is_told_of_the_cards_that_matter_most(world, monkeypatch):
    monkeypatch.setattr(board_tools, "MAX_SIBLINGS", 2)
    mine, old, done, young = world.card(6, "Mine"), world.card(6, "Old"), finished(world, title="Done"), world.card(6, "Young")
    work = CallContext(world.actor, mine.id, "run", ())
    told, _ = board_tools.read_siblings(work, board_tools.tools.ReadSiblings())
    assert [one["id"] for one in told["cards"]] == [young.id, old.id]
    assert (told["more"], done.id in str(told)) == ("1 cards are not shown", False)


def test_on_a_board_of_more_cards_than_a_query_holds_only_the_last_of_each_lane_are_read(world, monkeypatch):
    monkeypatch.setattr(board_tools, "MAX_SIBLINGS", 2)
    monkeypatch.setattr(board_tools, "_MAX_SINGLE_QUERY", 3)
    mine = world.card(6, "Mine")
    cards = [world.card(lane, f"{lane} {number}") for number in range(4) for lane in (6, 5)]
    work = CallContext(world.actor, mine.id, "run", ())
    told, _ = board_tools.read_siblings(work, board_tools.tools.ReadSiblings())
    with count_requests() as seen:
        assert board_tools.read_siblings(work, board_tools.tools.ReadSiblings())[0] == told
    assert [one["id"] for one in told["cards"]] == [cards[-1].id, cards[-2].id]
    assert told["more"] == "6 cards are not shown"
    assert seen.by_name == {"BatchGetItem": 1, "GetItem": 1, "Query": 1 + len(world.lanes)}
