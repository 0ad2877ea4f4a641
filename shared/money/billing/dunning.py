"""What becomes of an invoice that is not paid. Each day, for the invoices on whose row that day stands (`next_step`):

until the due date    the default payment method is charged, where it is one that can be; every third day again
the day after it      overdue; the account is past due
7 and 14 days after   a reminder
30 days after         the account is suspended: no agent starts in the workspace until nothing is overdue

Every step is one transaction of invoice and account, with its event; it takes the invoice out of that day's list. Twice does nothing.
"""

from typing import Any, Final

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.errors import Conflict
from shared.events import EventType, record
from shared.money.billing import months
from shared.money.billing.accounts import chargeable
from shared.money.billing.charging import charge
from shared.money.billing.rows import DUNNING, BillingAccount, Invoice, due
from shared.store import Operation, get_many, is_stale, iterate_shards, process_all, save, write

REMIND_AFTER: Final = (7, 14)
SUSPEND_AFTER: Final = 30
CHARGE_EVERY: Final = 3
"""Days, all of them."""
_PAGE: Final = 50


def run_dunning(until: float) -> int:
    """Every step that is due today. How many were made. Stops at `until` (`time.monotonic`); the next call goes on."""
    rows = iterate_shards(Invoice, DUNNING, until, index=2, between=due(), limit=_PAGE)
    return process_all(DUNNING.name, rows, lambda row: step(row.entity_id), lambda row: f"{Invoice.NAME} {row.entity_id}")


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
        if not is_stale(conflict):
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
    """Charge what is owed, if there is a way to, and say when to look again."""
    method = chargeable(account)
    after_due = months.days_after(invoice.due_date, 1)
    if method is not None and invoice.pending is None and charge(invoice, account, method).status == "succeeded":
        return True
    again = method is not None and invoice.pending is None
    invoice.next_step = min(months.days_after(today, CHARGE_EVERY), after_due) if again else after_due
    try:
        write(save(invoice))
    except Conflict as conflict:
        if not is_stale(conflict):
            raise
    return True
