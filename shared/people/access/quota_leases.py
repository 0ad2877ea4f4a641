"""Rate limits of a whole workspace, counted in leases.

A counter that every request of every member writes would be a hot row, and one more round trip per request. So each process of a
function takes a lease of LEASE_SIZE requests at once and counts them locally. Close to the limit it takes one request at a time.

The limit is never exceeded. Up to LEASE_SIZE - 1 requests per process may be lost: what is left of a lease when its window or the
process ends.
"""

from dataclasses import dataclass, replace

from shared.core import clock
from shared.core.errors import RateLimited
from shared.core.limits import RateRule
from shared.people.access.records import Access
from shared.store import RateStatus, count_requests

LEASE_SIZE = 20
_MAX_WORKSPACES = 1_000  # leases that a process keeps; above that it drops the oldest


@dataclass
class _Lease:
    status: RateStatus
    left: int


class QuotaLeases:
    """The leases of one process."""

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
    """Count a whole lease, or a single request close to the limit. Raises RateLimited."""
    for amount in (LEASE_SIZE, 1):
        try:
            _, status = count_requests(Access, f"RL#ws#{ws_id}", [rule], amount=amount, ttl=rule.window * 2)
        except RateLimited:
            if amount == 1:
                raise
        else:
            assert status is not None  # noqa: S101 - not None, because a rule was passed
            return _Lease(status, amount)
    raise AssertionError("unreachable")


PROCESS_LEASES = QuotaLeases()
"""The leases of this process."""
