"""Subscribe an open connection to topics, and end subscriptions."""

from collections.abc import Iterable
from typing import Any

from shared.channels.sockets.connections import get_connection
from shared.channels.sockets.rows import Connection, Subscription
from shared.core.errors import ConditionFailed
from shared.store import delete, put, retrying, update, write


class _Changed(ConditionFailed):
    """The topics of the connection have changed."""


def change_topics(connection: Connection, add: Iterable[str] = (), remove: Iterable[str] = (), **attributes: Any) -> list[str]:
    """Add topics to a connection and take others from it; return those that it has then, none if it is closed.

    A topic that it has already stays as it is. Raises Conflict if they keep changing.
    """
    added, removed = list(dict.fromkeys(add)), frozenset(remove)

    def attempt(number: int) -> list[str]:
        current = get_connection(connection.id) if number else connection
        if current is None:
            return []
        before: list[str] = current.topics
        after = [one for one in [*before, *(one for one in added if one not in before)] if one not in removed]
        if after != before:
            row = Connection(pk=current.pk, sk=current.sk)
            unchanged = Connection.topics == before
            operations = [put(Subscription.of(one, current, **attributes)) for one in after if one not in before]
            operations += [delete(Subscription.at(one, current.id)) for one in before if one not in after]
            write(update(row, [Connection.topics.set(after)], unchanged, _Changed()), *operations)
            connection.topics = after
        return after

    return retrying(attempt, again=lambda error: isinstance(error, _Changed))
