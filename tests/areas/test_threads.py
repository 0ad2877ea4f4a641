"""Threads of agents: who may speak in them, what is unread, and handoffs of tasks that happen once."""

from dataclasses import replace

import pytest

from shared.core.actor import Actor
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.runs.threads.handoffs import accept_handoff, decline_handoff
from shared.runs.threads.talking import NewMessage, send_message
from shared.store import fetch
from shared.work.tasks.claiming import MAX_HANDOVERS, FenceLost, claim_task, complete_task, release_task, start_task
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World
from tests.areas.driving import Answer, Client, sign_up
from tests.areas.live_agents_world import registered, stored
from tests.areas.viewers import Stream, listen, pushed
from tests.kills import concurrently
from tests.samples.stage import PRD


def post(client: Client, path: str, status: int, **body: object) -> dict:
    answer = client("messaging", "POST", f"/collaboration/{path}", body=body or None)
    assert answer.status == status, answer.text
    return answer.json


def get(client: Client, path: str) -> list[dict]:
    answer = client("messaging", "GET", f"/collaboration/{path}")
    assert answer.status == 200, answer.text
    assert answer.header("X-Total-Count") is not None
    return answer.json


def agents(client: Client, number: int = 2) -> list[str]:
    return [registered(client)["agent_id"] for _ in range(number)]


def begun(client: Client, who: list[str], **more: object) -> str:
    return post(client, "threads", 201, thread_type="consultation", participants=who, **more)["thread_id"]


def said(client: Client, thread: str, giver: str, text: str, to: str | None = None) -> dict:
    more = {"to_agent_id": to} if to else {}
    return post(client, "messages", 201, thread_id=thread, from_agent_id=giver, message_type="question", content=text, **more)


def held(world: World, agent: str) -> Task:
    task = add_task(world.actor, world.card(6), new_id(), NewTask("A task", "Do it"))
    return claim_task(world.actor, task.id, {"id": agent, "name": "worker"}, 600)


def asked(client: Client, giver: str, taker: str, task: Task) -> str:
    body = {"from_agent_id": giver, "to_agent_id": taker, "task_id": task.id, "reason": "It is written in Rust"}
    return post(client, "handoff/request", 201, **body)["thread_id"]


def row(task_id: str) -> Task:
    found = fetch(Task, task_id)
    assert found is not None
    return found


def answer_of(client: Client, thread: str, what: str, **query: str) -> Answer:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return client("messaging", "POST", f"/collaboration/handoff/{thread}/{what}?{text}")


def test_a_thread_and_its_messages_in_their_order(world, ada):
    one, two = agents(ada)
    card = world.card().id
    made = post(
        ada, "threads", 201, thread_type="review", participants=[one, two, one], ticket_id=card, thread_metadata={"pr": 5}
    )
    assert made["participants"] == [one, two]
    assert (made["status"], made["closed_at"], made["thread_metadata"]) == ("active", None, {"pr": 5})
    texts = [f"Words {number}" for number in range(5)]
    for text in texts:
        said(ada, made["thread_id"], one, text, two)
    found = get(ada, f"threads/{made['thread_id']}/messages")
    assert [message["content"] for message in found] == texts
    assert [one["content"] for one in get(ada, f"threads/{made['thread_id']}/messages?limit=2&offset=3")] == texts[3:]
    assert [thread["thread_id"] for thread in get(ada, f"threads?ticket_id={card}")] == [made["thread_id"]]


def test_only_participants_speak_and_hear(world, ada):
    one, two, three = agents(ada, 3)
    made = begun(ada, [one, two])
    base = {"thread_id": made, "message_type": "question", "content": "Which?"}
    for field, body in (
        ("from_agent_id", {"from_agent_id": three}),
        ("to_agent_id", {"from_agent_id": one, "to_agent_id": three}),
    ):
        refused = post(ada, "messages", 422, **base, **body)
        assert refused["error"]["details"][0]["field"] == field
    assert post(ada, f"messages/{said(ada, made, one, 'Hi')['message_id']}/read?agent_id={three}", 422)


def test_an_unknown_agent_and_one_of_somebody_else_are_the_same(world, ada):
    stranger = sign_up("Stan Stranger", "stan@example.com").at("omoios")
    theirs, mine = registered(stranger)["agent_id"], registered(ada)["agent_id"]
    for other in (theirs, new_id()):
        refused = post(ada, "threads", 422, thread_type="review", participants=[mine, other])
        assert refused["error"]["details"] == [{"field": "participants", "message": f"There is no agent {other}"}]


