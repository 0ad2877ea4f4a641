"""Who collects money: nobody by default (invoices are paid by transfer, and recorded by hand), Stripe where there is a key for it."""

from shared.billing.gateways.port import Attached, Charge, Charged, Gateway, Manual
from shared.core.errors import Upstream
from shared.providers import credentials

__all__ = ["Attached", "Charge", "Charged", "Gateway", "Manual", "chosen", "named"]


def chosen() -> Gateway:
    """The gateway of this deployment: Stripe where `STRIPE_API_KEY` is among the credentials (`shared.providers.credentials`)."""
    key = credentials.value("STRIPE_API_KEY")
    if not key:
        return Manual()
    from shared.billing.gateways.stripe import Stripe

    return Stripe(key, credentials.value("STRIPE_BASE_URL") or "https://api.stripe.com")


def named(name: str) -> Gateway:
    """The gateway that a method is kept at. Raises Upstream where it is not this deployment's (any more)."""
    gateway = chosen()
    if gateway.name != name:
        raise Upstream("payment", f"{name} is not configured: its payment methods cannot be used")
    return gateway
