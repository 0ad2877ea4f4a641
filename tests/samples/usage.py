"""Requests of the area `usage`."""

from shared.core import clock
from tests.areas.ledger import record_usage
from tests.samples.stage import MAY, PRD, Sample, Samples, Stage, of_project, of_workspace


def _used(stage: Stage) -> str:
    """The project, in which something was used today."""
    record_usage(stage.world, clock.iso()[:10], 50_000, agent=PRD.id, phase_id="PHASE_REQUIREMENTS")
    return stage.world.project.id


def _of_agent(stage: Stage) -> Sample:
    _used(stage)
    return Sample({"agent_id": PRD.id})


def _budgeted(stage: Stage) -> Sample:
    """A ticket with a budget."""
    card = stage.card()
    body = {"scope_type": "ticket", "scope_id": card, "limit_amount": 20}
    assert stage.world.ada.at("omoios")("usage", "POST", "/costs/budgets", body=body).status == 201
    return Sample({}, query=f"scope_type=ticket&scope_id={card}")


SAMPLES: Samples = {
    ("agentworks", "usage.workspace"): of_workspace,
    ("agentworks", "usage.project"): of_project,
    ("agentworks", "usage.export"): lambda s: Sample({"id": s.world.ws_id}, query=MAY),
    ("agentworks", "exports.get"): lambda s: Sample({"id": s.export()}),
    ("omoios", "costs.project"): lambda s: Sample({"project_id": _used(s)}),
    ("omoios", "costs.agent"): _of_agent,
    ("omoios", "costs.forecast"): lambda s: Sample({}, query=f"project_id={_used(s)}"),
    ("omoios", "costs.forecastPost"): lambda _: Sample({}, {"pending_task_count": 10}),
    ("omoios", "costs.records"): lambda s: Sample({}, query=f"project_id={_used(s)}"),
    ("omoios", "costs.summary"): lambda s: Sample({}, query=f"scope_type=project&scope_id={_used(s)}"),
    ("omoios", "costs.budgets"): _budgeted,
    ("omoios", "costs.checkBudget"): _budgeted,
    ("omoios", "costs.createBudget"): lambda s: Sample(
        {}, {"scope_type": "ticket", "scope_id": s.card(), "limit_amount": 20, "alert_threshold": 0.5}
    ),
}
