"""Round trips to DynamoDB and capacity units of each operation, counted on moto.

Trips are counted at botocore, exactly. Units follow the documented formula from the sizes of the rows (moto's own figures are
constants): a strongly consistent read 1 per 4 KB, an eventually consistent one 0.5, a write 1 per KB, transactions twice, and one more
write for each index the row is in.
"""

import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest.mock import patch

BUDGET = 2  # round trips, access included; what takes more is listed with its number and its reason
LISTED: dict[str, tuple[int, str]] = {
    "auth.login": (
        8,
        "count, address, user, guesses from here and in all, organization: each decides on the next; one transaction; the workspaces shown",
    ),
    "projects.list": (3, "the index of the workspace, then the rows of the page"),
    "boards.cards.list": (4, "the board, its index, the rows of the page"),
    "cards.get": (4, "the card, then its comments and its activities, each an index of its own"),
    "cards.create": (3, "board, lane, counts and project in one batch, before the transaction"),
    "cards.update": (3, "the card before the transaction"),
    "cards.move": (3, "card, lanes and counts in one batch, before the transaction"),
    "cards.delete": (3, "the card before the transaction"),
    "comments.create": (3, "the card before the transaction"),
    "documents.create": (3, "the project before the transaction"),
    "documents.list": (4, "the project, its index, the rows of the page with their texts"),
    "documents.get": (3, "the document, then its text and revisions, whose keys follow from it"),
    "documents.update": (4, "the document, then its old text for the diff, before the transaction"),
    "runs.trigger": (4, "the card, then everything that decides in one batch, then the transaction"),
    "usage.workspace": (3, "the totals by day, then the parts: each a range of keys of its own"),
    "runs.list": (4, "the card, its index, the rows of the page"),
}


@dataclass
class Cost:
    names: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    """What is read ahead, at the same time as the others."""
    reads: float = 0.0
    writes: float = 0.0


def size_of(item: dict[str, Any]) -> int:
    """Bytes of a row as DynamoDB counts them: names and values in UTF-8; a map or list adds 3 and 1 an element."""
    return sum(len(name.encode()) + _value(value) for name, value in item.items())


def _value(boxed: dict[str, Any]) -> int:
    ((kind, value),) = boxed.items()
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return math.ceil(len(value.lstrip("-").replace(".", "")) / 2) + 1
    if kind == "M":
        return 3 + sum(len(name.encode()) + _value(one) + 1 for name, one in value.items())
    if kind == "L":
        return 3 + sum(_value(one) + 1 for one in value)
    if kind in {"SS", "NS"}:
        return sum(len(one.encode()) for one in value)
    return 1


def _indexes(item: dict[str, Any]) -> float:
    """Write units of the indexes a row is in (each holds the keys, the kind and `f`)."""
    small = {name: item[name] for name in ("PK", "SK", "f", "kind") if name in item}
    units = 0.0
    for number in range(1, 5):
        keys = {name: item[name] for name in (f"GSI{number}PK", f"GSI{number}SK") if name in item}
        if len(keys) == 2:
            units += math.ceil(size_of(small | keys) / 1024)
    return units


