"""Rows of collaborations.

COL#<id>   META   the collaboration with the state of its state machine; its task in the second row
WS#<id>    COL    how many collaborations of the workspace have not ended: their limit is a condition of the write

What was asked and answered are messages, whose ids follow from the collaboration's. Index 1 lists the collaborations of a workspace, index
3 those of them that have not ended, index 4 all that have not ended.
"""

from typing import Any, Final

from shared.core.ids import derived_id
from shared.store import Entity, JSONAttribute, NumberAttribute, Row, Shards, UnicodeAttribute

ORCHESTRATED, PEER_TO_PEER, SWARM = "orchestrated", "peer_to_peer", "swarm"
MODES: Final = (ORCHESTRATED, PEER_TO_PEER, SWARM)
INITIALIZING, IN_PROGRESS, COMPLETED, FAILED, CANCELLED = "initializing", "in_progress", "completed", "failed", "cancelled"
ENDED: Final = (COMPLETED, FAILED, CANCELLED)
ACTIVE: Final = Shards("COL#ACTIVE", 2)
"""The collaborations that have not ended: the scheduled job looks at each of them."""


def collaborations_of(ws_id: str) -> str:
    """Return the partition of index 1 that holds the collaborations of a workspace, oldest first."""
    return f"WS#{ws_id}#COL"


def active_of(ws_id: str) -> str:
    """Return the partition of index 3 that holds the collaborations of a workspace that have not ended."""
    return f"WS#{ws_id}#COL#ACTIVE"


class CollaborationHead(Entity):
    """A collaboration without its task: what its progress changes."""

    KIND = "COL"
    NAME = "collaboration"

    mode = UnicodeAttribute()  # MODES
    status = UnicodeAttribute(default=INITIALIZING)
    state: Any = JSONAttribute()
    """The state of its state machine (`state.to_json`): members, what was asked of whom, what became of it."""
    orchestrator: Any = JSONAttribute(null=True)
    """`{name, sandbox_id, agent}` as it was named; without a sandbox the platform orchestrates. None: nobody was named."""
    timeout_seconds = NumberAttribute()
    deadline_at = UnicodeAttribute()
    max_cost_micros = NumberAttribute(null=True)
    """What it may cost; None: as much as the budgets allow."""
    project_id = UnicodeAttribute(null=True)
    """Where its deliverables go; None: a project is made for them."""
    documents: Any = JSONAttribute(default=list)
    """The deliverables that are written: `[{name, document_id, authors: [{sandbox_id, name, agent}], cost_micros}]`."""
    cost_micros = NumberAttribute(default=0)
    """What the answers have cost so far."""
    reason = UnicodeAttribute(null=True)
    """Why it failed or was cancelled."""
    completed_at = UnicodeAttribute(null=True)
    created_by: Any = JSONAttribute()

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    def message_id(self, number: int) -> str:
        """Return the id of the message that carries an ask: who sends it again sends the same one."""
        return derived_id("collaboration", self.id, number)

    def document_id(self, name: str) -> str:
        """Return the id of the document of a deliverable."""
        return derived_id("deliverable", self.id, name)

    def indexes(self) -> dict[int, tuple[str, str]]:
        places = {1: (collaborations_of(str(self.ws_id)), f"{self.created_at}#{self.id}")}
        active = {3: (active_of(str(self.ws_id)), self.id), 4: (ACTIVE.partition_of(self.id), self.id)}
        return places if self.has_ended else places | active

    def filters(self) -> dict[str, Any]:
        return {} if self.has_ended else {"members": [one["sandbox_id"] for one in self.state["members"]]}


class Collaboration(CollaborationHead):
    COLD = frozenset({"task"})

    task = UnicodeAttribute()


class CollaborationCount(Row):
    """How many collaborations of a workspace have not ended, at `WS#<id>, COL`."""

    TABLE = "core_table"
    active = NumberAttribute(default=0)

    @classmethod
    def of(cls, ws_id: str) -> "CollaborationCount":
        return cls(pk=f"WS#{ws_id}", sk="COL")
