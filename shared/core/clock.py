"""Time: always UTC; in rows and responses ISO 8601 with milliseconds and `Z`."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    return datetime.now(UTC)


def epoch() -> int:
    """Return the seconds since 1970, the unit of TTL attributes and rate-limit headers."""
    return int(now().timestamp())


def epoch_milliseconds() -> int:
    """Return the milliseconds since 1970."""
    return int(now().timestamp() * 1000)


def iso(moment: datetime | None = None) -> str:
    """Format a moment (default: now) as `2026-11-21T09:30:00.123Z`; such texts sort by time."""
    moment = (moment or now()).astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"  # unlike strftime it pads years below 1000


def parse(text: str) -> datetime:
    """Parse an ISO 8601 text; without a time zone it is UTC. Raises ValueError for any other text."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("In UTC this is before the year 1 or after the year 9999") from None
    return moment


def seconds_between(start: str, end: str) -> int:
    """Return the whole seconds from one time to another, rounded."""
    return round((parse(end) - parse(start)).total_seconds())


def from_epoch(epoch_seconds: float) -> datetime:
    """Convert epoch seconds to a UTC datetime."""
    return datetime.fromtimestamp(epoch_seconds, UTC)


def in_seconds(seconds: float) -> str:
    """Return the time `seconds` from now, formatted by `iso`."""
    return iso(now() + timedelta(seconds=seconds))
