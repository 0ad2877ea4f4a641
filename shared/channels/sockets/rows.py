"""Connections and their subscriptions, in the ephemeral table.

CONN#<id>      META          the connection; GSI1 USER#<user>#CONN
CONNS#<user>   META          the number of the user's open connections: the limit is a condition of the write
HERE#<ws>      <user>        the number of the user's open connections to one workspace: who is online there
SUB#<topic>    CONN#<id>     a subscription of a connection to a topic
HELD#<id>      <time>#<event>  a push that waits until a replay of earlier events has ended
CONNS#DUE#<n>  <due>#<id>    connections by the time at which the scheduled job closes them
"""

from typing import Any

from shared.core import clock
from shared.store import BooleanAttribute, Ephemeral, JSONAttribute, NumberAttribute, Shards, UnicodeAttribute, flat_map

ROW_TTL = 3 * 3600  # seconds; API Gateway closes every connection after two hours
MAX_CONNECTION_AGE = 2 * 3600 + 300  # seconds after which a connection is certainly closed
DUE = Shards("CONNS#DUE", 4)
"""Index of connections by their latest closing time, for the scheduled job."""
CATCHING_UP, LIVE, PAUSED, REPLAYING = "catching", "live", "paused", "replaying"


class Connection(Ephemeral):
    id = UnicodeAttribute()
    contract = UnicodeAttribute()
    endpoint = UnicodeAttribute()
    user_id = UnicodeAttribute()
    session_id = UnicodeAttribute()
    org_id = UnicodeAttribute(null=True)
    ws_id = UnicodeAttribute(null=True)
    card_id = UnicodeAttribute(null=True)
    subject = UnicodeAttribute(null=True)
    """The id of the sandbox or the collaboration that it shows."""
    since = JSONAttribute(null=True)
    """By channel, the last message that the client had when it connected; for its first subscription."""
    topics = JSONAttribute(default=list)
    opened = NumberAttribute()
    due = NumberAttribute()
    """Epoch seconds at which the connection is closed if it is still open."""
    replay = UnicodeAttribute(null=True)
    """The id of the active replay session; a new session replaces it."""
    replay_slice = NumberAttribute(default=0)
    replay_claimed = NumberAttribute(default=0)
    replay_held = JSONAttribute(null=True)
    """The slice with which a paused replay continues."""
    gsi1pk = UnicodeAttribute(attr_name="GSI1PK")
    gsi1sk = UnicodeAttribute(attr_name="GSI1SK")

    @classmethod
    def new(cls, connection_id: str, user_id: str, **attributes: Any) -> "Connection":
        now = clock.epoch()
        return cls(
            pk=f"CONN#{connection_id}",
            sk="META",
            id=connection_id,
            user_id=user_id,
            opened=now,
            due=now + MAX_CONNECTION_AGE,
            ttl=now + ROW_TTL,
            gsi1pk=f"USER#{user_id}#CONN",
            gsi1sk=connection_id,
            **attributes,
        )


class DueConnection(Ephemeral):
    """The entry of a connection in `DUE`: key `CONNS#DUE#<shard>, <due>#<connection>`."""

    @classmethod
    def of(cls, connection: Connection) -> "DueConnection":
        return cls(pk=DUE.partition_of(connection.id), sk=f"{int(connection.due):010d}#{connection.id}", ttl=connection.ttl)

    @property
    def connection_id(self) -> str:
        return str(self.sk.partition("#")[2])


class OpenConnections(Ephemeral):
    open = NumberAttribute(default=0)

    @classmethod
    def of(cls, user_id: str) -> "OpenConnections":
        return cls(pk=f"CONNS#{user_id}", sk="META")


class Presence(Ephemeral):
    """A user's connections to one workspace. What they have open elsewhere is nobody's business there."""

    open = NumberAttribute(default=0)
    left = NumberAttribute(default=0)
    """Epoch seconds at which the last connection was closed."""

    @classmethod
    def of(cls, ws_id: str, user_id: str) -> "Presence":
        return cls(pk=f"HERE#{ws_id}", sk=user_id)


class Subscription(Ephemeral):
    """The subscription of a connection to a topic, with everything that a delivery needs.

    The `state` of a terminal is `catching` while earlier entries are sent, then `live`; `paused` while the viewer has paused the stream.
    A push to a subscription that is not live sends no entries, but records them in `missed` and `skips`. Events are `replaying` while
    earlier ones are sent again; pushes are held until then, and counted in `skips`.
    """

    connection = UnicodeAttribute()
    contract = UnicodeAttribute()
    user_id = UnicodeAttribute()
    session_id = UnicodeAttribute()
    state = UnicodeAttribute(default=LIVE)
    greeted = BooleanAttribute(default=True)
    """False until a terminal was sent its first message, `connected`."""
    run = UnicodeAttribute(null=True)
    """The only run whose entries are sent; None: all runs of the topic."""
    sent_from: Any = flat_map()
    """By run id, the first sequence number that catching up has sent."""
    sent_until: Any = flat_map()
    """By run id, the sequence number after the last one that catching up has sent. Pushes omit the entries in this range."""
    missed: Any = flat_map()
    """By run id, the lowest sequence number that pushes have skipped, or that a viewer has asked for and was not sent yet (0: the last
    hundred)."""
    skips = NumberAttribute(default=0)
    """The number of pushes that skipped entries."""
    generation = UnicodeAttribute(null=True)
    """The id of the request that set the present state; jobs of earlier requests stop."""
    sees_costs = BooleanAttribute(default=False)
    """Whether the token that opened the connection lets its user see costs."""
    resumes = BooleanAttribute(default=False)
    """Its client can ask for what it has missed. So what it does not take is kept in order, instead of being tried again by itself."""
    filters = JSONAttribute(null=True)
    """Allowed values by facet name; a frame must match all."""
    sent_ids = JSONAttribute(null=True)
    """Events that a replay has sent lately: pushes omit them."""
    since = UnicodeAttribute(null=True)
    """The place of the earliest event of this topic that the client named as received: pushes omit what stands before."""
    opened = NumberAttribute()
    """Epoch seconds at which the connection was opened."""

    @classmethod
    def at(cls, topic: str, connection_id: str) -> "Subscription":
        return cls(pk=f"SUB#{topic}", sk=f"CONN#{connection_id}")

    @classmethod
    def of(cls, topic: str, connection: Connection, **attributes: Any) -> "Subscription":
        row = cls.at(topic, connection.id)
        row.connection, row.contract = connection.id, connection.contract
        row.user_id, row.session_id, row.opened = connection.user_id, connection.session_id, connection.opened
        row.ttl = connection.ttl
        for name, value in attributes.items():
            setattr(row, name, value)
        return row


class Held(Ephemeral):
    """A push to a subscription that is `replaying`, kept until the replay has ended."""

    event = UnicodeAttribute()
    """The id of the event, or one that stands for it."""
    ws_id = UnicodeAttribute(null=True)
    position = UnicodeAttribute(null=True)
    """The place of the event in the log of its workspace, if it came there in time."""
    frames = JSONAttribute(default=list)
    """Texts with what filters look at; without it, they have passed the filters."""

    @classmethod
    def partition(cls, connection_id: str, generation: str) -> str:
        return f"HELD#{connection_id}#{generation}"
