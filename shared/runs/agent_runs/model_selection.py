"""Choosing the model of a run: by the request, else the project's configuration, else the workspace's, else the agent's default.

The choice is made once, when the run is requested. A provider that the workspace does not allow, or that has no credentials, is an
error; it is never replaced silently by another one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.agents.catalogue import Agent
from shared.agents.providers import embedded
from shared.agents.providers.registry import canonical_name, check_model
from shared.core.errors import FieldError, Invalid
from shared.core.settings import settings
from shared.money.billing.prices import is_priced
from shared.work.projects.agent_configs import AgentConfig, workspace_defaults


@dataclass(frozen=True)
class RequestedModel:
    """The model settings of a request; None means no preference."""

    provider: str | None = None
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True)
class ModelChoice:
    """The provider and the model of a run."""

    provider: str
    model: str
    temperature: float | None
    max_tokens: int
    chosen_by: str
    """request | project | workspace | agent | platform: the level that named the provider."""
    priced: bool


def choose_model(
    agent: Agent, requested: RequestedModel, config: AgentConfig | None, workspace: Mapping[str, Any]
) -> ModelChoice:
    """Choose provider and model. Raises Invalid for a provider that does not exist or that the workspace does not allow, for one without a
    known model, and for a model without a known price, unless the workspace allows it (`unpricedModels`)."""
    levels = _levels(agent, requested, config, workspace)
    chosen_by, provider, position = next(
        (name, canonical_name(level["provider"]), index) for index, (name, level) in enumerate(levels) if level.get("provider")
    )
    # a model at a lower level than the provider belongs to another provider
    model = next((level["model"] for _, level in levels[: position + 1] if level.get("model")), None)
    model = model or next(
        (level["model"] for _, level in levels if level.get("provider") == provider and level.get("model")), None
    )
    model = model or (embedded.MODEL if provider == embedded.NAME else None)
    if model is None:
        raise Invalid(FieldError("model", f"Name the model of {provider} to use", None))
    check_model(provider, model)
    allowed = workspace.get("allowedProviders")
    if allowed is not None and provider not in {canonical_name(one) for one in allowed}:
        raise Invalid(FieldError("provider", f"This workspace allows {', '.join(allowed) or 'no provider'}", provider))
    priced = is_priced(provider, model)
    if not priced and f"{provider}/{model}" not in workspace.get("unpricedModels", ()):
        raise Invalid(FieldError("model", f"{provider} has no model of this name with a known price; {_HOW_TO_ALLOW}", model))
    return ModelChoice(provider, model, _first(levels, "temperature"), int(_first(levels, "max_tokens")), chosen_by, priced)


_HOW_TO_ALLOW: Final = (
    "an administrator of the workspace can allow it in its settings:"
    " unpricedModels (as provider/model) and maxUnpricedTokens (of a month)"
)


def _levels(
    agent: Agent, requested: RequestedModel, config: AgentConfig | None, workspace: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    template = workspace_defaults(workspace, agent)
    workspace_level = {
        "provider": template.get("provider"),
        "model": template.get("model"),
        "temperature": template.get("temperature"),
        "max_tokens": template.get("maxTokens"),
    }
    levels = [("request", vars(requested))]
    if config is not None:
        names = ("provider", "model", "temperature", "max_tokens")
        levels.append(("project", {name: getattr(config, name) for name in names}))
    levels.append(("workspace", workspace_level))
    if workspace.get("default_model"):  # a workspace's default model is for all agents
        levels.append(("workspace", {"provider": workspace.get("default_llm_provider"), "model": workspace["default_model"]}))
    agent_level = {
        "provider": agent.default_provider,
        "model": agent.default_model,
        "temperature": agent.default_temperature,
        "max_tokens": agent.default_max_tokens,
    }
    levels.append(("agent", agent_level))
    if settings().default_provider:
        levels.append(("platform", {"provider": settings().default_provider, "model": settings().default_model}))
    return levels


def _first(levels: list[tuple[str, dict[str, Any]]], name: str) -> Any:
    return next((level[name] for _, level in levels if level.get(name) is not None), None)
