"""Stop the agents of a deleted card and of an archived project: what they would still do costs money and can be kept nowhere."""

from shared.core.actor import SYSTEM
from shared.events import EventType
from shared.events.change import Change
from shared.runs.agent_runs.approvals import stop_run
from shared.runs.agent_runs.reading import active_run_ids
from shared.runs.agent_runs.rows import Run
from shared.store import fetch, fetch_all
from shared.work.items.rows import ItemHead
from shared.work.projects.rows import Project


def react(change: Change) -> None:
    if change.event.type is EventType.ITEM_DELETED and change.kind == ItemHead.KIND:
        _stop(change.after(ItemHead).lease_run, "The card was deleted")
    elif change.event.type is EventType.PROJECT_ARCHIVED and change.kind == Project.KIND:
        _stop_all(change.id)


def _stop(run_id: str | None, reason: str) -> None:
    run = fetch(Run, run_id) if run_id else None
    if run is not None and not run.ended:
        stop_run(SYSTEM, run, reason)


def _stop_all(project_id: str) -> None:
    """Stop what runs in a project, unless it was restored meanwhile."""
    project = fetch(Project, project_id)
    if project is not None and project.status != "active":
        for run in fetch_all(Run, active_run_ids(project_id)):
            if not run.ended:
                stop_run(SYSTEM, run, "The project was archived")
