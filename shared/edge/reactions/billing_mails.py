"""Mails to those who pay for a workspace: each event leads to one mail, even if it is delivered several times."""

from shared.channels.mail import outbox
from shared.events import EventType
from shared.events.change import Change
from shared.money.billing.amounts import format_amount
from shared.money.billing.rows import BillingAccount, Invoice


def react(change: Change) -> None:
    if change.event.type is EventType.BILLING_SUSPENDED:
        account = change.after(BillingAccount)
        _send("workspace_suspended", account.email, change, url=_page(account.id))
    elif change.event.type is EventType.INVOICE_ISSUED:
        invoice = change.after(Invoice)
        open_micros = invoice.open_micros
        _send(
            "invoice_issued",
            invoice.customer["email"],
            change,
            number=invoice.number,
            workspace=invoice.customer["name"],
            total=_usd(int(invoice.total_micros)),
            owed=_usd(open_micros) if open_micros else None,
            due=invoice.due_date,
            url=_page(str(invoice.ws_id)),
        )
    elif change.event.type in (EventType.INVOICE_OVERDUE, EventType.INVOICE_REMINDED):
        invoice = change.after(Invoice)
        _send(
            "invoice_overdue",
            invoice.customer["email"],
            change,
            number=invoice.number,
            workspace=invoice.customer["name"],
            owed=_usd(invoice.open_micros),
            due=invoice.due_date,
            url=_page(str(invoice.ws_id)),
        )


def _send(kind: str, to: str, change: Change, **values: str | None) -> None:
    if to:  # empty if the account's owner had no address
        outbox.send(kind, to, once=change.event.id, **values)


def _page(ws_id: str) -> str:
    return outbox.link(f"/workspaces/{ws_id}/billing")


def _usd(micros: int) -> str:
    return f"USD {format_amount(micros)}"
