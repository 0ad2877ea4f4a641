"""Rows of billing: account, invoice, payment, credit note, number range. Money in micro-dollars."""

from typing import Any, Final

from shared.core import clock
from shared.core.ids import derived_id
from shared.core.plans import FREE
from shared.money.billing.months import first_day, next_month, today
from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, Row, Shards, UnicodeAttribute

ACCOUNTS_TO_CLOSE: Final = Shards("BILLDUE", 8)
"""Accounts by the day of their next invoice."""
INVOICES_TO_DUN: Final = Shards("INVOICES#STEP", 8)
"""Unpaid invoices by the day of their next step."""
CHARGES_UNDER_WAY: Final = Shards("INVOICES#CHARGE", 4)
"""Invoices with a charge that has no result, by the second from which the gateway may be asked for it."""


def due_range() -> tuple[str, str]:
    """Return the range of sort keys in these two lists that is due up to today."""
    return "0", f"{today()}#~"


class BillingAccount(Entity):
    """The billing account; it has the workspace's id but its own partition, because it stays when the workspace is erased."""

    KIND = "BILLING"
    NAME = "billing_account"

    email = UnicodeAttribute()
    address = JSONAttribute(null=True)
    tax_id = UnicodeAttribute(null=True)
    status = UnicodeAttribute(default="active")  # active | past_due | suspended
    plan = UnicodeAttribute(default=FREE)
    """The plan that the workspace is billed for. Its copy `Workspace.plan` sets the workspace's limits (decision 22)."""
    dearest_plans = JSONAttribute(default=dict)
    """The most expensive plan of each open month in which the plan was changed: `{month: plan}`."""
    period = UnicodeAttribute()
    """The first month (`2026-11`) that is not closed."""
    billed = JSONAttribute(default=dict)
    """What was billed of the last twelve closed months, `{month: [micros, calls]}`. Usage above it was recorded after the close and is
    billed with the next invoice."""
    methods = JSONAttribute(default=list)
    """Payment methods: `{id, type, brand, last4, token, customer, gateway, default}`. Only the gateway knows card numbers. `customer` is
    the one to which the gateway has attached the method; two methods that are added at once may have two."""
    customer = JSONAttribute(null=True)
    """The customer at the gateway: `{gateway, id}`."""
    overdue = JSONAttribute(default=list)
    """The ids of its invoices that are overdue."""
    balance_micros = NumberAttribute(default=0)
    """Money that was paid and later credited; it pays the next invoice."""
    closed = BooleanAttribute(default=False)
    """Whether the workspace is deleted and its last month billed."""

    def plan_of(self, month: str) -> str:
        """Return the plan whose fee an open month costs: the most expensive one that it had."""
        return str(self.dearest_plans.get(month, self.plan))

    @property
    def next_date(self) -> str:
        """The day on which the open period is billed: the first day after it."""
        return first_day(next_month(self.period)).isoformat()

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {} if self.closed else {1: (ACCOUNTS_TO_CLOSE.partition_of(self.id), f"{self.next_date}#{self.id}")}


def invoice_id(ws_id: str, month: str) -> str:
    """Return the id of a month's invoice; it is derived, so that the invoice can be created only once."""
    return derived_id("invoice", ws_id, month)


