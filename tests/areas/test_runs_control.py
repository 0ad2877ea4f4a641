"""People and rules over runs: cancel, retry, approval, budgets, the queue, agents that start by themselves."""

import json
import os
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
import time_machine

from functions.run_steps.handler import handler as steps_handler
from functions.run_worker.handler import handler as worker
from shared.agents.providers import registry
from shared.agents.providers.embedded.model import EmbeddedProvider
from shared.agents.providers.port import Finished, StreamInterrupted, TextDelta, TokenUsage, ToolCall, ToolCallReady
from shared.core import clock
from shared.core.actor import Role
from shared.core.errors import ConditionFailed, Conflict, Upstream
from shared.core.situations import Situation
from shared.edge.reactions import parse_change
from shared.edge.reactions.triggers import react
from shared.edge.views.agentworks import events
from shared.money.budgets.reserving import set_limit
from shared.money.usage.rows import UsageLine
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs import queue, requesting
from shared.runs.agent_runs.maintenance import sweep_runs
from shared.runs.agent_runs.recovery import MAX_LAUNCHES
from shared.runs.agent_runs.rows import ActiveRuns, Run
from shared.runs.agent_runs.steps import Step, run_step
from shared.store import collection, fetch, get, save, write
from shared.work.items.creating import NewItem, create_item
from shared.work.items.moving import move_item
from shared.work.items.rows import Item
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Context, run_jobs, sign_up
from tests.areas.running import Machine
from tests.areas.test_runs import card_in, started, trigger
from tests.areas.viewers import project, raw_row, stream_record
from tests.trips import count_requests


@pytest.fixture
def model(monkeypatch) -> SimpleNamespace:
    """A model whose turns a test writes: functions of the request that yield events; after the last one it says it is done."""
    scripted = SimpleNamespace(name="embedded", turns=[], requests=[])

    def stream(request, cancelled=lambda: False):
        scripted.requests.append(request)
        if scripted.turns:
            yield from scripted.turns.pop(0)(request, cancelled)
        else:
            yield TextDelta("Nothing more to do.")
            yield Finished("end", TokenUsage(10, 0, 0, 5), request.model)

    scripted.stream = stream
    monkeypatch.setattr(registry, "provider", lambda _: scripted)
    return scripted


def calls(*wanted: tuple[str, dict]):
    def turn(request, cancelled):
        for number, (name, arguments) in enumerate(wanted):
            yield ToolCallReady(ToolCall(f"c{len(request.messages)}-{number}", name, arguments))
        yield Finished("tool_use", TokenUsage(100, 0, 0, 20), request.model)

    return turn


def configure(world: World, **settings) -> None:
    workspace = fetch(Workspace, world.ws_id)
    workspace.settings = workspace.settings | settings
    write(save(workspace))


# -- cancel and retry


def test_a_queued_run_is_cancelled(world, machine):
    card = card_in(world, 1, "doc")
    run_id = started(world, card, "prd")
    answer = world.ada("runs", "POST", f"/runs/{run_id}/cancel", body={"reason": "Wrong card"})
    assert (answer.status, answer.json["status"]) == (202, "cancelled")
    run = machine.play(run_id)
    assert (run.status, run.error_code, run.error_message) == ("cancelled", "CANCELLED", "Wrong card")
    assert machine.steps == ["claim"]
    assert fetch(Item, card.id).lease_run is None
    assert world.ada("runs", "POST", f"/runs/{run_id}/cancel").status == 202  # once is as good as twice


def test_a_cancel_bites_while_the_model_streams(world, machine, model, monkeypatch):
    """Between two chunks the worker looks at the run: what was spent is in the ledger, what was said is not acted on."""
    card = card_in(world, 1, "doc")
    monkeypatch.setattr("shared.runs.agent_runs.turns.CHECK_INTERVAL", 0)

    def turn(request, cancelled):
        yield TextDelta("Thinking")
        world.ada("runs", "POST", f"/runs/{run_id}/cancel")
        if cancelled():
            yield Finished("cancelled", TokenUsage(500, 0, 0, 3), request.model)
            return
        yield ToolCallReady(ToolCall("c", "comment", {"content": "too late"}))
        yield Finished("tool_use", TokenUsage(500, 0, 0, 30), request.model)

    model.turns = [turn]
    run_id = started(world, card, "prd")
    run = machine.play(run_id)
    assert run.status == "cancelled"
    assert (run.input_tokens, run.output_tokens) == (500, 3)
    assert len(collection(2, f"RUN#{run_id}#USE")) == 1
    assert collection(1, f"ITEM#{card.id}", "COM#") == []
    again = trigger(world, card, "prd")
    assert again.status == 202, again.text  # the card was free at once


