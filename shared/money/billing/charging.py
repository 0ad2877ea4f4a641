"""Charge an invoice: by schedule, or at the request of its owner.

The charge is written into the invoice before the gateway is asked to make it. Its result may come by the gateway's answer, by a webhook
(also before the answer), or because a schedule asks for it; whichever is first is applied, once.

The idempotency key of a charge contains the invoice, the number of its failed charges, the payment method and the amount. A charge that is
repeated after a crash, or requested twice at once, is therefore the same charge; another card or a charge after a failure is a new one.
"""

from functools import partial
from typing import Any, Final

from shared.core import clock
from shared.core.actor import SYSTEM, Actor
from shared.core.errors import Conflict, FieldError, Invalid, NotFound, Upstream
from shared.core.situations import Situation
from shared.money.billing import gateways, months
from shared.money.billing.accounts import get_account
from shared.money.billing.amounts import format_amount
from shared.money.billing.gateways import Charge, ChargeResult, Unanswered
from shared.money.billing.payments import apply_payment
from shared.money.billing.reading import get_invoice
from shared.money.billing.rows import CHARGES_UNDER_WAY, BillingAccount, Invoice, Payment
from shared.store import fetch, fetch_indexed, iterate_shards, process_all, retrying, save, update_with_retry, write

CHARGE_EVERY: Final = 3
"""Days between two charges by schedule."""
ASK_AFTER: Final = 120
"""Seconds from a charge without an answer until it is asked for; no function that charges runs longer than 60."""
ASK_AGAIN: Final = 6 * 3_600
"""Seconds from one question about a pending charge to the next. A debit takes days; the webhook normally comes first."""
_PAGE: Final = 50


def charge_invoice(invoice: Invoice, account: BillingAccount, method: dict[str, Any]) -> tuple[Charge, ChargeResult]:
    """Charge the open amount and apply the result; a method that can never be charged is a failed charge.

    Raises Conflict(INVOICE_STATUS) if nothing is owed or another charge is under way, and Upstream if the gateway is not configured or does
    not answer: then the charge is asked for later.
    """
    gateway = gateways.get_gateway(method["gateway"])
    charge, is_new = retrying(lambda number: _begin(_load_invoice(invoice.id) if number else invoice, account, method))
    try:
        result = gateway.charge(charge)
    except Invalid as refused:
        result = ChargeResult("failed", "", refused.fields[0].message)
    except Upstream as error:
        # what the gateway is still making is in none of its lists: asked for now it would be "failed", and a second card be charged, too
        if is_new and not isinstance(error, Unanswered):  # if it is not new, somebody else may still wait for its answer
            _ask_at_once(invoice.id, charge.key)
        raise
    apply_charge_result(invoice.id, charge.key, result, charge.amount_micros, method["type"])
    return charge, result


def _begin(invoice: Invoice, account: BillingAccount, method: dict[str, Any]) -> tuple[Charge, bool]:
    """Write down that the open amount is charged. Return the charge, and whether it is new or was begun a moment ago. Raises Conflict."""
    charge = _new_charge(invoice, account, method)
    if _may_be_sent_again(invoice, charge):
        return charge, False
    if invoice.charge and invoice.charge["ask_at"] <= clock.epoch():
        invoice = ask_for_charge(invoice)
        charge = _new_charge(invoice, account, method)
    if not invoice.owed or invoice.charge:
        why = "a charge is under way" if invoice.charge else "nothing is owed"
        raise Conflict(Situation.INVOICE_STATUS, f"The invoice is {invoice.status}: {why}")
    invoice.charge = _as_stored(charge, method)
    write(save(invoice))
    return charge, True


def _new_charge(invoice: Invoice, account: BillingAccount, method: dict[str, Any]) -> Charge:
    amount = invoice.open_micros
    return Charge(
        method.get("customer") or (account.customer or {}).get("id", ""),
        method["token"],
        amount,
        f"Invoice {invoice.number}",
        invoice.id,
        f"invoice-{invoice.id}-{int(invoice.attempts)}-{method['id']}-{amount}",
    )


def _as_stored(charge: Charge, method: dict[str, Any]) -> dict[str, Any]:
    since = clock.epoch()
    return {
        "key": charge.key,
        "gateway": method["gateway"],
        "customer": charge.customer,
        "token": charge.token,
        "method": method["type"],
        "amount": charge.amount_micros,
        "since": since,
        "ask_at": since + ASK_AFTER,
        "reference": None,
    }


def _may_be_sent_again(invoice: Invoice, charge: Charge) -> bool:
    """Return whether this very charge was begun a moment ago and has no answer: the gateway makes it only once."""
    stored = invoice.charge
    return bool(
        stored and stored["key"] == charge.key and not stored["reference"] and clock.epoch() < stored["since"] + ASK_AFTER
    )


