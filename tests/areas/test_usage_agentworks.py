"""agentworks: usage, from sums that agree with the ledger."""

import pytest
import time_machine

from shared.core.ids import new_id
from tests.areas.boards_world import create_world
from tests.areas.ledger import record_usage
from tests.trips import count_requests


def test_a_workspace_sees_totals_parts_and_a_timeline(world):
    record_usage(world, "2026-03-02", 100_000)
    record_usage(world, "2026-03-02", 50_000, agent="qa", provider="anthropic")
    record_usage(world, "2026-03-09", 50_000)
    record_usage(world, "2026-04-01", 900_000)
    world.ada("auth", "GET", "/auth/me")  # the rate window has begun
    with count_requests() as seen:
        answer = world.ada(
            "usage",
            "GET",
            f"/workspaces/{world.ws_id}/usage?startDate=2026-03-01&endDate=2026-03-31&breakdown=agent&groupBy=week",
        )
    assert answer.status == 200, answer.text
    assert (seen.names, seen.beside) == (["GetItem"], ["Query", "Query"])  # access; beside it the total and the parts
    summary = answer.json["summary"]
    assert (summary["totalCalls"], summary["totalTokens"], summary["totalCost"], summary["totalPrice"]) == (3, 540, 0.2, 1.0)
    assert (summary["grossMargin"], summary["period"]) == (80.0, {"start": "2026-03-01", "end": "2026-03-31"})
    assert [(part["category"], part["price"], part["percentage"]) for part in answer.json["breakdown"]] == [
        ("PRD", 0.75, 75.0),
        ("QA", 0.25, 25.0),
    ]
    assert [(point["timestamp"][:10], point["price"]) for point in answer.json["timeline"]] == [
        ("2026-02-23", 0),
        ("2026-03-02", 0.75),
        ("2026-03-09", 0.25),
        ("2026-03-16", 0),
        ("2026-03-23", 0),
        ("2026-03-30", 0),
    ]


def test_a_year_is_a_few_queries_and_a_point_for_every_day(world):
    record_usage(world, "2025-12-31", 100_000)
    record_usage(world, "2026-06-15", 100_000, agent="qa")
    record_usage(world, "2026-11-20", 100_000)
    world.ada("auth", "GET", "/auth/me")  # the rate window has begun
    of = f"/workspaces/{world.ws_id}/usage?startDate=2025-12-15&endDate=2026-11-25&breakdown=agent"
    with count_requests() as seen:
        answer = world.ada("usage", "GET", of).json
    assert (seen.names, seen.beside) == (
        ["GetItem"],
        ["Query"] * 4,
    )  # access; beside it the total and the parts: days, months, days
    assert [(part["category"], part["calls"]) for part in answer["breakdown"]] == [("PRD", 2), ("QA", 1)]
    assert len(answer["timeline"]) == 346
    assert sum(point["calls"] for point in answer["timeline"]) == answer["summary"]["totalCalls"] == 3


def test_a_week_and_a_month_at_the_turn_of_the_year(world):
    record_usage(world, "2026-12-31", 50_000)
    record_usage(world, "2027-01-01", 50_000)
    of = f"/workspaces/{world.ws_id}/usage?startDate=2026-12-30&endDate=2027-01-02&groupBy="
    points = {by: world.ada("usage", "GET", of + by).json["timeline"] for by in ("week", "month")}
    assert [(point["timestamp"][:10], point["calls"]) for point in points["week"]] == [("2026-12-28", 2)]
    assert [(point["timestamp"][:10], point["calls"]) for point in points["month"]] == [("2026-12-01", 1), ("2027-01-01", 1)]


def test_a_day_is_the_one_in_utc(world):
    record_usage(world, "2026-03-02", 50_000)
    of = f"/workspaces/{world.ws_id}/usage?startDate=2026-03-01&endDate=2026-03-02T03:00:00%2B09:00"
    answer = world.ada("usage", "GET", of).json["summary"]
    assert (answer["period"]["end"], answer["totalCalls"]) == ("2026-03-01", 0)


@pytest.mark.parametrize("breakdown", ["project", "provider", "user"])
def test_every_breakdown_adds_up(world, breakdown):
    record_usage(world, "2026-03-02", 100_000)
    record_usage(world, "2026-03-03", 70_000, provider="anthropic")
    answer = world.ada(
        "usage", "GET", f"/workspaces/{world.ws_id}/usage?startDate=2026-03-01&endDate=2026-03-31&breakdown={breakdown}"
    )
    assert sum(part["price"] for part in answer.json["breakdown"]) == pytest.approx(answer.json["summary"]["totalPrice"])


