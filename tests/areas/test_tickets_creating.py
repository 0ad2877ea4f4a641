"""omoios: creating tickets, listing them, and finding those that are there already."""

import pytest

from shared.core.actor import Role
from shared.core.ids import new_id
from shared.planning.duplicates import finding
from shared.planning.tickets.creating import NewTicket, create_ticket
from shared.store import fetch, fetch_all, index_rows
from shared.work.items.creating import NewItem, create_item
from shared.work.items.dependencies import DependencyGraph, get
from shared.work.items.rows import Item
from shared.work.projects.creating import NewProject, create_project
from shared.work.tasks.rows import Task, tasks_of_card
from tests.areas.boards_world import World, create_world
from tests.areas.driving import sign_up
from tests.areas.many_cards import add_cards, like
from tests.filed_cards import check_board
from tests.kills import crash_at_every_write
from tests.trips import count_requests


def ask(world: World, method: str, path: str, body=None, client=None):
    return (client or world.ada).at("omoios")("cards", method, path, body=body)


def make(world: World, title: str, status: int = 201, **fields):
    answer = ask(world, "POST", "/tickets", {"title": title, "project_id": world.project.id} | fields)
    assert answer.status == status, answer.text
    return answer.json


def tasks_of(ticket_id: str) -> list[Task]:
    return fetch_all(Task, [row.id for row in index_rows(2, tasks_of_card(ticket_id))])


# -- creating


@pytest.mark.parametrize(
    ("phase", "task"),
    [(None, "analyze_requirements"), ("PHASE_INITIAL", "analyze_requirements"), ("PHASE_IMPLEMENTATION", "implement_feature")],
)
def test_a_ticket_comes_with_its_first_task(world, phase, task):
    made = make(world, "Login", description="A form", priority="HIGH", **({"phase_id": phase} if phase else {}))
    expected = {"title": "Login", "description": "A form", "priority": "HIGH", "status": "open", "approval_status": "approved"}
    assert made.items() >= (expected | {"project_id": world.project.id}).items()
    assert made["phase_id"] == ("PHASE_IMPLEMENTATION" if task == "implement_feature" else "PHASE_REQUIREMENTS")
    (first,) = tasks_of(made["id"])
    assert (first.task_type, first.status, first.priority, first.phase_id) == (task, "pending", "high", made["phase_id"])
    assert ask(world, "GET", f"/tickets/{made['id']}").json == made
    assert world.ada("cards", "GET", f"/cards/{made['id']}").json["title"] == "Login"
    check_board(world.board.id)


def test_a_ticket_without_a_project_is_made_in_the_one_that_was_active_last(world):
    answer = ask(world, "POST", "/tickets", {"title": "Somewhere"})
    assert (answer.status, answer.json["project_id"]) == (201, world.project.id)
    nobody = sign_up("Nora", "nora@example.com").at("omoios")
    refused = nobody("cards", "POST", "/tickets", body={"title": "Nowhere"})
    detail = {"field": "project_id", "message": "You have no project yet: create one, or name it here"}
    assert (refused.status, refused.json["error"]["details"]) == (422, [detail])


def test_who_may_create_and_where(world):
    body = {"title": "T", "project_id": world.project.id}
    vera = world.join("Vera", "vera@example.com", Role.VIEWER)
    assert ask(world, "POST", "/tickets", body, vera).status == 403
    eve = create_world("eve@example.com", "Eve").ada
    assert ask(world, "POST", "/tickets", body, eve).status == 404
    assert ask(world, "POST", "/tickets/check-duplicates", body, eve).status == 404
    assert ask(world, "GET", f"/tickets?project_id={world.project.id}", client=eve).status == 404
    assert make(world, "T", 422, phase_id="PHASE_BLOCKED")["error"]["details"][0]["field"] == "phase_id"
    world.archive()
    assert make(world, "T", 409)["error"]["code"] == "CONFLICT"


