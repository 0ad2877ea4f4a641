"""The way of a message on moto: the stream, the queue of wakes by the clock of a test, and the worker."""

import json
from typing import Any

from functions.message_worker.handler import handler
from shared.sandboxes.messages.rows import MessageHead
from shared.store import fetch
from tests.areas.boards_world import World
from tests.areas.driving import Answer, Context
from tests.areas.sandbox_links import Agent
from tests.areas.viewers import Stream


def wakes(*, delayed: bool = False) -> list[dict[str, Any]]:
    """Receive and delete the wakes whose delay is over, or all of them."""
    from moto.sqs.models import sqs_backends

    queue = sqs_backends["123456789012"]["us-east-1"].queues["sandbox_messages"]
    ready = [message for message in queue._messages if delayed or not message.delayed]
    queue._messages = [message for message in queue._messages if message not in ready]
    return [json.loads(message.body) for message in ready]


def work(woken: list[dict[str, Any]]) -> None:
    """Give the worker wakes, ten at a time; it takes all of them."""
    for start in range(0, len(woken), 10):
        records = [
            {"messageId": str(number), "body": json.dumps(body), "eventSource": "aws:sqs"}
            for number, body in enumerate(woken[start : start + 10])
        ]
        assert handler({"Records": records}, Context()) == {"batchItemFailures": []}


class Post:
    """Carries messages until nothing moves any more at this time."""

    def __init__(self, world: World, stream: Stream) -> None:
        self.world, self.stream = world, stream

    def carry(self) -> "Post":
        for _ in range(50):
            moved = self.stream.flow()
            woken = wakes()
            work(woken)
            if not moved and not woken:
                return self
        raise AssertionError("the post never comes to rest")

    def send(self, sender: Agent, to: str, content: Any = "hello", **more: Any) -> Answer:
        """A message that a person sends from a sandbox."""
        body = {"to_sandbox": to, "content": content} | more
        return self.world.ada.at("aintandem")("messaging", "POST", f"/sandboxes/sb_{sender.id}/messages", body=body)

    def sent(self, sender: Agent, to: str, content: Any = "hello", **more: Any) -> str:
        """The bare id of a message that was taken."""
        answer = self.send(sender, to, content, **more)
        assert answer.status == 202, answer.text
        message_id: str = answer.json["data"]["message_id"]
        return message_id.removeprefix("msg_")

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        return self.world.ada.at("aintandem")("messaging", method, path, body=body)

    def row(self, message_id: str) -> MessageHead:
        found = fetch(MessageHead, message_id)
        assert found is not None
        return found


def heard(agent: Agent) -> list[dict[str, Any]]:
    """The messages that a sandbox was told since the last call."""
    return [one["data"] for one in agent.heard() if one["event"] == "message"]
