"""The MCP servers of a sandbox, as its agent is told of them: what it only names is defined in the configuration of its workspace."""

from collections.abc import Sequence
from typing import Any, Final

from shared.sandboxes.configuration.rows import WorkspaceConfig
from shared.sandboxes.lifecycle.configuring import TOLD
from shared.sandboxes.lifecycle.reading import begin_named
from shared.sandboxes.lifecycle.rows import RUNNING, Sandbox
from shared.sandboxes.lifecycle.telling import tell
from shared.store import fetch_all, get

BUILT_IN: Final = ("filesystem",)
"""The servers that the agent brings with it. A server of the workspace that has such a name comes first."""


def servers_of(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the definitions of a sandbox's servers; of one that nobody has defined its name alone. One read if it names any."""
    named = {one for one in sandbox.mcp_servers if isinstance(one, str)}
    return _defined(sandbox, _definitions(str(sandbox.ws_id)) if named else {})


def _definitions(ws_id: str) -> dict[str, dict[str, Any]]:
    blank = WorkspaceConfig.of(ws_id)
    config = get(WorkspaceConfig, blank.pk, blank.sk)
    return {one["name"].casefold(): one for one in config.mcp_servers} if config is not None else {}


def _defined(sandbox: Sandbox, definitions: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        (definitions.get(one.casefold(), {}) | {"name": one}) if isinstance(one, str) else {"enabled": True} | one
        for one in sandbox.mcp_servers
    ]


def told(sandbox: Sandbox, changed: Sequence[str]) -> dict[str, Any]:
    """Return what a running sandbox is told of a change; empty if all of it waits for its next start."""
    news = {name: getattr(sandbox, name) for name in TOLD if name in changed}
    return news | ({"mcp_servers": servers_of(sandbox)} if "mcp_servers" in news else {})


def tell_servers(ws_id: str) -> None:
    """Tell each running sandbox of a workspace how the servers that it names are defined now."""
    running = [row.id for row in begin_named(ws_id) if row.f["status"] == RUNNING]
    definitions = _definitions(ws_id) if running else {}
    for sandbox in fetch_all(Sandbox, running):
        if any(isinstance(one, str) for one in sandbox.mcp_servers):
            tell(sandbox.id, "changed", {"mcp_servers": _defined(sandbox, definitions)}, int(sandbox.start_number))
