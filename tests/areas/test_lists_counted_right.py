"""Blocks of long lists: an entry stands where it is counted, whatever clocks say, and a list is counted as a whole or not at all."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from shared.core import clock
from shared.core.ids import new_id
from shared.store import delete, query, tallies, write
from shared.store.tallies import Tally
from shared.work.comments.rows import Comment, comments_of
from shared.work.comments.writing import NewComment, create_comment, delete_comment
from shared.work.documents.rows import documents_of
from shared.work.projects.creating import NewProject, create_project
from shared.work.projects.updating import archive_project, restore_project
from tests.areas.boards_world import World, put_on_plan
from tests.kills import concurrently
from tests.seeding import put_directly

NOW = clock.now


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Lists are long from three entries on, and have blocks of four."""
    monkeypatch.setattr(tallies, "BLOCK", 4)
    monkeypatch.setattr(tallies, "_HEAD", 2)


def walked(world: World, area: str, path: str, contract: str, key: str | None = None) -> tuple[list[Any], int]:
    """Walk a list page by page to its end; return its entries and the total that each page told."""
    entries: list[Any] = []
    while True:
        mark = "&" if "?" in path else "?"
        answer = world.ada.at(contract)(area, "GET", f"{path}{mark}limit=1&offset={len(entries)}")
        assert answer.status == 200, answer.text
        page = answer.json[key] if key else answer.json
        total = int(answer.json["total"] if key else answer.header("X-Total-Count"))
        if not page:
            return entries, total
        entries += page


def comments(world: World, card_id: str) -> tuple[list[str], int]:
    found, total = walked(world, "comments", f"/tickets/{card_id}/comments", "omoios")
    return [one["content"] for one in found], total


def threads(world: World, card_id: str) -> list[str]:
    found, _ = walked(world, "comments", f"/cards/{card_id}/comments", "agentworks", "comments")
    return [one["content"] for one in found]


def documents(world: World) -> tuple[list[str], int]:
    found, total = walked(world, "documents", f"/projects/{world.project.id}/docs", "agentworks", "documents")
    return [one["id"] for one in found], total


def old_comments(world: World, card_id: str, number: int) -> list[Comment]:
    """Make comments as they were before lists were counted: without a count, and without a word about it in their rows."""
    first = create_comment(world.actor, card_id, NewComment("No. 0"))
    own = {"pk", "sk", "kind", "id", "created_at", "updated_at", "event", "event_id", "content", "counted_in"}
    common = {name: value for name, value in first.attribute_values.items() if name not in own}
    rows = [Comment.new(new_id() if at else first.id, **common, content=f"No. {at}") for at in range(number)]
    put_directly(rows)
    write(delete(Tally.at(comments_of(card_id), "")))
    return rows


@pytest.fixture
def clocks(monkeypatch) -> Iterator[Any]:
    """Let the writer's clock be wrong by so many seconds."""

    def wrong(seconds: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: NOW() + timedelta(seconds=seconds))

    yield wrong
    wrong(0)


@pytest.mark.parametrize(
    "skews", [(0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 60, 0), (60, 60, 60, 60, 0, 0, 0, 0, 60, 0), range(0, -10, -1)]
)
def test_a_comment_is_shown_once_whatever_its_writers_clock_says(world, clocks, skews):
    card = world.card()
    said = []
    for number, skew in enumerate(skews):
        clocks(skew)
        said.append(create_comment(world.actor, card.id, NewComment(f"No. {number}")))
        create_comment(world.actor, card.id, NewComment(f"Reply to {number}", parent_id=said[-1].id))
    clocks(0)
    found, total = comments(world, card.id)
    assert total == len(found) == 2 * len(skews)
    assert set(found) == {f"{what} {number}" for what in ("No.", "Reply to") for number in range(len(skews))}
    assert sorted(threads(world, card.id)) == sorted(one.content for one in said)


def test_a_document_is_shown_once_whatever_its_writers_clock_says(world, clocks):
    path, made = f"/projects/{world.project.id}/docs", []
    for number, skew in enumerate((0, 0, 0, 0, 60, 0, 0, 0, 0)):
        clocks(skew)
        body = {"type": "prd", "title": f"D{number}", "content": "Text"}
        made.append(world.ada("documents", "POST", path, body=body).json["id"])
    clocks(-60)
    for number, one in enumerate((*made[:3], *made[:3])):
        assert world.ada("documents", "PUT", f"/documents/{one}", body={"content": f"Text {number}"}).status == 200
    clocks(0)
    found, total = documents(world)
    assert (sorted(found), total) == (sorted(made), len(made))


def test_documents_that_change_for_ever_leave_no_empty_blocks(world):
    path = f"/projects/{world.project.id}/docs"
    made = [
        world.ada("documents", "POST", path, body={"type": "prd", "title": f"D{number}", "content": "Text"}).json["id"]
        for number in range(6)
    ]
    for number in range(36):
        changed = made.pop(0)
        assert world.ada("documents", "PUT", f"/documents/{changed}", body={"content": f"Text {number}"}).status == 200
        made.append(changed)
    counted = documents_of(world.project.id)
    assert len(query(Tally, counted.holder, prefix=f"TALLY#{counted.name}#").rows) <= 3
    assert documents(world) == (made[::-1], 6)
    for number in range(9):  # who is in the last block stays there
        assert world.ada("documents", "PUT", f"/documents/{made[-1]}", body={"content": f"Again {number}"}).status == 200
    assert len(query(Tally, counted.holder, prefix=f"TALLY#{counted.name}#").rows) <= 3
    assert documents(world) == (made[::-1], 6)


