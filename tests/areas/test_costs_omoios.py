"""omoios, section 16: what calls cost, the budgets that stop them, and what they will cost."""

from datetime import timedelta

import pytest
import time_machine

from shared.agents.catalogue import agent_named
from shared.core import clock
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.money.budgets.reserving import BudgetExhausted, Scope, announce_spending, read_caps, settle_reservation
from shared.money.budgets.rows import Budget, budget_id, within
from shared.money.usage import forecasting
from shared.money.usage.rows import Rollup, UsageLine
from shared.store import collection, create, fetch, query, write
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Client
from tests.areas.ledger import record_usage
from tests.areas.test_runs import card_in, started
from tests.areas.viewers import drain, listen, project, pushed, raw_row, stream_record
from tests.trips import count_requests

PRD, QA = agent_named("prd"), agent_named("qa")


def days_ago(number: int) -> str:
    return str((clock.now() - timedelta(days=number)).date())


def get(client: Client, path: str, status: int = 200):
    answer = client("usage", "GET", path)
    assert answer.status == status, answer.text
    return answer.json


def budget(client: Client, scope: str, scope_id: str | None, limit: float, **more):
    body = {"scope_type": scope, "scope_id": scope_id, "limit_amount": limit} | more
    answer = client("usage", "POST", "/costs/budgets", body=body)
    assert answer.status == 201, answer.text
    return answer.json


# -- what calls cost


def test_a_projects_costs_by_agent_and_phase(world, ada):
    """0.05 and 0.10 dollars of the provider's are 0.25 and 0.50 of the customer's."""
    record_usage(world, days_ago(1), 50_000, agent=PRD.id, phase_id="PHASE_REQUIREMENTS")
    record_usage(world, days_ago(40), 100_000, agent=QA.id, phase_id="PHASE_TESTING")
    record_usage(world, days_ago(400), 100_000, agent=PRD.id, phase_id="PHASE_TESTING")
    shown = get(ada, f"/costs/projects/{world.project.id}")
    assert (shown["project_id"], shown["total_cost"], shown["provider_cost"]) == (world.project.id, 1.25, 0.25)
    assert [(one["agent_id"], one["cost"], one["provider_cost"]) for one in shown["cost_by_agent"]] == [
        (PRD.id, 0.75, 0.15),
        (QA.id, 0.5, 0.1),
    ]
    assert shown["cost_by_phase"] == {"PHASE_REQUIREMENTS": 0.25, "PHASE_TESTING": 1.0}
    assert shown["forecast"]["estimated_monthly"] == 0.25 * 30  # one whole day
    assert (shown["forecast"]["low"], shown["forecast"]["method"]) == (None, forecasting.LITTLE_HISTORY)


def test_another_tenants_project_has_no_costs(world, ada):
    eve = create_world("eve@example.com", "Eve").ada.at("omoios")
    for path in (f"/costs/projects/{world.project.id}", f"/costs/forecast?project_id={world.project.id}"):
        assert eve("usage", "GET", path).status == 404
    record_usage(world, days_ago(1), 50_000, agent=PRD.id)
    assert get(eve, f"/costs/agents/{PRD.id}")["total_cost"] == 0
    assert get(eve, "/costs/records") == []
    assert get(eve, "/costs/summary?scope_type=global")["record_count"] == 0


def test_who_may_not_see_usage_sees_no_costs(world):
    viewer = world.join("Vic", "vic@example.com", Role.VIEWER).at("omoios")
    record_usage(world, days_ago(1), 50_000, agent=PRD.id)
    for path in (f"/costs/projects/{world.project.id}", f"/costs/records?project_id={world.project.id}"):
        assert viewer("usage", "GET", path).status == 403
    assert get(viewer, f"/costs/agents/{PRD.id}")["total_cost"] == 0  # their own workspace


