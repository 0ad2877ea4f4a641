"""The monthly close: each month once, numbers without gaps, and the ledger's sum to the micro-dollar."""

from datetime import date

import pytest

from shared.core.errors import NotFound
from shared.edge.cascade.purging import purge
from shared.money.billing import monthly_close
from shared.money.billing.accounts import ensure_account
from shared.money.billing.monthly_close import close_periods
from shared.money.billing.payments import credit_invoice, record_payment
from shared.money.billing.rows import BillingAccount, Series
from shared.money.usage.reading import month_sums
from shared.people.tenancy.rows import Workspace
from shared.store import fetch, get
from tests.areas.billing_world import (
    PLATFORM_ADMIN,
    account_of,
    change,
    frozen_at,
    invoice_of,
    logged_in,
    open_account,
    record_sold_usage,
)
from tests.areas.boards_world import World, create_world
from tests.areas.driving import deadline, run_jobs
from tests.areas.test_billing import put
from tests.trips import count_requests


@pytest.fixture
def world(aws) -> World:
    made = create_world()
    open_account(made.ws_id, "2026-10")
    return made


def closed(day: str = "2026-11-01") -> int:
    with frozen_at(day):
        return close_periods(deadline())


def numbers(world: World) -> int:
    row = get(Series, *Series.key_of(str(world.project.org_id), "INV"))
    return int(row.last) if row else 0


def test_a_month_becomes_an_invoice_once(world):
    record_sold_usage(world.ws_id, "2026-10-31T23:59:59.999Z", 750_000)
    record_sold_usage(world.ws_id, "2026-11-01T00:00:00.000Z", 9_000_000)
    assert closed("2026-10-31") == 0
    assert closed() == 1
    invoice = invoice_of(world.ws_id, "2026-10").invoice
    assert (invoice.status, invoice.usage_micros, invoice.subtotal_micros) == ("sent", 750_000, 750_000)
    assert (invoice.tax_micros, invoice.total_micros) == (170_000, 920_000)  # 23 % of 0.75 is 0.1725
    assert (invoice.start, invoice.end, invoice.due_date) == ("2026-10-01", "2026-10-31", "2026-11-15")
    assert invoice.customer["name"] == "Ada Lovelace's organization"
    assert [closed(), closed("2026-11-30"), numbers(world)] == [0, 0, 1]
    account = account_of(world.ws_id)
    assert (account.period, account.next_date, account.billed) == ("2026-11", "2026-12-01", {"2026-10": [750_000, 1]})


def test_nothing_owed_is_no_invoice_and_no_number(world):
    record_sold_usage(world.ws_id, "2026-10-03", 0, priced=False)
    assert closed() == 1
    with pytest.raises(NotFound):
        invoice_of(world.ws_id, "2026-10")
    assert (numbers(world), account_of(world.ws_id).period) == (0, "2026-11")


def test_what_comes_after_the_close_is_billed_with_the_next_month(world):
    record_sold_usage(world.ws_id, "2026-10-05", 500_000)
    closed()
    record_sold_usage(world.ws_id, "2026-10-31T23:59:59.000Z", 250_000)
    record_sold_usage(world.ws_id, "2026-11-02", 1_000_000, agent="qa")
    closed("2026-12-01")
    lines = invoice_of(world.ws_id, "2026-11").invoice.lines
    assert [(line["description"], line["amount_micros"], line["start"]) for line in lines] == [
        ("Agent usage: QA, 1 call", 1_000_000, "2026-11-01"),
        ("Usage of October 2026 that was not billed then, 1 call", 250_000, "2026-10-01"),
    ]
    record_sold_usage(world.ws_id, "2026-10-31T23:59:59.000Z", 250_000)
    record_sold_usage(world.ws_id, "2026-11-30T23:59:59.000Z", 250_000)
    closed("2027-01-01")
    assert [line["amount_micros"] for line in invoice_of(world.ws_id, "2026-12").invoice.lines] == [250_000, 250_000]
    assert closed("2027-02-01") == 1
    with pytest.raises(NotFound):
        invoice_of(world.ws_id, "2027-01")


