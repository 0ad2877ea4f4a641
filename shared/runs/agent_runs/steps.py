"""The steps of the state machine, one function each. Every step may be repeated after a crash at any point.

    Claim -> CheckLimits -> (WaitApproval) -> LoadContext -> Turn <-> WaitBudget -> Finish; anything that fails for good -> Fail

A step gets the state and returns the next one: `{"run_id", "next", ...}`, without large values. `LeaseLost` (the run has ended or has a
new holder) is not a failure: the state machine ends and nothing is written.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from shared.agents.catalogue.registry import get_agent
from shared.agents.tools import TOOLS
from shared.core import clock, logs
from shared.core.actor import SYSTEM, Actor
from shared.core.errors import Conflict, NotFound
from shared.core.ids import derived_id
from shared.core.money import usd
from shared.events import EventType, record
from shared.money.budgets.reserving import BudgetExhausted
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.context import first_message
from shared.runs.agent_runs.ending import end_run, event_data, publish_status, update_run_summary, with_error
from shared.runs.agent_runs.failures import CardGone, fault_of, read_error
from shared.runs.agent_runs.journal import Journal, read_journal
from shared.runs.agent_runs.lease import LEASE, WAITING_LEASE, LeaseLost, acquire_lease, check_fence
from shared.runs.agent_runs.results import group_effects
from shared.runs.agent_runs.rows import Run, RunContext
from shared.runs.agent_runs.spending import has_budget, settle_stored_calls
from shared.runs.agent_runs.turns import Worker
from shared.runs.terminal import TerminalWriter
from shared.runs.toolbox import agent_actor
from shared.store import Operation, fetch, get, get_many, load_text, put, save, store_text, transaction_guard, update_with_retry
from shared.work.comments.writing import NewComment, create_comment
from shared.work.items.beginning import set_in_progress
from shared.work.items.filing import filing_of, reindex
from shared.work.items.rows import Item
from shared.work.projects.rows import Project

WORK_SECONDS: Final = 3_600  # of a run, without waiting
APPROVAL_HOURS: Final = 72  # the state machine has the same number
State = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """The input of a step. `token` is the task token of a step that waits."""

    run_id: str
    execution: str
    state: State = field(default_factory=dict)
    token: str | None = None


def run_step(name: str, step: Step) -> State:
    """Do one step; return the next state."""
    try:
        return _STEPS[name](step)
    except LeaseLost:
        if name.startswith("wait_"):
            raise  # nobody would ever answer; the state machine goes to Fail, which does nothing then
        return {"run_id": step.run_id, "next": "finish"}


def claim(step: Step) -> State:
    """Claim the run for this execution."""

    def read() -> Run:
        run = fetch(Run, step.run_id)
        if run is None or run.ended or run.execution not in (None, step.execution):
            raise LeaseLost
        return run

    def change(run: Run) -> None:
        run.execution = step.execution
        if run.status == "pending":
            run.status = "assigned"
        run.fence += 1
        run.lease_until = clock.epoch() + LEASE

    update_with_retry(read, change)
    return {"run_id": step.run_id, "next": "check_limits"}


def check_limits(step: Step) -> State:
    """Decide whether a person has to approve the run first. (Budgets are checked before each model call.)"""
    run = acquire_lease(step.run_id, step.execution)
    rows: list[Any] = get_many([(Workspace, *Workspace.key(str(run.ws_id))), (Project, *Project.key(str(run.proj_id)))])
    workspace, project = rows
    reason = None if run.approved or run.started_at else _approval_reason(run, workspace, project)
    return {"run_id": step.run_id, "next": "approval" if reason else "load_context", "reason": reason}


def _approval_reason(run: Run, workspace: Workspace | None, project: Project | None) -> str | None:
    """Return why the run needs approval, or None: the workspace requires it for all runs, or the project for agents that build, deploy or
    change code."""
    agent = get_agent(run.agent_id)
    if workspace is not None and workspace.settings.get("requireApprovalForAgentRuns"):
        return "The workspace requires approval for agent runs"
    if (
        project is not None
        and project.settings.get("requireApprovalForDeployment")
        and (agent.high_risk or 8 in agent.allowed_lanes)
    ):
        return "The project requires approval for agents that build or deploy"
    return None


def wait_approval(step: Step) -> State:
    """Store what the run may do and its estimated cost, and wait; the answer comes with the task token."""

    def waiting(run: Run) -> dict[str, Any]:
        card = fetch(Item, run.item_id)
        return {
            "reason": step.state.get("reason") or "Approval is required",
            "since": clock.iso(),
            "expires_at": (run.waiting or {}).get("expires_at") or clock.in_seconds(APPROVAL_HOURS * 3_600),
            "agent": run.agent["display_name"],
            "card": {"id": run.item_id, "title": card.title if card else ""},
            "provider": run.provider,
            "model": run.model,
            "max_tokens": int(run.max_tokens),
            "actions": [{"tool": tool, "does": _tool_description(tool)} for tool in run.tools],
            "estimated_cost": usd(int(run.estimated_price_micros)) if run.estimated_price_micros is not None else None,
        }

    _wait_for_answer(step.run_id, step.execution, "approval", step.token, waiting)
    return {"run_id": step.run_id}


def _tool_description(tool: str) -> str:
    return " ".join((TOOLS[tool].__doc__ or "").split())


def wait_budget(step: Step) -> State:
    """Wait until a budget has room for the next call; resume at once if it was raised meanwhile."""
    shortfall = step.state.get("shortfall") or {}

    def waiting(_: Run) -> dict[str, Any]:
        return {"reason": "A budget has no room for the next call", "since": clock.iso()} | shortfall

    run = _wait_for_answer(step.run_id, step.execution, "budget", step.token, waiting)
    if step.token and has_budget(run):
        queue.resume_execution(step.token, {"granted": True})
    return {"run_id": step.run_id}


def _wait_for_answer(run_id: str, execution: str, what: str, token: str | None, about: Callable[[Run], dict[str, Any]]) -> Run:
    def change(run: Run) -> list[Operation]:
        before, earlier, again = run.status, run.waiting or {}, run.status == "waiting" and run.waiting_for == what
        run.status, run.waiting_for, run.wait_token, run.waiting = "waiting", what, token, about(run)
        run.fence += 1
        run.lease_until = clock.epoch() + WAITING_LEASE
        if again:  # another execution waited before this one: the event was recorded then, and `since` stays
            run.waiting |= {"since": earlier.get("since") or run.waiting["since"]}
            return _card_summary_operations(run)
        record(
            run,
            EventType.RUN_WAITING,
            SYSTEM,
            changes={"status": [before, "waiting"]},
            **event_data(run),
            waiting_for=what,
            reason=run.waiting["reason"],
            expires_at=run.waiting.get("expires_at"),
            estimated_price_micros=None if run.estimated_price_micros is None else int(run.estimated_price_micros),
        )
        return _card_summary_operations(run)

    run = update_with_retry(lambda: _fetch_own_run(run_id, execution), change)
    publish_status(run)
    return run


def _fetch_own_run(run_id: str, execution: str) -> Run:
    run = fetch(Run, run_id)
    if run is None or run.ended or run.execution != execution:
        raise LeaseLost
    return run


def _card_summary_operations(run: Run) -> list[Operation]:
    card = fetch(Item, run.item_id)
    if card is None:
        return []
    update_run_summary(card, run)
    return [save(card)]


def load_context(step: Step) -> State:
    """Start the work: put the card in progress and store the agent's first message."""
    ensure_running(step.run_id, step.execution)
    return {"run_id": step.run_id, "next": "turn"}


