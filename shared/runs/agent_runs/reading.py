"""Reading runs."""

from dataclasses import dataclass
from functools import partial

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs.rows import ENDED, ActiveRuns, Run, runs_of
from shared.store import CountedRows, count, fetch, fetch_all, get, get_all, load, query, read_ahead
from shared.work.items.rows import ItemHead


@dataclass(frozen=True)
class RunPage:
    """A page of runs, and how many there are in all."""

    runs: list[Run]
    total: int


def list_runs(
    actor: Actor, card_id: str, *, agent_id: str | None = None, status: str | None = None, limit: int = 50, offset: int = 0
) -> RunPage:
    """Return a page of a card's runs, newest first; two round trips, three for a page that is not at the head of the list.

    `status`: pending | running | completed | failed | cancelled.
    """
    rows = CountedRows(runs_of(bare_id(card_id)), offset + limit, newest_first=True)
    load(ItemHead, card_id, actor, Permission.CARD_READ)

    def wanted(label: str) -> bool:
        agent, _, state = label.partition("/")
        return (agent_id is None or agent == agent_id) and (status is None or state == (status if status in ENDED else "active"))

    if status is None or status in ENDED:
        page = rows.page(offset, limit, wanted)
        shown, total = page.rows(), page.total
    else:  # counted together with the other active runs: a card has one, or a few whose workers have died
        active = [row for row in rows.all(wanted) if public_status(row.f["status"], started=row.f["started"]) == status]
        shown, total = active[offset : offset + limit], len(active)
    return RunPage(fetch_all(Run, [row.id for row in shown], to_show=True), total)


@dataclass(frozen=True)
class WaitingRun:
    """A run that waits for an answer, with its card's title."""

    run: Run
    title: str


def list_waiting_runs(
    actor: Actor, ws_id: str, *, waiting_for: str | None = None, limit: int = 50, offset: int = 0
) -> tuple[list[WaitingRun], int]:
    """Return a page of the runs that wait for an answer, longest wait first, and their number; two round trips.

    `waiting_for`: approval | budget. Raises NotFound, Forbidden.
    """
    kinds = [waiting_for] if waiting_for else ["approval", "budget"]
    prefixes = [f"{kind}#{bare_id(ws_id)}#" for kind in kinds]
    waiting = [read_ahead(partial(_first_waiting, prefix, offset + limit)) for prefix in prefixes]
    load(Workspace, ws_id, actor, Permission.CARD_READ)
    found = [first.result() for first in waiting]
    rows = sorted((row for first, _ in found for row in first), key=lambda row: str(row.gsi3sk).split("#")[2:])
    total = sum(number for _, number in found)
    page = rows[offset : offset + limit]
    cards = dict.fromkeys(str(row.f["item_id"]) for row in page if row.f and "item_id" in row.f)
    read = get_all([*((Run, *Run.key(row.entity_id)) for row in page), *((ItemHead, *ItemHead.key(card)) for card in cards)])
    titles = {card.id: card.title for card in read if isinstance(card, ItemHead)}
    runs = [run for run in read if isinstance(run, Run) and run.status == "waiting"]
    return [WaitingRun(run, titles.get(run.item_id, "")) for run in runs], total


def _first_waiting(prefix: str, number: int) -> tuple[list[Run], int]:
    """Return the first index rows of the runs that wait, and how many wait."""
    first = query(Run, "RUNS#WAITING", index=3, prefix=prefix, limit=number)
    return first.rows, len(first.rows) if first.next_key is None else count(Run, "RUNS#WAITING", index=3, prefix=prefix)


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
