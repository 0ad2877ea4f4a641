"""Who pays is told: an invoice, that it is overdue, that the workspace is suspended. Each once."""

import pytest

from shared.money.billing.dunning import run_dunning
from shared.money.billing.monthly_close import close_periods
from shared.money.billing.rows import BillingAccount
from tests.areas.billing_world import at, change, filed, open_account, soon, use
from tests.areas.boards_world import World, found_world
from tests.areas.mailbox import asked, left, mailer, open_ses
from tests.areas.viewers import project, raw_row, stream_record


@pytest.fixture
def world(aws) -> World:
    open_ses()
    made = found_world()
    open_account(made.ws_id, "2026-10")
    change(BillingAccount, made.ws_id, email="books@example.com")
    use(made.ws_id, "2026-10-05", 10_000_000)
    with at("2026-11-01"):
        close_periods(soon())
    asked()
    return made


def told(pk: str, times: int = 1) -> list[dict]:
    for _ in range(times):
        project(stream_record(raw_row(pk)))
    return asked()


def test_an_invoice_is_sent_once(world):
    invoice = filed(world.ws_id, "2026-10").invoice
    messages = told(f"INVC#{invoice.id}", times=2)
    assert {message["id"] for message in messages} == {messages[0]["id"]}
    assert (messages[0]["kind"], messages[0]["to"]) == ("invoice_issued", "books@example.com")
    assert mailer(messages[0]) == []
    [mail] = left()
    assert invoice.number in mail.subject
    assert "Please pay USD 12.30 by 2026-11-15" in mail.body


def test_reminders_and_the_end(world):
    invoice = filed(world.ws_id, "2026-10").invoice
    kinds = []
    for day in ("2026-11-16", "2026-11-22", "2026-11-29"):
        with at(day):
            run_dunning(soon())
        kinds += [message["kind"] for message in told(f"INVC#{invoice.id}")]
    assert kinds == ["invoice_overdue"] * 3
    with at("2026-12-15"):
        run_dunning(soon())
    [message] = told(f"BILLING#{world.ws_id}")
    assert (message["kind"], message["to"]) == ("workspace_suspended", "books@example.com")
    assert mailer(message) == []


def test_an_invoice_that_the_balance_paid_asks_for_nothing(world):
    change(BillingAccount, world.ws_id, balance_micros=50_000_000)
    use(world.ws_id, "2026-11-05", 1_000_000)
    with at("2026-12-01"):
        close_periods(soon())
    [message] = told(f"INVC#{filed(world.ws_id, '2026-11').invoice.id}")
    assert message["values"]["owed"] is None
    assert mailer(message) == []
    assert "There is nothing to pay" in left()[-1].body


def test_an_account_without_an_address_gets_no_mail(world):
    change(BillingAccount, world.ws_id, email="")
    use(world.ws_id, "2026-11-05", 1_000_000)
    with at("2026-12-01"):
        close_periods(soon())
    assert told(f"INVC#{filed(world.ws_id, '2026-11').invoice.id}") == []