def ensure_running(run_id: str, execution: str) -> Run:
    """Start or resume the run if it is not running, store its first message if there is none, and return the run with a new fence."""
    run = _fetch_own_run(run_id, execution)
    if run.status == "running":  # its first message was stored in the transaction that started it
        return acquire_lease(run_id, execution)
    card = fetch(Item, run.item_id)
    if card is None or card.deleted_at:
        raise CardGone("The card was deleted before the run began")
    context = get(RunContext, f"RUN#{run.id}", "CONTEXT")
    if context is None:
        system, text = first_message(run, card, get_agent(run.agent_id))
        stored = store_text(f"runs/{run.ws_id}/{run.id}/context", text)
        context = RunContext(pk=f"RUN#{run.id}", sk="CONTEXT", text=stored, system=system)

    def change(run: Run) -> list[Operation]:
        before = run.status
        resumed = before == "waiting" and run.started_at is not None
        if run.deadline is not None and run.waiting:
            run.deadline += clock.epoch() - int(clock.parse(run.waiting["since"]).timestamp())
        run.status, run.waiting_for, run.waiting, run.wait_token = "running", None, None, None
        run.fence += 1
        run.lease_until = clock.epoch() + LEASE
        run.started_at = run.started_at or clock.iso()
        run.deadline = run.deadline or clock.epoch() + WORK_SECONDS
        kind = EventType.RUN_RESUMED if resumed else EventType.RUN_STARTED
        if before != "running":
            record(run, kind, get_actor(run), changes={"status": [before, "running"]}, **event_data(run))
        return [put(context), *_start_card(run)]

    run = update_with_retry(lambda: _fetch_own_run(run_id, execution), change)
    publish_status(run)
    return run


