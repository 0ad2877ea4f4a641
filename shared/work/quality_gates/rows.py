"""The rows of quality gates.

PROJ#<id>, GATES  and  WS#<id>, GATES     GateSet      the gates of a project, and those of a workspace
ITEM#<card>, MEASURED#<task>              Measured     the newest values that were measured of a task, and what holds it back
"""

from typing import Any

from shared.store import Entity, JSONAttribute, NumberAttribute, Row, UnicodeAttribute


class GateSet(Entity):
    KIND = "GATES"
    NAME = "quality gate"

    gates: Any = JSONAttribute(default=dict)
    """The gates by their ids, as `rules.Gate` stores them."""

    @classmethod
    def key(cls, entity_id: str) -> tuple[str, str]:
        """`entity_id`: `PROJ#<id>` or `WS#<id>`."""
        return entity_id, "GATES"


class Measured(Row):
    TABLE = "core_table"

    kind = UnicodeAttribute(default="MEASURED")
    phase_id = UnicodeAttribute()
    values: Any = JSONAttribute(default=dict)
    """The newest value by the type and by the name of a metric: `{value, passed, at}`."""
    failing: Any = JSONAttribute(default=list)
    """Why a gate that blocks holds the task, when it was looked at last."""
    version = NumberAttribute(default=0)

    @staticmethod
    def key_of(item_id: str, task_id: str) -> tuple[str, str]:
        return f"ITEM#{item_id}", f"{MEASURED}{task_id}"

    @property
    def task_id(self) -> str:
        return str(self.sk).removeprefix(MEASURED)


MEASURED = "MEASURED#"
"""What the sort keys of these rows begin with, in the partition of a card."""
