"""Round trips to DynamoDB and capacity units of each operation, counted on moto.

Trips are counted at botocore, exactly. Units follow the documented formula from the sizes of the rows (moto's own figures are
constants): a strongly consistent read 1 per 4 KB, an eventually consistent one 0.5; a write 1 per KB of the larger of the row before and
after, in a transaction twice. Each index that a row is in costs a write of its own if what the index holds has changed, and two if its key
has: the old entry is deleted. Indexes follow later, so a transaction does not double them.
"""

import json
import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from tests.trips import DynamoRequests

READ_ONE, READ_MANY, FILTERED, WRITE, LOGIN = 1, 2, 3, 2, 4
"""Round trips one after the other, access included: a row by its id; a list, or a row with collections; a filtered page; any change; a
login. What is read ahead beside them costs no time and is shown with a +."""
LISTED: dict[str, tuple[int, str]] = {
    "agentConfigs.update": (3, "the first time the row is made before it is changed"),
    "attachments.complete": (3, "the upload, then its card, then the transaction"),
    "attachments.delete": (3, "the attachment, then its card, then the transaction"),
    "auth.changePassword": (
        5,
        "the counters of guesses before the password is looked at; the user, their sessions",
    ),
    "auth.forgotPassword": (
        5,
        "the request, mails from here, mails to there: each counted before the next; whose address; the token",
    ),
    "auth.oauthCallback": (
        6,
        "the request, what the sign-in began with, that it is used up; whose identity, the user; the session",
    ),
    "auth.oauthStart": (3, "the request is counted; the address of the provider; what the sign-in begins with"),
    "auth.refresh": (
        5,
        "the request is counted; the session, its next secret, the user with the access record, the organization",
    ),
    "auth.resetPassword": (5, "the request is counted; the token, its user, their sessions, then the transaction"),
    "auth.verifyEmail": (6, "the request is counted; the token, its user, what they may do, their organization; the transaction"),
    "auth.resendVerification": (3, "the user; the counter of mails; the user, for the mail"),
    "billing.credit": (3, "the invoice, then its account and the number of the last note, then the transaction"),
    "billing.pay": (3, "the invoice, then its account, then the transaction"),
    "billing.stripeWebhook": (3, "the invoice, then its account, then the transaction: Stripe asks, and nobody waits"),
    "cards.restore": (3, "the card, then its lane, which may be full, then the transaction"),
    "dependencies.create": (3, "both cards, then the graph of their board, then the transaction"),
    "invitations.accept": (3, "the invitation, then its workspace and who invited, then the transaction"),
    "members.invite": (5, "the workspace; its plan; three counters of mails, each before the next is counted; the invitation"),
    "aintandem agents.discover": (
        3,
        "which sandboxes there are, then they and their links, then what was measured of the page's agents",
    ),
    "aintandem auth.refresh": (5, "as in agentworks"),
    "aintandem messages.approve": (3, "the message names its pair, then the number of the pair, then the transaction"),
    "aintandem messages.retry": (3, "the message names its pair, then both sandboxes and the policy, then the transaction"),
    "aintandem messages.send": (3, "both sandboxes, then the policy of their workspace and their pair, then the transaction"),
    "enterprise apiKeys.list": (3, "the caller names the organization, then its list, then the keys with their last uses"),
    "enterprise jwks.get": (3, "the request is counted; the keys; the first time the key is kept"),
    "enterprise oauth.revoke": (4, "the request is counted; the client; once in a process the key; the end of the session"),
    "enterprise oauth.token": (
        6,
        "the request is counted; the client; its owner with the access record; the session; the first time the key is read and kept",
    ),
    "orchestrator auth.refresh": (5, "as in agentworks"),
    "members.remove": (3, "the membership, whose organization has the seat; then the transaction"),
    "enterprise projects.list": (3, "the workspaces of the organization, then their projects at once, then the rows of the page"),
    "enterprise projects.create": (3, "the organization names the workspace, then the workspace, then the transaction"),
    "enterprise requirements.create": (3, "the project names the board, then the board, then the transaction"),
    "enterprise features.create": (3, "the requirement names the board, then the board, then the transaction"),
    "enterprise builds.create": (3, "the feature names the project, then the number of its last build, then the transaction"),
    "enterprise features.buildAndDeploy": (
        4,
        "the feature names the project, then its repository, the number of its last build, the transaction",
    ),
    "enterprise operations.cancel": (3, "the operation names the build, then the build, then the transaction"),
    "enterprise features.updateStatus": (
        3,
        "the feature, then the transaction; then the card above it, if it is still a requirement",
    ),
    "enterprise testcases.setCriteria": (
        3,
        "the test case, then its requirement, which must have the criteria, then the transaction",
    ),
    "enterprise deployments.rollback": (4, "the deployment, then its environment, then what begins it, then what ends it"),
    "omoios alerts.updateRule": (3, "the project names the workspace, then its rules, then the write"),
    "omoios attachments.delete": (3, "the attachment, then its card, then the transaction"),
    "omoios handoff.accept": (3, "the thread names the agent and the task, then these, then the transaction"),
    "omoios agents.cleanupStale": (3, "which agents there are, then they and their heartbeats, then a transaction for each"),
    "omoios agents.nextTask": (4, "the agent, then which tasks are ready, then the first of them, then the transaction"),
    "omoios agents.register": (3, "the organization or the project, then the last number there, then the transaction"),
    "omoios board.autoTransition": (
        4,
        "the ticket, then the lanes of its board, then what was measured of its tasks (a quality gate may hold it), then the transaction",
    ),
    "omoios board.move": (3, "the ticket, then the lanes of its board, then the transaction"),
    "omoios documents.reject": (3, "the version names its document, then the document, then the transaction"),
    "omoios exploration.initializeProject": (
        9,
        "the exploration; whether the project is there, its workspace, the transaction; which cards are there, their board, the "
        "transaction of all of them; the exploration as it is now, and that it is done",
    ),
    "omoios tickets.detectBlocking": (
        6,
        "which projects, the cards of their boards, the tickets that may be stuck, their newest tasks, the rows of these",
    ),
    "omoios tickets.approve": (3, "the ticket, then the block that counts the tasks of its workspace, then the transaction"),
    "omoios tickets.block": (3, "the ticket, then the block that counts the tasks of its workspace, then the transaction"),
    "omoios statistics.agents": (3, "the project and beside it its figures, which live agents there are, then their rows"),
    "omoios statistics.projectOverview": (
        3,
        "the project and beside it its figures, which live agents there are, then their rows",
    ),
    "omoios tickets.checkDuplicates": (3, "the project and beside it the words of its board, then the tickets that are like it"),
    "omoios tickets.create": (
        4,
        "the project and beside it the words of its board, the tickets that are like it, the board, then the transaction",
    ),
    "omoios tickets.list": (3, "the board, then the cards of its lanes, then the rows of the page"),
    "omoios tickets.pendingReviewCount": (3, "the workspaces, what waits in each, then the projects"),
    "omoios tickets.progress": (
        4,
        "the ticket and beside it what its gate asks for, the lanes of its board, what a finished one depends on, the transaction",
    ),
    "omoios tickets.regress": (3, "the ticket, then the lanes of its board, then the transaction"),
    "omoios tickets.transition": (4, "the ticket, the lanes of its board, what a finished one depends on, then the transaction"),
    "omoios tickets.updateContext": (3, "the ticket and beside it what stands around it, then the rows of these, then the write"),
    "omoios github.createIssue": (3, "the repository and the ticket, then that an issue is being made, then the link to it"),
    "omoios github.webhook": (
        3,
        "once in a while the repository and the lease of its requests; then the delivery: GitHub asks, and nobody waits",
    ),
    "omoios guardian.revert": (3, "the intervention, then what it changed, then the transaction"),
    "omoios validation.giveReview": (3, "the validator, then the task, then the transaction"),
    "omoios validation.spawnValidator": (
        6,
        "the task, then the agents of its workspace and their rows, then the last number there, the new validator, and the transaction",
    ),
    "omoios watchdog.executeRemediation": (
        4,
        "the agents, then the project and the last number in their workspace, then the transaction with the replacement",
    ),
    "omoios projects.create": (3, "the caller's organization names the workspace, then the workspace, then the transaction"),
    "omoios projects.createTicket": (3, "the project names the board, then the board, then the transaction"),
    "omoios projects.spawnAgent": (3, "the project, then the last number in its workspace, then the transaction"),
    "omoios discoveries.spawnTask": (3, "the discovery names the card, then the card, then the transaction"),
    "omoios memory.completeTask": (
        5,
        "the task, beside it the playbook and the newest memories, those that are like it, their pattern, then the transaction",
    ),
    "omoios memory.extract": (4, "the project, then the index of its workspace, then the memories that fit, then the write"),
    "omoios memory.search": (
        3,
        "the project and beside it the index, then the memories that were found, then the counts of their uses",
    ),
    "omoios memory.store": (
        5,
        "the task, then the newest memories of its kind, those that are like it, their pattern, then the transaction",
    ),
    "omoios memory.taskContext": (3, "the task and beside it the index, then what was found, then the counts of its uses"),
    "omoios quality.evaluateGate": (3, "the task, then its gates and what was measured, then the transaction"),
    "omoios quality.predict": (3, "the index, then the memories that were found, then what was measured of their tasks"),
    "omoios quality.record": (3, "the task, then its gates and what was measured before, then the transaction"),
    "omoios quality.setGate": (3, "the project, then its gates, then the transaction"),
    "omoios tasks.addDependencies": (3, "the tasks, then the graph of their project, then the transaction"),
    "omoios tasks.cleanupTimedOut": (3, "the tasks whose time is up, then each of them and its transaction"),
    "omoios tasks.create": (
        3,
        "the ticket names the workspace, then what it waits for and the block that counts, the transaction",
    ),
    "omoios tasks.setDependencies": (3, "the tasks, then the graph of their project, then the transaction"),
    "omoios search.global": (
        3,
        "the project and beside it the words, then the live agents, then their rows and those that were found",
    ),
    "projects.restore": (3, "the project, then the limit of its workspace, then the transaction"),
    "runs.cancel": (4, "the run, then its card, then the transaction; where its terminal ends"),
    "runs.reject": (5, "the run, its answer, its card, then the transaction; where its terminal ends"),
    "runs.retry": (4, "the run, then what runs.trigger reads and writes"),
    "runs.trigger": (3, "the card, then everything that decides, whose keys the card names; then the transaction"),
    "usage.export": (4, "the row, the sums again as rows of the file, the row as done: the file is made in the request"),
    "workspaces.transfer": (3, "the workspace names its owner, then both memberships, then the transaction"),
    "aintandem sandboxes.egress": (
        5,
        "the sandbox and its rate; then a host is asked; the line of its log: the number before it, the line, and who watches",
    ),
    "aintandem workspaces.delete": (3, "the workspace, then its members, whose access ends in the transaction"),
    "workspaces.delete": (3, "the workspace, then its members, whose access ends in the transaction"),
    "omoios audit.verify": (
        7,
        "the project, the head of the chain, its blocks, their entries; what is counted and what there is",
    ),
    "omoios export.auditTrail": (7, "the project and how long its log is; the export, its rows, that it is finished"),
    "omoios export.tickets": (
        7,
        "the project and how many tickets it has; the export, its rows, their count, that it is finished",
    ),
}


