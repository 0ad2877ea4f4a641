"""Payment gateways: by default none (invoices are paid by transfer and recorded by hand), Stripe if there is a key for it."""

from shared.core import credentials
from shared.core.errors import Upstream
from shared.core.situations import Situation
from shared.money.billing.gateways.port import AttachedMethod, Charge, ChargeResult, Gateway, Manual, Unanswered

__all__ = ["AttachedMethod", "Charge", "ChargeResult", "Gateway", "Manual", "Unanswered", "chosen", "credential", "named"]


def configured_gateway() -> Gateway:
    """Return this deployment's gateway: Stripe if `STRIPE_API_KEY` is in the payment secret or the environment (`core.credentials`)."""
    key = credential("STRIPE_API_KEY")
    if not key:
        return Manual()
    from shared.money.billing.gateways.stripe import Stripe

    return Stripe(key, credential("STRIPE_BASE_URL") or "https://api.stripe.com")


def get_gateway(name: str) -> Gateway:
    """Return the gateway with this name. Raises Upstream if it is not (or no longer) the one of this deployment."""
    gateway = configured_gateway()
    if gateway.name != name:
        raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{name} is not configured: its payment methods cannot be used")
    return gateway


def credential(variable: str) -> str:
    """Return the payment credential of this name, or an empty string."""
    return credentials.value("payment_secret", variable)
