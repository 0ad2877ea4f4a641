"""Budgets under races: what settles never passes the cap, and the ledger, the sums and the caps tell one story."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.agents.providers.port import Finished, TokenUsage
from shared.core.actor import SYSTEM, Actor, Role
from shared.core.ids import new_id
from shared.core.money import MICROS
from shared.money.billing.prices import call_cost
from shared.money.billing.pricing import customer_price_micros
from shared.money.budgets.reserving import BudgetExhausted, Scope, read_caps, release_reservation, set_limit, settle_reservation
from shared.money.budgets.rows import Budget, budget_id, this_month, within
from shared.money.budgets.setting import Terms, set_budget
from shared.money.usage.rows import Rollup, UsageLine
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs.ending import end_run, with_error
from shared.runs.agent_runs.lease import LeaseLost
from shared.runs.agent_runs.maintenance import sweep_runs
from shared.runs.agent_runs.rows import Run, Turn, UnsettledCall
from shared.runs.agent_runs.spending import reserve, settle_call, store_call
from shared.store import collection, create, fetch, query, save, write
from shared.work.projects.rows import Project
from tests.examples import examples

WHO = {"kind": "user", "id": "ada", "name": "Ada", "email": "ada@example.com"}


def found(limit: float) -> tuple[str, str]:
    """A workspace with a monthly cap in USD, and a project."""
    ws_id, project_id = new_id(), new_id()
    workspace = Workspace.new(ws_id, name="W", slug=ws_id, org_id="o", ws_id=ws_id, owner=WHO)
    workspace.settings = workspace.settings | {"maxMonthlyUsage": limit}
    project = Project.new(project_id, name="P", slug="p", org_id="o", ws_id=ws_id, board_id="b", created_by=WHO)
    write(create(workspace), create(project))
    return ws_id, project_id


def running(ws_id: str, project_id: str) -> Run:
    run = Run.new(
        new_id(),
        org_id="o",
        ws_id=ws_id,
        proj_id=project_id,
        item_id=new_id(),
        agent_id="prd",
        agent={"id": "prd", "name": "prd", "display_name": "PRD", "status": "active"},
        status="running",
        fence=1,
        lease_until=4_000_000_000,
        execution="e",
        triggered_by=WHO,
        provider="openai",
        model="gpt-3.5-turbo",
        max_tokens=4000,
    )
    write(create(run))
    return run


def month(ws_id: str) -> Budget:
    row = fetch(Budget, budget_id("workspace", ws_id, this_month()))
    assert row is not None
    return row


def one_story(ws_id: str, project_id: str) -> int:
    """What the ledger, every dimension of the sums and the cap agree on."""
    lines = [fetch(UsageLine, row.id) for row in collection(1, f"WS#{ws_id}#USE")]
    price = sum(int(line.customer_price_micros) for line in lines)
    for place in (f"USG#WS#{ws_id}", f"USG#PROJ#{project_id}"):
        sums: dict[str, list[int]] = {}
        for row in query(Rollup, place).rows:
            of = sums.setdefault(row.sk.split("#")[0], [0, 0])
            of[0] += int(row.calls)
            of[1] += int(row.price_micros)
        assert all(one == [len(lines), price] for one in sums.values())
    budget = month(ws_id)
    assert budget.spent == price
    assert budget.available == budget.limit - budget.reserved - budget.spent
    return price


USED = TokenUsage(input=2_000, output=1_000)
PRICE = 250_000


def settle(run: Run, usage: TokenUsage = USED) -> bool:
    """The first turn's call of this worker ends and is settled."""
    call = UnsettledCall.of(run, 1, Finished("end", usage, run.model))
    store_call(run, call)
    return settle_call(run, call)


@pytest.mark.thorough
def test_two_hundred_racing_calls_stay_below_the_cap(engine_tables):
    """Each reserves a step of 0.25 USD on a cap of 1 USD and settles what its tokens cost: 0.25 again, or nothing where it was lost."""
    ws_id, project_id = found(1)
    runs = [running(ws_id, project_id) for _ in range(200)]
    usage = TokenUsage(input=2_000, output=1_000)
    price = customer_price_micros(call_cost("openai", "gpt-3.5-turbo", usage).cost_micros)
    highest: list[int] = []

    def call(run: Run) -> str:
        try:
            reserve(run, 1, price)
        except BudgetExhausted:
            return "refused"
        highest.append(int(month(ws_id).spent + month(ws_id).reserved))
        assert settle(run, usage)
        return "settled"

    with ThreadPoolExecutor(24) as pool:
        outcomes = list(pool.map(call, runs))
    assert outcomes.count("settled") == MICROS // price
    assert one_story(ws_id, project_id) == MICROS
    assert month(ws_id).reserved == 0
    assert max(highest) <= MICROS + price  # two reads of a moving row: at most one reservation more


