"""Ending a run: once, in one transaction with everything that depends on it.

The transaction changes the run's status and event, the card's lease and list of runs, the project's set of active runs, the agent's
record, and the reservation of a call that will not be settled. If somebody else ends the run while a model call is in progress, the
reservation stays: the call costs money and settles it (`shared.runs.agent_runs.spending`), or the sweep releases it after the run's lease.
"""

from collections.abc import Callable
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor
from shared.events import EventType, record
from shared.money.budgets.reserving import release_reservation
from shared.runs.agent_runs.rows import ActiveRuns, AgentStats, Run, runs_of
from shared.runs.terminal import publish_run_status
from shared.store import Operation, fetch, relabel, retrying, save, stale, update, write
from shared.work.items.filing import filing_of, reindex
from shared.work.items.rows import Item

RECENT_RUNS: Final = 10  # run summaries that a card stores
_EVENTS = {
    "completed": EventType.RUN_COMPLETED,
    "failed": EventType.RUN_FAILED,
    "cancelled": EventType.RUN_CANCELLED,
}


def end_run(
    run: Run,
    status: str,
    actor: Actor,
    change: Callable[[Run], None],
    *,
    only_if: Callable[[Run], bool] = lambda _: True,
    called_by_execution: bool = False,
) -> Run:
    """End a run as completed, failed or cancelled; `change` sets its result or error. Returns the run as it is afterwards.

    A run that has ended does not change. `called_by_execution`: the caller is the run's own execution, so no model call is in
    progress. `only_if` is checked against every version that is read; if it is false, the run does not change. Two round trips, more if
    somebody else writes the run or its card at the same moment.
    """

    def attempt(number: int) -> Run:
        row = fetch(Run, run.id) if number else run
        if row is None:
            raise stale()
        if not row.ended and only_if(row):
            write(*end_operations(row, status, actor, change, called_by_execution=called_by_execution))
        return row

    return retrying(attempt, times=8)


def with_error(code: str, message: str) -> Callable[[Run], None]:
    """Return a change that sets the error of a run."""

    def change(run: Run) -> None:
        run.error_code, run.error_message = code, message[:2000]

    return change


def end_operations(
    run: Run, status: str, actor: Actor, change: Callable[[Run], None], *, called_by_execution: bool = False
) -> list[Operation]:
    """Return the operations that end a run as it was read."""
    reservation, before, label = run.hold, run.status, run.label
    run.status, run.waiting_for, run.waiting, run.wait_token = status, None, None, None
    if reservation and not called_by_execution and run.lease_until > clock.epoch():
        run.held_until, reservation = run.lease_until, None
    else:
        run.hold, run.hold_turn = None, None
    run.fence += 1
    run.lease_until = 0
    run.completed_at = clock.iso()
    if status == "completed":
        run.progress = 100
    change(run)
    record(run, _EVENTS[status], actor, changes={"status": [before, status]}, **event_data(run))
    operations = [
        save(run),
        update(ActiveRuns.for_project(str(run.proj_id)), [ActiveRuns.run_ids.delete({run.id})]),
        update(AgentStats(*AgentStats.key_of(str(run.ws_id), run.agent_id)), _agent_stats_updates(run)),
        *relabel(runs_of(run.item_id), run.counted_in, label, run.label),
        *release_reservation(reservation),
    ]
    card = fetch(Item, run.item_id)
    return operations if card is None else [*operations, *_release_card(card, run, actor)]


def _release_card(card: Item, run: Run, actor: Actor) -> list[Operation]:
    """End the lease of the run on its card, set the card's status, and return the operations that write it."""
    before = filing_of(card)
    _end_lease(card, run, actor)
    return [save(card), *reindex(card, before, also_closed=True)]


def _end_lease(card: Item, run: Run, actor: Actor) -> None:
    update_run_summary(card, run)
    if card.lease_run != run.id:
        return
    card.lease_run = None
    if run.status_before_run and card.status == "in_progress" and card.deleted_at is None:
        # finished work is ready for review; after a run that failed, was cancelled or only asked, the card has its old status again
        status = "ready" if run.status == "completed" and not run.has_only_comments else run.status_before_run
        record(card, EventType.ITEM_UPDATED, actor, changes={"status": ["in_progress", status]}, board_id=card.board_id)
        card.status = status


def update_run_summary(card: Item, run: Run) -> None:
    """Update the run's summary on the card; newest first."""
    others = [one for one in card.recent_runs if one["id"] != run.id]
    card.recent_runs = sorted([run.summary, *others], key=lambda one: one["created_at"], reverse=True)[:RECENT_RUNS]


def event_data(run: Run) -> dict[str, Any]:
    """Return the data that every event of a run contains."""
    return {
        "run_id": run.id,
        "card_id": run.item_id,
        "agent_id": run.agent_id,
        "agent_name": run.agent["display_name"],
        "status": run.status,
        "started": run.started_at is not None,
        "triggered_by": run.triggered_by,
        "duration_ms": run.duration_ms,
        "customer_price_micros": int(run.customer_price_micros),
        "error_code": run.error_code,
    }


def _agent_stats_updates(run: Run) -> list[Any]:
    return [
        AgentStats.runs.add(1),
        AgentStats.succeeded.add(int(run.status == "completed")),
        AgentStats.duration_ms.add(run.duration_ms or 0),
        AgentStats.last_used.set(run.completed_at),
        *(_measured(run) if run.status == "completed" else ()),
    ]


def _measured(run: Run) -> list[Any]:
    made = sum(len(ones) for ones in (run.result_data or {}).values() if isinstance(ones, list))
    return [AgentStats.measured.add(1), AgentStats.tokens.add(run.total_tokens), AgentStats.made.add(made)]


def publish_status(run: Run) -> None:
    """Send the run's status to the viewers of its card's terminal, as it was written last."""
    started = run.started_at is not None
    progress, version = int(run.progress), int(run.version)
    publish_run_status(run.id, run.item_id, run.ws_id, run.status, started=started, progress=progress, version=version)