@pytest.mark.usefixtures("paid")
def test_a_zombie_writes_nothing(world, machine, model):
    """Cancelled between the model's answer and the tool calls: no comment, no document, no journal."""
    card = card_in(world, 1, "doc")

    def turn(request, cancelled):
        yield ToolCallReady(ToolCall("c", "comment", {"content": "too late"}))
        world.ada("runs", "POST", f"/runs/{run_id}/cancel")
        yield Finished("tool_use", TokenUsage(500, 0, 0, 30), request.model)

    model.turns = [turn]
    run_id = started(world, card, "prd")
    assert machine.play(run_id).status == "cancelled"
    assert collection(1, f"ITEM#{card.id}", "COM#") == []
    assert fetch(Run, run_id).customer_price_micros > 0  # what was spent was spent


def test_an_ended_run_is_not_cancelled(world, machine):
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    answer = world.ada("runs", "POST", f"/runs/{run.id}/cancel")
    assert (answer.status, answer.json["error"]["code"]) == (409, "CONFLICT")
    assert world.ada("runs", "POST", f"/runs/{run.id}/retry").status == 409


def test_a_retry_is_a_new_run_with_the_same_context(world, machine):
    card = card_in(world, 1, "doc")
    first = started(world, card, "prd", context="Mind the law")
    world.ada("runs", "POST", f"/runs/{first}/cancel")
    answer = world.ada("runs", "POST", f"/runs/{first}/retry", body={"temperature": 0.9})
    assert answer.status == 202, answer.text
    again = fetch(Run, answer.json["run"]["id"])
    assert (again.retry_of, again.temperature, again.input_context["context"]) == (first, 0.9, "Mind the law")
    assert machine.play(again.id).status == "completed"


def test_a_dead_run_leaves_its_card_to_the_next(world, machine):
    card = card_in(world, 1, "doc")
    dead = started(world, card, "prd")
    with time_machine.travel(clock.epoch() + 1_000, tick=True):
        configure(world)
        lost = world.ada
        answer = lost("runs", "POST", f"/cards/{card.id}/agents/prd/run")
        assert answer.status == 202, answer.text
        assert (fetch(Run, dead).status, fetch(Run, dead).error_code) == ("failed", "TIMEOUT")
        assert machine.play(dead).status == "failed"
    assert fetch(Item, card.id).lease_run == answer.json["run"]["id"]


# -- limits


def test_a_project_has_so_many_runs_at_once(world):
    project = world.project
    project.settings = project.settings | {"maxConcurrentRuns": 1}
    write(save(project))
    first = started(world, card_in(world, 1, "doc"), "prd")
    answer = trigger(world, card_in(world, 1, "doc"), "prd")
    assert (answer.status, answer.json["error"]["code"]) == (409, "CONCURRENT_RUN_LIMIT")
    world.ada("runs", "POST", f"/runs/{first}/cancel")
    assert trigger(world, card_in(world, 1, "doc"), "prd").status == 202


def test_a_place_held_by_a_dead_run_is_swept(world):
    project = world.project
    project.settings = project.settings | {"maxConcurrentRuns": 1}
    write(save(project))
    dead = started(world, card_in(world, 1, "doc"), "prd")
    with time_machine.travel(clock.epoch() + 1_000, tick=True):
        assert trigger(world, card_in(world, 1, "doc"), "prd").status == 202
    assert fetch(Run, dead).error_code == "TIMEOUT"


def test_a_run_that_cannot_be_queued_ends_and_frees_its_card(world, monkeypatch):
    def broken(*_: object) -> None:
        raise Upstream(Situation.UNAVAILABLE, "The run could not be queued; try again shortly")

    monkeypatch.setattr(queue, "enqueue", broken)
    card = card_in(world, 1, "doc")
    answer = trigger(world, card, "prd")
    assert answer.status == 503
    assert fetch(Item, card.id).lease_run is None
    run = fetch(Run, fetch(Item, card.id).recent_runs[0]["id"])
    assert (run.status, run.error_code) == ("failed", "QUEUE_UNAVAILABLE")
    assert get(ActiveRuns, f"PROJ#{world.project.id}", "RUNS").run_ids is None