def test_an_agents_costs_and_their_trend(world, ada):
    for back, cost in ((1, 60_000), (3, 60_000), (8, 50_000), (9, 50_000)):
        record_usage(world, days_ago(back), cost, agent=PRD.id)
    record_usage(world, days_ago(1), 10_000, agent=QA.id)
    shown = get(ada, f"/costs/agents/{PRD.id}")
    assert (shown["total_cost"], shown["cost_trend"], shown["cost_per_task"]) == (1.1, "increasing", None)
    assert shown["recent_costs"][0] == {"date": days_ago(1), "cost": 0.3}
    assert len(shown["recent_costs"]) == 4
    record_usage(world, days_ago(12), 30_000, agent=PRD.id)
    assert get(ada, f"/costs/agents/{PRD.id}")["cost_trend"] == "stable"
    record_usage(world, days_ago(13), 100_000, agent=PRD.id)
    assert get(ada, f"/costs/agents/{PRD.id}")["cost_trend"] == "decreasing"
    assert ada("usage", "GET", f"/costs/agents/{new_id()}").status == 404


def test_what_runs_complete_divides_what_they_cost(world, ada):
    record_usage(world, days_ago(1), 200_000, agent=PRD.id)
    for _ in range(2):
        run = world.run(world.card(), "running")
        before = raw_row(f"RUN#{run.id}")
        world.end(run)
        for _ in range(2):  # the stream says everything at least once
            project(stream_record(raw_row(f"RUN#{run.id}"), before))
    assert get(ada, f"/costs/agents/{PRD.id}")["cost_per_task"] == 0.5
    assert get(ada, "/costs/forecast")["average_cost_per_task"] == 0.5
    shown = get(ada, f"/costs/projects/{world.project.id}")
    assert shown["cost_by_agent"][0]["tasks_completed"] == 2


def test_records_are_paged_newest_first_to_the_last(world, ada):
    lines = [record_usage(world, days_ago(back), 50_000, agent=(PRD if back % 2 else QA).id) for back in range(1, 8)]
    seen, cursor = [], ""
    while True:
        answer = ada("usage", "GET", f"/costs/records?limit=3{cursor}")
        assert answer.header("x-total-count") == "7"
        seen += answer.json
        if answer.header("x-next-cursor") is None:
            break
        cursor = f"&cursor={answer.header('x-next-cursor')}"
    assert [one["recorded_at"][:10] for one in seen] == [line.at[:10] for line in lines]
    assert len({one["id"] for one in seen}) == 7
    assert all(isinstance(one["id"], int) and one["id"] < 2**53 for one in seen)
    assert get(ada, "/costs/records?limit=1")[0]["id"] == seen[0]["id"]
    only = ada("usage", "GET", f"/costs/records?agent_id={QA.id}")
    assert ({one["agent_id"] for one in only.json}, only.header("x-total-count")) == ({QA.id}, "3")
    assert ada("usage", "GET", "/costs/records?cursor=nonsense").status == 422
    assert ada("usage", "GET", f"/costs/records?agent_id={QA.id}{cursor}").status == 422


def test_the_parts_of_a_record_are_the_whole(world, ada):
    record_usage(world, days_ago(1), 50_001, agent=PRD.id, output_cost_micros=30_000)
    record_usage(world, days_ago(2), 50_000, agent=PRD.id)
    record_usage(world, days_ago(3), 50_000, agent=PRD.id, priced=False)
    first, second, third = get(ada, "/costs/records")
    assert (first["completion_cost"], first["total_cost"]) == (0.15, 0.250005)
    assert first["prompt_cost"] + first["completion_cost"] == pytest.approx(first["total_cost"], abs=1e-9)
    assert (first["prompt_tokens"], first["completion_tokens"], first["total_tokens"]) == (130, 50, 180)
    assert second["completion_cost"] == pytest.approx(0.25 * 50 / 180, abs=1e-6)
    assert (third["total_cost"], third["prompt_cost"], third["provider_cost"]) == (None, None, None)


