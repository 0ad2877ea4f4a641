"""omoios: the graph of tasks, tickets and discoveries; the longest chain against another way of finding it."""

import itertools
from graphlib import TopologicalSorter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.ids import new_id
from shared.planning.graph.paths import longest_chain
from shared.work.items.dependencies import create_dependency
from tests.areas.boards_world import World, create_world
from tests.areas.test_tasks_discoveries import report, spawn
from tests.areas.test_tasks_omoios import add, ask, put
from tests.examples import examples


def graph(world: World, path: str) -> dict:
    answer = ask(world, "GET", f"/graph/dependency-graph/{path}")
    assert answer.status == 200, answer.text
    return answer.json


def nodes(found: dict, kind: str = "task") -> dict[str, dict]:
    return {one["id"]: one for one in found["nodes"] if one["type"] == kind}


def edges(found: dict, kind: str) -> set[tuple[str, str]]:
    return {(one["source"], one["target"]) for one in found["edges"] if one["type"] == kind}


def test_a_tickets_graph(world):
    card = world.card(title="A ticket")
    before = add(world)["id"]
    outside = add(world, None, before, title="Outside")["id"]
    a = add(world, card.id, title="First", description="First of all")["id"]
    b = add(world, card.id, a, outside)["id"]
    c = add(world, card.id, b)["id"]
    after = add(world, None, c)["id"]
    put(world, a, status="completed")
    found = graph(world, f"ticket/{card.id}")
    tasks = nodes(found)
    assert set(tasks) == {a, b, c, outside}
    assert tasks[a] == {
        "id": a, "type": "task", "label": "First", "description": "First of all", "status": "completed",
        "phase_id": card.phase_id, "priority": "MEDIUM", "task_type": "implementation", "is_blocked": False, "blocks_count": 1,
        "assigned_agent_id": None, "ticket_id": card.id, "created_at": tasks[a]["created_at"], "started_at": None,
        "completed_at": tasks[a]["completed_at"],
    }  # fmt: skip
    assert {name: (one["is_blocked"], one["blocks_count"]) for name, one in tasks.items()} == {
        a: (False, 1), b: (True, 1), c: (True, 1), outside: (True, 1),
    }  # fmt: skip
    assert edges(found, "depends_on") == {(a, b), (outside, b), (b, c)}
    assert edges(found, "ticket_contains") == {(f"ticket-{card.id}", one) for one in (a, b, c)}
    (ticket,) = nodes(found, "ticket").values()
    assert (ticket["id"], ticket["label"], ticket["task_count"]) == (f"ticket-{card.id}", "A ticket", 3)
    assert found["metadata"] | {"critical_path": None} == {
        "total_tasks": 3, "blocked_count": 2, "resolved_count": 1, "total_edges": 6, "critical_path_length": 3,
        "critical_path": None, "next_offset": None,
    }  # fmt: skip
    assert found["metadata"]["critical_path"][1:] == [b, c]
    assert not {before, after} & set(tasks)


def test_what_is_done_can_be_left_out(world):
    card = world.card()
    a = add(world, card.id)["id"]
    b = add(world, card.id, a)["id"]
    found = report(world, a)
    put(world, a, status="completed")
    ask(world, "PUT", f"/discoveries/{found['id']}", {"resolution_status": "invalid"})
    for path in (f"ticket/{card.id}", f"project/{world.project.id}"):
        shown = graph(world, f"{path}?include_resolved=false")
        assert set(nodes(shown)) == {b}
        assert not nodes(shown, "discovery")
        assert edges(shown, "depends_on") == set()
        assert shown["metadata"]["resolved_count"] == 1
        assert set(nodes(graph(world, path))) == {a, b}