def test_a_month_that_is_used_up_starts_nothing(world):
    configure(world, maxMonthlyUsage=0)
    answer = trigger(world, card_in(world, 1, "doc"), "prd")
    assert (answer.status, answer.json["error"]["code"]) == (403, "USAGE_LIMIT_EXCEEDED")


# -- approval


@pytest.mark.usefixtures("paid")
def test_a_run_waits_for_approval_and_goes_on(world, machine):
    configure(world, requireApprovalForAgentRuns=True)
    card = card_in(world, 1, "doc")
    run = machine.play(started(world, card, "prd"))
    assert (run.status, run.waiting_for) == ("waiting", "approval")
    shown = world.ada("runs", "GET", f"/runs/{run.id}").json
    assert shown["status"] == "pending"
    waiting = shown["executionMetadata"]["waiting"]
    assert waiting["estimatedCost"] > 0
    assert "write_document" in {action["tool"] for action in waiting["actions"]}
    assert fetch(Item, card.id).status == "draft"  # nothing has begun
    member = world.join("Mel", "mel@example.com", Role.MEMBER)
    assert member("runs", "POST", f"/runs/{run.id}/approve").json["error"]["code"] == "INSUFFICIENT_PERMISSIONS"
    assert world.ada("runs", "POST", f"/runs/{run.id}/approve").status == 200
    machine.answer(machine.answers.pop())
    assert machine.play().status == "completed"
    again = world.ada("runs", "POST", f"/runs/{run.id}/approve")
    assert again.status == 409


@pytest.mark.usefixtures("paid")
def test_what_waits_is_listed_with_what_it_would_do_and_cost(world, machine):
    configure(world, requireApprovalForAgentRuns=True)
    card = card_in(world, 1, "doc")
    run = machine.play(started(world, card, "prd"))

    def listed(query: str = "", client=None) -> dict:
        answer = (client or world.ada)("runs", "GET", f"/workspaces/{world.ws_id}/approvals{query}")
        assert answer.status == 200, answer.text
        return answer.json

    (shown,) = listed()["approvals"]
    assert (shown["runId"], shown["cardId"], shown["cardTitle"], shown["agent"]["name"]) == (run.id, card.id, card.title, "prd")
    assert (shown["waitingFor"], shown["reason"]) == ("approval", "The workspace requires approval for agent runs")
    assert shown["estimatedCost"] > 0
    left = clock.parse(shown["expiresAt"]) - clock.parse(shown["requestedAt"])
    assert round(left.total_seconds() / 3600) == 72
    does = {one["tool"]: one["does"] for one in shown["waiting"]["actions"]}
    assert "document" in does["write_document"]
    assert listed("?waitingFor=budget") == {
        "approvals": [],
        "total": 0,
        "pagination": {"limit": 50, "offset": 0, "total": 0, "hasMore": False},
    }
    assert listed(client=world.join("Vera", "vera@example.com", Role.VIEWER))["total"] == 1
    stranger = sign_up("Stan", "stan@example.com")
    assert stranger("runs", "GET", f"/workspaces/{world.ws_id}/approvals").status == 404
    assert world.ada("runs", "POST", f"/runs/{run.id}/reject").status == 200
    assert listed()["total"] == 0


@pytest.mark.usefixtures("paid")
def test_waiting_and_its_answer_are_told_and_kept(world, machine):
    configure(world, requireApprovalForAgentRuns=True)
    card = card_in(world, 1, "doc")
    run_id = started(world, card, "prd")
    images = [raw_row(f"RUN#{run_id}")]
    machine.play(run_id)
    images.append(raw_row(f"RUN#{run_id}"))
    assert world.ada("runs", "POST", f"/runs/{run_id}/approve").status == 200
    images.append(raw_row(f"RUN#{run_id}"))
    assert world.ada("runs", "POST", f"/runs/{run_id}/approve").status == 200  # the same answer again is the same answer
    assert raw_row(f"RUN#{run_id}") == images[-1]
    changes = [parse_change(stream_record(new, old)) for old, new in pairwise(images)]
    shown = [events.WORKSPACE_EVENTS[change.event.type](change) for change in changes]
    waiting, answered = (json.loads(frame.text) for frames in shown for frame in frames)
    assert (waiting["type"], waiting["data"]["waitingFor"], waiting["data"]["runId"]) == ("agent_run_waiting", "approval", run_id)
    assert waiting["data"]["estimatedCost"] > 0
    assert (answered["type"], answered["data"]["answer"]) == ("agent_run_answered", "approved")
    assert answered["data"]["answeredBy"]["id"] == world.ada.user["id"]
    assert project(*[stream_record(new, old) for old, new in pairwise(images)]) == []
    told = [one["description"] for one in world.ada("comments", "GET", f"/cards/{card.id}/activities").json["activities"]]
    assert told == [
        "Ada Lovelace approved a run of PRD Agent",
        "Cadre lets a run of PRD Agent wait: The workspace requires approval for agent runs",
    ]