@pytest.mark.usefixtures("paid")
def test_a_run_is_in_every_sum_that_it_belongs_to(world, ada, machine):
    card = card_in(world, 1, "doc")
    run = machine.play(started(world, card, "prd"))
    paid, calls = run.customer_price_micros / 1e6, int(run.calls)
    assert paid > 0
    for scope, scope_id, dimension in (
        ("global", "", "provider"),
        ("agent", PRD.id, "month"),
        ("agent", "prd", "month"),
        ("phase", card.phase_id, "month"),
        ("ticket", card.id, "agent"),
        ("project", world.project.id, "provider"),
        ("task", run.id, "model"),
    ):
        shown = get(ada, f"/costs/summary?scope_type={scope}&scope_id={scope_id}")
        assert (shown["total_cost"], shown["record_count"]) == (paid, calls), scope
        (part,) = shown["breakdown"]
        assert (part["dimension"], part["total_cost"], part["record_count"]) == (dimension, paid, calls)
    records = get(ada, f"/costs/records?task_id={run.id}")
    assert sum(one["total_cost"] for one in records) == pytest.approx(paid)
    assert {(one["task_id"], one["agent_id"]) for one in records} == {(run.id, PRD.id)}
    assert get(ada, f"/costs/records?task_id={run.id}&agent_id={QA.id}") == []
    task = Task.new(
        new_id(), org_id=card.org_id, ws_id=card.ws_id, proj_id=card.proj_id, item_id=card.id, board_id=card.board_id, title="T",
        phase_id=card.phase_id, work_run_id=run.id, created_by=world.actor.summary,
    )  # fmt: skip
    write(create(task))
    assert get(ada, f"/costs/records?task_id={task.id}") == records
    assert get(ada, f"/costs/summary?scope_type=task&scope_id={task.id}")["total_cost"] == paid
    assert ada("usage", "GET", f"/costs/records?task_id={new_id()}").status == 404
    for scope in ("agent", "phase", "ticket", "task", "project"):
        assert ada("usage", "GET", f"/costs/summary?scope_type={scope}").status == 422
    assert ada("usage", "GET", "/costs/summary?scope_type=planet").status == 422


def test_sums_are_read_whatever_the_ledger_has(world, ada):
    """A month of two agents is two rows, of a hundred lines as of a hundred thousand."""
    for number in range(60):
        record_usage(world, days_ago(1), 10_000, agent=(PRD if number % 2 else QA).id, phase_id="PHASE_TESTING")
    with count_requests() as few:
        assert get(ada, f"/costs/projects/{world.project.id}")["total_cost"] == 3.0
    assert few.count <= 2
    rows = query(Rollup, f"USG#PROJ#{world.project.id}").rows
    assert len([row for row in rows if row.sk.startswith("AGENT-M#")]) == 2
    assert len([row for row in rows if row.sk.startswith("PHASE-M#")]) == 1


# -- budgets


def test_a_budget_is_what_it_says_exactly(world, ada):
    card = world.card()
    assert get(ada, f"/costs/budgets/check?scope_type=ticket&scope_id={card.id}")["exists"] is False
    made = budget(ada, "ticket", card.id, 10)
    assert (made["scope_type"], made["scope_id"], made["period_end"], made["alert_threshold"]) == ("ticket", card.id, None, 0.8)
    write(*settle_reservation(None, [budget_id("card", card.id)], 7_999_999))
    shown = get(ada, f"/costs/budgets/check?scope_type=ticket&scope_id={card.id}")
    assert (shown["spent"], shown["remaining"], shown["alert_triggered"], shown["exceeded"]) == (7.999999, 2.000001, False, False)
    write(*settle_reservation(None, [budget_id("card", card.id)], 1))
    shown = get(ada, f"/costs/budgets/check?scope_type=ticket&scope_id={card.id}")
    assert (shown["alert_triggered"], shown["utilization_percent"], shown["exceeded"]) == (True, 80.0, False)
    write(*settle_reservation(None, [budget_id("card", card.id)], 2_000_000))
    assert get(ada, f"/costs/budgets/check?scope_type=ticket&scope_id={card.id}")["exceeded"] is True
    again = budget(ada, "ticket", card.id, 20, alert_threshold=0.5)
    assert (again["id"], again["spent_amount"], again["remaining_amount"], again["alert_triggered"]) == (made["id"], 10, 10, True)
    stored = fetch(Budget, budget_id("card", card.id))
    assert stored.available == stored.limit - stored.reserved - stored.spent


