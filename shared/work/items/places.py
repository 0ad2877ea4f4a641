"""Where a card was and is, in the event of a move. The event says each place once: in its
changes, or, if it did not change, in its data as where the card came from.

A column is left out if it is the one of the phase; only a blocked card is in another.
"""

from collections.abc import Mapping
from typing import Any, Final

from shared.work.boards.counting import CardLocation
from shared.work.boards.lanes import COLUMN_BY_PHASE
from shared.work.items.rows import ItemHead

_ENDS: Final = ("from", "to")
_FIELDS: Final = (("lane", "lane_id"), ("phase", "phase_id"))


def move_data(item: ItemHead, before: Mapping[str, Any], left: CardLocation, entered: CardLocation) -> dict[str, Any]:
    """Return what the data of an event say of a move beside its changes. `before`: the card's fields before the move."""
    data = {f"from_{name}": before[field] for name, field in _FIELDS if before[field] == getattr(item, field)}
    columns = {"from": (left, before["phase_id"]), "to": (entered, item.phase_id)}
    return data | {
        f"{end}_column": place.column_id
        for end, (place, phase) in columns.items()
        if place.column_id != COLUMN_BY_PHASE[phase].id
    }


def places_of(changes: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return all places of a move from its event: lane, phase and column, each from and to."""
    places = {
        f"{end}_{name}": place for name, field in _FIELDS for end, place in zip(_ENDS, changes.get(field, ()), strict=False)
    }
    places |= data
    places |= {f"to_{name}": places[f"from_{name}"] for name, field in _FIELDS if f"from_{name}" in data and field not in changes}
    columns = {f"{end}_column": COLUMN_BY_PHASE[places[f"{end}_phase"]].id for end in _ENDS if f"{end}_phase" in places}
    return columns | places
