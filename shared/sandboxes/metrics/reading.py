"""What was measured of a sandbox, and of all sandboxes of a workspace in a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.core.ids import bare_id, is_id
from shared.people.tenancy.workspaces import authorize_workspace
from shared.sandboxes.lifecycle.reading import Heard, get_sandbox
from shared.sandboxes.lifecycle.rows import RUNNING, sandboxes_of
from shared.sandboxes.metrics.measuring import START, start_of
from shared.sandboxes.metrics.rows import KEPT, Point
from shared.store import begin_index_rows, get, query, read_ahead

MAX_POINTS: Final = 100_000
"""Points that one request reads: those of a day of minutes for seventy sandboxes, of a month of hours for a hundred and thirty."""
DEFAULT: Final = {"minute": timedelta(hours=1), "hour": timedelta(days=1), "day": timedelta(days=30)}
"""How far back a request goes that does not say it. No document has a number."""
_LENGTH: Final = {"minute": 60, "hour": 3_600, "day": 86_400}  # seconds


@dataclass
class Sums:
    """What the points of a time add up to."""

    cpu: int = 0
    cpu_samples: int = 0
    memory: int = 0
    share: int = 0
    memory_samples: int = 0
    network_in: int = 0
    network_out: int = 0
    sent: int = 0
    received: int = 0
    failed: int = 0
    answered: int = 0
    answer_ms: int = 0

    def add(self, point: Point) -> None:
        self.cpu += int(point.cpu_sum)
        self.cpu_samples += int(point.cpu_samples)
        self.memory += int(point.memory_sum)
        self.share += int(point.share_sum)
        self.memory_samples += int(point.memory_samples)
        self.network_in += int(point.network_in)
        self.network_out += int(point.network_out)
        self.sent += int(point.sent)
        self.received += int(point.received)
        self.failed += int(point.failed)
        self.answered += int(point.answered)
        self.answer_ms += int(point.answer_ms)

    @property
    def cpu_percent(self) -> float | None:
        """Percent of one core; None: it was not measured."""
        return round(self.cpu / 1_000 / self.cpu_samples, 1) if self.cpu_samples else None

    @property
    def memory_percent(self) -> float | None:
        return round(self.share / 1_000 / self.memory_samples, 1) if self.memory_samples else None

    @property
    def response_ms(self) -> int | None:
        """Milliseconds from the delivery of a message to its answer; None: nothing was answered."""
        return round(self.answer_ms / self.answered) if self.answered else None


@dataclass(frozen=True)
class OfSandbox:
    id: str
    name: str
    status: str
    sums: Sums


@dataclass(frozen=True)
class Aggregate:
    """`intervals` are the sums of all sandboxes by the beginning of each interval; those in which nothing was measured are left out."""

    start: str
    end: str
    sandboxes: Sequence[OfSandbox]
    total: Sums
    intervals: dict[str, Sums] = field(default_factory=dict)

    @property
    def active(self) -> int:
        return sum(one.status == RUNNING for one in self.sandboxes)


def sandbox_metrics(actor: Actor, sandbox_id: str) -> tuple[Heard, Sums]:
    """Return what is heard of a sandbox, and the sums of its days. One round trip. Raises NotFound and Forbidden."""
    bare = bare_id(sandbox_id)
    points = read_ahead(partial(_points, bare, "day", "0")) if is_id(bare) else None
    heard = get_sandbox(actor, sandbox_id)
    return heard, _sum(points.result() if points else ())


def sandbox_and_messages(actor: Actor, sandbox_id: str) -> tuple[Heard, int]:
    """Return what is heard of a sandbox, and how many messages it has sent and received. One round trip. Raises NotFound and Forbidden."""
    key = Point.key(bare_id(sandbox_id), "total", "ALL")
    total = read_ahead(partial(get, Point, *key, consistent=False)) if is_id(bare_id(sandbox_id)) else None
    heard = get_sandbox(actor, sandbox_id)
    point = total.result() if total else None
    return heard, int(point.sent) + int(point.received) if point is not None else 0


def aggregate(actor: Actor, ws_id: str, since: str | None, granularity: str) -> Aggregate:
    """Return the sums of a workspace's sandboxes from `since` on, which is no earlier than what is kept.

    Two round trips, one more for each further four sandboxes. Raises NotFound, Forbidden, Invalid for more than MAX_POINTS.
    """
    rows = begin_index_rows(1, sandboxes_of(bare_id(ws_id)))
    authorize_workspace(actor, ws_id, Permission.WORKSPACE_READ)
    found = list(rows)
    now = clock.now()
    oldest = now - timedelta(seconds=KEPT[granularity])
    begin = max(clock.parse(since) if since else now - DEFAULT[granularity], oldest)
    count = int((now - begin).total_seconds()) // _LENGTH[granularity] + 2
    if count * len(found) > MAX_POINTS:
        reason = (
            f"These are more than {MAX_POINTS:,} points of {len(found):,} sandboxes: ask for a later time, or a longer interval"
        )
        raise Invalid(FieldError("since", reason))
    start = start_of(granularity, clock.iso(begin))
    reads = [read_ahead(partial(_points, row.id, granularity, start)) for row in found]
    total, intervals, sandboxes = Sums(), dict[str, Sums](), []
    for row, read in zip(found, reads, strict=True):
        points = read.result()
        for point in points:
            total.add(point)
            intervals.setdefault(str(point.sk), Sums()).add(point)
        sandboxes.append(OfSandbox(row.id, str(row.f["name"]), str(row.f["status"]), _sum(points)))
    return Aggregate(beginning(granularity, start), clock.iso(now), sandboxes, total, dict(sorted(intervals.items())))


def beginning(granularity: str, start: str) -> str:
    """Return the time at which an interval begins."""
    return start + "0000-01-01T00:00:00.000Z"[START[granularity] :]


def _points(sandbox_id: str, granularity: str, start: str) -> list[Point]:
    partition, first = Point.key(sandbox_id, granularity, start)
    return query(Point, partition, between=(first, "9")).rows


def _sum(points: Iterable[Point]) -> Sums:
    sums = Sums()
    for point in points:
        sums.add(point)
    return sums
