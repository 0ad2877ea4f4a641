"""What sandboxes ask of a model through the platform: once asked, once paid, whoever dies."""

import json
from collections.abc import Iterator

import pytest

from functions.model_worker.handler import handler as worker
from shared.agents.providers import registry
from shared.agents.providers.port import Finished, StreamInterrupted, TextDelta, TokenUsage, ToolCall, ToolCallReady
from shared.core.errors import Upstream
from shared.core.situations import Situation
from shared.money.budgets.rows import Budget, budget_id, this_month
from shared.money.usage.rows import UsageLine
from shared.sandboxes.completions import calling
from shared.sandboxes.completions.calling import complete
from shared.sandboxes.completions.rows import HELD, Completion
from shared.store import fetch, fetch_indexed, get, query
from tests.areas.driving import Context, run_jobs, sign_up
from tests.areas.running import PAID
from tests.areas.sandbox_links import Agent, running
from tests.kills import concurrently, crash_at_every_write
from tests.samples.sandboxes import in_status

QUESTION = {
    "agent": "frontend-architect",
    "messages": [
        {"role": "system", "content": "Expert in React"},
        {"role": "user", "content": "Design the login page"},
    ],
    "tools": [{"name": "send_message", "description": "Send", "parameters": {"type": "object", "properties": {}}}],
}


class Model:
    """Answers what it is told to, and counts how often it is asked."""

    name = PAID[0]

    def __init__(self) -> None:
        self.requests = []
        self.error: Exception | None = None
        self.calls = (ToolCall("c1", "send_message", {"to": "backend-team"}),)

    def stream(self, request, cancelled=None) -> Iterator:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        yield TextDelta("A form \ud83d with two fields")
        for call in self.calls:
            yield ToolCallReady(call)
        yield Finished("tool_use", TokenUsage(input=1_000, output=100), request.model)


@pytest.fixture
def model(world, paid, monkeypatch) -> Model:
    made = Model()
    monkeypatch.setattr(registry, "provider", lambda _: made)
    return made


def put(agent: Agent, request_id: str = "r1", body=None):
    return agent.ask("sandboxes", "PUT", f"/sandboxes/sb_{agent.id}/completions/{request_id}", body or QUESTION)


def see(agent: Agent, request_id: str = "r1"):
    return agent.ask("sandboxes", "GET", f"/sandboxes/sb_{agent.id}/completions/{request_id}")


def waiting() -> list[dict]:
    """Receive and delete all messages of the queue."""
    from moto.sqs.models import sqs_backends

    queue = sqs_backends["123456789012"]["us-east-1"].queues["model_calls"]
    found = [json.loads(message.body) for message in queue._messages]
    queue._messages.clear()
    return found


def work() -> None:
    for number, message in enumerate(waiting()):
        record = {"messageId": str(number), "body": json.dumps(message), "attributes": {"ApproximateReceiveCount": "1"}}
        record["eventSource"] = "aws:sqs"
        assert worker({"Records": [record]}, Context()) == {"batchItemFailures": []}


def money(world) -> Budget:
    budget = fetch(Budget, budget_id("workspace", world.ws_id, this_month()))
    assert budget is not None
    return budget


def lines(world) -> list[UsageLine]:
    return list(fetch_indexed(UsageLine, query(UsageLine, f"WS#{world.ws_id}#USE", index=1).rows))


def test_a_sandbox_asks_is_told_and_fetches_the_answer(gateway, world, model):
    agent = running(gateway, world)
    asked = put(agent)
    assert (asked.status, asked.json["data"]) == (
        202,
        {"request_id": "r1", "status": "pending", "reply": None, "error": None},
    )
    work()
    assert agent.heard() == [{"event": "completion", "data": {"request_id": "r1", "status": "done"}}]
    found = see(agent).json["data"]
    assert found["status"] == "done"
    assert found["reply"] == {
        "content": "A form \ufffd with two fields",
        "tool_calls": [{"id": "c1", "name": "send_message", "arguments": {"to": "backend-team"}, "problem": None}],
        "stop": "tool_use",
    }
    (request,) = model.requests
    assert (request.system, request.messages[0].text) == ("Expert in React", "Design the login page")
    (line,) = lines(world)
    assert (line.agent_id, line.agent_name, line.input_tokens) == (agent.id, "frontend-team", 1_000)
    assert line.user["id"] == world.actor.id
    budget = money(world)
    assert (int(budget.reserved), int(budget.spent)) == (0, int(line.customer_price_micros))
    assert line.customer_price_micros > 0


