"""What each agent says to a model: complete, of a known size, and within the model's budget however large the card is."""

import pytest

from shared.agents.catalogue import AGENTS
from shared.agents.providers import embedded
from shared.agents.providers.budget import MOST, cut, first_message_tokens, fit
from shared.agents.providers.context import parse_context, render_context
from shared.agents.providers.port import Request
from shared.agents.providers.tokens import count_tokens, input_tokens, likely_tokens
from shared.agents.tools import specs

SIZES = {
    "ceo_copilot": (499, 834),
    "strategy": (423, 383),
    "storyboard_ux": (421, 343),
    "prd": (486, 383),
    "mvp_scope": (414, 383),
    "research": (443, 343),
    "architect": (445, 343),
    "planner": (448, 634),
    "devops": (421, 732),
    "dev_backend": (429, 732),
    "dev_frontend": (416, 732),
    "qa": (446, 480),
    "troubleshooter": (456, 577),
    "deployment": (415, 577),
    "documentation": (414, 343),
    "refactor": (432, 520),
}
"""Tokens of the system prompt and of the tools, as `count_tokens` counts. Each turn pays for them: a change is a decision."""
HUGE = {
    "id": "c1",
    "title": "T" * 200,
    "description": "It must not be lost. " * 2_000,
    "acceptance_criteria": ["Every row is there. " * 20] * 50,
    "labels": ["label"] * 20,
    "comments": [{"author": f"Person {number}", "content": "I think so, too. " * 300} for number in range(20)],
}
DOCUMENTS = [{"id": f"d{number}", "type": "prd", "title": "D" * 200, "content": "Words. " * 3_000} for number in range(40)]
SIBLINGS = [
    {"id": f"s{number}", "title": "S" * 200, "type": "task", "status": "ready", "priority": "low"} for number in range(500)
]
PARAMETERS = {"notes": "n" * 50_000, "depth": 3}
MODELS = [("local", "small:1b"), ("openai", "gpt-4"), ("anthropic", "claude-3-5-sonnet-20241022")]


def first_message(
    agent, budget, card=HUGE, documents=DOCUMENTS, siblings=SIBLINGS, extra="Be brief. " * 5_000, parameters=PARAMETERS
):
    return fit(lambda limits: agent.first_message(render_context(card, documents, siblings, extra, parameters, limits)), budget)


def test_the_sizes_of_the_prompts():
    measured = {
        agent.name: (count_tokens(agent.system_prompt), input_tokens(Request("m", (), tools=specs(agent.tools))))
        for agent in AGENTS
    }
    assert measured == SIZES
    assert max(map(sum, SIZES.values())) < 1_600


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_every_prompt_has_a_role_a_form_an_end_and_few_tools(agent):
    head, *parts = agent.system_prompt.split("\n\n")
    assert head == f"Agent: {agent.name}"
    assert parts[0].startswith("You are ")
    assert [part.split(":")[0] for part in parts[1:]] == ["What you produce", "Done when", "You do not", "How you work"]
    assert len(agent.tools) <= 8
    assert ("` document" in parts[1]) == ("write_document" in agent.tools)


@pytest.mark.parametrize(
    ("agent", "provider", "model"),
    [*((agent, *MODELS[0]) for agent in AGENTS), *((AGENTS[0], *model) for model in MODELS[1:])],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_huge_card_fits_and_what_is_cut_is_said(agent, provider, model):
    budget = first_message_tokens(provider, model)
    text = first_message(agent, budget)
    assert budget * 0.7 < count_tokens(text) <= budget
    assert "- cut: the 20 oldest of 20 comments; read_card gives more" in text
    assert "- more: 500 cards not shown; read_siblings gives more" in text
    assert "of 20999 characters; read_document gives all" in text or "documents not shown; list_documents gives more" in text
    assert text.rstrip().endswith(agent.prompt_template.split("## Your task")[1].strip())
    context = parse_context(text)
    assert (context.card["id"], context.parameters["depth"]) == ("c1", 3)
    assert context.card["description"].startswith("It must not be lost. ")


SMALL = {"id": "c1", "title": "Pay by invoice", "description": "Customers leave."}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"exit_criteria": "It is reviewed. " * 300}, "- exit_criteria: cut, 4799 characters; read_card gives all"),
        ({"blocked_reason": "Nobody knows. " * 700}, "- blocked_reason: cut, 9799 characters; read_card gives all"),
        ({"labels": ["label " * 8] * 200}, "- labels: cut, "),
        ({"tech_stack": ["Python 3.11"] * 900}, "- tech_stack: cut, "),
    ],
)
def test_a_fact_as_long_as_a_text_is_cut_aloud(more, said):
    text = first_message(AGENTS[0], 1_000, SMALL | more, (), (), "", {})
    assert count_tokens(text) <= 1_000
    assert said in text
    assert parse_context(text).card["title"] == "Pay by invoice"


