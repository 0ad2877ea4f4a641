"""Requests of the area `messaging`."""

from shared.core.ids import new_id
from shared.runs.threads.handoffs import request_handoff
from shared.runs.threads.talking import NewMessage, NewThread, create_thread, send_message
from shared.store import fetch
from shared.work.items.rows import Item
from shared.work.tasks.claiming import claim_task
from shared.work.tasks.creating import NewTask, add_task
from tests.samples.agents import agent
from tests.samples.stage import PRD, Sample, Samples, Stage, nothing


def thread(stage: Stage) -> tuple[str, str, str]:
    """A thread of two agents about a ticket: its id and theirs."""
    one, two = agent(stage), PRD.id
    made = create_thread(stage.world.actor, NewThread("consultation", [one, two], ticket_id=stage.card()))
    return made.id, one, two


def message(stage: Stage) -> tuple[str, str]:
    """A thread and a message in it."""
    made, one, two = thread(stage)
    return made, send_message(stage.world.actor, made, NewMessage(one, "question", "Which database?", two)).id


def held_task(stage: Stage, holder: str) -> str:
    card = fetch(Item, stage.card())
    assert card is not None
    task = add_task(stage.world.actor, card, new_id(), NewTask(None, "Do it"))
    return claim_task(stage.world.actor, task.id, {"id": holder, "name": "worker"}, 600).id


def handoff(stage: Stage) -> tuple[str, str]:
    """A handoff that is not answered: its thread, and who was asked."""
    giver, taker = agent(stage), agent(stage)
    made, _ = request_handoff(stage.world.actor, giver, taker, held_task(stage, giver), "It is written in Rust")
    return made.id, taker


def _sent(stage: Stage) -> Sample:
    made, one, two = thread(stage)
    return Sample(
        {}, {"thread_id": made, "from_agent_id": one, "message_type": "question", "content": "Which?", "to_agent_id": two}
    )


def _requested(stage: Stage) -> Sample:
    giver, taker = agent(stage), agent(stage)
    body = {"from_agent_id": giver, "to_agent_id": taker, "task_id": held_task(stage, giver), "reason": "It is written in Rust"}
    return Sample({}, body)


def _accepted(stage: Stage) -> Sample:
    made, taker = handoff(stage)
    return Sample({"thread_id": made}, query=f"accepting_agent_id={taker}&message=Gladly")


def _declined(stage: Stage) -> Sample:
    made, taker = handoff(stage)
    return Sample({"thread_id": made}, {"reason": "No time"}, query=f"declining_agent_id={taker}")


SAMPLES: Samples = {
    ("omoios", "threads.create"): lambda s: Sample(
        {}, {"thread_type": "review", "participants": [agent(s), "prd"], "ticket_id": s.card()}
    ),
    ("omoios", "threads.list"): nothing,
    ("omoios", "threads.close"): lambda s: Sample({"thread_id": thread(s)[0]}),
    ("omoios", "threads.send"): _sent,
    ("omoios", "threads.messages"): lambda s: Sample({"thread_id": message(s)[0]}),
    ("omoios", "threads.read"): lambda s: Sample({"message_id": message(s)[1]}),
    ("omoios", "handoff.request"): _requested,
    ("omoios", "handoff.accept"): _accepted,
    ("omoios", "handoff.decline"): _declined,
}
