"""What a run is charged, whatever happens to it; and answers that come twice, late or for something else."""

import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine

from shared.agents.providers import registry
from shared.agents.providers.port import Finished, TextDelta, TokenUsage, ToolCall, ToolCallReady
from shared.core import clock
from shared.core.ids import new_id
from shared.money.billing.prices import call_cost
from shared.money.budgets.reserving import read_caps, settle_reservation
from shared.money.budgets.rows import Budget, budget_id
from shared.money.usage.rows import UsageLine
from shared.runs.agent_runs import turns
from shared.runs.agent_runs.approvals import resume_waiting
from shared.runs.agent_runs.maintenance import sweep_runs
from shared.runs.agent_runs.rows import AgentStats, Run, ToolCallRecord, Turn, UnsettledCall
from shared.runs.agent_runs.spending import budget_scope, build_usage_line
from shared.store import StepInterrupted, collection, fetch, get, load_text, query, write
from shared.work.documents.writing import write_document
from shared.work.items.rows import Item
from tests.areas.test_runs import card_in, started, trigger
from tests.areas.test_runs_control import calls, configure

pytestmark = pytest.mark.usefixtures("paid")


@pytest.fixture
def model(monkeypatch) -> SimpleNamespace:
    """A model whose turns a test writes; after the last one it says it is done."""
    scripted = SimpleNamespace(name="embedded", turns=[])

    def stream(request, cancelled=lambda: False):
        if scripted.turns:
            yield from scripted.turns.pop(0)(request, cancelled)
        else:
            yield TextDelta("Nothing more to do.")
            yield Finished("end", TokenUsage(10, 0, 0, 5), request.model)

    scripted.stream = stream
    monkeypatch.setattr(registry, "provider", lambda _: scripted)
    return scripted


def lines_of(run_id: str) -> list[UsageLine]:
    return [fetch(UsageLine, row.id) for row in collection(2, f"RUN#{run_id}#USE")]


def test_a_call_whose_log_is_refused_is_paid_all_the_same(world, machine, model):
    """Cancelled while it streams: the terminal hears of it before the worker looks. What was spent is in the ledger."""
    card = card_in(world, 1, "doc")

    def turn(request, cancelled):
        yield TextDelta("First line\n")
        world.ada("runs", "POST", f"/runs/{run_id}/cancel")
        for _ in range(60):  # enough to fill a chunk: the log is written at once, and refused
            yield TextDelta("x" * 1_500 + "\n")
        yield Finished("cancelled" if cancelled() else "end", TokenUsage(2_000, 0, 0, 1_000), request.model)

    model.turns = [turn]
    run_id = started(world, card, "prd")
    run = machine.play(run_id)
    assert run.status == "cancelled"
    assert [int(line.input_tokens) for line in lines_of(run_id)] == [2_000]
    assert run.customer_price_micros == 250_000
    usage = world.ada("usage", "GET", f"/workspaces/{world.ws_id}/usage").json["summary"]
    assert (usage["totalCalls"], usage["totalTokens"], usage["totalPrice"]) == (1, 3_000, 0.25)


def test_a_worker_that_dies_after_an_unfinished_answer_does_not_call_it_finished(world, machine, model, monkeypatch):
    def cut(request, cancelled):
        yield TextDelta("The first half of")
        yield Finished("max_tokens", TokenUsage(10, 0, 0, 5), request.model)

    model.turns = [cut]
    call_model, died = turns.Worker.call_model, []

    def asks_and_dies(worker):
        call_model(worker)
        died.append(worker)
        raise StepInterrupted("the process died")

    monkeypatch.setattr(turns.Worker, "call_model", asks_and_dies)
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert (run.status, run.error_code, len(died)) == ("failed", "OUTPUT_LIMIT_REACHED", 1)


def test_two_approvals_at_once_are_one(world, machine):
    """The second finds the token used. The run goes on."""
    configure(world, requireApprovalForAgentRuns=True)
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert world.ada("runs", "POST", f"/runs/{run.id}/approve").status == 200
    token, machine.token = machine.token, None
    assert world.ada("runs", "POST", f"/runs/{run.id}/approve").status == 200
    machine.token = token
    assert fetch(Run, run.id).status == "waiting"
    machine.answer(machine.answers.pop())
    assert machine.play().status == "completed"


