"""Stripe over HTTP: six calls of its API (form encoded, responses in JSON), and the signature of its webhooks.

Stripe's own package has 8 MB and takes 300 ms to import. The API version is pinned below; its amounts are in cents.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from shared.core.errors import FieldError, Invalid, Upstream
from shared.core.ids import derived_id
from shared.core.situations import Situation
from shared.money.billing.amounts import CENT
from shared.money.billing.gateways.port import AttachedMethod, Charge, ChargeResult, Unanswered

if TYPE_CHECKING:
    import httpx2

API_VERSION: Final = "2024-06-20"
SIGNATURE_TOLERANCE: Final = 300
"""Seconds by which a webhook's time may differ from ours (Stripe's own libraries use the same)."""
_TIMEOUT: Final = 10.0


@cache
def _client() -> "httpx2.Client":
    """Return the HTTP client of the process; it follows no redirects, so that the key is not sent elsewhere."""
    import httpx2

    return httpx2.Client(follow_redirects=False, timeout=_TIMEOUT)


@dataclass(frozen=True)
class Stripe:
    key: str = field(repr=False)
    url: str

    @property
    def name(self) -> str:
        return "stripe"

    @property
    def smallest_micros(self) -> int:
        return 50 * CENT  # https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, read 2026-11-28

    def create_customer(self, ws_id: str, name: str, email: str) -> str:
        form = {"name": name, "email": email, "metadata[workspace_id]": ws_id}
        # the key contains all that is sent: Stripe refuses a key that comes with another name or address
        customer = self._post("/v1/customers", form, key=f"customer-{derived_id('customer', ws_id, name, email)}")
        return str(customer["id"])

    def attach(self, customer: str, token: str) -> AttachedMethod:
        answer = self._post(f"/v1/payment_methods/{_checked_token(token)}/attach", {"customer": customer})
        kind = str(answer["type"])
        card = answer.get(kind) or {}
        return AttachedMethod(kind, card.get("brand"), card.get("last4"))

    def detach(self, token: str) -> None:
        try:
            self._post(f"/v1/payment_methods/{_checked_token(token)}/detach", {})
        except Invalid:
            return  # it is not attached: removed before

    def charge(self, charge: Charge) -> ChargeResult:
        form = {
            "amount": str(charge.amount_micros // CENT),
            "currency": "usd",
            "customer": charge.customer,
            "payment_method": charge.token,
            "off_session": "true",
            "confirm": "true",
            "description": charge.description,
            "metadata[invoice_id]": charge.invoice_id,
            "metadata[charge]": charge.key,
        }
        try:
            intent = self._post("/v1/payment_intents", form, key=charge.key)
        except _Declined as declined:
            return ChargeResult("failed", declined.reference, declined.message)
        return _result(intent)

    def find(self, charge: Charge, reference: str | None) -> ChargeResult | None:
        try:
            if reference is not None:
                return _result(self._send("GET", f"/v1/payment_intents/{_checked_token(reference)}"))
            # a list is up to date at once, unlike Stripe's search; a charge is asked for soon, so it is among the newest
            found = self._send("GET", "/v1/payment_intents", params={"customer": charge.customer, "limit": "100"})
        except Invalid:
            return None  # Stripe does not know this payment, or this customer
        return next((_result(one) for one in found["data"] if (one.get("metadata") or {}).get("charge") == charge.key), None)

    def _post(self, path: str, form: dict[str, str], key: str | None = None) -> dict[str, Any]:
        return self._send("POST", path, data=form, headers={} if key is None else {"idempotency-key": key})

    def _send(self, method: str, path: str, headers: dict[str, str] | None = None, **content: Any) -> dict[str, Any]:
        import httpx2

        headers = {"authorization": f"Bearer {self.key}", "stripe-version": API_VERSION} | (headers or {})
        try:
            response = _client().request(method, self.url.rstrip("/") + path, headers=headers, **content)
            answer = response.json()
        except (httpx2.ReadTimeout, httpx2.WriteTimeout) as error:
            raise Unanswered from error
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise Upstream(
                Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"The payment gateway cannot be reached ({type(error).__name__})"
            ) from error
        except ValueError as error:
            raise Upstream(
                Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"The payment gateway answered no JSON (HTTP {response.status_code})"
            ) from error
        if response.status_code < 300 and isinstance(answer, dict):
            return answer
        raise _error(response.status_code, answer)


def _result(intent: dict[str, Any]) -> ChargeResult:
    status = {"succeeded": "succeeded", "processing": "pending"}.get(str(intent["status"]), "failed")
    return ChargeResult(status, str(intent["id"]), str(intent["status"]))  # type: ignore[arg-type]  # the three words above


class _Declined(Upstream):
    """The bank declined the payment; `reference` is the payment's id."""

    def __init__(self, message: str, reference: str) -> None:
        super().__init__(Situation.EXTERNAL_SERVICE_UNAVAILABLE, message)
        self.reference = reference


def _error(status: int, answer: Any) -> Exception:
    """Translate Stripe's error into ours; its message is shown only if it is about the caller's own card."""
    error = answer.get("error") if isinstance(answer, dict) else None
    details: dict[str, Any] = error if isinstance(error, dict) else {}
    if status == 402 or details.get("type") == "card_error":
        reference = (details.get("payment_intent") or {}).get("id", "")
        return _Declined(str(details.get("message") or "The payment was declined"), str(reference))
    if status in (400, 404):
        return Invalid(FieldError("token", "The payment gateway does not know this payment method, or cannot use it"))
    return Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"The payment gateway refused the request (HTTP {status})")


def _checked_token(token: str) -> str:
    """Return the token if it is safe in a URL path. Raises Invalid."""
    if not token.replace("_", "").isalnum() or not token.isascii():
        raise Invalid(FieldError("token", "This is no token of the payment gateway"))
    return token


def is_signature_valid(body: bytes, header: str, secret: str, now: float | None = None) -> bool:
    """Check the signature of a webhook, `t=<seconds>,v1=<HMAC-SHA256 of t.body>`, and its time (SIGNATURE_TOLERANCE); in constant time."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdigit() or len(times[0]) > 12:
        return False
    if abs((time.time() if now is None else now) - int(times[0])) > SIGNATURE_TOLERANCE:
        return False
    expected = hmac.new(secret.encode(), times[0].encode() + b"." + body, hashlib.sha256).hexdigest().encode()
    return any(hmac.compare_digest(expected, value.encode()) for name, _, value in parts if name == "v1")
