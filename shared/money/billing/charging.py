"""Charge an invoice: by schedule, or at the request of its owner.

The idempotency key of a charge contains the invoice and the number of its failed charges. A charge that is repeated after a crash, or
requested twice at once, is therefore the same charge; a charge after a failure is a new one. A charge may stay pending at the gateway (a
debit takes days); `apply_charge_result` then applies its result.
"""

from typing import Any

from shared.core.actor import SYSTEM, Actor
from shared.core.errors import Conflict, FieldError, Invalid, NotFound
from shared.core.situations import Situation
from shared.money.billing import gateways, months
from shared.money.billing.accounts import get_account
from shared.money.billing.gateways import Charge, ChargeResult
from shared.money.billing.payments import apply_payment
from shared.money.billing.reading import get_invoice
from shared.money.billing.rows import BillingAccount, Invoice, Payment
from shared.store import fetch, save, write


def charge_invoice(invoice: Invoice, account: BillingAccount, method: dict[str, Any]) -> ChargeResult:
    """Charge the open amount. A success is applied and saved; otherwise the invoice is changed and the caller must save it.

    Raises Upstream if the gateway is not available or not configured, Invalid if it does not accept the charge.
    """
    customer = account.customer or {}
    charged = gateways.get_gateway(method["gateway"]).charge(
        Charge(
            customer.get("id", ""),
            method["token"],
            invoice.open_micros,
            f"Invoice {invoice.number}",
            invoice.id,
            f"invoice-{invoice.id}-{int(invoice.attempts)}",
        )
    )
    if charged.status == "succeeded":
        apply_payment(invoice.id, invoice.open_micros, method["type"], charged.reference, SYSTEM)
    elif charged.status == "pending":
        invoice.pending = charged.reference
    else:
        invoice.attempts += 1
    return charged


def pay_invoice(actor: Actor, invoice_id: str, method_id: str) -> Payment:
    """Pay the open amount with one of the account's payment methods; the payment may still be `pending`.

    Raises Conflict(INVOICE_STATUS) if nothing is owed or a charge is in progress, Invalid if the method cannot be charged or was declined,
    and the errors of `charge_invoice`.
    """
    invoice = get_invoice(actor, invoice_id)
    if not invoice.owed or invoice.pending:
        why = "a charge is under way" if invoice.pending else "nothing is owed"
        raise Conflict(Situation.INVOICE_STATUS, f"The invoice is {invoice.status}: {why}")
    account = get_account(actor, str(invoice.ws_id))[1]
    method = next((one for one in account.methods if one["id"] == method_id), None)
    if method is None or not method.get("token"):
        raise Invalid(FieldError("payment_method_id", "This is no payment method that can be charged", method_id))
    owed = invoice.open_micros
    charged = charge_invoice(invoice, account, method)
    payment = Payment.for_invoice(invoice, owed, method["type"], charged.reference, SYSTEM.summary)
    if charged.status == "succeeded":
        return payment
    write(save(invoice))
    if charged.status == "failed":
        raise Invalid(FieldError("payment_method_id", charged.reason or "The payment was declined", method_id))
    payment.status = "pending"
    return payment


def apply_charge_result(invoice_id: str, reference: str, succeeded: bool, amount: int, method: str) -> None:
    """Apply the result of an asynchronous charge: a payment, or another attempt later. Safe to repeat. Raises NotFound."""
    if succeeded:
        apply_payment(invoice_id, amount, method, reference, SYSTEM)
        return
    invoice = fetch(Invoice, invoice_id)
    if invoice is None:
        raise NotFound(Invoice.NAME)
    if invoice.pending != reference:
        return
    invoice.pending = None
    invoice.attempts += 1
    if invoice.status == "sent":
        invoice.next_step = min(months.days_after(months.today(), 1), months.days_after(invoice.due_date, 1))
    write(save(invoice))
