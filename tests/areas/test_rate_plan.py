"""The limits of an organization's plan in enterprise: minute, hour and day at once, as the document's table says."""

import datetime as dt
from collections.abc import Iterator

import pytest
import time_machine

from shared.edge.contracts.enterprise import ENTERPRISE
from shared.people.access import quota_leases, records
from shared.people.access.quota_leases import QuotaLeases
from tests.areas.driving import Answer, Client, sign_up

NOON = dt.datetime(2026, 5, 4, 12, 0, 15, 400_000, tzinfo=dt.UTC)
WINDOWS = {60: 100, 3600: 1_000, 86_400: 10_000}


@pytest.fixture
def ada(aws) -> Iterator[Client]:
    with time_machine.travel(NOON, tick=False):
        yield sign_up().at("enterprise")


def ask(ada: Client) -> Answer:
    return ada("auth", "GET", "/api-keys")


def used(ada: Client, monkeypatch, **asked: int) -> None:
    """As if other processes had been asked so many times: a lease counts all windows, each by its rule."""
    monkeypatch.setattr(quota_leases, "PROCESS_LEASES", QuotaLeases())
    for window, number in asked.items():
        rules = [rule for rule in ENTERPRISE.rate_rules("", "free") if rule.window == int(window.removeprefix("in_"))]
        quota_leases.count_requests(records.Access, records.access_key(ada.user["id"])[0], rules, amount=number)


def shown(answer: Answer) -> tuple[str | None, ...]:
    return tuple(answer.header(f"x-ratelimit-{name}") for name in ("limit", "remaining", "reset"))


def epoch(*time: int) -> str:
    return str(int(dt.datetime(2026, 5, *time, tzinfo=dt.UTC).timestamp()))


@pytest.mark.parametrize(
    ("plan", "limits"), [("free", [100, 1_000, 10_000]), ("professional", [1_000, 50_000, 500_000]), ("enterprise", [])]
)
def test_a_plan_has_the_limits_of_the_document(plan, limits):
    assert [(rule.limit, rule.window) for rule in ENTERPRISE.rate_rules("", plan)] == list(zip(limits, WINDOWS, strict=False))


@pytest.mark.parametrize(
    ("asked", "headers"),
    [
        ({}, ("100", "99", epoch(4, 12, 1))),
        ({"in_3600": 950}, ("1000", "49", epoch(4, 13))),
        ({"in_3600": 950, "in_86400": 9_970}, ("10000", "29", epoch(5, 0))),
    ],
)
def test_the_headers_are_those_of_the_tightest_window(ada, monkeypatch, asked, headers):
    used(ada, monkeypatch, **asked)
    assert shown(ask(ada)) == headers


@pytest.mark.parametrize(
    ("window", "seconds", "resets"),
    [
        (60, 45, "2026-05-04T12:01:00.000Z"),
        (3600, 3_585, "2026-05-04T13:00:00.000Z"),
        (86_400, 43_185, "2026-05-05T00:00:00.000Z"),
    ],
)
def test_a_full_window_is_refused_as_the_document_shows(ada, monkeypatch, window, seconds, resets):
    used(ada, monkeypatch, **{f"in_{window}": WINDOWS[window] - 1})
    assert ask(ada).status == 200
    answer = ask(ada)
    assert answer.status == 429
    meta = answer.json["meta"]
    assert answer.json | {"meta": None} == {
        "success": False,
        "status": 429,
        "error": {
            "code": "RATE_LIMIT_EXCEEDED",
            "message": f"You have exceeded the rate limit. Please retry after {seconds} seconds.",
        },
        "meta": None,
    }
    assert (meta["retry_after"], meta["limit_resets_at"]) == (seconds, resets)
    assert (answer.header("retry-after"), shown(answer)[:2]) == (str(seconds), (str(WINDOWS[window]), "0"))


def test_the_next_window_is_open(ada, monkeypatch):
    used(ada, monkeypatch, in_60=100)
    assert ask(ada).status == 429
    with time_machine.travel(NOON + dt.timedelta(seconds=45), tick=False):
        assert shown(ask(ada))[:2] == ("100", "99")


def test_processes_together_give_out_what_the_window_allows(ada, monkeypatch):
    """Leases of several processes never exceed the limit, and lose nothing while they are in use."""
    processes = [QuotaLeases() for _ in range(4)]
    answers = []
    for number in range(120):
        monkeypatch.setattr(quota_leases, "PROCESS_LEASES", processes[number % 4])
        monkeypatch.setattr(quota_leases, "FIRST", 4)
        monkeypatch.setattr(quota_leases, "MOST", 20)
        monkeypatch.setattr(quota_leases, "SHARE", 10)
        answers.append(ask(ada).status)
    assert answers.count(200) <= 100
    assert answers.count(200) >= 90