def test_the_agents_of_the_catalogue_take_part_by_name(world, ada):
    mine = registered(ada)["agent_id"]
    made = begun(ada, [mine, "prd"])
    assert said(ada, made, "prd", "Hello", mine)["from_agent_id"] == PRD.id
    assert [one["thread_id"] for one in get(ada, "threads?agent_id=prd")] == [made]


def test_what_is_unread_is_told_for_each_reader(world, ada):
    one, two, three = agents(ada, 3)
    made = begun(ada, [one, two, three])
    direct, to_all = said(ada, made, one, "For two", two), said(ada, made, one, "For all")
    path = f"threads/{made}/messages?unread_only=true"

    def unread(reader: str) -> list[str]:
        return [message["content"] for message in get(ada, f"{path}&agent_id={reader}")]

    assert (unread(one), unread(two), unread(three)) == ([], ["For two", "For all"], ["For all"])
    first = post(ada, f"messages/{to_all['message_id']}/read?agent_id={two}", 200)
    assert post(ada, f"messages/{to_all['message_id']}/read?agent_id={two}", 200) == first
    assert (unread(two), unread(three)) == (["For two"], ["For all"])
    # without a reader: whom the message is to
    assert [message["read_at"] for message in get(ada, path)] == [None, None]
    assert post(ada, f"messages/{direct['message_id']}/read", 200)["read_at"]
    assert [message["content"] for message in get(ada, path)] == ["For all"]
    assert unread(two) == []


def test_a_closed_thread_refuses(world, ada):
    one, two = agents(ada)
    made = begun(ada, [one, two])
    closed = post(ada, f"threads/{made}/close", 200)
    assert closed["status"] == "resolved"
    assert closed["closed_at"]
    body = {"thread_id": made, "from_agent_id": one, "message_type": "question", "content": "Still there?"}
    assert post(ada, "messages", 409, **body)["detail"] == "This thread is resolved"
    post(ada, f"threads/{made}/close", 409)
    other = begun(ada, [one, two])
    assert [thread["thread_id"] for thread in get(ada, "threads?status=active")] == [other]
    assert [thread["thread_id"] for thread in get(ada, f"threads?status=resolved&agent_id={two}")] == [made]
    assert [thread["thread_id"] for thread in get(ada, f"threads?agent_id={one}")] == [other, made]


def test_two_messages_at_once_have_two_places(world, ada):
    one, two = agents(ada)
    made = begun(ada, [one, two])
    new = NewMessage(one, "question", "First", two)
    with concurrently(lambda: send_message(world.actor, made, new) and None):
        send_message(world.actor, made, replace(new, content="Second"))
    assert [message["content"] for message in get(ada, f"threads/{made}/messages")] == ["First", "Second"]


def test_a_task_is_of_its_ticket(world, ada):
    one, two = agents(ada)
    task = held(world, one)
    made = post(ada, "threads", 201, thread_type="review", participants=[one, two], task_id=task.id)
    assert made["ticket_id"] == task.item_id
    body = {"thread_type": "review", "participants": [one], "task_id": task.id, "ticket_id": world.card().id}
    assert post(ada, "threads", 422, **body)["error"]["details"][0]["field"] == "task_id"


def test_a_handoff_moves_the_task_to_who_accepts(world, ada, stream):
    one, two = agents(ada)
    task = start_task(world.actor, held(world, one).id, 1)
    stream.flow()
    assert stored(one).task_ids == [task.id]
    thread = asked(ada, one, two, task)
    assert get(ada, f"threads/{thread}/messages?unread_only=true&agent_id={two}")[0]["content"] == "It is written in Rust"
    answer = answer_of(ada, thread, "accept", accepting_agent_id=two, message="Gladly")
    assert answer.status == 200, answer.text
    assert answer.json["content"] == "Gladly"
    assert (answer.json["status"], answer.json["thread_type"]) == ("resolved", "handoff")
    taken = row(task.id)
    assert (taken.agent["id"], taken.status, int(taken.fence), int(taken.retry_count)) == (two, "assigned", 2, 0)
    assert stored(two).task_ids == [task.id]
    with pytest.raises(FenceLost):
        complete_task(world.actor, task.id, {"summary": "Mine"}, fence=1)
    stream.flow()
    assert (stored(one).task_ids, stored(two).task_ids) == ([], [task.id])
    assert (stored(one).status, stored(two).status) == ("idle", "running")
    again = answer_of(ada, thread, "accept", accepting_agent_id=two)
    assert (again.status, again.json["detail"]) == (409, "This thread is resolved")


