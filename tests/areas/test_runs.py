"""An agent does a card's work: asked for through the API, played through the deployed definition, with the embedded model."""

import pytest

from bench.trips import size_of
from shared.agents.catalogue import catalogue
from shared.agents.catalogue.registry import get_agent
from shared.money.usage.rows import Rollup, UsageLine
from shared.runs.agent_runs import results
from shared.runs.agent_runs.journal import read_journal
from shared.runs.agent_runs.rows import ActiveRuns, Run
from shared.runs.terminal import entries
from shared.store import collection, fetch, get, load_text, query
from shared.work.boards.lanes import LANES
from shared.work.documents.reading import stored_text
from shared.work.documents.rows import Document
from shared.work.items.creating import NewItem, create_item
from shared.work.items.rows import Item
from tests.areas.boards_world import World, create_world
from tests.areas.running import Machine
from tests.trips import count_requests

STORY = """We lose orders because the shop has no guest checkout.
A visitor must be able to pay without an account.
The shop must send a receipt by e-mail.
An administrator should be able to refund an order.
Checkout must answer within 2 seconds."""


def card_in(world: World, lane: int, kind: str = "task") -> Item:
    new = NewItem(title="Guest checkout", type=kind, lane_id=world.lanes[lane].id, description=STORY)
    return create_item(world.actor, world.board.id, new)


def trigger(world: World, card: Item, agent: str, **body):
    return world.ada("runs", "POST", f"/cards/{card.id}/agents/{agent}/run", body=body)


def started(world: World, card: Item, agent: str, **body) -> str:
    answer = trigger(world, card, agent, **body)
    assert answer.status == 202, answer.text
    return answer.json["run"]["id"]


def test_a_prd_run_from_the_request_to_the_card(world, machine):
    card = card_in(world, 1, "doc")
    answer = trigger(world, card, "prd", context="The launch is in May.")
    assert answer.status == 202, answer.text
    shown = answer.json["run"]
    assert (shown["status"], shown["provider"], shown["model"], shown["cardId"]) == (
        "pending", "embedded", "cadre-embedded-1", card.id,
    )  # fmt: skip
    run = machine.play(shown["id"])
    assert (run.status, run.error_code, run.error_message) == ("completed", None, None)
    assert run.result_data["documents"][0]["title"] == "PRD: Guest checkout"
    document = fetch(Document, run.result_data["documents"][0]["id"])
    assert "receipt" in load_text(stored_text(document))
    after = fetch(Item, card.id)
    assert (after.lease_run, after.status, after.recent_runs[0]["status"]) == (None, "ready", "completed")
    assert get(ActiveRuns, f"PROJ#{world.project.id}", "RUNS").run_ids is None
    assert any("PRD" in entry["message"] for entry in entries(run.id))


def test_the_row_that_a_run_writes_all_the_time_has_no_prompt(world, machine):
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert len(read_journal(run).system) > 1_000
    assert run.system is None
    assert size_of(run.serialize()) < 3_072


def test_a_run_of_the_embedded_model_is_free_and_says_so(world, machine):
    """Its tokens are in the ledger, each call with the price 0; it is known, not unknown."""
    card = card_in(world, 1, "doc")
    answer = trigger(world, card, "prd")
    assert answer.json["estimatedCost"] == 0
    run = machine.play(answer.json["run"]["id"])
    assert run.execution_metadata["priceKnown"] is True
    assert run.result_summary.endswith("Free: no language model was used.")
    lines = [fetch(UsageLine, row.id) for row in collection(2, f"RUN#{run.id}#USE")]
    assert len(lines) == run.calls > 1
    assert [(line.provider_cost_micros, line.customer_price_micros) for line in lines] == [(0, 0)] * len(lines)
    assert sum(line.input_tokens + line.output_tokens for line in lines) == run.total_tokens > 0
    assert (run.customer_price_micros, run.unpriced) == (0, False)


def test_a_run_of_the_embedded_model_needs_no_room_in_a_budget(world, machine):
    world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body={"settings": {"maxMonthlyUsage": 0.01}})
    assert machine.play(started(world, card_in(world, 1, "doc"), "prd")).status == "completed"


def test_a_card_that_asks_for_nothing_definite_gets_one_comment_and_stays(world, machine):
    new = NewItem(title="Make onboarding better", type="feature", lane_id=world.lanes[0].id, description="People drop off.")
    card = create_item(world.actor, world.board.id, new)
    run = machine.play(started(world, card, "ceo_copilot"))
    assert (run.status, set(run.result_data)) == ("completed", {"comments"})
    assert fetch(Item, card.id).lane_id == card.lane_id
    assert len(collection(1, f"ITEM#{card.id}", "COM#")) == 1


@pytest.mark.usefixtures("paid")
def test_the_ledger_has_a_line_for_every_call_and_the_sums_agree(world, machine):
    card = card_in(world, 1, "doc")
    run = machine.play(started(world, card, "prd"))
    lines = [fetch(UsageLine, row.id) for row in collection(2, f"RUN#{run.id}#USE")]
    assert len(lines) == run.calls > 1
    assert sum(line.customer_price_micros for line in lines) == run.customer_price_micros > 0
    assert sum(line.input_tokens + line.output_tokens for line in lines) == run.total_tokens
    for place in (f"USG#WS#{world.ws_id}", f"USG#PROJ#{world.project.id}"):
        sums: dict[str, int] = {}
        for row in query(Rollup, place).rows:
            dimension = row.sk.split("#")[0]
            sums[dimension] = sums.get(dimension, 0) + row.price_micros
        assert set(sums.values()) == {run.customer_price_micros}


