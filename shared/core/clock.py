"""Time: always UTC; in rows and responses ISO 8601 with milliseconds and `Z`."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    return datetime.now(UTC)


def epoch() -> int:
    """Return the seconds since 1970, the unit of TTL attributes and rate-limit headers."""
    return int(now().timestamp())


def iso(moment: datetime | None = None) -> str:
    """Format a moment (default: now) as `2026-11-21T09:30:00.123Z`; such texts sort by time."""
    moment = (moment or now()).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse(text: str) -> datetime:
    """Parse an ISO 8601 text; without a time zone it is UTC. Raises ValueError for any other text."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def from_epoch(epoch_seconds: float) -> datetime:
    """Convert epoch seconds to a UTC datetime."""
    return datetime.fromtimestamp(epoch_seconds, UTC)


def in_seconds(seconds: float) -> str:
    """Return the time `seconds` from now, formatted by `iso`."""
    return iso(now() + timedelta(seconds=seconds))
