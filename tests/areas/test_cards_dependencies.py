"""agentworks: which card waits for which."""

import graphlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.events import get_event
from shared.store import collection, fetch, get
from shared.work.items import dependencies
from shared.work.items.dependencies import Dependency, DependencyGraph, create_dependency, open_blockers
from shared.work.items.rows import Item
from tests.areas.boards_world import World, create_world
from tests.examples import examples
from tests.kills import concurrently
from tests.trips import count_requests


def make(world: World, lane: int = 6, **fields) -> dict:
    body = {"laneId": world.lanes[lane].id, "title": "A card", "type": "task"} | fields
    return world.ada("cards", "POST", f"/boards/{world.board.id}/cards", body=body).json


def link(world: World, dependent: dict, on: dict, kind: str = "blocks", **more):
    return world.ada(
        "cards", "POST", f"/cards/{dependent['id']}/dependencies", body={"dependencyCardId": on["id"], "type": kind} | more
    )


def listed(world: World, card: dict) -> tuple[list[str], list[str]]:
    found = world.ada("cards", "GET", f"/cards/{card['id']}/dependencies").json
    return [one["dependencyCardId"] for one in found["blockedBy"]], [one["dependentCardId"] for one in found["blocking"]]


def edges(world: World) -> list[list[str]]:
    graph = get(DependencyGraph, *DependencyGraph.key(world.board.id))
    return graph.edges if graph else []


def summary(card: dict) -> dict:
    return {name: card[name] for name in ("id", "boardId", "laneId", "title", "type", "status", "priority", "position")}


def test_a_dependency_shows_at_both_ends(world):
    design, build = make(world, title="Design"), make(world, title="Build")
    with count_requests() as seen:
        answer = link(world, build, design)
    assert (answer.status, seen.names) == (201, ["BatchGetItem", "BatchGetItem", "TransactWriteItems"])
    made = answer.json
    assert made == {
        "id": made["id"],
        "dependentCardId": build["id"],
        "dependencyCardId": design["id"],
        "type": "blocks",
        "dependentCard": summary(build),
        "dependencyCard": summary(design),
        "createdBy": {"id": world.ada.user["id"], "name": "Ada Lovelace", "email": "ada@example.com"},
        "createdAt": made["createdAt"],
    }
    assert (listed(world, build), listed(world, design)) == (([design["id"]], []), ([], [build["id"]]))
    with count_requests() as seen:
        found = world.ada("cards", "GET", f"/cards/{build['id']}/dependencies")
    assert (found.json["blockedBy"], seen.names, seen.beside) == ([made], ["BatchGetItem", "BatchGetItem"], ["Query"])
    assert world.ada("cards", "GET", f"/cards/{design['id']}").json["dependencies"] == [made]
    row = fetch(Dependency, made["id"])
    assert (get_event(row).type, get_event(row).data["to_item_id"], row.item_id) == (
        "dependency.added",
        design["id"],
        build["id"],
    )
    assert [one.kind for one in collection(1, f"ITEM#{design['id']}", "DEP#")] == ["DEP"]
    assert get(Dependency, f"DEP#{made['id']}", "BACK").event is None


def test_a_board_without_dependencies_takes_none(world):
    body = {"settings": {"enableCardDependencies": False}}
    assert world.ada("boards", "PUT", f"/boards/{world.board.id}", body=body).status == 200
    answer = link(world, make(world), make(world))
    assert (answer.status, "switched off" in answer.json["error"]["details"]["reason"]) == (409, True)


def test_a_removed_dependency_is_gone_and_may_come_back(world):
    design, build = make(world), make(world)
    made = link(world, build, design).json
    assert world.ada("cards", "DELETE", f"/dependencies/{made['id']}").status == 204
    assert (listed(world, build), listed(world, design), edges(world)) == (([], []), ([], []), [])
    again = world.ada("cards", "DELETE", f"/dependencies/{made['id']}")
    assert (again.status, again.json["error"]["code"]) == (404, "DEPENDENCY_NOT_FOUND")
    assert get_event(fetch(Dependency, made["id"])).type == "dependency.removed"
    assert link(world, build, design).status == 201
    assert listed(world, build) == ([design["id"]], [])


def test_the_same_dependency_is_one(world):
    design, build = make(world), make(world)
    assert [link(world, build, design).status for _ in range(2)] == [201, 409]
    assert link(world, build, design, "relates_to").status == 201
    assert listed(world, build) == ([design["id"]] * 2, [])


def test_a_circle_is_refused(world):
    a, b, c = make(world), make(world), make(world)
    assert link(world, a, a).json["validationErrors"][0]["field"] == "dependencyCardId"
    assert (link(world, a, b).status, link(world, b, c).status) == (201, 201)
    refused = link(world, c, a)
    assert (refused.status, refused.json["error"]["code"]) == (409, "CONFLICT")
    assert refused.json["error"]["details"]["cardIds"] == [c["id"], a["id"], b["id"], c["id"]]
    assert link(world, c, a, "relates_to").status == 201  # only `blocks` makes an order
    assert edges(world) == [[a["id"], b["id"]], [b["id"], c["id"]]]