def test_less_than_half_a_cent_waits_until_it_is_more(world):
    record_sold_usage(world.ws_id, "2026-10-05", 4_999)
    closed()
    record_sold_usage(world.ws_id, "2026-11-05", 1)
    closed("2026-12-01")
    invoice = invoice_of(world.ws_id, "2026-11").invoice
    assert (invoice.usage_micros, invoice.subtotal_micros) == (5_000, 10_000)
    assert [line["amount_micros"] for line in invoice.lines] == [1, 4_999, 5_000]
    assert invoice.lines[-1]["description"] == "Rounding to whole cents"


def test_an_account_that_was_forgotten_catches_up_month_by_month(world):
    for month in ("2026-10", "2026-11", "2026-12"):
        record_sold_usage(world.ws_id, f"{month}-05", 1_000_000)
    assert closed("2027-01-02") == 3
    found = [invoice_of(world.ws_id, month).invoice.number[-6:] for month in ("2026-10", "2026-11", "2026-12")]
    assert found == ["000001", "000002", "000003"]


def test_usage_from_before_there_was_an_account_is_billed_too(aws):
    world = create_world()
    change(Workspace, world.ws_id, created_at="2026-08-20T00:00:00.000Z")
    record_sold_usage(world.ws_id, "2026-09-05", 2_000_000)
    with frozen_at("2026-10-10"):
        account = ensure_account(fetch(Workspace, world.ws_id), None)
    assert (account.period, account.billed) == ("2026-10", {"2026-08": [0, 0], "2026-09": [0, 0]})
    closed()
    assert invoice_of(world.ws_id, "2026-10").invoice.usage_micros == 2_000_000


def test_workspaces_of_one_organization_share_a_range_of_numbers(world):
    made = world.ada("workspaces", "POST", "/workspaces", body={"name": "Second", "slug": "second"}).json["id"]
    open_account(made, "2026-10")
    other = create_world("eve@example.com", "Eve")
    open_account(other.ws_id, "2026-10")
    for ws_id in (world.ws_id, made, other.ws_id):
        record_sold_usage(ws_id, "2026-10-05", 1_000_000)
    assert closed() == 3
    ours = {invoice_of(ws_id, "2026-10").invoice.number for ws_id in (world.ws_id, made)}
    assert {number[-6:] for number in ours} == {"000001", "000002"}
    theirs = invoice_of(other.ws_id, "2026-10").invoice.number
    assert theirs.endswith("-000001")
    assert theirs not in ours


def test_many_agents_share_a_line(world, monkeypatch):
    monkeypatch.setattr("shared.money.billing.statements.MAX_AGENT_LINES", 2)
    for number, agent in enumerate(("a", "b", "c", "d")):
        record_sold_usage(world.ws_id, "2026-10-05", (number + 1) * 250_000, agent=agent)
    closed()
    lines = invoice_of(world.ws_id, "2026-10").invoice.lines
    assert [line["description"] for line in lines] == [
        "Agent usage: D, 1 call",
        "Agent usage: C, 1 call",
        "Agent usage: 2 other agents, 2 calls",
    ]
    assert sum(line["amount_micros"] for line in lines) == 2_500_000


def test_the_invoices_are_the_ledger(world):
    prices = [1, 250_000, 3, 499_999, 12_345_678, 1_000_005]
    for number, price in enumerate(prices):
        record_sold_usage(world.ws_id, f"2026-{10 + number % 3}-0{number + 1}", price, agent=f"agent-{number % 2}")
    for day in ("2026-11-01", "2026-12-01", "2027-01-01"):
        closed(day)
    ledger = month_sums(world.ws_id, date(2026, 1, 1), date(2027, 1, 1))
    months = ("2026-10", "2026-11", "2026-12")
    billed = sum(invoice_of(world.ws_id, month).invoice.usage_micros for month in months)
    assert billed == sum(one.price_micros for one in ledger.values()) == sum(prices)
    for month in months:
        invoice = invoice_of(world.ws_id, month).invoice
        assert sum(line["amount_micros"] for line in invoice.lines) == invoice.subtotal_micros
        assert all(line["quantity"] * line["unit_micros"] == line["amount_micros"] for line in invoice.lines)
        assert invoice.subtotal_micros + invoice.tax_micros == invoice.total_micros
        assert invoice.total_micros % 10_000 == invoice.subtotal_micros % 10_000 == 0


