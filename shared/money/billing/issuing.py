"""Issue invoices: number, invoice and account in one transaction, so that each period has one invoice and no number is skipped."""

from typing import Any, Final

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.errors import Conflict
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.money.billing import gateways, months
from shared.money.billing.accounts import LOOKBACK_MONTHS, chargeable_method
from shared.money.billing.rows import BillingAccount, Invoice, Payment, Series, document_number, invoice_id
from shared.money.billing.statements import Statement, build_statement
from shared.people.tenancy.rows import Workspace
from shared.store import Operation, create, save, update

DUE_DAYS: Final = 14


class _NumberTaken(Conflict):
    def __init__(self) -> None:
        super().__init__(Situation.VERSION_CONFLICT, "Another document took this number")


def next_number(org_id: str, name: str, last: int) -> tuple[str, Operation]:
    """Return the next number of a range and the operation that takes it; its write fails with _NumberTaken if somebody was faster."""
    unchanged = Series.last == last
    if last == 0:
        unchanged = unchanged | Series.pk.does_not_exist()
    take_number = [Series.last.set(last + 1), Series.kind.set("SERIES")]
    return document_number(name, org_id, last + 1), update(
        Series(*Series.key_of(org_id, name)), take_number, unchanged, _NumberTaken
    )


def prepare_close(
    account: BillingAccount, workspace: Workspace | None, last_number: int
) -> tuple[Invoice | None, list[Operation]]:
    """Return the invoice of the account's open period (if any) and the operations that close the period; one or two queries.

    If the total rounds to zero cents, or is less than the gateway can charge, the period is closed without an invoice: the usage stays
    unbilled and is added to the next period.
    """
    month = account.period
    workspace_gone = workspace is None or bool(workspace.deleted_at and workspace.deleted_at[:7] < month)
    statement = build_statement(account, month, fee=not workspace_gone)
    invoice: Invoice | None = None
    operations: list[Operation] = []
    if statement.total_micros and statement.total_micros >= gateways.configured_gateway().smallest_micros:
        invoice, operations = _issue(account, workspace, statement, last_number)
        billed = statement.billed
    else:
        billed = {month: [0, 0]}
    account.billed = dict(sorted((account.billed | billed).items())[-LOOKBACK_MONTHS:])
    account.period = months.next_month(month)
    account.dearest_plans = {later: plan for later, plan in account.dearest_plans.items() if later > month}
    account.closed = workspace_gone  # a month after the workspace was deleted: late usage is billed, too
    return invoice, [save(account), *operations]


def _issue(
    account: BillingAccount, workspace: Workspace | None, statement: Statement, last_number: int
) -> tuple[Invoice, list[Operation]]:
    org_id, issued = str(account.org_id), clock.iso()
    number, take_number = next_number(org_id, "INV", last_number)
    day = issued[:10]
    due = months.days_after(day, DUE_DAYS)
    invoice = Invoice.new(
        invoice_id(account.id, statement.period),
        org_id=org_id,
        ws_id=account.id,
        number=number,
        period=statement.period,
        start=months.first_day(statement.period).isoformat(),
        end=months.last_day(statement.period).isoformat(),
        customer=_customer_details(account, workspace),
        seller=_seller_details(),
        lines=[line.row for line in statement.lines],
        usage_micros=statement.usage_micros,
        subtotal_micros=statement.subtotal_micros,
        tax=statement.tax.row,
        tax_micros=statement.tax_micros,
        total_micros=statement.total_micros,
        issued_at=issued,
        due_date=due,
        next_step=day if chargeable_method(account) else months.days_after(due, 1),
    )
    operations = [take_number, *_pay_from_balance(account, invoice)]
    record(invoice, EventType.INVOICE_ISSUED, SYSTEM, number=number, total_micros=invoice.total_micros, due_date=due)
    return invoice, [create(invoice, _NumberTaken), *operations]


def _pay_from_balance(account: BillingAccount, invoice: Invoice) -> list[Operation]:
    """Pay the invoice from the account's balance, as far as that goes."""
    used = min(int(account.balance_micros), int(invoice.total_micros))
    if used <= 0:
        return []
    account.balance_micros -= used
    invoice.paid_micros = used
    if invoice.open_micros == 0:
        invoice.status, invoice.paid_at, invoice.next_step = "paid", invoice.issued_at, None
    return [create(Payment.for_invoice(invoice, used, "balance", f"balance of {invoice.issued_at}", SYSTEM.summary))]


def _customer_details(account: BillingAccount, workspace: Workspace | None) -> dict[str, Any]:
    return {
        "name": workspace.name if workspace else account.email,
        "email": account.email,
        "address": account.address,
        "tax_id": account.tax_id,
    }


def _seller_details() -> dict[str, Any]:
    configured = settings()
    return {
        "name": configured.seller_name,
        "address": configured.seller_address,
        "country": configured.seller_country,
        "tax_id": configured.seller_tax_id,
    }
