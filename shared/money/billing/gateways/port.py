"""The interface of a payment gateway. Amounts are in micro-dollars, always whole cents."""

from dataclasses import dataclass
from typing import Literal, Protocol

from shared.core.errors import FieldError, Invalid, Upstream
from shared.core.situations import Situation


@dataclass(frozen=True)
class AttachedMethod:
    """A payment method as the gateway knows it."""

    type: str
    brand: str | None = None
    last4: str | None = None


@dataclass(frozen=True)
class Charge:
    """A charge to make. `key` is its idempotency key: the same key is the same charge, however often it is sent."""

    customer: str
    token: str
    amount_micros: int
    description: str
    invoice_id: str
    key: str


@dataclass(frozen=True)
class ChargeResult:
    """The result of a charge. `pending`: a webhook will bring the result. `reference` is the gateway's id of the payment."""

    status: Literal["succeeded", "pending", "failed"]
    reference: str
    reason: str = ""


class Unanswered(Upstream):
    """The gateway got the request and did not answer in time: it may still be at work on it."""

    def __init__(self) -> None:
        super().__init__(
            Situation.EXTERNAL_SERVICE_UNAVAILABLE, "The payment gateway has not answered yet; look again in two minutes"
        )


class Gateway(Protocol):
    """A payment gateway; every call may be repeated. Raises Upstream if it is not available, Invalid for a token that it refuses."""

    @property
    def name(self) -> str: ...
    @property
    def smallest_micros(self) -> int:
        """The smallest amount that can be charged."""

    def create_customer(self, ws_id: str, name: str, email: str) -> str: ...
    def attach(self, customer: str, token: str) -> AttachedMethod: ...
    def detach(self, token: str) -> None: ...
    def charge(self, charge: Charge) -> ChargeResult: ...
    def find(self, charge: Charge, reference: str | None) -> ChargeResult | None:
        """Return what became of a charge, None if it is not known. `reference` is the gateway's id of it, if that is known."""


class _TransferOnly(Invalid):
    def __init__(self) -> None:
        super().__init__(FieldError("type", "This platform takes payment by bank transfer only"))


class Manual:
    """No gateway: invoices are paid by transfer, and an administrator of the platform records it."""

    name = "manual"
    smallest_micros = 0

    def create_customer(self, ws_id: str, name: str, email: str) -> str:
        raise _TransferOnly

    def attach(self, customer: str, token: str) -> AttachedMethod:
        raise _TransferOnly

    def detach(self, token: str) -> None:
        return

    def charge(self, charge: Charge) -> ChargeResult:
        raise _TransferOnly

    def find(self, charge: Charge, reference: str | None) -> ChargeResult | None:
        return None
