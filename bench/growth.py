"""What a page of each list costs where it has 100, 1,000 and 10,000 entries: trips, read units and CPU.

The rows are put into moto's tables directly (`tests.seeding`). Trips and units are counted as in `bench.trips`; CPU is that of the whole
request, with the answers of the tables replayed (`bench.replaying`).
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

from bench.replaying import playing, recording
from bench.trips import costing

SIZES = (100, 1_000, 10_000)
LINES = 10  # of a terminal, for each entry of the other lists
_REPLAYS = 5
_OWN = frozenset({"pk", "sk", "kind", "id", "created_at", "updated_at", "event", "event_id", "counted_in"})
Calls = Iterator[tuple[str, Callable[[], Any]]]


def measure() -> list[dict[str, Any]]:
    """One row a list and size."""
    import boto3
    from moto import mock_aws

    from shared.core.settings import settings
    from shared.people.access import quota_leases
    from tests import conftest
    from tests.trips import LARGE_LEASES

    found = []
    for number in SIZES:
        with mock_aws() as moto, patch.multiple(quota_leases, **LARGE_LEASES):
            os.environ |= conftest.create_resources(cache(boto3.client))
            settings.cache_clear()
            found += [_row(name, number, call, moto) for name, call in _lists(number)]
    return found


def _row(name: str, number: int, call: Callable[[], Any], moto: Any) -> dict[str, Any]:
    from shared.store.client import the_client

    events = the_client().meta.events
    while True:
        with costing() as cost, recording(events) as tape:
            answer = call()
        if "UpdateItem" not in cost.names:  # a lease of requests, of a window that has begun
            break
    if getattr(answer, "status", 200) >= 300:
        raise RuntimeError(f"{name} answered {answer.status}: {answer.text[:300]}")
    moto.stop(remove_data=False)  # it would answer before the tape does
    try:
        with playing(events, tape):
            started = time.process_time()
            for _ in range(_REPLAYS):
                call()
            spent = (time.process_time() - started) / _REPLAYS
    finally:
        moto.start(reset=False)
    return {
        "list": name,
        "entries": number,
        "trips": cost.trips,
        "beside": len(cost.beside),
        "rcu": cost.reads,
        "cpu_ms": spent * 1_000,
    }


def _lists(number: int) -> Calls:
    """Yield the lists with so many entries, each alone in its tables."""
    from tests.areas.boards_world import create_world

    world = create_world()
    world.ada("auth", "GET", "/auth/me")
    world.ada.at("omoios")("projects", "GET", "/projects")
    for lists in (_comments, _runs, _documents, _projects, _activities, _terminal):
        with _restored():
            yield from lists(world, number)


@contextmanager
def _restored() -> Iterator[None]:
    """Take out afterwards what was put into moto's tables."""
    from tests.seeding import tables

    before = {name: {key: dict(rows) for key, rows in table.items.items()} for name, table in tables().items()}
    yield
    for name, table in tables().items():
        table.items.clear()
        table.items.update(before[name])


def _comments(world: Any, number: int) -> Calls:
    from shared.core.ids import new_id
    from shared.work.comments.rows import Comment, comments_of
    from shared.work.comments.writing import NewComment, create_comment
    from tests.seeding import put_counted

    card = world.card()
    common = _values(create_comment(world.actor, card.id, NewComment("Customers pay by invoice")))
    rows = [Comment.new(new_id(), **common) for _ in range(number)]
    put_counted(comments_of(card.id), rows)
    path = f"/cards/{card.id}/comments?limit=50"
    yield "comments, first page", lambda: world.ada("comments", "GET", path)
    yield "comments, last page", lambda: world.ada("comments", "GET", f"{path}&offset={number - 50}")
    flat = f"/tickets/{card.id}/comments?limit=50&offset={number // 2}"
    yield "comments of a ticket, in the middle", lambda: world.ada.at("omoios")("comments", "GET", flat)


def _runs(world: Any, number: int) -> Calls:
    from shared.core.ids import new_id
    from shared.runs.agent_runs.rows import Run, runs_of
    from tests.seeding import put_counted

    card = world.card()
    common = _values(world.run(card, "completed"))
    rows = [Run.new(new_id(), **common | {"status": "failed" if one % 10 == 0 else "completed"}) for one in range(number)]
    put_counted(runs_of(card.id), rows)
    path = f"/cards/{card.id}/runs?limit=50"
    yield "runs, first page", lambda: world.ada("runs", "GET", path)
    yield "runs, last page", lambda: world.ada("runs", "GET", f"{path}&offset={number - 50}")
    yield "runs that failed (a tenth), first page", lambda: world.ada("runs", "GET", f"{path}&status=failed")