@pytest.mark.parametrize(
    "body",
    [
        {"scope_type": "ticket", "limit_amount": 5},
        {"scope_type": "agent", "limit_amount": 5},
        {"scope_type": "global", "limit_amount": 0},
        {"scope_type": "global", "limit_amount": -1},
        {"scope_type": "run", "scope_id": "x", "limit_amount": 1},
        {"scope_type": "global", "limit_amount": 1, "alert_threshold": 1.01},
        {"scope_type": "global", "limit_amount": 1, "period_end": "2020-01-01T00:00:00Z"},
        {"scope_type": "global", "limit_amount": 1, "period_end": "tomorrow"},
        {"scope_type": "global", "limit_amount": "1"},
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(ada, body):
    answer = ada("usage", "POST", "/costs/budgets", body=body)
    assert answer.status == 422, answer.text
    assert answer.json["error"]["details"]


def test_whose_budgets_one_may_set_and_see(world, ada):
    card = world.card()
    eve = create_world("eve@example.com", "Eve").ada.at("omoios")
    member = world.join("Mel", "mel@example.com", Role.MEMBER).at("omoios")
    body = {"scope_type": "ticket", "scope_id": card.id, "limit_amount": 1}
    assert [who("usage", "POST", "/costs/budgets", body=body).status for who in (eve, member)] == [404, 403]
    scopes = {"ticket": card.id, "project": world.project.id, "agent": "prd", "phase": "PHASE_TESTING", "global": None}
    for scope, scope_id in scopes.items():
        budget(ada, scope, scope_id, 10)
    listed = ada("usage", "GET", "/costs/budgets")
    assert listed.header("x-total-count") == "5"
    assert [(one["scope_type"], one["scope_id"]) for one in listed.json] == [
        ("global", world.project.org_id),
        ("agent", PRD.id),
        ("phase", "PHASE_TESTING"),
        ("project", world.project.id),
        ("ticket", card.id),
    ]
    assert [one["scope_type"] for one in get(ada, "/costs/budgets?scope_type=phase")] == ["phase"]
    assert [one["scope_type"] for one in get(ada, "/costs/budgets?limit=2&offset=1")] == ["agent", "phase"]
    assert get(eve, "/costs/budgets") == []
    assert [one["scope_type"] for one in get(member, "/costs/budgets")] == ["project", "ticket"]
    assert eve("usage", "GET", f"/costs/budgets/check?scope_type=ticket&scope_id={card.id}").status == 404
    assert get(eve, "/costs/budgets/check?scope_type=agent&scope_id=prd")["exists"] is False
    for scope, unknown in (("phase", "PHASE_NOWHERE"), ("agent", "nobody"), ("ticket", new_id()), ("global", new_id())):
        answer = ada("usage", "POST", "/costs/budgets", body={"scope_type": scope, "scope_id": unknown, "limit_amount": 1})
        assert answer.status == 404, (scope, answer.text)


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize("scope", ["global", "agent", "phase", "project", "ticket"])
def test_a_budget_stops_runs_until_it_is_raised(world, ada, machine, scope):
    """A run of the agent, in the phase, on the ticket waits; a person raises the budget; the run goes on."""
    card = card_in(world, 1, "doc")
    ids = {"agent": "prd", "phase": card.phase_id, "project": world.project.id, "ticket": card.id}
    budget(ada, scope, ids.get(scope), 0.3)
    run = machine.play(started(world, card, "prd"))
    assert (run.status, run.waiting_for) == ("waiting", "budget")
    assert run.customer_price_micros == 250_000  # there was room for one call
    ours = {"global": "organization", "ticket": "card"}.get(scope, scope)
    assert run.waiting["scope"] == ours
    stored = next(fetch(Budget, row.id) for row in _budgets(world) if row.id.startswith(f"{ours}:"))
    assert (int(stored.spent), int(stored.reserved), int(stored.available)) == (250_000, 0, 50_000)
    before = raw_row(stored.pk)
    budget(ada, scope, ids.get(scope), 50)
    project(stream_record(raw_row(stored.pk), before))
    machine.answer(machine.answers.pop())
    assert machine.play().status == "completed"


def _budgets(world: World):
    return [*collection(1, f"BUDGETS#{world.ws_id}"), *collection(1, f"BUDGETS#{world.project.org_id}")]


@pytest.mark.usefixtures("paid")
def test_the_budget_of_another_agent_or_phase_stops_nothing(world, ada, machine):
    budget(ada, "agent", "qa", 0.000001)
    budget(ada, "phase", "PHASE_TESTING", 0.000001)
    assert machine.play(started(world, card_in(world, 1, "doc"), "prd")).status == "completed"
    assert all(fetch(Budget, row.id).spent == 0 for row in _budgets(world) if row.id.startswith(("agent:", "phase:")))


def test_a_budget_whose_period_is_over_limits_nothing_and_begins_anew(world, ada):
    org_id = world.project.org_id
    scope = Scope(org_id, world.ws_id, world.project.id, new_id(), new_id(), agent_id=PRD.id)
    budget(ada, "agent", "prd", 1, period_end=clock.in_seconds(30))
    write(*settle_reservation(None, [budget_id("agent", within(org_id, PRD.id))], 1_000_000))
    with pytest.raises(BudgetExhausted):
        read_caps(scope).check_room(1)
    with time_machine.travel(clock.now() + timedelta(seconds=60)):
        read_caps(scope).check_room(1)
        assert get(ada, "/costs/budgets/check?scope_type=agent&scope_id=prd")["exists"] is False
        fresh = budget(ada, "agent", "prd", 3)
        assert (fresh["spent_amount"], fresh["remaining_amount"], fresh["period_end"]) == (0, 3, None)
        stored = fetch(Budget, budget_id("agent", within(org_id, PRD.id)))
        assert stored.available == 3_000_000


def test_a_budget_warns_once_and_says_once_that_it_is_used_up(world, ada):
    card = world.card()
    made = budget(ada, "ticket", card.id, 10)
    assert made["alert_triggered"] is False
    name = budget_id("card", card.id)
    scope = Scope(world.project.org_id, world.ws_id, world.project.id, card.id, "")
    events = []
    for spent in (7_000_000, 1_000_000, 1_000_000, 2_000_000, 1_000_000):
        before = raw_row(f"BUDGET#{name}")
        write(*settle_reservation(None, [name], spent))
        announce_spending(scope)
        record = stream_record(raw_row(f"BUDGET#{name}"), before)
        project(record)
        if before.get("event_id") != raw_row(f"BUDGET#{name}").get("event_id"):
            events.append(fetch(Budget, name).event["type"])
    assert events == ["budget.warning", "budget.exceeded"]


def test_listeners_are_told_of_budgets_also_of_their_organizations(world, ada, gateway):
    card = world.card()
    for scope, scope_id, name, shown in (
        ("ticket", card.id, budget_id("card", card.id), card.id),
        ("agent", "prd", budget_id("agent", within(world.project.org_id, PRD.id)), PRD.id),
    ):
        budget(ada, scope, scope_id, 1)
        before = raw_row(f"BUDGET#{name}")
        write(*settle_reservation(None, [name], 900_000))
        announce_spending(Scope(world.project.org_id, world.ws_id, world.project.id, card.id, "", agent_id=PRD.id))
        drain()
        listen(world.ws_id)
        project(stream_record(raw_row(f"BUDGET#{name}"), before))
        (message,) = pushed("omoios")
        assert (message["event_type"], message["entity_type"], message["entity_id"]) == ("cost.budget.warning", "budget", shown)
        assert message["payload"] == {"scope_type": scope, "scope_id": shown, "limit": 1.0, "spent": 0.9, "alert_threshold": 0.8}


# -- forecasts


def test_a_forecast_of_no_history_says_so(ada):
    shown = get(ada, "/costs/forecast")
    assert (shown["estimated_monthly"], shown["estimated_weekly"], shown["average_cost_per_task"]) == (None, None, None)
    assert (shown["method"], shown["basis_days"], shown["queue_depth"]) == (forecasting.NO_HISTORY, 0, 0)
    assert shown["budget_status"] == "within_budget"  # a workspace's month is always limited


def test_a_forecast_has_an_interval_that_holds_the_estimate(world, ada):
    for back in range(1, 21):
        record_usage(world, days_ago(back), 50_000 * (1 + back % 3), agent=PRD.id)
    shown = get(ada, f"/costs/forecast?project_id={world.project.id}")
    assert shown["basis_days"] == 20
    total = sum(0.25 * (1 + back % 3) for back in range(1, 21))
    assert shown["estimated_weekly"] == pytest.approx(total / 20 * 7, abs=1e-5)
    assert shown["estimated_monthly"] == pytest.approx(total / 20 * 30, abs=1e-5)
    assert shown["weekly_low"] <= shown["estimated_weekly"] <= shown["weekly_high"]
    assert shown["monthly_low"] < shown["estimated_monthly"] < shown["monthly_high"]
    assert shown == get(ada, f"/costs/forecast?project_id={world.project.id}")


def test_a_days_usage_is_in_the_interval_as_often_as_it_says():
    """Weeks of a year of days, drawn by a fixed rule: about four of five lie in the interval of the thirty days before them."""
    days = [(number * 7919 % 101) * 1_000 + 50_000 for number in range(365)]
    inside = tried = 0
    for begin in range(30, 350, 3):
        found = forecasting.estimate(days[begin - 30 : begin], 7)
        inside += found.low <= sum(days[begin : begin + 7]) <= found.high
        tried += 1
    assert 0.65 <= inside / tried <= 0.98


def test_the_status_of_the_budgets(world, ada):
    path = f"/costs/forecast?project_id={world.project.id}"
    for back in range(1, 8):
        record_usage(world, days_ago(back), 20_000, agent=PRD.id)  # 0.10 a day
    budget(ada, "project", world.project.id, 5)
    assert get(ada, path)["budget_status"] == "within_budget"
    assert get(ada, path)["budget_remaining"] == 5
    budget(ada, "project", world.project.id, 0.6)  # a week costs 0.70
    assert get(ada, path)["budget_status"] == "at_risk"
    budget(ada, "project", world.project.id, 5, alert_threshold=0.5)
    write(*settle_reservation(None, [budget_id("project", world.project.id)], 2_500_000))
    assert get(ada, path)["budget_status"] == "at_risk"
    write(*settle_reservation(None, [budget_id("project", world.project.id)], 2_500_000))
    assert (get(ada, path)["budget_status"], get(ada, path)["budget_remaining"]) == ("exceeded", 0)


def test_a_forecast_of_tasks_is_from_our_prices(ada):
    body = {"pending_task_count": 10, "provider": "openai", "model": "gpt-4o"}
    shown = ada("usage", "POST", "/costs/forecast", body=body).json
    # 6,000 tokens a task with the buffer: 4,800 read at 2.50 and 1,200 written at 10 dollars a million are 0.024; five times that is 0.25
    assert (shown["task_count"], shown["estimated_tokens"], shown["avg_tokens_per_task"]) == (10, 60_000, 5_000)
    assert (shown["estimated_cost"], shown["buffer_multiplier"]) == (2.5, 1.2)
    assert ada("usage", "POST", "/costs/forecast", body={"pending_task_count": 1}).json["estimated_cost"] > 0
    unknown = ada("usage", "POST", "/costs/forecast", body=body | {"model": "no-such-model"})
    assert (unknown.status, unknown.json["error"]["details"][0]["field"]) == (422, "model")
    for wrong in ({"pending_task_count": 0}, {}, {"pending_task_count": 1, "avg_tokens_per_task": 0}):
        assert ada("usage", "POST", "/costs/forecast", body=wrong).status == 422


def test_what_the_ledger_says_of_a_run(world, ada):
    """Lines of before have no phase; they are in the total and in no phase."""
    record_usage(world, days_ago(1), 50_000, agent=PRD.id)
    shown = get(ada, f"/costs/projects/{world.project.id}")
    assert (shown["total_cost"], shown["cost_by_phase"]) == (0.25, {})
    assert [fetch(UsageLine, row.id).phase_id for row in collection(4, f"PROJ#{world.project.id}#USE")] == [None]