def test_dependencies_are_made_with_the_ticket_or_nothing_is(world):
    before, after = world.card(1, "First"), world.card(6, "Last")
    links = {"blocked_by": [before.id], "blocks": [after.id]}
    made = make(world, "Between", dependencies=links)
    graph = get(DependencyGraph, *DependencyGraph.key(world.board.id))
    assert graph.edges == [[made["id"], before.id], [after.id, made["id"]]]
    shown = world.ada("cards", "GET", f"/cards/{made['id']}").json["dependencies"]
    assert len(shown) == 2
    cards = world.counts().cards
    for wrong, status in (
        ({"blocked_by": [new_id()]}, 404),
        ({"blocked_by": ["ticket-1"]}, 404),
        ({"blocked_by": [after.id], "blocks": [before.id]}, 400),  # a cycle
        ({"blocks": [str(new_id()) for _ in range(31)]}, 422),
    ):
        make(world, f"Wrong {status}", status, dependencies=wrong)
    assert world.counts().cards == cards
    assert get(DependencyGraph, *DependencyGraph.key(world.board.id)).edges == graph.edges
    refused = ask(world, "POST", f"/tickets/{after.id}/transition", {"to_status": "done", "force": True})
    assert refused.json["error"]["details"] == {
        "reason": "The ticket depends on 1 unfinished ticket: Between", "rule": "dependency", "ticket_ids": [made["id"]]
    }  # fmt: skip


def test_a_ticket_elsewhere_is_no_dependency(world):
    other = create_project(world.actor, world.ws_id, NewProject(name="Other"))
    card = create_item(world.actor, other.board_id, NewItem("E", "task", phase_id="PHASE_DESIGN"))
    refused = make(world, "T", 422, dependencies={"blocked_by": [card.id]})
    assert refused["error"]["details"][0]["field"] == "dependencies"


def test_a_crash_leaves_a_whole_ticket_or_none(world):
    blocker = world.card(0)
    for process in crash_at_every_write():
        with process:
            create_ticket(world.actor, world.project.id, NewTicket("Whole", blocked_by=[blocker.id], force=True))
    whole = [item for item in check_board(world.board.id) if item.title == "Whole"]
    assert whole
    for item in whole:
        assert len(tasks_of(item.id)) == 1
        assert world.ada("cards", "GET", f"/cards/{item.id}").json["dependencies"]


# -- duplicates


def test_a_ticket_like_another_is_answered_with_it(world):
    first = make(world, "Users cannot log in with Google", description="Since yesterday.")
    found = make(world, "Google login fails for users", 200)
    assert (found["is_duplicate"], found["message"]) == (True, "There is a ticket like it: Users cannot log in with Google")
    (candidate,) = found["candidates"]
    shown = {"ticket_id": first["id"], "title": first["title"], "description": "Since yesterday.", "status": "open"}
    assert candidate.items() >= shown.items()
    assert candidate["similarity_score"] == found["highest_similarity"] >= 0.85
    assert world.counts().cards == 1
    assert make(world, "Google login fails for users", force_create=True)["id"] != first["id"]
    assert make(world, "Google login fails for users", check_duplicates=False)["id"]
    assert make(world, "Google login fails", 200, similarity_threshold=0.3)["is_duplicate"]
    check_board(world.board.id)


def test_a_finished_or_deleted_ticket_is_in_nobodys_way(world):
    done, gone = world.card(7, "Rotate the signing keys"), world.card(7, "Write the onboarding guide")
    assert ask(world, "POST", f"/tickets/{done.id}/transition", {"to_status": "done"}).status == 200
    world.ada("cards", "DELETE", f"/cards/{gone.id}")
    found = ask(world, "POST", "/tickets/check-duplicates", {"title": "Rotate the signing keys"}).json
    assert (found["is_duplicate"], [one["status"] for one in found["candidates"]]) == (False, ["done"])
    assert found["message"] == "A finished ticket is like it: Rotate the signing keys"
    found = ask(world, "POST", "/tickets/check-duplicates", {"title": "Write the onboarding guide"}).json
    assert found["candidates"] == []
    make(world, "Rotate the signing keys")
    make(world, "Write the onboarding guide")


def test_candidates_are_the_most_similar_first_and_so_many(world):
    for number in range(8):
        world.card(0, f"Search is slow with {number} cards")
    world.card(0, "Search is slow with many cards")
    body = {"title": "Slow search with many cards", "similarity_threshold": 0.2, "top_k": 3}
    found = ask(world, "POST", "/tickets/check-duplicates", body).json
    scores = [one["similarity_score"] for one in found["candidates"]]
    assert (len(scores), scores) == (3, sorted(scores, reverse=True))
    assert found["candidates"][0]["title"] == "Search is slow with many cards"
    found = ask(world, "POST", "/tickets/check-duplicates", {"title": "Choose a font for the brand"}).json
    assert found == {
        "is_duplicate": False, "message": "There is no ticket like it", "candidates": [], "highest_similarity": 0.0
    }  # fmt: skip
    for wrong in ({"top_k": 0}, {"top_k": 21}, {"similarity_threshold": 1.1}, {"title": ""}):
        assert ask(world, "POST", "/tickets/check-duplicates", {"title": "T"} | wrong).status == 422


