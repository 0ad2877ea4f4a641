"""agentworks' responses about billing. Money in US dollars: totals and tax in whole cents, lines exact."""

from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from shared.core.money import usd
from shared.core.plans import PLANS
from shared.edge.contracts.agentworks import PLAN_NAMES, PaginationMeta
from shared.edge.contracts.base import Shape, StrictRequest
from shared.edge.contracts.fields import Country, OneLine
from shared.edge.views.agentworks.entities import CurrentUsageSummary
from shared.money.billing import months
from shared.money.billing.issuing import DUE_DAYS
from shared.money.billing.rows import BillingAccount, CreditNote, Payment
from shared.money.billing.statements import Statement
from shared.store import IndexRow

CURRENCY = "USD"
Status = Literal["draft", "sent", "paid", "overdue", "cancelled"]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), OneLine]


class Period(Shape):
    start: str
    end: str


class Address(StrictRequest):
    """Not defined by the document."""

    line1: Line
    line2: Line | None = None
    city: Line
    state: Line | None = None
    postalCode: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20), OneLine]
    country: Country


class AddressShown(Shape):
    """A stored address: it may be older than the rules for a new one."""

    line1: str
    line2: str | None = None
    city: str
    state: str | None = None
    postalCode: str
    country: str


class PlanLimits(Shape):
    """A limit that is left out does not exist."""

    maxProjects: int | None = None
    maxMembers: int | None = None
    maxMonthlyUsage: int | None = None
    runsPerDay: int | None = None


class BillingPlan(Shape):
    """Not defined by the document."""

    id: str
    name: str
    price: float
    currency: str
    interval: str
    limits: PlanLimits


class PaymentMethod(Shape):
    """Not defined by the document."""

    id: str
    type: str
    brand: str | None = None
    last4: str | None = None
    isDefault: bool


class AccountShown(Shape):
    """The document's BillingAccount. `balance` is money that was overpaid or credited; it pays the next invoice."""

    id: str
    workspaceId: str
    billingEmail: str
    billingAddress: AddressShown | None = None
    taxId: str | None = None
    status: Literal["active", "past_due", "suspended"]
    nextBillingDate: str
    plan: BillingPlan
    balance: float


class InvoiceLineItem(Shape):
    description: str
    quantity: int
    unitPrice: float
    amount: float
    period: Period | None = None


class UpcomingInvoice(Shape):
    """The invoice of the open period if it ended now."""

    period: Period
    subtotal: float
    tax: float
    total: float
    dueDate: str
    lineItems: list[InvoiceLineItem]


class InvoiceSummary(Shape):
    id: str
    invoiceNumber: str
    period: Period
    subtotal: float
    tax: float
    total: float
    status: Status
    issuedAt: str | None = None
    dueDate: str | None = None
    paidAt: str | None = None


class PaymentShown(Shape):
    """The document's Payment, which it does not define."""

    id: str
    amount: float
    currency: str
    status: str
    method: str
    reference: str
    paidAt: str


class CreditNoteShown(Shape):
    """An addition. The amounts are negative."""

    id: str
    creditNoteNumber: str
    invoiceId: str
    reason: str
    lineItems: list[InvoiceLineItem]
    subtotal: float
    tax: float
    total: float
    issuedAt: str


class InvoiceDetails(InvoiceSummary):
    """`creditNotes`, `taxNote` and `amountDue` (what is still owed) are additions."""

    lineItems: list[InvoiceLineItem]
    payments: list[PaymentShown]
    creditNotes: list[CreditNoteShown]
    taxNote: str
    amountDue: float


class BillingInfoResponse(Shape):
    account: AccountShown
    currentUsage: CurrentUsageSummary
    upcomingInvoice: UpcomingInvoice | None = None
    paymentMethods: list[PaymentMethod]
    invoices: list[InvoiceSummary]


class ListInvoicesResponse(Shape):
    invoices: list[InvoiceSummary]
    total: int
    pagination: PaginationMeta


class DownloadResponse(Shape):
    downloadUrl: str
    expiresAt: str


class Received(Shape):
    received: bool


def account(account: BillingAccount) -> AccountShown:
    plan = PLANS[account.plan]
    return AccountShown(
        id=account.id,
        workspaceId=account.id,
        billingEmail=account.email,
        billingAddress=AddressShown.model_validate(account.address) if account.address else None,
        taxId=account.tax_id,
        status=account.status,
        nextBillingDate=account.next_date,
        plan=BillingPlan(
            id=PLAN_NAMES[plan.key],
            name=plan.name,
            price=usd(plan.price_micros),
            currency=CURRENCY,
            interval="month",
            limits=PlanLimits(
                maxProjects=plan.max_projects,
                maxMembers=plan.max_members,
                maxMonthlyUsage=plan.max_monthly_usage,
                runsPerDay=plan.runs_per_day,
            ),
        ),
        balance=usd(int(account.balance_micros)),
    )


def method(method: dict[str, Any]) -> PaymentMethod:
    return PaymentMethod(
        id=method["id"], type=method["type"], brand=method.get("brand"), last4=method.get("last4"), isDefault=method["default"]
    )


def line(row: dict[str, Any]) -> InvoiceLineItem:
    return InvoiceLineItem(
        description=row["description"],
        quantity=row["quantity"],
        unitPrice=usd(row["unit_micros"]),
        amount=usd(row["amount_micros"]),
        period=Period(start=row["start"], end=row["end"]),
    )


def upcoming(account: BillingAccount, statement: Statement) -> UpcomingInvoice:
    return UpcomingInvoice(
        period=Period(
            start=months.first_day(statement.period).isoformat(),
            end=months.last_day(statement.period).isoformat(),
        ),
        subtotal=usd(statement.subtotal_micros),
        tax=usd(statement.tax_micros),
        total=usd(statement.total_micros),
        dueDate=months.days_after(account.next_date, DUE_DAYS),
        lineItems=[line(one.row) for one in statement.lines],
    )


def fields(invoice_id: str, f: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": invoice_id,
        "invoiceNumber": f["number"],
        "period": Period(start=f["start"], end=f["end"]),
        "subtotal": usd(f["subtotal_micros"]),
        "tax": usd(f["tax_micros"]),
        "total": usd(f["total_micros"]),
        "status": f["status"],
        "issuedAt": f.get("issued_at"),
        "dueDate": f.get("due_date"),
        "paidAt": f.get("paid_at"),
    }


def summary(row: IndexRow) -> InvoiceSummary:
    return InvoiceSummary(**fields(row.id, row.f))


def payment(payment: Payment) -> PaymentShown:
    return PaymentShown(
        id=payment.id,
        amount=usd(int(payment.amount_micros)),
        currency=CURRENCY,
        status=payment.status,
        method=payment.method,
        reference=payment.reference,
        paidAt=payment.paid_at,
    )


def credit_note(note: CreditNote) -> CreditNoteShown:
    return CreditNoteShown(
        id=note.id,
        creditNoteNumber=note.number,
        invoiceId=note.invoice_id,
        reason=note.reason,
        lineItems=[line(one) for one in note.lines],
        subtotal=usd(int(note.subtotal_micros)),
        tax=usd(int(note.tax_micros)),
        total=usd(int(note.total_micros)),
        issuedAt=note.issued_at,
    )
