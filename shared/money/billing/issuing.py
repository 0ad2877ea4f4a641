"""An invoice is made: number, invoice and account in one transaction, so that each period has one and no number is left out."""

from typing import Any, Final

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.errors import Conflict
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.money.billing import months
from shared.money.billing.accounts import LOOKBACK_MONTHS, chargeable_method
from shared.money.billing.rows import BillingAccount, Invoice, Payment, Series, invoice_id, document_number
from shared.money.billing.statements import Statement, build_statement
from shared.people.tenancy.rows import Workspace
from shared.store import Operation, create, save, update

DUE_DAYS: Final = 14
NUMBER_TAKEN = Conflict(Situation.VERSION_CONFLICT, "Another document took this number")


def next_number(org_id: str, name: str, last: int) -> tuple[str, Operation]:
    """The number after `last` in a range, and the operation that takes it. Refused with MOVED where somebody else took it."""
    unmoved = Series.last == last
    if last == 0:
        unmoved = unmoved | Series.pk.does_not_exist()
    taken = [Series.last.set(last + 1), Series.kind.set("SERIES")]
    return document_number(name, org_id, last + 1), update(Series(*Series.key_of(org_id, name)), taken, unmoved, NUMBER_TAKEN)


def prepare_close(account: BillingAccount, workspace: Workspace | None, last_number: int) -> tuple[Invoice | None, list[Operation]]:
    """What closes the account's open period: all of it, or nothing. Reads the usage (one or two queries).

    No invoice for nothing: where the sum rounds to no cent the period is closed without one. Usage that was less than half a cent stays
    unbilled, and is found again with the next period.
    """
    month = account.period
    left = workspace is None or bool(workspace.deleted_at and workspace.deleted_at[:7] < month)
    found = build_statement(account, month, fee=not left)
    invoice: Invoice | None = None
    operations: list[Operation] = []
    if found.total_micros or found.subtotal_micros:
        invoice, operations = _issue(account, workspace, found, last_number)
        counted = found.counted
    else:
        counted = {month: [0, 0]}
    account.billed = dict(sorted((account.billed | counted).items())[-LOOKBACK_MONTHS:])
    account.period = months.next_month(month)
    account.dearest_plan = account.plan
    account.closed = left  # a month after the workspace went: what came late is billed, too
    return invoice, [save(account), *operations]


def _issue(
    account: BillingAccount, workspace: Workspace | None, found: Statement, last_number: int
) -> tuple[Invoice, list[Operation]]:
    org_id, issued = str(account.org_id), clock.iso()
    number, taken = next_number(org_id, "INV", last_number)
    day = issued[:10]
    due = months.days_after(day, DUE_DAYS)
    invoice = Invoice.new(
        invoice_id(account.id, found.period),
        org_id=org_id,
        ws_id=account.id,
        number=number,
        period=found.period,
        start=months.first_day(found.period).isoformat(),
        end=months.last_day(found.period).isoformat(),
        customer=_customer_details(account, workspace),
        seller=_seller_details(),
        lines=[line.row for line in found.lines],
        usage_micros=found.usage_micros,
        subtotal_micros=found.subtotal_micros,
        tax=found.tax.row,
        tax_micros=found.tax_micros,
        total_micros=found.total_micros,
        issued_at=issued,
        due_date=due,
        next_step=day if chargeable_method(account) else months.days_after(due, 1),
    )
    operations = [taken, *_pay_from_balance(account, invoice)]
    record(invoice, EventType.INVOICE_ISSUED, SYSTEM, number=number, total_micros=invoice.total_micros, due_date=due)
    return invoice, [create(invoice, NUMBER_TAKEN), *operations]


def _pay_from_balance(account: BillingAccount, invoice: Invoice) -> list[Operation]:
    """What the customer has with us pays first."""
    used = min(int(account.balance_micros), int(invoice.total_micros))
    if used <= 0:
        return []
    account.balance_micros -= used
    invoice.paid_micros = used
    if invoice.open_micros == 0:
        invoice.status, invoice.paid_at, invoice.next_step = "paid", invoice.issued_at, None
    return [create(Payment.of(invoice, used, "balance", f"balance of {invoice.issued_at}", SYSTEM.summary))]


def _customer_details(account: BillingAccount, workspace: Workspace | None) -> dict[str, Any]:
    return {
        "name": workspace.name if workspace else account.email,
        "email": account.email,
        "address": account.address,
        "tax_id": account.tax_id,
    }


def _seller_details() -> dict[str, Any]:
    about = settings()
    return {
        "name": about.seller_name,
        "address": about.seller_address,
        "country": about.seller_country,
        "tax_id": about.seller_tax_id,
    }