def test_a_project_sees_its_own(world):
    record_usage(world, "2026-03-02", 100_000)
    path = f"/projects/{world.project.id}/usage?startDate=2026-03-02T00:00:00Z&endDate=2026-03-02"
    assert world.ada("usage", "GET", path).json["summary"]["totalCalls"] == 1
    assert world.ada("usage", "GET", path + "&breakdown=project").status == 422


def test_no_price_is_a_state_and_not_a_zero(world):
    record_usage(world, "2026-03-02", 100_000)
    record_usage(world, "2026-03-02", 100_000, priced=False)
    summary = world.ada("usage", "GET", f"/workspaces/{world.ws_id}/usage?startDate=2026-03-01&endDate=2026-03-31").json[
        "summary"
    ]
    assert (summary["totalCalls"], summary["unpricedCalls"], summary["totalCost"]) == (2, 1, 0.1)


def test_a_part_without_any_price_says_so(world):
    record_usage(world, "2026-03-02", 100_000)
    record_usage(world, "2026-03-03", 100_000, provider="mystery", priced=False)
    of = f"/workspaces/{world.ws_id}/usage?startDate=2026-03-01&endDate=2026-03-03&breakdown=provider"
    answer = world.ada("usage", "GET", of).json
    assert [(part["category"], part["calls"], part["unpricedCalls"]) for part in answer["breakdown"]] == [
        ("openai", 1, 0),
        ("mystery", 1, 1),
    ]
    assert [point["unpricedCalls"] for point in answer["timeline"]] == [0, 0, 1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("startDate=yesterday", "startDate"),
        ("startDate=2026-03-02&endDate=2026-03-01", "startDate"),
        ("startDate=2020-01-01", "startDate"),
        ("startDate=0001-01-01T00:00:00%2B09:00", "startDate"),
        ("endDate=9999-12-31", "endDate"),
        ("groupBy=year", "groupBy"),
        ("breakdown=phase", "breakdown"),
    ],
)
def test_days_that_make_no_sense(world, query, field):
    answer = world.ada("usage", "GET", f"/workspaces/{world.ws_id}/usage?{query}")
    assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, field)


@pytest.mark.parametrize("path", ["usage", "usage/export"])
def test_days_that_make_no_sense_are_so_for_everybody(world, path):
    """What is wrong with a request by itself is told before it is looked up what it names: it says nothing about that."""
    query = "format=csv&startDate=2026-03-02&endDate=2026-03-01"
    eve = create_world("eve@example.com", "Eve").ada
    answers = [
        caller("usage", "GET", f"/workspaces/{ws_id}/{path}?{query}")
        for caller, ws_id in ((world.ada, world.ws_id), (eve, world.ws_id), (eve, new_id()))
    ]
    assert [(answer.status, answer.json["validationErrors"]) for answer in answers] == 3 * [
        (422, answers[0].json["validationErrors"])
    ]


def test_a_stranger_sees_nothing(world):
    eve = create_world("eve@example.com", "Eve").ada
    answer = eve("usage", "GET", f"/workspaces/{world.ws_id}/usage")
    assert (answer.status, answer.json["error"]["code"]) == (404, "WORKSPACE_NOT_FOUND")
    assert eve("usage", "GET", f"/projects/{world.project.id}/usage").status == 404


def test_a_workspace_is_told_where_its_month_leads(aws):
    with time_machine.travel("2026-04-11T00:00:00Z", tick=False):  # ten of thirty days are over
        world = create_world()
        path = f"/workspaces/{world.ws_id}"
        assert world.ada("workspaces", "PUT", path, body={"settings": {"maxMonthlyUsage": 20}}).status == 200
        record_usage(world, "2026-04-01", 1_000_000)
        usage = world.ada("workspaces", "GET", path).json["usage"]
        assert (usage["calls"], usage["estimatedCost"], usage["percentageUsed"]) == (1, 5.0, 25.0)
        assert usage["projectedMonthlyUsage"] == 15.0
        assert "limitReachedOn" not in usage
        record_usage(world, "2026-04-10", 1_000_000)
        usage = world.ada("workspaces", "GET", path).json["usage"]
        assert (usage["projectedMonthlyUsage"], usage["limitReachedOn"]) == (30.0, "2026-04-21")
        record_usage(world, "2026-04-11", 2_000_000)
        assert world.ada("workspaces", "GET", path).json["usage"]["limitReachedOn"] == "2026-04-11"