def _ask_at_once(invoice_id: str, key: str) -> None:
    """Let the gateway be asked for a charge without waiting: its answer is lost, nobody waits for it any more."""

    def change(invoice: Invoice) -> None:
        if invoice.charge and invoice.charge["key"] == key and not invoice.charge["reference"]:
            invoice.charge = invoice.charge | {"ask_at": clock.epoch()}

    update_with_retry(lambda: _load_invoice(invoice_id), change)


def _load_invoice(invoice_id: str) -> Invoice:
    invoice = fetch(Invoice, invoice_id)
    if invoice is None:
        raise NotFound(Invoice.NAME)
    return invoice


def pay_invoice(actor: Actor, invoice_id: str, method_id: str) -> Payment:
    """Pay the open amount with one of the account's payment methods; the payment may still be `pending`.

    Raises Conflict(INVOICE_STATUS) if nothing is owed or a charge is in progress, Invalid if the method cannot be charged or was declined,
    and the errors of `charge_invoice`.
    """
    invoice = get_invoice(actor, invoice_id)
    if not invoice.owed:
        raise Conflict(Situation.INVOICE_STATUS, f"The invoice is {invoice.status}: nothing is owed")
    account = get_account(actor, str(invoice.ws_id))[1]
    method = next((one for one in account.methods if one["id"] == method_id), None)
    if method is None or not method.get("token"):
        raise Invalid(FieldError("payment_method_id", "This is no payment method that can be charged", method_id))
    smallest = gateways.get_gateway(method["gateway"]).smallest_micros
    if invoice.open_micros < smallest:
        why = f"Less than {format_amount(smallest)} USD cannot be charged; pay by bank transfer"
        raise Invalid(FieldError("payment_method_id", why, method_id))
    charge, result = charge_invoice(invoice, account, method)
    if result.status == "failed":
        raise Invalid(FieldError("payment_method_id", result.reason or "The payment was declined", method_id))
    payment = Payment.for_invoice(invoice, charge.amount_micros, method["type"], result.reference, SYSTEM.summary)
    payment.status = result.status
    return payment


def apply_charge_result(
    invoice_id: str, key: str | None, result: ChargeResult, amount: int, method: str, first: Invoice | None = None
) -> None:
    """Apply what became of a charge: a payment, a wait, or another attempt later. Safe to repeat. `first`: the invoice was read just now.
    Raises NotFound."""
    if result.status == "succeeded":
        apply_payment(invoice_id, amount, method, result.reference, SYSTEM, None, key, first)
        return

    def change(invoice: Invoice) -> None:
        if not invoice.is_charged_by(key, result.reference):
            return  # another result was faster
        after_due = months.days_after(invoice.due_date, 1)
        if result.status == "pending":
            invoice.charge = invoice.charge | {"reference": result.reference, "ask_at": clock.epoch() + ASK_AGAIN}
            next_step = after_due
        else:
            since = clock.iso(clock.from_epoch(invoice.charge["since"]))[:10]
            invoice.charge = None
            invoice.attempts += 1
            next_step = min(max(months.days_after(since, CHARGE_EVERY), months.days_after(months.today(), 1)), after_due)
        if invoice.status == "sent":
            invoice.next_step = next_step

    update_with_retry(lambda: _load_invoice(invoice_id), change, first=first)


def ask_for_charge(invoice: Invoice) -> Invoice:
    """Ask the gateway what became of the charge under way, apply it, and return the invoice as it is then. Raises Upstream.

    A charge that the gateway does not know never arrived: it has failed.
    """
    under_way = invoice.charge
    charge = Charge(
        under_way["customer"], under_way["token"], under_way["amount"], f"Invoice {invoice.number}", invoice.id, under_way["key"]
    )
    result = gateways.get_gateway(under_way["gateway"]).find(charge, under_way["reference"])
    apply_charge_result(
        invoice.id,
        charge.key,
        result or ChargeResult("failed", "", "It never arrived"),
        charge.amount_micros,
        under_way["method"],
    )
    return _load_invoice(invoice.id)


def ask_for_charges(until: float) -> int:
    """Ask for every charge whose answer or webhook is overdue; return how many. Stops at `until` (`time.monotonic`)."""
    due, read = ("0", f"{clock.epoch():012d}~"), partial(fetch_indexed, Invoice)
    rows = iterate_shards(Invoice, CHARGES_UNDER_WAY, until, index=3, between=due, limit=_PAGE, read=read)
    return process_all(CHARGES_UNDER_WAY.name, rows, _ask_if_due, lambda one: f"{Invoice.NAME} {one.id}")


def _ask_if_due(invoice: Invoice) -> bool:
    if not invoice.charge or invoice.charge["ask_at"] > clock.epoch():
        return False  # its result came meanwhile
    ask_for_charge(invoice)
    return True
