"""Models without a known price: refused, unless an administrator allows them with a limit of tokens. Refusals have sensible figures."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from shared.agents.providers import registry
from shared.agents.providers.port import Finished, TextDelta, TokenUsage
from shared.core.actor import Role
from shared.money.budgets.reserving import BudgetExhausted, Scope, read_caps, settle_reservation
from shared.money.budgets.rows import Budget, budget_id, this_month
from shared.runs.agent_runs.approvals import resume_waiting
from shared.runs.agent_runs.rows import Run
from shared.store import fetch, write
from shared.work.items.rows import Item
from tests.areas.boards_world import World, put_on_plan
from tests.areas.test_runs import card_in, started, trigger

UNKNOWN = {"provider": "openai", "model": "gpt-99-nobody-knows"}
NAME = "openai/gpt-99-nobody-knows"


@pytest.fixture
def model(monkeypatch) -> SimpleNamespace:
    """A model of any provider, whose turns a test writes."""
    scripted = SimpleNamespace(name="openai", turns=[])
    scripted.stream = lambda request, cancelled=None: scripted.turns.pop(0)(request, cancelled)
    monkeypatch.setattr(registry, "provider", lambda _: scripted)
    return scripted


def settings(world: World, **settings):
    return world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body={"settings": settings})


def issue(answer) -> tuple[int, str, str]:
    return answer.status, answer.json["error"]["code"], answer.json["validationErrors"][0]["field"]


def tokens(world: World) -> Budget | None:
    return fetch(Budget, budget_id("tokens", world.ws_id, this_month()))


def thirsty(used: int):
    def turn(request, cancelled):
        yield TextDelta("Much was read.")
        yield Finished("end", TokenUsage(used, 0, 0, 0), request.model)

    return turn


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (UNKNOWN, "model"),
        ({"provider": "embedded", "model": "gpt-99-nobody-knows"}, "model"),
        ({"model": "gpt-99-nobody-knows"}, "model"),  # of the agent's own provider, which is the embedded one here
        ({"provider": "nobody", "model": "gpt-4o"}, "provider"),
    ],
)
def test_a_model_that_nobody_knows_is_refused_before_anything_is_written(world, model, body, field):
    card = card_in(world, 1, "doc")
    refused = trigger(world, card, "prd", **body)
    assert issue(refused) == (422, "VALIDATION_ERROR", field)
    assert fetch(Item, card.id).lease_run is None


def test_a_refusal_of_an_unpriced_model_says_who_can_allow_it(world, model):
    refused = trigger(world, card_in(world, 1, "doc"), "prd", **UNKNOWN)
    message = refused.json["validationErrors"][0]["message"]
    assert "an administrator of the workspace can allow it" in message
    assert "unpricedModels" in message


@pytest.mark.parametrize("config", [{"provider": "embedded", "model": "nope"}, {"provider": "nobody"}])
def test_no_configuration_names_what_does_not_exist(world, config):
    path = f"/projects/{world.project.id}/agent-configs/prd"
    assert world.ada("agents", "PUT", path, body=config).status == 422
    assert settings(world, defaultAgentConfigs={"prd": config}).status == 422


def test_an_allowed_unpriced_model_stops_at_its_tokens(world, machine, model):
    """The worst case is reserved, what was used is counted, and a call that could pass the limit is not made."""
    assert settings(world, unpricedModels=[NAME], maxUnpricedTokens=50_000).status == 200
    model.turns = [thirsty(46_000)]
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd", **UNKNOWN))
    assert (run.status, run.unpriced, run.customer_price_micros) == ("completed", True, 0)
    budget = tokens(world)
    assert (budget.limit, budget.spent, budget.reserved, budget.available) == (50_000, 46_000, 0, 4_000)
    machine.at, machine.state = "Claim", {}
    waits = machine.play(started(world, card_in(world, 1, "doc"), "prd", **UNKNOWN))
    assert (waits.status, waits.waiting_for, waits.waiting["scope"]) == ("waiting", "budget", "tokens")
    assert waits.waiting["reason"].startswith("Models without a known price have 4,000 of 50,000 tokens left this month")
    assert int(tokens(world).spent) == 46_000
    told = world.ada("runs", "GET", f"/runs/{waits.id}").json["executionMetadata"]["waiting"]
    assert (told["availableTokens"], told["neededTokens"]) == (4_000, waits.waiting["needed_tokens"])
    assert 4_000 < told["neededTokens"] < 50_000
    assert resume_waiting(world.ws_id) == 0
    assert settings(world, maxUnpricedTokens=100_000).status == 200
    assert resume_waiting(world.ws_id) == 1


def test_free_workspaces_share_the_tokens_of_one_free_plan(world, machine, model):
    """Nobody pays for these tokens, and a deleted workspace takes none back: else each new one would bring a million."""
    assert settings(world, unpricedModels=[NAME], maxUnpricedTokens=1_000_000).status == 200
    model.turns = [thirsty(10_000)]
    scope = Scope(world.project.org_id, world.ws_id, "p", "c", "r", in_tokens=True)
    read_caps(replace(scope, ws_id=world.ada("workspaces", "POST", "/workspaces", body={"name": "B", "slug": "b"}).json["id"]))
    shared = fetch(Budget, budget_id("tokens", world.project.org_id, this_month()))
    write(*settle_reservation(None, [shared.id], 996_000))  # in other workspaces
    waits = machine.play(started(world, card_in(world, 1, "doc"), "prd", **UNKNOWN))
    assert (waits.status, waits.waiting_for, tokens(world).spent) == ("waiting", "budget", 0)
    assert "4,000 of 1,000,000 tokens left" in waits.waiting["reason"]
    assert waits.waiting["reason"].endswith("can change to the plan Pro in its billing")
    put_on_plan(world.ws_id, "professional")
    assert [one.id for one in read_caps(scope).budgets] == [tokens(world).id]
    assert resume_waiting(world.ws_id) == 1
    assert (machine.play().status, int(tokens(world).spent)) == ("completed", 10_000)
    assert fetch(Budget, shared.id).spent == 996_000


def test_a_model_that_is_not_allowed_any_more_is_refused_again(world, model):
    settings(world, unpricedModels=["OpenAI/gpt-99-nobody-knows"], maxUnpricedTokens=50_000)
    assert trigger(world, card_in(world, 1, "doc"), "prd", **UNKNOWN).status == 202
    assert settings(world, unpricedModels=[]).status == 200
    assert issue(trigger(world, card_in(world, 1, "doc"), "prd", **UNKNOWN)) == (422, "VALIDATION_ERROR", "model")


def test_only_administrators_allow_unpriced_models_and_the_plan_limits_their_tokens(world):
    member = world.join("Mel", "mel@example.com", Role.MEMBER)
    body = {"settings": {"unpricedModels": [NAME], "maxUnpricedTokens": 10}}
    assert member("workspaces", "PUT", f"/workspaces/{world.ws_id}", body=body).status == 403
    assert issue(settings(world, maxUnpricedTokens=1_000_001)) == (422, "VALIDATION_ERROR", "settings.maxUnpricedTokens")
    put_on_plan(world.ws_id, "professional")
    assert settings(world, maxUnpricedTokens=1_000_001).json["settings"]["maxUnpricedTokens"] == 1_000_001


@pytest.mark.parametrize("name", ["gpt-99", "nobody/gpt-99", "embedded/gpt-99", "openai/"])
def test_an_unpriced_model_is_allowed_by_its_provider_and_name(world, name):
    assert settings(world, unpricedModels=[name]).status == 422


def test_the_figures_of_a_refusal_make_sense():
    """Amounts below a cent are not rounded to nothing, nothing is left where more than all is used, and the way out is said."""
    refused = BudgetExhausted("workspace", 4_000, -250_000, 750_000, "an administrator can raise it")
    assert refused.message == (
        "The workspace's budget has 0.00 USD left of 0.75 USD; the next call may cost up to 0.004 USD; an administrator can raise it"
    )
    assert refused.details == {"scope": "workspace", "needed": 0.004, "available": 0.0, "limit": 0.75}
    used_up = BudgetExhausted("workspace", 0, -250_000, 750_000)
    assert used_up.message == "The workspace has used its budget of 0.75 USD"
    assert used_up.details == {"scope": "workspace", "available": 0.0, "limit": 0.75}


@pytest.mark.usefixtures("paid")
def test_a_run_without_room_says_who_can_raise_the_limit(world, machine):
    put_on_plan(world.ws_id, "free", maxMonthlyUsage=0.1)
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert fetch(Run, run.id).waiting["reason"] == (
        "The workspace's budget has 0.10 USD left of 0.10 USD; the next call may cost up to 0.25 USD;"
        " an administrator of the workspace can raise maxMonthlyUsage in its settings"
    )
