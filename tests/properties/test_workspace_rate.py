"""Requests that are counted in leases, by processes that know nothing of each other."""

import threading
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.errors import RateLimited
from shared.core.ids import new_id
from shared.core.limits import RateRule
from shared.people.access.quota_leases import FIRST, MOST, SHARE, QuotaLeases
from tests.examples import examples

pytestmark = pytest.mark.usefixtures("shared_tables")
PROCESSES = 20


@pytest.fixture
def rule() -> RateRule:
    return RateRule("aw", 200, 86_400)


@pytest.fixture
def pk() -> str:
    return f"RL#ws#{new_id()}"


def used_up(process: QuotaLeases, pk: str, *rules: RateRule) -> Iterator[int]:
    """What is left after each request, until one is refused."""
    while True:
        try:
            yield process.count(pk, rules)[0].remaining
        except RateLimited:
            return


def at_once(work) -> None:
    threads = [threading.Thread(target=work) for _ in range(PROCESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_twenty_processes_until_each_is_refused_have_exactly_the_limit(pk, rule):
    """Together exactly the limit, since none of them holds anything back."""
    given: list[int] = []
    at_once(lambda: given.extend(used_up(QuotaLeases(), pk, rule)))
    assert len(given) == rule.limit


def test_twenty_processes_that_stop_early_lose_what_their_leases_hold(pk, rule):
    """Each serves three requests; whoever comes then gets all but what the leases of the twenty still hold."""
    given: list[int] = []
    at_once(lambda: given.extend(islice(used_up(QuotaLeases(), pk, rule), 3)))
    rest = len(list(used_up(QuotaLeases(), pk, rule)))
    assert rule.limit - PROCESSES * (MOST - 1) <= rule.limit - PROCESSES * (FIRST - 1) <= len(given) + rest <= rule.limit


def test_a_lone_process_gives_out_all_of_them_and_tells_how_many_are_left(pk, rule):
    assert list(used_up(QuotaLeases(), pk, rule)) == [*range(rule.limit - 1, -1, -1)]


def test_the_tightest_of_several_rules_holds(pk):
    rules = RateRule("minute", 30, 86_400), RateRule("hour", 200, 86_400)
    assert list(used_up(QuotaLeases(), pk, *rules)) == [*range(29, -1, -1)]


def test_close_to_the_limit_a_process_holds_little(pk, rule):
    """The other processes of a caller are served too, however close the limit is: no lease holds more than a share of what was left."""
    list(islice(used_up(QuotaLeases(), pk, rule), rule.limit - SHARE))
    rest = len(list(used_up(QuotaLeases(), pk, rule)))
    assert SHARE - 1 <= rest <= SHARE


def test_a_request_that_is_given_back_can_be_used(pk, rule):
    process = QuotaLeases()
    status, _ = process.count(pk, [rule])
    process.give_back(pk, [rule], status)
    assert len(list(used_up(process, pk, rule))) == rule.limit


@settings(max_examples=examples(25))
@given(st.lists(st.integers(0, PROCESSES - 1), max_size=80), st.integers(1, 60))
def test_in_whatever_order_twenty_processes_serve_the_limit_holds(story, limit):
    """It is never exceeded, and nothing of it is lost while the processes live that hold it."""
    pk, rule, processes = f"RL#ws#{new_id()}", RateRule("aw", limit, 86_400), [QuotaLeases() for _ in range(PROCESSES)]
    given_out = 0
    for number in story:
        try:
            status, _ = processes[number].count(pk, [rule])
        except RateLimited:
            continue
        given_out += 1
        assert 0 <= status.remaining < limit
    assert given_out <= limit
    drained = sum(len(list(used_up(process, pk, rule))) for process in processes)
    assert given_out + drained == limit
