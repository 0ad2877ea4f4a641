"""Messages at aintandem's API: from a person or a sandbox to the recipient's socket and back, and what everybody sees of it."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from functions.message_worker.handler import handler
from shared.core import clock
from shared.core.actor import Role
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.people.tenancy.organizations import set_status
from shared.people.tenancy.rows import Workspace
from shared.sandboxes.configuration.policy import Rule, policy_to_store
from shared.sandboxes.lifecycle.rows import ASLEEP, ERROR, STOPPED
from shared.sandboxes.messages import line, sending
from shared.sandboxes.messages.changing import approve_message, retry_message
from shared.sandboxes.messages.delivering import deliver
from shared.sandboxes.messages.line import first_of_each
from shared.sandboxes.messages.receiving import acknowledge, respond
from shared.sandboxes.messages.rows import Pair
from shared.sandboxes.messages.settling import fail
from shared.store import fetch, get, save, write
from tests.areas.driving import Context, run_jobs, sign_up
from tests.areas.sandbox_links import Agent, new_agent, running
from tests.areas.sandbox_post import heard, wakes, work
from tests.areas.viewers import Viewer, drain
from tests.kills import crash_at_every_write
from tests.samples.sandboxes import in_status

pytestmark = pytest.mark.usefixtures("no_machine")


def set_policy(world, mode: str, *rules: Rule) -> None:
    workspace = fetch(Workspace, world.ws_id)
    workspace.settings = workspace.settings | {"collaboration_policy": policy_to_store(mode, rules)}
    write(save(workspace))


def test_a_request_goes_to_the_recipient_and_its_answer_comes_back(world, post, pair):
    one, two = pair
    sent = post.sent(one, "backend-team", {"task": "Design it"}, priority=7)
    post.carry()
    (told,) = heard(two)
    assert told == {
        "message_id": f"msg_{sent}",
        "from_sandbox": f"sb_{one.id}",
        "from_name": "frontend-team",
        "from_agent": "frontend-architect",
        "to_agent": "frontend-architect",
        "message_type": "request",
        "content": {"task": "Design it"},
        "priority": 7,
        "requires_response": True,
        "timeout": 30,
        "in_reply_to": None,
        "collaboration_id": None,
        "number": 1,
    }
    two.say("ack", message_id=told["message_id"])
    answer_id = new_id()
    answer = {"message_id": answer_id, "in_reply_to": told["message_id"], "content": {"done": True}}
    two.say("respond", **answer)
    post.carry()
    (back,) = heard(one)
    assert (back["message_type"], back["in_reply_to"], back["content"]) == ("response", f"msg_{sent}", {"done": True})
    shown = post.ask("GET", f"/messages/msg_{sent}").json["data"]
    assert shown["status"] == "delivered"
    assert shown["response"]["message_id"] == f"msg_{answer_id}"
    assert shown["response"]["content"] == {"done": True}
    assert shown["delivered_at"] <= shown["responded_at"]
    listed = post.ask("GET", f"/sandboxes/{one.id}/messages").json["data"]
    assert [(each["message_type"], each["status"]) for each in listed["messages"]] == [
        ("response", "sent"),
        ("request", "delivered"),
    ]
    assert listed["meta"] == {"total": 2, "since": None, "next": None}


def test_what_was_counted_is_what_happened(world, post, pair, late):
    one, two = pair
    for number in range(3):
        post.sent(one, two.id, number)
        post.carry()
        (told,) = heard(two)
        two.say("ack", message_id=told["message_id"])
        late.shift(0.2)
        two.say("respond", message_id=new_id(), in_reply_to=told["message_id"], content="x")
        post.carry()
        one.say("ack", message_id=heard(one)[0]["message_id"])
    post.stream.flow()
    ask = world.ada.at("aintandem")
    assert ask("sandboxes", "GET", f"/sandboxes/{one.id}").json["data"]["metrics"]["message_count"] == 6
    assert ask("sandboxes", "GET", f"/sandboxes/{two.id}/metrics").json["data"]["messaging"] == {
        "messages_sent": 3,
        "messages_received": 3,
        "messages_failed": 0,
        "avg_response_time_ms": 200,
    }
    path = f"/workspaces/{world.ws_id}/agents/discover"
    found = ask("messaging", "GET", f"{path}?role=frontend%20ARCHITECT&sandbox_id=sb_{two.id}").json["data"]
    assert found["total"] == 1
    assert found["agents"][0]["metrics"] == {"messages_processed": 3, "avg_response_time_ms": 200}
    assert found["agents"][0]["status"] == "available"
    other = ask("messaging", "GET", f"{path}?role=specialist").json["data"]["agents"]
    assert [each["metrics"] for each in other] == [{"messages_processed": 0, "avg_response_time_ms": None}] * 2
    two.say("heartbeat", busy=["msg_x"])
    in_status(one.id, STOPPED)
    statuses = {each["sandbox_name"]: each["status"] for each in ask("messaging", "GET", path).json["data"]["agents"]}
    assert statuses == {"frontend-team": "offline", "backend-team": "busy"}


def test_an_answer_whose_acknowledgement_was_lost_counts_too(world, post, pair, late):
    one, two = pair
    post.sent(one, two.id)
    post.carry()
    (told,) = heard(two)
    late.shift(1.5)
    two.say("respond", message_id=new_id(), in_reply_to=told["message_id"], content="x")
    post.carry()
    found = post.ask("GET", f"/workspaces/{world.ws_id}/agents/discover?sandbox_id={two.id}").json["data"]["agents"][0]
    assert found["metrics"] == {"messages_processed": 1, "avg_response_time_ms": 1_500}


def test_a_sandbox_sends_with_its_own_token_and_only_for_itself(post, pair):
    one, two = pair
    body = {"to_sandbox": "backend-team", "content": {"text": "hi"}, "message_type": "notification", "message_id": new_id()}
    path = f"/sandboxes/sb_{one.id}/messages"
    answers = [one.ask("messaging", "POST", path, body) for _ in range(2)]
    assert [answer.status for answer in answers] == [202, 202]
    assert len({answer.json["data"]["message_id"] for answer in answers}) == 1
    post.carry()
    assert len(heard(two)) == 1
    assert two.ask("messaging", "POST", path, body).status == 401
    sent = answers[0].json["data"]["message_id"]
    assert one.ask("messaging", "GET", f"/messages/{sent}").status == 200
    assert two.ask("messaging", "GET", f"/messages/{sent}").json["data"]["number"] == 1
    assert two.ask("messaging", "POST", f"/messages/{sent}/retry").status == 401
    assert one.ask("messaging", "GET", f"/sandboxes/{one.id}/messages").status == 401
    stolen = two.ask("messaging", "POST", f"/sandboxes/{two.id}/messages", body | {"to_sandbox": one.id})
    assert (stolen.status, stolen.json["error"]["code"]) == (409, "CONFLICT")


def test_a_third_sandbox_does_not_read_others_messages(gateway, world, post, pair):
    one, two = pair
    third = running(gateway, world, "security-team")
    sent = post.sent(one, two.id)
    assert third.ask("messaging", "GET", f"/messages/{sent}").status == 404
    third.say("ack", message_id=sent)
    assert third.heard()[-1]["data"]["code"] == "RESOURCE_NOT_FOUND"
    third.say("respond", message_id=new_id(), in_reply_to=sent, content="mine")
    assert third.heard()[-1]["data"]["code"] == "VALIDATION_ERROR"
    assert post.row(sent).status == "queued"


def test_a_sandbox_may_not_command_unless_a_rule_says_so(world, post, pair):
    one, two = pair
    body = {"to_sandbox": two.id, "content": {"command": "stop"}, "message_type": "command"}
    path = f"/sandboxes/{one.id}/messages"
    assert one.ask("messaging", "POST", path, body).status == 403
    assert post.send(one, two.id, message_type="command").status == 202  # its owner may
    member = world.join("Mia", "mia@example.com", Role.MEMBER).at("aintandem")
    answer = member("messaging", "POST", path, body=body)
    assert (answer.status, answer.json["error"]["code"]) == (403, "AUTHORIZATION_FAILED")
    assert member("messaging", "POST", path, body=body | {"message_type": "request"}).status == 202
    set_policy(world, "allow_list", Rule(("frontend-team",), ("backend-team",), ("command",)))
    assert one.ask("messaging", "POST", path, body).status == 202


def test_what_the_policy_forbids_is_refused_with_a_security_event(world, post, pair, gateway):
    one, two = pair
    viewer = watch(gateway, world, one)
    set_policy(world, "deny_list", Rule(("frontend-team",), ("backend-team",)))
    answer = post.send(one, two.id, {"secret": "canary"})
    assert (answer.status, answer.json["error"]["code"]) == (403, "AUTHORIZATION_FAILED")
    assert "rule 1" in json.dumps(answer.json["error"]["details"])
    post.carry()
    drain()
    (told,) = viewer.received()
    assert (told["event"], told["data"]["status"], told["data"]["content"]) == ("message_blocked", "failed", None)
    assert heard(two) == []
    (kept,) = post.ask("GET", f"/sandboxes/{one.id}/messages").json["data"]["messages"]
    assert (kept["approval"], kept["status"], kept["content"]) == ("blocked", "failed", None)
    assert post.ask("GET", f"/sandboxes/{two.id}/messages").json["data"]["messages"] == []
    assert post.ask("POST", f"/messages/{kept['message_id']}/retry").status == 409


def test_a_message_waits_for_an_approval_of_an_administrator(world, post, pair):
    one, two = pair
    set_policy(world, "allow_all", Rule(approval_required=True))
    ids = []
    for _ in range(2):
        answer = post.send(one, two.id, message_type="notification")
        assert (answer.status, answer.json["data"]["approval"]) == (202, "pending")
        ids.append(answer.json["data"]["message_id"])
    post.carry()
    assert heard(two) == []
    viewer = world.join("Vic", "vic@example.com", Role.VIEWER).at("aintandem")
    assert viewer("messaging", "POST", f"/messages/{ids[0]}/approve").status == 403
    assert one.ask("messaging", "POST", f"/messages/{ids[0]}/approve").status == 401
    assert post.ask("POST", f"/messages/{ids[0]}/approve").json["data"]["approval"] == "approved"
    assert post.ask("POST", f"/messages/{ids[0]}/approve").status == 409
    rejected = post.ask("POST", f"/messages/{ids[1]}/reject", {"reason": "Not now"})
    assert (rejected.status, rejected.json["data"]["status"]) == (200, "failed")
    post.carry()
    assert [told["message_id"] for told in heard(two)] == [ids[0]]
    assert post.ask("GET", f"/messages/{ids[1]}").json["data"]["reason"] == "Rejected: Not now"
    assert post.ask("POST", f"/messages/{ids[1]}/retry").status == 409


def test_one_that_nobody_approves_ends_with_its_time_to_live(world, post, pair, late):
    one, two = pair
    set_policy(world, "allow_all", Rule(approval_required=True))
    sent = post.sent(one, two.id, ttl=60)
    post.carry()
    late.shift(62)
    post.carry()
    assert (post.row(sent).status, post.row(sent).reason) == ("failed", "It was not delivered within 60 seconds")
    assert heard(two) == []


def watch(gateway, world, agent: Agent) -> Viewer:
    viewer = Viewer(gateway, world.ada, f"/ws/sandboxes/sb_{agent.id}")
    viewer.send({"action": "subscribe", "channels": ["messages"]}).received()
    return viewer


def test_viewers_see_how_a_message_goes(world, post, pair, gateway, late):
    one, two = pair
    of_sender, of_recipient = watch(gateway, world, one), watch(gateway, world, two)

    def seen() -> tuple[list[str], list[str]]:
        drain()
        return [each["event"] for each in of_sender.received()], [each["event"] for each in of_recipient.received()]

    sent = post.sent(one, two.id, {"task": "x"})
    post.carry()
    assert seen() == (["message_sent"], ["message_queued"])
    two.say("ack", message_id=sent)
    post.carry()
    assert seen() == (["message_delivered"], ["message_received"])
    two.say("respond", message_id=new_id(), in_reply_to=sent, content={"answer": 42})
    post.stream.flow()
    of_one, of_two = seen()
    assert (sorted(of_one), sorted(of_two)) == (["message_queued", "message_responded"], ["message_responded", "message_sent"])
    lost = post.sent(one, two.id)
    for seconds in (3, 5, 9):
        post.carry()
        late.shift(seconds)
    post.carry()
    assert post.row(lost).status == "failed"
    assert seen()[0][-1:] == ["message_failed"]


def test_three_tries_a_dead_letter_and_a_retry(post, pair, late):
    one, two = pair
    sent = post.sent(one, two.id)
    following = post.sent(one, two.id, "second")
    for seconds in (2.1, 4.1, 8.1):
        post.carry()
        late.shift(seconds)
    post.carry()
    told = [told["message_id"] for told in heard(two)]
    assert told == [f"msg_{sent}"] * 3 + [f"msg_{following}"]
    assert post.ask("GET", f"/messages/{sent}").json["data"]["reason"] == "It was not acknowledged, after 3 tries"
    two.say("ack", message_id=following)
    answer = post.ask("POST", f"/messages/msg_{sent}/retry")
    assert (answer.status, answer.json["data"]["status"]) == (202, "queued")
    assert post.ask("POST", f"/messages/{sent}/retry").json["error"]["code"] == "CONFLICT"
    post.carry()
    assert [told["message_id"] for told in heard(two)] == [f"msg_{sent}"]
    two.say("ack", message_id=sent)
    late.shift(32)
    post.carry()
    assert post.row(sent).status == "timeout"
    two.say("respond", message_id=new_id(), in_reply_to=sent, content="late")
    shown = post.ask("GET", f"/messages/{sent}").json["data"]
    assert (shown["status"], shown["response"]["content"]) == ("timeout", "late")
    assert post.ask("POST", f"/messages/{sent}/retry").status == 409  # it was answered


def test_a_recipient_that_does_not_run_gets_its_messages_when_it_does(gateway, world, post, pair, late):
    one, two = pair
    in_status(two.id, STOPPED)
    sent, short = post.sent(one, two.id), post.sent(one, two.id, "short", ttl=30)
    post.carry()
    assert heard(two) == []
    late.shift(40)
    run_jobs("sandbox-messages")
    assert (post.row(sent).status, post.row(short).status) == ("queued", "failed")
    in_status(two.id, "starting")
    fresh = Agent(gateway, two.row).connect()
    drain()
    fresh.say("ready")
    post.carry()
    assert [told["message_id"] for told in heard(fresh)] == [f"msg_{sent}"]
    fresh.say("ack", message_id=sent)
    post.carry()
    assert heard(fresh) == []


def test_a_message_wakes_who_is_asleep(post, pair):
    one, two = pair
    in_status(two.id, ASLEEP)
    post.sent(one, two.id)
    post.carry()
    assert two.row.status == "starting"


def test_one_in_error_or_deleted_gets_nothing(world, post, pair):
    one, two = pair
    waiting = post.sent(one, two.id)
    in_status(two.id, ERROR)
    answer = post.send(one, two.id)
    assert (answer.status, answer.json["error"]["code"]) == (409, "SANDBOX_NOT_READY")
    assert world.ada.at("aintandem")("sandboxes", "DELETE", f"/sandboxes/{two.id}").status == 204
    assert post.send(one, two.id).status == 422
    post.carry()
    assert (post.row(waiting).status, post.row(waiting).reason) == ("failed", "Its recipient was deleted")
    assert post.ask("POST", f"/messages/{waiting}/retry").json["error"]["code"] == "SANDBOX_NOT_READY"
    assert post.ask("GET", f"/messages/{waiting}").status == 200


def test_a_broadcast_is_a_message_for_each(gateway, world, post, pair):
    one, two = pair
    third = running(gateway, world, "security-team")
    broken = new_agent(gateway, world, "broken")
    in_status(broken.id, ERROR)
    set_policy(world, "deny_list", Rule(("frontend-team",), ("security-team",)))
    body = {"from_sandbox": f"sb_{one.id}", "message_type": "notification", "content": {"event": "x"}, "priority": 5}
    sent = post.ask("POST", f"/workspaces/ws_{world.ws_id}/broadcast", body)
    assert sent.status == 202, sent.text
    data = sent.json["data"]
    assert data["recipients"] == [f"sb_{one.id}", f"sb_{two.id}"]
    assert data["blocked"] == [f"sb_{third.id}"]
    post.carry()
    assert [len(heard(agent)) for agent in (one, two, third)] == [1, 1, 0]
    (kept,) = post.ask("GET", f"/sandboxes/{two.id}/messages?direction=received").json["data"]["messages"]
    assert (kept["broadcast_id"], kept["content"]) == (data["broadcast_id"], {"event": "x"})
    for wrong, status in (
        ({"message_type": "request"}, 422),
        ({"from_sandbox": new_id()}, 422),
        ({"content": "x" * 20_000}, 422),
    ):
        assert post.ask("POST", f"/workspaces/{world.ws_id}/broadcast", body | wrong).status == status, wrong


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"to_sandbox": "nobody"}, "to_sandbox"),
        ({"to_sandbox": "sb_0190a0a0-0000-7000-8000-000000000000"}, "to_sandbox"),
        ({"to_sandbox": "frontend-team"}, "to_sandbox"),
        ({"to_sandbox": ""}, "to_sandbox"),
        ({"to_sandbox": 5}, "to_sandbox"),
        ({"to_agent": "nobody"}, "to_agent"),
        ({"from_agent": "nobody"}, "from_agent"),
        ({"message_type": "poem"}, "message_type"),
        ({"message_type": "response"}, "in_reply_to"),
        ({"message_type": "response", "in_reply_to": "0190a0a0-0000-7000-8000-000000000000"}, "in_reply_to"),
        ({"in_reply_to": "0190a0a0-0000-7000-8000-000000000000"}, "in_reply_to"),
        ({"in_reply_to": "x"}, "in_reply_to"),
        ({"message_id": "x"}, "message_id"),
        ({"content": None}, "content"),
        ({"content": "x" * 200_000}, "content"),
        ({"priority": 10}, "priority"),
        ({"priority": -1}, "priority"),
        ({"priority": True}, "priority"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": 301}, "timeout"),
        ({"ttl": 0}, "ttl"),
        ({"requires_response": 1}, "requires_response"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_field(post, pair, wrong, field):
    one, two = pair
    answer = post.send(one, **({"to": two.id} | {"to_sandbox": two.id} | wrong))
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR"), answer.text
    assert field in [each["field"] for each in answer.json["error"]["details"]["fields"]]


@pytest.mark.parametrize("content", [0, False, "", [], {}, "ünï©ode 😀", [1, [2, [None]]], 1e10])
def test_any_json_is_a_content(post, pair, content):
    one, two = pair
    sent = post.sent(one, two.id, content)
    post.carry()
    assert heard(two)[0]["content"] == content
    assert post.ask("GET", f"/messages/{sent}").json["data"]["content"] == content


def test_a_long_content_is_fetched_by_its_recipient(post, pair):
    one, two = pair
    sent = post.sent(one, two.id, "x" * 190_000)
    post.carry()
    assert heard(two) == [{"message_id": f"msg_{sent}", "by_reference": True}]
    fetched = two.ask("messaging", "GET", f"/messages/msg_{sent}").json["data"]
    frame = {"message_id", "from_sandbox", "from_name", "from_agent", "to_agent", "message_type", "content", "priority"}
    assert (frame | {"requires_response", "timeout", "in_reply_to", "collaboration_id", "number"}) <= fetched.keys()
    assert len(fetched["content"]) == 190_000


def test_other_tenants_see_and_send_nothing(world, post, pair, gateway):
    one, two = pair
    sent = post.sent(one, two.id)
    stranger = sign_up("Stan", "stan@example.com").at("aintandem")
    body = {"to_sandbox": two.id, "content": "x"}
    for method, path in (
        ("POST", f"/sandboxes/{one.id}/messages"),
        ("GET", f"/sandboxes/{one.id}/messages"),
        ("GET", f"/messages/{sent}"),
        ("POST", f"/messages/{sent}/retry"),
        ("POST", f"/messages/{sent}/approve"),
        ("GET", f"/workspaces/{world.ws_id}/agents/discover"),
    ):
        assert stranger("messaging", method, path, body=body if method == "POST" else None).status == 404, path
    own = stranger("workspaces", "GET", "/workspaces").json["data"][0]["workspace_id"]
    made = {"name": "spy", "agent_config": {"primary_agent": {"name": "spy"}}}
    spy = stranger("sandboxes", "POST", f"/workspaces/{own}/sandboxes", body=made).json["data"]["sandbox_id"]
    for to in (two.id, "backend-team", new_id()):
        answer = stranger("messaging", "POST", f"/sandboxes/{spy}/messages", body=body | {"to_sandbox": to})
        assert answer.status == 422, answer.text
        assert "There is no sandbox with this id or name" in answer.text
    answer = stranger("messaging", "POST", f"/sandboxes/{spy}/messages", body=body | {"in_reply_to": sent})
    assert answer.status == 422
    cast = {"from_sandbox": one.id, "content": "x"}
    assert stranger("messaging", "POST", f"/workspaces/{own}/broadcast", body=cast).status == 422


def test_a_viewer_reads_and_does_not_send(world, post, pair):
    one, two = pair
    sent = post.sent(one, two.id)
    vic = world.join("Vic", "vic@example.com", Role.VIEWER).at("aintandem")
    assert vic("messaging", "GET", f"/messages/{sent}").status == 200
    assert vic("messaging", "POST", f"/messages/{sent}/retry").status == 403
    body = {"to_sandbox": two.id, "content": "x"}
    assert vic("messaging", "POST", f"/sandboxes/{one.id}/messages", body=body).status == 403
    assert vic("messaging", "POST", f"/workspaces/{world.ws_id}/broadcast", body=body | {"from_sandbox": one.id}).status == 403


def test_a_suspended_organization_sends_nothing(world, post, pair):
    one, two = pair
    set_status(str(world.project.org_id), "suspended")
    assert post.send(one, two.id).status == 403
    body = {"to_sandbox": two.id, "content": "x"}
    assert one.ask("messaging", "POST", f"/sandboxes/{one.id}/messages", body).status == 403


def test_two_that_ask_each_other_for_ever_come_to_an_end(post, pair, monkeypatch):
    monkeypatch.setattr(sending, "MAX_DEPTH", 3)
    one, two = pair
    sent = post.sent(one, two.id)
    asks = [(two, one), (one, two), (two, one), (one, two)]
    answers = []
    for sender, to in asks:
        body = {"to_sandbox": to.id, "content": "and you?", "in_reply_to": sent}
        answer = sender.ask("messaging", "POST", f"/sandboxes/{sender.id}/messages", body)
        answers.append(answer.status)
        sent = answer.json["data"]["message_id"] if answer.status == 202 else sent
    assert answers == [202, 202, 202, 409]
    assert answer.json["error"]["code"] == "CONFLICT"


def test_a_sandbox_has_a_number_of_messages_an_hour(post, pair, monkeypatch):
    one, two = pair
    monkeypatch.setattr(sending, "OF_SANDBOX", sending.RateRule("ai-message", 2, 3_600))
    path, body = f"/sandboxes/{one.id}/messages", {"to_sandbox": two.id, "content": "x", "message_type": "notification"}
    answers = [one.ask("messaging", "POST", path, body) for _ in range(3)]
    assert [answer.status for answer in answers] == [202, 202, 429]
    assert answers[2].json["error"]["code"] == "RATE_LIMIT_EXCEEDED"


def test_so_many_messages_wait_and_no_more(post, pair, monkeypatch):
    monkeypatch.setattr(line, "MAX_WAITING", 2)
    one, two = pair
    in_status(two.id, STOPPED)
    assert [post.send(one, two.id).status for _ in range(3)] == [202, 202, 429]
    assert post.send(two, one.id).status == 202  # another pair


def test_the_list_has_directions_a_time_and_pages(world, post, pair, late):
    one, two = pair
    sent = [post.sent(one, two.id, number) for number in range(3)]
    late.shift(10)
    now = clock.iso()
    back = post.sent(two, one.id, "back")

    def listed(query: str) -> dict:
        answer = post.ask("GET", f"/sandboxes/{one.id}/messages?{query}")
        assert answer.status == 200, answer.text
        return answer.json["data"]

    def ids(query: str) -> list[str]:
        return [each["message_id"].removeprefix("msg_") for each in listed(query)["messages"]]

    assert ids("") == [back, *sent[::-1]]
    assert ids("direction=sent") == sent[::-1]
    assert ids("direction=received") == [back]
    assert (ids(f"since={now}"), listed(f"since={now}")["meta"]) == ([back], {"total": 1, "since": now, "next": None})
    first = listed("limit=3")
    assert (first["meta"]["total"], ids(f"limit=3&before={first['meta']['next']}")) == (4, [sent[0]])
    for wrong in ("limit=0", "limit=201", "direction=up", "since=yesterday", "before=x"):
        assert post.ask("GET", f"/sandboxes/{one.id}/messages?{wrong}").status == 422, wrong


def test_the_same_key_is_the_same_message(world, post, pair):
    one, two = pair
    ask = world.ada.at("aintandem")
    body = {"to_sandbox": two.id, "content": "x"}
    path, headers = f"/sandboxes/{one.id}/messages", {"Idempotency-Key": "k1"}
    first, second = (ask("messaging", "POST", path, body=body, headers=headers) for _ in range(2))
    assert first.json["data"] == second.json["data"]
    assert post.ask("GET", path).json["data"]["meta"]["total"] == 1


def test_the_worker_takes_the_sample_of_its_trigger(aws):
    sample = json.loads((Path(__file__).parents[2] / "events" / "sqs-sandbox-messages.json").read_text())
    assert handler(sample, Context()) == {"batchItemFailures": []}


def test_a_message_is_delivered_before_its_event_is_seen_and_then_not_again(post, pair):
    one, two = pair
    sent = post.sent(one, two.id)
    work(wakes())
    assert [told["message_id"] for told in heard(two)] == [f"msg_{sent}"]
    post.stream.flow()
    assert wakes() == []
    lost = post.sent(two, one.id)
    assert len(wakes()) == 1  # lost: the event wakes again
    post.carry()
    assert [told["message_id"] for told in heard(one)] == [f"msg_{lost}"]


def test_a_lost_wake_is_made_good_by_the_job(post, pair, late):
    one, two = pair
    sent = post.sent(one, two.id)
    post.stream.flow()
    wakes(delayed=True)  # lost
    late.shift(61)
    run_jobs("sandbox-messages")
    assert [told["message_id"] for told in heard(two)] == [f"msg_{sent}"]
    wakes(delayed=True)  # of its next try: lost too
    late.shift(61)
    run_jobs("sandbox-messages")
    assert len(heard(two)) == 1


def test_long_messages_are_counted_apart(post, pair, monkeypatch):
    monkeypatch.setattr(sending, "LONG", sending.RateRule("ai-long-message", 1, 3_600))
    one, two = pair
    answers = [post.send(one, two.id, "x" * size) for size in (17_000, 17_000, 15_000)]
    assert [answer.status for answer in answers] == [202, 429, 202]


def test_a_worker_that_dies_at_any_write_loses_no_message(post, pair, late):
    one, two = pair
    for number, process in enumerate(crash_at_every_write()):
        sent = post.sent(one, two.id, number)
        post.stream.flow()
        with process:
            deliver(two.id)
        wakes(delayed=True)  # it died before it took another one
        late.shift(61)
        run_jobs("sandbox-messages")
        told = {each["message_id"] for each in heard(two)}
        assert told == {f"msg_{sent}"}
        two.say("ack", message_id=sent)
        assert post.row(sent).status == "delivered"
    assert number == 1  # it takes the message; what follows is a frame


def change_message(world, what: str, pair: tuple[Agent, Agent], message_id: str, answer_id: str) -> None:
    match what:
        case "send":
            sending.send_message(world.actor, pair[0].id, sending.NewMessage(pair[1].id, "request", "x", message_id=message_id))
        case "acknowledge":
            acknowledge(pair[1].id, message_id)
        case "respond":
            respond(pair[1].id, answer_id, message_id, None, "done")
        case "retry":
            retry_message(world.actor, message_id)
        case "approve":
            approve_message(world.actor, message_id)


@pytest.mark.parametrize("what", ["send", "acknowledge", "respond", "retry", "approve"])
def test_a_change_that_dies_at_any_write_may_be_said_again(world, post, pair, what):
    one, two = pair
    if what == "approve":
        set_policy(world, "allow_all", Rule(approval_required=True))
    for process in crash_at_every_write():
        message_id, answer_id = new_id(), new_id()
        if what != "send":
            change_message(world, "send", pair, message_id, answer_id)
        if what == "retry":
            assert fail(post.row(message_id), "A test")
        with process:
            change_message(world, what, pair, message_id, answer_id)
        with suppress(Conflict):  # two of them say that this was done before
            change_message(world, what, pair, message_id, answer_id)
        row, lines = post.row(message_id), [one.message_id for one in first_of_each(two.id)]
        assert (message_id in lines) == row.is_waiting == (what in ("send", "retry", "approve"))
        assert row.response_id == (answer_id if what == "respond" else None)
        if row.is_waiting:
            acknowledge(two.id, message_id)
        if what == "respond":
            acknowledge(one.id, answer_id)
    for sender, recipient in ((one, two), (two, one)):
        counted = get(Pair, f"PAIR#{sender.id}", recipient.id)
        assert counted is None or counted.waiting == 0
