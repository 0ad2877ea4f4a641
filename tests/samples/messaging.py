"""Requests of the area `messaging`."""

from shared.core.ids import new_id
from shared.people.tenancy.rows import Workspace
from shared.runs.threads.handoffs import request_handoff
from shared.runs.threads.talking import NewMessage, NewThread, create_thread, send_message
from shared.sandboxes.configuration.policy import Rule, policy_to_store
from shared.sandboxes.lifecycle.rows import Sandbox
from shared.sandboxes.messages import receiving, sending, settling
from shared.sandboxes.metrics.rows import Point
from shared.store import fetch, save, update_now, write
from shared.work.items.rows import Item
from shared.work.tasks.claiming import claim_task
from shared.work.tasks.creating import NewTask, add_task
from tests.samples.agents import agent
from tests.samples.sandboxes import sandbox
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


REQUEST = {
    "to_agent": "frontend-architect",
    "message_type": "request",
    "content": {"task": "Design user authentication API", "context": "Frontend needs OAuth2.0 integration"},
    "priority": 7,
    "requires_response": True,
    "timeout": 30,
}
NEWS = {"message_type": "notification", "content": {"event": "deployment_completed", "version": "v2.5.0"}, "priority": 5}


def sandbox_message(stage: Stage) -> tuple[str, str, str]:
    """A request from one sandbox to another: its id and theirs."""
    one, two = sandbox(stage), sandbox(stage)
    new = sending.NewMessage(two, "request", {"task": "Design it"})
    return sending.send_message(stage.world.actor, one, new).id, one, two


def answered(stage: Stage) -> tuple[str, str, str]:
    """A request that was delivered and answered: its id and those of its sandboxes."""
    sent, one, two = sandbox_message(stage)
    receiving.acknowledge(two, sent)
    receiving.respond(two, new_id(), sent, None, {"endpoints": ["POST /login"]})
    return sent, one, two


def held(stage: Stage) -> str:
    """A message that waits for an approval."""
    one, two = sandbox(stage), sandbox(stage)
    names = [str(row.name) for row in (fetch(Sandbox, one), fetch(Sandbox, two)) if row is not None]
    workspace = fetch(Workspace, stage.world.ws_id)
    assert workspace is not None
    rule = Rule((names[0],), (names[1],), approval_required=True)
    workspace.settings = workspace.settings | {"collaboration_policy": policy_to_store("allow_all", (rule,))}
    write(save(workspace))
    return sending.send_message(stage.world.actor, one, sending.NewMessage(two, "notification", {"event": "x"})).id


def timed_out(stage: Stage) -> str:
    """A request that was delivered and not answered in time."""
    sent, _, two = sandbox_message(stage)
    message = receiving.acknowledge(two, sent)
    assert settling.time_out(message)
    return sent


def _to_another(stage: Stage) -> Sample:
    one, two = sandbox(stage), sandbox(stage)
    return Sample({"sandbox_id": one}, {"to_sandbox": two, **REQUEST})


def _to_all(stage: Stage) -> Sample:
    one, _ = sandbox(stage), sandbox(stage)
    return Sample({"workspace_id": stage.world.ws_id}, {"from_sandbox": one, **NEWS})


def _discovered(stage: Stage) -> Sample:
    _, _, asked = answered(stage)
    pk, sk = Point.key(f"{asked}/frontend-architect", "total", "ALL")
    update_now(Point(pk=pk, sk=sk), [Point.received.add(1), Point.answered.add(1), Point.answer_ms.add(120)])
    return Sample({"workspace_id": stage.world.ws_id}, query=f"role=architect&sandbox_id={asked}")


SAMPLES: Samples = {
    ("aintandem", "messages.send"): _to_another,
    ("aintandem", "messages.broadcast"): _to_all,
    ("aintandem", "messages.list"): lambda s: Sample({"sandbox_id": answered(s)[1]}, query="since=2025-01-10T15:00:00Z"),
    ("aintandem", "messages.get"): lambda s: Sample({"message_id": answered(s)[0]}),
    ("aintandem", "messages.retry"): lambda s: Sample({"message_id": timed_out(s)}),
    ("aintandem", "messages.approve"): lambda s: Sample({"message_id": held(s)}),
    ("aintandem", "messages.reject"): lambda s: Sample({"message_id": held(s)}, {"reason": "Not now"}),
    ("aintandem", "agents.discover"): _discovered,
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
