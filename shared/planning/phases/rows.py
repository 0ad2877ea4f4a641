"""Rows beside a card, in its partition: what was collected in a phase."""

from typing import Any

from shared.core import clock
from shared.store import Entity, JSONAttribute, UnicodeAttribute
from shared.work.items.rows import ItemHead


def partition_of(item_id: str) -> str:
    return f"ITEM#{item_id}"


class PhaseArtifact(Entity):
    """A result of a phase, at `ITEM#<card>, ART#<phase>#<time>#<id>`."""

    KIND = "ART"
    NAME = "artifact"

    item_id = UnicodeAttribute()
    phase_id = UnicodeAttribute()
    type = UnicodeAttribute()
    path = UnicodeAttribute(null=True)
    content = JSONAttribute(null=True)
    faults = JSONAttribute(default=list)
    """What the gate of the phase finds wrong with it."""
    collected_by = JSONAttribute()

    @classmethod
    def of(cls, card: ItemHead, artifact_id: str, phase_id: str, **fields: Any) -> "PhaseArtifact":
        moment = clock.iso()
        return cls(
            pk=partition_of(card.id),
            sk=f"{artifacts_of(phase_id)}{moment}#{artifact_id}",
            kind=cls.KIND,
            id=artifact_id,
            item_id=card.id,
            phase_id=phase_id,
            org_id=card.org_id,
            ws_id=card.ws_id,
            proj_id=card.proj_id,
            created_at=moment,
            updated_at=moment,
            **fields,
        )


def artifacts_of(phase_id: str = "") -> str:
    """Return what the sort keys of a phase's artifacts begin with; without a phase, of all."""
    return f"ART#{phase_id}#" if phase_id else "ART#"
