"""Webhooks on moto: the stream projected, the queues worked off by hand, time moved by the test."""

import json
from datetime import timedelta
from typing import Any

import time_machine
from moto.sqs.models import sqs_backends

from functions.webhook_worker.handler import handler as worker
from shared.channels.webhooks import deliveries
from shared.channels.webhooks.deliveries import WebhookEvent, queue_event
from shared.channels.webhooks.rows import Content, Webhook, partition_of
from shared.core import clock
from shared.core.ids import new_id
from shared.store import get, query
from shared.work.items.creating import NewItem, create_item
from shared.work.items.rows import Item
from tests.areas.boards_world import World
from tests.areas.driving import Answer, Context, call, run_jobs
from tests.areas.receiver import Receiver
from tests.areas.viewers import project, raw_row, stream_record


class Hooks:
    """A person's organization with a receiver, and what happens there."""

    def __init__(self, world: World, receiver: Receiver) -> None:
        self.world, self.receiver = world, receiver
        self.client = world.ada.at("enterprise")
        self._sequence = 0
        self.named: list[str] = []
        """The ids of events that have data."""
        deliveries.clear_cache()

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        answer = self.client("webhooks", method, path, body=body)
        if answer.status == 401:  # the test has moved the time on
            self.log_in()
            answer = self.client("webhooks", method, path, body=body)
        return answer

    def log_in(self) -> None:
        sent = {"email": self.client.user["email"], "password": "correct horse"}
        self.world.ada.token = self.client.token = call("auth", "agentworks", "POST", "/auth/login", body=sent).json["token"]

    def subscribe(self, path: str = "/hook", **more: Any) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.receiver.port}{path}"
        answer = self.ask("POST", "/webhooks", {"url": url, "events": ["*"], **more})
        assert answer.status == 201, answer.text
        return answer.json["data"]

    # -- what happens

    def feature(self, title: str = "Pay by invoice") -> Item:
        """A new feature, of which the stream tells."""
        lane = self.world.board.lane_ids[0]
        card = create_item(self.world.actor, self.world.board.id, NewItem(title, "feature", lane))
        self.tell(card)
        return card

    def change(self, card: Item, status: str) -> str:
        """Change the status of a feature through the API of cards; the id of the event."""
        before = raw_row(f"ITEM#{card.id}")
        answer = self.world.ada("cards", "PUT", f"/cards/{card.id}", body={"status": status})
        assert answer.status == 200, answer.text
        return self.tell(card, before)

    def tell(self, card: Item, before: Any = None) -> str:
        """Give the stream's consumer the change of a card."""
        self._sequence += 1
        new = raw_row(f"ITEM#{card.id}")
        assert project(stream_record(new, before, sequence=self._sequence)) == []
        return str(new["event_id"]["S"])

    def happens(self, resource: str, name: str = "feature.created", data: Any = None) -> None:
        """Queue an event of a resource, as the projector does with those of the document."""
        self._sequence += 1
        event = WebhookEvent(name, new_id(), clock.iso(), resource, str(self._sequence), None, lambda: data or {})
        if data:
            self.named.append(event.id)
        queue_event(str(self.world.project.org_id), event)

    # -- the queues

    def wakes(self, queue: str = "webhook_delivery.fifo") -> list[dict[str, Any]]:
        """Take all messages out of a queue, also delayed ones."""
        held = sqs_backends["123456789012"]["us-east-1"].queues[queue]
        found = [json.loads(message.body) for message in held._messages]
        held._messages.clear()
        return found

    def work(self, *messages: dict[str, Any]) -> None:
        """Let the worker take messages, one batch each; none may fail."""
        for message in messages:
            record = {"messageId": "1", "body": json.dumps(message), "attributes": {}}
            assert worker({"Records": [record]}, Context()) == {"batchItemFailures": []}

    def deliver(self) -> None:
        """Work until no wake is left that is not delayed."""
        while waiting := self.wakes():
            self.work(*waiting)

    def later(self, traveller: time_machine.Traveller, hours: float) -> None:
        """Some hours later, in which every wake had its time; the sweep has been there too."""
        traveller.shift(timedelta(hours=hours))
        self.work(*self.wakes("webhook_retry"))
        self.sweep()
        self.deliver()

    def sweep(self) -> None:
        run_jobs("webhook-retry")

    # -- what is written

    def log(self, webhook: dict[str, Any]) -> list[dict[str, Any]]:
        """The log as the API shows it, oldest first."""
        answer = self.ask("GET", f"/webhooks/{webhook['id']}/deliveries?page_size=100")
        assert answer.status == 200, answer.text
        return answer.json["data"][::-1]

    def waiting(self, webhook: dict[str, Any]) -> list[Content]:
        return query(Content, partition_of(webhook["id"]), prefix="WAIT#", consistent=True).rows

    def key(self, webhook: dict[str, Any]) -> tuple[str, str]:
        return Webhook.key_in(str(self.world.project.org_id), webhook["id"])

    def row(self, webhook: dict[str, Any]) -> Webhook:
        found = get(Webhook, *self.key(webhook))
        assert found is not None
        return found
