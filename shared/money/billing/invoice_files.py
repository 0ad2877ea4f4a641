"""The PDF of an invoice in the files bucket, created at the first request; its bytes are the same at any time."""

from shared.core.actor import Actor
from shared.core.errors import NotFound
from shared.money.billing.reading import get_invoice_with_payments
from shared.store.files import SignedUrl, download_url, head_file, put_file


def invoice_url(actor: Actor, invoice_id: str) -> SignedUrl:
    """Return the URL of the invoice's PDF, valid for 15 minutes. Raises as `get_invoice_with_payments`."""
    invoice = get_invoice_with_payments(actor, invoice_id).invoice
    key = f"invoices/{invoice.ws_id}/{invoice.id}.pdf"
    if head_file(key) is None:
        from shared.money.billing.pdf import invoice_pdf

        put_file(key, invoice_pdf(invoice), "application/pdf")
    return download_url(key, f"{invoice.number}.pdf", "application/pdf")


def credit_note_url(actor: Actor, invoice_id: str, note_id: str) -> SignedUrl:
    """Return the URL of the credit note's PDF, valid for 15 minutes. Raises NotFound if it belongs to another invoice."""
    record = get_invoice_with_payments(actor, invoice_id)
    note = next((one for one in record.credit_notes if one.id == note_id), None)
    if note is None:
        raise NotFound("credit_note")
    key = f"invoices/{note.ws_id}/{record.invoice.id}-{note.id}.pdf"
    if head_file(key) is None:
        from shared.money.billing.pdf import credit_note_pdf

        put_file(key, credit_note_pdf(note, record.invoice), "application/pdf")
    return download_url(key, f"{note.number}.pdf", "application/pdf")
