"""Ledger lines, months that end and invoices that are issued: for tests of billing."""

from dataclasses import dataclass, replace

import time_machine

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.ids import new_id
from shared.money.billing.accounts import ensure_account
from shared.money.billing.monthly_close import close_periods
from shared.money.billing.months import first_day, next_month, this_month
from shared.money.billing.payments import credit_invoice, record_payment
from shared.money.billing.reading import InvoiceWithPayments, get_invoice_with_payments
from shared.money.billing.rows import BillingAccount, invoice_id
from shared.money.usage.recording import usage_operations
from shared.money.usage.rows import UsageLine
from shared.people.tenancy.rows import Workspace
from shared.store import Entity, fetch, get, save, write
from tests.areas.driving import Client, call, deadline

PLATFORM_ADMIN = replace(SYSTEM, id="clerk", name="Clerk", platform_admin=True)
"""An administrator of the platform."""


def record_sold_usage(
    ws_id: str, at: str, price: int, *, agent: str = "prd", org_id: str | None = None, priced: bool = True
) -> UsageLine:
    """A model call in the ledger, at a moment or on a day; `price` in micro-dollars is what the customer pays."""
    row = UsageLine.new(
        new_id(),
        org_id=org_id,
        ws_id=ws_id,
        proj_id="0190a0a0-0000-7000-8000-00000000abcd",
        at=at if "T" in at else f"{at}T10:00:00.000Z",
        run_id="r",
        item_id="c",
        agent_id=agent,
        agent_name=agent.upper(),
        user={"kind": "user", "id": "u", "name": "Ada", "email": "ada@example.com"},
        provider="openai",
        model="m",
        input_tokens=100,
        cache_read_tokens=0,
        cache_write_tokens=0,
        output_tokens=50,
        provider_cost_micros=price // 5,
        customer_price_micros=price,
        unpriced=not priced,
        price_version="t",
    )
    write(*usage_operations(row, "Engine"))
    return row


def account_of(ws_id: str) -> BillingAccount:
    found = get(BillingAccount, *BillingAccount.key(ws_id))
    assert found is not None
    return found


def invoice_of(ws_id: str, month: str) -> InvoiceWithPayments:
    return get_invoice_with_payments(PLATFORM_ADMIN, invoice_id(ws_id, month))


def change(model: type[Entity], entity_id: str, **fields) -> None:
    row = fetch(model, entity_id)
    for name, value in fields.items():
        setattr(row, name, value)
    write(save(row))


def open_account(ws_id: str, period: str) -> BillingAccount:
    """The account of a workspace, as if it had been opened in that month."""
    workspace = fetch(Workspace, ws_id)
    assert workspace is not None
    ensure_account(workspace, get(BillingAccount, *BillingAccount.key(ws_id)))
    change(BillingAccount, ws_id, period=period, billed={})
    return account_of(ws_id)


@dataclass
class FrozenTime:
    """Freezes the time at a moment."""

    moment: str

    def __enter__(self) -> None:
        self._travelling = time_machine.travel(clock.parse(self.moment), tick=False)
        self._travelling.start()

    def __exit__(self, *_: object) -> None:
        self._travelling.stop()


def frozen_at(moment: str) -> FrozenTime:
    return FrozenTime(moment if "T" in moment else f"{moment}T02:00:00+00:00")


def invoice_with_credit_note(ws_id: str) -> tuple[str, str]:
    """Ids of an invoice of the past month, with a payment of part of it and a credit note over another part, and of the note."""
    month = this_month()
    open_account(ws_id, month)
    record_sold_usage(ws_id, f"{month}-01", 7_500_000)
    with frozen_at(first_day(next_month(month)).isoformat()):
        close_periods(deadline())
        invoice = invoice_of(ws_id, month).invoice
        record_payment(PLATFORM_ADMIN, invoice.id, 1_000_000, "transfer 1", "manual", None)
        note = credit_invoice(PLATFORM_ADMIN, invoice.id, 2_000_000, "A bad day")
    return invoice.id, note.id


def logged_in(email: str = "ada@example.com", password: str = "correct horse") -> Client:
    """The same person with a token of this moment: one lives for an hour. The rate window has begun."""
    answer = call("auth", "agentworks", "POST", "/auth/login", body={"email": email, "password": password})
    assert answer.status == 200, answer.text
    client = Client("agentworks", answer.json["token"], answer.json["user"])
    client("auth", "GET", "/auth/me")
    return client
