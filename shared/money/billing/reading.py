"""Reading bills; the owner of the workspace and administrators of the platform may see them."""

from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id, is_id
from shared.money.billing.accounts import get_account
from shared.money.billing.rows import BillingAccount, CreditNote, Invoice, Payment
from shared.money.billing.statements import Statement, build_statement
from shared.money.usage.month_summary import MonthUsage, begin_month_usage
from shared.people.tenancy.rows import Workspace
from shared.people.tenancy.workspaces import authorize_workspace
from shared.store import IndexRow, authorize, begin_index_rows, item_collection, page_of

LATEST_INVOICES = 12
"""Number of invoices in the overview."""


@dataclass(frozen=True)
class Overview:
    """What an account's page shows."""

    account: BillingAccount
    workspace: Workspace
    usage: MonthUsage
    upcoming: Statement
    latest: list[IndexRow]


def get_overview(actor: Actor, ws_id: str) -> Overview:
    """Return account, usage and invoices; two round trips, one more if the month has usage, one more to create the account."""
    bare = bare_id(ws_id)
    invoices, usage = begin_index_rows(1, _invoices(bare), newest_first=True), begin_month_usage(bare)
    workspace, account = get_account(actor, ws_id)
    latest = list(islice(invoices, LATEST_INVOICES))
    return Overview(account, workspace, usage(workspace), build_statement(account, account.period), latest)


def list_invoices(actor: Actor, ws_id: str, status: str | None, limit: int, offset: int) -> tuple[list[IndexRow], int]:
    """Return a page of the invoices, newest first, and their number; one round trip, because the index has all fields."""
    rows = begin_index_rows(1, _invoices(bare_id(ws_id)), newest_first=True)
    authorize_workspace(actor, ws_id, Permission.WORKSPACE_BILLING)
    return page_of((row for row in rows if status is None or row.f["status"] == status), offset, limit)


def _invoices(ws_id: str) -> str:
    return f"WS#{ws_id}#INVC"


@dataclass(frozen=True)
class InvoiceWithPayments:
    """An invoice with its payments and credit notes, oldest first."""

    invoice: Invoice
    payments: list[Payment] = field(default_factory=list)
    credit_notes: list[CreditNote] = field(default_factory=list)


def get_invoice_with_payments(actor: Actor, invoice_id: str) -> InvoiceWithPayments:
    """Return an invoice with its payments and credit notes; one round trip. Raises NotFound, Forbidden."""
    bare = bare_id(invoice_id)
    rows: list[Any] = item_collection([Invoice, Payment, CreditNote], f"INVC#{bare}", ("CN#", "PAY#~")) if is_id(bare) else []
    invoice = next((row for row in rows if isinstance(row, Invoice)), None)
    if invoice is None:
        raise NotFound(Invoice.NAME)
    if not actor.platform_admin:
        authorize(invoice, actor, Permission.WORKSPACE_BILLING)
    return InvoiceWithPayments(
        invoice,
        sorted((row for row in rows if isinstance(row, Payment)), key=lambda row: (row.paid_at, row.id)),
        sorted((row for row in rows if isinstance(row, CreditNote)), key=lambda row: row.number),
    )


def get_invoice(actor: Actor, invoice_id: str) -> Invoice:
    return get_invoice_with_payments(actor, invoice_id).invoice
