"""Which model a run gets: request, project, workspace, agent; said aloud, never swapped."""

import pytest

from shared.agents.catalogue import agent_named
from shared.core.errors import Invalid
from shared.runs.agent_runs.model_selection import RequestedModel, choose_model
from shared.work.projects.agent_configs import AgentConfig

PRD = agent_named("prd")
OPEN = {"allowedProviders": ["openai", "anthropic", "google", "embedded"]}
CLAUDE = {"provider": "anthropic", "model": "claude-3-haiku-20240307"}


def config(**fields) -> AgentConfig:
    return AgentConfig.new("c", agent_id=PRD.id, agent_name="prd", **fields)


@pytest.mark.parametrize(
    ("wish", "project", "workspace", "expected"),
    [
        ({}, None, {}, ("openai", "gpt-4-turbo", "agent")),
        ({}, None, {"defaultAgentConfigs": {"prd": CLAUDE}}, ("anthropic", "claude-3-haiku-20240307", "workspace")),
        ({}, None, {"default_llm_provider": "openai", "default_model": "gpt-4o"}, ("openai", "gpt-4o", "workspace")),
        ({}, None, {"default_llm_provider": "qwen"}, ("openai", "gpt-4-turbo", "agent")),  # named without a model: nothing to run
        (
            {},
            CLAUDE,
            {"default_llm_provider": "openai", "default_model": "gpt-4o"},
            ("anthropic", "claude-3-haiku-20240307", "project"),
        ),
        ({"provider": "google", "model": "gemini-1.5-pro"}, CLAUDE, {}, ("google", "gemini-1.5-pro", "request")),
        ({"model": "claude-3-opus-20240229"}, CLAUDE, {}, ("anthropic", "claude-3-opus-20240229", "project")),
        ({"provider": "claude"}, CLAUDE, {}, ("anthropic", "claude-3-haiku-20240307", "request")),
        ({"provider": "embedded"}, CLAUDE, {}, ("embedded", "cadre-embedded-1", "request")),
    ],
)
def test_the_first_level_that_names_a_provider_decides(wish, project, workspace, expected):
    row = config(**project) if project else None
    chosen = choose_model(PRD, RequestedModel(**wish), row, OPEN | workspace)
    assert (chosen.provider, chosen.model, chosen.chosen_by) == expected


def test_numbers_come_from_the_first_level_that_has_them():
    workspace = OPEN | {"defaultAgentConfigs": {"prd": {"temperature": 0.5, "maxTokens": 900}}}
    chosen = choose_model(PRD, RequestedModel(temperature=0.0), config(max_tokens=1200), workspace)
    assert (chosen.temperature, chosen.max_tokens) == (0.0, 1200)


def test_a_provider_that_is_not_allowed_is_an_error_and_no_swap():
    with pytest.raises(Invalid) as refused:
        choose_model(PRD, RequestedModel(provider="glm", model="glm-4"), None, OPEN)
    assert refused.value.fields[0].field == "provider"


def test_a_provider_without_a_model_of_its_own_is_asked_for_one():
    with pytest.raises(Invalid) as refused:
        choose_model(PRD, RequestedModel(provider="google"), None, OPEN)
    assert refused.value.fields[0].field == "model"