def test_the_same_id_is_asked_once_however_often_it_is_sent_and_delivered(gateway, world, model):
    agent = running(gateway, world)
    put(agent)
    put(agent)
    assert len(waiting()) == 2
    for _ in range(3):
        complete(agent.id, "r1")
    assert put(agent).json["data"]["status"] == "done"
    assert waiting() == []
    assert (len(model.requests), len(lines(world))) == (1, 1)
    other = put(agent, body=QUESTION | {"agent": "react-expert"})
    assert (other.status, other.json["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


def test_two_workers_at_once_ask_the_model_once(gateway, world, model):
    agent = running(gateway, world)
    put(agent)
    with concurrently(lambda: complete(agent.id, "r1")):
        complete(agent.id, "r1")
    assert (len(model.requests), len(lines(world))) == (1, 1)


def test_a_worker_that_dies_is_found_out_and_the_answer_is_paid_once(gateway, world, model, late):
    dead = 0
    for number, process in enumerate(crash_at_every_write()):
        agent = running(gateway, world, f"team {number}")
        put(agent)
        waiting()
        with process:
            complete(agent.id, "r1")
        dead += process.dead
        late.shift(calling.HOLD + 1)
        run_jobs("held-completions")
        put(Agent(gateway, agent.row))
        work()
        assert see(Agent(gateway, agent.row)).json["data"]["status"] == "done"
        assert len([one for one in lines(world) if one.agent_id == agent.id]) == 1
        assert int(money(world).reserved) == 0
        world.ada.at("aintandem")("sandboxes", "DELETE", f"/sandboxes/{agent.id}")
    assert dead >= 2
    assert sum(int(one.customer_price_micros) for one in lines(world)) == int(money(world).spent)
    assert [row for name in HELD.partitions() for row in query(Completion, name).rows] == []


def test_a_call_whose_process_always_dies_ends(gateway, world, model, late):
    agent = running(gateway, world)
    put(agent)
    model.error = SystemExit()
    for _ in range(calling.MAX_TRIES):
        waiting()
        with pytest.raises(SystemExit):
            complete(agent.id, "r1")
        late.shift(calling.HOLD + 1)
        run_jobs("held-completions")
    work()
    found = see(Agent(gateway, agent.row)).json["data"]
    assert (found["status"], found["error"]["code"]) == ("failed", "SERVICE_UNAVAILABLE")
    assert int(money(world).reserved) == 0


@pytest.mark.parametrize(
    ("error", "used"),
    [
        (Upstream(Situation.PROVIDER_UNAVAILABLE, "no"), 0),
        (StreamInterrupted("broken", TokenUsage(input=1_000, output=10)), 1),
    ],
)
def test_a_call_that_fails_says_why_and_costs_what_it_has_used(gateway, world, model, error, used):
    agent = running(gateway, world)
    put(agent)
    model.error = error
    work()
    assert agent.heard() == [{"event": "completion", "data": {"request_id": "r1", "status": "failed"}}]
    found = see(agent).json["data"]
    assert (found["status"], found["reply"]) == ("failed", None)
    assert found["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert len(lines(world)) == used
    assert int(money(world).reserved) == 0


def test_an_exhausted_budget_is_said_and_nothing_is_asked(gateway, world, model):
    agent = running(gateway, world)
    assert world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body={"settings": {"maxMonthlyUsage": 0}}).status == 200
    put(agent)
    work()
    found = see(agent).json["data"]
    assert (found["status"], found["error"]["code"]) == ("failed", "RESOURCE_EXHAUSTED")
    assert model.requests == []


def test_who_does_not_run_any_more_is_not_answered(gateway, world, model):
    agent = running(gateway, world)
    put(agent)
    in_status(agent.id, "stopped")
    work()
    assert model.requests == []
    row = get(Completion, *Completion.key(agent.id, "r1"))
    assert (row.status, row.error["situation"]) == ("failed", "SANDBOX_STATUS")


@pytest.mark.parametrize("reference", [False, True])
def test_the_key_of_the_workspace_is_used_and_shown_nowhere(gateway, world, monkeypatch, reference):
    asked = {}

    def with_key(name, key):
        asked.update(name=name, key=key)
        return Model()

    monkeypatch.setattr(registry, "provider_with_key", with_key)
    secret = "sk-canary-0123456789abcdef"
    provider = {"name": "claude", "api_key": "${MY_KEY}" if reference else secret, "models": ["claude-3-5-sonnet-20241022"]}
    body = {"llm_providers": [provider]} | ({"secrets": {"MY_KEY": secret}} if reference else {})
    assert world.ada.at("aintandem")("workspaces", "PUT", f"/workspaces/{world.ws_id}/config", body=body).status == 200
    agent = running(gateway, world)
    put(agent)
    work()
    assert asked == {"name": "anthropic", "key": secret}
    assert see(agent).json["data"]["status"] == "done"
    (line,) = lines(world)
    assert (line.unpriced, int(line.customer_price_micros), line.tokens) == (True, 0, 1_100)
    assert secret not in json.dumps([json.dumps(one) for one in gateway.frames.values()]) + see(agent).text


def test_a_secret_that_is_missing_is_said(gateway, world):
    body = {"llm_providers": [{"name": "claude", "api_key": "${GONE}", "models": ["claude-3-5-sonnet-20241022"]}]}
    assert world.ada.at("aintandem")("workspaces", "PUT", f"/workspaces/{world.ws_id}/config", body=body).status == 200
    agent = running(gateway, world)
    put(agent)
    work()
    found = see(agent).json["data"]["error"]
    assert (found["code"], "GONE" in found["message"]) == ("CONFIGURATION_INVALID", True)


def test_the_embedded_model_answers_where_no_other_one_is_configured(gateway, world):
    agent = running(gateway, world)
    put(agent)
    work()
    found = see(agent).json["data"]
    assert found["status"] == "done", found
    assert "Design the login page" in found["reply"]["content"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": []},
        {"messages": [{"role": "system", "content": "x"}]},
        {"messages": [{"role": "tool", "content": "x"}]},
        {"messages": [{"role": "user", "content": "x", "tool_call_id": "c"}]},
        {"messages": [{"role": "god", "content": "x"}]},
        {"tools": [{"name": "with spaces"}]},
        {"messages": [{"role": "user", "content": "x"}] * 501},
    ],
)
def test_what_cannot_be_asked(gateway, world, wrong):
    answer = put(running(gateway, world), body=QUESTION | wrong)
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert waiting() == []


def test_only_its_own_token_and_members_may_ask(gateway, world, late):
    agent, other = running(gateway, world), running(gateway, world, "backend-team")
    path = f"/sandboxes/{agent.id}/completions/r1"
    assert other.ask("sandboxes", "PUT", path, QUESTION).status == 401
    assert sign_up("Stan", "stan@example.com").at("aintandem")("sandboxes", "PUT", path, body=QUESTION).status == 404
    assert world.ada.at("aintandem")("sandboxes", "PUT", path, body=QUESTION).status == 202
    late.shift(901)
    assert put(agent).status == 401


def test_a_long_question_lies_in_a_file_until_it_is_answered(gateway, world, model, monkeypatch):
    from shared.store import file_key, load_text
    from shared.store.files import get_file

    agent = running(gateway, world)
    long = QUESTION | {"messages": [{"role": "user", "content": "x" * 400_000}]}
    assert put(agent, body=long).status == 202
    question = get(Completion, *Completion.key(agent.id, "r1")).question
    assert len(load_text(question)) > 400_000
    work()
    assert see(agent).json["data"]["status"] == "done"
    with pytest.raises(Exception, match=r"NoSuchKey|not"):
        get_file(file_key(question))
