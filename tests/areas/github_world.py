"""A person with a project and a repository at GitHub on loopback: webhooks go in by the function, and messages are worked off by hand."""

import json
from typing import Any
from unittest.mock import patch

import boto3
from moto.sqs.models import sqs_backends

from functions.github_worker import handler as worker
from shared.agents.catalogue import agent_named
from shared.core import clock
from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.core.settings import settings
from shared.edge.views.omoios.events import EVENTS
from shared.events.change import parse_change
from shared.source.commits.linking import link_commit
from shared.source.repositories import receiving
from shared.source.repositories.issues import link_issue
from shared.source.repositories.pushes import as_pushed, save_commit
from shared.source.repositories.rows import Repository, repository_id_of
from shared.store import create, fetch, write
from shared.store.client import dynamodb
from shared.work.items.rows import Item
from shared.work.projects.rows import Project
from tests.areas.boards_world import World
from tests.areas.driving import Answer, Client, Context, call
from tests.areas.viewers import stream_record
from tests.github_server import FULL, NAME, OWNER, TOKEN, FakeGithub, sha_of

QUEUE = "github_events.fifo"


class Octo:
    """A world with GitHub. `world.ada` is asked at omoios."""

    def __init__(self, world: World, github: FakeGithub) -> None:
        self.world, self.github = world, github
        self.client = world.ada.at("omoios")
        receiving.clear_cache()
        taken()  # what a test before has left

    def ask(self, method: str, path: str, body: Any = None, client: Client | None = None) -> Answer:
        return (client or self.client).at("omoios")("github", method, path, body=body)

    def connect(self, client: Client | None = None, **more: Any) -> Answer:
        body = {"owner": OWNER, "name": NAME, "access_token": TOKEN} | more
        return self.ask("POST", "/github/repositories/connect", body, client)

    @property
    def repository(self) -> Repository:
        found = fetch(Repository, repository_id_of(self.world.project.id))
        assert found is not None
        return found

    def deliver(
        self, event: str, payload: Any, *, hook: int | None = None, delivery: str | None = None, **headers: str
    ) -> Answer:
        """Send a webhook as GitHub does, to the newest hook."""
        body, signed, query = self.github.signed(event, payload, hook=hook, delivery=delivery)
        return post(body, signed | headers, query)

    def happens(self, event: str, payload: Any, **about: Any) -> None:
        """Send a webhook and work it off."""
        answer = self.deliver(event, payload, **about)
        assert (answer.status, answer.json) == (200, {"status": "processed"}), answer.text
        assert self.work() == []

    def work(self, seconds: float | None = None) -> list[str]:
        """Work off the queue until it is empty; return the ids of messages that failed."""
        failed: list[str] = []
        with patch.object(worker, "SECONDS", worker.SECONDS if seconds is None else seconds):
            while waiting := taken():
                for body in waiting:
                    failed += run_worker(body)
        return failed

    def commits(self, ticket: str) -> list[dict[str, Any]]:
        answer = self.ask("GET", f"/tickets/{ticket}/commits")
        assert answer.status == 200, answer.text
        return answer.json


def post(body: bytes, headers: dict[str, str], query: str = "") -> Answer:
    path = f"/webhooks/github?{query}" if query else "/webhooks/github"
    return call("github", "omoios", "POST", path, body=body, headers={"content-type": "application/json"} | headers)


def run_worker(body: str, receipt: str = "") -> list[str]:
    """Give the worker one message; return its id if it failed."""
    record = {"messageId": new_id(), "receiptHandle": receipt, "body": body, "eventSource": "aws:sqs", "attributes": {}}
    answer = worker.handler({"Records": [record]}, Context())
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


def receive() -> tuple[str, str] | None:
    """Receive the next message as Lambda's poller does: its body and its receipt; None if none is visible."""
    url = settings().need("github_events_queue")
    found = boto3.client("sqs").receive_message(QueueUrl=url, VisibilityTimeout=360).get("Messages")
    return (found[0]["Body"], found[0]["ReceiptHandle"]) if found else None


def taken() -> list[str]:
    """Take all messages out of the queue on moto, hidden ones too."""
    queue = sqs_backends["123456789012"]["us-east-1"].queues[QUEUE]
    bodies = [message.body for message in queue._messages]
    queue._messages.clear()
    queue.deleted_messages.clear()
    queue.pending_message_groups.clear()
    queue.pending_messages.clear()
    return bodies


def waiting() -> list[dict[str, Any]]:
    """What is in the queue; it stays there."""
    return [json.loads(message.body) for message in sqs_backends["123456789012"]["us-east-1"].queues[QUEUE]._messages]


def use(github: FakeGithub, monkeypatch: Any) -> None:
    """Let the functions ask this GitHub."""
    monkeypatch.setenv("CADRE_GITHUB_API", github.url)
    settings.cache_clear()


def rows_of(kind: str) -> list[dict[str, Any]]:
    """All rows of a kind, raw."""
    found = dynamodb().scan(TableName="core")["Items"]
    return [row for row in found if row.get("kind", {}).get("S") == kind]


def frames(row: dict[str, Any]) -> list[dict[str, Any]]:
    """What omoios' socket shows of a row that was just written."""
    change = parse_change(stream_record(row))
    assert change is not None
    return [json.loads(frame.text) for frame in EVENTS[change.event.type](change)]


def in_repository(actor: Actor, project: Project, card: Item) -> Repository:
    """Write a connected repository with an issue and a commit of a card, as if GitHub had been asked."""
    repository = Repository.new(
        repository_id_of(project.id), org_id=project.org_id, ws_id=project.ws_id, proj_id=project.id, owner=OWNER, name=NAME,
        board_id=project.board_id, github_id=1296269, url=f"https://github.com/{FULL}", token="sealed", secret="sealed", hook_id=1,
        connected_at=clock.iso(), created_by=actor.summary,
    )  # fmt: skip
    write(create(repository))
    issue = {"number": 1, "title": "An issue", "body": "", "html_url": f"https://github.com/{FULL}/issues/1"}
    link_issue(actor, repository, issue, card)
    entry = {"message": "Words", "timestamp": clock.iso(), "url": "", "added": ["a.txt"], "author": {"name": "Ida"}}
    commit, files = as_pushed(repository, sha_of("in a repository"), entry)
    commit.agent_id = agent_named("planner").id
    save_commit(actor, commit, files)
    link_commit(actor, card, commit)
    return repository
