"""Verifying what the platform sends to your webhook: over the raw bytes of the request, before they are parsed."""

import base64
import binascii
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

import pydantic

from ai_agents._model import Model
from ai_agents.errors import WebhookVerificationError

TOLERANCE = 300
"""Seconds by which the sender's clock may differ from this one's, and so the time in which a request can be sent again by a stranger."""
_PREFIX = "whsec_"


class WebhookEvent(Model):
    """A delivery. `event_id` is the same at each attempt: who acts on an event keeps it, so as to act once."""

    event: str
    timestamp: str
    event_id: str
    retry_count: int
    data: dict[str, Any]


def verify(body: bytes, headers: Mapping[str, str], secret: str, *, tolerance: float | None = TOLERANCE) -> WebhookEvent:
    """Return the event of a request that the platform signed with this secret. Raises WebhookVerificationError.

    The documented signature (`X-Signature-256`) is over the body alone, so whoever has seen a request could send it again for ever.
    The headers of Standard Webhooks, which the platform sends always, say when it was sent: they must be right too, unless `tolerance`
    (seconds) is None.
    """
    given = {name.lower(): value for name, value in headers.items()}
    documented = [given[name] for name in ("x-signature-256", "x-signature-256-previous") if name in given]
    expected = f"sha256={hmac.digest(secret.encode(), body, 'sha256').hex()}"
    if not _one_of(expected, documented):
        raise WebhookVerificationError("X-Signature-256 is missing or wrong")
    if tolerance is not None:
        _check_standard(body, given, secret, tolerance)
    try:
        return WebhookEvent.model_validate(json.loads(body))
    except (ValueError, pydantic.ValidationError) as error:
        raise WebhookVerificationError(f"The body is no event: {error}") from error


def _check_standard(body: bytes, headers: Mapping[str, str], secret: str, tolerance: float) -> None:
    sent = headers.get("webhook-timestamp", "")
    if not (sent.isascii() and sent.isdigit()) or abs(time.time() - int(sent)) > tolerance:
        raise WebhookVerificationError("webhook-timestamp is missing or too far from now")
    signed = b".".join((headers.get("webhook-id", "").encode(), sent.encode(), body))
    expected = "v1," + base64.b64encode(hmac.digest(_standard_key(secret), signed, "sha256")).decode()
    if not _one_of(expected, headers.get("webhook-signature", "").split()):
        raise WebhookVerificationError("webhook-signature is wrong")


def _one_of(expected: str, given: list[str]) -> bool:
    """Tell whether the expected signature is given, in a time that does not depend on how much of it is right."""
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)


def _standard_key(secret: str) -> bytes:
    """Return the key of Standard Webhooks: what follows `whsec_` is Base64, any other secret is its own key."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise WebhookVerificationError("The secret is not Base64 after whsec_") from error
