"""agentworks: the events of agent runs."""

from shared.core.money import usd
from shared.edge.contracts.agentworks import UserSummary, user_summary
from shared.edge.contracts.base import Shape
from shared.events.change import Change
from shared.runs.agent_runs.rows import Run


class AgentRunStartedEvent(Shape):
    runId: str
    cardId: str
    agentId: str
    agentName: str
    triggeredBy: UserSummary
    timestamp: str


class AgentRunWaitingEvent(Shape):
    """An addition: a run needs an answer (`waitingFor`: approval or budget) before `expiresAt`. `estimatedCost` is in USD."""

    runId: str
    cardId: str
    agentId: str
    agentName: str
    waitingFor: str
    reason: str
    estimatedCost: float | None = None
    expiresAt: str | None = None
    triggeredBy: UserSummary
    timestamp: str


class AgentRunAnsweredEvent(Shape):
    """An addition: `answer` is approved or rejected."""

    runId: str
    cardId: str
    agentId: str
    agentName: str
    waitedFor: str
    answer: str
    answeredBy: UserSummary
    timestamp: str


class AgentRunCompletedEvent(Shape):
    """Sent when a run ends: `status` is completed, failed or cancelled. `duration` is in seconds, `cost` in USD."""

    runId: str
    cardId: str
    agentId: str
    agentName: str
    status: str
    duration: float | None = None
    cost: float
    timestamp: str


def run_started(change: Change) -> AgentRunStartedEvent:
    run = change.after(Run)
    return AgentRunStartedEvent(
        runId=run.id,
        cardId=run.item_id,
        agentId=run.agent_id,
        agentName=_agent_name(run),
        triggeredBy=user_summary(run.triggered_by),
        timestamp=change.event.at,
    )


def run_waiting(change: Change) -> AgentRunWaitingEvent:
    run, data = change.after(Run), change.event.data
    price = data.get("estimated_price_micros")
    return AgentRunWaitingEvent(
        runId=run.id,
        cardId=run.item_id,
        agentId=run.agent_id,
        agentName=_agent_name(run),
        waitingFor=data["waiting_for"],
        reason=data["reason"],
        estimatedCost=None if price is None else usd(int(price)),
        expiresAt=data.get("expires_at"),
        triggeredBy=user_summary(run.triggered_by),
        timestamp=change.event.at,
    )


def run_answered(change: Change) -> AgentRunAnsweredEvent:
    run, data = change.after(Run), change.event.data
    return AgentRunAnsweredEvent(
        runId=run.id,
        cardId=run.item_id,
        agentId=run.agent_id,
        agentName=_agent_name(run),
        waitedFor=data["waited_for"],
        answer=data["answer"],
        answeredBy=user_summary(change.event.actor),
        timestamp=change.event.at,
    )


def run_ended(change: Change) -> AgentRunCompletedEvent:
    run = change.after(Run)
    return AgentRunCompletedEvent(
        runId=run.id,
        cardId=run.item_id,
        agentId=run.agent_id,
        agentName=_agent_name(run),
        status=run.status,
        duration=None if run.duration_ms is None else run.duration_ms / 1000,
        cost=usd(int(run.customer_price_micros)),
        timestamp=change.event.at,
    )


def _agent_name(run: Run) -> str:
    name: str = run.agent.get("display_name") or run.agent["name"]
    return name
