"""agentworks, section 8.2: billing. Three operations are documented; all operations that change something are additions."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Header
from pydantic import BeforeValidator, Field, StringConstraints
from starlette.requests import Request

from functions.billing import shapes
from functions.billing.shapes import (
    AccountShown,
    Address,
    BillingInfoResponse,
    CreditNoteShown,
    DownloadResponse,
    InvoiceDetails,
    ListInvoicesResponse,
    PaymentMethod,
    PaymentShown,
    Received,
    Status,
)
from shared.core import clock
from shared.core.actor import Permission
from shared.core.errors import FieldError, Invalid
from shared.core.money import MICROS, usd
from shared.edge.contracts.agentworks import AGENTWORKS, DEFAULT_LIMIT, PLAN_OF_NAME, Id, Limit, pagination
from shared.edge.contracts.base import StrictRequest
from shared.edge.contracts.fields import Email, Form, Offset, OneLine
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.agentworks.entities import current_usage
from shared.money.billing import accounts, charging, invoice_files, payments, reading

routes = Routes(AGENTWORKS, "billing")


def _no_boolean(value: Any) -> Any:
    """Refuse true and false, which a Decimal would take as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("An amount is a number")  # noqa: TRY004 - pydantic reports ValueErrors
    return value


Amount = Annotated[
    Decimal, Field(gt=0, le=10_000_000, decimal_places=2, allow_inf_nan=False, strict=False), BeforeValidator(_no_boolean)
]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), OneLine]


class UpdateBillingRequest(StrictRequest):
    """A field that is left out does not change; null clears `billingAddress` and `taxId`."""

    billingEmail: Email | None = None
    billingAddress: Address | None = None
    taxId: Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)] | None = None
    plan: Annotated[str, Field(max_length=30)] | None = None

    def changes(self) -> dict[str, Any]:
        sent = self.model_dump(exclude_unset=True, exclude_none=False)
        if sent.get("billingAddress"):
            sent["billingAddress"] = self.billingAddress.model_dump(exclude_none=True) if self.billingAddress else None
        if self.plan is not None:
            sent["plan"] = _plan(self.plan)
        return {_NAMES[name]: value for name, value in sent.items() if value is not None or name in ("billingAddress", "taxId")}


class AddPaymentMethodRequest(StrictRequest):
    """`token` is what the payment gateway's own form returned for a card or a debit mandate; card numbers never reach this API."""

    type: Literal["bank_transfer", "card", "sepa_debit"]
    token: (
        Annotated[str, Field(min_length=1, max_length=200), Form(r"^[A-Za-z0-9_]+$", "Should be letters, digits and underscores")]
        | None
    ) = None
    isDefault: bool = False


class PayInvoiceRequest(StrictRequest):
    """Either `paymentMethodId`, which is charged the open amount; or a payment by transfer: the bank's `reference` (a repeated reference is
    the same payment), the amount (default: the open amount), the method and the day."""

    paymentMethodId: Id | None = None
    reference: Words | None = None
    amount: Amount | None = None
    method: Annotated[str, Form(r"^[a-z_]{1,30}$", "Should be 1 to 30 letters from a to z and underscores")] = "manual"
    paidAt: Annotated[str, Field(max_length=40)] | None = None


class CreateCreditNoteRequest(StrictRequest):
    """`amount` is before tax; the default is everything that is not credited yet."""

    reason: Words
    amount: Amount | None = None


def _plan(name: str) -> str:
    """Return the plan with this agentworks name. Raises Invalid."""
    if name not in PLAN_OF_NAME:
        raise Invalid(FieldError("plan", f"The plans are {', '.join(PLAN_OF_NAME)}", name))
    return PLAN_OF_NAME[name]


_NAMES = {"billingEmail": "email", "billingAddress": "address", "taxId": "tax_id", "plan": "plan"}


@routes.get("/workspaces/{id}/billing", "billing.get", permission=Permission.WORKSPACE_BILLING)
async def get_billing(id: str, caller: Caller) -> BillingInfoResponse:
    """Get the billing account, this month's usage, the upcoming invoice, and the newest twelve invoices."""
    overview = reading.get_overview(caller, id)
    return BillingInfoResponse(
        account=shapes.account(overview.account),
        currentUsage=current_usage(overview.usage),
        upcomingInvoice=shapes.upcoming(overview.account, overview.upcoming),
        paymentMethods=[shapes.method(one) for one in overview.account.methods],
        invoices=[shapes.summary(row) for row in overview.latest],
    )


@routes.put("/workspaces/{id}/billing", "billing.update", permission=Permission.WORKSPACE_BILLING, addition=True)
async def update_billing(id: str, body: UpdateBillingRequest, caller: Caller) -> AccountShown:
    """Change billing address, tax id or plan. A month costs the fee of the most expensive plan that it had."""
    return shapes.account(accounts.change_account(caller, id, body.changes()))


@routes.post(
    "/workspaces/{id}/billing/payment-methods",
    "billing.addPaymentMethod",
    status=201,
    permission=Permission.WORKSPACE_BILLING,
    addition=True,
)
async def add_payment_method(id: str, body: AddPaymentMethodRequest, caller: Caller) -> PaymentMethod:
    """Add a payment method. The first one is the default; invoices are charged to it if the gateway can do that."""
    return shapes.method(accounts.add_payment_method(caller, id, body.type, body.token, body.isDefault))


