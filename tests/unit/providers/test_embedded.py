"""The embedded model: deterministic, bounded, valid calls, work that depends on the card."""

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.agents.catalogue import AGENTS, agent_named
from shared.agents.providers.context import render_context
from shared.agents.providers.embedded.model import MAX_TURNS, EmbeddedProvider
from shared.agents.providers.port import Finished, Message, Request, Text, TextDelta, ToolCall, ToolCallReady, ToolResult
from shared.agents.providers.tokens import count_tokens, input_tokens
from shared.agents.tools import parse_arguments, specs
from tests.examples import examples

ROLES = [agent.name for agent in AGENTS]
INVOICES = {
    "id": "c1",
    "title": "Invoice export for accountants",
    "type": "feature",
    "priority": "high",
    "status": "ready",
    "lane_number": 0,
    "labels": ["billing"],
    "description": """Accountants currently copy invoices by hand into their own books. This is slow and leads to errors.

As an accountant, I want to export invoices as CSV so that I can import them into my bookkeeping.
Admins can schedule a monthly export by email. The export must finish in under 30 seconds for 10,000 rows.

- Accountants can filter invoices by date and customer
- Members must not see invoices of other workspaces
- Users could download the file as PDF later

Not part of this: tax calculation. We use React and PostgreSQL. Should refunds be included?""",
    "acceptance_criteria": ["Given 10,000 invoices, when I export, then the file is complete", "The CSV opens in Excel"],
}
CRASH = {
    "id": "c2",
    "title": "Checkout crashes sometimes",
    "type": "bug",
    "lane_number": 7,
    "description": "Since the last deploy the checkout page hangs and shows HTTP 504. Customers complain.\n"
    "TypeError: cannot read total of undefined in cart/checkout.ts:88. It works after a reload.",
}
BARE = {"id": "c3", "title": "Dark mode", "type": "feature", "lane_number": 0}


def answered(call: ToolCall, card: dict) -> str:
    return json.dumps(
        {"read_card": card, "list_documents": {"documents": []}, "read_siblings": {"cards": []}}.get(call.name, {"id": "x"})
    )


def run(role, card, *, tools=None, max_tokens=4000, documents=(), siblings=(), extra=None, answer=answered):
    """The whole conversation: [(text, calls, finished)] per turn."""
    agent = agent_named(role)
    names = agent.tools if tools is None and agent else tools or ()
    system = agent.system_prompt if agent else f"Agent: {role}\n"
    messages = [Message.user(render_context(card, documents, siblings, extra, {}))]
    turns = []
    for _ in range(MAX_TURNS + 2):
        request = Request("cadre-embedded-1", tuple(messages), system, specs(list(names)), max_tokens=max_tokens)
        events = list(EmbeddedProvider().stream(request))
        assert events == list(EmbeddedProvider().stream(request)), "the same request must give the same stream"
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        calls = [event.call for event in events if isinstance(event, ToolCallReady)]
        finished = events[-1]
        assert isinstance(finished, Finished)
        assert finished.usage.input == input_tokens(request)
        assert finished.usage.output <= max_tokens
        turns.append((text, calls, finished))
        if finished.stop_reason != "tool_use":
            return turns
        for call in calls:
            assert call.name in names
            parse_arguments(call.name, call.arguments)
        messages.append(Message("assistant", (Text(text), *calls)))
        messages.append(Message("user", tuple(ToolResult(call.id, answer(call, card)) for call in calls)))
    raise AssertionError("it did not finish")


def calls_of(turns, name):
    return [call.arguments for _, calls, _ in turns for call in calls if call.name == name]


def written(turns):
    return "\n".join(arguments["content"] for arguments in calls_of(turns, "write_document"))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("card", [INVOICES, CRASH, BARE], ids=lambda card: card["title"])
def test_every_role_works_every_card_to_an_end(role, card):
    turns = run(role, card)
    assert turns[-1][2].stop_reason == "end"
    assert card["title"] in turns[-1][0]
    assert len(turns) <= 8
    assert turns[0][1][0].name == "read_card"
    assert len(turns[-1][0]) < 700, "a summary is short"


@pytest.mark.parametrize("role", [role for role in ROLES if role != "planner"])
def test_the_work_depends_on_the_card(role):
    invoices, crash = written(run(role, INVOICES)), written(run(role, CRASH))
    assert "invoice" in invoices.lower()
    assert "invoice" not in crash.lower()
    assert "checkout" in crash.lower()


