"""Start agents automatically: a card that moves into a lane with an agent gets a run, if the project and its config allow it.

A move starts the lane's agent; if no person made the move, within the limits of `shared.runs.agent_runs.run_limits`.
A move by a working agent cannot (its run still holds the card); the end of that run does.
Creating a card starts nothing: where it is created is no decision to spend money.

Idempotent by the event: the run's id is derived from it.
"""

import logging
from typing import Any

from shared.agents.catalogue.registry import get_agent
from shared.core.errors import CadreError, ConditionFailed, Conflict, LimitExceeded, NotFound, Upstream
from shared.core.ids import derived_id
from shared.events import EventType
from shared.events.change import Change
from shared.people.tenancy.limits import MONTHLY_LIMITS, workspace_limit
from shared.people.tenancy.rows import Organization, Workspace
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.approvals import resume_waiting
from shared.runs.agent_runs.requesting import RunRequest, request_run, starter
from shared.runs.agent_runs.rows import Run
from shared.store import fetch, get_many
from shared.work.boards.rows import Lane
from shared.work.items.rows import ItemHead
from shared.work.projects.agent_configs import AgentConfig, is_auto_triggered, workspace_defaults
from shared.work.projects.rows import Project

log = logging.getLogger(__name__)


def react(change: Change) -> None:
    if change.event.type is EventType.ITEM_MOVED and change.kind == ItemHead.KIND:
        moved = change.event.changes.get("lane_id")
        if moved and change.event.actor["kind"] != "agent":
            mover = change.event.actor
            _start(change, change.id, str(moved[1]), mover, automatic=mover["kind"] == "system")
    elif change.event.type is EventType.RUN_COMPLETED:
        run = change.after(Run)
        if (run.result_data or {}).get("moves"):
            card = fetch(ItemHead, run.item_id)
            if card is not None and not card.deleted_at:
                _start(change, card.id, card.lane_id, run.triggered_by, automatic=True)
    elif change.event.type is EventType.WORKSPACE_UPDATED:
        _resume(change)


def _start(change: Change, card_id: str, lane_id: str, mover: dict[str, str], *, automatic: bool) -> None:
    project_id = str(change.proj_id)
    project, lane = get_many([(Project, *Project.key(project_id)), (Lane, *Lane.key(lane_id))], consistent=False)
    if not isinstance(project, Project) or not isinstance(lane, Lane) or not lane.auto_trigger_agent:
        return
    if not project.settings.get("autoTriggerAgents") or project.status != "active":
        return
    try:
        agent = get_agent(lane.auto_trigger_agent)
    except NotFound:
        return
    rows: list[Any] = get_many(
        [
            (AgentConfig, *AgentConfig.key_in(project_id, agent.id)),
            (Workspace, *Workspace.key(str(change.ws_id))),
            (Organization, *Organization.key(str(change.org_id))),
        ]
    )
    config, workspace, organization = rows
    if organization is None or organization.status != "active":
        return
    if workspace is None or not is_auto_triggered(config, workspace_defaults(workspace.settings, agent)):
        return
    run_id = derived_id("auto-run", change.event.id, agent.name)
    try:
        request = RunRequest(trigger="lane", automatic=automatic, run_id=run_id)
        request_run(starter(mover, str(change.ws_id)), card_id, agent.id, request)
    except (ConditionFailed, Conflict, LimitExceeded, NotFound) as error:
        _retry_start(run_id, error)
    except Upstream:
        raise  # the queue failed; the run has already ended as failed
    except CadreError as error:
        log.info("no automatic run", extra={"card": card_id, "agent": agent.name, "reason": error.message})


def _retry_start(run_id: str, error: CadreError | ConditionFailed) -> None:
    """Handle an event that has already started its run: if the run still waits, its message may be missing, so send it. Two
    messages start one execution."""
    run = fetch(Run, run_id)
    if run is not None and run.status == "pending":
        queue.enqueue(run.id, int(run.attempt))
    elif run is None:
        log.info("no automatic run", extra={"run": run_id, "reason": str(error)})


def _resume(change: Change) -> None:
    before, after = change.before(Workspace), change.after(Workspace)
    raised = [before is None or workspace_limit(after, name) > workspace_limit(before, name) for name in MONTHLY_LIMITS]
    if any(raised):
        resume_waiting(after.id)
