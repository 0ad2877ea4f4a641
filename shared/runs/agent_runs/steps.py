"""The steps of the state machine, one function each. Every one may be run again after dying anywhere inside.

    Claim -> CheckLimits -> (WaitApproval) -> LoadContext -> Turn <-> WaitBudget -> Finish; anything that fails for good -> Fail

A step gets the state and answers the next one: `{"run_id", "next", ...}`, small ids only. `Lost` (the run ended or is in other
hands) is no failure: the machine goes to its end and nothing is written.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from shared.agents.catalogue.registry import get_agent
from shared.agents.tools import TOOLS
from shared.core import clock
from shared.core.actor import SYSTEM, Actor
from shared.core.errors import Conflict, NotFound
from shared.core.ids import derived_id
from shared.core.money import usd
from shared.events import EventType, record
from shared.money.budgets.reserving import BudgetExhausted
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.context import first_message
from shared.runs.agent_runs.ending import end, event_data, keep_summary, with_error
from shared.runs.agent_runs.failures import CardGone, read_error
from shared.runs.agent_runs.journal import Journal, read_journal
from shared.runs.agent_runs.lease import LEASE, WAITING_LEASE, Lost, held, take_up
from shared.runs.agent_runs.rows import Run, RunContext
from shared.runs.agent_runs.spending import has_room
from shared.runs.agent_runs.turns import Worker
from shared.runs.terminal import TerminalWriter, publish_run_status
from shared.runs.toolbox import agent_actor
from shared.store import Operation, fetch, get, get_many, load_text, put, save, store_text, transaction_guard, update_with_retry
from shared.work.comments.writing import NewComment, create_comment
from shared.work.items.rows import Item
from shared.work.projects.rows import Project

WORK_SECONDS: Final = 3_600  # of a run, waiting left out
APPROVAL_HOURS: Final = 72  # the state machine has the same number
State = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """What a step is given. `token` is the task token of a step that waits."""

    run_id: str
    execution: str
    state: State = field(default_factory=dict)
    token: str | None = None


def step(name: str, at: Step) -> State:
    """Do one step. Answers the next state."""
    try:
        return _STEPS[name](at)
    except Lost:
        if name.startswith("wait_"):
            raise  # nobody would ever answer; the machine goes to Fail, which finds nothing to do
        return {"run_id": at.run_id, "next": "finish"}


def claim(at: Step) -> State:
    """Take the run: from now on it belongs to this execution."""

    def read() -> Run:
        run = fetch(Run, at.run_id)
        if run is None or run.ended or run.execution not in (None, at.execution):
            raise Lost
        return run

    def change(run: Run) -> None:
        run.execution = at.execution
        if run.status == "pending":
            run.status = "assigned"
        run.fence += 1
        run.lease_until = clock.epoch() + LEASE

    update_with_retry(read, change)
    return {"run_id": at.run_id, "next": "check_limits"}


def check_limits(at: Step) -> State:
    """Whether a person has to approve the run first. (Budgets are asked before each call.)"""
    run = take_up(at.run_id, at.execution)
    found: list[Any] = get_many([(Workspace, *Workspace.key(str(run.ws_id))), (Project, *Project.key(str(run.proj_id)))])
    workspace, project = found
    reason = None if run.approved or run.started_at else _approval_reason(run, workspace, project)
    return {"run_id": at.run_id, "next": "approval" if reason else "load_context", "reason": reason}


def _approval_reason(run: Run, workspace: Workspace | None, project: Project | None) -> str | None:
    """Why the run waits for a person, if it does: every run where the workspace says so; where the project guards its
    deployments, the agents that build, deploy or change code."""
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


def wait_approval(at: Step) -> State:
    """Show what would be done and at what cost, and wait. The answer comes with the task token."""

    def waiting(run: Run) -> dict[str, Any]:
        card = fetch(Item, run.item_id)
        return {
            "reason": at.state.get("reason") or "Approval is required",
            "since": clock.iso(),
            "expires_at": (run.waiting or {}).get("expires_at") or clock.in_seconds(APPROVAL_HOURS * 3_600),
            "agent": run.agent["display_name"],
            "card": {"id": run.item_id, "title": card.title if card else ""},
            "provider": run.provider,
            "model": run.model,
            "max_tokens": int(run.max_tokens),
            "actions": [{"tool": tool, "does": _does(tool)} for tool in run.tools],
            "estimated_cost": usd(int(run.estimated_price_micros)) if run.estimated_price_micros is not None else None,
        }

    _wait(at.run_id, at.execution, "approval", at.token, waiting)
    return {"run_id": at.run_id}


def _does(tool: str) -> str:
    return " ".join((TOOLS[tool].__doc__ or "").split())


def wait_budget(at: Step) -> State:
    """No room for the next call: wait until somebody raises the cap. It may have been raised while this step began."""
    shortfall = at.state.get("shortfall") or {}

    def waiting(_: Run) -> dict[str, Any]:
        return {"reason": "A budget has no room for the next call", "since": clock.iso()} | shortfall

    run = _wait(at.run_id, at.execution, "budget", at.token, waiting)
    if at.token and has_room(run):
        queue.answer(at.token, {"granted": True})
    return {"run_id": at.run_id}


def _wait(run_id: str, execution: str, what: str, token: str | None, about: Callable[[Run], dict[str, Any]]) -> Run:
    def change(run: Run) -> list[Operation]:
        before, earlier, again = run.status, run.waiting or {}, run.status == "waiting" and run.waiting_for == what
        run.status, run.waiting_for, run.wait_token, run.waiting = "waiting", what, token, about(run)
        run.fence += 1
        run.lease_until = clock.epoch() + WAITING_LEASE
        if again:  # another execution waited before this one: it was told then, and has waited since then
            run.waiting |= {"since": earlier.get("since") or run.waiting["since"]}
            return _shown_on_card(run)
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
        return _shown_on_card(run)

    run = update_with_retry(lambda: _mine(run_id, execution), change)
    _tell(run)
    return run


def _mine(run_id: str, execution: str) -> Run:
    run = fetch(Run, run_id)
    if run is None or run.ended or run.execution != execution:
        raise Lost
    return run


def _shown_on_card(run: Run) -> list[Operation]:
    card = fetch(Item, run.item_id)
    if card is None:
        return []
    keep_summary(card, run)
    return [save(card)]


def load_context(at: Step) -> State:
    """Start the work: the card goes in progress, and what the agent is told is kept."""
    begin(at.run_id, at.execution)
    return {"run_id": at.run_id, "next": "turn"}


def begin(run_id: str, execution: str) -> Run:
    """The run as one that is running: started if it was not, resumed if it waited. Its conversation has a beginning after this."""
    run = _mine(run_id, execution)
    if run.status == "running" and get_context(run) is not None:
        return take_up(run_id, execution)
    card = fetch(Item, run.item_id)
    if card is None or card.deleted_at:
        raise CardGone("The card was deleted before the run began")
    context = get_context(run)
    system: str | None = run.system
    if context is None:
        system, text = first_message(run, card, get_agent(run.agent_id))
        context = RunContext(pk=f"RUN#{run.id}", sk="CONTEXT", text=store_text(f"runs/{run.ws_id}/{run.id}/context", text))

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
        run.system = system
        kind = EventType.RUN_RESUMED if resumed else EventType.RUN_STARTED
        if before != "running":
            record(run, kind, the_actor(run), changes={"status": [before, "running"]}, **event_data(run))
        return [put(context), *_lift(run)]

    run = update_with_retry(lambda: _mine(run_id, execution), change)
    _tell(run)
    return run


def get_context(run: Run) -> RunContext | None:
    return get(RunContext, f"RUN#{run.id}", "CONTEXT")


def _lift(run: Run) -> list[Operation]:
    card = fetch(Item, run.item_id)
    if card is None:
        return []
    if card.status in ("draft", "ready"):
        run.lifted_from = card.status
        record(
            card, EventType.ITEM_UPDATED, the_actor(run), changes={"status": [card.status, "in_progress"]}, board_id=card.board_id
        )
        card.status = "in_progress"
    keep_summary(card, run)
    return [save(card)]


def the_actor(run: Run) -> Actor:
    return agent_actor(get_agent(run.agent_id), str(run.ws_id), run.tools)


def turn(at: Step) -> State:
    """One answer of the model and its tool calls."""
    run = begin(at.run_id, at.execution)
    journal = read_journal(run)
    if journal is None:
        raise LookupError(f"run {at.run_id} has no context")
    terminal = TerminalWriter(run.id, run.item_id, run.ws_id, guard=lambda: held(run))
    try:
        with terminal:
            following = Worker(run, journal, terminal).take()
    except BudgetExhausted as short:
        shortfall = {
            "reason": short.message,
            "scope": short.scope,
            "needed_micros": short.needed,
            "available_micros": short.available,
        }
        return {"run_id": at.run_id, "next": "budget", "shortfall": shortfall}
    _tell(run)
    return {"run_id": at.run_id, "next": following}


def finish(at: Step) -> State:
    """The work is done: its summary and what it made land on the card, the lease ends."""
    run = take_up(at.run_id, at.execution)
    journal = read_journal(run)
    if journal is None:
        raise LookupError(f"run {at.run_id} has no context")
    said = load_text(journal.last.turn.said).strip() if journal.last else ""
    _comment(run, journal, said)

    def change(run: Run) -> None:
        run.result_summary = said[:4000] or "The agent finished without a word"
        run.result_data = _made(journal)
        answered = sorted({exchange.turn.model for exchange in journal.exchanges})
        run.execution_metadata = run.execution_metadata | {"turns": len(journal.exchanges), "models": answered}

    run = end(run, "completed", the_actor(run), change, still=lambda one: one.execution == at.execution, at_rest=True)
    _tell(run)
    return {"run_id": at.run_id, "next": "ended", "status": run.status}


_PLURALS: Final = {"discovery": "discoveries"}


def _made(journal: Journal) -> dict[str, Any]:
    made: dict[str, list[dict[str, Any]]] = {}
    for one in journal.made:
        made.setdefault(_PLURALS.get(one["kind"], f"{one['kind']}s"), []).append(
            {key: value for key, value in one.items() if key not in ("kind", "ref")}
        )
    return made


def _comment(run: Run, journal: Journal, said: str) -> None:
    """The summary as a comment on the card, for an agent that did not comment itself."""
    if not said or any(one["kind"] == "comment" for one in journal.made):
        return
    # the comment is there already, or the card is gone or archived
    with suppress(Conflict, NotFound), transaction_guard(lambda: [held(run)]):
        create_comment(the_actor(run), run.item_id, NewComment(said[:10_000]), comment_id=derived_id("summary", run.id))


def fail(at: Step) -> State:
    """Whatever went wrong, the run ends, says why, and lets the card go. Does nothing to a run that has ended."""
    run = fetch(Run, at.run_id)
    if run is None:
        return {"run_id": at.run_id, "next": "ended"}
    code, message = read_error(at.state.get("error"))
    status = "cancelled" if code in ("CANCELLED", "APPROVAL_REJECTED") else "failed"
    run = end(
        run, status, SYSTEM, with_error(code, message), still=lambda one: one.execution in (None, at.execution), at_rest=True
    )
    _tell(run)
    return {"run_id": at.run_id, "next": "ended", "status": run.status}


def _tell(run: Run) -> None:
    publish_run_status(run.id, run.item_id, run.ws_id, run.status, progress=int(run.progress))


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
