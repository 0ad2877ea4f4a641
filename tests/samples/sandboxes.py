"""Requests of the area `sandboxes`."""

from shared.core.actor import SYSTEM
from shared.sandboxes.lifecycle.creating import NewSandbox, create_sandbox
from shared.sandboxes.lifecycle.rows import RUNNING, STOPPED, Sandbox
from shared.sandboxes.lifecycle.statuses import set_status
from shared.store import fetch, save, write
from tests.areas.boards_world import put_on_plan
from tests.samples.stage import Sample, Samples, Stage

TEAM = {
    "agent_config": {
        "primary_agent": {"name": "frontend-architect", "role": "Frontend Architect", "system_prompt": "Expert in React"},
        "sub_agents": [{"name": "react-expert", "role": "React Specialist"}],
    },
    "resources": {"memory_mb": 512, "cpu_cores": 1, "timeout_seconds": 300},
    "mcp_servers": ["filesystem"],
    "environment_variables": {"NODE_ENV": "development"},
}

CONFIG = {"resources": {"memory_mb": 1024, "cpu_cores": 2}, "environment_variables": {"NODE_ENV": "production"}}


def sandbox(stage: Stage, status: str = RUNNING) -> str:
    """A new sandbox in this status, and its id."""
    put_on_plan(stage.world.ws_id, max_sandboxes=1_000)
    made = create_sandbox(stage.world.actor, stage.world.ws_id, NewSandbox(stage.slug(), TEAM["agent_config"]))
    return in_status(made.id, status)


def in_status(sandbox_id: str, status: str) -> str:
    """Bring a sandbox into a status, as the platform does."""
    row = fetch(Sandbox, sandbox_id)
    assert row is not None
    set_status(row, status, SYSTEM)
    write(save(row))
    return sandbox_id


def _new(stage: Stage) -> Sample:
    put_on_plan(stage.world.ws_id, max_sandboxes=1_000)
    return Sample({"workspace_id": stage.world.ws_id}, {"name": stage.slug(), **TEAM})


SAMPLES: Samples = {
    ("aintandem", "sandboxes.list"): lambda s: Sample({"workspace_id": s.world.ws_id}),
    ("aintandem", "sandboxes.create"): _new,
    ("aintandem", "sandboxes.get"): lambda s: Sample({"sandbox_id": sandbox(s)}),
    ("aintandem", "sandboxes.status"): lambda s: Sample({"sandbox_id": sandbox(s)}),
    ("aintandem", "sandboxes.start"): lambda s: Sample({"sandbox_id": sandbox(s, STOPPED)}),
    ("aintandem", "sandboxes.stop"): lambda s: Sample({"sandbox_id": sandbox(s)}),
    ("aintandem", "sandboxes.restart"): lambda s: Sample({"sandbox_id": sandbox(s)}),
    ("aintandem", "sandboxes.delete"): lambda s: Sample({"sandbox_id": sandbox(s)}),
    ("aintandem", "config.getSandbox"): lambda s: Sample({"sandbox_id": sandbox(s)}),
    ("aintandem", "config.updateSandbox"): lambda s: Sample({"sandbox_id": sandbox(s)}, CONFIG),
}
