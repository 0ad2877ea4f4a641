"""Rows of collaborations.

COL#<id>   META          the collaboration: its state machine's state
           STEP#<nnn>    one step: who does it, which message asks for it, what came back

Index 1 lists the collaborations of a workspace; index 4 those that have not ended, by the time at which something is due.
"""

from typing import Any, Final

from shared.store import Entity, JSONAttribute, NumberAttribute, Row, Shards, UnicodeAttribute

ORCHESTRATED, PEER_TO_PEER, SWARM = "orchestrated", "peer_to_peer", "swarm"
MODES: Final = (ORCHESTRATED, PEER_TO_PEER, SWARM)
INITIALIZING, IN_PROGRESS, COMPLETED, FAILED, CANCELLED = "initializing", "in_progress", "completed", "failed", "cancelled"
ENDED: Final = (COMPLETED, FAILED, CANCELLED)
DUE: Final = Shards("COL#DUE", 1)


class Collaboration(Entity):
    KIND = "COL"
    NAME = "collaboration"

    task = UnicodeAttribute()
    mode = UnicodeAttribute()  # MODES
    participants = JSONAttribute()
    """`[{sandbox_id, name, status, messages_exchanged}]`, in the order in which they were named."""
    orchestrator = UnicodeAttribute(null=True)
    timeout_seconds = NumberAttribute()
    deliverables = JSONAttribute(default=list)
    """What was asked for: `[{name, document_id, authors, cost_micros}]`."""
    status = UnicodeAttribute(default=INITIALIZING)
    state = JSONAttribute(default=dict)
    """What the state machine of its mode needs to go on."""
    steps = JSONAttribute(default=list)
    """Names of all steps that are known: `[{name, status}]`."""
    turns = NumberAttribute(default=0)
    cost_micros = NumberAttribute(default=0)
    reason = UnicodeAttribute(null=True)
    started_at = UnicodeAttribute(null=True)
    completed_at = UnicodeAttribute(null=True)
    due_at = UnicodeAttribute(null=True)
    created_by = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        places = {1: (f"WS#{self.ws_id}#COL", f"{self.created_at}#{self.id}")}
        return places | ({4: (DUE.partition_of(self.id), f"{self.due_at}#{self.id}")} if self.due_at else {})


class Step(Row):
    """One step of a collaboration, at `COL#<id>, STEP#<nnn>`."""

    TABLE = "core_table"

    name = UnicodeAttribute()
    sandbox_id = UnicodeAttribute()
    message_id = UnicodeAttribute()
    status = UnicodeAttribute()  # pending | asked | answered | failed
    result: Any = JSONAttribute(null=True)

    @classmethod
    def of(cls, collaboration_id: str, number: int) -> "Step":
        return cls(pk=f"COL#{collaboration_id}", sk=f"STEP#{number:03d}")
