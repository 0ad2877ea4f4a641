"""Rows of messages between sandboxes.

MSG#<id>        META         a message
BC#<id>         META         a broadcast: its recipients have a message each
PAIR#<from>     <to>         the number of messages from one sandbox to another: their order

Index 1 lists what a sandbox has sent, index 2 what it receives, both newest last; index 3 what waits for a sandbox, in the order of each
sender; index 4 all that waits, by the time at which something is due (`DUE`).
"""

from typing import Any, Final

from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, Row, Shards, UnicodeAttribute

REQUEST, RESPONSE, NOTIFICATION, COMMAND = "request", "response", "notification", "command"
TYPES: Final = (REQUEST, RESPONSE, NOTIFICATION, COMMAND)
QUEUED, SENT, DELIVERED, FAILED, TIMEOUT = "queued", "sent", "delivered", "failed", "timeout"
STATUSES: Final = (QUEUED, SENT, DELIVERED, FAILED, TIMEOUT)
MAX_TRIES: Final = 3
"""Deliveries of a message before it is a dead letter, which `retry` revives; the number is the document's."""
DUE: Final = Shards("MSG#DUE", 2)
"""What waits, by the next time at which something must be done for it: a try, its time to live, the time-out of its answer."""


def sent_by(sandbox_id: str) -> str:
    return f"SBX#{sandbox_id}#OUT"


def received_by(sandbox_id: str) -> str:
    return f"SBX#{sandbox_id}#IN"


def waiting_for(sandbox_id: str) -> str:
    """Return the partition of index 3 with what a sandbox has not acknowledged yet, by sender and number."""
    return f"SBX#{sandbox_id}#WAITING"


class Message(Entity):
    KIND = "MSG"
    NAME = "message"

    from_sandbox = UnicodeAttribute()
    from_agent = UnicodeAttribute(null=True)
    to_sandbox = UnicodeAttribute()
    to_agent = UnicodeAttribute(null=True)
    message_type = UnicodeAttribute()  # TYPES
    content = JSONAttribute()
    """At most 200 KB; the message itself fits into a row."""
    priority = NumberAttribute(default=5)  # 0 to 9, 9 first
    requires_response = BooleanAttribute(default=False)
    timeout_seconds = NumberAttribute(default=30)
    """From its delivery to its answer."""
    ttl_seconds = NumberAttribute(null=True)
    """From its making to its delivery; None: it waits for ever."""
    number = NumberAttribute()
    """Its place among the messages from this sender to this recipient, from 1."""
    status = UnicodeAttribute(default=QUEUED)  # STATUSES
    tries = NumberAttribute(default=0)
    due_at = UnicodeAttribute(null=True)
    """When something must be done for it at the latest; None: nothing is left to do."""
    approval = UnicodeAttribute(null=True)  # pending | approved | rejected; None: no rule asks for one
    in_reply_to = UnicodeAttribute(null=True)
    response_id = UnicodeAttribute(null=True)
    broadcast_id = UnicodeAttribute(null=True)
    collaboration_id = UnicodeAttribute(null=True)
    sent_at = UnicodeAttribute(null=True)
    delivered_at = UnicodeAttribute(null=True)
    responded_at = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    """Why it failed."""
    sent_by = JSONAttribute()
    """Who sent it: a person, or the sandbox itself."""

    @property
    def is_waiting(self) -> bool:
        """Whether it has still to reach its recipient."""
        return self.status in (QUEUED, SENT)

    def indexes(self) -> dict[int, tuple[str, str]]:
        place = f"{self.created_at}#{self.id}"
        places = {1: (sent_by(self.from_sandbox), place), 2: (received_by(self.to_sandbox), place)}
        if self.is_waiting and self.approval != "pending":
            places[3] = (waiting_for(self.to_sandbox), f"{self.from_sandbox}#{int(self.number):012d}")
        if self.due_at:
            places[4] = (DUE.partition_of(self.id), f"{self.due_at}#{self.id}")
        return places

    def filters(self) -> dict[str, Any]:
        return {"to": self.to_sandbox, "from": self.from_sandbox, "rank": int(self.priority), "due": self.due_at}


class Broadcast(Entity):
    KIND = "BC"
    NAME = "broadcast"

    from_sandbox = UnicodeAttribute()
    recipients = JSONAttribute()
    message_ids = JSONAttribute(default=list)


class Pair(Row):
    """How many messages one sandbox has sent to another, at `PAIR#<from>, <to>`; counted in the transaction that writes the message."""

    TABLE = "core_table"
    last = NumberAttribute(default=0)

    @classmethod
    def of(cls, sender: str, recipient: str) -> "Pair":
        return cls(pk=f"PAIR#{sender}", sk=recipient)
