"""Close a user's sockets of a workspace at once. (What is missed here ends at the next push or message: `liveness`.)"""

from shared.channels.sockets.connections import get_connection
from shared.channels.sockets.fanout import disconnect
from shared.channels.sockets.rows import Connection, Subscription
from shared.channels.sockets.topics import workspace_topic
from shared.store import delete, query, retrying, update, write

_MAX_ROWS = 50  # rows of a user's connections; ten may be open at once


def disconnect_member(user_id: str, ws_id: str) -> None:
    """Close the user's connections to the workspace. A connection with several workspaces stays open without this one."""
    topic = workspace_topic(ws_id)
    for connection in query(Connection, f"USER#{user_id}#CONN", index=1, limit=_MAX_ROWS).rows:
        if connection.ws_id == ws_id:
            disconnect(connection.id)
        else:
            _leave(connection.id, topic)


def _leave(connection_id: str, topic: str) -> None:
    """Take a topic from a connection, together with its subscription: whoever changes all subscriptions goes by the topics."""

    def attempt(_: int) -> None:
        connection = get_connection(connection_id)
        if connection is None or topic not in connection.topics:
            return
        others = [one for one in connection.topics if one != topic]
        unchanged = Connection.topics == connection.topics
        row = Connection(pk=connection.pk, sk=connection.sk)
        write(update(row, [Connection.topics.set(others)], unchanged), delete(Subscription.at(topic, connection_id)))

    retrying(attempt)
