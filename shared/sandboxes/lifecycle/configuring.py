"""Change the configuration of a sandbox. What a running one can take over it is told at once; the rest waits for its next start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.events import EventType, record
from shared.sandboxes.lifecycle.rows import LIVING, WITH_NEXT_START, Sandbox
from shared.store import load, update_with_retry

MAX_VARIABLES: Final = 100
MAX_ENVIRONMENT: Final = 16_000
"""Bytes of all environment variables of a sandbox, names and values: they are part of its row and of one request to its machine."""


@dataclass(frozen=True)
class SandboxChanges:
    """None: it stays. `resources` and `environment_variables` are changed name by name, a variable that is None is removed; the rest
    replaces what was. `idle_seconds` counts only if `sets_idle_seconds`: None means that it never falls asleep."""

    resources: Mapping[str, Any] = field(default_factory=dict)
    environment_variables: Mapping[str, str | None] = field(default_factory=dict)
    agent_config: Mapping[str, Any] | None = None
    mcp_servers: Sequence[Any] | None = None
    allowed_hosts: Sequence[str] | None = None
    idle_seconds: int | None = None
    sets_idle_seconds: bool = False


def change_sandbox(actor: Actor, sandbox_id: str, changes: SandboxChanges) -> Sandbox:
    """Change what is given, and note what waits for the next start. Two round trips. Raises NotFound, Forbidden and Invalid."""

    def change(sandbox: Sandbox) -> None:
        before = {name: getattr(sandbox, name) for name in CONFIGURED}
        _apply(sandbox, changes)
        changed = [name for name in CONFIGURED if getattr(sandbox, name) != before[name]]
        if not changed:
            return
        if sandbox.status in LIVING:
            waiting = {*sandbox.pending_changes, *changed}
            sandbox.pending_changes = [name for name in WITH_NEXT_START if name in waiting]
        record(sandbox, EventType.SANDBOX_UPDATED, actor, name=sandbox.name, changed=changed)

    return update_with_retry(lambda: load(Sandbox, sandbox_id, actor, Permission.AGENT_CONFIGURE), change)


CONFIGURED: Final = (*WITH_NEXT_START, "agent_config", "mcp_servers", "allowed_hosts", "idle_seconds")
TOLD: Final = ("agent_config", "mcp_servers", "allowed_hosts", "idle_seconds")
"""What a running sandbox takes over without a new start."""


def _apply(sandbox: Sandbox, changes: SandboxChanges) -> None:
    sandbox.resources = sandbox.resources | dict(changes.resources)
    named = sandbox.environment_variables | dict(changes.environment_variables)
    sandbox.environment_variables = {name: value for name, value in named.items() if value is not None}
    check_environment(sandbox.environment_variables)
    if changes.agent_config is not None:
        sandbox.agent_config = dict(changes.agent_config)
    if changes.mcp_servers is not None:
        sandbox.mcp_servers = list(changes.mcp_servers)
    if changes.allowed_hosts is not None:
        sandbox.allowed_hosts = list(changes.allowed_hosts)
    if changes.sets_idle_seconds:
        sandbox.idle_seconds = changes.idle_seconds


def check_environment(variables: Mapping[str, str]) -> None:
    """Raise Invalid if a sandbox would have more, or longer, environment variables than it may."""
    if len(variables) > MAX_VARIABLES:
        raise Invalid(FieldError("environment_variables", f"A sandbox has at most {MAX_VARIABLES} environment variables"))
    if sum(len(name.encode()) + len(value.encode()) for name, value in variables.items()) > MAX_ENVIRONMENT:
        raise Invalid(FieldError("environment_variables", f"All together may have at most {MAX_ENVIRONMENT:,} bytes"))
