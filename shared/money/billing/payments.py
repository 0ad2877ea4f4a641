"""Payments and credit notes of an invoice.

A payment is written once for each reference (of the bank or the gateway); a repeated reference changes nothing. Money above the open
amount becomes the customer's balance, which pays the next invoice. Invoice, account and payment change in one transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import ConditionFailed, Conflict, FieldError, Forbidden, Invalid, NotFound
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.money.billing.amounts import CENT, apply_rate, format_amount
from shared.money.billing.issuing import next_number
from shared.money.billing.reading import get_invoice
from shared.money.billing.rows import BillingAccount, CreditNote, Invoice, Payment, Series
from shared.store import Operation, RowKey, create, fetch, get_many, retrying, save, update_with_retry, write

T = TypeVar("T")


class _PaymentRecorded(ConditionFailed):
    """This payment is recorded already."""


@dataclass
class InvoiceAndAccount:
    """An invoice and its account as they were read, and the number of the last credit note of its organization, if it was asked for."""

    invoice: Invoice
    account: BillingAccount
    last_note: int

    def save_operations(self, actor: Actor, kind: EventType, **data: Any) -> list[Operation]:
        """Return the operations that save both after the invoice's amounts changed; also sets the status of both and records events."""
        invoice, account = self.invoice, self.account
        account.balance_micros += max(0, invoice.excess) - self._excess_before
        if invoice.owed and invoice.open_micros == 0:
            kind = EventType.INVOICE_PAID if invoice.paid_micros else kind
            invoice.status = "paid" if invoice.paid_micros else "cancelled"
            invoice.paid_at = clock.iso() if invoice.paid_micros else None
            invoice.next_step = None
        if not invoice.owed and invoice.id in account.overdue:
            account.overdue = [one for one in account.overdue if one != invoice.id]
            if not account.overdue:
                account.status = "active"
                record(account, EventType.BILLING_REACTIVATED, actor, invoice_id=invoice.id)
        record(invoice, kind, actor, number=invoice.number, open_micros=invoice.open_micros, **data)
        return [save(invoice), save(account)]

    def __post_init__(self) -> None:
        self._excess_before = max(0, self.invoice.excess)


def _change_invoice(
    invoice_id: str,
    change: Callable[[InvoiceAndAccount], tuple[T, list[Operation]]],
    first: Invoice | None = None,
    *,
    with_last_note: bool = False,
) -> T:
    """Change an invoice with its account; if somebody else changed one of them first, read both again and retry. `first`: the invoice was
    read already. Raises NotFound."""

    def attempt(number: int) -> T:
        invoice = fetch(Invoice, invoice_id) if first is None or number else first
        if invoice is None:
            raise NotFound(Invoice.NAME)
        notes: list[RowKey] = [(Series, *Series.key_of(str(invoice.org_id), "CN"))] if with_last_note else []
        account, *series = get_many([(BillingAccount, *BillingAccount.key(str(invoice.ws_id))), *notes])
        assert isinstance(account, BillingAccount)  # noqa: S101 - its invoice was made in a transaction with it
        last_note = sum(int(one.last) for one in series if isinstance(one, Series))
        result, operations = change(InvoiceAndAccount(invoice, account, last_note))
        write(*operations)
        return result

    return retrying(attempt)


def apply_payment(
    invoice_id: str,
    amount: int,
    method: str,
    reference: str,
    actor: Actor,
    paid_at: str | None = None,
    charge_key: str | None = None,
    first: Invoice | None = None,
) -> Payment:
    """Record money that has arrived, whatever the invoice's status is; a repeated reference returns the first payment.

    The charge that it is the result of is over; it is found by its key or its reference. `first`: the invoice was read already.
    """

    def add_payment(pair: InvoiceAndAccount) -> tuple[Payment, list[Operation]]:
        payment = Payment.for_invoice(pair.invoice, amount, method, reference, actor.summary, paid_at)
        pair.invoice.paid_micros += amount
        if pair.invoice.is_charged_by(charge_key, reference):
            pair.invoice.charge = None
        operations = pair.save_operations(actor, EventType.INVOICE_PAYMENT, amount_micros=amount, method=method)
        return payment, [create(payment, _PaymentRecorded), *operations]

    try:
        return _change_invoice(invoice_id, add_payment, first)
    except _PaymentRecorded:
        invoice = _end_charge(invoice_id, charge_key, reference)  # by an earlier request: its payment is returned
    payment = Payment.for_invoice(invoice, amount, method, reference, actor.summary)
    [known] = get_many([(Payment, payment.pk, payment.sk)])
    assert isinstance(known, Payment)  # noqa: S101 - the write was just refused because it exists
    return known