def test_a_deployment_waits_where_the_project_guards_them(world, machine):
    project_ = fetch(type(world.project), world.project.id)
    project_.settings = project_.settings | {"requireApprovalForDeployment": True}
    write(save(project_))
    run = machine.play(started(world, card_in(world, 8, "feature"), "deployment"))
    assert (run.status, run.waiting["reason"]) == ("waiting", "The project requires approval for agents that build or deploy")
    machine_of_another = Machine()
    assert machine_of_another.play(started(world, card_in(world, 1, "doc"), "prd")).status == "completed"


def test_an_answer_that_comes_too_late_is_none(world, machine):
    """Neither a no nor a yes: the state machine, or the clock after it, says that the time is over."""
    configure(world, requireApprovalForAgentRuns=True)
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    asked = fetch(Run, run.id)
    asked.waiting = asked.waiting | {"expires_at": clock.in_seconds(-60)}
    write(save(asked))
    for answer in ("approve", "reject"):
        assert world.ada("runs", "POST", f"/runs/{run.id}/{answer}").status == 409
    assert fetch(Run, run.id).status == "waiting"
    assert sweep_runs(time.monotonic() + 60) == 0
    asked = fetch(Run, run.id)
    asked.waiting = asked.waiting | {"expires_at": clock.in_seconds(-600)}
    write(save(asked))
    assert sweep_runs(time.monotonic() + 60) == 1
    ended = fetch(Run, run.id)
    assert (ended.status, ended.error_code, machine.stopped) == ("failed", "APPROVAL_EXPIRED", True)
    assert fetch(Item, run.item_id).lease_run is None


def test_a_rejected_run_is_cancelled(world, machine):
    configure(world, requireApprovalForAgentRuns=True)
    card = card_in(world, 1, "doc")
    run = machine.play(started(world, card, "prd"))
    answer = world.ada("runs", "POST", f"/runs/{run.id}/reject", body={"reason": "Too early"})
    assert (answer.status, answer.json["status"], answer.json["errorCode"]) == (200, "cancelled", "APPROVAL_REJECTED")
    assert machine.play().error_message == "Too early"
    assert machine.steps[-1] == "fail"
    assert fetch(Item, card.id).lease_run is None
    assert world.ada("runs", "POST", f"/runs/{run.id}/approve").status == 409


def test_an_approval_that_nobody_gives_expires(world, machine):
    configure(world, requireApprovalForAgentRuns=True)
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    machine.refuse("States.Timeout")
    run = machine.play()
    assert (run.status, run.error_code) == ("failed", "APPROVAL_EXPIRED")


# -- budgets


@pytest.mark.usefixtures("paid")
def test_at_the_cap_the_run_pauses_and_goes_on_when_it_is_raised(world, machine):
    card = card_in(world, 1, "doc")
    run = machine.play(started(world, card, "prd", parameters={"maxCost": 0.3}))
    assert (run.status, run.waiting_for) == ("waiting", "budget")
    assert 0 < run.customer_price_micros <= 300_000
    shown = world.ada("runs", "GET", f"/runs/{run.id}").json
    assert shown["status"] == "running"
    assert shown["executionMetadata"]["waiting"]["scope"] == "run"
    assert shown["executionMetadata"]["waiting"]["needed"] == 0.25
    answer = world.ada("runs", "POST", f"/runs/{run.id}/approve", body={"maxCost": 20})
    assert answer.status == 200, answer.text
    machine.answer(machine.answers.pop())
    done = machine.play()
    assert done.status == "completed", done.error_message
    assert done.customer_price_micros > 300_000


@pytest.mark.usefixtures("paid")
def test_a_workspace_that_raises_its_month_lets_its_runs_go_on(world, machine):
    configure(world, maxMonthlyUsage=0.3)
    card = card_in(world, 1, "doc")
    run = machine.play(started(world, card, "prd"))
    assert (run.status, run.waiting_for) == ("waiting", "budget")
    before = raw_row(f"WS#{world.ws_id}")
    changed = world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body={"settings": {"maxMonthlyUsage": 50}})
    assert changed.status == 200, changed.text
    react(parse_change(stream_record(raw_row(f"WS#{world.ws_id}"), before)))
    machine.answer(machine.answers.pop())
    assert machine.play().status == "completed"


