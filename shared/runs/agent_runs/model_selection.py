"""Which model a run gets: what the request says, else the project's config, else the workspace's, else the agent's own default.

The choice is made once, when the run is requested, and said aloud there: a provider that the workspace does not allow, or that has
no credentials, is an error and never a silent swap for another one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.agents.catalogue import Agent
from shared.agents.providers import embedded
from shared.agents.providers.registry import canonical_name
from shared.core.errors import FieldError, Invalid
from shared.core.settings import settings
from shared.work.projects.agent_configs import AgentConfig, workspace_defaults

MAX_TOKENS: Final = 64_000


@dataclass(frozen=True)
class RequestedModel:
    """What the request asked for; None leaves it open."""

    provider: str | None = None
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True)
class Choice:
    provider: str
    model: str
    temperature: float | None
    max_tokens: int
    because: str
    """request | project | workspace | agent: who named the provider."""


def choose(agent: Agent, wish: RequestedModel, config: AgentConfig | None, workspace: Mapping[str, Any]) -> Choice:
    """Raises Invalid for a provider that the workspace does not allow, or a provider named without a model it could serve."""
    levels = _levels(agent, wish, config, workspace)
    because, provider, at = next(
        (name, canonical_name(level["provider"]), index) for index, (name, level) in enumerate(levels) if level.get("provider")
    )
    # a model named below the level that named the provider belongs to that other provider
    model = next((level["model"] for _, level in levels[: at + 1] if level.get("model")), None)
    model = model or next(
        (level["model"] for _, level in levels if level.get("provider") == provider and level.get("model")), None
    )
    model = model or (embedded.MODEL if provider == embedded.NAME else None)
    if model is None:
        raise Invalid(FieldError("model", f"Name the model of {provider} to use", None))
    allowed = workspace.get("allowedProviders")
    if allowed is not None and provider not in {canonical_name(one) for one in allowed}:
        raise Invalid(FieldError("provider", f"This workspace allows {', '.join(allowed) or 'no provider'}", provider))
    return Choice(provider, model, _first(levels, "temperature"), int(_first(levels, "max_tokens")), because)


def _levels(
    agent: Agent, wish: RequestedModel, config: AgentConfig | None, workspace: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    template = workspace_defaults(workspace, agent)
    of_workspace = {
        "provider": template.get("provider"),
        "model": template.get("model"),
        "temperature": template.get("temperature"),
        "max_tokens": template.get("maxTokens"),
    }
    levels = [("request", vars(wish))]
    if config is not None:
        names = ("provider", "model", "temperature", "max_tokens")
        levels.append(("project", {name: getattr(config, name) for name in names}))
    levels.append(("workspace", of_workspace))
    if workspace.get("default_model"):  # a workspace that names its own model means it for all agents
        levels.append(("workspace", {"provider": workspace.get("default_llm_provider"), "model": workspace["default_model"]}))
    own = {
        "provider": agent.default_provider,
        "model": agent.default_model,
        "temperature": agent.default_temperature,
        "max_tokens": agent.default_max_tokens,
    }
    levels.append(("agent", own))
    if settings().default_provider:
        levels.append(("platform", {"provider": settings().default_provider, "model": settings().default_model}))
    return levels


def _first(levels: list[tuple[str, dict[str, Any]]], name: str) -> Any:
    return next((level[name] for _, level in levels if level.get(name) is not None), None)
