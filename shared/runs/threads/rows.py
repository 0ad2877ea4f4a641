"""The rows of threads.

THR#<id>   META            a thread
           PART#<agent>    that an agent takes part in it
TMSG#<id>  META            a message

Index 1 lists the threads of a workspace and the messages of a thread; index 2 the threads of a card; index 3 those of an agent.
"""

from typing import Any, Final

from shared.store import Entity, JSONAttribute, NumberAttribute, UnicodeAttribute

HANDOFF, REVIEW, CONSULTATION = "handoff", "review", "consultation"
TYPES: Final = (HANDOFF, REVIEW, CONSULTATION)
ACTIVE, ENDED_WELL, ABANDONED = "active", "resolved", "abandoned"
STATUSES: Final = (ACTIVE, ENDED_WELL, ABANDONED)
MAX_PARTICIPANTS: Final = 20
MAX_MESSAGES: Final = 5_000
"""Messages of a thread: what is unread is looked for in all of them."""


def threads_of(ws_id: str) -> str:
    """Return the partition of index 1 that holds the threads of a workspace, oldest first."""
    return f"WS#{ws_id}#THR"


def threads_about(item_id: str) -> str:
    """Return the partition of index 2 that holds the threads of a card, oldest first."""
    return f"ITEM#{item_id}#THR"


def threads_with(ws_id: str, agent_id: str) -> str:
    """Return the partition of index 3 that holds the threads in which an agent takes part, oldest first."""
    return f"WS#{ws_id}#AGENT#{agent_id}#THR"


def messages_of(thread_id: str) -> str:
    """Return the partition of index 1 that holds the messages of a thread, oldest first."""
    return f"THR#{thread_id}"


class Thread(Entity):
    KIND = "THR"
    NAME = "thread"

    type = UnicodeAttribute()  # TYPES
    participants = JSONAttribute()
    """Ids of agents, in the order in which they were named: of a handoff who hands over, then who is asked."""
    item_id = UnicodeAttribute(null=True)
    task_id = UnicodeAttribute(null=True)
    task_fence = NumberAttribute(null=True)
    """Of a handoff: the fence under which the task is held by who hands it over."""
    status = UnicodeAttribute(default=ACTIVE)  # STATUSES
    details = JSONAttribute(default=dict)
    message_count = NumberAttribute(default=0)
    created_by = JSONAttribute()
    closed_at = UnicodeAttribute(null=True)

    @property
    def is_active(self) -> bool:
        return self.status == ACTIVE

    def indexes(self) -> dict[int, tuple[str, str]]:
        place = f"{self.created_at}#{self.id}"
        keys = {1: (threads_of(str(self.ws_id)), place)}
        return keys | ({2: (threads_about(self.item_id), place)} if self.item_id else {})

    def filters(self) -> dict[str, Any]:
        return {"participants": self.participants}


class ThreadPart(Entity):
    """That an agent takes part in a thread; its id is the agent's, and its status the thread's."""

    KIND = "THRPART"
    NAME = "thread"

    thread_id = UnicodeAttribute()
    agent_id = UnicodeAttribute()
    status = UnicodeAttribute(default=ACTIVE)

    @classmethod
    def of(cls, thread: Thread, agent_id: str) -> "ThreadPart":
        part = cls.new(
            agent_id,
            org_id=thread.org_id,
            ws_id=thread.ws_id,
            thread_id=thread.id,
            agent_id=agent_id,
            status=thread.status,
        )
        part.pk, part.sk = f"THR#{thread.id}", f"PART#{agent_id}"
        part.created_at = thread.created_at
        return part

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {3: (threads_with(str(self.ws_id), self.agent_id), f"{self.created_at}#{self.thread_id}")}

    def trash(self) -> None:
        """Return None: the row is in the partition of its thread and is purged with it."""


class Message(Entity):
    KIND = "TMSG"
    NAME = "message"

    thread_id = UnicodeAttribute()
    number = NumberAttribute()
    """Its place in the thread, from 1."""
    from_agent_id = UnicodeAttribute()
    to_agent_id = UnicodeAttribute(null=True)
    """None: to all participants."""
    message_type = UnicodeAttribute()
    content = UnicodeAttribute()
    details = JSONAttribute(default=dict)
    item_id = UnicodeAttribute(null=True)
    read_by = JSONAttribute(default=dict)
    """When each reader has read it, by their ids."""

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (messages_of(self.thread_id), f"MSG#{int(self.number):08}")}

    def filters(self) -> dict[str, Any]:
        return {"from": self.from_agent_id, "to": self.to_agent_id, "read_by": sorted(self.read_by)}

    def reader(self, reader_id: str | None, caller_id: str) -> str:
        """Return whose reading of it is meant: of who is named, else of whom it is to, else of the caller."""
        return reader_id or self.to_agent_id or caller_id

    def is_for(self, agent_id: str) -> bool:
        """Tell whether an agent should read it: it is to them or to all, and not from them."""
        return self.to_agent_id in (None, agent_id) and self.from_agent_id != agent_id
