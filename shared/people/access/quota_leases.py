"""Requests of a whole workspace, counted by the handful.

A counter that every request of every member writes would be the hottest row of the platform, and one more round trip for each request. So
a function's process takes a handful at once, gives it out, and comes back for the next: one request in HANDFUL pays a round trip. Close to
the limit, where there is no handful left, it takes one at a time.

No more than the limit is ever given out. Fewer may be: what a process holds when its window ends, or when it ends itself, is lost, at most
HANDFUL - 1 a process.
"""

from dataclasses import dataclass, replace

from shared.core import clock
from shared.core.errors import RateLimited
from shared.core.limits import RateRule
from shared.people.access.records import Access
from shared.store import RateStatus, count_requests

LEASE_SIZE = 20
_MAX_WORKSPACES = 1_000  # workspaces that a process remembers; the one it has known longest goes first


@dataclass
class _Lease:
    status: RateStatus
    left: int


class QuotaLeases:
    """What one process holds."""

    def __init__(self) -> None:
        self._leases: dict[str, _Lease] = {}

    def count(self, ws_id: str, rule: RateRule) -> RateStatus:
        """Count one request of the workspace. Raises RateLimited."""
        lease = self._leases.get(ws_id)
        if lease is None or not lease.left or lease.status.reset <= clock.epoch():
            lease = self._leases[ws_id] = _acquire(ws_id, rule)
            if len(self._leases) > _MAX_WORKSPACES:
                self._leases.pop(next(iter(self._leases)))
        lease.left -= 1
        return replace(lease.status, remaining=lease.status.remaining + lease.left)


def _acquire(ws_id: str, rule: RateRule) -> _Lease:
    for amount in (LEASE_SIZE, 1):
        try:
            _, status = count_requests(Access, f"RL#ws#{ws_id}", [rule], amount=amount, ttl=rule.window * 2)
        except RateLimited:
            if amount == 1:
                raise
        else:
            assert status is not None  # noqa: S101 - there is a rule
            return _Lease(status, amount)
    raise AssertionError("unreachable")


PROCESS_LEASES = QuotaLeases()
"""Those of this process."""