def test_of_a_large_board_few_cards_are_read(world, monkeypatch):
    prototype = world.card(0, "Prototype")
    for words in ("Translate the web page", "Search is slow", "Add filters to the list", "Fix the layout of the editor"):
        template = like(prototype, title=words, description=f"{words} as soon as possible. " * 6)
        add_cards(world, template, range(10, 1_010))
    wanted = world.card(0, "Users cannot log in with Google")
    body = {"title": "Google login fails for users", "project_id": world.project.id}
    ask(world, "POST", "/tickets/check-duplicates", body)  # the rate window has begun
    embedded: list[int] = []
    real = finding.HashedEmbedder.embed
    monkeypatch.setattr(finding.HashedEmbedder, "embed", lambda self, texts: embedded.append(len(texts)) or real(self, texts))
    with count_requests() as seen:
        found = ask(world, "POST", "/tickets/check-duplicates", body).json
    assert [one["ticket_id"] for one in found["candidates"]] == [wanted.id]
    assert seen.count <= 3
    assert sum(embedded) <= 2 * 2 * finding.COMPARED + 2 * 2 * finding.READ + 6
    body["title"] = "The list needs filters"
    assert (
        len(ask(world, "POST", "/tickets/check-duplicates", body | {"similarity_threshold": 0.1, "top_k": 20}).json["candidates"])
        == 20
    )


# -- listing


def listed(world: World, query: str = "") -> tuple[list[str], int]:
    answer = ask(world, "GET", f"/tickets?project_id={world.project.id}{query}")
    assert answer.status == 200, answer.text
    return [one["title"] for one in answer.json["tickets"]], answer.json["total"]


def test_tickets_are_listed_in_the_order_of_the_board(world):
    for lane, title in ((6, "C"), (0, "A"), (3, "B"), (6, "D")):
        world.card(lane, title, priority="high" if title == "D" else "medium")
    assert listed(world) == (["A", "B", "C", "D"], 4)
    assert listed(world, "&limit=2&offset=1") == (["B", "C"], 4)
    assert listed(world, "&phase_id=PHASE_REFACTORING") == (["C", "D"], 2)
    assert listed(world, "&phase_id=PHASE_IMPLEMENTATION&limit=1&offset=1") == (["D"], 2)
    assert listed(world, "&priority=HIGH") == (["D"], 1)
    assert listed(world, "&search=d&priority=high") == (["D"], 1)
    assert listed(world, "&phase_id=PHASE_NOWHERE") == ([], 0)
    assert ask(world, "GET", "/tickets").json["total"] == 4


def test_tickets_are_filtered_by_each_vocabulary_of_statuses(world):
    cards = {lane: world.card(lane, f"L{lane}") for lane in (0, 1, 3, 6, 7, 8)}
    ask(world, "POST", f"/tickets/{cards[6].id}/block?blocker_type=environment")
    ask(world, "POST", f"/tickets/{cards[7].id}/transition", {"to_status": "done"})
    ask(world, "POST", f"/tickets/{cards[8].id}/transition", {"to_status": "in_progress"})
    for status, titles in (
        ("open", ["L0", "L1", "L3", "L6"]), ("in_progress", ["L8"]), ("done", ["L7"]), ("blocked", ["L6"]), ("backlog", ["L0"]),
        ("analyzing", ["L1", "L3"]), ("building", []), ("building-done", ["L8"]),
    ):  # fmt: skip
        assert listed(world, f"&status={status}") == (titles, len(titles)), status
    assert ask(world, "GET", "/tickets?status=flying").status == 422


def test_the_row_of_a_ticket_is_a_cards(world):
    made = make(world, "Login")
    item = fetch(Item, made["id"])
    assert (item.type, item.status, item.approval_status, item.approval) == ("task", "draft", None, None)
