"""Messages between sandboxes, from being sent to being answered: services, line and worker, on a gateway of tests."""

import json

import pytest

from shared.core.errors import Conflict, Forbidden, NotFound
from shared.core.ids import bare_id
from shared.people.tenancy.rows import Workspace
from shared.sandboxes.configuration.policy import Rule, policy_to_store
from shared.sandboxes.lifecycle.creating import NewSandbox, create_sandbox
from shared.sandboxes.lifecycle.rows import RUNNING, Link
from shared.sandboxes.messages.broadcasting import NewBroadcast, broadcast_message, write_messages
from shared.sandboxes.messages.changing import approve_message, retry_message
from shared.sandboxes.messages.delivering import deliver, look_at
from shared.sandboxes.messages.discovering import AgentQuery, discover_agents
from shared.sandboxes.messages.line import first_of_each
from shared.sandboxes.messages.reading import MessageQuery, get_message, list_messages
from shared.sandboxes.messages.receiving import acknowledge, respond
from shared.sandboxes.messages.rows import MessageHead, Pair
from shared.sandboxes.messages.sending import NewMessage, send_message
from shared.store import fetch, get, put, save, write
from tests.kills import concurrently, crash_at_every_write
from tests.samples.sandboxes import TEAM, in_status


class Team:
    """Two running sandboxes with connections."""

    def __init__(self, world, gateway) -> None:
        self.world, self.gateway = world, gateway
        self.a, self.b = (self.sandbox(name) for name in ("alpha", "beta"))

    def sandbox(self, name: str) -> str:
        made = create_sandbox(self.world.actor, self.world.ws_id, NewSandbox(name, TEAM["agent_config"]))
        in_status(made.id, RUNNING)
        link = Link.of(made.id)
        link.start_number, link.connection = 1, f"c-{name}"
        write(put(link))
        return made.id

    def send(self, content="hello", **more) -> MessageHead:
        new = {"to": self.b, "message_type": "request", "content": content} | more
        return send_message(self.world.actor, self.a, NewMessage(**new))

    def got(self, name="beta") -> list:
        frames = [json.loads(one)["data"] for one in self.gateway.frames[f"c-{name}"]]
        return [one | {key: bare_id(one[key]) for key in ("message_id", "in_reply_to") if one[key]} for one in frames]

    def policy(self, mode: str, *rules: Rule) -> None:
        workspace = fetch(Workspace, self.world.ws_id)
        workspace.settings = workspace.settings | {"collaboration_policy": policy_to_store(mode, rules)}
        write(save(workspace))

    def waiting(self) -> int:
        return int(get(Pair, f"PAIR#{self.a}", self.b).waiting)


@pytest.fixture
def team(world, gateway) -> Team:
    return Team(world, gateway)


def test_a_request_is_delivered_acknowledged_and_answered_once(team):
    sent = team.send({"task": "x"})
    deliver(team.b)
    deliver(team.b)  # it is in flight
    assert [one["message_id"] for one in team.got()] == [sent.id]
    assert team.got()[0]["content"] == {"task": "x"}
    assert acknowledge(team.b, sent.id).status == "delivered"
    assert acknowledge(team.b, sent.id).version == fetch(MessageHead, sent.id).version
    answer_id = "0190a000-0000-7000-8000-000000000001"
    for _ in range(2):
        assert respond(team.b, answer_id, sent.id, None, "done").id == answer_id
    with pytest.raises(Conflict):
        respond(team.b, "0190a000-0000-7000-8000-000000000002", sent.id, None, "another")
    found = get_message(team.world.actor, sent.id)
    assert (found.response.id, found.response.content, found.message.content) == (answer_id, "done", {"task": "x"})
    deliver(team.a)
    assert [one["in_reply_to"] for one in team.got("alpha")] == [sent.id]
    assert team.waiting() == 0
    assert not first_of_each(team.b)


