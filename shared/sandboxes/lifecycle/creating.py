"""Make a sandbox: it has a name in its workspace, and a place among its sandboxes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError, Conflict, LimitExceeded, NotFound
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.tenancy.limits import how_to_raise, workspace_limit
from shared.people.tenancy.rows import Workspace
from shared.sandboxes.lifecycle.configuring import check_environment
from shared.sandboxes.lifecycle.rows import Sandbox, SandboxCount, name_guard
from shared.store import Operation, create, load, update, write

RESOURCES = {"memory_mb": 512, "cpu_cores": 1, "timeout_seconds": 300, "max_processes": 20, "disk_mb": 512}
"""What a sandbox gets that asks for nothing. The first three are the document's sample; the other two are our choice."""


@dataclass(frozen=True)
class NewSandbox:
    name: str
    agent_config: Mapping[str, Any]
    resources: Mapping[str, Any] = field(default_factory=dict)
    mcp_servers: Sequence[Any] = ()
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    allowed_hosts: Sequence[str] = ()
    idle_seconds: int | None = None


def create_sandbox(actor: Actor, ws_id: str, new: NewSandbox) -> Sandbox:
    """Make a sandbox, which is started at once (the reaction to its event). Two round trips.

    Raises NotFound, Forbidden, Invalid, Conflict(SLUG_TAKEN) for a name that another sandbox of the workspace has, LimitExceeded.
    """
    check_environment(new.environment_variables)
    workspace = load(Workspace, ws_id, actor, Permission.AGENT_RUN)
    defaults = workspace.settings.get("resource_defaults") or {}
    now = clock.iso()
    sandbox = Sandbox.new(
        new_id(),
        org_id=workspace.org_id,
        ws_id=workspace.id,
        name=new.name,
        status_since=now,
        start_number=1,
        agent_config=dict(new.agent_config),
        resources=RESOURCES | defaults | dict(new.resources),
        mcp_servers=list(new.mcp_servers),
        environment_variables=dict(new.environment_variables),
        allowed_hosts=list(new.allowed_hosts),
        idle_seconds=new.idle_seconds,
        created_by=actor.summary,
    )
    record(sandbox, EventType.SANDBOX_CREATED, actor, name=new.name, start_number=1)
    write(create(sandbox), create(name_guard(workspace.id, new.name, sandbox.id), _taken), _take_place(workspace))
    return sandbox


def _taken(_: dict[str, Any] | None) -> Conflict:
    return Conflict(Situation.SLUG_TAKEN, "A sandbox of this workspace has this name; participants are named by it")


def _take_place(workspace: Workspace) -> Operation:
    limit = workspace_limit(workspace, "max_sandboxes")
    room = SandboxCount.living.does_not_exist() | (SandboxCount.living < limit)
    room = room & SandboxCount.closed.does_not_exist()
    return update(SandboxCount.of(workspace.id), [SandboxCount.living.add(1)], room, partial(_full, workspace, limit))


def _full(workspace: Workspace, limit: int, row: dict[str, Any] | None) -> CadreError:
    if row is not None and SandboxCount.decode(row).closed:
        return NotFound(Workspace.NAME)
    reason = f"This workspace may have {limit} sandboxes; delete one, or {how_to_raise(workspace, 'max_sandboxes')}"
    return LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": limit})