def test_a_list_that_began_before_it_was_counted_is_never_counted_in_part(world):
    card = world.card()
    old = old_comments(world, card.id, 7)
    assert comments(world, card.id) == ([f"No. {number}" for number in range(7)], 7)
    for number in range(7, 16):
        create_comment(world.actor, card.id, NewComment(f"No. {number}"))
    assert comments(world, card.id) == ([f"No. {number}" for number in range(16)], 16)
    delete_comment(world.actor, old[2].id)
    assert comments(world, card.id) == ([f"No. {number}" for number in range(16) if number != 2], 15)


def test_a_change_in_an_old_list_counts_nothing(world):
    card = world.card()
    old = old_comments(world, card.id, 4)
    delete_comment(world.actor, old[1].id)
    create_comment(world.actor, card.id, NewComment("No. 4"))
    assert comments(world, card.id) == (["No. 0", "No. 2", "No. 3", "No. 4"], 4)


def test_two_who_begin_a_list_count_it_both(world):
    card = world.card()
    with concurrently(lambda: create_comment(world.actor, card.id, NewComment("No. 4"))):
        create_comment(world.actor, card.id, NewComment("No. 5"))
    for number in range(6, 9):
        create_comment(world.actor, card.id, NewComment(f"No. {number}"))
    assert comments(world, card.id) == ([f"No. {number}" for number in range(4, 9)], 5)


def test_a_block_begins_while_its_entries_change(world):
    """Whoever changes the entries of a full block does not keep others from beginning the next one."""
    card = world.card()
    said = [create_comment(world.actor, card.id, NewComment(f"No. {number}")) for number in range(4)]
    with concurrently(lambda: delete_comment(world.actor, said[0].id)):
        late = create_comment(world.actor, card.id, NewComment("No. 4"))
    assert (late.counted_in, comments(world, card.id)) == ("~000001/", ([f"No. {number}" for number in range(1, 5)], 4))


@pytest.mark.parametrize("before", [0, 3])
def test_twenty_comments_at_once_are_all_taken_and_counted_once(world, monkeypatch, before):
    """The list begins, or a block of it begins, while all of them write."""
    monkeypatch.setattr(tallies, "BLOCK", 10)
    card = world.card()
    for number in range(before):
        create_comment(world.actor, card.id, NewComment(f"No. {number}"))
    with ThreadPoolExecutor(20) as pool:
        list(
            pool.map(lambda number: create_comment(world.actor, card.id, NewComment(f"No. {number}")), range(before, before + 20))
        )
    found, total = comments(world, card.id)
    assert (len(found), set(found), total) == (20 + before, {f"No. {number}" for number in range(20 + before)}, 20 + before)


def test_whoever_walks_a_list_comes_to_its_end_where_counts_are_ahead(world):
    """Index and counts are a moment old, each by its own: here the counts know comments that the index does not have."""
    card = world.card()
    said = [create_comment(world.actor, card.id, NewComment(f"No. {number}")) for number in range(12)]
    write(*(delete(one) for one in said[8:]))
    offset = 0
    for _ in said:
        page = world.ada("comments", "GET", f"/cards/{card.id}/comments?limit=2&offset={offset}").json
        if not page["pagination"]["hasMore"]:
            break
        offset += page["pagination"]["limit"]
    assert (page["pagination"]["hasMore"], offset) == (False, 10)


SKEWS = (0, 0, 0, 60, 0, 0, 0, -60, 0, 60, 0)


def test_a_project_is_shown_once_whatever_its_makers_clock_says(world, clocks):
    put_on_plan(world.ws_id, maxProjects=100)
    made = [world.project.id]
    for number, skew in enumerate(SKEWS):
        clocks(skew)
        made.append(create_project(world.actor, world.ws_id, NewProject(f"P{number}")).id)
    clocks(0)
    for change in (archive_project, restore_project, archive_project):
        for one in made[3:6]:
            change(world.actor, one)
    path = f"/workspaces/{world.ws_id}/projects"
    for wanted, expected in (("", made), ("?status=archived", made[3:6]), ("?status=active", [*made[:3], *made[6:]])):
        found, total = walked(world, "projects", f"{path}{wanted}", "agentworks", "projects")
        assert (sorted(one["id"] for one in found), total) == (sorted(expected), len(expected))


def test_a_run_is_shown_once_whatever_its_starters_clock_says(world, clocks):
    card, made = world.card(1), []
    for skew in SKEWS:
        clocks(skew)
        made.append(world.run(card, "completed").id)
    clocks(0)
    for wanted, expected in (("", made), ("?status=completed", made), ("?status=failed", [])):
        found, total = walked(world, "runs", f"/cards/{card.id}/runs{wanted}", "agentworks", "runs")
        assert (sorted(one["id"] for one in found), total) == (sorted(expected), len(expected))