def test_the_next_one_follows_when_the_first_is_acknowledged(team):
    ids = [team.send(number).id for number in range(3)]
    for number in range(3):
        deliver(team.b)
        assert [one["message_id"] for one in team.got()] == ids[: number + 1]
        acknowledge(team.b, ids[number])


def test_three_tries_then_a_dead_letter_that_retry_revives(team, late):
    sent = team.send()
    for seconds in (3, 5, 9):
        deliver(team.b)
        late.shift(seconds)
    deliver(team.b)
    assert fetch(MessageHead, sent.id).status == "failed"
    assert len(team.got()) == 3
    assert team.waiting() == 0
    assert retry_message(team.world.actor, sent.id).status == "queued"
    with pytest.raises(Conflict):
        retry_message(team.world.actor, sent.id)
    deliver(team.b)
    assert len(team.got()) == 4
    assert acknowledge(team.b, sent.id).status == "delivered"
    late.shift(31)
    look_at(sent.id)
    assert fetch(MessageHead, sent.id).status == "timeout"


def test_a_connection_that_is_gone_costs_no_try(team):
    sent = team.send()
    team.gateway.answers["c-beta"] = [410]
    deliver(team.b)
    after = fetch(MessageHead, sent.id)
    assert (after.status, after.tries) == ("queued", 0)


def test_two_workers_post_a_message_once(team):
    team.send()
    with concurrently(lambda: deliver(team.b)):
        deliver(team.b)
    assert len(team.got()) == 1


def test_who_sends_at_the_same_time_gets_another_number(team):
    numbers = []
    with concurrently(lambda: numbers.append(team.send().number)):
        numbers.append(team.send().number)
    assert sorted(numbers) in ([1, 2], [1, 3])
    assert team.waiting() == 2


def test_others_messages_are_unknown(team):
    sent = team.send()
    with pytest.raises(NotFound):
        acknowledge(team.a, sent.id)
    with pytest.raises(Exception, match="invalid fields"):
        respond(team.a, "0190a000-0000-7000-8000-000000000003", sent.id, None, "mine")


def test_the_policy_blocks_or_asks(team):
    team.policy("deny_list", Rule(("alpha",), ("beta",)))
    with pytest.raises(Forbidden):
        team.send()
    team.policy("allow_all", Rule(approval_required=True))
    sent = team.send()
    deliver(team.b)
    assert (sent.approval, team.got()) == ("pending", [])
    approve_message(team.world.actor, sent.id)
    deliver(team.b)
    assert [one["message_id"] for one in team.got()] == [sent.id]


def test_a_broadcast_is_written_once_wherever_its_worker_dies(team):
    made = 0
    for process in crash_at_every_write():
        new = NewBroadcast(team.a, "notification", {"event": made})
        sent = broadcast_message(team.world.actor, team.world.ws_id, new)
        with process:
            write_messages(sent.broadcast.id, float("inf"))
        assert write_messages(sent.broadcast.id, float("inf"))
        made += 1
        assert team.waiting() == made
    assert made == 3  # two recipients, the sender too: dead after the first, after the second, and one that lives
    page = list_messages(team.world.actor, team.b, MessageQuery("received"))
    assert (page.total, [one.content for one in page.messages]) == (3, [{"event": n} for n in (2, 1, 0)])


def test_a_list_has_pages_and_a_total(team):
    ids = [team.send(number).id for number in range(5)]
    first = list_messages(team.world.actor, team.a, MessageQuery(limit=3))
    second = list_messages(team.world.actor, team.a, MessageQuery(limit=3, before=first.next))
    assert [one.id for one in (*first.messages, *second.messages)] == ids[::-1]
    assert (first.total, second.total, second.next) == (5, 5, None)


def test_agents_are_found_by_their_role(team):
    found, total = discover_agents(team.world.actor, team.world.ws_id, AgentQuery(role="specialist"))
    assert ([one.agent["name"] for one in found], total) == (["react-expert"] * 2, 2)
    assert {one.status for one in found} == {"available"}