def test_a_cap_of_its_own_is_raised_only_where_the_run_waits_for_it(world, machine):
    """A new cap would begin at zero: what the run has spent already would not count."""
    configure(world, maxMonthlyUsage=0.3)
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert (run.waiting_for, run.waiting["scope"]) == ("budget", "workspace")
    answer = world.ada("runs", "POST", f"/runs/{run.id}/approve", body={"maxCost": 20})
    assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, "maxCost")
    assert fetch(Budget, budget_id("run", run.id)) is None


def test_what_an_agent_cost_is_what_its_lines_say(world, machine, model):
    """Also where a call is paid after its run has ended."""
    card = card_in(world, 1, "doc")

    def turn(request, cancelled):
        world.ada("runs", "POST", f"/runs/{run_id}/cancel")
        yield Finished("tool_use", TokenUsage(500, 0, 0, 30), request.model)

    model.turns = [turn]
    run_id = started(world, card, "prd")
    machine.play(run_id)
    record = get(AgentStats, *AgentStats.key_of(world.ws_id, fetch(Run, run_id).agent_id))
    assert record.price_micros == sum(line.customer_price_micros for line in lines_of(run_id)) == 250_000


def test_the_estimate_of_a_free_model_is_zero_whatever_earlier_runs_have_cost(world, machine):
    paid = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert paid.customer_price_micros > 0
    free = trigger(world, card_in(world, 1, "doc"), "prd", provider="embedded")
    assert (free.status, free.json["estimatedCost"]) == (202, 0)


def test_an_estimate_is_of_the_model_that_will_run(world, machine, model):
    """An agent's record says nothing of a model without a price, and a record without prices nothing of one that has one."""
    configure(world, unpricedModels=["openai/home-made"], maxUnpricedTokens=100_000)
    machine.play(started(world, card_in(world, 1, "doc"), "prd", provider="openai", model="home-made"))
    priced = trigger(world, card_in(world, 1, "doc"), "prd")
    assert priced.json["estimatedCost"] > 0
    machine.at, machine.state = "Claim", {}
    machine.play(priced.json["run"]["id"])
    unpriced = trigger(world, card_in(world, 1, "doc"), "prd", provider="openai", model="home-made")
    assert unpriced.json["estimatedCost"] == 0
    shown = world.ada("runs", "GET", f"/runs/{unpriced.json['run']['id']}").json
    assert shown["executionMetadata"]["priceKnown"] is False


@pytest.mark.parametrize("cap", [-1, 0, True, "1", 1e40])
def test_a_cap_that_is_no_amount_is_refused(world, cap):
    answer = trigger(world, card_in(world, 1, "doc"), "prd", parameters={"maxCost": cap})
    assert answer.status == 422, answer.text


@pytest.mark.parametrize("body", ['{"parameters": {"maxCost": NaN}}', '{"parameters": {"maxCost": 1e999}}'])
def test_a_cap_that_is_no_number_is_refused(world, body):
    card = card_in(world, 1, "doc")
    answer = world.ada("runs", "POST", f"/cards/{card.id}/agents/prd/run", body=body)
    assert answer.status in (400, 422), answer.text


@pytest.mark.parametrize(
    ("asked", "answered", "billed"),
    [
        ("gpt-4", "gpt-4-0613", "gpt-4"),
        ("gpt-4o", "gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4", "gpt-4o", "gpt-4o"),
        ("gpt-4o", "gpt-4o-mini", "gpt-4o-mini"),
        ("gpt-4-turbo", "", "gpt-4-turbo"),
        ("gpt-4o", "gpt-4o-home-made", "gpt-4o"),
        ("gpt-4o", "nobody-knows", "gpt-4o"),  # it was reserved at the price of gpt-4o
    ],
)
def test_what_answered_is_what_is_billed(asked, answered, billed):
    """`gpt-4o` is no version of `gpt-4`, and costs a twelfth."""
    run = Run.new("r", agent={"display_name": "A"}, triggered_by={"id": "u", "name": "U"}, provider="openai", model=asked)
    used = TokenUsage(input=1_000, output=1_000)
    call = UnsettledCall.of(run, 1, Finished("end", used, answered))
    assert build_usage_line(run, call).provider_cost_micros == call_cost("openai", billed, used).cost_micros


