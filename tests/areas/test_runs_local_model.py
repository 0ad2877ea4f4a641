"""A model on the person's own machine, found when the platform started: the default, free, and able to act without tool calls."""

import json
from collections.abc import Iterator

import pytest

from shared.agents.catalogue import registry as catalogue
from shared.agents.providers import wire
from shared.core.settings import settings
from shared.people.tenancy.rows import default_settings
from tests.areas.boards_world import World, create_world
from tests.areas.running import Machine
from tests.areas.test_runs import card_in, started
from tests.model_server import ModelServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A server whose model cannot call tools, as `local.models` tells the functions about it."""
    made = ModelServer("structured")
    for name, value in {
        "CADRE_DEFAULT_PROVIDER": "local",
        "CADRE_DEFAULT_MODEL": "small:1b",
        "LOCAL_BASE_URL": made.url,
        "LOCAL_TOOLS": "structured",
    }.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    catalogue.agents.cache_clear()
    yield made
    wire._client().close()
    wire._client.cache_clear()
    made.close()
    settings.cache_clear()
    catalogue.agents.cache_clear()


@pytest.fixture
def world(aws: None, server: ModelServer) -> World:
    return create_world()


def says(text: str, *calls: tuple[str, dict[str, object]]) -> str:
    return json.dumps({"say": text, "calls": [{"name": name, "arguments": arguments} for name, arguments in calls]})


def test_the_model_that_was_found_is_the_default_and_works_for_nothing(
    world: World, machine: Machine, server: ModelServer
) -> None:
    server.script = [
        says("Reading.", ("read_card", {})),
        says("Writing.", ("write_document", {"type": "prd", "title": "PRD: Pay", "content": "# PRD"}), ("comment", {"content": "See it."})),
        says("The PRD is written.",),
    ]  # fmt: skip
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert (run.status, run.error_message) == ("completed", None)
    assert (run.provider, run.model, run.execution_metadata["providerChosenBy"]) == ("local", "small:1b", "workspace")
    assert [one["title"] for one in run.result_data["documents"]] == ["PRD: Pay"]
    assert server.asked[1]["messages"][-1]["content"].startswith("Result of read_card:\n{")
    shown = world.ada("runs", "GET", f"/runs/{run.id}").json
    assert (shown["providerCost"], shown["customerPrice"], shown["executionMetadata"]["priceKnown"]) == (0, 0, True)
    assert shown["totalTokens"] == 3 * 750
    usage = world.ada("usage", "GET", f"/workspaces/{world.ws_id}/usage").json
    assert (usage["summary"]["totalCalls"], usage["summary"]["unpricedCalls"], usage["summary"]["totalPrice"]) == (3, 0, 0)
    assert {agent["defaultModel"] for agent in world.ada("agents", "GET", "/agents").json["agents"]} == {"small:1b"}


@pytest.mark.parametrize(("provider", "unpriced"), [("embedded", None), ("local", None), ("openai", ["openai/my-model"])])
def test_a_laptops_new_workspaces_allow_the_model_that_was_found(
    monkeypatch: pytest.MonkeyPatch, provider: str, unpriced: object
) -> None:
    monkeypatch.setenv("CADRE_DEFAULT_PROVIDER", provider)
    monkeypatch.setenv("CADRE_DEFAULT_MODEL", "my-model")
    settings.cache_clear()
    chosen = default_settings()
    assert (chosen["allowedProviders"][0], len(set(chosen["allowedProviders"]))) == (provider, len(chosen["allowedProviders"]))
    assert (chosen["default_llm_provider"], chosen["default_model"]) == (provider, "my-model")
    assert chosen.get("unpricedModels") == unpriced
    assert ("maxUnpricedTokens" in chosen) == bool(unpriced)
    monkeypatch.setenv("CADRE_STAGE", "prod")
    settings.cache_clear()
    assert "unpricedModels" not in default_settings()
    monkeypatch.undo()
    settings.cache_clear()
