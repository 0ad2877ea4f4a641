"""`/metrics`: the figures of the platform, from what the functions log."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine

from functions.system import figures
from functions.system.figures import AGGREGATIONS, MOST_POINTS, RANGES
from shared.core import aws as clients
from shared.core import counts
from shared.people.access import records
from shared.store import calls as store_calls
from shared.store import update_now
from shared.store.client import the_client
from tests.areas.billing_world import logged_in
from tests.areas.cloudwatch import empty, publish, with_percentiles
from tests.areas.driving import Answer, Client, sign_up
from tests.trips import count_requests

NOON = dt.datetime(2026, 5, 4, 12, 0, 30, tzinfo=dt.UTC)
NOT_MEASURED = ("cpu_percent", "memory_percent")


@pytest.fixture
def ada(aws, logged, monkeypatch) -> Iterator[Client]:
    """The owner of an organization, while the time stands still."""
    figures._read.cache_clear()
    clients.short_call_client.cache_clear()
    counts.take()
    empty()
    with_percentiles(monkeypatch)
    with time_machine.travel(NOON, tick=False):
        yield sign_up().at("enterprise")
    figures._read.cache_clear()


@pytest.fixture
def calls() -> Iterator[list[dict[str, Any]]]:
    """What is asked of CloudWatch."""
    seen: list[dict[str, Any]] = []
    events = clients.short_call_client("cloudwatch").meta.events

    def note(params: dict[str, Any], **_: Any) -> None:
        seen.append(params)

    events.register("provide-client-params.cloudwatch.GetMetricData", note)
    yield seen
    events.unregister("provide-client-params.cloudwatch.GetMetricData", note)


def ask(client: Client, query: str = "") -> Answer:
    return client("system", "GET", f"/metrics{query}")


def lines(logged: Callable[[], list[dict]]) -> list[dict]:
    return [line for line in logged() if line["message"] == "request"]


def test_the_figures_are_those_of_the_requests_that_were_made(ada, logged, monkeypatch):
    for _ in range(3):
        assert ada("organizations", "GET", "/organizations").status == 200
    with monkeypatch.context() as broken:
        broken.setattr("shared.people.tenancy.organizations.list_organizations", lambda *_: 1 / 0)
        assert ada("organizations", "GET", "/organizations").status == 500
    assert ada("organizations", "GET", "/organizations?page=0").status == 400
    publish(logged())
    made = lines(logged)
    assert len(made) == 6

    answer = ask(ada)
    assert answer.status == 200
    data = answer.json["data"]
    assert (data["time_range"], data["aggregation"], data["timestamp"]) == ("1h", "1m", "2026-05-04T12:00:30.000Z")
    shown = data["metrics"]
    assert shown["api_requests_total"] == 6
    durations = sorted(line["duration_ms"] for line in made)
    assert shown["api_latency_p99_ms"] == round(durations[-1])
    assert shown["api_latency_p50_ms"] <= shown["api_latency_p95_ms"] <= shown["api_latency_p99_ms"]
    assert shown["error_rate_percent"] == 16.67, "a 400 is the caller's error"
    assert shown["database_query_count"] == sum(line.get("table_calls", 0) for line in made) > 6
    assert shown["database_slow_queries"] == sum(line.get("slow_table_calls", 0) for line in made)
    asked, found = (sum(line.get(name, 0) for line in made) for name in ("cache_lookups", "cache_hits"))
    assert shown["cache_hit_rate"] == round(100 * found / asked, 2)
    assert 0 < found < asked
    assert [name for name, value in shown.items() if value is None] == list(NOT_MEASURED)


def test_points_are_the_figures_of_each_step(ada, logged):
    with time_machine.travel(NOON, tick=False) as moment:
        for minute in (0, 0, 2):
            moment.move_to(NOON + dt.timedelta(minutes=minute))
            ada("organizations", "GET", "/organizations")
        publish(logged())
        data = ask(ada).json["data"]
        assert {one["timestamp"]: one["api_requests_total"] for one in data["points"]} == {
            "2026-05-04T12:00:00.000Z": 3,  # with the registration
            "2026-05-04T12:02:00.000Z": 1,
        }
        assert data["metrics"]["api_requests_total"] == 4
        assert [one["api_requests_total"] for one in ask(ada, "?aggregation=1h").json["data"]["points"]] == [4]
        moment.move_to(NOON + dt.timedelta(hours=2))
        ada = logged_in().at("enterprise")
        assert ask(ada, "?time_range=1h").json["data"]["metrics"]["api_requests_total"] is None
        assert ask(ada, "?time_range=6h").json["data"]["metrics"]["api_requests_total"] == 4


def test_what_was_not_measured_is_absent_and_no_zero(ada):
    data = ask(ada).json["data"]
    assert set(data["metrics"].values()) == {None}
    assert data["points"] == []


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("time_range", RANGES)
def test_every_range_with_every_step_is_answered_by_one_call(ada, calls, time_range, aggregation):
    answer = ask(ada, f"?time_range={time_range}&aggregation={aggregation}")
    assert answer.status == 200
    (asked,) = calls
    seconds, step = RANGES[time_range], AGGREGATIONS[aggregation]
    assert (asked["EndTime"] - asked["StartTime"]).total_seconds() == seconds
    assert asked["EndTime"] == NOON.replace(minute=5 if time_range == "30d" else 1, second=0), "the running minute is in it"
    too_many = seconds // step > MOST_POINTS
    assert (answer.json["data"]["points"] is None) == too_many
    assert {one["MetricStat"]["Period"] for one in asked["MetricDataQueries"]} == ({seconds} if too_many else {seconds, step})
    values = sum(seconds // one["MetricStat"]["Period"] for one in asked["MetricDataQueries"])
    assert values < 100_800, "what CloudWatch gives in one answer"


def test_the_figures_are_read_once_a_minute(ada, calls):
    with time_machine.travel(NOON, tick=False) as moment:
        for second in (0, 10, 29):
            moment.move_to(NOON + dt.timedelta(seconds=second))
            ask(ada)
        assert len(calls) == 1
        moment.move_to(NOON + dt.timedelta(seconds=31))
        ask(ada)
        assert len(calls) == 2


def test_they_cost_one_read_and_no_write_of_a_table(ada):
    ask(ada)  # the lease is taken
    with count_requests() as seen:
        assert ask(ada).status == 200
    assert seen.names == ["GetItem"]


@pytest.mark.parametrize("query", ["?time_range=2h", "?aggregation=1s", "?time_range="])
def test_other_ranges_are_refused(ada, calls, query):
    answer = ask(ada, query)
    assert (answer.status, answer.json["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert calls == []


def test_a_key_needs_the_scope(ada, calls):
    def with_key(*scopes: str) -> Answer:
        made = ada("auth", "POST", "/api-keys", body={"name": "CI", "permissions": list(scopes)})
        return Client("enterprise")("system", "GET", "/metrics", headers={"X-API-Key": made.json["data"]["key"]})

    refused = with_key("projects:read")
    assert (refused.status, refused.json["error"]["code"]) == (403, "AUTHORIZATION_DENIED")
    assert "metrics:read" in refused.text
    assert Client("enterprise")("system", "GET", "/metrics").status == 401
    assert calls == []
    assert with_key("metrics:read").status == 200


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("member", 403), ("viewer", 403)])
def test_they_are_for_administrators_of_an_organization(ada, role, status):
    set_role(ada, role)
    assert ask(ada).status == status


def set_role(client: Client, role: str) -> None:
    """The role in the own organization, as somebody else would have changed it."""
    record = records.get_access(client.user["id"])
    update_now(records.key_row(client.user["id"]), [records.Access.organizations[next(iter(record.organizations))].set(role)])


def test_a_slow_call_of_a_table_is_counted(ada, logged, monkeypatch):
    monkeypatch.setattr(store_calls, "SLOW", -1.0)
    ada("organizations", "GET", "/organizations")
    (line,) = lines(logged)[-1:]
    assert line["slow_table_calls"] == line["table_calls"] > 0


def test_a_call_that_fails_is_counted_too(ada):
    counts.take()
    with pytest.raises(the_client().exceptions.ClientError):
        the_client().get_item(TableName="no-such-table", Key={"PK": {"S": "a"}, "SK": {"S": "b"}})
    assert counts.take()["table_calls"] == 1
