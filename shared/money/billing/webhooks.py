"""Stripe's webhooks: results of pending charges, and of charges whose response was lost or has not come yet.

A message may come twice, late, early, or out of order, and is accepted only with a valid signature. The payment's reference makes sure that
an invoice is paid only once; the charge's key in its metadata says which charge it is the result of.
"""

from typing import Any, Final, Literal

from shared.core import strict_json
from shared.core.errors import Malformed, NotFound
from shared.core.ids import bare_id, is_id
from shared.money.billing.amounts import CENT
from shared.money.billing.charging import apply_charge_result
from shared.money.billing.gateways import ChargeResult, credential
from shared.money.billing.rows import Invoice
from shared.store import fetch

_OUTCOMES: Final[dict[str, Literal["succeeded", "failed"]]] = {
    "payment_intent.succeeded": "succeeded",
    "payment_intent.payment_failed": "failed",
}


def handle_stripe_webhook(body: bytes, signature: str) -> str:
    """Handle a webhook; return its type. Raises Malformed unless it is signed with `STRIPE_WEBHOOK_SECRET`, NotFound without a secret.

    A payment of another product on the same Stripe account, or an unknown type, is accepted and ignored.
    """
    from shared.money.billing.gateways.stripe import is_signature_valid

    secret = credential("STRIPE_WEBHOOK_SECRET")
    if not secret:
        raise NotFound("webhook")
    if not is_signature_valid(body, signature, secret):
        raise Malformed("The signature of this webhook is not valid")
    try:
        event: dict[str, Any] = strict_json.parse(body, "The webhook")
        kind, intent = str(event["type"]), event["data"]["object"]
        metadata = intent.get("metadata") or {}
        invoice_id = bare_id(str(metadata.get("invoice_id", "")))
        outcome = _OUTCOMES.get(kind)
        invoice = fetch(Invoice, invoice_id) if outcome is not None and is_id(invoice_id) else None
        if outcome is None or invoice is None:
            return kind
        received = int(intent.get("amount_received") or 0) * CENT
        method = next(iter(intent.get("payment_method_types") or ["card"]))
        reference = str(intent["id"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed("This webhook cannot be read") from error
    if outcome == "succeeded" and received <= 0:
        return kind
    apply_charge_result(invoice_id, metadata.get("charge"), ChargeResult(outcome, reference), received, str(method), invoice)
    return kind