def listed_name(contract: str, operation: str) -> str:
    """How an operation is named in LISTED."""
    return operation if contract == "agentworks" else f"{contract} {operation}"


def budget(contract: str, operation: str, usual: int) -> tuple[int, str]:
    """How many trips an operation may cost, and why it is listed, if it is."""
    return LISTED.get(listed_name(contract, operation), (usual, ""))


@dataclass
class Cost:
    waits: "DynamoRequests"
    names: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    """What is read ahead, at the same time as the others."""
    reads: float = 0.0
    writes: float = 0.0
    events: int = 0
    """Rows that were written with a new event: each is a record of the stream that the projector works on."""

    @property
    def trips(self) -> int:
        """How many calls came one after the other, in whatever thread."""
        return self.waits.count


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


def _entry(item: dict[str, Any], number: int) -> dict[str, Any]:
    """Return what an index holds of a row; nothing if the row is not in it."""
    from shared.store import IN_INDEXES

    keys = (f"GSI{number}PK", f"GSI{number}SK")
    if any(key not in item for key in keys):
        return {}
    return {name: item[name] for name in ("PK", "SK", *IN_INDEXES, *keys) if name in item}


def write_units(old: dict[str, Any], new: dict[str, Any], *, in_transaction: bool) -> int:
    """Return the write units of a change of a row and of its places in indexes; an empty row is not there."""
    units = max(1, math.ceil(max(size_of(old), size_of(new)) / 1024))
    return units * (2 if in_transaction else 1) + _index_units(old, new)