def test_a_cap_raised_while_the_run_begins_to_wait_is_noticed(world, machine, monkeypatch):
    card = card_in(world, 1, "doc")
    run_id = started(world, card, "prd", parameters={"maxCost": 0.3})
    from shared.runs.agent_runs import ending

    told = ending.publish_run_status

    def raised(run: str, item: str, ws_id: str, status: str, **about: int) -> None:
        if status == "waiting":
            set_limit("run", run, 20_000_000)
        told(run, item, ws_id, status, **about)

    monkeypatch.setattr(ending, "publish_run_status", raised)
    assert machine.play(run_id).status == "completed"


# -- failures


def test_a_provider_that_breaks_off_is_paid_and_told(world, machine, model):
    def turn(request, cancelled):
        yield TextDelta("Half an ans")
        raise StreamInterrupted("embedded broke off", TokenUsage(700, 0, 0, 9))

    model.turns = [turn]
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert (run.status, run.error_code) == ("failed", "PROVIDER_UNAVAILABLE")
    lines = [fetch(UsageLine, row.id) for row in collection(2, f"RUN#{run.id}#USE")]
    assert [(line.input_tokens, line.estimated) for line in lines] == [(700, True)]


@pytest.mark.parametrize(
    ("situation", "code"),
    [
        (Situation.PROVIDER_RATE_LIMITED, "PROVIDER_RATE_LIMITED"),
        (Situation.PROVIDER_UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
        (Situation.PROVIDER_NOT_CONFIGURED, "PROVIDER_NOT_CONFIGURED"),
    ],
)
def test_an_upstream_failure_ends_the_run_with_its_code(world, machine, model, situation, code, logged):
    def turn(request, cancelled):
        raise Upstream(situation, "no")
        yield

    model.turns = [turn]
    card = card_in(world, 1, "doc")
    run = machine.play(started(world, card, "prd"))
    assert (run.status, run.error_code, run.error_message) == ("failed", code, "no")
    assert (fetch(Item, card.id).lease_run, fetch(Item, card.id).status) == (None, "draft")
    assert (fetch(Run, run.id).hold, fetch(Run, run.id).hold_turn) == (None, None)
    alarmed = [line["error"] for line in failures(logged)]
    assert alarmed == (["ProviderNotConfigured"] if situation is Situation.PROVIDER_NOT_CONFIGURED else [])


def test_a_crash_of_ours_shows_no_inner_details_and_raises_an_alarm(world, machine, model, logged):
    def turn(request, cancelled):
        raise ZeroDivisionError("secret")
        yield

    model.turns = [turn]
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert (run.status, run.error_code) == ("failed", "INTERNAL_ERROR")
    assert "secret" not in run.error_message
    (line,) = failures(logged)
    assert (line["job"], line["failed"], line["run_id"], line["error"]) == ("run", 1, run.id, "ZeroDivisionError")
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["stage", "job"], ["stage"]]


def failures(logged):
    return [line for line in logged() if "on our side" in line["message"]]


def test_an_endless_agent_is_stopped(world, machine, model, monkeypatch):
    monkeypatch.setattr("shared.runs.agent_runs.turns.MAX_TURNS", 3)
    model.turns = [calls(("read_card", {})) for _ in range(9)]
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert (run.status, run.error_code, run.calls) == ("failed", "TURN_LIMIT_REACHED", 3)


@pytest.mark.parametrize(("stop", "code"), [("max_tokens", "OUTPUT_LIMIT_REACHED"), ("refusal", "MODEL_REFUSED")])
def test_an_answer_that_is_none(world, machine, model, stop, code):
    def turn(request, cancelled):
        yield TextDelta("I")
        yield Finished(stop, TokenUsage(10, 0, 0, 1), request.model)

    model.turns = [turn]
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert (run.status, run.error_code) == ("failed", code)


# -- tools


def test_a_tool_error_goes_back_to_the_model(world, machine, model):
    model.turns = [calls(("read_document", {"document_id": "nothing"}), ("write_document", {"type": "prd"}), ("move_card", {}))]
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert run.status == "completed"
    results = [result for message in model.requests[-1].messages for result in message.results]
    assert [result.is_error for result in results] == [True, True, True]
    assert "Document not found" in results[0].content
    assert "title" in results[1].content
    assert "You have no tool 'move_card'" in results[2].content


