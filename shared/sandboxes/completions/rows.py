"""Rows of the model calls of sandboxes, in the ephemeral table.

CPL#<sandbox>      <request id>              a call that a sandbox has asked for, and its answer
CPL#<sandbox>      SPENT#<message>           what the calls for a message have cost
CPL#HELD#<n>       <until>#<sandbox>#<id>    the calls that hold a reservation, by the time until which they may
"""

from typing import Any, Final

from shared.store import Ephemeral, JSONAttribute, NumberAttribute, Shards, UnicodeAttribute

PENDING, DONE, FAILED = "pending", "done", "failed"
KEPT: Final = 86_400  # seconds for which an answer can be fetched
HELD: Final = Shards("CPL#HELD", 1)


class Completion(Ephemeral):
    sandbox_id = UnicodeAttribute()
    start_number = NumberAttribute()
    digest = UnicodeAttribute()
    """Of what is asked: the same id with another question is refused."""
    message_id = UnicodeAttribute(null=True)
    """The message on which the sandbox works."""
    question = UnicodeAttribute()
    """What is asked as JSON, in a file if it is long (`store_text`)."""
    status = UnicodeAttribute(default=PENDING)
    tries = NumberAttribute(default=0)
    attempt = UnicodeAttribute(null=True)
    """The call that is made now, or was made last: nobody else may settle it."""
    reservation: Any = JSONAttribute(null=True)
    held_until = NumberAttribute(default=0)
    """Epoch seconds until which the call may take; then its process is dead."""
    reply: Any = JSONAttribute(null=True)
    """`{content, tool_calls: [{id, name, arguments}]}`."""
    error: Any = JSONAttribute(null=True)
    """`{situation, reason}`."""

    @classmethod
    def key(cls, sandbox_id: str, request_id: str) -> tuple[str, str]:
        return f"CPL#{sandbox_id}", request_id

    @classmethod
    def of(cls, sandbox_id: str, request_id: str) -> "Completion":
        return cls(*cls.key(sandbox_id, request_id))


class Spent(Ephemeral):
    """What a sandbox has spent on a message. It lies in the sandbox's own partition: nobody charges another one's message."""

    cost_micros = NumberAttribute(default=0)
    tokens = NumberAttribute(default=0)

    @classmethod
    def key(cls, sandbox_id: str, message_id: str) -> tuple[str, str]:
        return f"CPL#{sandbox_id}", f"SPENT#{message_id}"

    @classmethod
    def of(cls, sandbox_id: str, message_id: str) -> "Spent":
        return cls(*cls.key(sandbox_id, message_id))


class HeldCall(Ephemeral):
    """The entry of a call in `HELD`."""

    @classmethod
    def of(cls, call: Completion, until: int) -> "HeldCall":
        return cls(pk=HELD.partition_of(call.sandbox_id), sk=f"{until:012d}#{call.sandbox_id}#{call.sk}", ttl=call.ttl)

    @property
    def call_key(self) -> tuple[str, str]:
        _, sandbox_id, request_id = self.sk.split("#", 2)
        return Completion.key(sandbox_id, request_id)