def test_a_credit_note_over_a_paid_invoice_pays_the_next_one(world):
    record_sold_usage(world.ws_id, "2026-10-05", 10_000_000)
    closed()
    first = invoice_of(world.ws_id, "2026-10").invoice
    record_payment(PLATFORM_ADMIN, first.id, None, "R", "manual", None)
    credit_invoice(PLATFORM_ADMIN, first.id, 4_000_000, "Too slow")
    assert account_of(world.ws_id).balance_micros == 4_920_000
    record_sold_usage(world.ws_id, "2026-11-05", 3_000_000)
    closed("2026-12-01")
    found = invoice_of(world.ws_id, "2026-11")
    assert (found.invoice.status, found.invoice.paid_micros, found.invoice.next_step) == ("paid", 3_690_000, None)
    assert [(one.method, one.amount_micros) for one in found.payments] == [("balance", 3_690_000)]
    assert account_of(world.ws_id).balance_micros == 1_230_000
    record_sold_usage(world.ws_id, "2026-12-05", 3_000_000)
    closed("2027-01-01")
    third = invoice_of(world.ws_id, "2026-12").invoice
    assert (third.status, third.open_micros, account_of(world.ws_id).balance_micros) == ("sent", 2_460_000, 0)


@pytest.mark.parametrize("closes", ["in the night after", "two months later"])
def test_a_plan_bought_after_the_month_is_over_costs_nothing_in_it(world, closes):
    """A month is closed hours after its end, or later if the job failed: what is bought meanwhile belongs to the month of that day."""
    change(BillingAccount, world.ws_id, plan="professional")
    for moment, plan in ("2026-11-01T00:10:00Z", "enterprise"), ("2026-11-01T00:20:00Z", "free"), ("2026-12-02T00:00:00Z", "pro"):
        with frozen_at(moment):
            assert put(world, logged_in(), plan=plan).status == 200
        if closes == "in the night after" and plan == "free":
            assert closed() == 1
    closed("2027-01-01")
    fees = [invoice_of(world.ws_id, month).invoice.subtotal_micros for month in ("2026-10", "2026-11", "2026-12")]
    assert fees == [49_000_000, 199_000_000, 49_000_000]
    assert account_of(world.ws_id).dearest_plans == {}


def test_a_deleted_workspace_is_billed_for_its_last_days(world):
    with frozen_at("2026-10-20"):
        change(BillingAccount, world.ws_id, plan="professional")
        record_sold_usage(world.ws_id, "2026-10-05", 1_000_000)
        change(Workspace, world.ws_id, deleted_at="2026-10-20T00:00:00.000Z")
    closed()
    assert invoice_of(world.ws_id, "2026-10").invoice.subtotal_micros == 50_000_000
    record_sold_usage(world.ws_id, "2026-10-20", 500_000)
    closed("2026-12-01")
    assert invoice_of(world.ws_id, "2026-11").invoice.subtotal_micros == 500_000  # what came late, and no fee
    assert account_of(world.ws_id).closed
    assert closed("2027-01-01") == 0


def test_a_workspace_that_was_purged_still_owes(world):
    record_sold_usage(world.ws_id, "2026-10-05", 1_000_000)
    change(Workspace, world.ws_id, deleted_at="2026-10-06T00:00:00.000Z")
    with frozen_at("2026-11-08"):
        assert purge(fetch(Workspace, world.ws_id), deadline())
        assert fetch(Workspace, world.ws_id) is None
        assert close_periods(deadline()) == 1
    invoice = invoice_of(world.ws_id, "2026-10").invoice
    assert (invoice.subtotal_micros, invoice.customer["name"]) == (1_000_000, "ada@example.com")
    record_payment(PLATFORM_ADMIN, invoice.id, None, "R", "manual", None)
    assert (invoice_of(world.ws_id, "2026-10").invoice.status, account_of(world.ws_id).closed) == ("paid", True)


