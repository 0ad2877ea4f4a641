"""Read collaborations: one with its newest messages, and those of a workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.people.tenancy.workspaces import authorize_workspace
from shared.sandboxes.collaborations.rows import Collaboration, CollaborationHead, collaborations_of
from shared.sandboxes.collaborations.state import State, from_json
from shared.sandboxes.messages.rows import Message
from shared.store import count, fetch_all, index_rows_before, load, read_ahead

SHOWN: Final = 50
"""Messages that are shown of a collaboration, the newest; the others are in the lists of its sandboxes."""
COUNTED: Final = 10_000
"""Collaborations of a workspace that are counted: past it the total says "so many at least"."""
_LAST: Final = "~"


@dataclass(frozen=True)
class Seen:
    """A collaboration, and its newest messages in the order in which they were sent."""

    row: Collaboration
    state: State
    messages: Sequence[Message]


@dataclass(frozen=True)
class Page:
    """Collaborations, newest first; how many there are, up to COUNTED; and where the next page begins, None at the end."""

    rows: list[CollaborationHead]
    total: int
    next: str | None


def get_collaboration(actor: Actor, collaboration_id: str) -> Seen:
    """Return a collaboration and its messages. Two round trips, three if there are answers. Raises NotFound and Forbidden."""
    row = load(Collaboration, collaboration_id, actor, Permission.WORKSPACE_READ)
    state = from_json(row.state)
    asked = fetch_all(Message, [row.message_id(ask.number) for ask in state.asks[-SHOWN:]], to_show=True)
    answers = fetch_all(Message, [str(one.response_id) for one in asked if one.response_id], to_show=True)
    messages = sorted([*asked, *answers], key=lambda one: (one.created_at, one.id))
    return Seen(row, state, messages[-SHOWN:])


def list_collaborations(actor: Actor, ws_id: str, limit: int, before: str | None = None) -> Page:
    """Return collaborations of a workspace, newest first. Two round trips. `before` is `Page.next`. Raises NotFound and Forbidden."""
    partition = collaborations_of(bare_id(ws_id))
    read = read_ahead(partial(index_rows_before, 1, partition, limit, before))
    counted = read_ahead(partial(count, CollaborationHead, partition, index=1, between=("0", _LAST), at_most=COUNTED))
    authorize_workspace(actor, ws_id, Permission.WORKSPACE_READ)
    rows = read.result()
    shown = rows[:limit]
    found = fetch_all(CollaborationHead, [row.id for row in shown], to_show=True)
    return Page(found, counted.result(), shown[-1].sort if len(rows) > limit else None)