def test_a_planner_run_splits_the_card(world, machine):
    card = card_in(world, 4)
    run = machine.play(started(world, card, "planner"))
    assert run.status == "completed", run.error_message
    children = collection(3, f"PARENT#{card.id}")
    assert len(children) == len(run.result_data["cards"]) > 3
    assert len(collection(1, f"ITEM#{card.id}", "COM#")) == 1


def test_a_run_with_more_effects_than_its_row_holds_is_completed(world, machine, monkeypatch):
    monkeypatch.setattr(results, "_MAX_BYTES", 300)
    card = card_in(world, 4)
    run = machine.play(started(world, card, "planner"))
    assert run.status == "completed", run.error_message
    shown = {kind: one for kind, one in run.result_data.items() if kind != "omitted"}
    assert all(shown.values())
    assert len(shown["cards"]) + run.result_data["omitted"] >= len(collection(3, f"PARENT#{card.id}")) > len(shown["cards"])


def test_a_qa_run_writes_a_test_plan(world, machine):
    card = card_in(world, 7)
    run = machine.play(started(world, card, "qa"))
    assert run.status == "completed", run.error_message
    assert run.result_data["documents"]


def test_the_run_can_be_read(world, machine):
    card = card_in(world, 1, "doc")
    run = machine.play(started(world, card, "prd"))
    details = world.ada("runs", "GET", f"/runs/{run.id}")
    assert details.status == 200
    assert details.json["status"] == "completed"
    assert details.json["customerPrice"] == 0
    assert details.json["totalTokens"] == details.json["inputTokens"] + details.json["outputTokens"]
    assert details.json["executionMetadata"]["models"] == ["cadre-embedded-1"]
    listed = world.ada("runs", "GET", f"/cards/{card.id}/runs?status=completed")
    assert [one["id"] for one in listed.json["runs"]] == [run.id]
    assert world.ada("runs", "GET", f"/cards/{card.id}/runs?status=failed").json["total"] == 0


def test_two_runs_on_one_card_are_one_too_many(world):
    card = card_in(world, 1, "doc")
    first = started(world, card, "prd")
    again = trigger(world, card, "mvp_scope")
    assert (again.status, again.json["error"]["code"]) == (409, "AGENT_RUN_IN_PROGRESS")
    assert again.json["error"]["details"]["runId"] == first


def test_an_agent_outside_its_lanes_is_refused(world):
    answer = trigger(world, card_in(world, 7), "prd")
    assert (answer.status, answer.json["error"]["code"]) == (403, "AGENT_NOT_ALLOWED")
    assert trigger(world, card_in(world, 1, "doc"), "nobody").json["error"]["code"] == "AGENT_NOT_FOUND"


def test_a_provider_without_credentials_is_said_at_once(world):
    card = card_in(world, 1, "doc")
    answer = trigger(world, card, "prd", provider="openai", model="gpt-4o")
    assert (answer.status, answer.json["error"]["code"]) == (422, "PROVIDER_NOT_CONFIGURED")
    answer = trigger(world, card, "prd", provider="glm", model="glm-4")
    assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, "provider")
    assert fetch(Item, card.id).lease_run is None


def test_a_run_row_belongs_to_its_tenant(world, machine):
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    eve = create_world("eve@example.com", "Eve").ada
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/retry"), ("POST", "/approve")):
        answer = eve("runs", method, f"/runs/{run.id}{path}", body={} if method == "POST" else None)
        assert (answer.status, answer.json["error"]["code"]) == (404, "RUN_NOT_FOUND")
    assert isinstance(fetch(Run, run.id), Run)


def test_the_machine_takes_every_step_there_is(world, machine: Machine):
    machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert machine.steps[:3] == ["claim", "check_limits", "load_context"]
    assert machine.steps[-1] == "finish"
    assert set(machine.steps[3:-1]) == {"turn"}


def test_what_a_request_costs(world):
    card = card_in(world, 1, "doc")
    world.ada("auth", "GET", "/auth/me")  # the rate window has begun
    with count_requests() as seen:
        assert trigger(world, card, "prd").status == 202
    # the card; everything that decides; run, card and place at once. The message to the queue is not DynamoDB's
    assert seen.names == ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]
    path = f"/runs/{fetch(Item, card.id).lease_run}"
    with count_requests() as seen:
        assert world.ada("runs", "GET", path).status == 200
    assert seen.names == ["BatchGetItem"]
    with count_requests() as seen:
        assert world.ada("runs", "GET", f"/cards/{card.id}/runs").status == 200
    assert (seen.names, {*seen.beside}) == (
        ["BatchGetItem", "BatchGetItem"],
        {"Query"},
    )  # the list, and its counts if they are in time


@pytest.mark.parametrize("agent", [agent.name for agent in catalogue()])
def test_every_agent_does_real_work_with_its_own_tools(world, machine, agent):
    lane = get_agent(agent).allowed_lanes[0]
    card = card_in(world, lane, LANES[lane].card_type)
    run = machine.play(started(world, card, agent))
    assert (run.status, run.error_message) == ("completed", None)
    journal = read_journal(run)
    refused = [called.result for exchange in journal.exchanges for called in exchange.results.values() if called.is_error]
    assert refused == []
    assert run.result_data
    assert fetch(Item, card.id).lease_run is None


def test_a_finished_card_is_learned_from_and_stays_finished(world, machine):
    card = card_in(world, 9)
    assert world.ada("cards", "POST", f"/cards/{card.id}/move", body={"toLaneId": world.lanes[10].id}).json["status"] == "done"
    run = machine.play(started(world, card, "refactor"))
    assert run.status == "completed", run.error_message
    assert fetch(Item, card.id).status == "done"
    assert trigger(world, card, "qa").status == 403  # other agents have nothing to do in that lane
