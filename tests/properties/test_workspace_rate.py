"""A workspace's requests, counted by the handful by processes that know nothing of each other."""

import threading
from collections.abc import Iterator

import pytest

from shared.core.errors import RateLimited
from shared.core.ids import new_id
from shared.core.limits import RateRule
from shared.people.access.quota_leases import LEASE_SIZE, QuotaLeases


@pytest.fixture
def rule() -> RateRule:
    return RateRule("aw", 130, 3600)


def used_up(process: QuotaLeases, ws_id: str, rule: RateRule) -> Iterator[int]:
    while True:
        try:
            yield process.count(ws_id, rule).remaining
        except RateLimited:
            return


def test_processes_at_once_never_pass_the_limit_and_lose_little(shared_tables, rule):
    """Four at once, until each is refused: together exactly the limit, since none of them held anything back."""
    ws_id = new_id()
    given: list[int] = []
    threads = [threading.Thread(target=lambda: given.extend(used_up(QuotaLeases(), ws_id, rule))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == rule.limit


def test_one_that_stops_early_loses_its_handful_at_most(shared_tables, rule):
    ws_id = new_id()
    next(used_up(QuotaLeases(), ws_id, rule))
    assert sum(1 for _ in used_up(QuotaLeases(), ws_id, rule)) == rule.limit - LEASE_SIZE
