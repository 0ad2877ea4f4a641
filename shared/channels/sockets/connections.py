"""Opening and closing connections: at most ten a user, whatever the race."""

from collections.abc import Sequence

from shared.channels.sockets.rows import LONGEST, Connection, DueConnection, OpenConnections, Subscription
from shared.core import clock
from shared.core.errors import Conflict, LimitExceeded, Raced
from shared.core.situations import Situation
from shared.store import create, delete, get, put, query, update, update_now, write

LIMIT = 10  # concurrent connections a user; the one document that gives a number says 10
_FULL = LimitExceeded(Situation.LIMIT_REACHED, f"At most {LIMIT} connections may be open at once", {"limit": LIMIT})
_GONE = Raced("The connection is closed already")


def open_connection(connection: Connection, subscriptions: Sequence[Subscription] = ()) -> None:
    """Write a connection and what it listens to. Raises LimitExceeded (LIMIT)."""
    counted = OpenConnections.of(connection.user_id)
    room = OpenConnections.open.does_not_exist() | (OpenConnections.open < LIMIT)
    for last in (False, True):
        try:
            write(
                create(connection),
                put(DueConnection.of(connection)),
                update(counted, [OpenConnections.open.add(1), OpenConnections.ttl.set(int(connection.ttl))], room, _FULL),
                *(put(subscription) for subscription in subscriptions),
            )
        except LimitExceeded:
            if last or not _sweep(connection.user_id):
                raise
        else:
            return


def find(connection_id: str) -> Connection | None:
    return get(Connection, f"CONN#{connection_id}")


def close_connection(connection: Connection) -> None:
    """Forget a connection and all it listens to. Once: a second call changes nothing."""
    try:
        write(
            delete(Connection(pk=connection.pk, sk=connection.sk), Connection.pk.exists(), _GONE),
            delete(DueConnection.of(connection)),
            update(
                OpenConnections.of(connection.user_id), [OpenConnections.open.add(-1), OpenConnections.left.set(clock.epoch())]
            ),
            *(delete(Subscription.at(topic, connection.id)) for topic in connection.topics),
        )
    except Raced as error:
        if error is not _GONE:
            raise


def forget(connection_id: str) -> None:
    """Close a connection that turned out to be gone."""
    connection = find(connection_id)
    if connection is not None:
        close_connection(connection)


def _sweep(user_id: str) -> bool:
    """Drop connections that ended without a word, and count again. Whether that made room."""
    counter = get(OpenConnections, f"CONNS#{user_id}")
    oldest = clock.epoch() - LONGEST
    rows = query(Connection, f"USER#{user_id}#CONN", index=1, limit=50).rows
    living = [row for row in rows if row.opened > oldest]
    for row in rows:
        if row.opened <= oldest:
            close_connection(row)
    if counter is None or len(living) >= LIMIT:
        return False
    now = get(OpenConnections, f"CONNS#{user_id}")
    if now is not None and now.open > len(living):  # rows that expired were counted still
        try:
            update_now(now, [OpenConnections.open.set(len(living))], OpenConnections.open == now.open)
        except Conflict:
            return True
    return True
