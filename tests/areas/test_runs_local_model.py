"""A model on the person's own machine, found when the platform started: the default, free, and able to act without tool calls."""

import json
from collections.abc import Iterator

import pytest

from shared.agents.catalogue import registry as catalogue
from shared.agents.providers import wire
from shared.agents.providers.tokens import count_tokens
from shared.core.settings import settings
from shared.edge.views.agentworks.results import result_summary
from shared.people.tenancy.rows import default_settings
from shared.runs.agent_runs.rows import Run
from shared.work.items.creating import NewItem, create_item
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
        "LOCAL_TOOLS": "json_schema",
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
    return create_world("lena@example.com", "Lena Local")  # one of her own: a stage that another test made has the embedded model


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
    base, document, comment = (
        "http://localhost:8000/agentworks/v1",
        run.result_data["documents"][0],
        run.result_data["comments"][0],
    )
    assert comment["title"] == "See it."
    assert shown["resultSummary"].splitlines() == [
        "The PRD is written.",
        "",
        "Made by this run:",
        f"- document: PRD: Pay <{base}/documents/{document['id']}>",
        f"- comment: See it. <{base}/cards/{run.item_id}/comments>",
    ]
    assert world.ada("documents", "GET", f"/documents/{document['id']}").json["content"] == "# PRD"
    usage = world.ada("usage", "GET", f"/workspaces/{world.ws_id}/usage").json
    summary = usage["summary"]
    assert (summary["totalCalls"], summary["unpricedCalls"], summary["totalPrice"], summary["grossMargin"]) == (3, 0, 0, 0)
    assert usage["breakdown"][0]["percentage"] == 100
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


def test_a_summary_names_what_the_tools_made_and_not_what_the_model_says(
    world: World, machine: Machine, server: ModelServer
) -> None:
    server.script = [says("I wrote ten documents and 3 cards.")]
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert world.ada("runs", "GET", f"/runs/{run.id}").json["resultSummary"] == "I wrote ten documents and 3 cards."


def test_a_long_list_of_what_was_made_is_cut_aloud() -> None:
    made = [{"id": str(number), "title": f"Card\n{number}"} for number in range(25)]
    run = Run(item_id="c", result_summary="Split.", result_data={"cards": made, "tasks": made[:1], "omitted": 7})
    lines = str(result_summary(run)).splitlines()
    assert lines[3] == "- card: Card 0 <http://localhost:8000/agentworks/v1/cards/0>"
    assert lines[22:] == [
        "- card: Card 19 <http://localhost:8000/agentworks/v1/cards/19>",
        "- 5 more cards",
        "- task: Card 0 <http://localhost:8000/agentworks/v1/cards/c>",
        "- 7 more",
    ]


def test_a_small_model_reads_as_much_of_a_huge_card_as_its_window_holds(
    world: World, machine: Machine, server: ModelServer
) -> None:
    server.script = [says("Reading.", ("read_card", {})), says("Done.")]
    card = create_item(world.actor, world.board.id, NewItem("Big", "doc", world.board.lane_ids[1], description="Words. " * 5_000))
    run = machine.play(started(world, card, "prd"))
    assert run.status == "completed", run.error_message
    first, result = server.asked[0]["messages"][1]["content"], server.asked[1]["messages"][-1]["content"]
    assert 1_500 < count_tokens(first) <= 2_048
    assert "of 34999 characters; read_card gives all" in first
    assert 8_192 < len(result) < 8_300
    assert result.endswith("characters]")
    assert "[cut: the first 8,192 of 3" in result
