"""Which model answers a sandbox: a provider that its workspace has configured with a key of its own, else the one of its runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.agents.catalogue.registry import get_agent
from shared.agents.providers import registry
from shared.agents.providers.registry import canonical_name
from shared.core.errors import FieldError, Invalid
from shared.core.sealing import unseal
from shared.core.situations import Situation
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs.model_selection import RequestedModel, choose_model
from shared.runs.authoring.agent import AGENT
from shared.sandboxes.configuration.changing import owner_of
from shared.sandboxes.configuration.rows import WorkspaceConfig

if TYPE_CHECKING:
    from shared.agents.providers.port import Provider


@dataclass(frozen=True)
class Chosen:
    """`priced`: we know what it costs, and the customer pays us. `own`: the customer's own key, who pays the provider and not us."""

    provider: str
    model: str
    priced: bool
    temperature: float | None = None
    own: Mapping[str, Any] | None = None


def choose(workspace: Workspace, config: WorkspaceConfig | None) -> Chosen:
    """Return the model of a workspace's sandboxes: of the provider that its settings name, else of the first with a key.

    Raises Invalid for a configuration that names no model, or a model that may not be used.
    """
    providers: list[dict[str, Any]] = config.providers if config is not None else []
    named = workspace.settings.get("default_llm_provider")
    wanted = next((one for one in providers if named and canonical_name(one["name"]) == canonical_name(named)), None)
    own = wanted if wanted is not None and _has_key(wanted) else next(filter(_has_key, providers if wanted is None else ()), None)
    if own is not None:
        model = own.get("default_model") or next(iter(own.get("models") or ()), None)
        if model is None:
            raise _wrong(f"The provider {own['name']} is configured without a model")
        parameters = own.get("parameters") or {}
        temperature = parameters.get("temperature")
        return Chosen(canonical_name(own["name"]), model, False, temperature, own)
    requested = RequestedModel(provider=wanted["name"], model=wanted.get("default_model")) if wanted else RequestedModel()
    choice = choose_model(get_agent(AGENT), requested, None, workspace.settings)
    return Chosen(choice.provider, choice.model, choice.priced, choice.temperature)


def adapter_of(workspace: Workspace, config: WorkspaceConfig | None, chosen: Chosen) -> "Provider":
    """Return the adapter that makes the call. Raises Invalid for a key that is missing, Upstream without credentials."""
    if chosen.own is None:
        return registry.provider(chosen.provider)
    if "secret" in chosen.own:
        sealed = (config.secrets if config is not None else {}).get(chosen.own["secret"])
        if sealed is None:
            raise _wrong(
                f"The key of {chosen.own['name']} is the secret {chosen.own['secret']}, which the workspace does not have"
            )
    else:
        sealed = chosen.own["sealed_key"]
    if chosen.own.get("base_url"):
        raise _wrong(f"{chosen.own['name']} has an address of its own, at which no sandbox may ask a model: leave base_url out")
    return registry.provider_with_key(chosen.provider, unseal(sealed, owner_of(workspace.id)))


def _has_key(provider: Mapping[str, Any]) -> bool:
    return "sealed_key" in provider or "secret" in provider


def _wrong(reason: str) -> Invalid:
    return Invalid(FieldError("llm_providers", reason), message=reason, situation=Situation.CONFIGURATION_INVALID)
