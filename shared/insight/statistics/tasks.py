"""How many tasks wait, from the counts of the workspaces' lists of tasks; and how long agents worked on those of a card."""

from collections.abc import Callable
from functools import partial

from shared.core import clock
from shared.store import count_entries, first_index_rows, read_ahead
from shared.work.tasks.rows import MAX_CARD_TASKS, tasks_of, tasks_of_card


def begin_pending_tasks(ws_id: str, project_id: str | None = None) -> Callable[[], int]:
    """Begin to count the pending tasks of a workspace, or of one project in it; what is returned waits for the number."""

    def waits(label: str) -> bool:
        status, _, project = label.split(" ")
        return status == "pending" and project_id in (None, project)

    return read_ahead(partial(count_entries, tasks_of(ws_id), waits)).result


def card_task_times(card_id: str) -> dict[str, tuple[float, int]]:
    """Return how many seconds each agent worked on the tasks of a card, and how many of them it completed; what is under way counts until
    now. One query."""
    work: dict[str, tuple[float, int]] = {}
    for row in first_index_rows(2, tasks_of_card(card_id), MAX_CARD_TASKS)[0]:
        agent_id, started, ended = (row.f.get(name) for name in ("agent_id", "started_at", "completed_at"))
        if agent_id and started:
            end = clock.parse(ended) if ended else clock.now()
            seconds, done = work.get(agent_id, (0.0, 0))
            spent = max(0.0, (end - clock.parse(started)).total_seconds())
            work[agent_id] = seconds + spent, done + int(row.f["status"] == "completed")
    return work