# -- the job


def test_it_stops_in_time_and_goes_on(world):
    record_sold_usage(world.ws_id, "2026-10-05", 1_000_000)
    with frozen_at("2026-11-01"):
        assert close_periods(deadline() - 120) == 0
        assert close_periods(deadline()) == 1


def test_more_than_a_page(world, monkeypatch):
    monkeypatch.setattr(monthly_close, "PAGE_SIZE", 1)
    monkeypatch.setattr("shared.money.billing.rows.Shards.partition_of", lambda shards, _: f"{shards.name}#3")
    made = [world.ws_id]
    for number in range(3):
        answer = world.ada("workspaces", "POST", "/workspaces", body={"name": "W", "slug": f"w-{number}"})
        made.append(answer.json["id"])
    for ws_id in made:
        open_account(ws_id, "2026-10")
        record_sold_usage(ws_id, "2026-10-05", 1_000_000)
    assert closed() == 4
    assert sorted(invoice_of(ws_id, "2026-10").invoice.number[-6:] for ws_id in made) == ["000001", "000002", "000003", "000004"]


def test_one_that_cannot_be_closed_does_not_keep_the_others(world):
    other = create_world("eve@example.com", "Eve")
    open_account(other.ws_id, "2026-10")
    record_sold_usage(other.ws_id, "2026-10-05", 1_000_000)
    change(BillingAccount, world.ws_id, dearest_plans={"2026-10": "a plan that is no more"})
    with pytest.raises(ExceptionGroup, match="1 of what was due in BILLDUE") as failed:
        closed()
    assert world.ws_id in failed.value.exceptions[0].__notes__[0]
    assert invoice_of(other.ws_id, "2026-10").invoice.status == "sent"
    change(BillingAccount, world.ws_id, dearest_plans={})
    assert closed() == 1


def test_somebody_changes_the_account_at_that_moment(world, monkeypatch):
    record_sold_usage(world.ws_id, "2026-10-05", 1_000_000)
    real, meddled = monthly_close.prepare_close, []

    def meddling(*about):
        decided = real(*about)
        if not meddled:
            meddled.append(True)
            change(BillingAccount, world.ws_id, email="new@example.com")
        return decided

    monkeypatch.setattr(monthly_close, "prepare_close", meddling)
    assert closed() == 1
    invoice = invoice_of(world.ws_id, "2026-10").invoice
    assert (invoice.customer["email"], numbers(world)) == ("new@example.com", 1)


def test_what_it_costs(world):
    """A list, what belongs to its page, the number ranges; then for each account its month, by agent, and one write."""
    record_sold_usage(world.ws_id, "2026-10-05", 1_000_000)
    with frozen_at("2026-11-01"), count_requests() as seen:
        close_periods(deadline())
    per_shard = seen.by_name["Query"] - 3  # two of the account, and whether a shard has rows
    assert per_shard == 8
    assert {name: count for name, count in seen.by_name.items() if name != "Query"} == {
        "GetItem": 1,  # where the last sweep stopped
        "BatchGetItem": 2,
        "TransactWriteItems": 1,
    }


def test_the_clock_calls_it(world):
    record_sold_usage(world.ws_id, "2026-10-05", 1_000_000)
    with frozen_at("2026-11-01"):
        run_jobs("billing-close")
    assert invoice_of(world.ws_id, "2026-10").invoice.event["type"] == "invoice.issued"


def test_the_same_invoice_cannot_be_made_twice(world):
    """Even where the account says that the month is open."""
    record_sold_usage(world.ws_id, "2026-10-05", 1_000_000)
    closed()
    change(BillingAccount, world.ws_id, period="2026-10", billed={})
    with pytest.raises(ExceptionGroup):
        closed()
    assert numbers(world) == 1
    assert invoice_of(world.ws_id, "2026-10").invoice.version == 1
