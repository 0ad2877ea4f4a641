"""What becomes of an invoice: paid, in parts or too much; credited; overdue, reminded, and the workspace suspended."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.core.actor import SYSTEM
from shared.core.errors import Conflict, Invalid
from shared.money.billing.dunning import run_dunning
from shared.money.billing.monthly_close import close_periods
from shared.money.billing.payments import apply_payment, credit_invoice, record_payment
from shared.money.billing.rows import Invoice
from shared.store import fetch, query
from tests.areas.billing_world import (
    PLATFORM_ADMIN,
    account_of,
    frozen_at,
    invoice_of,
    logged_in,
    open_account,
    record_sold_usage,
)
from tests.areas.boards_world import World, create_world
from tests.areas.driving import deadline, run_jobs
from tests.kills import concurrently
from tests.trips import count_requests


@pytest.fixture
def world(aws) -> World:
    """With an invoice of 12.30 (10.00 and 23 %) for October, due on the 15th of November."""
    made = create_world()
    open_account(made.ws_id, "2026-10")
    record_sold_usage(made.ws_id, "2026-10-05", 10_000_000)
    with frozen_at("2026-11-01"):
        close_periods(deadline())
    return made


def invoice(world: World, month: str = "2026-10") -> Invoice:
    return invoice_of(world.ws_id, month).invoice


def night(day: str) -> int:
    with frozen_at(day):
        return run_dunning(deadline())


def states(world: World) -> tuple[str, str, str | None]:
    row = invoice(world)
    return row.status, account_of(world.ws_id).status, row.next_step


def suspended(world: World) -> World:
    for day in ("2026-11-16", "2026-12-15"):
        night(day)
    return world


def test_from_sent_to_suspended(world):
    told = []
    for day, done, expected in (
        ("2026-11-15", 0, ("sent", "active", "2026-11-16")),
        ("2026-11-16", 1, ("overdue", "past_due", "2026-11-22")),
        ("2026-11-16", 0, ("overdue", "past_due", "2026-11-22")),
        ("2026-11-22", 1, ("overdue", "past_due", "2026-11-29")),
        ("2026-11-29", 1, ("overdue", "past_due", "2026-12-15")),
        ("2026-12-14", 0, ("overdue", "past_due", "2026-12-15")),
        ("2026-12-15", 1, ("overdue", "suspended", None)),
        ("2027-01-15", 0, ("overdue", "suspended", None)),
    ):
        assert (night(day), states(world)) == (done, expected), day
        told.append(invoice(world).event["type"])
    assert list(dict.fromkeys(told)) == ["invoice.issued", "invoice.overdue", "invoice.reminded"]
    assert account_of(world.ws_id).event["type"] == "billing.suspended"
    assert invoice(world).reminders == 2


def test_after_a_week_without_the_clock_there_is_one_reminder(world):
    night("2026-11-16")
    assert night("2026-11-30") == 1
    assert (invoice(world).reminders, invoice(world).next_step) == (1, "2026-12-15")
    assert night("2027-03-01") == 1
    assert account_of(world.ws_id).status == "suspended"


def test_a_suspended_workspace_starts_no_agent_but_can_be_read(world):
    suspended(world)
    card = world.ada("cards", "POST", f"/boards/{world.board.id}/cards", body={
        "laneId": world.lanes[1].id, "title": "A card", "type": "doc",
    }).json["id"]  # fmt: skip
    refused = world.ada("runs", "POST", f"/cards/{card}/agents/prd/run", body={})
    assert (refused.status, refused.json["error"]["code"]) == (403, "WORKSPACE_SUSPENDED")
    assert refused.json["error"]["details"] == {
        "reason": "The workspace is suspended: an invoice is more than 30 days overdue. Agents run again once it is paid",
        "status": "suspended",
        "overdueInvoices": [invoice(world).id],
    }
    assert world.ada("cards", "GET", f"/cards/{card}").status == 200
    assert world.ada("workspaces", "GET", f"/workspaces/{world.ws_id}").json["billing"]["status"] == "suspended"
    record_payment(PLATFORM_ADMIN, invoice(world).id, None, "R", "manual", None)
    assert account_of(world.ws_id).event["type"] == "billing.reactivated"
    assert world.ada("runs", "POST", f"/cards/{card}/agents/prd/run", body={}).status < 300


def test_it_is_active_again_when_nothing_is_overdue_any_more(world):
    record_sold_usage(world.ws_id, "2026-11-05", 1_000_000)
    with frozen_at("2026-12-01"):
        close_periods(deadline())
    night("2026-11-16")
    night("2026-12-16")
    assert len(account_of(world.ws_id).overdue) == 2
    record_payment(PLATFORM_ADMIN, invoice(world).id, None, "R", "manual", None)
    assert account_of(world.ws_id).status == "suspended"
    record_payment(PLATFORM_ADMIN, invoice(world, "2026-11").id, None, "R", "manual", None)
    assert account_of(world.ws_id).status == "active"


def test_a_part_is_not_all_and_too_much_is_kept(world):
    night("2026-11-16")
    with frozen_at("2026-11-18"):
        record_payment(PLATFORM_ADMIN, invoice(world).id, 2_300_000, "one", "manual", None)
    assert (states(world)[:2], invoice(world).open_micros) == (("overdue", "past_due"), 10_000_000)
    with frozen_at("2026-11-20"):
        record_payment(PLATFORM_ADMIN, invoice(world).id, 10_050_000, "two", "manual", None)
    row = invoice(world)
    assert (row.status, row.paid_at, row.next_step, row.open_micros) == ("paid", "2026-11-20T02:00:00.000Z", None, 0)
    assert (account_of(world.ws_id).balance_micros, account_of(world.ws_id).status) == (50_000, "active")
    assert [one.reference for one in invoice_of(world.ws_id, "2026-10").payments] == ["one", "two"]


def test_the_same_transfer_pays_once(world):
    first = record_payment(PLATFORM_ADMIN, invoice(world).id, 2_000_000, "one", "manual", None)
    again = record_payment(PLATFORM_ADMIN, invoice(world).id, 2_000_000, "one", "manual", None)
    assert (again.id, invoice(world).paid_micros) == (first.id, 2_000_000)
    record_payment(PLATFORM_ADMIN, invoice(world).id, None, "two", "manual", None)
    assert record_payment(PLATFORM_ADMIN, invoice(world).id, None, "two", "manual", None).amount_micros == 10_300_000
    with pytest.raises(Conflict, match="paid: nothing is owed"):
        record_payment(PLATFORM_ADMIN, invoice(world).id, None, "three", "manual", None)
    assert apply_payment(invoice(world).id, 1_000_000, "card", "four", SYSTEM).amount_micros == 1_000_000  # it did come in
    assert account_of(world.ws_id).balance_micros == 1_000_000


@pytest.mark.parametrize("amount", [0, -10_000, 1, 10_001])
def test_an_amount_is_whole_cents(world, amount):
    with pytest.raises(Invalid):
        record_payment(PLATFORM_ADMIN, invoice(world).id, amount, "R", "manual", None)
    with pytest.raises(Invalid):
        credit_invoice(PLATFORM_ADMIN, invoice(world).id, amount, "No reason")


# -- credit notes


def test_what_is_credited_is_not_owed(world):
    note = credit_invoice(PLATFORM_ADMIN, invoice(world).id, 3_330_000, "A bad day")
    assert (note.subtotal_micros, note.tax_micros, note.total_micros) == (-3_330_000, -770_000, -4_100_000)  # 0.7659
    assert note.lines[0]["amount_micros"] == -3_330_000
    assert note.number.startswith("CN-")
    assert note.number.endswith("-000001")
    row = invoice(world)
    assert (row.status, row.open_micros, row.total_micros) == ("sent", 8_200_000, 12_300_000)
    rest = credit_invoice(PLATFORM_ADMIN, row.id, None, "All of it")
    assert (rest.number[-6:], rest.subtotal_micros, rest.tax_micros) == ("000002", -6_670_000, -1_530_000)
    assert (invoice(world).status, invoice(world).paid_at, account_of(world.ws_id).balance_micros) == ("cancelled", None, 0)
    with pytest.raises(Conflict, match="credited already"):
        credit_invoice(PLATFORM_ADMIN, row.id, None, "Again")
    with pytest.raises(Conflict, match="cancelled"):
        record_payment(PLATFORM_ADMIN, row.id, None, "R", "manual", None)


def test_no_more_is_credited_than_there_is(world):
    with pytest.raises(Invalid, match="invalid fields") as refused:
        credit_invoice(PLATFORM_ADMIN, invoice(world).id, 10_010_000, "Too kind")
    assert refused.value.fields[0].message == "At most 10.00 of this invoice can be credited"


def test_part_credited_and_the_rest_paid_is_paid(world):
    suspended(world)
    credit_invoice(PLATFORM_ADMIN, invoice(world).id, 5_000_000, "Half")
    record_payment(PLATFORM_ADMIN, invoice(world).id, None, "R", "manual", None)
    assert states(world)[:2] == ("paid", "active")
    assert invoice(world).paid_micros == 6_150_000


def test_a_credit_over_the_rest_of_an_overdue_invoice_reactivates(world):
    suspended(world)
    credit_invoice(PLATFORM_ADMIN, invoice(world).id, None, "Our mistake")
    assert states(world)[:2] == ("cancelled", "active")


def test_many_credit_notes_at_once_have_numbers_without_gaps(world):
    with ThreadPoolExecutor(3) as pool:
        notes = list(pool.map(lambda _: credit_invoice(PLATFORM_ADMIN, invoice(world).id, 1_000_000, "Part"), range(3)))
    assert sorted(note.number[-6:] for note in notes) == ["000001", "000002", "000003"]
    assert invoice(world).credited_net_micros == 3_000_000


# -- the job


def test_somebody_pays_at_that_moment(world):
    """The payment lands between what the job read and what it writes: the job's write is refused, the payment stays."""
    invoice_id = invoice(world).id
    with concurrently(lambda: record_payment(PLATFORM_ADMIN, invoice_id, None, "R", "manual", None)) as night_job:
        assert night("2026-11-16") == 0
    assert night_job.happened
    assert states(world) == ("paid", "active", None)