def _end_charge(invoice_id: str, charge_key: str | None, reference: str) -> Invoice:
    """End the charge of a payment that was recorded before its charge was known; return the invoice."""

    def load() -> Invoice:
        invoice = fetch(Invoice, invoice_id)
        assert invoice is not None  # noqa: S101 - it has a payment
        return invoice

    def change(invoice: Invoice) -> None:
        if invoice.is_charged_by(charge_key, reference):
            invoice.charge = None

    return update_with_retry(load, change)


def record_payment(
    actor: Actor, invoice_id: str, amount: int | None, reference: str, method: str, paid_at: str | None
) -> Payment:
    """Record a payment that an administrator of the platform has received; without an amount, it is the open amount.

    Raises Forbidden for everybody else, Invalid for an amount that is not positive or not in whole cents, Conflict(INVOICE_STATUS) if
    nothing is owed.
    """
    invoice = get_invoice(actor, invoice_id)
    _require_platform_admin(actor)
    if amount is not None:
        _require_whole_cents(amount)
    if not invoice.owed:
        payment = Payment.for_invoice(invoice, 0, method, reference, actor.summary)
        [known] = get_many([(Payment, payment.pk, payment.sk)])
        if isinstance(known, Payment):
            return known
        raise Conflict(Situation.INVOICE_STATUS, f"The invoice is {invoice.status}: nothing is owed")
    paid = invoice.open_micros if amount is None else amount
    return apply_payment(invoice.id, paid, method, reference, actor, paid_at, first=invoice)


def credit_invoice(actor: Actor, invoice_id: str, net: int | None, reason: str) -> CreditNote:
    """Issue a credit note for part of an invoice, or for all that is not credited yet; this reduces the open amount.

    `net` is before tax. If the invoice was paid, the amount becomes the customer's balance. Raises Forbidden for everybody but
    administrators of the platform, Invalid for more than the invoice has, Conflict(INVOICE_STATUS) if all of it is credited.
    """
    read = get_invoice(actor, invoice_id)
    _require_platform_admin(actor)
    if net is not None:
        _require_whole_cents(net)
    note_id = new_id()

    def add_credit_note(pair: InvoiceAndAccount) -> tuple[CreditNote, list[Operation]]:
        invoice = pair.invoice
        left_net = int(invoice.subtotal_micros) - int(invoice.credited_net_micros)
        left_tax = int(invoice.total_micros) - int(invoice.credited_micros) - left_net
        if left_net <= 0:
            raise Conflict(Situation.INVOICE_STATUS, "All of this invoice is credited already")
        amount = left_net if net is None else net
        if amount > left_net:
            raise Invalid(
                FieldError("amount", f"At most {format_amount(left_net)} of this invoice can be credited", amount / 1_000_000)
            )
        tax = left_tax if amount == left_net else min(left_tax, apply_rate(amount, int(invoice.tax["basis_points"])))
        note, take_number = _build_credit_note(actor, pair, note_id, reason, amount, tax)
        invoice.credited_net_micros += amount
        invoice.credited_micros += amount + tax
        operations = pair.save_operations(actor, EventType.INVOICE_CREDITED, credit_note=note.number, amount_micros=amount + tax)
        return note, [create(note), take_number, *operations]

    return _change_invoice(read.id, add_credit_note, read, with_last_note=True)


def _build_credit_note(
    actor: Actor, pair: InvoiceAndAccount, note_id: str, reason: str, net: int, tax: int
) -> tuple[CreditNote, Operation]:
    invoice, org_id = pair.invoice, str(pair.invoice.org_id)
    number, take_number = next_number(org_id, "CN", pair.last_note)
    line = {
        "description": f"Credit for invoice {invoice.number}: {reason}",
        "quantity": 1,
        "unit_micros": -net,
        "amount_micros": -net,
        "start": invoice.start,
        "end": invoice.end,
    }
    note = CreditNote.new(
        note_id,
        org_id=org_id,
        ws_id=invoice.ws_id,
        invoice_id=invoice.id,
        number=number,
        reason=reason,
        lines=[line],
        subtotal_micros=-net,
        tax_micros=-tax,
        total_micros=-net - tax,
        issued_at=clock.iso(),
        by=actor.summary,
    )
    note.pk, note.sk = f"INVC#{invoice.id}", f"CN#{note_id}"
    return note, take_number


def _require_platform_admin(actor: Actor) -> None:
    if not actor.platform_admin:
        raise Forbidden("Only administrators of the platform record payments and credit invoices")


def _require_whole_cents(amount: int) -> None:
    if amount <= 0 or amount % CENT:
        raise Invalid(FieldError("amount", "An amount above 0, in whole cents", amount / 1_000_000))