def test_an_agent_reaches_nothing_outside_its_workspace(world, machine, model):
    other = create_world("eve@example.com", "Eve")
    theirs = card_in(other, 1, "doc")
    model.turns = [calls(("read_card", {"card_id": theirs.id}))]
    machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    result = next(result for message in model.requests[-1].messages for result in message.results)
    assert (result.is_error, result.content) == (True, "Card not found")


def test_a_full_lane_sends_new_cards_to_one_without_a_limit(world, machine, model):
    world.set_wip(6, 0)
    card = card_in(world, 4)
    model.turns = [calls(("create_card", {"title": "A", "description": "B", "lane": 6, "ref": "a"}))]
    machine.play(started(world, card, "planner"))
    result = next(result for message in model.requests[-1].messages for result in message.results)
    told = json.loads(result.content)
    assert (result.is_error, told["lane_number"]) == (False, 0)
    assert "waits in" in told["note"]


# -- queue and triggers


def sample(name: str) -> dict:
    return json.loads((Path(__file__).parents[2] / "events" / f"{name}.json").read_text())


ONE, TWO = "0199a000-0000-7000-8000-000000000002", "0199a000-0000-7000-8000-000000000003"


def test_the_worker_starts_each_run_and_reports_what_failed(aws, monkeypatch):
    begun: list[str] = []

    def start(run_id: str, attempt: int, launch: int) -> str:
        if run_id == ONE:
            raise ConnectionError
        begun.append(queue.execution_name(run_id, attempt))
        return "arn"

    monkeypatch.setattr("functions.run_worker.handler.start_execution", start)
    event = sample("sqs-agent-runs")
    answer = worker(event, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    assert begun == [f"run-{TWO}-2"]


def test_an_execution_is_started_once_however_often_the_message_comes(aws, monkeypatch):
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    states = boto3.client("stepfunctions")
    wait = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}})
    machine = states.create_state_machine(name="m", definition=wait, roleArn=role)["stateMachineArn"]
    monkeypatch.setattr(queue, "settings", lambda: SimpleNamespace(need=lambda _: machine))
    arn = queue.start_execution(ONE, 1)
    assert queue.start_execution(ONE, 1) == arn
    assert queue.start_execution(ONE, 2) != arn
    assert queue.start_execution(ONE, 1, 1) == f"{arn}-1"
    assert len(states.list_executions(stateMachineArn=machine)["executions"]) == 3
    queue.stop_execution(arn, "no")
    queue.stop_execution(arn, "no")


def test_a_step_for_a_run_that_is_not_there_ends_quietly(aws):
    event = sample("step-turn")
    assert steps_handler(event, Context()) == {"run_id": event["run_id"], "next": "finish"}


def moved(world: World, card: Item, to: int):
    before = raw_row(f"ITEM#{card.id}")
    move_item(world.actor, card.id, world.lanes[to].id)
    return parse_change(stream_record(raw_row(f"ITEM#{card.id}"), before))


def test_a_card_that_arrives_gets_the_agent_of_its_lane(world, machine):
    card = create_item(world.actor, world.board.id, NewItem("Guest checkout", "task", world.lanes[6].id))
    change = moved(world, card, 7)
    react(change)
    react(change)  # delivered twice
    run = fetch(Run, fetch(Item, card.id).lease_run)
    assert (run.agent["name"], run.trigger, run.triggered_by["id"]) == ("qa", "lane", world.ada.user["id"])
    assert len(collection(1, f"ITEM#{card.id}", "RUN#")) == 1
    assert machine.play(run.id).status == "completed"


@pytest.mark.parametrize("off", ["project", "config"])
def test_a_project_may_want_no_automatic_runs(world, off):
    if off == "project":
        project = world.project
        project.settings = project.settings | {"autoTriggerAgents": False}
        write(save(project))
    else:
        path = f"/projects/{world.project.id}/agent-configs/qa"
        assert world.ada("agents", "PUT", path, body={"autoTrigger": False}).status == 200
    card = create_item(world.actor, world.board.id, NewItem("Guest checkout", "task", world.lanes[6].id))
    react(moved(world, card, 7))
    assert fetch(Item, card.id).lease_run is None