def _documents(world: Any, number: int) -> Calls:
    from shared.core.ids import new_id
    from shared.store import fetch
    from shared.work.documents.rows import Document, DocumentText, documents_of
    from tests.seeding import put_counted, put_directly

    docs = f"/projects/{world.project.id}/docs"
    made = world.ada("documents", "POST", docs, body={"type": "prd", "title": "PRD", "content": "Customers pay.\n" * 60})
    common = _values(fetch(Document, made.json["id"]))
    statuses = ("draft", "draft", "approved", "archived")
    rows = [Document.new(new_id(), **common | {"status": statuses[one % 4]}) for one in range(number)]
    put_counted(documents_of(world.project.id), rows)
    put_directly(
        [
            DocumentText(pk=pk, sk=sk, content="Customers pay.\n" * 60)
            for pk, sk in (DocumentText.key_of(row.id, 1) for row in rows)
        ]
    )
    path = f"{docs}?limit=50"
    yield "documents, first page", lambda: world.ada("documents", "GET", path)
    yield "documents, in the middle", lambda: world.ada("documents", "GET", f"{path}&offset={number // 4}")
    yield "documents that are archived (a quarter)", lambda: world.ada("documents", "GET", f"{path}&status=archived")


def _projects(world: Any, number: int) -> Calls:
    from shared.core.ids import new_id
    from shared.work.projects.rows import Project, ProjectStats, projects_of
    from tests.seeding import put_counted, put_directly

    common = {name: value for name, value in _values(world.project).items() if name != "proj_id"}
    rows = [Project.new(one, proj_id=one, **common | {"name": f"Shop {one[-4:]}"}) for one in (new_id() for _ in range(number))]
    put_counted(projects_of(world.ws_id), rows)
    stats = [ProjectStats.new(row.id, ws_id=world.ws_id, proj_id=row.id, last_activity=row.created_at) for row in rows]
    put_directly(stats)
    path = f"/workspaces/{world.ws_id}/projects?limit=50"
    yield "projects, first page", lambda: world.ada("projects", "GET", path)
    yield "projects, last page", lambda: world.ada("projects", "GET", f"{path}&offset={number - 50}")
    yield "projects by name", lambda: world.ada("projects", "GET", f"{path}&sortBy=name")
    yield "projects by last activity", lambda: world.ada("projects", "GET", f"{path}&sortBy=lastActivity")
    yield "projects by last change", lambda: world.ada("projects", "GET", f"{path}&sortBy=updatedAt")
    yield "projects, a search", lambda: world.ada("projects", "GET", f"{path}&search={rows[number // 2].name[-4:]}")
    visible = f"/projects?limit=50&offset={number // 2}"
    yield "projects of all workspaces, in the middle", lambda: world.ada.at("omoios")("projects", "GET", visible)


def _activities(world: Any, number: int) -> Calls:
    from shared.core.ids import new_id
    from shared.events import Event, EventType
    from shared.work.activities.rows import new_activity
    from tests.seeding import put_directly

    card = world.card()
    event = Event(new_id(), EventType.ITEM_UPDATED, world.actor.summary, card.created_at, {"title": ["A", "B"]}, {})
    common = _values(new_activity(card, event))
    put_directly([type(new_activity(card, event)).new(new_id(), **common) for _ in range(number)])
    path = f"/cards/{card.id}/activities?limit=50"
    yield "activities, first page", lambda: world.ada("comments", "GET", path)
    yield "activities, in the middle", lambda: world.ada("comments", "GET", f"{path}&offset={number // 2}")


def _terminal(_: Any, number: int) -> Calls:
    from itertools import islice

    from shared.runs.terminal import entries, tail
    from shared.runs.terminal_sessions.log_filters import LogFilter
    from shared.runs.terminal_sessions.log_search import search_logs
    from tests.seeding import log_chunks, put_directly

    put_directly(log_chunks("run", number * LINES))
    yield "terminal (ten lines an entry), 80 lines in the middle", lambda: list(islice(entries("run", number * LINES // 2), 80))
    yield "terminal, the last 100 lines", lambda: tail("run", 100)
    yield "terminal, a search for a rare word", lambda: search_logs(["run"], f"line {number * LINES} ", LogFilter())


def _values(entity: Any) -> dict[str, Any]:
    """Return the values that are the same in all rows of a list."""
    return {name: value for name, value in entity.attribute_values.items() if name not in _OWN and not name.startswith("gsi")}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
