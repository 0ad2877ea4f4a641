"""What becomes of an invoice that is not paid. Each day, for the invoices on whose row that day stands (`next_step`):

until the due date    the default payment method is charged, where it is one that can be; every third day again
the day after it      overdue; the account is past due
7 and 14 days after   a reminder
30 days after         the account is suspended: no agent starts in the workspace until nothing is overdue

Every step is one transaction of invoice and account, with its event; it takes the invoice out of that day's list. Twice does nothing.
"""

import time
from typing import Any, Final

from shared.billing import gateways, months
from shared.billing.accounts import chargeable
from shared.billing.gateways import Charge
from shared.billing.rows import SHARDS, BillingAccount, Invoice
from shared.billing.settling import settle
from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.errors import Conflict
from shared.events import EventType, record
from shared.store import Operation, get_many, query, save, write

REMIND_AFTER: Final = (7, 14)
SUSPEND_AFTER: Final = 30
CHARGE_EVERY: Final = 3
"""Days, all of them."""
_PAGE: Final = 50


def chase(until: float) -> int:
    """Every step that is due today. How many were made. Stops at `until` (`time.monotonic`); the next call begins at another shard."""
    done, first = 0, clock.epoch() // 60
    failures: list[Exception] = []
    for shard in range(first, first + SHARDS):
        start = None
        while time.monotonic() <= until:
            page = query(
                Invoice,
                f"INVOICES#STEP#{shard % SHARDS}",
                index=2,
                between=("0", f"{months.today()}#~"),
                limit=_PAGE,
                start=start,
            )
            for row in page.rows:
                if time.monotonic() > until:
                    break
                try:
                    done += int(step(row.pk.partition("#")[2]))
                except Exception as error:  # raised at the end: one invoice does not keep the others from their step
                    error.add_note(f"invoice {row.pk}")
                    failures.append(error)
            start = page.next_key
            if start is None:
                break
    if failures:
        raise ExceptionGroup(f"{len(failures)} invoices could not be followed up", failures)
    return done


def step(invoice_id: str) -> bool:
    """What is due for one invoice, if anything still is. Somebody who changes it at this moment (a payment) is left alone: the
    invoice stays in the list, and the next call sees what they left."""
    invoice = _invoice(invoice_id)
    today = months.today()
    if invoice is None or not invoice.owed or not invoice.next_step or invoice.next_step > today:
        return False
    account = _account(invoice)
    if invoice.status == "sent" and today <= invoice.due_date:
        return _charge(invoice, account, today)
    try:
        write(*_overdue(invoice, account, today))
    except Conflict as conflict:
        if conflict.reason != "version":
            raise
        return False
    return True


def _invoice(invoice_id: str) -> Invoice | None:
    row = get_many([(Invoice, *Invoice.key(invoice_id))])[0]
    return row if isinstance(row, Invoice) else None


def _account(invoice: Invoice) -> BillingAccount:
    row = get_many([(BillingAccount, *BillingAccount.key(str(invoice.ws_id)))])[0]
    assert isinstance(row, BillingAccount)  # noqa: S101 - its invoice was made in a transaction with it
    return row


def _overdue(invoice: Invoice, account: BillingAccount, today: str) -> list[Operation]:
    """One step a call. What was missed while nobody called is not made up for: after a week without the clock comes one reminder."""
    late = _days_late(invoice, today)
    about: dict[str, Any] = {"number": invoice.number, "open_micros": invoice.open_micros, "due_date": invoice.due_date}
    if invoice.status == "sent":
        invoice.status = "overdue"
        account.overdue = sorted({*account.overdue, invoice.id})
        if account.status == "active":
            account.status = "past_due"
        record(invoice, EventType.INVOICE_OVERDUE, SYSTEM, **about)
    elif late >= SUSPEND_AFTER:
        invoice.next_step = None
        if account.status != "suspended":
            account.status = "suspended"
            record(account, EventType.BILLING_SUSPENDED, SYSTEM, invoice_id=invoice.id)
        return [save(invoice), save(account)]
    else:
        invoice.reminders += 1
        record(invoice, EventType.INVOICE_REMINDED, SYSTEM, reminder=int(invoice.reminders), **about)
    ahead = [days for days in (*REMIND_AFTER, SUSPEND_AFTER) if days > late]
    invoice.next_step = months.days_after(invoice.due_date, ahead[0] if ahead else late + 1)
    return [save(invoice), save(account)]


def _days_late(invoice: Invoice, today: str) -> int:
    return (clock.parse(today) - clock.parse(invoice.due_date)).days


def _charge(invoice: Invoice, account: BillingAccount, today: str) -> bool:
    """Charge what is owed, once a day at most: the key of the charge holds the day, so a call that died is repeated as the same charge.

    A success settles the invoice. One that the gateway is not sure of yet (a debit takes days) is waited for: it says so (`heard`).
    """
    method = chargeable(account)
    after_due = months.days_after(invoice.due_date, 1)
    if method is not None and account.customer is not None and invoice.pending is None:
        charged = gateways.named(method["gateway"]).charge(
            Charge(
                account.customer["id"],
                method["token"],
                invoice.open_micros,
                f"Invoice {invoice.number}",
                invoice.id,
                f"invoice-{invoice.id}-{today}",
            )
        )
        if charged.status == "succeeded":
            settle(invoice.id, invoice.open_micros, method["type"], charged.reference, SYSTEM)
            return True
        if charged.status == "pending":
            invoice.pending = charged.reference
    again = method is not None and invoice.pending is None
    invoice.next_step = min(months.days_after(today, CHARGE_EVERY), after_due) if again else after_due
    try:
        write(save(invoice))
    except Conflict as conflict:
        if conflict.reason != "version":
            raise
    return True


def heard(invoice_id: str, reference: str, succeeded: bool, amount: int, method: str) -> None:
    """The gateway says how a charge ended, perhaps again: settle the invoice, or let it be charged another time."""
    if succeeded:
        settle(invoice_id, amount, method, reference, SYSTEM)
        return
    invoice = _invoice(invoice_id)
    if invoice is None or invoice.pending != reference:
        return
    invoice.pending = None
    if invoice.status == "sent":
        invoice.next_step = min(months.days_after(months.today(), 1), months.days_after(invoice.due_date, 1))
    write(save(invoice))
