"""The places of builds that are made here: a workspace has so many at a time. A build takes one with its row, and its end gives it back."""

from typing import Final

from shared.core import clock
from shared.core.errors import ConditionFailed, LimitExceeded
from shared.core.situations import Situation
from shared.delivery.builds.rows import Build, BuildPlaces
from shared.store import OnConflict, Operation, Row, RowKey, stale, update

LIMIT: Final = 5
"""Builds of a workspace at a time, those that wait for a free runner included: our choice."""
_LONGEST: Final = 6 * 3_600
"""Seconds after which a place is free again, whatever became of its build: longer than any execution of the machine."""


class PlacesTaken(ConditionFailed):
    """Another build changed the places first."""


def key_in(workspace_id: str | None) -> RowKey:
    """Return the key of a workspace's row."""
    row = BuildPlaces.of(str(workspace_id))
    return BuildPlaces, row.pk, row.sk


def take(build: Build, row: Row | None) -> Operation:
    """Return the write by which a build takes a place; `row`: its workspace's. Raises LimitExceeded."""
    places, now = _places(build, row), clock.epoch()
    held = {one: until for one, until in places.held.items() if until > now}
    if len(held) >= LIMIT:
        raise LimitExceeded(Situation.LIMIT_REACHED, f"A workspace makes at most {LIMIT} builds at a time", {"limit": LIMIT})
    return _change(places, held | {build.id: now + _LONGEST}, PlacesTaken)


def give_back(build: Build, row: Row | None) -> list[Operation]:
    """Return the write by which a build gives its place back; none if it has none."""
    places = _places(build, row)
    if build.id not in places.held:
        return []
    return [_change(places, {one: until for one, until in places.held.items() if one != build.id}, stale)]


def _places(build: Build, row: Row | None) -> BuildPlaces:
    return row if isinstance(row, BuildPlaces) else BuildPlaces.of(str(build.ws_id))


def _change(places: BuildPlaces, held: dict[str, int], late: OnConflict) -> Operation:
    before = int(places.number)
    unchanged = BuildPlaces.number == before if before else BuildPlaces.pk.does_not_exist()
    actions = [BuildPlaces.held.set(held), BuildPlaces.number.set(before + 1), BuildPlaces.kind.set("CTR")]
    return update(BuildPlaces(places.pk, places.sk), actions, unchanged, late)
