"""Bills for those who may see them: the owner of the workspace, and administrators of the platform."""

from dataclasses import dataclass, field
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id, is_id
from shared.money.billing.accounts import the_account
from shared.money.billing.rows import BillingAccount, CreditNote, Invoice, Payment
from shared.money.billing.statements import Statement, statement
from shared.money.usage.month_summary import Usage, usage_of
from shared.people.tenancy.rows import Workspace
from shared.people.tenancy.workspaces import authorize_workspace
from shared.store import IndexRow, authorize, collection, item_collection

LATEST = 12
"""Invoices that the overview shows."""


@dataclass(frozen=True)
class Overview:
    account: BillingAccount
    workspace: Workspace
    usage: Usage
    upcoming: Statement
    latest: list[IndexRow]


def overview(actor: Actor, ws_id: str) -> Overview:
    """Four round trips; one more where the month has usage, one more for the very first look."""
    workspace, account = the_account(actor, ws_id)
    invoices = _newest_first(account.id)
    return Overview(account, workspace, usage_of(workspace), statement(account, account.period), invoices[:LATEST])


def invoices_of(actor: Actor, ws_id: str, status: str | None, limit: int, offset: int) -> tuple[list[IndexRow], int]:
    """A page of a workspace's invoices, the newest first, and how many there are. One round trip: the index has all that is shown."""
    bare = authorize_workspace(actor, ws_id, Permission.WORKSPACE_BILLING)
    found = [row for row in _newest_first(bare) if status is None or row.f["status"] == status]
    return found[offset : offset + limit], len(found)


def _newest_first(ws_id: str) -> list[IndexRow]:
    return collection(1, f"WS#{ws_id}#INVC")[::-1]


@dataclass(frozen=True)
class InvoiceFile:
    """An invoice with what was paid and credited, oldest first."""

    invoice: Invoice
    payments: list[Payment] = field(default_factory=list)
    credit_notes: list[CreditNote] = field(default_factory=list)


def invoice_file(actor: Actor, invoice_id: str) -> InvoiceFile:
    """One round trip. Raises NotFound, and Forbidden for members without the right to see bills."""
    bare = bare_id(invoice_id)
    rows: list[Any] = item_collection([Invoice, Payment, CreditNote], f"INVC#{bare}", ("CN#", "PAY#~")) if is_id(bare) else []
    invoice = next((row for row in rows if isinstance(row, Invoice)), None)
    if invoice is None:
        raise NotFound(Invoice.NAME)
    if not actor.platform_admin:
        authorize(invoice, actor, Permission.WORKSPACE_BILLING)
    return InvoiceFile(
        invoice,
        sorted((row for row in rows if isinstance(row, Payment)), key=lambda row: (row.paid_at, row.id)),
        sorted((row for row in rows if isinstance(row, CreditNote)), key=lambda row: row.number),
    )


def the_invoice(actor: Actor, invoice_id: str) -> Invoice:
    return invoice_file(actor, invoice_id).invoice
