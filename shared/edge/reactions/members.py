"""The members of a workspace: shown under their present names, and heard no more when they have left.

Both look at what is now, not at what the event says: an event that is replayed brings no old name back, and closes nobody's sockets who
has come again.
"""

from shared.channels.sockets.disconnect import disconnect_member
from shared.events import EventType
from shared.events.change import Change
from shared.people.access import records
from shared.people.identity.users import User
from shared.people.tenancy.display_names import update_display_names
from shared.people.tenancy.rows import WorkspaceMembership
from shared.store import fetch

_SHOWN = {"name", "avatar_url"}


def react(change: Change) -> None:
    if change.event.type is EventType.USER_UPDATED and _SHOWN & set(change.event.changes):
        user = fetch(User, change.id)
        if user is not None:
            update_display_names(user.as_actor())
    elif change.event.type is EventType.MEMBER_REMOVED and change.kind == WorkspaceMembership.KIND:
        held, ws_id = records.find_access(change.id), str(change.ws_id)
        if held is None or ws_id not in dict(held.workspaces):
            disconnect_member(change.id, ws_id)