@routes.delete(
    "/workspaces/{id}/billing/payment-methods/{methodId}",
    "billing.removePaymentMethod",
    status=204,
    permission=Permission.WORKSPACE_BILLING,
    addition=True,
)
async def remove_payment_method(id: str, methodId: str, caller: Caller) -> None:
    """Remove a payment method, also at the gateway."""
    accounts.remove_payment_method(caller, id, methodId)


@routes.get("/workspaces/{id}/billing/invoices", "billing.invoices", permission=Permission.WORKSPACE_BILLING)
async def list_invoices(
    id: str,
    caller: Caller,
    status: Status | None = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> ListInvoicesResponse:
    """List the invoices, newest first. No invoice is ever a draft; see `upcomingInvoice` instead."""
    rows, total = reading.list_invoices(caller, id, status, limit, offset)
    return ListInvoicesResponse(
        invoices=[shapes.summary(row) for row in rows], total=total, pagination=pagination(limit, offset, total)
    )


@routes.get("/invoices/{id}", "billing.invoice", permission=Permission.WORKSPACE_BILLING)
async def get_invoice(id: str, caller: Caller) -> InvoiceDetails:
    """Get an invoice with its lines, payments and credit notes."""
    record = reading.get_invoice_with_payments(caller, id)
    invoice = record.invoice
    return InvoiceDetails(
        **shapes.fields(invoice.id, invoice.listed()),
        lineItems=[shapes.line(one) for one in invoice.lines],
        payments=[shapes.payment(one) for one in record.payments],
        creditNotes=[shapes.credit_note(one) for one in record.credit_notes],
        taxNote=invoice.tax["note"],
        amountDue=usd(invoice.open_micros if invoice.owed else 0),
    )


@routes.get("/invoices/{id}/pdf", "billing.invoicePdf", permission=Permission.WORKSPACE_BILLING, addition=True)
async def get_invoice_pdf(id: str, caller: Caller) -> DownloadResponse:
    """Get the URL of the invoice as PDF, valid for 15 minutes."""
    signed = invoice_files.invoice_url(caller, id)
    return DownloadResponse(downloadUrl=signed.url, expiresAt=signed.expires_at)


@routes.post("/invoices/{id}/payments", "billing.pay", status=201, permission=Permission.WORKSPACE_BILLING, addition=True)
async def pay_invoice(id: str, body: PayInvoiceRequest, caller: Caller) -> PaymentShown:
    """Charge the open amount to a payment method; or, as an administrator of the platform, record a payment that has arrived."""
    if (body.paymentMethodId is None) == (body.reference is None):
        raise Invalid(FieldError("payment_method_id", "Either paymentMethodId or reference"))
    if body.paymentMethodId is not None:
        return shapes.payment(charging.pay_invoice(caller, id, body.paymentMethodId))
    amount, reference = _micros(body.amount), str(body.reference)
    return shapes.payment(payments.record_payment(caller, id, amount, reference, body.method, _moment(body.paidAt)))


@routes.post("/invoices/{id}/credit-notes", "billing.credit", status=201, permission=Permission.WORKSPACE_BILLING, addition=True)
async def create_credit_note(id: str, body: CreateCreditNoteRequest, caller: Caller) -> CreditNoteShown:
    """Issue a credit note, which reduces the open amount. For administrators of the platform."""
    return shapes.credit_note(payments.credit_invoice(caller, id, _micros(body.amount), body.reason))


@routes.get(
    "/invoices/{id}/credit-notes/{creditNoteId}/pdf",
    "billing.creditNotePdf",
    permission=Permission.WORKSPACE_BILLING,
    addition=True,
)
async def get_credit_note_pdf(id: str, creditNoteId: str, caller: Caller) -> DownloadResponse:
    """Get the URL of the credit note as PDF, valid for 15 minutes."""
    signed = invoice_files.credit_note_url(caller, id, creditNoteId)
    return DownloadResponse(downloadUrl=signed.url, expiresAt=signed.expires_at)


@routes.post("/billing/stripe/webhook", "billing.stripeWebhook", public=True, addition=True)
async def stripe_webhook(request: Request, signature: Annotated[str, Header(alias="Stripe-Signature")] = "") -> Received:
    """Receive the result of a charge from Stripe. The message must be signed; a repeated message changes nothing."""
    from shared.money.billing.webhooks import handle_stripe_webhook

    handle_stripe_webhook(await request.body(), signature)
    return Received(received=True)


def _micros(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * MICROS)


def _moment(text: str | None) -> str | None:
    """Return the time of the payment in UTC. Raises Invalid for an invalid or a future date."""
    if text is None:
        return None
    try:
        moment = clock.iso(clock.parse(text))
    except ValueError:
        raise Invalid(FieldError("paid_at", "Not a date: use ISO 8601", text)) from None
    if moment > clock.iso():
        raise Invalid(FieldError("paid_at", "This is in the future", text))
    return moment