def test_a_run_that_waits_goes_on_when_the_room_comes_back(world, machine):
    """Nobody raised anything: another run's reservation is free again, or the month is a new one."""
    configure(world, maxMonthlyUsage=0.3)
    run_id = started(world, card_in(world, 1, "doc"), "prd")
    other = Run.new("other", org_id=None, ws_id=world.ws_id, proj_id=world.project.id, item_id="c")
    held = read_caps(budget_scope(other))
    write(*held.reserve(200_000))
    run = machine.play(run_id)
    assert (run.status, run.waiting_for) == ("waiting", "budget")
    assert resume_waiting() == 0  # there is no room yet
    write(*settle_reservation({"amount": 200_000, "budgets": [one.id for one in held.budgets]}, (), 0))
    assert sweep_runs(time.monotonic() + 60) == 1
    machine.answer(machine.answers.pop())
    run = machine.play()
    assert run.status == "waiting"  # it has used the month
    with time_machine.travel(clock.now() + timedelta(days=32), tick=True):
        assert resume_waiting(world.ws_id) == 1
        machine.answer(machine.answers.pop())
        assert machine.play().status in ("completed", "waiting")


def test_a_long_context_may_wait_for_approval(world, machine, model):
    """50,000 characters of three bytes each, beside parameters: a row holds 400 KB."""
    configure(world, requireApprovalForAgentRuns=True)
    run_id = started(world, card_in(world, 1, "doc"), "prd", context="😀" * 50_000, parameters={"note": "漢" * 10_000})
    run = machine.play(run_id)
    assert run.status == "waiting", run.error_message
    shown = world.ada("runs", "GET", f"/runs/{run.id}").json["inputContext"]
    assert len(shown["context"]) == 50_000


def test_parameters_have_an_end(world):
    answer = trigger(world, card_in(world, 1, "doc"), "prd", parameters={"note": "x" * 500_000})
    assert answer.status == 422, answer.text


def test_a_long_answer_of_many_calls_is_kept(world, machine, model):
    content = "漢" * 90_000
    model.turns = [calls(*[("write_document", {"type": "prd", "title": f"T{n}", "content": content}) for n in range(2)])]
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert run.status == "completed", run.error_message
    assert len(run.result_data["documents"]) == 2


def test_half_a_surrogate_pair_ends_nothing(world, machine, model):
    def turn(request, cancelled):
        yield TextDelta("It works \ud83d")
        yield TextDelta("\ude00, mostly \ud83d")
        yield ToolCallReady(ToolCall("c", "comment", {"content": "half \ud83d"}))
        yield Finished("tool_use", TokenUsage(10, 0, 0, 5), request.model)

    model.turns = [turn]
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert run.status == "completed", run.error_message
    assert query(Turn, f"RUN#{run.id}", prefix="TURN#").rows[0].text == "It works 😀, mostly �"


@pytest.mark.parametrize(("name", "limit"), [("gpt-4-turbo", 240_000), ("gpt-3.5-turbo", 16_384)], ids=["usual", "small window"])
def test_a_result_that_is_too_long_is_cut_and_says_so(world, machine, model, name, limit):
    document = write_document(world.actor, world.project.id, "prd", "Long", "x" * 2_000_000, document_id=new_id())
    model.turns = [calls(("read_document", {"document_id": document.id}))]
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd", provider="openai", model=name))
    called = query(ToolCallRecord, f"RUN#{run.id}", prefix="CALL#").rows[0]
    told = load_text(called.result)
    assert len(told) < limit + 100
    assert f"[cut: the first {limit:,} of 2,000," in told[-80:]


def test_no_cap_is_promised_where_no_price_is_known(world, model):
    card = card_in(world, 1, "doc")
    configure(world, unpricedModels=["openai/home-made"], maxUnpricedTokens=100_000)
    answer = trigger(world, card, "prd", provider="openai", model="home-made", parameters={"maxCost": 1})
    assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, "parameters.maxCost")
    assert fetch(Item, card.id).lease_run is None