def _index_units(old: dict[str, Any], new: dict[str, Any]) -> int:
    units = 0
    for number in range(1, 5):
        before, after = _entry(old, number), _entry(new, number)
        if before == after:
            continue
        moved = bool(before and after) and any(before[key] != after[key] for key in (f"GSI{number}PK", f"GSI{number}SK"))
        entries = (before, after) if moved else (after or before,)
        units += sum(math.ceil(size_of(entry) / 1024) for entry in entries)
    return units


def _operations_of(name: str, request: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the writes of a request, each with its table and its row or key."""
    if name == "TransactWriteItems":
        return [next(iter(one.values())) for one in request["TransactItems"]]
    if name == "BatchWriteItem":
        return [
            {"TableName": table, **next(iter(one.values()))} for table, batch in request["RequestItems"].items() for one in batch
        ]
    return [request] if name in {"PutItem", "UpdateItem", "DeleteItem"} else []


@contextmanager
def costing() -> Iterator[Cost]:
    """What our client sends until the block ends, and what it would cost."""
    import boto3

    from shared.store.client import the_client
    from tests.trips import count_requests, is_beside

    looking, lock = boto3.client("dynamodb"), Lock()

    def row(operation: dict[str, Any]) -> dict[str, Any]:
        key = operation.get("Key") or {name: operation["Item"][name] for name in ("PK", "SK")}
        item: dict[str, Any] = looking.get_item(TableName=operation["TableName"], Key=key, ConsistentRead=True).get("Item", {})
        return item

    def before(model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        request = context["cadre_request"] = json.loads(params["body"])
        context["cadre_rows"] = [row(one) for one in _operations_of(model.name, request)]

    def after(parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        with lock:  # reads that are sent side by side come back side by side
            add(parsed, model.name, context)

    def add(parsed: dict[str, Any], name: str, context: dict[str, Any]) -> None:
        request = context["cadre_request"]
        (cost.beside if is_beside() else cost.names).append(name)
        if name == "GetItem":
            cost.reads += _read_units([parsed.get("Item", {})], request)
        elif name == "BatchGetItem":
            for table, asked in request["RequestItems"].items():
                found = _whole_batch(table, asked) or parsed.get("Responses", {}).get(table, [])
                cost.reads += _read_units([*found, *({},) * (len(asked["Keys"]) - len(found))], asked)
        elif name == "Query":
            total = sum(size_of(one) for one in _whole_page(request) or parsed.get("Items", []))
            cost.reads += max(1, math.ceil(total / 4096)) * (1 if request.get("ConsistentRead") else 0.5)
        for operation, old in zip(_operations_of(name, request), context["cadre_rows"], strict=True):
            new = row(operation)
            cost.writes += write_units(old, new, in_transaction=name == "TransactWriteItems")
            cost.events += int("event_id" in new and old.get("event_id") != new["event_id"])

    events = the_client().meta.events
    events.register("before-call.dynamodb", before)
    events.register("after-call.dynamodb", after)
    try:
        with count_requests() as waits:
            cost = Cost(waits)
            yield cost
    finally:
        events.unregister("before-call.dynamodb", before)
        events.unregister("after-call.dynamodb", after)


def _whole_batch(table: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a read that showed only some of their attributes: DynamoDB reads all, and bills what it reads."""
    import boto3

    if "ProjectionExpression" not in asked:
        return []
    whole = {name: asked[name] for name in ("Keys", "ConsistentRead")}
    answer = boto3.client("dynamodb").batch_get_item(RequestItems={table: whole})
    rows: list[dict[str, Any]] = answer["Responses"][table]
    return rows


def _whole_page(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a query that showed only some of their attributes."""
    import boto3

    if "ProjectionExpression" not in request:
        return []
    whole = {name: value for name, value in request.items() if name != "ProjectionExpression"}
    whole["ExpressionAttributeNames"] = {
        name: stored
        for name, stored in request["ExpressionAttributeNames"].items()
        if re.search(rf"{name}\b", request["KeyConditionExpression"])
    }
    rows: list[dict[str, Any]] = boto3.client("dynamodb").query(**whole)["Items"]
    return rows


def _read_units(rows: list[dict[str, Any]], request: dict[str, Any]) -> float:
    """Return the units of reading rows by their keys; one that is not there costs as much as a small one."""
    return sum(max(1, math.ceil(size_of(one) / 4096)) for one in rows) * (1 if request.get("ConsistentRead") else 0.5)


def on_moto(measure: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return what `measure` does on new tables of moto."""
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
        return measure()


def usual(operation: str, method: str) -> int:
    """Return how many trips an operation may cost that is not listed."""
    if operation == "auth.login":
        return LOGIN
    return READ_MANY if method == "GET" else WRITE


def rows() -> list[dict[str, Any]]:
    """One row an operation: trips, the calls, read and write units, and whether that is within the budget. The tables are there."""
    return [_row(name, least, call) for name, least, call in _operations()]


def _row(name: str, least: int, call: Callable[[], Any]) -> dict[str, Any]:
    with costing() as cost:
        answer = call()
    if answer.status >= 300:
        raise RuntimeError(f"{name} answered {answer.status}: {answer.text[:300]}")
    most, why = budget("agentworks", name, least)
    return row_of(name, cost) | {"budget": most, "why": why}


def row_of(operation: str, cost: Cost) -> dict[str, Any]:
    return {
        "operation": operation,
        "trips": cost.trips,
        "calls": " ".join(cost.names) + "".join(f" + {name}" for name in cost.beside),
        "rcu": cost.reads,
        "wcu": cost.writes,
    }


def _operations() -> Iterator[tuple[str, int, Callable[[], Any]]]:
    from shared.store import fetch
    from shared.work.items.rows import Item
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
        WRITE,
        lambda: call(
            "auth",
            "agentworks",
            "POST",
            "/auth/register",
            body={"name": "B", "email": "b@example.com", "password": "correct horse"},
        ),
    )
    yield "auth.login", LOGIN, lambda: call("auth", "agentworks", "POST", "/auth/login", body=credentials)
    yield "auth.me", READ_ONE, lambda: ada("auth", "GET", "/auth/me")
    yield "workspaces.list", READ_MANY, lambda: ada("workspaces", "GET", "/workspaces")
    yield "projects.list", READ_MANY, lambda: ada("projects", "GET", f"/workspaces/{world.ws_id}/projects")
    yield "boards.get", READ_ONE, lambda: ada("boards", "GET", f"/boards/{board}")
    yield "cards.list", READ_MANY, lambda: ada("cards", "GET", f"/boards/{board}/cards")
    yield "cards.create", WRITE, lambda: ada("cards", "POST", f"/boards/{board}/cards", body=card)
    yield "cards.get", READ_MANY, lambda: ada("cards", "GET", f"/cards/{card_ids[0]}")
    yield "cards.update", WRITE, lambda: ada("cards", "PUT", f"/cards/{card_ids[0]}", body={"title": "Pay by invoice"})
    yield "cards.move", WRITE, lambda: ada("cards", "POST", f"/cards/{card_ids[0]}/move", body={"toLaneId": lanes[4].id})
    yield "comments.create", WRITE, lambda: ada("comments", "POST", f"/cards/{card_ids[0]}/comments", body={"content": "Yes."})
    docs, text = (
        f"/projects/{world.project.id}/docs",
        {"type": "prd", "title": "PRD", "content": "Customers pay by invoice.\n" * 100},
    )
    document = ada("documents", "POST", docs, body=text).json["id"]
    yield "documents.create", WRITE, lambda: ada("documents", "POST", docs, body=text)
    yield "documents.list", READ_MANY, lambda: ada("documents", "GET", docs)
    yield "documents.latestByType", READ_ONE, lambda: ada("documents", "GET", f"{docs}/prd")
    yield "documents.get", READ_MANY, lambda: ada("documents", "GET", f"/documents/{document}")
    yield "documents.update", WRITE, lambda: ada("documents", "PUT", f"/documents/{document}", body={"content": "Other words"})
    yield "tickets.get", READ_ONE, lambda: ada.at("omoios")("cards", "GET", ticket)
    yield "runs.trigger", WRITE, lambda: ada("runs", "POST", f"/cards/{card_id}/agents/prd/run", body={})
    yield "usage.workspace", READ_MANY, lambda: ada("usage", "GET", f"/workspaces/{world.ws_id}/usage?breakdown=user")
    yield "runs.list", READ_MANY, lambda: ada("runs", "GET", f"/cards/{card_id}/runs")
    leased = fetch(Item, card_id)
    if leased is None:
        raise LookupError(card_id)
    yield "runs.get", READ_ONE, lambda: ada("runs", "GET", f"/runs/{leased.lease_run}")
    project, workspace = f"/projects/{world.project.id}", f"/workspaces/{world.ws_id}"
    yield "workspaces.get", READ_ONE, lambda: ada("workspaces", "GET", workspace)
    yield "workspaces.update", WRITE, lambda: ada("workspaces", "PUT", workspace, body={"name": "W"})
    yield "members.list", READ_MANY, lambda: ada("workspaces", "GET", f"{workspace}/members")
    yield "projects.get", READ_ONE, lambda: ada("projects", "GET", project)
    yield "projects.create", WRITE, lambda: ada("projects", "POST", f"{workspace}/projects", body={"name": "P", "slug": "p"})
    yield "projects.update", WRITE, lambda: ada("projects", "PUT", project, body={"name": "P"})
    yield "billing.get", READ_MANY, lambda: ada("billing", "GET", f"{workspace}/billing")
    yield "cards.delete", WRITE, lambda: ada("cards", "DELETE", f"/cards/{card_ids[1]}")


if __name__ == "__main__":
    print(json.dumps(on_moto(rows), indent=1))
