"""The counters, which `shared.edge.figures` raises in the transaction that writes the activity of their event: each event
counts once."""

from typing import Final

from shared.store import NumberAttribute, Row, UnicodeAttribute

TOTAL: Final = "TOTAL"


class Statistic(Row):
    """Counters at `STAT#<WS or PROJ>#<id>`: `TOTAL`, of each `AGENT#<agent>#<phase>`, of each `DAY#<day>` (UTC), and of what a live agent
    has spent on a day (`SPENT#<agent>#<day>`). They only rise."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="STAT")
    name = UnicodeAttribute(null=True)
    """The agent's name, as of its last event."""
    tasks_completed = NumberAttribute(default=0)
    """Tasks that ended well, and runs of agents on a card."""
    task_seconds = NumberAttribute(default=0)
    """From start to end of those."""
    commits = NumberAttribute(default=0)
    linked_commits = NumberAttribute(default=0)
    """Links of commits to tickets."""
    insertions = NumberAttribute(default=0)
    deletions = NumberAttribute(default=0)
    files_changed = NumberAttribute(default=0)
    price_micros = NumberAttribute(default=0)
    """What the customer paid for the runs by which a live agent worked on tasks."""
    last_at = UnicodeAttribute(null=True)

    @property
    def value(self) -> str:
        """The day, or the agent."""
        return str(self.sk).split("#")[1]

    @property
    def phase_id(self) -> str:
        """The phase of an agent's counters; empty of commits."""
        return str(self.sk).split("#")[2]


def workspace_statistics(ws_id: str) -> str:
    """Return the partition of a workspace's counters."""
    return f"STAT#WS#{ws_id}"


def project_statistics(project_id: str) -> str:
    return f"STAT#PROJ#{project_id}"
