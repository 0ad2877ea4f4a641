"""Trips and read units of the lists of a board of a hundred, a thousand and ten thousand cards, counted on moto."""

import json
import os
from collections.abc import Iterator
from functools import cache
from typing import Any
from unittest.mock import patch

SIZES = (100, 1_000, 10_000)
LISTS = {
    "all": "",
    "lane": "laneId={backlog}",
    "status": "status=draft",
    "status, few": "status=blocked",
    "type": "type=task",
    "type, few": "type=bug",
    "type and status": "type=task&status=done",
    "assignee": "assigneeId={me}",
    "tag": "tags=team:rare",
    "with children": "includeChildren=true",
    "type and lane": "type=task&laneId={backlog}",
    "search": "search=usual",
}


def measure() -> list[dict[str, Any]]:
    """Return one row for each list and size: trips, what is read beside them, and read units."""
    return list(_rows())


def _rows() -> Iterator[dict[str, Any]]:
    import boto3
    from moto import mock_aws

    from shared.core.settings import settings
    from shared.people.access import quota_leases
    from tests import conftest
    from tests.trips import LARGE_LEASES

    for size in SIZES:
        with mock_aws(), patch.multiple(quota_leases, **LARGE_LEASES):
            os.environ |= conftest.create_resources(cache(boto3.client))
            settings.cache_clear()
            yield from _of_size(size)


def _of_size(size: int) -> Iterator[dict[str, Any]]:
    from bench.trips import costing
    from tests.areas.boards_world import create_world

    world = create_world()
    _fill(world, size)
    names = {"backlog": world.lanes[0].id, "me": world.actor.id}
    asked = [(f"cards: {name}", world.ada, "cards", f"/boards/{world.board.id}/cards?{query}") for name, query in LISTS.items()]
    omoios = world.ada.at("omoios")
    view, page = f"project_id={world.project.id}", f"project_id={world.project.id}&column_id=done"
    asked += [
        ("omoios: board", omoios, "boards", f"/board/view?{view}"),
        ("omoios: column", omoios, "boards", f"/board/tickets?{page}"),
    ]
    for client in (world.ada, omoios):  # the first request of a window costs a trip more
        client("boards", "GET", f"/boards/{world.board.id}" if client is world.ada else f"/board/stats?{view}")
    for name, client, area, path in asked:
        with costing() as cost:
            answer = client(area, "GET", path.format(**names))
        if answer.status != 200:
            raise RuntimeError(f"{name} answered {answer.status}: {answer.text[:300]}")
        yield {"list": name, "entries": size, "trips": cost.trips, "beside": len(cost.beside), "rcu": cost.reads}


def _fill(world: Any, size: int) -> None:
    """Half of the cards are in the first lane and half in the last; one in a hundred is a bug of the caller's, and one is blocked."""
    from tests.areas.many_cards import add_cards, like

    template = world.card(6, "A card with a title of usual length", description="Words that say what is to be done. " * 10)
    rare = {"type": "bug", "assignee": world.actor.summary, "tags": [{"key": "team", "value": "rare"}]}
    for number, status in ((0, "draft"), (10, "done")):
        lane = world.lanes[number]
        own = {"lane_id": lane.id, "phase_id": lane.phase_id, "status": status}
        add_cards(world, like(template, **own), [place for place in range(size // 2) if place % 100 not in (0, 50)])
        add_cards(world, like(template, **own, **rare), range(0, size // 2, 100))
        add_cards(world, like(template, **own | {"status": "blocked"}), range(50, size // 2 or 51, 100))


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
