"""Dunning: the steps for an invoice that is not paid. Each day, for the invoices whose `next_step` is that day:

until the due date    the default payment method is charged if that is possible; again every third day if that failed
the day after it      overdue; the account is past due
7 and 14 days after   a reminder
30 days after         the account is suspended: no agent starts in the workspace until nothing is overdue

Nothing more is done for a rest that is less than the gateway can charge.

Every step is one transaction of invoice and account, with its event; it removes the invoice from that day's list. A repeated step does
nothing.
"""

from typing import Any, Final

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.errors import Conflict
from shared.events import EventType, record
from shared.money.billing import gateways, months
from shared.money.billing.accounts import chargeable_method
from shared.money.billing.charging import charge_invoice
from shared.money.billing.rows import INVOICES_TO_DUN, BillingAccount, Invoice, due_range
from shared.store import Operation, get_many, iterate_shards, process_all, save, write

REMIND_AFTER: Final = (7, 14)
SUSPEND_AFTER: Final = 30
"""All in days."""
_PAGE: Final = 50


def run_dunning(until: float) -> int:
    """Do every step that is due today; return how many. Stops at `until` (`time.monotonic`); the next call continues."""
    rows = iterate_shards(Invoice, INVOICES_TO_DUN, until, index=2, between=due_range(), limit=_PAGE)
    return process_all(
        INVOICES_TO_DUN.name, rows, lambda row: process_invoice(row.entity_id), lambda row: f"{Invoice.NAME} {row.entity_id}"
    )


def process_invoice(invoice_id: str) -> bool:
    """Do the step that is due for one invoice; return whether one was done.

    If somebody changes the invoice at the same moment (a payment), it stays in the list for the next call.
    """
    invoice = _fetch_invoice(invoice_id)
    today = months.today()
    if invoice is None or not invoice.owed or not invoice.next_step or invoice.next_step > today:
        return False
    account = _fetch_account(invoice)
    try:
        if invoice.open_micros < gateways.configured_gateway().smallest_micros:  # a rest that no card can pay suspends nobody
            invoice.next_step = None
            write(save(invoice))
        elif invoice.status == "sent" and today <= invoice.due_date:
            _try_charge(invoice, account)
        else:
            write(*_escalate(invoice, account, today))
    except Conflict:
        return False  # somebody pays or charges it at this moment
    return True


def _fetch_invoice(invoice_id: str) -> Invoice | None:
    row = get_many([(Invoice, *Invoice.key(invoice_id))])[0]
    return row if isinstance(row, Invoice) else None


def _fetch_account(invoice: Invoice) -> BillingAccount:
    row = get_many([(BillingAccount, *BillingAccount.key(str(invoice.ws_id)))])[0]
    assert isinstance(row, BillingAccount)  # noqa: S101 - its invoice was made in a transaction with it
    return row


def _escalate(invoice: Invoice, account: BillingAccount, today: str) -> list[Operation]:
    """Do one dunning step. Missed steps are not repeated: after a week without the schedule there is one reminder."""
    late = _days_late(invoice, today)
    attributes: dict[str, Any] = {"number": invoice.number, "open_micros": invoice.open_micros, "due_date": invoice.due_date}
    if invoice.status == "sent":
        invoice.status = "overdue"
        account.overdue = sorted({*account.overdue, invoice.id})
        if account.status == "active":
            account.status = "past_due"
        record(invoice, EventType.INVOICE_OVERDUE, SYSTEM, **attributes)
    elif late >= SUSPEND_AFTER:
        invoice.next_step = None
        if account.status != "suspended":
            account.status = "suspended"
            record(account, EventType.BILLING_SUSPENDED, SYSTEM, invoice_id=invoice.id)
        return [save(invoice), save(account)]
    else:
        invoice.reminders += 1
        record(invoice, EventType.INVOICE_REMINDED, SYSTEM, reminder=int(invoice.reminders), **attributes)
    ahead = [days for days in (*REMIND_AFTER, SUSPEND_AFTER) if days > late]
    invoice.next_step = months.days_after(invoice.due_date, ahead[0] if ahead else late + 1)
    return [save(invoice), save(account)]


def _days_late(invoice: Invoice, today: str) -> int:
    return (clock.parse(today) - clock.parse(invoice.due_date)).days


def _try_charge(invoice: Invoice, account: BillingAccount) -> None:
    """Charge the open amount if that is possible; what comes of it sets the day of the next step. Raises Conflict."""
    method = chargeable_method(account)
    if method is not None:
        charge_invoice(invoice, account, method)
        return
    invoice.next_step = months.days_after(invoice.due_date, 1)
    write(save(invoice))
