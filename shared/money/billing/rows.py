"""The billing account of a workspace, its invoices with what was paid and credited, and the number ranges. Money in micro-dollars."""

from typing import Any, Final

from shared.core import clock
from shared.core.ids import derived_id
from shared.core.plans import FREE
from shared.money.billing.months import first_day, next_month, today
from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, Row, Shards, UnicodeAttribute

ACCOUNTS_TO_CLOSE: Final = Shards("BILLDUE", 8)
"""The accounts by the day of their next invoice."""
INVOICES_TO_DUN: Final = Shards("INVOICES#STEP", 8)
"""The invoices that are owed, by the day of their next step."""


def due_range() -> tuple[str, str]:
    """The sort keys in these two lists of what is due up to today."""
    return "0", f"{today()}#~"


class BillingAccount(Entity):
    """Its id is the workspace's, beside whose rows it does not lie: those are erased some day, what is owed is not."""

    KIND = "BILLING"
    NAME = "billing_account"

    email = UnicodeAttribute()
    address = JSONAttribute(null=True)
    tax_id = UnicodeAttribute(null=True)
    status = UnicodeAttribute(default="active")  # active | past_due | suspended
    plan = UnicodeAttribute(default=FREE)
    """What the workspace is billed under; which plan holds says `Organization.plan` (decision 21)."""
    dearest_plan = UnicodeAttribute(default=FREE)
    """The dearest plan since the period began: its fee is the period's."""
    period = UnicodeAttribute()
    """The first month (`2026-11`) that no invoice was made for."""
    billed = JSONAttribute(default=dict)
    """Of the last twelve closed months: how much of the ledger was billed, `{month: [micros, calls]}`. What the ledger has beyond it
    came after the close, and is billed with the next one."""
    methods = JSONAttribute(default=list)
    """Ways to pay: `{id, type, brand, last4, token, gateway, default}`. Never a card's number: the gateway has it."""
    customer = JSONAttribute(null=True)
    """Who this is at the gateway: `{gateway, id}`."""
    overdue = JSONAttribute(default=list)
    """The ids of its invoices that are overdue."""
    balance_micros = NumberAttribute(default=0)
    """What was paid and then credited: it goes towards the next invoice."""
    closed = BooleanAttribute(default=False)
    """The workspace is gone and its last month is billed."""

    @property
    def next_date(self) -> str:
        """The day on which the open period is billed: the first after it."""
        return first_day(next_month(self.period)).isoformat()

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {} if self.closed else {1: (ACCOUNTS_TO_CLOSE.partition_of(self.id), f"{self.next_date}#{self.id}")}


def invoice_id(ws_id: str, month: str) -> str:
    """The same for the same workspace and month: the row that can be created only once."""
    return derived_id("invoice", ws_id, month)


class Invoice(Entity):
    """What it says never changes after it was issued; what became of it does (status, paid, credited)."""

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
    """`{description, quantity, unit_micros, amount_micros, start, end}`; quantity times unit is the amount, exactly."""
    usage_micros = NumberAttribute()
    """What the ledger says was used: the usage lines add up to it, to the micro-dollar."""
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
    """Tax included."""
    credited_net_micros = NumberAttribute(default=0)
    pending = UnicodeAttribute(null=True)
    """The gateway's name for a charge whose end it has not told yet."""
    attempts = NumberAttribute(default=0)
    """Charges that failed: the next one is another."""
    reminders = NumberAttribute(default=0)
    next_step = UnicodeAttribute(null=True)
    """The day on which something happens to it unless it is paid."""

    @property
    def open_micros(self) -> int:
        """What is still owed."""
        return max(0, -self.excess)

    @property
    def excess(self) -> int:
        """What was paid and credited beyond the total; below zero while something is owed."""
        return int(self.paid_micros) + int(self.credited_micros) - int(self.total_micros)

    @property
    def owed(self) -> bool:
        return self.status in ("sent", "overdue")

    def indexes(self) -> dict[int, tuple[str, str]]:
        keys = {1: (f"WS#{self.ws_id}#INVC", f"{self.period}#{self.id}")}
        if self.next_step:
            keys[2] = (INVOICES_TO_DUN.partition_of(self.id), f"{self.next_step}#{self.id}")
        return keys

    def filters(self) -> dict[str, Any]:
        """All that a list shows: it is read from the index alone."""
        shown = {name: getattr(self, name) for name in ("number", "start", "end", "status", "issued_at", "due_date", "paid_at")}
        money = {name: int(getattr(self, name)) for name in ("subtotal_micros", "tax_micros", "total_micros")}
        return {name: value for name, value in (shown | money).items() if value is not None}


class Payment(Entity):
    """At `INVC#<invoice>, PAY#<id>`."""

    KIND = "PAY"
    NAME = "payment"

    invoice_id = UnicodeAttribute()
    amount_micros = NumberAttribute()
    status = UnicodeAttribute(default="succeeded")
    method = UnicodeAttribute()  # manual | card | sepa_debit | balance | ...
    reference = UnicodeAttribute()
    """The bank's or the gateway's name for it: the same reference pays an invoice only once."""
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
    """At `INVC#<invoice>, CN#<id>`. Its lines and sums are negative."""

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
    """A number range of an organization, at `ORG#<id>, SERIES#<INV or CN>`: the last number given, in the transaction that uses it."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="SERIES")
    last = NumberAttribute(default=0)

    @classmethod
    def key_of(cls, org_id: str, name: str) -> tuple[str, str]:
        return f"ORG#{org_id}", f"SERIES#{name}"


def document_number(name: str, org_id: str, position: int) -> str:
    """`INV-3F9A2C7B1D4E-000042`: the range's name, the organization (the random end of its id), the position."""
    return f"{name}-{org_id[-12:].upper()}-{position:06d}"
