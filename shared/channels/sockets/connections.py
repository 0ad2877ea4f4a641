"""Open and close connections: at most ten per user, also if requests race."""

import contextlib
from collections.abc import Sequence

from shared.channels.sockets.rows import MAX_CONNECTION_AGE, Connection, DueConnection, OpenConnections, Presence, Subscription
from shared.core import clock
from shared.core.errors import ConditionFailed, Conflict, LimitExceeded
from shared.core.situations import Situation
from shared.store import create, delete, get, put, query, update, update_now, write

LIMIT = 10  # concurrent connections per user, from the only document that gives a number


class _TooManyConnections(LimitExceeded):
    def __init__(self) -> None:
        super().__init__(Situation.LIMIT_REACHED, f"At most {LIMIT} connections may be open at once", {"limit": LIMIT})


class _ConnectionClosed(ConditionFailed):
    """The connection is closed already."""


def open_connection(connection: Connection, subscriptions: Sequence[Subscription] = ()) -> None:
    """Write a connection and its subscriptions. Raises LimitExceeded (LIMIT)."""
    counted = OpenConnections.of(connection.user_id)
    room = OpenConnections.open.does_not_exist() | (OpenConnections.open < LIMIT)
    for last in (False, True):
        try:
            write(
                create(connection),
                put(DueConnection.of(connection)),
                update(
                    counted,
                    [OpenConnections.open.add(1), OpenConnections.ttl.set(int(connection.ttl))],
                    room,
                    _TooManyConnections,
                ),
                *(update(row, [Presence.open.add(1), Presence.ttl.set(int(connection.ttl))]) for row in _presence(connection)),
                *(put(subscription) for subscription in subscriptions),
            )
        except LimitExceeded:
            if last or not _delete_expired(connection.user_id):
                raise
        else:
            return


def get_connection(connection_id: str) -> Connection | None:
    return get(Connection, f"CONN#{connection_id}")


def has_subscribers(topic: str) -> bool:
    """Tell whether anybody listens to a topic at this moment. One strongly consistent read."""
    return bool(query(Subscription, f"SUB#{topic}", prefix="CONN#", limit=1, consistent=True).rows)


def close_connection(connection: Connection) -> None:
    """Delete a connection and its subscriptions. Safe to repeat."""
    with contextlib.suppress(_ConnectionClosed):
        write(
            delete(Connection(pk=connection.pk, sk=connection.sk), Connection.pk.exists(), _ConnectionClosed),
            delete(DueConnection.of(connection)),
            update(OpenConnections.of(connection.user_id), [OpenConnections.open.add(-1)]),
            *(update(row, [Presence.open.add(-1), Presence.left.set(clock.epoch())]) for row in _presence(connection)),
            *(delete(Subscription.at(topic, connection.id)) for topic in connection.topics),
        )


def delete_connection_by_id(connection_id: str) -> None:
    """Delete the rows of a connection, if they exist."""
    connection = get_connection(connection_id)
    if connection is not None:
        close_connection(connection)


def _presence(connection: Connection) -> list[Presence]:
    """Return the row that tells whether the user is online. A connection to no single workspace shows its user in none."""
    return [Presence.of(connection.ws_id, connection.user_id)] if connection.ws_id else []


def _delete_expired(user_id: str) -> bool:
    """Delete the user's connections that have exceeded their maximum age, and correct the counter. Return whether another connection is
    allowed now."""
    counter = get(OpenConnections, f"CONNS#{user_id}")
    oldest = clock.epoch() - MAX_CONNECTION_AGE
    rows = query(Connection, f"USER#{user_id}#CONN", index=1, limit=50).rows
    living = [row for row in rows if row.opened > oldest]
    for row in rows:
        if row.opened <= oldest:
            close_connection(row)
    if counter is None or len(living) >= LIMIT:
        return False
    now = get(OpenConnections, f"CONNS#{user_id}")
    if now is not None and now.open > len(living):  # expired rows were still counted
        try:
            update_now(now, [OpenConnections.open.set(len(living))], OpenConnections.open == now.open)
        except Conflict:
            return True
    return True
