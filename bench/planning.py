"""Trips and units of planning where there is much of it, counted on moto: the board of 1,000 tickets, the graph of 5,000 tasks, the gate of
a ticket with as many tasks as it takes, an agent's next task, and the cards of an explored idea."""

import json
import os
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any
from unittest.mock import patch

TICKETS, TASKS, REQUIREMENTS = 1_000, 5_000, 20


def measure() -> list[dict[str, Any]]:
    """Return one row for each: how much there is, trips, what is read beside them, and units."""
    return [_measured(fill) for fill in (_board, _graph, _gate, _next_task, _cards)]


def _measured(fill: Callable[[Any], tuple[str, int, Callable[[], Any]]]) -> dict[str, Any]:
    import boto3
    from moto import mock_aws

    from bench.trips import costing
    from shared.core.settings import settings
    from shared.people.access import quota_leases
    from tests import conftest
    from tests.areas.boards_world import create_world
    from tests.trips import LARGE_LEASES

    with mock_aws(), patch.multiple(quota_leases, **LARGE_LEASES):
        os.environ |= conftest.create_resources(cache(boto3.client))
        settings.cache_clear()
        world = create_world()
        what, entries, ask = fill(world)
        _get(world, "boards", f"/board/stats?project_id={world.project.id}")  # the first request of a window costs a trip more
        with costing() as cost:
            ask()
    return {
        "what": what,
        "entries": entries,
        "trips": cost.trips,
        "beside": len(cost.beside),
        "rcu": cost.reads,
        "wcu": cost.writes,
    }


def _get(world: Any, area: str, path: str, method: str = "GET") -> None:
    answer = world.ada.at("omoios")(area, method, path)
    if answer.status >= 300:
        raise RuntimeError(f"{path} answered {answer.status}: {answer.text[:300]}")


def _board(world: Any) -> tuple[str, int, Callable[[], Any]]:
    from tests.areas.many_cards import add_cards, like

    template = world.card(6, "A card with a title of usual length", description="Words that say what is to be done. " * 10)
    for number, status in ((0, "draft"), (10, "done")):
        lane = world.lanes[number]
        add_cards(world, like(template, lane_id=lane.id, phase_id=lane.phase_id, status=status), range(TICKETS // 2))
    return "the board", TICKETS, partial(_get, world, "boards", f"/board/view?project_id={world.project.id}")


def _graph(world: Any) -> tuple[str, int, Callable[[], Any]]:
    _put_tasks(world, TASKS, depend=True)
    path = f"/graph/dependency-graph/project/{world.project.id}"
    return "the graph of a project's tasks", TASKS, partial(_get, world, "tasks", path)


def _gate(world: Any) -> tuple[str, int, Callable[[], Any]]:
    from shared.work.tasks.rows import MAX_CARD_TASKS

    card_id = _put_tasks(world, MAX_CARD_TASKS, depend=False)
    return "the gate of a ticket's phase", MAX_CARD_TASKS, partial(_progress, world, card_id)


def _progress(world: Any, card_id: str) -> None:
    _get(world, "cards", f"/tickets/{card_id}/progress", "POST")


def _next_task(world: Any) -> tuple[str, int, Callable[[], Any]]:
    from tests.areas.live_agents_world import registered

    _put_tasks(world, TASKS, depend=False)
    agent_id = registered(world.ada, phase_id=None)["agent_id"]
    return "an agent's next task", TASKS, partial(_get, world, "agents", f"/agents/{agent_id}/next-task", "POST")


def _put_tasks(world: Any, number: int, *, depend: bool) -> str:
    """Put tasks of one ticket into the tables, of which each depends on the two before it or none on another. Return the ticket's id."""
    from shared.core.ids import new_id
    from shared.work.tasks.creating import NewTask, add_task
    from shared.work.tasks.rows import Task, tasks_of
    from tests.areas.test_graph_large import tasks_like
    from tests.seeding import put_counted

    if depend:
        return str(tasks_like(world, number, "Customers pay by invoice")[0].item_id)
    first = add_task(world.actor, world.card(6), new_id(), NewTask("Add the invoice to the order", "Customers pay by invoice"))
    own = {"pk", "sk", "kind", "id", "created_at", "updated_at", "event", "event_id", "cold_version", "counted_in"}
    values = {name: value for name, value in first.attribute_values.items() if name not in own and not name.startswith("gsi")}
    put_counted(tasks_of(world.ws_id), [first, *(Task.new(new_id(), **values) for _ in range(number - 1))])
    return str(first.item_id)


def _cards(world: Any) -> tuple[str, int, Callable[[], Any]]:
    from shared.planning.explorations.making import make_cards
    from tests.areas.test_explorations_making import exploration, planned

    cards = planned(REQUIREMENTS)
    until = time.monotonic() + 600
    return "the cards of an explored idea", len(cards), lambda: make_cards(world.actor, exploration(world), cards, until)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
