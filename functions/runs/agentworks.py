"""agentworks, section 6.2: agent runs. `approve` and `reject` are additions: the document has approvals, but no operation for them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from shared.agents.catalogue.registry import get_agent
from shared.core.actor import Permission
from shared.core.errors import NotFound
from shared.core.money import micros, usd
from shared.edge.contracts.agentworks import (
    AGENTWORKS,
    DEFAULT_LIMIT,
    Limit,
    ModelName,
    PaginationMeta,
    Reason,
    Temperature,
    Tokens,
    UserSummary,
    camel,
    pagination,
    user_summary,
)
from shared.edge.contracts.base import Shape, StrictRequest
from shared.edge.contracts.fields import Offset
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.agentworks.cards import AgentRunSummary, run_summary
from shared.edge.views.agentworks.entities import AgentSummary
from shared.edge.views.agentworks.results import result_summary
from shared.runs.agent_runs import approvals, reading, requesting
from shared.runs.agent_runs.model_selection import RequestedModel
from shared.runs.agent_runs.results import made_by
from shared.runs.agent_runs.rows import Run

routes = Routes(AGENTWORKS, "runs")

Status = Literal["pending", "running", "completed", "failed", "cancelled"]


class ListAgentRunsResponse(Shape):
    runs: list[AgentRunSummary]
    total: int
    pagination: PaginationMeta


class TriggerAgentRunRequest(StrictRequest):
    provider: ModelName | None = None
    model: ModelName | None = None
    temperature: Temperature | None = None
    maxTokens: Tokens | None = None
    context: Annotated[str, Field(max_length=50_000)] | None = None
    parameters: dict[str, Any] | None = None


class TriggerAgentRunResponse(Shape):
    """`estimatedCost` in USD (0 if the model has no known price; `executionMetadata.priceKnown` is then false), `estimatedDuration` in
    seconds."""

    run: AgentRunSummary
    estimatedCost: float
    estimatedDuration: int


class RetryRunRequest(StrictRequest):
    provider: ModelName | None = None
    model: ModelName | None = None
    temperature: Temperature | None = None
    maxTokens: Tokens | None = None


class CancelRunRequest(StrictRequest):
    reason: Reason | None = None


class ApproveRunRequest(StrictRequest):
    """`maxCost`: the new limit, in USD, of a run that waits for its own budget."""

    maxCost: Annotated[float, Field(gt=0, le=requesting.MAX_COST)] | None = None


class RejectRunRequest(StrictRequest):
    reason: Reason | None = None


class Approval(Shape):
    """A run that waits for an answer. `waiting` has the details and, for an approval, what the agent may do (`actions`)."""

    runId: str
    cardId: str
    cardTitle: str
    projectId: str
    agent: AgentSummary
    waitingFor: str
    reason: str
    requestedAt: str
    expiresAt: str | None = None
    estimatedCost: float | None = None
    provider: str
    model: str
    triggeredBy: UserSummary
    waiting: dict[str, Any]


class ListApprovalsResponse(Shape):
    approvals: list[Approval]
    total: int
    pagination: PaginationMeta


class AgentRunDetails(Shape):
    id: str
    cardId: str
    agentId: str
    agent: AgentSummary
    status: str
    progress: int
    provider: str
    model: str
    temperature: float | None = None
    maxTokens: int | None = None
    inputTokens: int
    outputTokens: int
    totalTokens: int
    providerCost: float | None = None
    customerPrice: float
    duration: float | None = None
    resultSummary: str | None = None
    resultData: dict[str, Any] | None = None
    errorMessage: str | None = None
    errorCode: str | None = None
    inputContext: Any
    executionMetadata: dict[str, Any]
    createdAt: str
    startedAt: str | None = None
    completedAt: str | None = None
    triggeredBy: UserSummary | None = None


@routes.get("/cards/{id}/runs", "runs.list", permission=Permission.CARD_READ)
async def list_runs(
    id: str,
    caller: Caller,
    agentId: str | None = None,
    status: Status | None = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> ListAgentRunsResponse:
    """List the runs of a card, newest first."""
    agent = _agent_id(agentId) if agentId else None
    page = reading.list_runs(caller, id, agent_id=agent, status=status, limit=limit, offset=offset)
    return ListAgentRunsResponse(
        runs=[run_summary(run.summary) for run in page.runs],
        total=page.total,
        pagination=pagination(limit, offset, page.total),
    )


@routes.post("/cards/{id}/agents/{agentId}/run", "runs.trigger", status=202, permission=Permission.AGENT_RUN)
async def trigger(id: str, agentId: str, caller: Caller, body: TriggerAgentRunRequest | None = None) -> TriggerAgentRunResponse:
    """Start an agent on a card. `parameters.maxCost` (USD) limits the price of the run."""
    trigger_request = body or TriggerAgentRunRequest()
    request = requesting.RunRequest(_requested_model(trigger_request), trigger_request.context, trigger_request.parameters or {})
    return _trigger_response(requesting.request_run(caller, id, agentId, request))


@routes.get("/runs/{id}", "runs.get", permission=Permission.CARD_READ)
async def get_run(id: str, caller: Caller) -> AgentRunDetails:
    """Get a run with its usage, its result, and what it waits for (`executionMetadata.waiting`). Only who sells the calls sees
    `providerCost`."""
    return _details(reading.get_run(caller, id), costs=caller.sees_costs)


@routes.post("/runs/{id}/cancel", "runs.cancel", status=202, permission=Permission.AGENT_RUN)
async def cancel(id: str, caller: Caller, body: CancelRunRequest | None = None) -> AgentRunSummary:
    """Cancel a run at once; its card is free again with the response."""
    return run_summary(approvals.cancel_run(caller, id, body.reason if body else None).summary)


@routes.post("/runs/{id}/retry", "runs.retry", status=202, permission=Permission.AGENT_RUN)
async def retry(id: str, caller: Caller, body: RetryRunRequest | None = None) -> TriggerAgentRunResponse:
    """Start a new run with the settings of a failed or cancelled one."""
    return _trigger_response(requesting.retry_run(caller, id, _requested_model(body or RetryRunRequest())))


@routes.get("/workspaces/{id}/approvals", "approvals.list", permission=Permission.CARD_READ, addition=True)
async def list_approvals(
    id: str,
    caller: Caller,
    waitingFor: Literal["approval", "budget"] | None = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> ListApprovalsResponse:
    """List the runs of a workspace that wait for an answer, oldest first; approve or reject each by its `runId`."""
    waiting_runs, total = reading.list_waiting_runs(caller, id, waiting_for=waitingFor, limit=limit, offset=offset)
    return ListApprovalsResponse(
        approvals=[_approval(one.run, one.title) for one in waiting_runs],
        total=total,
        pagination=pagination(limit, offset, total),
    )


@routes.post("/runs/{id}/approve", "runs.approve", permission=Permission.RUN_APPROVE, addition=True)
async def approve(id: str, caller: Caller, body: ApproveRunRequest | None = None) -> AgentRunDetails:
    """Approve a waiting run, so that it continues."""
    cap = micros(body.maxCost) if body and body.maxCost is not None else None
    return _details(approvals.approve_run(caller, id, cap), costs=caller.sees_costs)


@routes.post("/runs/{id}/reject", "runs.reject", permission=Permission.RUN_APPROVE, addition=True)
async def reject(id: str, caller: Caller, body: RejectRunRequest | None = None) -> AgentRunDetails:
    """Reject a waiting run, which ends it."""
    return _details(approvals.reject_run(caller, id, body.reason if body else None), costs=caller.sees_costs)


def _agent_id(id_or_name: str) -> str:
    """Return the id of an agent to filter by; an unknown one stays as it is, and no run is of it."""
    try:
        return get_agent(id_or_name).id
    except NotFound:
        return id_or_name


def _requested_model(body: TriggerAgentRunRequest | RetryRunRequest) -> RequestedModel:
    return RequestedModel(body.provider, body.model, body.temperature, body.maxTokens)


def _trigger_response(requested: requesting.RequestedRun) -> TriggerAgentRunResponse:
    return TriggerAgentRunResponse(
        run=run_summary(requested.run.summary),
        estimatedCost=usd(requested.estimated_price_micros),
        estimatedDuration=requested.estimated_seconds,
    )


def _waiting_details(waiting: dict[str, Any]) -> dict[str, Any]:
    """Return what a run waits for, in camel case and in USD: `expiresAt`, `estimatedCost`, `needed`, ..."""
    shown: dict[str, Any] = {}
    for name, value in waiting.items():
        if name.endswith("_micros"):
            shown[camel(name.removesuffix("_micros"))] = usd(int(value))
        elif name == "answered_by":
            shown[camel(name)] = user_summary(value)
        else:
            shown[camel(name)] = value
    return shown


def _agent(run: Run) -> AgentSummary:
    agent = run.agent
    return AgentSummary(id=agent["id"], name=agent["name"], displayName=agent["display_name"], status=agent["status"])


def _approval(run: Run, title: str) -> Approval:
    waiting = run.waiting or {}
    estimate = run.estimated_price_micros
    return Approval(
        runId=run.id,
        cardId=run.item_id,
        cardTitle=title,
        projectId=str(run.proj_id),
        agent=_agent(run),
        waitingFor=str(run.waiting_for),
        reason=waiting["reason"],
        requestedAt=waiting["since"],
        expiresAt=waiting.get("expires_at"),
        estimatedCost=None if estimate is None else usd(int(estimate)),
        provider=run.provider,
        model=run.model,
        triggeredBy=user_summary(run.triggered_by),
        waiting=_waiting_details(waiting),
    )


def _details(run: Run, *, costs: bool) -> AgentRunDetails:
    metadata: dict[str, Any] = dict(run.execution_metadata) | {
        "attempt": int(run.attempt),
        "trigger": run.trigger,
        "calls": int(run.calls),
        "cacheReadTokens": int(run.cache_read_tokens),
        "cacheWriteTokens": int(run.cache_write_tokens),
        "priceKnown": not run.unpriced and bool(run.execution_metadata.get("priceKnown", True)),
    }
    if run.retry_of:
        metadata["retryOf"] = run.retry_of
    if run.status == "waiting":
        metadata["waitingFor"], metadata["waiting"] = run.waiting_for, _waiting_details(run.waiting or {})
    made = made_by(run)
    input_tokens = int(run.input_tokens + run.cache_read_tokens + run.cache_write_tokens)
    return AgentRunDetails(
        id=run.id,
        cardId=run.item_id,
        agentId=run.agent_id,
        agent=_agent(run),
        status=reading.public_status(run.status, started=run.started_at is not None),
        progress=int(run.progress),
        provider=run.provider,
        model=run.model,
        temperature=run.temperature,
        maxTokens=int(run.max_tokens),
        inputTokens=input_tokens,
        outputTokens=int(run.output_tokens),
        totalTokens=run.total_tokens,
        providerCost=usd(int(run.provider_cost_micros)) if costs else None,
        customerPrice=usd(int(run.customer_price_micros)),
        duration=None if run.duration_ms is None else run.duration_ms / 1000,
        resultSummary=result_summary(run, made),
        resultData=made,
        errorMessage=run.error_message,
        errorCode=run.error_code,
        inputContext=run.input_context,
        executionMetadata=metadata,
        createdAt=run.created_at,
        startedAt=run.started_at,
        completedAt=run.completed_at,
        triggeredBy=user_summary(run.triggered_by),
    )
