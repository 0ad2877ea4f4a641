"""Trips and read units of searches and of costs over a thousand, ten thousand and a hundred thousand entries, counted on moto."""

import json
import os
from collections.abc import Iterator
from functools import cache
from typing import Any
from unittest.mock import patch

SIZES = (1_000, 10_000, 100_000)
FOUND = 100
"""The tasks whose rows are there: those that a page shows."""


def measure() -> list[dict[str, Any]]:
    """Return one row for each request and size: trips, what is read beside them, and read units."""
    return list(_rows())


def _rows() -> Iterator[dict[str, Any]]:
    import boto3
    from moto import mock_aws

    from shared.core.settings import settings
    from shared.people.access import quota_leases
    from tests import conftest
    from tests.trips import LARGE_LEASES

    for size in SIZES:
        for fill, requests in ((_fill_index, _searches), (_fill_ledger, _costs)):
            with mock_aws(), patch.multiple(quota_leases, **LARGE_LEASES):
                os.environ |= conftest.create_resources(cache(boto3.client))
                settings.cache_clear()
                yield from _of_size(size, fill, requests)


def _of_size(size: int, fill: Any, requests: Any) -> Iterator[dict[str, Any]]:
    from bench.trips import costing
    from tests.areas.boards_world import create_world

    world = create_world()
    fill(world, size)
    omoios = world.ada.at("omoios")
    omoios("boards", "GET", f"/board/stats?project_id={world.project.id}")  # the first request of a window costs a trip more
    for name, area, path in requests(world):
        with costing() as cost:
            answer = omoios(area, "GET", path)
        if answer.status != 200:
            raise RuntimeError(f"{name} answered {answer.status}: {answer.text[:300]}")
        yield {"list": name, "entries": size, "trips": cost.trips, "beside": len(cost.beside), "rcu": cost.reads}


def _fill_index(world: Any, size: int) -> None:
    """Tasks that all have one word, of which one in a thousand has a second and one has a third. Their other words are left out: no
    search reads them."""
    from shared.core.ids import new_id
    from shared.insight.search.rows import Entry, Found, partition_of
    from shared.work.tasks.rows import Task, tasks_of
    from tests.seeding import put_counted, put_directly

    card = world.card()
    common = {"org_id": card.org_id, "ws_id": card.ws_id, "proj_id": card.proj_id, "item_id": card.id, "board_id": card.board_id}
    named = {"phase_id": card.phase_id, "created_by": world.actor.summary}
    tasks = [Task.new(new_id(), title=f"usual {number}", **common, **named) for number in range(FOUND)]
    put_counted(tasks_of(world.ws_id), tasks)
    ids = [task.id for task in tasks] + [new_id() for _ in range(size - FOUND)]
    for number, task_id in enumerate(reversed(ids)):
        title = (
            "usual task to take the ice off the wings"
            + (" seldom" if number % 1_000 == 0 else "")
            + (" once" if not number else "")
        )
        words, _ = Entry("task", task_id, world.ws_id, card.proj_id, "", title).words()
        at = f"2026-11-28T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.000Z"
        put_directly(
            [
                Found(
                    pk=partition_of(world.ws_id, "task"),
                    sk=f"{word}#{task_id}",
                    proj_id=card.proj_id,
                    at=at,
                    title=" ".join(words),
                )
                for word in words
                if word in ("usual", "seldom", "once")
            ]
        )


def _searches(world: Any) -> Iterator[tuple[str, str, str]]:
    for name, words in (("a word of all", "usual"), ("one of a thousandth", "usual%20seldom"), ("one of one", "usual%20once")):
        yield f"search: {name}", "insights", f"/search?types=task&q={words}"
        yield f"search in a project: {name}", "insights", f"/search?types=task&q={words}&project_id={world.project.id}"


def _fill_ledger(world: Any, size: int) -> None:
    """So many lines of two agents in the last thirty days, with sums as the ledger has them."""
    from datetime import timedelta

    from shared.agents.catalogue import agent_named
    from shared.core import clock
    from shared.core.ids import new_id
    from shared.money.usage.rows import Rollup, UsageLine, project_partition, workspace_partition
    from tests.seeding import put_directly

    agents = [agent_named("prd"), agent_named("qa")]
    project, now = world.project, clock.now()
    sums: dict[tuple[str, str], int] = {}
    for number in range(size):
        at, agent = clock.iso(now - timedelta(days=1 + number % 29)), agents[number % 2]
        line = UsageLine.new(
            new_id(), org_id=project.org_id, ws_id=project.ws_id, proj_id=project.id, at=at, run_id="r", item_id="c",
            phase_id="PHASE_TESTING", agent_id=agent.id, agent_name=agent.name, user=world.actor.summary, provider="openai", model="m",
            input_tokens=100, cache_read_tokens=0, cache_write_tokens=0, output_tokens=50, provider_cost_micros=50_000,
            customer_price_micros=250_000, price_version="t",
        )  # fmt: skip
        put_directly([line])
        day, month = at[:10], at[:7]
        names = (
            f"TOTAL#{day}#", f"AGENT#{day}#{agent.id}", f"AGENT-M#{month}#{agent.id}", f"PROVIDER-M#{month}#openai",
            f"PHASE-M#{month}#PHASE_TESTING",
        )  # fmt: skip
        for partition in (workspace_partition(str(project.ws_id)), project_partition(project.id)):
            for name in names:
                sums[partition, name] = sums.get((partition, name), 0) + 1
    put_directly(
        [
            Rollup(pk=pk, sk=sk, calls=calls, tokens=150 * calls, cost_micros=50_000 * calls, price_micros=250_000 * calls)
            for (pk, sk), calls in sums.items()
        ]
    )


def _costs(world: Any) -> Iterator[tuple[str, str, str]]:
    from shared.agents.catalogue import agent_named

    yield "costs of a project", "usage", f"/costs/projects/{world.project.id}"
    yield "costs of an agent", "usage", f"/costs/agents/{agent_named('prd').id}"
    yield "costs, summed", "usage", "/costs/summary?scope_type=global"
    yield "costs, forecast", "usage", "/costs/forecast"
    yield "cost records, newest hundred", "usage", "/costs/records"
    yield "cost records of an agent, newest hundred", "usage", f"/costs/records?agent_id={agent_named('prd').id}"


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