def test_caps_above_each_other_are_taken_together_or_not_at_all(engine_tables):
    ws_id, project_id = found(100)
    set_limit("project", project_id, 600_000, ws_id=ws_id)
    runs = [running(ws_id, project_id) for _ in range(12)]
    for run in runs[:6]:
        set_limit("run", run.id, 100_000, ws_id=ws_id)

    def call(run: Run) -> bool:
        try:
            reserve(run, 1, 250_000)
        except BudgetExhausted:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        taken = list(pool.map(call, runs))
    assert not any(taken[:6])
    assert sum(taken) == 2
    project = fetch(Budget, budget_id("project", project_id))
    assert (project.available, project.reserved) == (100_000, 500_000)
    assert month(ws_id).reserved == 500_000


def test_racing_runs_of_one_agent_in_two_projects_stay_below_its_budget(engine_tables):
    """Their projects and cards differ; the agent's budget is one row, and its condition decides."""
    org_id, agent = new_id(), "prd"
    set_limit("agent", within(org_id, agent), 1_000_000, org_id=org_id)
    set_limit("phase", within(org_id, "PHASE_TESTING"), 700_000, org_id=org_id)

    def reserve(number: int) -> bool:
        phase = "PHASE_TESTING" if number % 2 else "PHASE_DESIGN"
        caps = read_caps(
            Scope(org_id, f"ws{number % 3}", f"p{number}", f"c{number}", f"r{number}", agent_id=agent, phase_id=phase)
        )
        try:
            write(*caps.reserve(100_000))
        except BudgetExhausted:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(reserve, range(40)))
    assert sum(taken) == 10
    assert sum(taken[1::2]) <= 7
    stored = fetch(Budget, budget_id("agent", within(org_id, agent)))
    assert (int(stored.available), int(stored.reserved)) == (0, 1_000_000)


@pytest.mark.parametrize("crowd", [2, 20])
def test_a_phase_s_budget_that_is_set_while_calls_spend_it_stays_what_was_spent(engine_tables, crowd):
    """People make it at once, then change it while runs reserve and settle: none of them loses what another one has written."""
    org_id = new_id()
    owner = Actor("ada", "Ada", org_id=org_id, organizations={org_id: Role.OWNER}, changes=True)

    def set_phase(number: int) -> int:
        return int(set_budget(owner, "phase", "PHASE_TESTING", Terms(1_000_000 * (number + 1), 0.8)).limit)

    def spend(number: int) -> None:
        caps = read_caps(Scope(org_id, f"w{number}", f"p{number}", f"c{number}", f"r{number}", phase_id="PHASE_TESTING"))
        write(*caps.reserve(10_000))
        write(*settle_reservation({"amount": 10_000, "budgets": [one.id for one in caps.budgets]}, (), 6_000))

    with ThreadPoolExecutor(crowd) as pool:
        made = list(pool.map(set_phase, range(crowd)))
        list(pool.map(lambda number: set_phase(number) if number % 2 else spend(number), range(2 * crowd)))
    assert sorted(made) == [1_000_000 * (number + 1) for number in range(crowd)]
    stored = fetch(Budget, budget_id("phase", within(org_id, "PHASE_TESTING")))
    assert (int(stored.spent), int(stored.reserved)) == (6_000 * crowd, 0)
    assert int(stored.available) == int(stored.limit) - 6_000 * crowd


def test_a_run_that_ends_with_a_call_under_way_holds_what_the_call_may_cost(engine_tables):
    """Cancelled while the model answers: the call is paid all the same, so its reservation stays until it has settled."""
    ws_id, project_id = found(10)
    run = running(ws_id, project_id)
    reserve(run, 1, 500_000)
    ended = end_run(fetch(Run, run.id), "cancelled", SYSTEM, with_error("CANCELLED", "no"))
    assert (month(ws_id).reserved, month(ws_id).spent) == (500_000, 0)
    assert (ended.hold_turn, ended.held_until) == (1, run.lease_until)
    late = Turn(*Turn.key_of(run.id, 1), number=1, fence=1, text="late", stop="end", model="m", at="")
    call = UnsettledCall.of(run, 1, Finished("end", USED, run.model))
    assert store_call(run, call, lambda: late) is None
    assert [settle_call(run, call) for _ in range(2)] == [True, False]  # once more changes nothing
    assert query(Turn, f"RUN#{run.id}", prefix="TURN#").rows == []
    assert (one_story(ws_id, project_id), month(ws_id).reserved) == (PRICE, 0)
    after = fetch(Run, run.id)
    assert (after.customer_price_micros, after.hold, after.hold_turn, after.held_until, after.gsi3pk) == (PRICE, *[None] * 4)


