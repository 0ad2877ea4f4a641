"""Reading runs."""

from dataclasses import dataclass
from functools import partial

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs.rows import ActiveRuns, Run
from shared.store import begin_index_rows, collection, fetch, fetch_all, get, load, page_of, read_ahead
from shared.work.items.rows import Item


@dataclass(frozen=True)
class RunPage:
    """A page of runs, and how many there are in all."""

    runs: list[Run]
    total: int


def list_runs(
    actor: Actor, card_id: str, *, agent_id: str | None = None, status: str | None = None, limit: int = 50, offset: int = 0
) -> RunPage:
    """Return a page of a card's runs, newest first; two round trips, one more for each megabyte of the index.

    `status`: pending | running | completed | failed | cancelled.
    """
    index = begin_index_rows(1, f"ITEM#{bare_id(card_id)}", "RUN#", newest_first=True)
    load(Item, card_id, actor, Permission.CARD_READ)
    rows = (
        row
        for row in index
        if (agent_id is None or row.f["agent_id"] == agent_id)
        and (status is None or public_status(row.f["status"], started=row.f["started"]) == status)
    )
    page, total = page_of(rows, offset, limit)
    return RunPage(fetch_all(Run, [row.id for row in page], to_show=True), total)


@dataclass(frozen=True)
class WaitingRun:
    """A run that waits for an answer, with its card's title."""

    run: Run
    title: str


def list_waiting_runs(
    actor: Actor, ws_id: str, *, waiting_for: str | None = None, limit: int = 50, offset: int = 0
) -> tuple[list[WaitingRun], int]:
    """Return a page of the runs that wait for an answer, longest wait first, and their number; at most three round trips.

    `waiting_for`: approval | budget. Raises NotFound, Forbidden.
    """
    kinds = [waiting_for] if waiting_for else ["approval", "budget"]
    prefixes = [f"{kind}#{bare_id(ws_id)}#" for kind in kinds]
    waiting = [read_ahead(partial(collection, 3, "RUNS#WAITING", prefix)) for prefix in prefixes]
    load(Workspace, ws_id, actor, Permission.CARD_READ)
    rows = [row for found in waiting for row in found.result()]
    rows.sort(key=lambda row: row.sort.split("#")[2:])
    runs = [run for run in fetch_all(Run, [row.id for row in rows[offset : offset + limit]]) if run.status == "waiting"]
    titles = {card.id: card.title for card in fetch_all(Item, dict.fromkeys(run.item_id for run in runs))}
    return [WaitingRun(run, titles.get(run.item_id, "")) for run in runs], len(rows)


def active_run_ids(project_id: str) -> list[str]:
    """Return the ids of the runs that are under way in a project; as many as it allows at once."""
    row = get(ActiveRuns, ActiveRuns.for_project(project_id).pk, "RUNS")
    return sorted(row.run_ids or ()) if row else []


def get_run(actor: Actor, run_id: str) -> Run:
    return load(Run, run_id, actor, Permission.CARD_READ)


def public_status(status: str, *, started: bool) -> str:
    """Map the status to the five public ones: a waiting run is pending before its start and running afterwards."""
    if status == "waiting":
        return "running" if started else "pending"
    return "pending" if status == "assigned" else status


def is_outdated(run_id: str, status: str, version: int | None) -> bool:
    """Tell whether a status of a run is over: the run has another one since. Whoever changed it has told the new one. One read."""
    run = fetch(Run, run_id) if version is not None else None
    return run is not None and version is not None and run.version > version and run.status != status
