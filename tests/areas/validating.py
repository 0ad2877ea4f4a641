"""Tasks under validation in tests: what follows by itself, and the worker of the queue."""

import json
from typing import Any

from functions.model_worker.handler import handler
from shared.core.ids import new_id
from shared.runs.validation.rows import ValidationReview
from shared.store import fetch
from shared.work.items.rows import Item
from shared.work.tasks.claiming import claim_task, start_task
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World
from tests.areas.driving import Client
from tests.areas.live_agents_world import beat, registered
from tests.areas.queues import drain_queue
from tests.areas.test_cards_progress import Stream

CRITERIA = ["An old reset link shows an error", "An unknown address gets the same answer"]
MET = "An old reset link shows an error. An unknown address gets the same answer."


def running(world: World, agent_id: str = "agent-1", criteria: list[str] | None = None, **more: Any) -> str:
    """A task on which somebody works, of a card with these acceptance criteria."""
    return worked_on(world, world.card(acceptance_criteria=CRITERIA if criteria is None else criteria), agent_id, **more)


def worked_on(world: World, card: Item, agent_id: str = "agent-1", **more: Any) -> str:
    task = add_task(world.actor, card, new_id(), NewTask("Reset links", **more))
    claimed = claim_task(world.actor, task.id, {"id": agent_id, "name": "worker-1"}, 3_600)
    return start_task(world.actor, task.id, int(claimed.fence)).id


def row(task_id: str) -> Task:
    found = fetch(Task, task_id)
    assert found is not None
    return found


def validator(ada: Client, **more: Any) -> str:
    """A validator of a client that waits for work."""
    made = str(registered(ada, agent_type="validator", phase_id=None, **more)["agent_id"])
    beat(ada, made, 1)
    return made


def spawn(ada: Client, task: str, status: int = 201, **more: Any) -> dict[str, Any]:
    answer = ada("validation", "POST", "/validation/spawn_validator", body={"task_id": task} | more)
    assert answer.status == status, answer.text
    return dict(answer.json)


def review(ada: Client, task: str, by: str, passed: bool, status: int = 200, feedback: str = "Looked at it") -> dict[str, Any]:
    body = {"task_id": task, "validator_agent_id": by, "validation_passed": passed, "feedback": feedback}
    answer = ada("validation", "POST", "/validation/give_review", body=body)
    assert answer.status == status, answer.text
    return dict(answer.json)


def state(ada: Client, task: str) -> dict[str, Any]:
    answer = ada("validation", "GET", f"/validation/status?task_id={task}")
    assert answer.status == 200, answer.text
    return dict(answer.json)


def reviews(ada: Client, task: str) -> list[dict[str, Any]]:
    answer = ada("validation", "GET", f"/validation/reviews?task_id={task}")
    assert answer.status == 200, answer.text
    return list(answer.json)


def kept_review(review_id: str) -> ValidationReview:
    found = fetch(ValidationReview, review_id)
    assert found is not None
    return found


def deliver(message: dict[str, Any], tries: int = 1) -> bool:
    """Deliver a message to the worker. Return whether it was done with it."""
    record = {
        "messageId": "m",
        "receiptHandle": "r",
        "body": json.dumps(message),
        "attributes": {"ApproximateReceiveCount": str(tries)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:model-calls",
        "awsRegion": "us-east-1",
    }
    return bool(handler({"Records": [record]}, None) == {"batchItemFailures": []})


def follow(stream: Stream) -> None:
    """Let everything happen that follows by itself: reactions, and reviews by the platform."""
    for _ in range(20):
        stream.flow()
        messages = drain_queue("model_calls_queue")
        if not messages:
            return
        for message in messages:
            assert deliver(message)
    raise AssertionError("the reviews never come to rest")
