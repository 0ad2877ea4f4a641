"""Rate limits, counted in leases: a process takes a number of requests at once and gives them out.

A counter that every request writes is one more round trip each time, and for a whole workspace it would be the hottest row of the platform.
A lease begins with FIRST requests and doubles while the process needs more, up to MOST; the closer the limit, the smaller it is. One that
its window ended is followed by one of the size that was needed.

The limit is never exceeded. What is left of a lease when its window or its process ends is lost: fewer than MOST requests a process, and
never more than a SHAREth of what the caller had left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.core import clock, counts
from shared.core.errors import RateLimited
from shared.core.limits import RateRule
from shared.people.access.records import Access
from shared.store import RateStatus, count_requests

FIRST, MOST = 4, 20
SHARE = 10  # a lease takes at most a tenth of what is left, so that other processes of the caller are served too
_MAX_LEASES = 5_000  # of a process; above that it drops the oldest


@dataclass
class _Lease:
    """The state of the tightest rule without what is left here; `ends` is when the first window ends, in epoch seconds."""

    status: RateStatus
    ends: int
    size: int
    left: int


class QuotaLeases:
    """The leases of one process."""

    def __init__(self) -> None:
        self._leases: dict[tuple[str, tuple[RateRule, ...]], _Lease] = {}

    def count(
        self, pk: str, rules: Sequence[RateRule], *, session: str | None = None, ttl: int | None = None
    ) -> tuple[RateStatus, dict[str, Any] | None]:
        """Count one request on the row `pk`. Return the state of the rule with the fewest remaining requests, and the row if it was read
        for that: it was if the lease is new. Raises RateLimited, and Unauthenticated as `count_requests` does."""
        key = pk, tuple(rules)
        lease, row = self._leases.get(key), None
        kept = lease is not None and lease.left > 0 and lease.ends > clock.epoch()
        counts.count_lookup(found=kept)
        if lease is None or not kept:
            lease, row = _acquire(pk, rules, _size(lease, rules), session, ttl)
            self._leases.pop(key, None)
            self._leases[key] = lease  # at the end, as the youngest
            if len(self._leases) > _MAX_LEASES:
                self._leases.pop(next(iter(self._leases)))
        lease.left -= 1
        return replace(lease.status, remaining=lease.status.remaining + lease.left), row

    def give_back(self, pk: str, rules: Sequence[RateRule], status: RateStatus) -> None:
        """Take back a request that was counted, unless the window has ended: it was none of its owner's."""
        lease = self._leases.get((pk, tuple(rules)))
        if lease is not None and lease.status.reset == status.reset:
            lease.left += 1


def _size(last: _Lease | None, rules: Sequence[RateRule]) -> int:
    """Return how many requests to take: twice as many as last time, or as many as were needed if some were lost; no more than a share of
    what was left then."""
    wanted = FIRST if last is None else last.size - last.left if last.left else last.size * 2
    if last is None or last.ends <= clock.epoch():
        remaining = min(rule.limit for rule in rules)
    else:
        remaining = last.status.remaining
    return max(1, min(wanted, MOST, remaining // SHARE))


def _acquire(
    pk: str, rules: Sequence[RateRule], size: int, session: str | None, ttl: int | None
) -> tuple[_Lease, dict[str, Any]]:
    """Count a whole lease, or a single request close to the limit: a lease leaves SHARE - 1 times its size to other processes."""
    leave = size * (SHARE - 1) if size > 1 else 0
    try:
        row, status = count_requests(Access, pk, rules, amount=size, leave=leave, session=session, ttl=ttl)
    except RateLimited:
        if size == 1:
            raise
        return _acquire(pk, rules, 1, session, ttl)
    assert status is not None  # noqa: S101 - not None, because there are rules
    now = clock.epoch()
    return _Lease(status, min(rule.reset(now) for rule in rules), size, size), row


PROCESS_LEASES = QuotaLeases()
"""The leases of this process."""
