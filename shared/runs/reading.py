"""Runs as people look at them."""

from dataclasses import dataclass

from shared.core.actor import Actor, Permission
from shared.items.rows import Item
from shared.runs.rows import Run
from shared.store import collection, fetch_all, load


@dataclass(frozen=True)
class Page:
    runs: list[Run]
    total: int


def runs_of(
    actor: Actor, card_id: str, *, agent_id: str | None = None, shown_as: str | None = None, limit: int = 50, offset: int = 0
) -> Page:
    """A card's runs, newest first. `shown_as`: pending | running | completed | failed | cancelled. Three round trips."""
    card = load(Item, card_id, actor, Permission.CARD_READ)
    rows = [
        row
        for row in reversed(collection(1, f"ITEM#{card.id}", "RUN#"))
        if (agent_id is None or row.f["agent_id"] == agent_id)
        and (shown_as is None or shown_status(row.f["status"], started=row.f["started"]) == shown_as)
    ]
    return Page(fetch_all(Run, [row.id for row in rows[offset : offset + limit]]), len(rows))


def the_run(actor: Actor, run_id: str) -> Run:
    return load(Run, run_id, actor, Permission.CARD_READ)


def shown_status(status: str, *, started: bool) -> str:
    """The five words people know: a run that waits is pending before it started, and running after."""
    if status == "waiting":
        return "running" if started else "pending"
    return "pending" if status == "assigned" else status
