"""Requests of the area `agents`."""

from tests.areas.live_agents_world import message
from tests.samples.stage import PRD, Sample, Samples, Stage, nothing, of_project


def agent(stage: Stage) -> str:
    """A live agent of the stage's project."""
    project = {"project_id": stage.world.project.id}
    body = {"agent_type": "worker", "phase_id": "PHASE_IMPLEMENTATION", "capabilities": ["python"]}
    answer = stage.world.ada.at("omoios")("agents", "POST", "/agents/register", body=body | project)
    assert answer.status == 201, answer.text
    return answer.json["agent_id"]


def of_agent(stage: Stage) -> Sample:
    return Sample({"agent_id": agent(stage)})


def _wanted(stage: Stage) -> str:
    agent(stage)
    return f"capabilities=python&project_id={stage.world.project.id}"


def _heartbeat(stage: Stage) -> Sample:
    made = agent(stage)
    return Sample({"agent_id": made}, message(made, 1))


SAMPLES: Samples = {
    ("agentworks", "agents.list"): nothing,
    ("agentworks", "agents.get"): lambda _: Sample({"id": PRD.id}),
    ("agentworks", "agentConfigs.list"): of_project,
    ("agentworks", "agentConfigs.update"): lambda s: Sample({"id": s.world.project.id, "agentId": PRD.id}, {"temperature": 0.1}),
    ("omoios", "agents.list"): nothing,
    ("omoios", "agents.register"): lambda s: Sample(
        {}, {"agent_type": "worker", "phase_id": "PHASE_TESTING", "capabilities": ["python"], "project_id": s.world.project.id}
    ),
    ("omoios", "agents.search"): lambda s: Sample({}, query=_wanted(s)),
    ("omoios", "agents.bestFit"): lambda s: Sample({}, query=_wanted(s)),
    ("omoios", "agents.cleanupStale"): nothing,
    ("omoios", "agents.healthAll"): nothing,
    ("omoios", "agents.statistics"): nothing,
    ("omoios", "agents.stale"): nothing,
    ("omoios", "agents.get"): of_agent,
    ("omoios", "agents.health"): of_agent,
    ("omoios", "agents.update"): lambda s: Sample({"agent_id": agent(s)}, {"capacity": 2}),
    ("omoios", "agents.availability"): lambda s: Sample({"agent_id": agent(s)}, {"available": False}),
    ("omoios", "agents.heartbeat"): _heartbeat,
    ("omoios", "agents.nextTask"): of_agent,
}