def test_a_card_that_an_agent_moved_gets_the_next_agent_when_that_run_ends(world, machine, model):
    card = card_in(world, 0, "blueprint")
    model.turns = [calls(("move_card", {"to_lane": 1, "reason": "Ready"}))]
    run_id = started(world, card, "ceo_copilot")
    before = raw_row(f"RUN#{run_id}")
    machine.play(run_id)
    react(parse_change(stream_record(raw_row(f"RUN#{run_id}"), before)))
    following = fetch(Run, fetch(Item, card.id).lease_run)
    assert (following.agent["name"], following.triggered_by["id"]) == ("prd", world.ada.user["id"])


# -- the step function itself


def test_a_claim_belongs_to_the_first_execution(world):
    run_id = started(world, card_in(world, 1, "doc"), "prd")
    assert run_step("claim", Step(run_id, "one"))["next"] == "check_limits"
    assert run_step("claim", Step(run_id, "two"))["next"] == "finish"
    assert run_step("turn", Step(run_id, "two"))["next"] == "finish"
    assert fetch(Run, run_id).execution == "one"


def test_the_same_run_id_twice_is_one_run(world):
    card = card_in(world, 1, "doc")
    request = requesting.RunRequest(run_id="01a1fc3c-48ce-72a3-8823-3c580c5223e0")
    requesting.request_run(world.actor, card.id, "prd", request)
    with pytest.raises((ConditionFailed, Conflict)):
        requesting.request_run(world.actor, card.id, "prd", request)


def test_the_embedded_model_is_what_registry_answers(aws):
    assert isinstance(registry.provider("embedded"), EmbeddedProvider)


def test_what_nobody_works_on_any_more_is_ended_by_the_clock(world):
    dead = started(world, card_in(world, 1, "doc"), "prd")
    alive = started(world, card_in(world, 4), "planner")
    run_step("claim", Step(alive, "one"))
    run_jobs("timeouts")
    assert fetch(Run, dead).status == "pending"
    with time_machine.travel(clock.epoch() + 1_000, tick=True):
        write(save(touched(alive)))
        run_jobs("timeouts")
    assert (fetch(Run, dead).status, fetch(Run, dead).error_code) == ("failed", "TIMEOUT")
    assert fetch(Run, alive).status == "assigned"


def touched(run_id: str) -> Run:
    run = fetch(Run, run_id)
    run.lease_until = clock.epoch() + 60
    return run


def queued() -> list[dict]:
    """What lies in the queue, and takes it out."""
    sqs, url, told = boto3.client("sqs"), os.environ["CADRE_AGENT_RUNS_QUEUE"], []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            told.append(json.loads(message["Body"]))
    return told


def launched(run_id: str) -> Machine:
    """The execution that the last message of the queue starts."""
    told = queued()[-1]
    assert told["run_id"] == run_id
    return Machine(state={"run_id": run_id}, execution=queue.execution_name(run_id, told["attempt"], told["launch"]))


def test_a_run_that_waits_outlives_its_execution(world, machine):
    """The engine was started anew: the clock lets another execution wait, under the same question, and it is asked once."""
    configure(world, requireApprovalForAgentRuns=True)
    card = card_in(world, 1, "doc")
    run = machine.play(started(world, card, "prd"))
    asked, event = run.waiting, run.event_id
    machine.token, machine.stopped = None, True
    assert sweep_runs(time.monotonic() + 60) == 1
    assert sweep_runs(time.monotonic() + 60) == 0  # on its way
    between = fetch(Run, run.id)
    assert (between.status, between.execution, between.wait_token, between.launches) == ("waiting", None, None, 1)
    for answer in ("approve", "reject"):
        refused = world.ada("runs", "POST", f"/runs/{run.id}/{answer}")
        assert (refused.status, "in a moment" in refused.json["error"]["details"]["reason"]) == (409, True)
    second = launched(run.id)
    waits = second.play()
    assert (waits.status, waits.execution, waits.event_id) == ("waiting", second.execution, event)
    assert waits.waiting == asked  # neither a longer time for an answer nor a second request
    machine.token, machine.stopped = second.token, False
    assert world.ada("runs", "POST", f"/runs/{run.id}/approve").status == 200
    second.answer(machine.answers.pop())
    assert second.play().status == "completed"


def test_an_answer_is_kept_when_what_waited_for_it_is_gone(world, machine):
    configure(world, requireApprovalForAgentRuns=True)
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    machine.token, machine.stopped = None, True
    assert world.ada("runs", "POST", f"/runs/{run.id}/approve").status == 200
    second = launched(run.id)
    assert second.play().status == "completed"
    assert "wait_approval" not in second.steps  # nobody is asked a second time