@contextmanager
def costing() -> Iterator[Cost]:
    """What our client sends until the block ends, and what it would cost."""
    import boto3

    from shared.store.client import the_client
    from tests.trips import is_beside

    looking, cost = boto3.client("dynamodb"), Cost()

    def row(table: str, key: dict[str, Any]) -> dict[str, Any]:
        item: dict[str, Any] = looking.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        return item

    def written(operation: dict[str, Any]) -> float:
        item = operation.get("Item") or row(operation["TableName"], operation["Key"])
        return max(1, math.ceil(size_of(item) / 1024)) + (_indexes(item) if operation["TableName"] == "core" else 0)

    def before(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["cadre_request"] = json.loads(params["body"])

    def after(parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        name, request = model.name, context["cadre_request"]
        (cost.beside if is_beside() else cost.names).append(name)
        if name == "GetItem":
            cost.reads += max(1, math.ceil(size_of(parsed.get("Item", {})) / 4096)) * (
                1 if request.get("ConsistentRead") else 0.5
            )
        elif name == "BatchGetItem":
            for table, rows in parsed.get("Responses", {}).items():
                strong = 1 if request["RequestItems"][table].get("ConsistentRead") else 0.5
                cost.reads += sum(max(1, math.ceil(size_of(one) / 4096)) * strong for one in rows)
        elif name == "Query":
            total = sum(size_of(one) for one in parsed.get("Items", []))
            cost.reads += max(1, math.ceil(total / 4096)) * (1 if request.get("ConsistentRead") else 0.5)
        elif name == "TransactWriteItems":
            cost.writes += sum(2 * written(next(iter(one.values()))) for one in request["TransactItems"])
        elif name in {"PutItem", "UpdateItem", "DeleteItem"}:
            cost.writes += written(request)

    events = the_client().meta.events
    events.register("before-call.dynamodb", before)
    events.register("after-call.dynamodb", after)
    try:
        yield cost
    finally:
        events.unregister("before-call.dynamodb", before)
        events.unregister("after-call.dynamodb", after)


def measure() -> list[dict[str, Any]]:
    """One row an operation: trips, the calls, read and write units, and whether that is within the budget."""
    import boto3
    from moto import mock_aws

    from shared.core.settings import settings
    from shared.people.access import quota_leases
    from tests import conftest
    from tests.trips import LARGE_LEASES

    # the lease of a process is one trip in twenty, not what an operation costs
    with mock_aws(), patch.multiple(quota_leases, **LARGE_LEASES):
        os.environ |= conftest.create_resources(cache(boto3.client))
        settings.cache_clear()  # a module imported before may have read them without the queues
        return [_row(name, call) for name, call in _operations()]


def _row(name: str, call: Callable[[], Any]) -> dict[str, Any]:
    with costing() as cost:
        answer = call()
    if answer.status >= 300:
        raise RuntimeError(f"{name} answered {answer.status}: {answer.text[:300]}")
    budget, why = LISTED.get(name, (BUDGET, ""))
    return {
        "operation": name,
        "trips": len(cost.names),
        "budget": budget,
        "why": why,
        "calls": " ".join(cost.names) + "".join(f" + {name}" for name in cost.beside),
        "rcu": cost.reads,
        "wcu": cost.writes,
    }


def _operations() -> Iterator[tuple[str, Callable[[], Any]]]:
    from tests.areas.boards_world import create_world
    from tests.areas.driving import call

    world = create_world()
    ada, board, lanes = world.ada, world.board.id, world.lanes
    credentials = {"email": "ada@example.com", "password": "correct horse"}
    card = {
        "laneId": lanes[0].id,
        "title": "Let customers pay by invoice",
        "type": "task",
        "description": "Business customers leave.",
    }
    card_ids = [ada("cards", "POST", f"/boards/{board}/cards", body=card).json["id"] for _ in range(20)]
    ticket = f"/tickets/{card_ids[0]}"
    card_id = ada("cards", "POST", f"/boards/{board}/cards", body=card | {"laneId": lanes[1].id, "type": "doc"}).json["id"]
    # the first request of a window costs a trip more, in every window once: not what an operation costs
    call("auth", "agentworks", "POST", "/auth/login", body=credentials)
    ada.at("omoios")("cards", "GET", ticket)
    yield (
        "auth.register",
        lambda: call(
            "auth",
            "agentworks",
            "POST",
            "/auth/register",
            body={"name": "B", "email": "b@example.com", "password": "correct horse"},
        ),
    )
    yield "auth.login", lambda: call("auth", "agentworks", "POST", "/auth/login", body=credentials)
    yield "auth.me", lambda: ada("auth", "GET", "/auth/me")
    yield "workspaces.list", lambda: ada("workspaces", "GET", "/workspaces")
    yield "projects.list", lambda: ada("projects", "GET", f"/workspaces/{world.ws_id}/projects")
    yield "boards.get", lambda: ada("boards", "GET", f"/boards/{board}")
    yield "boards.cards.list", lambda: ada("cards", "GET", f"/boards/{board}/cards")
    yield "cards.create", lambda: ada("cards", "POST", f"/boards/{board}/cards", body=card)
    yield "cards.get", lambda: ada("cards", "GET", f"/cards/{card_ids[0]}")
    yield "cards.update", lambda: ada("cards", "PUT", f"/cards/{card_ids[0]}", body={"title": "Pay by invoice"})
    yield "cards.move", lambda: ada("cards", "POST", f"/cards/{card_ids[0]}/move", body={"toLaneId": lanes[4].id})
    yield "comments.create", lambda: ada("comments", "POST", f"/cards/{card_ids[0]}/comments", body={"content": "Yes."})
    docs, text = (
        f"/projects/{world.project.id}/docs",
        {"type": "prd", "title": "PRD", "content": "Customers pay by invoice.\n" * 100},
    )
    document = ada("documents", "POST", docs, body=text).json["id"]
    yield "documents.create", lambda: ada("documents", "POST", docs, body=text)
    yield "documents.list", lambda: ada("documents", "GET", docs)
    yield "documents.latestByType", lambda: ada("documents", "GET", f"{docs}/prd")
    yield "documents.get", lambda: ada("documents", "GET", f"/documents/{document}")
    yield "documents.update", lambda: ada("documents", "PUT", f"/documents/{document}", body={"content": "Other words"})
    yield "tickets.get", lambda: ada.at("omoios")("cards", "GET", ticket)
    yield "runs.trigger", lambda: ada("runs", "POST", f"/cards/{card_id}/agents/prd/run", body={})
    yield "usage.workspace", lambda: ada("usage", "GET", f"/workspaces/{world.ws_id}/usage?breakdown=user")
    yield "runs.list", lambda: ada("runs", "GET", f"/cards/{card_id}/runs")
    yield "cards.delete", lambda: ada("cards", "DELETE", f"/cards/{card_ids[1]}")


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