def test_a_deleted_card_is_in_nobodys_way(world):
    a, b, c = make(world), make(world), make(world)
    link(world, a, b), link(world, b, c)
    world.ada("cards", "DELETE", f"/cards/{b['id']}")
    assert (listed(world, a), listed(world, c)) == (([], []), ([], []))
    assert world.ada("cards", "GET", f"/cards/{a['id']}").json["dependencies"] == []
    assert link(world, c, a).status == 201
    assert edges(world) == [[c["id"], a["id"]]]
    assert open_blockers(fetch(Item, a["id"])) == []


def test_two_opposite_dependencies_at_once_make_no_circle(world):
    """The other one lands between our look at the graph and our write."""
    a, b = make(world), make(world)
    with (
        concurrently(lambda: create_dependency(world.actor, b["id"], a["id"], "blocks")) as ours,
        pytest.raises(Conflict) as refused,
    ):
        create_dependency(world.actor, a["id"], b["id"], "blocks")
    assert (refused.value.situation, ours.happened) == (Situation.DEPENDENCY_CYCLE, True)
    assert edges(world) == [[b["id"], a["id"]]]
    assert listed(world, a) == ([], [b["id"]])


def test_a_board_holds_so_many_edges_of_living_cards(world, monkeypatch):
    monkeypatch.setattr(dependencies, "MAX_EDGES", 2)
    a, b, c, d = (make(world) for _ in range(4))
    assert [link(world, a, b).status, link(world, a, c).status] == [201, 201]
    answer = link(world, a, d)
    assert (answer.status, answer.json["error"]["code"]) == (403, "LIMIT_EXCEEDED")
    world.ada("cards", "DELETE", f"/cards/{b['id']}")
    assert link(world, a, d).status == 201
    assert edges(world) == [[a["id"], c["id"]], [a["id"], d["id"]]]


def test_both_cards_must_be_there_and_ours(world):
    other = create_world("eve@example.com", "Eve")
    card, theirs = make(world), make(other)
    for dependent, on in ((card, theirs), (theirs, card), (card, {"id": new_id()}), (card, {"id": "x"}), ({"id": "x"}, card)):
        answer = link(world, dependent, on)
        assert (answer.status, answer.json["error"]["code"]) == (404, "CARD_NOT_FOUND")
    made = link(other, theirs, make(other)).json
    assert world.ada("cards", "DELETE", f"/dependencies/{made['id']}").status == 404
    assert link(world, card, make(world), "causes").status == 422
    assert link(world, card, make(world), note="x").json["validationErrors"][0]["field"] == "note"


def test_a_card_waits_before_it_is_done(world):
    design, build, note = make(world, title="Design"), make(world), make(world)
    link(world, build, design), link(world, build, note, "relates_to")

    def finish(card, how: str):
        if how == "status":
            return world.ada("cards", "PUT", f"/cards/{card['id']}", body={"status": "done"})
        return world.ada("cards", "POST", f"/cards/{card['id']}/move", body={"toLaneId": world.lanes[10].id})

    for how in ("status", "move"):
        refused = finish(build, how)
        assert (refused.status, refused.json["error"]["code"]) == (422, "INVALID_LANE_TRANSITION")
        details = refused.json["error"]["details"]
        assert "Design" in details.pop("reason")
        assert details == {"rule": "dependency", "cardIds": [design["id"]]}
    assert finish(design, "status").status == 200
    assert finish(build, "move").status == 200


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda edge: edge[0] != edge[1]), max_size=30))
def test_edges_taken_one_by_one_never_make_a_circle_and_none_is_refused_for_nothing(wanted):
    """Against the standard library's own judge of circles."""
    held: list[list[str]] = []
    for dependent, on in ((str(a), str(b)) for a, b in wanted):
        path = dependencies.find_path(held, [on], dependent)
        try:
            tuple(graphlib.TopologicalSorter(_predecessors([*held, [dependent, on]])).static_order())
        except graphlib.CycleError:
            assert (path[0], path[-1]) == (on, dependent)
            assert all([before, after] in held for before, after in itertools.pairwise(path))
        else:
            assert path == []
            held.append([dependent, on])


def _predecessors(edges: list[list[str]]) -> dict[str, set[str]]:
    waits_for: dict[str, set[str]] = {}
    for dependent, on in edges:
        waits_for.setdefault(dependent, set()).add(on)
    return waits_for


def test_one_walk_finds_the_way_from_any_of_many():
    class Edges(list):
        walks = 0

        def __iter__(self):
            Edges.walks += 1
            return super().__iter__()

    edges = Edges([["a", "b"], ["b", "c"], ["d", "c"], ["e", "f"]])
    assert dependencies.find_path(edges, ["e", "d", "a"], "c") == ["d", "c"]
    assert dependencies.find_path(edges, ["e", "f"], "c") == []
    assert Edges.walks == 2
