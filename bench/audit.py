"""The audit trail of a project with 100,000 events, counted on moto: a page at any depth, an export of everything, and what sealing costs.

Trips and units are those of AWS. The export's seconds are ours alone: what moto takes for its answers is taken off (`_Waiting`). Its
memory is traced in a run of its own, of a project with a tenth of the events: tracing takes most of the time, and an export holds one page
and one part of its file, however long it is.
"""

import json
import os
import time
import tracemalloc
from collections.abc import Iterator
from functools import cache
from typing import Any
from unittest.mock import patch

EVENTS = 100_000
FORMATS = ("csv", "json", "xlsx")
CARDS = 20
"""Each has 5,000 of the entries: as many as a PDF may have."""
DEPTHS = (0, 50_000, 99_900)


def measure(events: int = EVENTS) -> list[dict[str, Any]]:
    import boto3
    from moto import mock_aws

    from shared.core.settings import settings
    from shared.people.access import quota_leases
    from tests import conftest
    from tests.trips import LARGE_LEASES

    with mock_aws(), patch.multiple(quota_leases, **LARGE_LEASES):
        os.environ |= conftest.create_resources(cache(boto3.client))
        settings.cache_clear()
        return list(_rows(events))


def _rows(events: int) -> Iterator[dict[str, Any]]:
    from bench.trips import costing
    from shared.core.actor import Actor
    from shared.insight.audit import trails
    from tests.areas.boards_world import create_world

    memory = _memory(create_world("eve@example.com", "Eve"), events // 10)
    world = create_world()
    rows = _fill(world, events)
    yield _sealing(world, rows)
    ada = world.ada.at("omoios")
    ada("auth", "GET", "/auth/me")
    path = f"/audit/projects/{world.project.id}?limit=100"
    actor: Actor = world.actor
    for depth in (one for one in DEPTHS if one < events):
        cursor = (
            trails.encode_cursor({"before": rows[-depth].position}, "audit", actor.id, world.project.id, "") if depth else None
        )
        with costing() as cost:
            answer = ada("audit", "GET", f"{path}&cursor={cursor}" if cursor else path)
        if (answer.status, len(answer.json), answer.header("X-Total-Count")) != (200, 100, str(events)):
            raise RuntimeError(answer.text[:200])
        yield {"what": f"a page behind {depth:,} entries", "trips": cost.trips, "reads": cost.reads, "writes": cost.writes}
    for format_ in FORMATS:
        yield _export(world, format_, events) | {"memory MB": memory[format_]}
    ticket_id = rows[0].item_id
    yield _export(world, "pdf", events // CARDS, ticket_id) | {"memory MB": _held(world, "pdf", ticket_id)}


def _fill(world: Any, events: int) -> list[Any]:
    from shared.core import clock
    from shared.core.clock import timedelta
    from shared.core.ids import new_id
    from shared.events import Event, EventType
    from shared.work.activities.rows import new_activity
    from tests.seeding import put_directly

    first, cards = clock.parse("2026-05-01T00:00:00.000Z"), [world.card() for _ in range(CARDS)]
    rows = []
    for number in range(events):
        at = clock.iso(first + timedelta(seconds=number))
        changes = {"title": [f"Title {number}", f"Title {number + 1}"]}
        event = Event(new_id(), EventType.ITEM_UPDATED, world.actor.summary, at, changes, {"board_id": world.board.id})
        rows.append(new_activity(cards[number % CARDS], event))
    put_directly(rows)
    return rows


def _sealing(world: Any, rows: list[Any]) -> dict[str, Any]:
    from bench.trips import costing
    from shared.insight.audit import marking
    from shared.insight.audit.sealing import seal

    marking._marked.clear()
    marking.mark(rows[0])
    with costing() as cost:
        sealed = seal(f"WS#{world.ws_id}")
    if sealed != len(rows):
        raise RuntimeError(f"{sealed} of {len(rows)} were sealed")
    return {
        "what": f"sealing {sealed:,} entries, for a million",
        "trips": cost.trips,
        "reads": cost.reads * 1_000_000 / sealed,
        "writes": cost.writes * 1_000_000 / sealed,
    }


def _memory(world: Any, events: int) -> dict[str, float]:
    """Return the most megabytes that an export of each format holds at once."""
    _fill(world, events)
    return {format_: _held(world, format_) for format_ in FORMATS}


def _held(world: Any, format_: str, ticket_id: str | None = None) -> float:
    """Return the most megabytes that an export holds at once."""
    tracemalloc.start()
    _make(world, format_, ticket_id)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return round(held / 1e6, 1)


def _make(world: Any, format_: str, ticket_id: str | None = None) -> Any:
    """Make an export in one call: a workbook and a PDF as the worker does, which takes more rows than a request."""
    from functions.audit import exporting
    from shared.channels.exports import file_writer

    named = exporting.Named(ticket_id=ticket_id) if ticket_id else exporting.Named(project_id=world.project.id)
    with patch.object(exporting, "SECONDS", 3_600), patch.object(file_writer, "MAX_ROWS_IN_REQUEST", EVENTS):
        return exporting.export_audit_trail(world.actor, named, format_)


def _export(world: Any, format_: str, events: int, ticket_id: str | None = None) -> dict[str, Any]:
    from bench.trips import costing

    began = time.process_time()
    with _Waiting() as waiting, costing() as cost:
        export = _make(world, format_, ticket_id)
    seconds = time.process_time() - began - waiting["seconds"]
    if (export.status, int(export.rows_done)) != ("completed", events):
        raise RuntimeError(f"{export.status}: {export.rows_done}")
    return {
        "what": f"export of {events:,} entries as {format_}",
        "trips": cost.trips,
        "reads": cost.reads,
        "writes": cost.writes,
        "seconds": round(seconds, 1),
        "file MB": round(int(export.size) / 1e6, 1),
    }


class _Waiting:
    """Measure the time that moto takes for the answers of DynamoDB and S3."""

    def __enter__(self) -> dict[str, float]:
        from moto.core.botocore_stubber import BotocoreStubber

        self.spent = {"seconds": 0.0}
        answer, spent = BotocoreStubber.__call__, self.spent

        def timed(stubber: Any, *arguments: Any, **named: Any) -> Any:
            began = time.process_time()
            try:
                return answer(stubber, *arguments, **named)
            finally:
                spent["seconds"] += time.process_time() - began

        self._patch = patch.object(BotocoreStubber, "__call__", timed)
        self._patch.start()
        return self.spent

    def __exit__(self, *_: object) -> None:
        self._patch.stop()


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
