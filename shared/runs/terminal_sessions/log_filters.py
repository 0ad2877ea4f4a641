"""Filters and options of replays and searches."""

from dataclasses import dataclass, field
from datetime import datetime
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
    def read(cls, filters: dict[str, Any], since: str | None = None, until: str | None = None, system: bool = True) -> Self:
        """Read a client's filters: `levels`, `sources`, `components`, each a list, or one value under the singular name; `from`/`to` or
        `startTime`/`endTime`. Raises Invalid."""
        levels = _set(filters, "level")
        if unknown := sorted(levels - set(LEVELS)):
            raise Invalid(FieldError("filters.levels", f"Levels are {', '.join(LEVELS)}, not {', '.join(unknown)}"))
        return cls(
            levels,
            _set(filters, "source"),
            _set(filters, "component"),
            _time("start_time", since or filters.get("startTime") or filters.get("from")),
            _time("end_time", until or filters.get("endTime") or filters.get("to")),
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
        since, until = raw.get("startTime") or raw.get("from"), raw.get("endTime") or raw.get("to")
        return cls(float(speed), LogFilter.read(filters, since, until, raw.get("includeSystemLogs") is not False))

    def as_json(self) -> dict[str, Any]:
        return {"speed": self.speed, "filters": self.log_filter.as_json(), "includeSystemLogs": self.log_filter.system}


def _set(filters: dict[str, Any], name: str) -> frozenset[str]:
    value = filters.get(f"{name}s", filters.get(name))
    values = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(values, list) or len(values) > 50 or not all(isinstance(one, str) for one in values):
        raise Invalid(FieldError(f"filters.{name}s", "This is a list of at most 50 texts"))
    return frozenset(values)


def _time(name: str, value: Any) -> str | None:
    if value is None:
        return None
    try:
        moment: datetime = clock.parse(value)
    except (TypeError, ValueError):
        raise Invalid(FieldError(name, "This is not an ISO 8601 time")) from None
    return clock.iso(moment)