class Invoice(Entity):
    """An invoice. Its content never changes after it was issued; its status and its paid and credited amounts do."""

    KIND = "INVC"
    NAME = "invoice"

    number = UnicodeAttribute()
    period = UnicodeAttribute()
    start = UnicodeAttribute()
    end = UnicodeAttribute()
    """The last day of the period."""
    customer = JSONAttribute()
    seller = JSONAttribute()
    lines = JSONAttribute()
    """`{description, quantity, unit_micros, amount_micros, start, end}`; quantity times unit is exactly the amount."""
    usage_micros = NumberAttribute()
    """Usage by the ledger; the usage lines add up to it exactly."""
    subtotal_micros = NumberAttribute()
    tax = JSONAttribute()
    """`{country, basis_points, kind, note}`"""
    tax_micros = NumberAttribute()
    total_micros = NumberAttribute()
    status = UnicodeAttribute(default="sent")  # draft | sent | paid | overdue | cancelled
    issued_at = UnicodeAttribute()
    due_date = UnicodeAttribute()
    paid_at = UnicodeAttribute(null=True)
    paid_micros = NumberAttribute(default=0)
    credited_micros = NumberAttribute(default=0)
    """With tax."""
    credited_net_micros = NumberAttribute(default=0)
    charge = JSONAttribute(null=True)
    """The charge without a result, written before the gateway is asked to make it:
    `{key, gateway, customer, token, method, amount, since, ask_at, reference}`. Times in epoch seconds; `reference` is the gateway's id,
    None until it has answered."""
    attempts = NumberAttribute(default=0)
    """Number of failed charges; part of the next charge's idempotency key."""
    reminders = NumberAttribute(default=0)
    next_step = UnicodeAttribute(null=True)
    """The day of the next dunning step if it is not paid."""

    @property
    def open_micros(self) -> int:
        """The amount that is still owed."""
        return max(0, -self.excess)

    @property
    def excess(self) -> int:
        """Paid and credited amounts minus the total; negative while something is owed."""
        return int(self.paid_micros) + int(self.credited_micros) - int(self.total_micros)

    @property
    def owed(self) -> bool:
        return self.status in ("sent", "overdue")

    @property
    def pending(self) -> str | None:
        """The gateway's id of the charge that it has accepted and not finished."""
        return self.charge["reference"] if self.charge else None

    def is_charged_by(self, key: str | None, reference: str) -> bool:
        """Return whether this is the charge without a result: by its key, or by the gateway's id."""
        return bool(self.charge and (self.charge["key"] == key or self.charge["reference"] == reference))

    def indexes(self) -> dict[int, tuple[str, str]]:
        keys = {1: (f"WS#{self.ws_id}#INVC", f"{self.period}#{self.id}")}
        if self.next_step:
            keys[2] = (INVOICES_TO_DUN.partition_of(self.id), f"{self.next_step}#{self.id}")
        if self.charge:
            keys[3] = (CHARGES_UNDER_WAY.partition_of(self.id), f"{self.charge['ask_at']:012d}#{self.id}")
        return keys

    def filters(self) -> dict[str, Any]:
        """Return the fields of a list entry; lists are read from the index alone."""
        shown = {name: getattr(self, name) for name in ("start", "end", "issued_at", "due_date", "paid_at")}
        money = {name: int(getattr(self, name)) for name in ("subtotal_micros", "tax_micros", "total_micros")}
        return {name: value for name, value in (shown | money).items() if value is not None}


class Payment(Entity):
    """A payment, at `INVC#<invoice>, PAY#<id>`."""

    KIND = "PAY"
    NAME = "payment"

    invoice_id = UnicodeAttribute()
    amount_micros = NumberAttribute()
    status = UnicodeAttribute(default="succeeded")
    method = UnicodeAttribute()  # manual | card | sepa_debit | balance | ...
    reference = UnicodeAttribute()
    """The bank's or the gateway's id; the same reference pays an invoice only once."""
    paid_at = UnicodeAttribute()
    by = JSONAttribute()

    @classmethod
    def for_invoice(
        cls, invoice: Invoice, amount: int, method: str, reference: str, by: dict[str, Any], paid_at: str | None = None
    ) -> "Payment":
        payment_id = derived_id("payment", invoice.id, reference)
        row = cls.new(
            payment_id,
            org_id=invoice.org_id,
            ws_id=invoice.ws_id,
            invoice_id=invoice.id,
            amount_micros=amount,
            method=method,
            reference=reference,
            by=by,
            paid_at=paid_at or clock.iso(),
        )
        row.pk, row.sk = f"INVC#{invoice.id}", f"PAY#{payment_id}"
        return row


class CreditNote(Entity):
    """A credit note, at `INVC#<invoice>, CN#<id>`. Its lines and amounts are negative."""

    KIND = "CREDIT"
    NAME = "credit_note"

    invoice_id = UnicodeAttribute()
    number = UnicodeAttribute()
    reason = UnicodeAttribute()
    lines = JSONAttribute()
    subtotal_micros = NumberAttribute()
    tax_micros = NumberAttribute()
    total_micros = NumberAttribute()
    issued_at = UnicodeAttribute()
    by = JSONAttribute()


class Series(Row):
    """A number range of an organization, at `ORG#<id>, SERIES#<INV or CN>`; the transaction that uses a number increments `last`."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="SERIES")
    last = NumberAttribute(default=0)

    @classmethod
    def key_of(cls, org_id: str, name: str) -> tuple[str, str]:
        return f"ORG#{org_id}", f"SERIES#{name}"


def document_number(name: str, org_id: str, position: int) -> str:
    """Return a number such as `INV-3F9A2C7B1D4E-000042`: name of the range, random end of the organization's id, position."""
    return f"{name}-{org_id[-12:].upper()}-{position:06d}"
