"""Trips, read units and time of a search of memories over a hundred, a thousand and ten thousand of them, counted on moto.

The time is that of one core for what follows the reads: turning the rows into what is compared, comparing, and ordering. Moto's own work is
left out, which is most of the time of such a request here.
"""

import json
import os
import random
import time
from collections.abc import Iterator
from functools import cache
from typing import Any
from unittest.mock import patch

SIZES = (100, 1_000, 10_000)
REPEATED = 3
"""Times that a question is ranked; the least time is shown."""
QUESTION = "the login session times out too early after an update of the cache"
_WORDS = [
    *("login", "session", "timeout", "token", "cache", "update", "price", "invoice", "customer", "database", "index", "query"),
    *("slow", "worker", "queue", "retry", "deploy", "rollback", "container", "memory", "leak", "image", "upload", "proxy"),
    *("limit", "search", "typo", "page", "menu", "phone", "export", "import", "ticket", "board", "column", "card", "comment"),
    *("mail", "permission", "role", "audit", "secret", "key", "rotate", "script", "escape", "filter", "report", "chart"),
]


def measure() -> list[dict[str, Any]]:
    """Return one row for each mode of searching and size."""
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
    from shared.agents.embeddings.registry import search_embedder
    from shared.insight.memories.ranking import MODES, SearchQuery, rank
    from shared.insight.memories.rows import PARTS, MemoryIndex, part_of
    from shared.insight.memories.searching import indexed, model_name
    from shared.store.queries import raw_rows
    from tests.areas.boards_world import create_world

    world = create_world()
    _fill(world, size)
    omoios = world.ada.at("omoios")
    omoios("boards", "GET", f"/board/stats?project_id={world.project.id}")  # the first request of a window costs a trip more
    raw = [one for number in range(PARTS) for one in raw_rows(MemoryIndex, part_of(world.ws_id, number))]
    for mode in MODES:
        with costing() as cost:
            answer = omoios("memory", "POST", "/memory/search", body={"task_description": QUESTION, "search_mode": mode})
        if answer.status != 200 or not answer.json:
            raise RuntimeError(f"{mode} answered {answer.status}: {answer.text[:300]}")
        took = []
        for _ in range(REPEATED):
            start = time.process_time()
            rank(
                SearchQuery(QUESTION, mode=mode),
                [indexed(one) for one in raw],
                model_name(),
                search_embedder().embed([QUESTION])[0],
            )
            took.append(time.process_time() - start)
        row = {"list": f"search: {mode}", "entries": size, "trips": cost.trips, "beside": len(cost.beside)}
        yield row | {"rcu": cost.reads, "ms": round(min(took) * 1000)}


def _fill(world: Any, size: int) -> None:
    """So many memories of about 25 words each, made by the service's own functions and put into moto's table."""
    from shared.core.ids import new_id
    from shared.insight.memories.storing import NewMemory, index_of, memory_of
    from shared.store import fetch
    from shared.work.items.rows import Item
    from shared.work.tasks.creating import NewTask, add_task
    from tests.seeding import put_directly

    card = fetch(Item, world.card().id)
    assert card is not None
    task = add_task(world.actor, card, new_id(), NewTask("Anything"))
    chance = random.Random(size)  # noqa: S311 - texts of a measurement
    for number in range(size):
        text = " ".join(chance.choices(_WORDS, k=25)) + f" number {number}"
        memory = memory_of(world.actor, task, new_id(), NewMemory(text, chance.random() < 0.8))
        put_directly([memory, index_of(memory)[0]])


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