def test_no_cap_is_passed_by_calls_of_runs_that_were_cancelled(engine_tables):
    """Forty runs start a call and are cancelled at once, four times over what the cap has room for; then all calls end."""
    ws_id, project_id = found(2)
    runs = [running(ws_id, project_id) for _ in range(40)]

    def call(run: Run) -> Run | None:
        try:
            reserve(run, 1, PRICE)
        except BudgetExhausted:
            return None
        end_run(fetch(Run, run.id), "cancelled", SYSTEM, with_error("CANCELLED", "no"))
        return run

    with ThreadPoolExecutor(12) as pool:
        started = [run for run in pool.map(call, runs) if run is not None]
        assert len(started) == 2 * MICROS // PRICE
        list(pool.map(settle, started))
    assert one_story(ws_id, project_id) == 2 * MICROS == month(ws_id).limit
    assert month(ws_id).reserved == 0


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    story=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["cancel", "fail", "settle", "clock", "lease over"])),
        min_size=1,
        max_size=16,
    )
)
def test_whatever_ends_first_a_reservation_is_given_back_once(engine_tables, story):
    """Three runs with a call under way: cancelled, failed by their own execution, settled early or late, swept by the clock, in any order
    and any number of times. What is reserved is what is still under way; what is spent is what has settled."""
    ws_id, project_id = found(10)
    runs = [running(ws_id, project_id) for _ in range(3)]
    for run in runs:
        reserve(run, 1, 400_000)
    holds, paid = {0, 1, 2}, set()
    for number, what in story:
        run = runs[number]
        stands = fetch(Run, run.id)
        if what == "cancel":
            end_run(stands, "cancelled", SYSTEM, with_error("CANCELLED", "no"))
            if not stands.lease_active and stands.held_until is None:
                holds.discard(number)  # its lease was over: nobody can be at work
        elif what == "fail":
            if not stands.ended:
                holds.discard(number)
            end_run(stands, "failed", SYSTEM, with_error("INTERNAL_ERROR", "no"), called_by_execution=True)
        elif what == "settle":
            settle(run)
            holds.discard(number)
            paid.add(number)
        elif what == "lease over":
            name = "held_until" if stands.held_until is not None else "lease_until"
            setattr(stands, name, 1)
            write(save(stands))
        else:
            sweep_runs(time.monotonic() + 60)
            fresh = fetch(Run, run.id)
            holds -= {one for one in holds if fetch(Run, runs[one].id).hold is None}
            assert fresh.held_until is None or fresh.held_until > 1
        assert month(ws_id).reserved == 400_000 * len(holds)
        assert one_story(ws_id, project_id) == PRICE * len(paid)
    for run in runs:
        stands = fetch(Run, run.id)
        end_run(stands, "cancelled", SYSTEM, with_error("CANCELLED", "no"))
        stands = fetch(Run, run.id)
        if stands.held_until is not None:
            stands.held_until = 1
            write(save(stands))
    sweep_runs(time.monotonic() + 60)
    assert month(ws_id).reserved == 0
    assert one_story(ws_id, project_id) == PRICE * len(paid)


def test_a_reservation_is_made_once(engine_tables):
    ws_id, project_id = found(10)
    run = running(ws_id, project_id)
    reserve(run, 1, 300_000)
    again = fetch(Run, run.id)
    reserve(again, 1, 300_000)
    assert month(ws_id).reserved == 300_000
    stale = fetch(Run, run.id)
    stale.fence, stale.hold_turn = 0, None
    with pytest.raises(LeaseLost):
        reserve(stale, 2, 300_000)
    assert month(ws_id).reserved == 300_000


@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moves=st.lists(st.tuples(st.sampled_from(["reserve", "settle", "release", "limit"]), st.integers(0, 900_000)), max_size=14)
)
def test_a_cap_never_loses_a_micro_dollar(engine_tables, moves):
    """Any order of reserving, settling at any price, releasing and changing the limit."""
    ws_id, project_id = found(2)
    scope = Scope(None, ws_id, project_id, "c", "r")
    held: list[dict] = []
    limit, spent = 2 * MICROS, 0
    for move, amount in moves:
        caps = read_caps(scope)
        if move == "reserve":
            room = limit - spent - sum(one["amount"] for one in held)
            try:
                write(
                    *(caps.reserve(amount) or [create(Project.new(new_id(), name="x", slug="x", board_id="b", created_by=WHO))])
                )
                held.append({"amount": amount, "budgets": [one.id for one in caps.budgets]})
                assert amount <= max(room, 0)
            except BudgetExhausted:
                assert amount > room
        elif move == "limit":
            workspace = fetch(Workspace, ws_id)
            limit = amount * 4
            set_limit("workspace", ws_id, limit, month=this_month())
            workspace.settings = workspace.settings | {"maxMonthlyUsage": limit / MICROS}
            write(save(workspace))
        elif held:
            one = held.pop(amount % len(held))
            price = min(amount, one["amount"]) if move == "settle" else 0
            operations = settle_reservation(one, (), price) if move == "settle" else release_reservation(one)
            if operations:
                write(*operations)
            spent += price
    read_caps(scope)
    budget = month(ws_id)
    assert budget.reserved == sum(one["amount"] for one in held)
    assert (budget.spent, budget.limit) == (spent, limit)
    assert budget.available == limit - spent - budget.reserved
