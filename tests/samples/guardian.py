"""Requests of the area `guardian`."""

from shared.runs.guardian import acting
from shared.runs.guardian.acting import Intervention
from shared.runs.guardian.watchdog import execute
from shared.runs.live_agents.changing import set_available
from shared.runs.live_agents.holding import take_task
from shared.runs.live_agents.registering import NewAgent, register_agent
from shared.runs.live_agents.rows import LiveAgent
from shared.store import fetch
from tests.samples.stage import Sample, Samples, Stage, nothing
from tests.samples.tasks import held, task, with_something

WHY = {"reason": "It goes in circles", "initiated_by": "guardian-001"}


def agent(stage: Stage, agent_type: str = "worker", capacity: int = 1) -> str:
    new = NewAgent(agent_type, capabilities=["python"], capacity=capacity)
    return register_agent(stage.world.actor, new, stage.world.project.id).id


def unavailable(stage: Stage) -> str:
    """A monitor that was taken out of work."""
    return set_available(stage.world.actor, agent(stage, "monitor"), available=False).id


def intervention(stage: Stage) -> str:
    return acting.cancel_task(stage.world.actor, held(stage), Intervention(**WHY)).id


def remedy(stage: Stage) -> str:
    return execute(stage.world.actor, agent(stage), "failover", "It is silent", agent(stage, "watchdog")).id


def at_work(stage: Stage) -> dict[str, str]:
    """An agent and the task that it holds."""
    agent_id, task_id = agent(stage), task(stage)
    live = fetch(LiveAgent, agent_id)
    assert live is not None
    take_task(live, task_id)
    return {"agent_id": agent_id, "task_id": task_id}


SAMPLES: Samples = {
    ("omoios", "agentEvents.report"): lambda s: Sample(
        {}, at_work(s) | {"event_type": "tool_call", "event_data": {"text": "I read the card", "tool": "read", "result": "ok"}}
    ),
    ("omoios", "guardian.cancelTask"): lambda s: Sample({}, WHY | {"task_id": held(s)}),
    ("omoios", "guardian.reallocate"): lambda s: Sample(
        {}, WHY | {"from_agent_id": agent(s, capacity=3), "to_agent_id": agent(s), "capacity": 2}
    ),
    ("omoios", "guardian.overridePriority"): lambda s: Sample({}, WHY | {"task_id": task(s), "new_priority": "CRITICAL"}),
    ("omoios", "guardian.actions"): lambda s: with_something(intervention(s), Sample({})),
    ("omoios", "guardian.action"): lambda s: Sample({"action_id": intervention(s)}),
    ("omoios", "guardian.revert"): lambda s: Sample({"action_id": intervention(s)}, WHY),
    ("omoios", "watchdog.monitorStatus"): lambda s: with_something(unavailable(s), Sample({})),
    ("omoios", "watchdog.executeRemediation"): lambda s: Sample(
        {},
        {"agent_id": agent(s), "policy_name": "restart", "reason": "It is silent", "watchdog_agent_id": agent(s, "watchdog")},
    ),
    ("omoios", "watchdog.remediationHistory"): lambda s: with_something(remedy(s), Sample({})),
    ("omoios", "watchdog.policies"): nothing,
}