def _start_card(run: Run) -> list[Operation]:
    card = fetch(Item, run.item_id)
    if card is None:
        return []
    before = filing_of(card)
    if open_status := set_in_progress(card, get_actor(run)):
        run.status_before_run = open_status
    update_run_summary(card, run)
    return [save(card), *reindex(card, before, also_closed=True)]


def get_actor(run: Run) -> Actor:
    return agent_actor(get_agent(run.agent_id), str(run.ws_id), run.tools, run.proj_id)


def turn(step: Step) -> State:
    """Do one turn: one response of the model and its tool calls."""
    run = ensure_running(step.run_id, step.execution)
    journal = read_journal(run)
    if journal is None:
        raise LookupError(f"run {step.run_id} has no context")
    terminal = TerminalWriter(run.id, run.item_id, run.ws_id, guard=lambda: check_fence(run))
    try:
        with terminal:
            next_state = Worker(run, journal, terminal).take_turn()
    except BudgetExhausted as short:
        shortfall = {
            "reason": short.message,
            "scope": short.scope,
            f"needed_{short.unit}": short.needed,
            f"available_{short.unit}": short.available,
        }
        return {"run_id": step.run_id, "next": "budget", "shortfall": shortfall}
    publish_status(run)
    return {"run_id": step.run_id, "next": next_state}


def finish(step: Step) -> State:
    """Complete the run: store its result, comment on the card, end the lease."""
    run = acquire_lease(step.run_id, step.execution)
    journal = read_journal(run)
    if journal is None:
        raise LookupError(f"run {step.run_id} has no context")
    text = load_text(journal.last.turn.text).strip() if journal.last else ""
    _comment_summary(run, journal, text)

    def change(run: Run) -> None:
        run.result_summary = text[:4000] or "The agent finished without a word"
        run.result_data = group_effects(journal.effects)
        answered = sorted({exchange.turn.model for exchange in journal.exchanges})
        run.execution_metadata = run.execution_metadata | {"turns": len(journal.exchanges), "models": answered}

    run = end_run(
        run, "completed", get_actor(run), change, only_if=lambda one: one.execution == step.execution, called_by_execution=True
    )
    publish_status(run)
    return {"run_id": step.run_id, "next": "ended", "status": run.status}


def _comment_summary(run: Run, journal: Journal, text: str) -> None:
    """Write the summary as a comment on the card, unless the agent has commented itself."""
    if not text or any(one["kind"] == "comment" for one in journal.effects):
        return
    # the comment exists, or the card is deleted or archived
    with suppress(Conflict, NotFound), transaction_guard(lambda: [check_fence(run)]):
        create_comment(get_actor(run), run.item_id, NewComment(text[:10_000]), comment_id=derived_id("summary", run.id))


def fail(step: Step) -> State:
    """End the run with its error, which frees the card; a run that has ended does not change."""
    run = fetch(Run, step.run_id)
    if run is None:
        return {"run_id": step.run_id, "next": "ended"}
    if run.hold_turn is not None and run.execution == step.execution:
        settle_stored_calls(run, is_holder=True)  # before the end gives the reservation back
    code, message = read_error(step.state.get("error"))
    status = "cancelled" if code in ("CANCELLED", "APPROVAL_REJECTED") else "failed"
    run = end_run(
        run,
        status,
        SYSTEM,
        with_error(code, message),
        only_if=lambda one: one.execution in (None, step.execution),
        called_by_execution=True,
    )
    publish_status(run)
    if run.status == "failed" and (fault := fault_of(step.state.get("error"))):
        logs.work_failed("a run failed on our side", "run", run_id=run.id, error=fault)
    return {"run_id": step.run_id, "next": "ended", "status": run.status}


_STEPS: Final[dict[str, Callable[[Step], State]]] = {
    "claim": claim,
    "check_limits": check_limits,
    "wait_approval": wait_approval,
    "load_context": load_context,
    "turn": turn,
    "wait_budget": wait_budget,
    "finish": finish,
    "fail": fail,
}
