"""aintandem's configuration of a workspace: its fields in requests and answers."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from shared.agents.providers.registry import NAMES, canonical_name
from shared.edge.contracts.aintandem import public_id
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Form, OneLine, WebAddress
from shared.edge.views.aintandem.sandboxes import MAX_SERVERS, McpServerDefinition, Resources, at_most
from shared.people.tenancy.rows import Workspace
from shared.sandboxes.configuration.changing import Changes, Configuration, masked_key
from shared.sandboxes.configuration.policy import MODES, Rule, policy_of, policy_to_store

Mode = Literal["allow_all", "allow_list", "deny_list"]
assert set(Mode.__args__) == set(MODES)  # type: ignore[attr-defined]  # noqa: S101


def _provider(value: str) -> str:
    if canonical_name(value) not in NAMES:
        raise ValueError(f"There is no such provider; there are {', '.join(NAMES)}")
    return value


Provider = Annotated[str, Field(max_length=50), AfterValidator(_provider)]


class PolicyRule(Request):
    """`from` and `to` are names of sandboxes, or `*` for all."""

    sender: Annotated[str | list[str], Field(alias="from")] = "*"
    to: str | list[str] = "*"
    message_types: list[Literal["request", "response", "notification", "command"]] | None = None
    approval_required: bool = False

    def as_rule(self) -> Rule:
        return Rule(_names(self.sender), _names(self.to), tuple(self.message_types or ()), self.approval_required)


def _names(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


class Policy(Request):
    mode: Mode
    rules: Annotated[list[PolicyRule], Field(max_length=100)] = []


class SettingsChanges(Request):
    max_sandboxes: Annotated[int, Field(ge=1, le=1_000)] | None = None
    default_llm_provider: Provider | None = None
    collaboration_policy: Mode | Policy | None = None
    resource_defaults: Resources | None = None

    def to_settings(self, before: dict[str, Any]) -> dict[str, Any]:
        """Return the settings as the workspace stores them; a policy that is only named keeps its rules."""
        changes = self.model_dump(exclude_none=True, include={"max_sandboxes", "default_llm_provider"})
        policy = self.collaboration_policy
        if policy is not None:
            mode = policy if isinstance(policy, str) else policy.mode
            rules = policy_of(before).rules if isinstance(policy, str) else [one.as_rule() for one in policy.rules]
            changes["collaboration_policy"] = policy_to_store(mode, rules)
        if self.resource_defaults is not None:
            changes["resource_defaults"] = self.resource_defaults.model_dump(exclude_none=True)
        return changes


BUILT_IN = ("filesystem", "web-search", "github")
"""The MCP servers that the document names: `filesystem` is in every sandbox, the others need an address or a command."""
ModelName = Annotated[str, Field(min_length=1, max_length=200), OneLine]
SecretValue = Annotated[
    str, Field(min_length=8, max_length=4_000), Form(r"^[\t -~]+$", "Should be characters of ASCII, without line ends")
]
"""It goes into headers; what is shorter could not be cut out of an answer without cutting other words."""
SecretName = Annotated[str, Field(max_length=100), Form(r"^[A-Z][A-Z0-9_]*$", "Should be capital letters, digits and _")]


class ProviderChange(Request):
    """`api_key` is stored sealed, and shown masked; `${NAME}` means the workspace's secret of this name. Left out: the key stays."""

    name: Provider
    api_key: Annotated[str, Field(min_length=1, max_length=1_000)] | None = None
    base_url: WebAddress | None = None
    models: Annotated[list[ModelName], Field(max_length=100)] = []
    default_model: ModelName | None = None
    parameters: dict[str, Any] | None = None


class McpServerChange(McpServerDefinition):
    enabled: bool = True


class UpdateConfig(Request):
    """Each list replaces the one before. `secrets` is an addition: by name, null removes one; they are never shown."""

    settings: SettingsChanges | None = None
    llm_providers: Annotated[list[ProviderChange], Field(max_length=20)] | None = None
    mcp_servers: Annotated[list[McpServerChange], Field(max_length=50), at_most(MAX_SERVERS)] | None = None
    collaboration_policy: Policy | None = None
    secrets: dict[SecretName, SecretValue | None] = {}


class ShownSettings(Shape):
    max_sandboxes: int
    default_llm_provider: str
    collaboration_policy: str
    resource_defaults: dict[str, Any] | None


class ShownProvider(Shape):
    name: str
    models: list[str]
    default_model: str | None
    base_url: str | None
    parameters: dict[str, Any] | None
    api_key: str | None


class ShownServer(Shape):
    name: str
    status: Literal["enabled", "disabled"]
    transport: str
    url: str | None
    command: list[str] | None


class ShownPolicy(Shape):
    mode: str
    rules: list[dict[str, Any]]


class WorkspaceConfig(Shape):
    """`secrets` has the names only."""

    workspace_id: str
    settings: ShownSettings
    llm_providers: list[ShownProvider]
    mcp_servers: list[ShownServer]
    collaboration_policy: ShownPolicy
    secrets: list[str]


def shown_configuration(found: Configuration) -> WorkspaceConfig:
    workspace, config = found.workspace, found.config
    policy = policy_of(workspace.settings)
    providers = [
        {name: one.get(name) for name in ("default_model", "base_url", "parameters")}
        | {"name": one["name"], "models": one.get("models", []), "api_key": masked_key(one)}
        for one in config.providers
    ]
    named = {one["name"] for one in config.mcp_servers}
    servers = [{"name": name, "transport": "stdio", "enabled": True} for name in BUILT_IN[:1] if name not in named]
    return WorkspaceConfig.model_validate(
        {
            "workspace_id": public_id("workspace", workspace.id),
            "settings": shown_settings(workspace),
            "llm_providers": providers,
            "mcp_servers": [_server(one) for one in (*servers, *config.mcp_servers)],
            "collaboration_policy": policy_to_store(policy.mode, policy.rules),
            "secrets": sorted(config.secrets),
        }
    )


def _server(one: dict[str, Any]) -> dict[str, Any]:
    status = "enabled" if one.get("enabled", True) else "disabled"
    return {
        "name": one["name"],
        "status": status,
        "transport": one["transport"],
        "url": one.get("url"),
        "command": one.get("command"),
    }


def shown_settings(workspace: Workspace) -> ShownSettings:
    """Return the settings as the customer gave them; what the plan allows is `sandbox_limit`."""
    held = workspace.settings
    return ShownSettings(
        max_sandboxes=held.get("max_sandboxes", 10),
        default_llm_provider=held.get("default_llm_provider", "qwen"),
        collaboration_policy=policy_of(held).mode,
        resource_defaults=held.get("resource_defaults"),
    )


def changes_of(body: UpdateConfig) -> Changes:
    """Return what a request changes; its policy may stand in the settings or beside them."""
    settings = body.settings or SettingsChanges()
    if body.collaboration_policy is not None:
        settings = settings.model_copy(update={"collaboration_policy": body.collaboration_policy})
    return Changes(
        settings.to_settings,
        None if body.llm_providers is None else [one.model_dump(exclude_none=True) for one in body.llm_providers],
        None if body.mcp_servers is None else [one.model_dump(exclude_none=True) for one in body.mcp_servers],
        body.secrets,
    )
