"""A model on the person's own machine, found when the platform started: the default, free, and able to act without tool calls."""

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from markdown_it import MarkdownIt

from shared.agents.catalogue import registry as catalogue
from shared.agents.providers import wire
from shared.agents.providers.tokens import count_tokens, likely_tokens
from shared.core.settings import settings
from shared.edge.views.agentworks.results import result_summary
from shared.people.tenancy.rows import default_settings
from shared.runs.agent_runs.approvals import stop_run
from shared.runs.agent_runs.results import group_effects
from shared.runs.agent_runs.rows import Run
from shared.runs.agent_runs.turns import _EFFECT_KINDS
from shared.runs.toolbox import headline
from shared.store import fetch
from shared.work.comments.writing import NewComment, create_comment
from shared.work.items.creating import NewItem, create_item
from tests.areas.boards_world import World, create_world
from tests.areas.running import Machine
from tests.areas.test_runs import card_in, started
from tests.kills import refused
from tests.model_server import ModelServer
from tests.trips import count_requests


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
        "Made by this run:",
        f"- document: `PRD: Pay` <{base}/documents/{document['id']}>",
        f"- comment: `See it.` <{base}/cards/{run.item_id}/comments>",
        "",
        "In the agent's words:",
        "",
        "The PRD is written.",
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
    assert world.ada("runs", "GET", f"/runs/{run.id}").json["resultSummary"].splitlines() == [
        "Made by this run: nothing.",
        "",
        "In the agent's words:",
        "",
        "I wrote ten documents and 3 cards.",
    ]


LEFT = [
    says("Writing.", ("write_document", {"type": "prd", "title": "PRD: Pay", "content": "# PRD"}), ("comment", {"content": "See it."})),
    says("Again.", ("write_document", {"type": "prd", "title": "PRD: Pay", "content": "# PRD 2"})),
]  # fmt: skip


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_a_run_that_ends_half_way_says_what_it_left(
    world: World, machine: Machine, server: ModelServer, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    server.script = [*LEFT, "This is no answer."]
    run_id = started(world, card_in(world, 1, "doc"), "prd")
    if end == "cancelled":
        handled = ModelServer.answer

        def answer(self: ModelServer, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            if len(self.script) == 1:
                stop_run(world.actor, cast(Run, fetch(Run, run_id)), "Wrong card")
            return handled(self, body)

        monkeypatch.setattr(ModelServer, "answer", answer)
    run = machine.play(run_id)
    with count_requests() as requests:
        shown = world.ada("runs", "GET", f"/runs/{run.id}").json
    assert (run.status, run.result_data, shown["status"]) == (end, None, end)
    base, (document, again), (comment,) = (
        "http://localhost:8000/agentworks/v1",
        shown["resultData"]["documents"],
        shown["resultData"]["comments"],
    )
    assert (document["id"], comment["title"]) == (again["id"], "See it.")
    assert shown["resultSummary"].splitlines() == [
        "Made by this run before it ended:",
        f"- document: `PRD: Pay` <{base}/documents/{document['id']}>",
        f"- comment: `See it.` <{base}/cards/{run.item_id}/comments>",
    ]
    assert requests.by_name.get("Query") == 1


def test_a_run_that_ends_before_it_made_anything_has_no_result(world: World, machine: Machine, server: ModelServer) -> None:
    server.script = ["This is no answer."]
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    shown = world.ada("runs", "GET", f"/runs/{run.id}").json
    assert (shown["status"], shown.get("resultSummary"), shown.get("resultData")) == ("failed", None, None)


TITLES = [
    "[Log in](https://evil.example)",
    "<https://evil.example>",
    "see https://evil.example and www.evil.example",
    "<img src=x onerror=alert(1)>",
    "<!-- the end",
    "a ` b `` c",
    "`` ` ``",
    "`",
    "**Done** ~~not~~ &lt;b&gt; \\",
    "x\n\n# Heading\n- document: fake <https://evil.example>",
    "T" * 500,
]


@pytest.mark.parametrize(
    "words", ["Fine.", "```\nopen", "<!-- open", "Made by this run:\n- document: x <https://evil.example/d>"]
)
def test_no_title_and_no_words_fake_or_hide_a_link(words: str) -> None:
    base = "http://localhost:8000/agentworks/v1"
    made = {"documents": [{"id": f"d{number}", "title": title} for number, title in enumerate(TITLES)]}
    text = str(result_summary(Run(item_id="c", result_summary=words), made))
    head, _, tail = text.partition("\n\nIn the agent's words:\n\n")
    assert tail == words
    shown = [token for block in MarkdownIt("commonmark").parse(text) for token in block.children or ()]
    links = [str(token.attrs["href"]) for token in shown if token.type == "link_open"]
    assert links[: len(TITLES)] == [f"{base}/documents/d{number}" for number in range(len(TITLES))]
    inside = MarkdownIt("commonmark").parse(head)
    tokens = [token for block in inside for token in block.children or ()]
    assert {token.type for token in tokens} == {"text", "code_inline", "link_open", "link_close"}
    assert [block.type for block in inside if block.type.startswith("html")] == []
    codes = [token.content for token in tokens if token.type == "code_inline"]
    assert codes[:-1] == [" ".join(title.split()) for title in TITLES[:-1]]
    assert codes[-1] == "T" * 120 + "…"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("\n\n## Not found:\n- What is out of scope?\n---\n_Written by somebody_", "Not found:"),
        ("- one\n- two", "one"),
        ("w" * 121, "w" * 119 + "…"),
        ("w" * 120, "w" * 120),
        ("***\n漢字", "漢字"),
    ],
)
def test_what_is_written_is_called_by_its_first_line(text: str, title: str) -> None:
    assert headline(text) == title