def test_it_stops_in_time(world):
    with frozen_at("2026-11-16"):
        assert run_dunning(deadline() - 120) == 0
        assert run_dunning(deadline()) == 1


def test_the_clock_calls_it_and_what_that_costs(world):
    with frozen_at("2026-11-16"), count_requests() as seen:
        run_jobs("invoices-overdue")
    assert seen.by_name == {"GetItem": 1, "Query": 9, "BatchGetItem": 2, "TransactWriteItems": 1}
    assert states(world)[0] == "overdue"


def test_what_is_paid_is_in_no_list_any_more(world):
    record_payment(PLATFORM_ADMIN, invoice(world).id, None, "R", "manual", None)
    for shard in range(8):
        assert query(Invoice, f"INVOICES#STEP#{shard}", index=2).rows == []
    assert fetch(Invoice, invoice(world).id).gsi1pk == f"WS#{world.ws_id}#INVC"


def test_whoever_owes_sees_it(world):
    night("2026-11-16")
    with frozen_at("2026-11-17"):
        ada = logged_in()
        body = ada("billing", "GET", f"/workspaces/{world.ws_id}/billing").json
        assert body["account"]["status"] == "past_due"
        assert [one["status"] for one in body["invoices"]] == ["overdue"]
        assert ada("billing", "GET", f"/workspaces/{world.ws_id}/billing/invoices?status=overdue").json["total"] == 1
