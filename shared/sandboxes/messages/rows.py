"""Rows of messages between sandboxes.

MSG#<id>      META                  a message; its content in the second row
BC#<id>       META                  a broadcast: its recipients have a message each
PAIR#<from>   <to>                  the last number of a pair of sandboxes, and how many of its messages wait
LINE#<to>     <from>#<number>       a message that its recipient has not acknowledged yet: its place in the line

The line is read consistently, so that nothing overtakes what was sent before it. Index 1 lists what a sandbox has sent, index 2 what it
receives, both newest last; index 4 all that something must be done for, by the time at which it is due (`DUE`).
"""

from typing import Final

from shared.core import clock
from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, Row, Shards, UnicodeAttribute

REQUEST, RESPONSE, NOTIFICATION, COMMAND = "request", "response", "notification", "command"
TYPES: Final = (REQUEST, RESPONSE, NOTIFICATION, COMMAND)
QUEUED, SENT, DELIVERED, FAILED, TIMEOUT = "queued", "sent", "delivered", "failed", "timeout"
STATUSES: Final = (QUEUED, SENT, DELIVERED, FAILED, TIMEOUT)
PENDING, APPROVED, REJECTED, BLOCKED = "pending", "approved", "rejected", "blocked"
MAX_TRIES: Final = 3
"""Deliveries of a message before it is a dead letter, which `retry` revives; the number is the document's."""
FIRST_LOOK, NEXT_LOOK = 60, 3_600
"""Seconds after which a message that waits is looked at, should a wake have been lost; our choice. Later looks cost a write each."""
IN_FLIGHT: Final = 10
"""Messages that one sandbox may have without having acknowledged them; our choice."""
DUE: Final = Shards("MSG#DUE", 2)
"""What waits, by the next time at which something must be done for it: a try, its time to live, the time-out of its answer."""


def sent_by(sandbox_id: str) -> str:
    return f"SBX#{sandbox_id}#OUT"


def received_by(sandbox_id: str) -> str:
    return f"SBX#{sandbox_id}#IN"


def broadcasts_of(sandbox_id: str) -> str:
    return f"SBX#{sandbox_id}#BC"


class MessageHead(Entity):
    """A message without its content: what its delivery changes."""

    KIND = "MSG"
    NAME = "message"

    from_sandbox = UnicodeAttribute()
    from_name = UnicodeAttribute()
    """The name of the sender when it was sent."""
    from_agent = UnicodeAttribute(null=True)
    to_sandbox = UnicodeAttribute()
    to_agent = UnicodeAttribute(null=True)
    message_type = UnicodeAttribute()  # TYPES
    priority = NumberAttribute(default=5)  # 0 to 9, 9 first
    requires_response = BooleanAttribute(default=False)
    timeout_seconds = NumberAttribute(default=30)
    """From its delivery to its answer."""
    ttl_seconds = NumberAttribute()
    """From its place in the line to its delivery."""
    expires_at = UnicodeAttribute()
    """When its time to live ends."""
    number = NumberAttribute(default=0)
    """Its place among the messages from this sender to this recipient, from 1; 0: it has none yet."""
    status = UnicodeAttribute(default=QUEUED)  # STATUSES
    tries = NumberAttribute(default=0)
    due_at = UnicodeAttribute(null=True)
    """When it is looked at next; None: nothing is left to do."""
    approval = UnicodeAttribute(null=True)  # pending | approved | rejected | blocked; None: no rule asks for one
    in_reply_to = UnicodeAttribute(null=True)
    """What a response answers, or what another message follows from."""
    depth = NumberAttribute(default=0)
    """How many messages it follows from, one from the other."""
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

    def wait(self, seconds: int) -> None:
        """Be looked at in so many seconds if nothing else has happened by then, and when its time to live ends at the latest."""
        self.due_at = min(str(self.expires_at), clock.in_seconds(seconds))

    @property
    def is_waiting(self) -> bool:
        """Whether it stands in the line of its recipient."""
        return self.status in (QUEUED, SENT) and self.approval != PENDING

    @property
    def awaits_answer(self) -> bool:
        return self.status == DELIVERED and bool(self.requires_response) and self.response_id is None

    def indexes(self) -> dict[int, tuple[str, str]]:
        place = f"{self.created_at}#{self.id}"
        places = {1: (sent_by(self.from_sandbox), place)}
        if self.approval != BLOCKED:
            places[2] = (received_by(self.to_sandbox), place)
        if self.due_at:
            places[4] = (DUE.partition_of(self.id), f"{self.due_at}#{self.id}")
        return places


class Message(MessageHead):
    COLD = frozenset({"content"})

    content = JSONAttribute(null=True)
    """At most 200 KB."""


class Broadcast(Entity):
    KIND = "BC"
    NAME = "broadcast"

    from_sandbox = UnicodeAttribute()
    from_name = UnicodeAttribute()
    from_agent = UnicodeAttribute(null=True)
    message_type = UnicodeAttribute()
    content = JSONAttribute(null=True)
    priority = NumberAttribute(default=5)
    ttl_seconds = NumberAttribute()
    recipients = JSONAttribute()
    """`[{sandbox_id, agent, approval}]`: whom the policy allows it to reach."""
    sent_by = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (broadcasts_of(self.from_sandbox), f"{self.created_at}#{self.id}")}


class Pair(Row):
    """The messages from one sandbox to another, counted in the transactions that change them."""

    TABLE = "core_table"
    last = NumberAttribute(default=0)
    waiting = NumberAttribute(default=0)

    @classmethod
    def of(cls, sender: str, recipient: str) -> "Pair":
        return cls(pk=f"PAIR#{sender}", sk=recipient)


class Line(Row):
    """The place of a message in the line of its recipient: by sender, and there by number."""

    TABLE = "core_table"
    message_id = UnicodeAttribute()
    priority = NumberAttribute(default=5)

    @classmethod
    def partition(cls, recipient: str) -> str:
        return f"LINE#{recipient}"

    @classmethod
    def of(cls, message: MessageHead) -> "Line":
        return cls(
            pk=cls.partition(message.to_sandbox),
            sk=f"{message.from_sandbox}#{int(message.number):012d}",
            message_id=message.id,
            priority=message.priority,
        )

    @property
    def sender(self) -> str:
        return str(self.sk).partition("#")[0]
