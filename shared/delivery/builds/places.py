"""The places of builds that are made here: a workspace has so many at a time. A build takes one with its row, and its end gives it back."""

from typing import Final

from shared.core import clock
from shared.core.errors import ConditionFailed, LimitExceeded
from shared.core.situations import Situation
from shared.delivery.builds.rows import Build, BuildPlaces
from shared.store import OnConflict, Operation, get, stale, update

LIMIT: Final = 5
"""Builds of a workspace at a time, those that wait for a free runner included: our choice."""
_LONGEST: Final = 6 * 3_600
"""Seconds after which a place is free again, whatever became of its build: longer than any execution of the machine."""


class PlacesTaken(ConditionFailed):
    """Another build changed the places first."""


def take(build: Build) -> Operation:
    """Return the write by which a build takes a place. One round trip. Raises LimitExceeded."""
    places, now = _read(build), clock.epoch()
    held = {one: until for one, until in places.held.items() if until > now}
    if len(held) >= LIMIT:
        raise LimitExceeded(Situation.LIMIT_REACHED, f"A workspace makes at most {LIMIT} builds at a time", {"limit": LIMIT})
    return _change(places, held | {build.id: now + _LONGEST}, PlacesTaken)


def give_back(build: Build, places: BuildPlaces | None = None) -> list[Operation]:
    """Return the write by which a build gives its place back; none if it has none. One round trip without `places`, which were read."""
    places = places or _read(build)
    if build.id not in places.held:
        return []
    return [_change(places, {one: until for one, until in places.held.items() if one != build.id}, stale)]


def _read(build: Build) -> BuildPlaces:
    places = BuildPlaces.of(str(build.ws_id))
    return get(BuildPlaces, places.pk, places.sk) or places


def _change(places: BuildPlaces, held: dict[str, int], late: OnConflict) -> Operation:
    before = int(places.number)
    unchanged = BuildPlaces.number == before if before else BuildPlaces.pk.does_not_exist()
    actions = [BuildPlaces.held.set(held), BuildPlaces.number.set(before + 1), BuildPlaces.kind.set("CTR")]
    return update(BuildPlaces(places.pk, places.sk), actions, unchanged, late)