def test_the_prd_keeps_every_sentence_of_the_card():
    prd = written(run("prd", INVOICES))
    for heading in (
        "Problem",
        "Goals",
        "Users",
        "Functional requirements",
        "Acceptance criteria",
        "Out of scope",
        "Open questions",
    ):
        assert f"## {heading}\n" in prd
    assert len(re.findall(r"^- \*\*FR-\d+\*\* \((?:must|should|could)\): ", prd, re.M)) == 6
    assert "copy invoices by hand" in prd.split("## Goals")[0]
    assert "they can import them into their bookkeeping" in prd
    assert "tax calculation" in prd.split("## Out of scope")[1]
    assert "Should refunds be included?" in prd.split("## Open questions")[1]
    assert "under 30 seconds, 10,000 rows" in prd
    assert prd.count("- Given ") == prd.count("- When ") == prd.count("- Then ")


def test_an_empty_card_gives_questions_not_inventions():
    prd = written(run("prd", BARE))
    assert "The description has only 0 words" in prd
    assert "The card has no acceptance criteria of its own" in prd


def test_the_planner_makes_cards_that_depend_on_each_other_without_a_circle():
    turns = run("planner", INVOICES)
    cards = {card["ref"]: card for card in calls_of(turns, "create_card")}
    links = [(link["card"], link["depends_on"]) for link in calls_of(turns, "add_dependency")]
    assert len(cards) >= 6
    order = list(cards)
    assert all(order.index(later) > order.index(earlier) for later, earlier in links)
    assert "data-model" in cards
    assert any(earlier == "data-model" for _, earlier in links)
    assert all(
        "Done when" in card["description"] or "Prove" in card["description"] or "Tell" in card["description"]
        for card in cards.values()
    )


def test_the_planner_does_not_repeat_cards_of_the_board():
    siblings = [{"id": "s", "title": "Filter invoices by date and customer", "status": "done"}]
    titles = [card["title"] for card in calls_of(run("planner", INVOICES, siblings=siblings), "create_card")]
    assert "Filter invoices by date and customer" not in titles


def test_the_planner_works_from_the_prd_when_there_is_one():
    prd = "## Functional requirements\n\n" + "\n".join(
        f"- **FR-{n}** (must): Accountants can {deed} invoices."
        for n, deed in enumerate(["archive", "search", "export", "approve", "import", "print", "send", "rename"], 1)
    )
    documents = [{"id": "d", "type": "prd", "title": "PRD: Invoice export for accountants", "content": prd}]
    titles = [card["title"] for card in calls_of(run("planner", INVOICES, documents=documents), "create_card")]
    assert "Rename invoices" in titles


def test_documents_that_were_only_listed_are_read():
    listed = {"documents": [{"id": "d9", "type": "prd", "title": "PRD: Invoice export"}]}

    def answer(call, card):
        if call.name == "list_documents":
            return json.dumps(listed)
        if call.name == "read_document":
            return json.dumps({"id": "d9", "type": "prd", "title": "PRD: Invoice export", "content": "- **FR-1** (must): x"})
        return answered(call, card)

    turns = run("architect", INVOICES, answer=answer)
    assert [call.name for call in turns[1][1]] == ["read_document"]


def test_the_copilot_moves_what_is_ready_and_keeps_what_is_not():
    assert calls_of(run("ceo_copilot", INVOICES), "move_card")[0]["to_lane"] == 1
    turns = run("ceo_copilot", BARE)
    assert calls_of(turns, "move_card") == []
    assert "Not ready" in turns[-1][0]


def test_the_troubleshooter_reads_the_symptoms():
    turns = run("troubleshooter", CRASH)
    diagnosis = written(turns)
    assert "TypeError" in diagnosis
    assert "cart/checkout.ts:88" in diagnosis
    assert calls_of(turns, "raise_discovery")


def test_qa_raises_what_cannot_be_tested():
    card = {"id": "c", "title": "Search", "description": "Users can search orders. The search should be fast and easy."}
    kinds = {found["type"] for found in calls_of(run("qa", card), "raise_discovery")}
    assert kinds == {"clarification_needed", "missing_requirement"}


def test_refusals_are_told_not_hidden():
    def answer(call, card):
        return answered(call, card)

    card = INVOICES
    agent = agent_named("ceo_copilot")
    messages = [Message.user(render_context(card))]
    while True:
        events = list(EmbeddedProvider().stream(Request("m", tuple(messages), agent.system_prompt, specs(list(agent.tools)))))
        calls = [event.call for event in events if isinstance(event, ToolCallReady)]
        if not calls:
            break
        results = [
            ToolResult(call.id, "The lane's WIP limit of 5 is reached", is_error=True)
            if call.name == "move_card"
            else ToolResult(call.id, answer(call, card))
            for call in calls
        ]
        messages += [Message("assistant", tuple(calls)), Message("user", tuple(results))]
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert "1 of 3 actions were refused (move_card: The lane's WIP limit of 5 is reached)" in text