def test_every_kind_of_act_has_its_link() -> None:
    kinds = {
        "documents": "document: `t` <B/documents/x>",
        "cards": "card: `t` <B/cards/x>",
        "tasks": "task: `t` <B/cards/c>",
        "discoveries": "discovery: `t` <B/cards/c>",
        "comments": "comment: `t` <B/cards/c/comments>",
        "updates": "changed card: `t` <B/cards/x>",
        "moves": "moved to: `t` <B/cards/x>",
        "blocks": "blocked: `t` <B/cards/x>",
    }
    base = "http://localhost:8000/agentworks/v1"
    text = str(result_summary(Run(item_id="c", result_summary="w"), {kind: [{"id": "x", "title": "t"}] for kind in kinds}))
    assert text.splitlines()[1:9] == [f"- {line}".replace("<B", f"<{base}") for line in kinds.values()]
    assert kinds.keys() == set(group_effects({"kind": kind, "id": "x"} for kind in _EFFECT_KINDS.values()))


def test_a_long_list_of_what_was_made_is_cut_aloud() -> None:
    made = [{"id": str(number), "title": f"Card\n{number}"} for number in range(25)]
    run = Run(item_id="c", result_summary="Split.")
    lines = str(result_summary(run, {"cards": made, "tasks": made[:1], "omitted": 7})).splitlines()
    assert lines[1] == "- card: `Card 0` <http://localhost:8000/agentworks/v1/cards/0>"
    assert lines[20:24] == [
        "- card: `Card 19` <http://localhost:8000/agentworks/v1/cards/19>",
        "- 5 more cards",
        "- task: `Card 0` <http://localhost:8000/agentworks/v1/cards/c>",
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


def test_a_small_model_reads_less_of_what_is_written_in_more_bytes_and_hears_of_older_comments(
    world: World, machine: Machine, server: ModelServer
) -> None:
    server.script = [says("Reading.", ("read_card", {})), says("Done.")]
    new = NewItem("Big", "doc", world.board.lane_ids[1], description="顧客は請求書で支払う。" * 700)
    card = create_item(world.actor, world.board.id, new)
    for number in range(22):
        create_comment(world.actor, card.id, NewComment(f"Comment {number}"))
    run = machine.play(started(world, card, "prd"))
    assert run.status == "completed", run.error_message
    first, result = server.asked[0]["messages"][1]["content"], server.asked[1]["messages"][-1]["content"]
    assert "- cut: Only the latest 20 comments can be read" in first
    assert max(likely_tokens(first), likely_tokens(result.partition("\n[cut")[0]) - 10) <= 2_048
    assert "[cut: the first 1," in result


def test_the_conversation_with_a_small_model_stays_in_its_window(world: World, machine: Machine, server: ModelServer) -> None:
    server.script = [*(says(f"Reading {number}.", ("read_card", {})) for number in range(6)), says("Done.")]
    card = create_item(world.actor, world.board.id, NewItem("Big", "doc", world.board.lane_ids[1], description="Words. " * 5_000))
    assert machine.play(started(world, card, "prd")).status == "completed"
    asked = [[message["content"] for message in body["messages"]] for body in server.asked]
    assert len(asked) == 7
    assert max(sum(map(likely_tokens, texts)) for texts in asked) < 8_192
    results = [text for text in asked[-1] if text.startswith("Result of read_card")]
    assert ["[cut: 8,2" in text and "call the tool again" in text for text in results] == [True] * 5 + [False]
    assert results[-1].count("Words. ") > 900


@pytest.mark.parametrize(
    ("call", "kind", "title"),
    [
        (("move_card", {"to_lane": "1", "reason": "It is ready."}), "moves", "1"),
        (("update_card", {"fields": {"priority": "high"}}), "updates", "update_card"),
    ],
)
def test_what_was_done_to_the_card_has_its_link_also_after_a_restart(
    world: World,
    machine: Machine,
    server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
    call: tuple[str, dict[str, object]],
    kind: str,
    title: str,
) -> None:
    """The worker dies between the move and the note of it."""
    monkeypatch.setattr("shared.store.optimistic.pause", lambda _: None)
    server.script = [says("Moving.", call), says("Done.")]
    run_id = started(world, card_in(world, 0, "feature"), "ceo_copilot")
    with refused("TransactWriteItems", '"made"', times=12) as contention:
        run = machine.play(run_id)
    assert (contention.left, run.status, machine.steps.count("turn") > 2) == (0, "completed", True)
    assert run.result_data == {kind: [{"id": run.item_id, "title": title}]}