@pytest.mark.usefixtures("paid")
def test_a_run_that_waits_for_a_budget_goes_on_in_another_execution_where_it_was(world, machine):
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd", parameters={"maxCost": 0.3}))
    assert run.waiting_for == "budget"
    turns, paid = run.calls, run.customer_price_micros
    machine.token, machine.stopped = None, True
    set_limit("run", run.id, 20_000_000)
    assert sweep_runs(time.monotonic() + 60) == 1
    done = launched(run.id).play()
    assert done.status == "completed"
    assert (done.calls > turns > 0, done.customer_price_micros > paid > 0) == (True, True)


def test_what_is_lost_again_and_again_ends(world, machine):
    configure(world, requireApprovalForAgentRuns=True)
    card = card_in(world, 1, "doc")
    run = machine.play(started(world, card, "prd"))
    machine.token, machine.stopped = None, True
    for _ in range(MAX_LAUNCHES):
        assert sweep_runs(time.monotonic() + 60) == 1
        launched(run.id).play()
    assert world.ada("runs", "POST", f"/runs/{run.id}/approve").status == 409
    ended = fetch(Run, run.id)
    assert (ended.status, ended.error_code, fetch(Item, card.id).lease_run) == ("failed", "EXECUTION_LOST", None)


def test_a_message_that_got_lost_is_sent_again(world, machine):
    configure(world, requireApprovalForAgentRuns=True)
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    machine.token, machine.stopped = None, True
    assert sweep_runs(time.monotonic() + 60) == 1
    assert queued()  # and nobody takes it
    lost = fetch(Run, run.id)
    lost.lease_until = clock.epoch() - 1
    write(save(lost))
    assert sweep_runs(time.monotonic() + 60) == 1
    assert launched(run.id).play().status == "waiting"


def test_a_model_without_a_known_price_is_said_to_have_none(world, machine, model):
    card = card_in(world, 1, "doc")
    configure(world, unpricedModels=["openai/home-made"], maxUnpricedTokens=100_000)
    answer = trigger(world, card, "prd", provider="openai", model="home-made")
    assert (answer.status, answer.json["estimatedCost"]) == (202, 0)
    run = machine.play(answer.json["run"]["id"])
    assert (run.status, run.unpriced, run.customer_price_micros) == ("completed", True, 0)
    shown = world.ada("runs", "GET", f"/runs/{run.id}").json
    assert shown["executionMetadata"]["priceKnown"] is False
    assert shown["totalTokens"] == 15
    summary = world.ada("usage", "GET", f"/workspaces/{world.ws_id}/usage").json["summary"]
    assert (summary["totalCalls"], summary["unpricedCalls"], summary["totalPrice"]) == (1, 1, 0)


def test_what_a_turn_costs(world, machine, model):
    """Without its tools: taking the run up, its conversation, the reservation, the settlement, the log."""
    machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    run_id = started(world, card_in(world, 1, "doc"), "prd")
    for name in ("claim", "check_limits", "load_context"):
        run_step(name, Step(run_id, "one"))
    with count_requests() as seen:
        assert run_step("turn", Step(run_id, "one"))["next"] == "finish"
    assert seen.count <= 13


def test_tasks_of_a_run_name_each_other(world, machine, model):
    card = card_in(world, 6, "feature")
    model.turns = [
        calls(
            ("create_task", {"title": "First", "description": "a", "ref": "first"}),
            ("create_task", {"title": "Second", "description": "b", "depends_on": ["first"], "priority": "high"}),
            ("raise_discovery", {"type": "technical_debt", "description": "The old checkout is still there"}),
        )
    ]
    run = machine.play(started(world, card, "dev_backend"))
    assert run.status == "completed", run.error_message
    first, second = (fetch(Task, one["id"]) for one in run.result_data["tasks"])
    assert second.depends_on == [first.id]
    assert [row.f["type"] for row in collection(1, f"ITEM#{card.id}", "DSC#")] == ["technical_debt"]
    assert run.result_data["discoveries"][0]["title"] == "The old checkout is still there"
    comments = collection(1, f"ITEM#{card.id}", "COM#")
    assert len(comments) == 1  # it said nothing on the card itself: its summary stands there


def test_a_card_that_its_agent_blocked_stays_blocked(world, machine, model):
    card = card_in(world, 7)
    model.turns = [calls(("block_card", {"reason": "No test data"}))]
    run = machine.play(started(world, card, "troubleshooter"))
    after = fetch(Item, card.id)
    assert (run.status, after.status, after.blocked_reason, after.lease_run) == ("completed", "blocked", "No test data", None)