def test_tools_it_does_not_have_are_not_called():
    turns = run("prd", INVOICES, tools=("comment",))
    assert {call.name for _, calls, _ in turns for call in calls} == {"comment"}
    assert "no such tool: write_document" in turns[-1][0]


def test_without_tools_the_work_is_the_answer():
    turns = run("prd", INVOICES, tools=())
    assert len(turns) == 1
    assert "## Functional requirements" in turns[0][0]


@pytest.mark.parametrize("limit", [1, 5, 40, 300])
def test_max_tokens_cuts(limit):
    turns = run("prd", INVOICES, max_tokens=limit)
    assert turns[-1][2].stop_reason in ("max_tokens", "end")
    if limit <= 5:
        assert turns[-1][2] == Finished("max_tokens", turns[-1][2].usage, "cadre-embedded-1")
        assert count_tokens(turns[-1][0]) <= limit


def test_a_long_document_is_shortened_aloud():
    card = {**INVOICES, "description": "\n".join(f"- Accountants can export report number {n} as CSV" for n in range(200))}
    turns = run("prd", card, max_tokens=2000)
    assert turns[-1][2].stop_reason == "end"
    assert "did not fit into this run's max_tokens" in written(turns)


def test_what_a_person_adds_to_the_run_is_used():
    assert "export invoices as XML" in written(run("prd", INVOICES, extra="Accountants must also export invoices as XML."))


def test_cancel_bites():
    request = Request("m", (Message.user(render_context(INVOICES)),), "Agent: prd\n")
    seen = []
    for event in EmbeddedProvider().stream(request, cancelled=lambda: len(seen) >= 3):
        seen.append(event)
    assert seen[-1].stop_reason == "cancelled"
    assert len(seen) == 4


def test_a_free_prompt_without_a_card():
    request = Request("m", (Message.user("Summarise: users can export data. It must be fast."),), "You are helpful.")
    events = list(EmbeddedProvider().stream(request))
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert "export data" in text.lower()
    assert events[-1].stop_reason == "end"


def test_text_arrives_in_word_groups():
    request = Request("m", (Message.user(render_context(INVOICES)),), "Agent: prd\n")
    deltas = [event.text for event in EmbeddedProvider().stream(request) if isinstance(event, TextDelta)]
    assert len(deltas) > 100
    assert max(len(delta.split()) for delta in deltas) <= 5


VOCABULARY = "users must can export the invoices given when then so that - * # ## Goals: not , . ? ! 30 ms É 🌍 ` | > [x](y) 1."
WORDS = st.sampled_from([*VOCABULARY.split(" "), "\n", "\n\n"])
TEXT = st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=60).map(" ".join))


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([*ROLES, "somebody"]),
    st.fixed_dictionaries(
        {"id": st.just("c"), "title": TEXT, "description": TEXT},
        optional={
            "acceptance_criteria": st.lists(TEXT, max_size=4),
            "labels": st.lists(TEXT, max_size=3),
            "priority": TEXT,
            "type": st.sampled_from(["bug", "feature", "?"]),
        },
    ),
    st.sampled_from([16, 200, 1000, 4000]),
)
def test_any_card_any_role_ends_with_valid_calls(role, card, max_tokens):
    turns = run(role, card, tools=None if role in ROLES else ("write_document", "comment"), max_tokens=max_tokens)
    assert turns[-1][2].stop_reason in ("end", "max_tokens")


def test_a_fault_is_planned_as_a_fault():
    turns = run("planner", CRASH)
    cards = calls_of(turns, "create_card")
    assert [card["ref"] for card in cards] == ["repeat", "cause", "remove", "prove"]
    assert "HTTP 504" in cards[0]["description"]
    assert len(calls_of(turns, "add_dependency")) == 3


def test_a_prd_of_another_card_is_not_taken_for_this_one():
    content = "- **FR-1** (must): Users can bake bread.\n" * 9
    documents = [{"id": "d", "type": "prd", "title": "PRD: Bakery export", "content": content}]
    titles = [card["title"] for card in calls_of(run("planner", INVOICES, documents=documents), "create_card")]
    assert "Bake bread" not in titles
