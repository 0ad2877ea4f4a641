"""What a page of each list costs where it has 100, 1,000 and 10,000 entries: trips, read units and instructions.

The rows are put into moto's tables directly (`tests.seeding`). Trips and units are counted as in `bench.trips`; instructions are those of
the whole request, as in `bench.warm`: a child process plays the answers of the tables (`bench.warm_blocks`) under callgrind.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any
from unittest.mock import patch

from bench import warm
from bench.replaying import recording
from bench.terminal_reads import END, MIDDLE, SEARCH
from bench.trips import costing
from bench.warm_blocks import Recording, Side

SIZES = (100, 1_000, 10_000)
LINES = 10  # of a terminal, for each entry of the other lists
_OWN = frozenset({"pk", "sk", "kind", "id", "created_at", "updated_at", "event", "event_id", "counted_in", "cold_version"})


@dataclass(frozen=True)
class Asked:
    """A request for a page: a handler's module and its event."""

    name: str
    module: str
    event: dict[str, Any]

    def __call__(self) -> dict[str, Any]:
        from tests.areas.driving import Context

        answer: dict[str, Any] = import_module(self.module).handler(self.event, Context())
        if answer["statusCode"] >= 300:
            raise RuntimeError(f"{self.name} answered {answer['statusCode']}: {answer['body'][:300]}")
        return answer


Calls = Iterator[Asked]


def measure() -> list[dict[str, Any]]:
    """One row a list and size."""
    found = []
    for number in SIZES:
        rows, recorded = _recorded(number)
        with warm.kept(recorded) as file:
            counts = warm.counted(file, "once")
        found += [row | {"instructions": count} for row, count in zip(rows, counts, strict=True)]
    return found


def _recorded(number: int) -> tuple[list[dict[str, Any]], Recording]:
    """Ask for each list once on moto; return what it cost, and what was answered. Time stands still: no lease of requests ends."""
    import boto3
    import time_machine
    from moto import mock_aws

    from shared.core import clock
    from shared.core.settings import settings
    from shared.people.access import quota_leases
    from tests import conftest
    from tests.trips import LARGE_LEASES

    with mock_aws(), time_machine.travel(clock.now(), tick=False), patch.multiple(quota_leases, **LARGE_LEASES):
        os.environ |= conftest.create_resources(cache(boto3.client))
        settings.cache_clear()
        measured = [_row(asked, number) for asked in _lists(number)]
        return [row for row, _ in measured], warm.recording_of([], [side for _, side in measured])


def _row(asked: Asked, number: int) -> tuple[dict[str, Any], Side]:
    from shared.store.client import the_client

    asked()  # the first request of a caller takes a lease
    with costing() as cost, recording(the_client().meta.events) as tape:
        answer = asked()
    row = {"list": asked.name, "entries": number, "trips": cost.trips, "beside": len(cost.beside), "rcu": cost.reads}
    return row, Side(asked.module, asked.event, tape.kept, len(cost.beside), len(answer["body"]))


def _get(name: str, client: Any, area: str, path: str) -> Asked:
    from tests.areas.driving import event

    headers = {"Authorization": f"Bearer {client.token}"}
    return Asked(name, f"functions.{area}.handler", event(client.contract, "GET", path, headers=headers))


def _lists(number: int) -> Calls:
    """Yield the lists with so many entries, each alone in its tables."""
    from tests.areas.boards_world import create_world

    world = create_world()
    world.ada("auth", "GET", "/auth/me")
    world.ada.at("omoios")("projects", "GET", "/projects")
    for lists in (_comments, _runs, _documents, _projects, _activities, _tasks, _terminal):
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
    yield _get("comments, first page", world.ada, "comments", path)
    yield _get("comments, last page", world.ada, "comments", f"{path}&offset={number - 50}")
    flat = f"/tickets/{card.id}/comments?limit=50&offset={number // 2}"
    yield _get("comments of a ticket, in the middle", world.ada.at("omoios"), "comments", flat)


def _runs(world: Any, number: int) -> Calls:
    from shared.core.ids import new_id
    from shared.runs.agent_runs.rows import Run, runs_of
    from tests.seeding import put_counted

    card = world.card()
    common = _values(world.run(card, "completed"))
    rows = [Run.new(new_id(), **common | {"status": "failed" if one % 10 == 0 else "completed"}) for one in range(number)]
    put_counted(runs_of(card.id), rows)
    path = f"/cards/{card.id}/runs?limit=50"
    yield _get("runs, first page", world.ada, "runs", path)
    yield _get("runs, last page", world.ada, "runs", f"{path}&offset={number - 50}")
    yield _get("runs that failed (a tenth), first page", world.ada, "runs", f"{path}&status=failed")


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
    yield _get("documents, first page", world.ada, "documents", path)
    yield _get("documents, in the middle", world.ada, "documents", f"{path}&offset={number // 4}")
    yield _get("documents that are archived (a quarter)", world.ada, "documents", f"{path}&status=archived")


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
    yield _get("projects, first page", world.ada, "projects", path)
    yield _get("projects, last page", world.ada, "projects", f"{path}&offset={number - 50}")
    yield _get("projects by name", world.ada, "projects", f"{path}&sortBy=name")
    yield _get("projects by last activity", world.ada, "projects", f"{path}&sortBy=lastActivity")
    yield _get("projects by last change", world.ada, "projects", f"{path}&sortBy=updatedAt")
    yield _get("projects, a search", world.ada, "projects", f"{path}&search={rows[number // 2].name[-4:]}")
    visible = f"/projects?limit=50&offset={number // 2}"
    yield _get("projects of all workspaces, in the middle", world.ada.at("omoios"), "projects", visible)


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
    yield _get("activities, first page", world.ada, "comments", path)
    yield _get("activities, in the middle", world.ada, "comments", f"{path}&offset={number // 2}")


def _tasks(world: Any, number: int) -> Calls:
    """Tasks of which each depends on the two before it, a tenth of them completed."""
    from shared.core.ids import new_id
    from shared.work.tasks.creating import NewTask, add_task
    from shared.work.tasks.rows import Task, tasks_of
    from tests.seeding import put_counted

    first = add_task(world.actor, world.card(), new_id(), NewTask("Add the invoice to the order", "Customers pay by invoice"))
    common = _values(first)
    rows = [first]
    while len(rows) < number:
        status = "completed" if len(rows) % 10 == 0 else "pending"
        rows.append(Task.new(new_id(), **common | {"status": status, "depends_on": [row.id for row in rows[-2:]]}))
    put_counted(tasks_of(world.ws_id), rows)
    client = world.ada.at("omoios")
    yield _get("tasks of all workspaces, first page", client, "tasks", "/tasks?limit=50")
    yield _get(
        "tasks that are completed (a tenth), in the middle", client, "tasks", f"/tasks?limit=5&status=done&offset={number // 20}"
    )
    yield _get("the graph of a project's tasks", client, "tasks", f"/graph/dependency-graph/project/{world.project.id}")


def _terminal(_: Any, number: int) -> Calls:
    from tests.seeding import log_chunks, put_directly

    put_directly(log_chunks("run", number * LINES))
    for read, name in (
        (MIDDLE, f"terminal (ten lines an entry), {MIDDLE}"),
        (END, f"terminal, {END}"),
        (SEARCH, f"terminal, {SEARCH}"),
    ):
        yield Asked(name, "bench.terminal_reads", {"read": read, "lines": number * LINES})


def _values(entity: Any) -> dict[str, Any]:
    """Return the values that are the same in all rows of a list."""
    return {name: value for name, value in entity.attribute_values.items() if name not in _OWN and not name.startswith("gsi")}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
