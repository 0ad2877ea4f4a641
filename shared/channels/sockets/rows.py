"""Connections and what they listen to, in the ephemeral table.

CONN#<id>      META          the connection; GSI1 USER#<user>#CONN
CONNS#<user>   META          how many the user has open: the limit is a condition of the write
SUB#<topic>    CONN#<id>     one who listens to a topic
CONNS#DUE#<n>  <due>#<id>    when a connection is over at the latest, in order: what the clock ends
"""

from typing import Any

from shared.core import clock
from shared.store import BooleanAttribute, Ephemeral, JSONAttribute, NumberAttribute, Shards, UnicodeAttribute, flat_map

LIFE = 3 * 3600  # seconds a row is kept; API Gateway ends every connection after two hours
LONGEST = 2 * 3600 + 300  # seconds after which a connection is surely gone
DUE = Shards("CONNS#DUE", 4)
"""The connections by when they are over at the latest, for the clock."""
CATCHING, LIVE, PAUSED = "catching", "live", "paused"


class Connection(Ephemeral):
    id = UnicodeAttribute()
    contract = UnicodeAttribute()
    endpoint = UnicodeAttribute()
    user_id = UnicodeAttribute()
    session_id = UnicodeAttribute()
    org_id = UnicodeAttribute(null=True)
    ws_id = UnicodeAttribute(null=True)
    card_id = UnicodeAttribute(null=True)
    topics = JSONAttribute(default=list)
    opened = NumberAttribute()
    due = NumberAttribute()
    """Epoch seconds; whoever still holds the connection then is not heard any more."""
    replay = UnicodeAttribute(null=True)
    """The replay session under way; another one ends it."""
    replay_slice = NumberAttribute(default=0)
    replay_claimed = NumberAttribute(default=0)
    replay_held = JSONAttribute(null=True)
    """Where a paused replay goes on."""
    gsi1pk = UnicodeAttribute(attr_name="GSI1PK")
    gsi1sk = UnicodeAttribute(attr_name="GSI1SK")

    @classmethod
    def new(cls, connection_id: str, user_id: str, **about: Any) -> "Connection":
        now = clock.epoch()
        return cls(
            pk=f"CONN#{connection_id}",
            sk="META",
            id=connection_id,
            user_id=user_id,
            opened=now,
            due=now + LONGEST,
            ttl=now + LIFE,
            gsi1pk=f"USER#{user_id}#CONN",
            gsi1sk=connection_id,
            **about,
        )


class DueConnection(Ephemeral):
    """At `CONNS#DUE#<shard>, <due>#<connection>`."""

    @classmethod
    def of(cls, connection: Connection) -> "DueConnection":
        return cls(pk=DUE.partition_of(connection.id), sk=f"{int(connection.due):010d}#{connection.id}", ttl=connection.ttl)

    @property
    def connection_id(self) -> str:
        return str(self.sk.partition("#")[2])


class OpenConnections(Ephemeral):
    open = NumberAttribute(default=0)
    left = NumberAttribute(default=0)
    """Epoch seconds of the last one that ended."""

    @classmethod
    def of(cls, user_id: str) -> "OpenConnections":
        return cls(pk=f"CONNS#{user_id}", sk="META")


class Subscription(Ephemeral):
    """Who listens to a topic, with all that the pusher must know.

    A terminal's `state` is `catching` while it is sent what was written before, then `live`; `paused` while it wants nothing. Catching up
    has sent a run's entries from `since` to before `next`: pushes leave those out and send all others. What a push finds not live it
    notes: in `missed` the lowest number left out, in `skips` that something was.
    """

    connection = UnicodeAttribute()
    contract = UnicodeAttribute()
    user_id = UnicodeAttribute()
    session_id = UnicodeAttribute()
    state = UnicodeAttribute(default=LIVE)
    greeted = BooleanAttribute(default=True)
    """False until a terminal was sent its `connected`: nothing comes before it."""
    run = UnicodeAttribute(null=True)
    """Only this run's entries."""
    since: Any = flat_map()
    next: Any = flat_map()
    missed: Any = flat_map()
    skips = NumberAttribute(default=0)
    generation = UnicodeAttribute(null=True)
    """Which request made it so; what an older one is still doing for it stops."""
    filters = JSONAttribute(null=True)
    opened = NumberAttribute()

    @classmethod
    def at(cls, topic: str, connection_id: str) -> "Subscription":
        return cls(pk=f"SUB#{topic}", sk=f"CONN#{connection_id}")

    @classmethod
    def of(cls, topic: str, connection: Connection, **about: Any) -> "Subscription":
        row = cls.at(topic, connection.id)
        row.connection, row.contract = connection.id, connection.contract
        row.user_id, row.session_id, row.opened = connection.user_id, connection.session_id, connection.opened
        row.ttl = connection.ttl
        for name, value in about.items():
            setattr(row, name, value)
        return row
