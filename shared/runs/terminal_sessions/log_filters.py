"""Filters and options of replays and searches."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Self

from shared.core import clock
from shared.core.errors import FieldError, Invalid
from shared.runs.terminal.entries import LEVELS, Entry


@dataclass(frozen=True)
class LogFilter:
    """A filter of log entries; empty sets and None match everything. Times are compared as ISO 8601 texts in our own format."""

    levels: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    components: frozenset[str] = frozenset()
    since: str | None = None
    until: str | None = None
    system: bool = True
    """Whether entries of the source `system` match."""

    @classmethod
    def read(cls, filters: dict[str, Any]) -> Self:
        """Read a client's filters: `levels`, `sources`, `components`, each a list, or one value under the singular name; `from`/`to` or
        `startTime`/`endTime`. Raises Invalid, which names the field as it was sent."""
        return cls._read(_Sent("filters", filters))

    @classmethod
    def _read(cls, filters: "_Sent", *outer: "_Sent", system: bool = True) -> Self:
        """Read filters whose times may also stand beside them, in `outer`."""
        levels = filters.texts("level")
        if unknown := sorted(levels - set(LEVELS)):
            message = f"Levels are {', '.join(LEVELS)}, not {', '.join(unknown)}"
            raise Invalid(FieldError(filters.field(filters.name_of("level")), message))
        return cls(
            levels,
            filters.texts("source"),
            filters.texts("component"),
            _time((*outer, filters), ("startTime", "from")),
            _time((*outer, filters), ("endTime", "to")),
            system,
        )

    def matches(self, entry: Entry) -> bool:
        return (
            (not self.levels or entry["level"] in self.levels)
            and (not self.sources or entry["source"] in self.sources)
            and (not self.components or entry["component"] in self.components)
            and (self.since is None or entry["timestamp"] >= self.since)
            and (self.until is None or entry["timestamp"] <= self.until)
            and (self.system or entry["source"] != "system")
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "levels": sorted(self.levels),
            "sources": sorted(self.sources),
            "components": sorted(self.components),
            "from": self.since,
            "to": self.until,
        }


@dataclass(frozen=True)
class ReplayOptions:
    """Options of a replay; `speed` 1.0 is the original speed. The default filter matches everything."""

    speed: float = 1.0
    log_filter: LogFilter = field(default_factory=LogFilter)

    @classmethod
    def read(cls, raw: dict[str, Any]) -> Self:
        """Read a client's `options`. Raises Invalid."""
        speed = raw.get("speed", 1.0)
        if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0.1 <= speed <= 100:
            raise Invalid(FieldError("options.speed", "The speed is a number from 0.1 to 100"))
        filters = raw.get("filters") or {}
        if not isinstance(filters, dict):
            raise Invalid(FieldError("options.filters", "Filters are an object"))
        system = raw.get("includeSystemLogs") is not False
        sent = _Sent("options.filters", filters), _Sent("options", raw)
        return cls(float(speed), LogFilter._read(*sent, system=system))

    def as_json(self) -> dict[str, Any]:
        return {"speed": self.speed, "filters": self.log_filter.as_json(), "includeSystemLogs": self.log_filter.system}


@dataclass(frozen=True)
class _Sent:
    """A part of a client's message, and where it stands there."""

    place: str
    values: dict[str, Any]

    def field(self, name: str) -> str:
        return f"{self.place}.{name}"

    def name_of(self, name: str) -> str:
        """Return the name under which values were sent: the plural, or the singular."""
        return f"{name}s" if f"{name}s" in self.values else name

    def texts(self, name: str) -> frozenset[str]:
        sent = self.name_of(name)
        value = self.values.get(sent)
        values = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(values, list) or len(values) > 50 or not all(isinstance(one, str) for one in values):
            raise Invalid(FieldError(self.field(sent), "This is a list of at most 50 texts"))
        return frozenset(values)


def _time(places: Sequence[_Sent], names: Sequence[str]) -> str | None:
    """Return the first time that was sent under one of these names. Raises Invalid."""
    for place, name in product(places, names):
        if value := place.values.get(name):
            try:
                return clock.iso(clock.parse(value))
            except (TypeError, ValueError):
                raise Invalid(FieldError(place.field(name), "This is not an ISO 8601 time")) from None
    return None
