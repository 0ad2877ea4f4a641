"""Webhooks on the deployed stack: a card that is moved through one contract or another, the stream, the queues, a receiver."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook as Standard

from local.stack import LocalStack
from tests.areas.receiver import Receiver, says
from tests.stack.test_runs import Shop, ask, founded
from tests.waiting import eventually


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def shop(stack: LocalStack) -> Shop:
    return founded(stack)


def statuses(receiver: Receiver, secret: str) -> list[str]:
    """The statuses of the feature in the order of arrival, each with a good signature."""
    events = [Standard(secret).verify(one.body, one.headers) for one in receiver.received]
    return [one["data"]["feature"]["implementation_status"] for one in events]


def test_a_card_that_moves_anywhere_is_told_to_the_webhooks_of_its_organization(
    stack: LocalStack, shop: Shop, receiver: Receiver
) -> None:
    def enterprise(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return ask(stack.url("enterprise"), shop.token, method, path, body)

    assert shop("PUT", f"/projects/{shop.project}", {"settings": {"autoTriggerAgents": False}})[0] == 200
    status, made = enterprise("POST", "/webhooks", {"url": receiver.url, "events": ["*"]})
    assert status == 201, made
    webhook, secret = made["data"]["id"], made["data"]["secret"]
    status, hanging = enterprise("POST", "/webhooks", {"url": receiver.url.replace("/hook", "/hangs"), "events": ["*"]})
    assert status == 201, hanging
    released = threading.Event()
    receiver.chooses = lambda received: (lambda _: released.wait(30)) if received.path == "/hangs" else None  # type: ignore[return-value]
    receiver.behaviours = [says(500)]  # the first attempt of all
    try:
        card = shop.card(0, "feature")
        eventually(
            lambda: enterprise("GET", f"/webhooks/{webhook}/deliveries")[1]["data"], lambda log: log and log[0]["attempts"]
        )
        assert shop("POST", f"/cards/{card}/move", {"toLaneId": shop.lanes[-1]})[0] == 200
        body = {"ticket_id": card, "target_column_id": "building"}
        assert ask(stack.url("omoios"), shop.token, "POST", "/board/move", body)[0] == 200
        quick = eventually(lambda: [one for one in receiver.received if one.path == "/hook"], lambda found: len(found) >= 4)
    finally:
        released.set()
    receiver.received = quick
    assert statuses(receiver, secret) == ["not_started", "not_started", "completed", "in_progress"]
    assert [one.json["retry_count"] for one in quick] == [0, 1, 0, 0]
    log = eventually(
        lambda: enterprise("GET", f"/webhooks/{webhook}/deliveries")[1],
        lambda shown: {one["status"] for one in shown["data"]} == {"delivered"},
    )
    assert log["pagination"]["total"] == 3
