"""Usage, whatever the ledger holds and whatever is asked: totals, parts, timelines and the raw lines are one number, to the
micro-dollar."""

import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core.ids import new_id
from shared.money.budgets import reserving
from shared.money.budgets.reserving import Scope, announce_spending, settle_reservation
from shared.money.budgets.rows import budget_id, new_budget, this_month
from shared.money.usage.reading import BREAKDOWNS, Sum, begin_project_usage, begin_workspace_usage
from shared.money.usage.recording import usage_operations
from shared.money.usage.rows import UsageLine
from shared.store import collection, create, fetch_all, write
from tests.examples import examples

pytestmark = pytest.mark.usefixtures("shared_tables")

FIRST = date(2026, 1, 20)
Figures = tuple[int, int, int, int, int]
MONEY = st.one_of(st.integers(0, 5), st.integers(0, 10**10))

lines = st.lists(
    st.fixed_dictionaries(
        {
            "day": st.integers(0, 400).map(lambda n: FIRST + timedelta(days=n)),
            "clock": st.sampled_from(["00:00:00.000", "12:30:00.001", "23:59:59.999"]),
            "project": st.integers(0, 2),
            "agent": st.sampled_from(["prd", "qa", "x#y"]),
            "provider": st.sampled_from(["openai", "embedded"]),
            "user": st.sampled_from(["ada", "bob"]),
            "cost": MONEY,
            "price": MONEY,
            "tokens": st.tuples(*[st.integers(0, 10**6)] * 4),
            "unpriced": st.booleans(),
        }
    ),
    max_size=25,
)
spans = st.tuples(st.integers(-30, 420), st.integers(0, 430)).map(
    lambda one: (FIRST + timedelta(days=one[0]), FIRST + timedelta(days=one[0] + one[1]))
)


def recorded(ws_id: str, projects: list[str], one: dict) -> UsageLine:
    known = not one["unpriced"]
    line = UsageLine.new(
        new_id(),
        org_id="o",
        ws_id=ws_id,
        proj_id=projects[one["project"]],
        at=f"{one['day']}T{one['clock']}Z",
        run_id="r",
        item_id="c",
        agent_id=one["agent"],
        agent_name=one["agent"].upper(),
        user={"kind": "user", "id": one["user"], "name": one["user"].title(), "email": ""},
        provider=one["provider"],
        model="m",
        input_tokens=one["tokens"][0],
        cache_read_tokens=one["tokens"][1],
        cache_write_tokens=one["tokens"][2],
        output_tokens=one["tokens"][3],
        provider_cost_micros=one["cost"] if known else 0,
        customer_price_micros=one["price"] if known else 0,
        unpriced=not known,
        price_version="t",
    )
    write(*usage_operations(line, f"Project {one['project']}"))
    return line


def figures(one: Sum) -> Figures:
    return one.calls, one.tokens, one.cost_micros, one.price_micros, one.unpriced_calls


def together(every: list[Figures]) -> Figures:
    sums = [sum(column) for column in zip(*every, strict=True)] or [0] * 5
    return sums[0], sums[1], sums[2], sums[3], sums[4]


def raw(line: UsageLine) -> Figures:
    tokens = line.input_tokens + line.cache_read_tokens + line.cache_write_tokens + line.output_tokens
    return 1, int(tokens), int(line.provider_cost_micros), int(line.customer_price_micros), int(line.unpriced)


VALUE = {
    "project": lambda line: str(line.proj_id),
    "agent": lambda line: line.agent_id,
    "provider": lambda line: line.provider,
    "user": lambda line: line.user["id"],
}


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines, st.lists(spans, min_size=1, max_size=4), st.sampled_from(["day", "week", "month"]))
def test_usage_is_the_ledger_summed(made, asked, group_by):
    ws_id, projects = new_id(), [new_id() for _ in range(3)]
    for one in made:
        recorded(ws_id, projects, one)
    ledger = fetch_all(UsageLine, [row.id for row in collection(1, f"WS#{ws_id}#USE")])
    assert len(ledger) == len(made)
    for first, last in asked:
        inside = [line for line in ledger if str(first) <= line.at[:10] <= str(last)]
        of_projects = []
        for breakdown in BREAKDOWNS:
            seen = begin_workspace_usage(ws_id, str(first), str(last), group_by, breakdown)()
            by_value: dict[str, list[Figures]] = defaultdict(list)
            for line in inside:
                by_value[VALUE[breakdown](line)].append(raw(line))
            assert figures(seen.total) == together([raw(line) for line in inside])
            assert {value: figures(part) for value, part in seen.parts.items()} == {
                value: together(every) for value, every in by_value.items()
            }
            assert together([figures(point) for point in seen.timeline.values()]) == figures(seen.total)
            assert all(part.name for part in seen.parts.values())
        for project in projects:
            seen = begin_project_usage(project, str(first), str(last), group_by, "user")()
            assert figures(seen.total) == together([raw(line) for line in inside if line.proj_id == project])
            assert together([figures(part) for part in seen.parts.values()]) == figures(seen.total)
            of_projects.append(figures(seen.total))
        assert together(of_projects) == figures(begin_workspace_usage(ws_id, str(first), str(last))().total)


def test_each_share_of_the_month_is_said_once_whoever_crosses_it(monkeypatch):
    """Twelve spend at once and all look; what was written is counted."""
    ws_id = new_id()
    write(create(new_budget("workspace", ws_id, 1_200, month=this_month(), ws_id=ws_id)))
    written: list[int] = []
    real = reserving.write

    def counting(*operations):
        real(*operations)
        values = operations[0].request.get("ExpressionAttributeValues", {}).values()
        written.extend(json.loads(one["S"])["data"]["threshold_percentage"] for one in values if "threshold_" in one.get("S", ""))

    monkeypatch.setattr(reserving, "write", counting)

    def spend(_: int) -> None:
        write(*settle_reservation({"amount": 0, "budgets": [budget_id("workspace", ws_id, this_month())]}, (), 100))
        announce_spending(Scope(None, ws_id, "", "", ""))

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(spend, range(12)))
    assert sorted(written) == [50, 80, 100]