def test_a_projects_graph_has_its_tickets_and_discoveries(world):
    first, second, alone = world.card(title="First"), world.card(title="Second"), world.card()
    create_dependency(world.actor, second.id, first.id, "blocks")
    a = add(world, first.id)["id"]
    b = add(world, second.id, a)["id"]
    found = report(world, a, type="optimization")
    made = spawn(world, found["id"])["id"]
    shown = graph(world, f"project/{world.project.id}")
    assert set(nodes(shown)) == {a, b, made}
    tickets = nodes(shown, "ticket")
    assert set(tickets) == {f"ticket-{first.id}", f"ticket-{second.id}"}
    assert tickets[f"ticket-{second.id}"]["blocked_by"] == [f"ticket-{first.id}"]
    assert edges(shown, "ticket_blocks") == {(f"ticket-{first.id}", f"ticket-{second.id}")}
    discovery = f"discovery-{found['id']}"
    assert edges(shown, "spawned_from") == {(a, discovery), (discovery, made)}
    assert {one["discovery_id"] for one in shown["edges"] if one["type"] == "spawned_from"} == {found["id"]}
    (node,) = nodes(shown, "discovery").values()
    assert (node["id"], node["discovery_type"], node["spawned_count"], node["priority_boost"]) == (
        discovery,
        "optimization",
        1,
        True,
    )
    assert not nodes(graph(world, f"project/{world.project.id}?include_discoveries=false"), "discovery")
    assert alone.id not in str(shown)


def test_pages_of_a_graph_have_each_node_and_each_edge_once(world):
    card = world.card()
    ids = [add(world, card.id)["id"]]
    for _ in range(6):
        ids.append(add(world, card.id, *ids[-2:])["id"])
    report(world, ids[0])
    whole = graph(world, f"project/{world.project.id}")
    seen, offset = {"nodes": [], "edges": []}, 0
    while offset is not None:
        page = graph(world, f"project/{world.project.id}?limit=3&offset={offset}")
        assert len(page["nodes"]) <= 3
        assert page["metadata"] | {"next_offset": None} == whole["metadata"]
        for part, entries in seen.items():
            entries.extend(page[part])
        offset = page["metadata"]["next_offset"]
    assert seen == {"nodes": whole["nodes"], "edges": whole["edges"]}


def test_what_waits_for_a_task_and_for_what_it_waits(world):
    a = add(world, title="First")["id"]
    b = add(world, None, a)["id"]
    assert graph(world, f"task/{a}/blocked") == {
        "task_id": a, "blocked_count": 1, "blocked_tasks": [
            {"id": b, "description": "Do it", "status": "pending", "priority": "MEDIUM", "phase_id": "PHASE_BACKLOG"}
        ],
    }  # fmt: skip
    waits = graph(world, f"task/{b}/blocking")
    assert waits["all_dependencies_complete"] is False
    assert [(one["id"], one["is_complete"]) for one in waits["blocking_tasks"]] == [(a, False)]
    put(world, a, status="completed")
    assert graph(world, f"task/{b}/blocking")["all_dependencies_complete"] is True


@pytest.mark.parametrize("path", ["ticket/{}", "project/{}", "task/{}/blocked", "task/{}/blocking"])
def test_there_is_no_graph_of_what_nobody_may_see(world, path):
    other = create_world("bob@example.com", "Bob")
    card = other.card()
    theirs = {"ticket": card.id, "project": other.project.id, "task": add(other, card.id)["id"]}[path.split("/")[0]]
    for unknown in (new_id(), "nothing", theirs):
        assert ask(world, "GET", f"/graph/dependency-graph/{path.format(unknown)}").status == 404


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40))
def test_the_longest_chain_is_as_long_as_graphlib_finds_it(pairs):
    """Edges go from the smaller to the larger number, so there is no cycle; the order of graphlib gives the length of each chain."""
    found = sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]})
    names = [str(number) for number in range(13)]
    waits_for: dict[int, list[int]] = {number: [] for number in range(13)}
    for before, after in found:
        waits_for[after].append(before)
    length: dict[int, int] = {}
    for node in TopologicalSorter(waits_for).static_order():
        length[node] = 1 + max((length[before] for before in waits_for[node]), default=0)
    chain = longest_chain(names, [(str(before), str(after)) for before, after in found])
    assert len(chain) == max(length.values())
    assert set(zip(map(int, chain), map(int, chain[1:]), strict=False)) <= set(found)


def test_a_chain_may_be_longer_than_any_recursion():
    names = [str(number) for number in range(50_000)]
    assert longest_chain(names, itertools.pairwise(names)) == names


def test_a_cycle_ends_nothing():
    assert longest_chain("abcd", [("a", "b"), ("b", "c"), ("c", "b"), ("a", "d")]) == ["a", "d"]
