"""What is sent, and its signatures: the documented one, and those of Standard Webhooks (https://www.standardwebhooks.com).

The package `standardwebhooks` would be imported for one HMAC, and takes no secret that is not Base64: it is what the tests verify with.
"""

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Sequence
from typing import Any

from shared.channels.webhooks.rows import SLACK, Content, receiver_at

PREFIX = "whsec_"
_BYTES = 32  # of a secret that we choose; Standard Webhooks asks for 24 to 64
_LEAST, _MOST = 24, 64
_SLACK_FIELDS = 6  # of an event that has no words, in a message


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def is_secret(text: str) -> bool:
    """Tell whether a text of a customer may be a secret: 24 visible characters, or `whsec_` and 24 to 64 bytes in Base64."""
    if not text.startswith(PREFIX):
        return len(text) >= _LEAST and text.isascii() and text.isprintable() and " " not in text
    try:
        return _LEAST <= len(base64.b64decode(text.removeprefix(PREFIX), validate=True)) <= _MOST
    except binascii.Error:
        return False


def body_of(content: Content, data: Any, retry_count: int) -> bytes:
    """Return the documented body of an attempt."""
    body = {
        "event": content.event,
        "timestamp": content.at,
        "event_id": content.source,
        "retry_count": retry_count,
        "data": data,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def body_for(url: str, content: Content, data: Any, retry_count: int) -> bytes:
    """Return the body of an attempt at this address: the documented one, or a message where it is Slack's."""
    return _slack_body(content, data) if receiver_at(url) == SLACK else body_of(content, data, retry_count)


def _slack_body(content: Content, data: Any) -> bytes:
    """Return an event as a message of Slack: its name, and what it says in words or by its first fields.

    Slack reads `&`, `<` and `>` as its own marks (https://docs.slack.dev/messaging/formatting-message-text), so they are escaped.
    """
    fields = data if isinstance(data, dict) else {}
    words = fields.get("message") or ", ".join(
        f"{name} {value}" for name, value in list(fields.items())[:_SLACK_FIELDS] if isinstance(value, str | int | float)
    )
    severity = f" ({fields['severity']})" if "severity" in fields else ""
    text = f"{content.event}{severity}: {words}"
    for mark, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(mark, escaped)
    return json.dumps({"text": text}, ensure_ascii=False, separators=(",", ":")).encode()


def headers_of(body: bytes, event_id: str, sent: int, keys: Sequence[str]) -> dict[str, str]:
    """Return the headers of an attempt at `sent` (epoch seconds). `keys` are the current secret and the one before, if it still counts."""
    signed = b".".join((event_id.encode(), str(sent).encode(), body))
    standard = [base64.b64encode(hmac.digest(_key_of(key), signed, "sha256")).decode() for key in keys]
    documented = [f"sha256={hmac.digest(key.encode(), body, 'sha256').hex()}" for key in keys]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Cadre-Webhooks/1",
        "X-Signature-256": documented[0],
        "webhook-id": event_id,
        "webhook-timestamp": str(sent),
        "webhook-signature": " ".join(f"v1,{one}" for one in standard),
    }
    return headers | ({"X-Signature-256-Previous": documented[1]} if documented[1:] else {})


def _key_of(secret: str) -> bytes:
    """Return the key of Standard Webhooks: what `whsec_` stands before is Base64, any other secret is its own key."""
    return base64.b64decode(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else secret.encode()
