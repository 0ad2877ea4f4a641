"""What becomes of an intervention later: it is looked at what it has brought, and some are taken back by themselves.

An intervention counts as `effective` if the work went on after it: another task of the card, or the task itself, was begun or completed
(cancel_task); the task was begun or completed (override_priority); the agent uses the capacity that it got (reallocate). Else it is
`no_effect`, or `reverted`.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Role
from shared.core.errors import CadreError
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.runs.agent_runs.rows import Run
from shared.runs.agent_runs.steering import GUARDIAN
from shared.runs.guardian.policies import SCORE_SECONDS
from shared.runs.guardian.reverting import revert
from shared.runs.guardian.rows import DUE, GuardianAction
from shared.runs.live_agents.rows import LiveAgent
from shared.store import fetch, fetch_all, index_rows, is_stale, iterate_shards, process_all, update_with_retry
from shared.work.tasks.rows import MAX_CARD_TASKS, TaskHead, tasks_of_card

_PAGE: Final = 50
_ARCHIVED: Final = frozenset({Situation.PROJECT_ARCHIVED, Situation.CARD_ARCHIVED})
_AGAIN: Final = 24 * 3_600  # seconds


def settle_due(until: float) -> int:
    """Score the interventions that are due, and take back those whose time is over. Return how many. Stops at `until`."""
    rows = iterate_shards(GuardianAction, DUE, until, index=3, between=("0", f"{clock.iso()}#~"), limit=_PAGE)
    return process_all(DUE.name, rows, lambda row: _settle(row.entity_id), lambda row: f"{GuardianAction.NAME} {row.entity_id}")


def as_of_now(actions: Sequence[GuardianAction]) -> list[GuardianAction]:
    """Return interventions as they are at this moment: one whose time is over is taken back before it is shown, whenever the job runs."""
    overdue = [action.id for action in actions if action.is_overdue]
    for action_id in overdue:
        _settle(action_id)
    fresh = {action.id: action for action in fetch_all(GuardianAction, overdue)} if overdue else {}
    return [fresh.get(action.id, action) for action in actions]


def _settle(action_id: str) -> int:
    action = fetch(GuardianAction, action_id)
    now = clock.iso()
    if action is None or action.due_at is None or action.due_at > now:
        return 0
    kept_because, again_at = _take_back(action) if action.is_overdue else (None, None)

    def change(row: GuardianAction) -> None:
        if kept_because:
            row.kept_because = kept_because
        if again_at:
            row.again_at = again_at
        if row.outcome is None and (
            row.reverted_at or (clock.now() - clock.parse(row.created_at)).total_seconds() >= SCORE_SECONDS
        ):
            result, why = outcome_of(row)
            row.outcome = {"result": result, "why": why, "at": clock.iso()}
            record(row, EventType.INTERVENTION_SCORED, GUARDIAN, action_type=row.action_type, result=result)
        row.plan()

    update_with_retry(lambda: fetch(GuardianAction, action_id) or action, change)
    return 1


def _take_back(action: GuardianAction) -> tuple[str | None, str | None]:
    """Revert an intervention whose time is over. Return why that is not possible, or when to try it again: what is archived now may be
    brought back."""
    actor = Actor(GUARDIAN.id, GUARDIAN.name, kind="system", workspaces={str(action.ws_id): Role.OWNER})
    try:
        revert(actor, action.id, f"The time of an intervention of the policy {action.policy} is over")
    except CadreError as error:
        if is_stale(error):
            raise
        if error.situation in _ARCHIVED:
            return None, clock.in_seconds(_AGAIN)
        return error.message, None
    return None, None


def outcome_of(action: GuardianAction) -> tuple[str, str]:
    """Return what an intervention has brought, and why it counts so."""
    if action.reverted_at:
        return "reverted", "It was taken back"
    since = action.created_at
    if action.action_type == "reallocate" and "to_agent_id" not in action.before:
        held = [
            task
            for task in fetch_all(TaskHead, action.before["task_ids"])
            if max(task.started_at or "", task.completed_at or "") > since
        ]
        return ("effective", "Others went on with its tasks") if held else ("no_effect", "Nobody went on with its tasks")
    if action.action_type == "reallocate":
        taker = fetch(LiveAgent, action.before["to_agent_id"])
        uses = taker is not None and len(taker.task_ids) > action.before["to_capacity"]
        return ("effective", "The agent uses the capacity") if uses else ("no_effect", "The agent does not use the capacity")
    if action.action_type == "override_priority":
        task = fetch(TaskHead, action.target_entity)
        went_on = task is not None and max(task.started_at or "", task.completed_at or "") > since
        return ("effective", "The task was begun or completed") if went_on else ("no_effect", "The task was not begun")
    card_id = _card_of(action)
    went_on = card_id is not None and _card_goes_on(card_id, action)
    return (
        ("effective", "Work on the ticket went on") if went_on else ("no_effect", "No work on the ticket was begun or completed")
    )


def _card_of(action: GuardianAction) -> str | None:
    if action.before.get("run_id") == action.target_entity:
        run = fetch(Run, action.target_entity)
        return None if run is None else str(run.item_id)
    task = fetch(TaskHead, action.target_entity)
    return None if task is None else str(task.item_id)


def _card_goes_on(card_id: str, action: GuardianAction) -> bool:
    for row in islice(index_rows(2, tasks_of_card(card_id)), MAX_CARD_TASKS):
        stopped = row.id == action.target_entity and row.f["status"] in ("failed", "cancelled")
        times = [row.f.get("started_at") or "", row.f.get("completed_at") or ""]
        if not stopped and max(times) > action.created_at:
            return True
    return False
