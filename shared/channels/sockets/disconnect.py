"""Close a user's sockets of a workspace at once. (What is missed here ends at the next push or message: `liveness`.)"""

from shared.channels.sockets.fanout import disconnect
from shared.channels.sockets.rows import Connection, Subscription
from shared.channels.sockets.topics import workspace_topic
from shared.store import delete, query, write

_MAX_ROWS = 50  # rows of a user's connections; ten may be open at once


def disconnect_member(user_id: str, ws_id: str) -> None:
    """Close the user's connections to the workspace. A connection with several workspaces stays open without this one."""
    topic = workspace_topic(ws_id)
    for connection in query(Connection, f"USER#{user_id}#CONN", index=1, limit=_MAX_ROWS).rows:
        if connection.ws_id == ws_id:
            disconnect(connection.id)
        elif topic in connection.topics:
            write(delete(Subscription.at(topic, connection.id)))
