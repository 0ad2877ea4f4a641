"""Update the displayed names of members; end the sockets of removed members, and the invitations of who may no longer invite.

All use the current state, not the event's: a replayed event restores no old name and disconnects nobody who has joined again.
"""

from shared.channels.sockets.disconnect import disconnect_member
from shared.events import EventType
from shared.events.change import Change
from shared.people.access import records
from shared.people.identity.users import User
from shared.people.tenancy.display_names import update_display_names
from shared.people.tenancy.invitations import cancel_of_member
from shared.people.tenancy.rows import WorkspaceMembership
from shared.store import fetch

_DISPLAYED = {"name", "avatar_url"}


def react(change: Change) -> None:
    if change.event.type is EventType.USER_UPDATED and _DISPLAYED & set(change.event.changes):
        user = fetch(User, change.id)
        if user is not None:
            update_display_names(user.as_actor())
    elif change.event.type is EventType.MEMBER_REMOVED and change.kind == WorkspaceMembership.KIND:
        access, ws_id = records.find_access(change.id), str(change.ws_id)
        if access is None or ws_id not in dict(access.workspaces):
            disconnect_member(change.id, ws_id)
        cancel_of_member(ws_id, change.id)
    elif change.event.type is EventType.MEMBER_UPDATED and change.kind == WorkspaceMembership.KIND:
        cancel_of_member(str(change.ws_id), change.id)
