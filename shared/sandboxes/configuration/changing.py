"""Read and change the configuration of a workspace: its settings, model providers, MCP servers and secrets.

Keys and secrets are sealed by KMS for their workspace before they are stored, and never shown again: of a key its last four characters.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, NotFound
from shared.core.sealing import seal
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.tenancy.rows import Workspace
from shared.people.tenancy.workspaces import validate_settings
from shared.sandboxes.configuration.rows import WorkspaceConfig
from shared.store import authorize, get_many, id_of, put, retrying, save, stale, write

REFERENCE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
"""A key that names a secret of the workspace instead of being one: `${ANTHROPIC_API_KEY}`."""
MAX_SECRETS: Final = 50
HINT: Final = 4
"""Characters of a key that are shown; of a key that is not three times as long none."""


@dataclass(frozen=True)
class Configuration:
    """A workspace and its configuration; if nothing was configured, an empty one."""

    workspace: Workspace
    config: WorkspaceConfig


@dataclass(frozen=True)
class Changes:
    """What is given replaces what was; None: it stays."""

    settings: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    providers: Sequence[Mapping[str, Any]] | None = None
    """With `api_key`; one without keeps the key that the provider of this name has."""
    mcp_servers: Sequence[Mapping[str, Any]] | None = None
    secrets: Mapping[str, str | None] = field(default_factory=dict)
    """By name; None removes one, and those that are not named stay."""


def owner_of(ws_id: str) -> str:
    """Return the owner for whom the secrets of a workspace are sealed."""
    return f"WS#{ws_id}"


def get_configuration(actor: Actor, ws_id: str, permission: Permission = Permission.WORKSPACE_READ) -> Configuration:
    """Return a workspace and its configuration. One round trip. Raises NotFound and Forbidden."""
    bare = id_of(Workspace, ws_id)
    blank = WorkspaceConfig.of(bare)
    workspace, config = get_many([(Workspace, *Workspace.key(bare)), (WorkspaceConfig, blank.pk, blank.sk)])
    if not isinstance(workspace, Workspace) or workspace.deleted_at:
        raise NotFound(Workspace.NAME)
    authorize(workspace, actor, permission)
    return Configuration(workspace, config if isinstance(config, WorkspaceConfig) else blank)


def change_configuration(actor: Actor, ws_id: str, changes: Changes) -> Configuration:
    """Change the given parts in one transaction. Two round trips, and a call of KMS for each new key or secret.

    Raises NotFound, Forbidden and Invalid.
    """

    def attempt(_: int) -> Configuration:
        found = get_configuration(actor, ws_id, Permission.WORKSPACE_WRITE)
        workspace, config, version = found.workspace, found.config, int(found.config.version)
        changed = _apply(workspace, config, changes)
        if not changed:
            return found
        record(workspace, EventType.WORKSPACE_CONFIGURED, actor, changed=changed)
        config.version = version + 1
        unchanged = WorkspaceConfig.version == version if version else WorkspaceConfig.pk.does_not_exist()
        write(save(workspace), put(config, unchanged, stale))
        return found

    return retrying(attempt)


def _apply(workspace: Workspace, config: WorkspaceConfig, changes: Changes) -> list[str]:
    """Change the two rows in place and return the names of what has changed."""
    before = (workspace.settings, config.providers, config.mcp_servers, config.secrets)
    if changes.settings is not None:
        workspace.settings = workspace.settings | validate_settings(changes.settings(workspace.settings), workspace.plan)
    if changes.secrets:
        config.secrets = _secrets(workspace.id, config.secrets, changes.secrets)
    if changes.providers is not None:
        config.providers = [_provider(workspace.id, one, config) for one in changes.providers]
    if changes.mcp_servers is not None:
        config.mcp_servers = [dict(one) for one in changes.mcp_servers]
    after = (workspace.settings, config.providers, config.mcp_servers, config.secrets)
    names = ("settings", "llm_providers", "mcp_servers", "secrets")
    return [name for name, old, new in zip(names, before, after, strict=True) if old != new]


def _secrets(ws_id: str, held: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    kept = {name: sealed for name, sealed in held.items() if name not in changes}
    new = {name: seal(value, owner_of(ws_id)) for name, value in changes.items() if value is not None}
    if len(kept) + len(new) > MAX_SECRETS:
        raise Invalid(FieldError("secrets", f"A workspace has at most {MAX_SECRETS} secrets"))
    return kept | new


def _provider(ws_id: str, new: Mapping[str, Any], config: WorkspaceConfig) -> dict[str, Any]:
    """Return a provider as it is stored: with its key sealed, or with the name of the secret that is its key. Raises Invalid."""
    models, default = new.get("models") or [], new.get("default_model")
    if default is not None and models and default not in models:
        reason = f"{default} is not among the models of {new['name']}"
        raise Invalid(FieldError("llm_providers", reason), message=reason, situation=Situation.CONFIGURATION_INVALID)
    fields = {name: value for name, value in new.items() if name != "api_key"}
    key = new.get("api_key")
    if key is None:
        old: Mapping[str, Any] = next((one for one in config.providers if one["name"] == new["name"]), {})
        return fields | {name: old[name] for name in ("sealed_key", "key_hint", "secret") if name in old}
    if reference := REFERENCE.fullmatch(key):
        return fields | {"secret": reference[1]}
    hint = key[-HINT:] if len(key) >= 3 * HINT else ""
    return fields | {"sealed_key": seal(key, owner_of(ws_id)), "key_hint": hint}


def masked_key(provider: Mapping[str, Any]) -> str | None:
    """Return what is shown of a provider's key; None: it has none."""
    if "secret" in provider:
        return f"${{{provider['secret']}}}"
    return f"****{provider['key_hint']}" if "sealed_key" in provider else None
