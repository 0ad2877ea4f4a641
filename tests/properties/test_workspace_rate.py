"""Requests that are counted in leases, by processes that know nothing of each other."""

import threading
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core import clock
from shared.core.errors import RateLimited, Unauthenticated
from shared.core.ids import new_id
from shared.core.limits import RateRule
from shared.people.access import records
from shared.people.access.quota_leases import FIRST, MOST, SHARE, QuotaLeases
from shared.people.access.records import GUESSES_PER_IP, Access
from shared.store import delete, get, put, write
from tests.examples import examples
from tests.kills import concurrently, crash_at_every_write

pytestmark = pytest.mark.usefixtures("shared_tables")
PROCESSES = 20
TTL = 2 * 86_400


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
            yield process.count(pk, rules, ttl=TTL)[0].remaining
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
    status, _ = process.count(pk, [rule], ttl=TTL)
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
            status, _ = processes[number].count(pk, [rule], ttl=TTL)
        except RateLimited:
            continue
        given_out += 1
        assert 0 <= status.remaining < limit
    assert given_out <= limit
    drained = sum(len(list(used_up(process, pk, rule))) for process in processes)
    assert given_out + drained == limit


# -- clocks and windows


class Clock:
    """The clocks of the processes: whoever acts sets it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000  # a minute begins

    def at(self, seconds: int) -> None:
        self.now = 1_800_000_000 + seconds


@pytest.fixture
def time(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(clock, "epoch", lambda: made.now)
    return made


@pytest.fixture
def minute() -> RateRule:
    return RateRule("minute", 100, 60)


def test_two_processes_whose_clocks_differ_do_not_begin_a_window_again_and_again(pk, minute, time):
    """The window that has begun stays, for a clock that is a second behind as well, or that stepped back by some minutes."""
    given = []
    for turn in range(60):
        time.at((60, 59, -120)[turn % 3])  # both sides of the end of a minute
        given.append(len(list(islice(used_up(QuotaLeases(), pk, minute), 5))))
    assert given[:3] == [5, 5, 5]  # whoever is behind counts in it
    assert sum(given) <= minute.limit


def test_guesses_do_not_begin_again_for_a_clock_that_is_behind(time):
    """They are counted on two rows at once."""
    email, made = f"{new_id()}@example.com", 0
    for turn in range(2 * GUESSES_PER_IP[0].limit):
        time.at((0, -1)[turn % 2])  # most of their windows begin at 0
        try:
            records.count_guess_from(email, email)
        except RateLimited:
            break
        made += 1
    assert made == GUESSES_PER_IP[0].limit


def test_a_window_far_in_the_future_is_an_error_and_begins_again(pk, minute, time):
    time.at(86_400)
    assert len(list(used_up(QuotaLeases(), pk, minute))) == minute.limit
    time.at(0)
    assert len(list(used_up(QuotaLeases(), pk, minute))) == minute.limit


def test_a_lease_ends_with_its_window(pk, minute, time):
    process = QuotaLeases()
    list(islice(used_up(process, pk, minute), 5))
    time.at(60)
    assert list(used_up(process, pk, minute)) == [*range(minute.limit - 1, -1, -1)]


def test_the_first_of_several_windows_ends_a_lease(pk, minute, time):
    rules = minute, RateRule("hour", 150, 3600)
    process = QuotaLeases()
    assert len(list(used_up(process, pk, *rules))) == 100
    time.at(60)
    assert len(list(used_up(process, pk, *rules))) == 50


def test_a_process_that_needs_little_takes_little(pk, minute, time):
    """Requests that leases took and nobody made are lost to the other processes: one request a minute holds one, in the end."""
    process = QuotaLeases()
    for number in range(10):
        time.at(60 * number)
        process.count(pk, [minute], ttl=TTL)
    assert len(list(used_up(QuotaLeases(), pk, minute))) == minute.limit - 1


def test_a_slow_caller_is_not_starved_by_processes_that_are_gone(pk, minute):
    """A process that answers one request and ends takes its lease with it; however many do, a good part of the limit is served."""
    served = 0
    while list(islice(used_up(QuotaLeases(), pk, minute), 1)):
        served += 1
    assert served >= minute.limit // 2


def test_no_lease_holds_more_than_a_share_of_what_is_left(pk, minute):
    list(islice(used_up(QuotaLeases(), pk, minute), minute.limit - SHARE))
    gone = QuotaLeases()
    gone.count(pk, [minute], ttl=TTL)  # it knows nothing of the others
    assert len(list(used_up(QuotaLeases(), pk, minute))) >= SHARE - 2


def test_a_limit_that_was_lowered_holds_for_whoever_knows_it(pk):
    before, after = RateRule("aw", 200, 86_400), RateRule("aw", 20, 86_400)
    process = QuotaLeases()
    assert len(list(islice(used_up(process, pk, before), 20))) == 20
    assert list(used_up(process, pk, after)) == []
    assert len(list(islice(used_up(process, pk, before), MOST))) == MOST


def test_what_is_counted_is_never_a_new_record_of_somebody(pk, rule):
    """A key that is taken away while its request is counted does not come back as a row of counters."""
    with pytest.raises(Unauthenticated):
        QuotaLeases().count(pk, [rule])
    assert get(Access, pk) is None
    write(put(Access(pk=pk, sk="META", name="CI")))
    taken_away = concurrently(lambda: write(delete(Access(pk=pk, sk="META"))), 2)  # before its window begins
    with taken_away, pytest.raises(Unauthenticated):
        QuotaLeases().count(pk, [rule])
    assert (taken_away.happened, get(Access, pk)) == (True, None)


def test_a_process_that_dies_at_any_write_takes_at_most_its_lease_along(minute, time):
    for process in crash_at_every_write():
        pk, given = f"RL#ws#{new_id()}", 0
        with process:
            for _ in used_up(QuotaLeases(), pk, minute):
                given += 1
        rest = len(list(used_up(QuotaLeases(), pk, minute)))
        assert minute.limit - MOST <= given + rest <= minute.limit
