"""Lists go on past every number: a page at any depth is three trips at most, and totals are exact."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from bench.trips import costing
from shared.core import clock
from shared.core.ids import new_id
from shared.events import Event, EventType
from shared.store import fetch, page_of, tallies, update, write
from shared.work.activities.rows import Activity, new_activity
from shared.work.comments.rows import Comment, comments_of
from shared.work.comments.writing import NewComment, create_comment
from shared.work.projects.rows import Project, ProjectStats, projects_of
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.kills import concurrently
from tests.seeding import put_counted, put_directly
from tests.trips import count_requests

MOST = 3
"""Round trips of a page, access included."""


def page(world: World, area: str, path: str, contract: str = "agentworks", most: int = MOST) -> Any:
    """A page, which takes three trips at most."""
    with count_requests() as seen:
        answer = world.ada.at(contract)(area, "GET", path)
    assert answer.status == 200, answer.text
    assert seen.count <= most, (path, str(seen))
    return answer


@pytest.fixture
def small_blocks(monkeypatch):
    """Lists are long from five entries on, and have blocks of four."""
    monkeypatch.setattr(tallies, "BLOCK", 4)
    monkeypatch.setattr(tallies, "_HEAD", 2)


def test_comments_past_five_thousand_are_paged_in_three_trips(world):
    card = world.card()
    first = create_comment(world.actor, card.id, NewComment("First"))
    own = {"pk", "sk", "kind", "id", "created_at", "updated_at", "event", "event_id", "content"}
    common = {name: value for name, value in first.attribute_values.items() if name not in own}
    rows = [first, *(Comment.new(new_id(), **common, content=f"No. {number}") for number in range(1, 5_100))]
    put_counted(comments_of(card.id), rows)
    threads = page(world, "comments", f"/cards/{card.id}/comments?limit=40&offset=5040").json
    assert [one["content"] for one in threads["comments"]] == [f"No. {number}" for number in range(5_040, 5_080)]
    assert (threads["total"], threads["pagination"]["total"]) == (5_100, 5_100)
    flat = page(world, "comments", f"/tickets/{card.id}/comments?limit=200&offset=5050", "omoios")
    assert (len(flat.json), flat.json[-1]["content"], flat.header("X-Total-Count")) == (50, "No. 5099", "5100")


def walked(read: Callable[[int], tuple[list[Any], int]], step: int) -> list[Any]:
    """Walk through all pages of a list; each says how many entries there are in all."""
    entries, total = read(0)
    while len(entries) < total:
        more, again = read(len(entries))
        assert (len(more), again) == (min(step, total - len(entries)), total)
        entries += more
    return entries


def test_threads_are_whole_in_a_long_list(world, small_blocks):
    card = world.card()
    path = f"/cards/{card.id}/comments"

    def say(content: str, parent: str | None = None) -> str:
        body = {"content": content} | ({"parentCommentId": parent} if parent else {})
        return str(world.ada("comments", "POST", path, body=body).json["id"])

    roots = [say(f"Root {number}") for number in range(9)]
    for number in (0, 5, 7):
        below = say(f"Reply to {number}", roots[number])
        say(f"Reply to the reply to {number}", below)
    for removed in (roots[2], roots[5]):
        assert world.ada("comments", "DELETE", f"/comments/{removed}").status == 204
    shown, offset = [], 0
    while True:
        found = page(world, "comments", f"{path}?limit=2&offset={offset}").json
        shown += found["comments"]
        assert (found["total"], found["pagination"]["total"]) == (13, 9)
        if not found["pagination"]["hasMore"]:
            break
        offset += found["pagination"]["limit"]
    assert [one["id"] for one in shown] == [one for one in roots if one != roots[2]]
    assert [len(one.get("replies", [])) for one in shown] == [1, 0, 0, 0, 1, 0, 1, 0]
    assert shown[-2]["replies"][0]["replies"][0]["content"] == "Reply to the reply to 7"

    def flat(offset: int) -> tuple[list[Any], int]:
        answer = page(world, "comments", f"/tickets/{card.id}/comments?limit=3&offset={offset}", "omoios")
        return [one["id"] for one in answer.json], int(answer.header("X-Total-Count"))

    assert walked(flat, 3)[:2] == roots[:2]


def test_runs_are_filtered_at_any_depth(world, small_blocks):
    put_on_plan(world.ws_id)
    card = world.card(1, "A doc")
    ids = []
    for number in range(11):
        agent = ("prd", "mvp_scope")[number % 3 == 0]
        started = world.ada("runs", "POST", f"/cards/{card.id}/agents/{agent}/run", body={})
        assert started.status == 202, started.text
        ids.insert(0, (started.json["run"]["id"], agent))
        if number < 10:
            assert world.ada("runs", "POST", f"/runs/{ids[0][0]}/cancel").status == 202

    def of(query: str) -> list[str]:
        def read(offset: int) -> tuple[list[str], int]:
            found = page(world, "runs", f"/cards/{card.id}/runs?limit=2&offset={offset}{query}").json
            return [one["id"] for one in found["runs"]], found["total"]

        return walked(read, 2)

    assert of("") == [run for run, _ in ids]
    assert of("&status=pending") == [ids[0][0]]
    assert of("&status=failed") == []
    assert of("&agentId=prd&status=cancelled") == [run for run, agent in ids[1:] if agent == "prd"]


def test_documents_come_last_changed_first_at_any_depth(world, small_blocks):
    path, made = f"/projects/{world.project.id}/docs", []
    for number in range(11):
        body = {"type": ("prd", "mvp")[number % 2], "title": f"D{number}", "content": "Text"}
        made.insert(0, world.ada("documents", "POST", path, body=body).json["id"])
    for number in (10, 3, 10, 6):
        changed = made.pop(number)
        assert world.ada("documents", "PUT", f"/documents/{changed}", body={"content": f"Text {number}"}).status == 200
        made.insert(0, changed)
    archived = made.pop(4)
    assert world.ada("documents", "PUT", f"/documents/{archived}", body={"status": "archived"}).status == 200

    def of(query: str) -> list[Any]:
        def read(offset: int) -> tuple[list[Any], int]:
            found = page(world, "documents", f"{path}?limit=2&offset={offset}{query}").json
            return found["documents"], found["total"]

        return walked(read, 2)

    everything = [one["id"] for one in of("&status=draft")]
    assert everything == made
    prds = [one["id"] for one in of("&type=prd&status=draft")]
    assert prds == [one for one in made if one in prds]
    assert 3 < len(prds) < 8
    assert [one["id"] for one in of("&status=archived")] == [archived]


def test_activities_are_walked_by_cursor_to_their_end(world):
    card = world.card()
    event = Event(new_id(), EventType.ITEM_UPDATED, world.actor.summary, card.created_at, {"title": ["A", "B"]}, {})
    common = {
        name: value
        for name, value in new_activity(card, event).attribute_values.items()
        if name not in ("pk", "sk", "kind", "id")
    }
    common = {name: value for name, value in common.items() if name not in ("created_at", "updated_at")}
    rows = [Activity.new(new_id(), **common) for _ in range(250)]
    put_directly(rows)
    path = f"/cards/{card.id}/activities?limit=100"
    shown: list[str] = []
    found = page(world, "comments", path).json
    while True:
        shown += [one["id"] for one in found["activities"]]
        assert found["total"] == 250
        if not found["pagination"]["hasMore"]:
            break
        found = page(world, "comments", f"{path}&cursor={found['pagination']['nextCursor']}").json
    assert shown == sorted((row.id for row in rows), reverse=True)
    eve = create_world("eve@example.com", "Eve")
    foreign = page(world, "comments", path).json["pagination"]["nextCursor"]
    answer = eve.ada("comments", "GET", f"/cards/{eve.card().id}/activities?cursor={foreign}")
    assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, "cursor")


def test_projects_of_any_number_in_every_order(world, small_blocks):
    put_on_plan(world.ws_id, maxProjects=100)
    path = f"/workspaces/{world.ws_id}/projects"
    names = [world.project.name, *(f"P{number:02}" for number in (7, 3, 9, 1, 5, 8, 2, 6))]
    made = [world.project.id]
    for name in names[1:]:
        answer = world.ada("projects", "POST", path, body={"name": name, "slug": name.lower()})
        assert answer.status == 201, answer.text
        made.append(answer.json["id"])
    assert world.ada("projects", "POST", f"/projects/{made[4]}/archive").status == 202
    active_at(made[2], clock.now() + timedelta(minutes=1))

    def of(query: str) -> list[Any]:
        def read(offset: int) -> tuple[list[Any], int]:
            found = page(world, "projects", f"{path}?limit=2&offset={offset}{query}").json
            return [one["id"] for one in found["projects"]], found["total"]

        return walked(read, 2)

    assert of("") == made[::-1]
    assert of("&sortOrder=asc") == made
    assert of("&status=active") == [one for one in made[::-1] if one != made[4]]
    assert of("&sortBy=name") == [one for _, one in sorted(zip(map(str.casefold, names), made, strict=True))]
    assert of("&search=p0&status=archived") == [made[4]]
    assert of("&sortBy=lastActivity")[:2] == [made[2], made[4]]
    assert of("&sortBy=lastActivity&status=archived") == [made[4]]
    assert world.ada("projects", "PUT", f"/projects/{made[5]}", body={"name": "ÄRGER"}).status == 200
    assert of("&sortBy=updatedAt")[:2] == [made[5], made[4]]
    assert of("&sortBy=name&sortOrder=desc")[:2] == [made[5], made[3]]
    assert world.ada("projects", "POST", f"/projects/{made[4]}/restore").status < 300
    assert of("&sortBy=lastActivity&status=archived") == []
    assert of("&sortBy=updatedAt&status=active")[:2] == [made[4], made[5]]
    assert of("&sortBy=lastActivity&sortOrder=asc")[-2:] == [made[4], made[2]]

    def visible(offset: int) -> tuple[list[Any], int]:
        answer = page(world, "projects", f"/projects?limit=2&offset={offset}", "omoios")
        return [one["id"] for one in answer.json], int(answer.header("X-Total-Count"))

    assert walked(visible, 2) == made[::-1]


def active_at(project_id: str, moment: datetime) -> None:
    write(update(ProjectStats(*ProjectStats.key(project_id)), ProjectStats.activity(project_id, clock.iso(moment))))


def many_projects(world: World, number: int) -> list[Project]:
    """Projects in the workspace beside its first one, with their statistics, as they are when they are made."""
    first = fetch(Project, world.project.id)
    own = {"pk", "sk", "kind", "id", "created_at", "updated_at", "event", "event_id", "proj_id", "name"}
    common = {name: value for name, value in first.attribute_values.items() if name not in own}
    ids = [new_id() for _ in range(number)]
    rows = [Project.new(one, **common, proj_id=one, name=f"Shop {place:05}") for place, one in enumerate(ids)]
    put_counted(projects_of(world.ws_id), [first, *rows])
    put_directly(
        [
            ProjectStats.new(one, ws_id=world.ws_id, proj_id=one, last_activity=row.created_at)
            for one, row in zip(ids, rows, strict=True)
        ]
    )
    return rows


def test_a_page_of_projects_in_any_order_reads_what_it_shows(world):
    """By name, a page of 10,000 projects cost 531 units, by last activity 755."""
    rows = many_projects(world, 1_200)
    assert world.ada("projects", "POST", f"/projects/{rows[7].id}/archive").status == 202
    active = [row.id for row in rows if row is not rows[7]]
    for order in ("name", "updatedAt", "lastActivity"):
        path = f"/workspaces/{world.ws_id}/projects?sortBy={order}&sortOrder=asc&limit=50"
        with costing() as cost:
            found = page(world, "projects", f"{path}&status=active&offset=100").json
        assert found["total"] == 1_200
        before = world.project.name.casefold() < "shop" or order != "name"  # where the first project stands
        assert [one["id"] for one in found["projects"]] == active[100 - before : 150 - before]
        assert cost.reads < 100  # three rows of each project, half a unit a row; 150 entries of the index
        assert [one["id"] for one in page(world, "projects", f"{path}&status=archived").json["projects"]] == [rows[7].id]
        assert page(world, "projects", f"{path}&offset=1100").json["total"] == 1_201


def test_projects_of_before_the_orders_are_sorted_as_all(world):
    """They are not in the index by name until they are written: the counts say that some are missing."""
    path = f"/workspaces/{world.ws_id}/projects"
    made = world.ada("projects", "POST", path, body={"name": "A first one", "slug": "first"}).json["id"]
    old = Project(*Project.key(world.project.id))
    write(update(old, [Project.gsi2pk.remove(), Project.gsi2sk.remove()]))
    for page_of_one in (f"{path}?sortBy=name&limit=5", f"{path}?sortBy=name&limit=1&offset=1"):
        found = world.ada("projects", "GET", page_of_one).json
        assert found["total"] == 2
        assert [one["id"] for one in found["projects"]] == [made, world.project.id][-len(found["projects"]) :]


def test_projects_of_several_long_workspaces_are_three_trips(world, small_blocks):
    """Their blocks were read one workspace after the other, and nothing before it was known who asks."""
    put_on_plan(world.ws_id, maxProjects=100)
    other = world.ada("workspaces", "POST", "/workspaces", body={"name": "Other", "slug": "other-one"})
    assert other.status == 201, other.text
    put_on_plan(other.json["id"], maxProjects=100)
    made = [world.project.id]
    for number in range(14):
        workspace = (world.ws_id, other.json["id"])[number % 2]
        answer = world.ada("projects", "POST", f"/workspaces/{workspace}/projects", body={"name": "P", "slug": f"p{number}"})
        assert answer.status == 201, answer.text
        made.append(answer.json["id"])
    world.ada.at("omoios")("projects", "GET", "/projects")  # the process knows the caller's workspaces

    def visible(offset: int) -> tuple[list[Any], int]:
        answer = page(world, "projects", f"/projects?limit=3&offset={offset}", "omoios")
        return [one["id"] for one in answer.json], int(answer.header("X-Total-Count"))

    assert walked(visible, 3) == made[::-1]
    assert world.ada("workspaces", "DELETE", f"/workspaces/{other.json['id']}").status < 300
    left = [one for number, one in enumerate(made) if number % 2 or not number]
    assert walked(visible, 3) == left[::-1]  # what the process knew is no permission
    joined = world.ada("workspaces", "POST", "/workspaces", body={"name": "Later", "slug": "later-one"}).json["id"]
    put_on_plan(joined, maxProjects=100)
    added = world.ada("projects", "POST", f"/workspaces/{joined}/projects", body={"name": "P", "slug": "p"}).json["id"]
    assert visible(0) == ([added, *left[:-3:-1]], len(left) + 1)  # nor does it hide what is new


def test_projects_by_last_activity_are_three_trips_where_many_are(world, monkeypatch):
    """Each has its own statistics: 34 round trips for a thousand of them before."""
    first = fetch(Project, world.project.id)
    own = {"pk", "sk", "kind", "id", "created_at", "updated_at", "event", "event_id", "proj_id"}
    common = {name: value for name, value in first.attribute_values.items() if name not in own}
    rows = [Project.new(one, **common, proj_id=one) for one in (new_id() for _ in range(1_000))]
    put_counted(projects_of(world.ws_id), [first, *rows])
    seen = [ProjectStats.new(row.id, ws_id=world.ws_id, proj_id=row.id, last_activity="2099") for row in rows[400:500]]
    put_directly(seen)
    found = page(world, "projects", f"/workspaces/{world.ws_id}/projects?sortBy=lastActivity&limit=100").json
    assert found["total"] == 1_001
    assert {one["id"] for one in found["projects"]} == {row.proj_id for row in seen}


def test_those_who_write_at_once_begin_one_block(world, small_blocks):
    """Two write the comment that no longer fits into the last block: each is counted once, where it stands."""
    card = world.card()
    for number in range(4):
        create_comment(world.actor, card.id, NewComment(f"No. {number}"))
    others = []
    with concurrently(lambda: others.append(create_comment(world.actor, card.id, NewComment("No. 4")))):
        create_comment(world.actor, card.id, NewComment("No. 5"))

    def flat(offset: int) -> tuple[list[Any], int]:
        answer = page(world, "comments", f"/tickets/{card.id}/comments?limit=1&offset={offset}", "omoios")
        return [one["content"] for one in answer.json], int(answer.header("X-Total-Count"))

    assert walked(flat, 1) == [f"No. {number}" for number in range(6)]


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
    found = page(world, "cards", f"/boards/{world.board.id}/cards?search=card&limit=2&offset=1").json
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
