"""Reading interventions: one, and those in the caller's workspaces."""

from itertools import islice
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.runs.guardian.rows import GuardianAction, actions_of, actions_on
from shared.runs.guardian.settling import as_of_now
from shared.store import IndexRow, ReadFuture, fetch_all, index_rows, load, page_of, read_ahead
from shared.work.projects.reading import in_workspaces

LISTED: Final = 5_000  # interventions of a workspace, the newest, of which a page can be asked for


def get_action(actor: Actor, action_id: str) -> GuardianAction:
    """Return an intervention. One round trip. Raises NotFound, Forbidden."""
    (action,) = as_of_now([load(GuardianAction, action_id, actor, Permission.PROJECT_READ)])
    return action


def list_actions(
    actor: Actor, action_type: str | None, target: str | None, *, limit: int, offset: int = 0
) -> tuple[list[GuardianAction], int]:
    """Return a page of the interventions in all the actor's workspaces, newest first, and how many there are. Two round trips."""

    def begin(ws_id: str) -> ReadFuture[list[IndexRow]]:
        index, partition = (1, actions_of(ws_id)) if target is None else (2, actions_on(ws_id, bare_id(target)))
        return read_ahead(lambda: list(islice(index_rows(index, partition, newest_first=True), LISTED)))

    found = [row for read in in_workspaces(actor, begin) for row in read.result()]
    wanted = [row for row in found if action_type in (None, row.f["action_type"])]
    rows, total = page_of(sorted(wanted, key=lambda row: row.sort, reverse=True), offset, limit)
    return as_of_now(fetch_all(GuardianAction, [row.id for row in rows], to_show=True)), total