@pytest.mark.parametrize("parameters", [{f"k{number}": number for number in range(2_500)}, {"k" * 30_000: 1}])
def test_parameters_without_number_are_cut_aloud(parameters):
    text = first_message(AGENTS[0], 1_000, SMALL, (), (), "", parameters)
    assert count_tokens(text) <= 1_000
    shown = len(parse_context(text).parameters)
    assert f"{len(parameters) - shown} more parameters are not shown." in text


@pytest.mark.parametrize("writing", ["顧客は請求書で支払う。", "고객이 송장으로 지불합니다 ", "Клиент платит по счёту. "])
def test_in_other_writing_a_character_counts_as_the_token_that_it_is(writing):
    text = first_message(AGENTS[0], 2_048, SMALL | {"description": writing * 2_000}, (), (), "", {})
    assert 1_500 < likely_tokens(text) <= 2_048
    assert sum(not character.isascii() for character in text) <= 2_048
    assert f"of {len((writing * 2_000).strip())} characters; read_card gives all" in text
    assert 1_000 < likely_tokens(cut(writing * 2_000, 2_048)) <= 2_048


def test_what_fits_is_counted_exactly():
    assert [cut(text, 2) for text in ("", "12345678", "123456789", "漢字仮名")] == ["", "12345678", "12345678", "漢"]
    assert cut("漢字", 3) == "漢字"
    assert cut("12345678", 0) == ""


def test_comments_that_are_not_even_read_are_said():
    card = SMALL | {"comments": [{"author": "a", "content": "one"}], "more_comments": "Only the latest 20 comments can be read"}
    assert "- cut: Only the latest 20 comments can be read" in first_message(AGENTS[0], 2_000, card, (), (), "", {})


def test_the_order_of_the_cuts():
    """Oldest comments, then siblings, then documents, then the card's own texts."""
    agent = AGENTS[0]
    whole = count_tokens(first_message(agent, 10**9))
    seen = []
    for budget in (whole, 100_000, 60_000, 40_000, 30_000, 20_000, 10_000, 5_000, 1_500):
        text = first_message(agent, budget)
        assert count_tokens(text) <= budget
        context = parse_context(text)
        seen.append((len(context.card.get("comments", ())), len(context.siblings), len(context.documents)))
        if context.card.get("comments"):
            assert context.card["comments"][-1]["author"] == "Person 19"
            assert len(context.siblings) == 60
        if context.siblings:
            assert len(context.documents) == 40
    assert seen[0] == (20, 60, 40)
    assert seen[-1] == (0, 0, 0)
    assert seen == sorted(seen, reverse=True)


def test_what_is_small_is_not_cut():
    card = {"id": "c", "title": "t", "comments": [{"author": "a", "content": "one"}]}
    text = first_message(AGENTS[0], 2_000, card, DOCUMENTS[:0], SIBLINGS[:3], "more", {})
    assert "- cut" not in text
    assert "- more" not in text


def test_the_budget_of_a_model(monkeypatch):
    assert (
        first_message_tokens("anthropic", "claude-3-5-sonnet-20241022")
        == first_message_tokens(embedded.NAME, embedded.MODEL)
        == MOST
    )
    assert first_message_tokens("openai", "gpt-4") == 2_048
    assert first_message_tokens("local", "small:1b") == 2_048
    monkeypatch.setenv("LOCAL_CONTEXT", "32768")
    assert first_message_tokens("local", "small:1b") == 8_192
    monkeypatch.setenv("LOCAL_CONTEXT", "a lot")
    assert first_message_tokens("local", "small:1b") == 2_048
