"""Requests of the area `billing`."""

from tests.samples.stage import ADDRESS, Sample, Samples, of_workspace

SAMPLES: Samples = {
    ("agentworks", "billing.get"): of_workspace,
    ("agentworks", "billing.update"): lambda s: Sample({"id": s.world.ws_id}, {"billingAddress": ADDRESS, "plan": "pro"}),
    ("agentworks", "billing.invoices"): of_workspace,
    ("agentworks", "billing.addPaymentMethod"): lambda s: Sample({"id": s.world.ws_id}, {"type": "bank_transfer"}),
    ("agentworks", "billing.removePaymentMethod"): lambda s: Sample({"id": s.world.ws_id, "methodId": s.payment_method()}),
    ("agentworks", "billing.invoice"): lambda s: Sample({"id": s.invoice()}),
    ("agentworks", "billing.invoicePdf"): lambda s: Sample({"id": s.invoice()}),
    ("agentworks", "billing.creditNotePdf"): lambda s: Sample(dict(zip(("id", "creditNoteId"), s.credit_note(), strict=True))),
    # for administrators of the platform, which no role makes anybody
    ("agentworks", "billing.pay"): lambda s: Sample({"id": s.invoice()}, {"reference": "R1"}, status=403),
    ("agentworks", "billing.credit"): lambda s: Sample({"id": s.invoice()}, {"reason": "A gift"}, status=403),
}

ALONE: Samples = {
    ("agentworks", "billing.stripeWebhook"): lambda _: Sample({}, {"type": "payment_intent.succeeded"}, status=404),
}
"""Only the owner's own person can make these, or anybody."""
