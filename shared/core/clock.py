"""Time: UTC everywhere, ISO 8601 with milliseconds and `Z` in rows and answers."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    return datetime.now(UTC)


def epoch() -> int:
    """Seconds since 1970, as TTL attributes and rate-limit headers want them."""
    return int(now().timestamp())


def iso(moment: datetime | None = None) -> str:
    """`2026-11-21T09:30:00.123Z`; sorts as text."""
    moment = (moment or now()).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse(text: str) -> datetime:
    """The moment an ISO 8601 text names; a text without a zone is UTC. Raises ValueError on anything else."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def at(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


def in_seconds(seconds: float) -> str:
    return iso(now() + timedelta(seconds=seconds))