def test_two_agents_do_not_pass_a_task_to_each_other_for_ever(world, ada, stream):
    """Each handoff begins the task's time anew: it never took too long."""
    pair = agents(ada)
    task = held(world, pair[0])
    for number in range(MAX_HANDOVERS + 1):
        stream.flow()
        thread = asked(ada, pair[number % 2], pair[(number + 1) % 2], row(task.id))
        answer = answer_of(ada, thread, "accept", accepting_agent_id=pair[(number + 1) % 2])
        assert answer.status == (200 if number < MAX_HANDOVERS else 409), answer.text
    assert "handed over 10 times" in answer.json["detail"]
    release_task(world.actor, task.id, int(row(task.id).fence))
    stream.flow()
    assert row(task.id).handed_over is None  # whoever claims it begins anew


def test_a_handoff_is_declined_and_the_task_stays(world, ada):
    one, two = agents(ada)
    task = held(world, one)
    thread = asked(ada, one, two, task)
    assert answer_of(ada, thread, "decline", declining_agent_id=two).status == 422  # a reason is needed
    answer = ada(
        "messaging", "POST", f"/collaboration/handoff/{thread}/decline", body={"declining_agent_id": two, "reason": "No time"}
    )
    assert (answer.status, answer.json["content"], answer.json["status"]) == (200, "No time", "abandoned")
    assert row(task.id).agent["id"] == one
    assert answer_of(ada, thread, "accept", accepting_agent_id=two).status == 409


def test_who_was_not_asked_cannot_answer_and_who_does_not_hold_it_cannot_ask(world, ada):
    one, two, three = agents(ada, 3)
    task = held(world, one)
    thread = asked(ada, one, two, task)
    assert answer_of(ada, thread, "accept", accepting_agent_id=three).status == 403
    body = {"from_agent_id": three, "to_agent_id": two, "task_id": task.id, "reason": "Mine"}
    assert post(ada, "handoff/request", 409, **body)["detail"] == f"{three} does not hold this task"
    body = {"from_agent_id": one, "to_agent_id": one, "task_id": task.id, "reason": "Mine"}
    assert post(ada, "handoff/request", 422, **body)["error"]["details"][0]["field"] == "to_agent_id"
    other = begun(ada, [one, two])
    assert answer_of(ada, other, "accept", accepting_agent_id=two).status == 409


def test_an_agent_without_room_does_not_accept(world, ada):
    one, two = agents(ada)
    mine, other = held(world, one), held(world, two)
    ada("agents", "PATCH", f"/agents/{two}", body={"status": "running"})
    assert row(other.id).agent["id"] == two
    thread = asked(ada, one, two, mine)
    stream = Stream()
    stream.seen = {}
    stream.flow()
    assert stored(two).task_ids == [other.id]
    answer = answer_of(ada, thread, "accept", accepting_agent_id=two)
    assert answer.status == 409
    assert "has no room for another task" in answer.json["detail"]
    assert row(mine.id).agent["id"] == one


def refusal(call, *arguments) -> Situation:
    with pytest.raises(Conflict) as caught:
        call(*arguments)
    return caught.value.situation


def test_of_two_answers_at_once_one_counts(world, ada):
    one, two = agents(ada)
    task = held(world, one)
    thread = asked(ada, one, two, task)
    actor: Actor = world.actor
    with concurrently(lambda: accept_handoff(actor, thread, two, "Gladly") and None):
        assert refusal(decline_handoff, actor, thread, two, "No time") is Situation.THREAD_STATUS
    assert row(task.id).agent["id"] == two
    assert len(get(ada, f"threads/{thread}/messages")) == 2


def test_of_two_handoffs_of_a_task_the_first_that_is_accepted_counts(world, ada):
    one, two, three = agents(ada, 3)
    task = held(world, one)
    first, second = asked(ada, one, two, task), asked(ada, one, three, task)
    actor = world.actor
    with concurrently(lambda: accept_handoff(actor, first, two, "Gladly") and None):
        assert refusal(accept_handoff, actor, second, three, "Me too") is Situation.TASK_STATUS
    assert (row(task.id).agent["id"], stored(three).task_ids) == (two, [])
    assert get(ada, f"threads?agent_id={three}")[0]["status"] == "active"
    assert post(ada, f"threads/{second}/close", 200)["status"] == "abandoned"


def test_listeners_see_handoffs(world, ada, stream, gateway):
    one, two = agents(ada)
    task = held(world, one)
    stream.flow()
    listen(world.ws_id)
    thread = asked(ada, one, two, task)
    stream.flow()
    answer_of(ada, thread, "accept", accepting_agent_id=two)
    stream.flow()
    heard = {message["event_type"]: message for message in pushed("omoios")}
    assert {"agent.handoff.requested", "agent.handoff.accepted", "agent.message.sent", "TASK_ASSIGNED"} <= heard.keys()
    payload = heard["agent.handoff.accepted"]["payload"]
    assert (payload["task_id"], payload["from_agent_id"], payload["to_agent_id"]) == (task.id, one, two)
