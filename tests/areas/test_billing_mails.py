"""Who pays is told: an invoice, that it is overdue, that the workspace is suspended. Each once."""

import pytest

from shared.money.billing.dunning import run_dunning
from shared.money.billing.monthly_close import close_periods
from shared.money.billing.rows import BillingAccount
from tests.areas.billing_world import change, frozen_at, invoice_of, open_account, record_sold_usage
from tests.areas.boards_world import World, create_world
from tests.areas.driving import deadline
from tests.areas.mailbox import mailer, requested_mails, reset_ses, sent_mails
from tests.areas.viewers import project, raw_row, stream_record


@pytest.fixture
def world(aws) -> World:
    reset_ses()
    made = create_world()
    open_account(made.ws_id, "2026-10")
    change(BillingAccount, made.ws_id, email="books@example.com")
    record_sold_usage(made.ws_id, "2026-10-05", 10_000_000)
    with frozen_at("2026-11-01"):
        close_periods(deadline())
    requested_mails()
    return made


def mails_of(pk: str, times: int = 1) -> list[dict]:
    for _ in range(times):
        project(stream_record(raw_row(pk)))
    return requested_mails()


def test_an_invoice_is_sent_once(world):
    invoice = invoice_of(world.ws_id, "2026-10").invoice
    messages = mails_of(f"INVC#{invoice.id}", times=2)
    assert {message["id"] for message in messages} == {messages[0]["id"]}
    assert (messages[0]["kind"], messages[0]["to"]) == ("invoice_issued", "books@example.com")
    assert mailer(messages[0]) == []
    [mail] = sent_mails()
    assert invoice.number in mail.subject
    assert "Please pay USD 12.30 by 2026-11-15" in mail.body


def test_reminders_and_the_end(world):
    invoice = invoice_of(world.ws_id, "2026-10").invoice
    kinds = []
    for day in ("2026-11-16", "2026-11-22", "2026-11-29"):
        with frozen_at(day):
            run_dunning(deadline())
        kinds += [message["kind"] for message in mails_of(f"INVC#{invoice.id}")]
    assert kinds == ["invoice_overdue"] * 3
    with frozen_at("2026-12-15"):
        run_dunning(deadline())
    [message] = mails_of(f"BILLING#{world.ws_id}")
    assert (message["kind"], message["to"]) == ("workspace_suspended", "books@example.com")
    assert mailer(message) == []


def test_an_invoice_that_the_balance_paid_asks_for_nothing(world):
    change(BillingAccount, world.ws_id, balance_micros=50_000_000)
    record_sold_usage(world.ws_id, "2026-11-05", 1_000_000)
    with frozen_at("2026-12-01"):
        close_periods(deadline())
    [message] = mails_of(f"INVC#{invoice_of(world.ws_id, '2026-11').invoice.id}")
    assert message["values"]["owed"] is None
    assert mailer(message) == []
    assert "There is nothing to pay" in sent_mails()[-1].body


def test_an_account_without_an_address_gets_no_mail(world):
    change(BillingAccount, world.ws_id, email="")
    record_sold_usage(world.ws_id, "2026-11-05", 1_000_000)
    with frozen_at("2026-12-01"):
        close_periods(deadline())
    assert mails_of(f"INVC#{invoice_of(world.ws_id, '2026-11').invoice.id}") == []
