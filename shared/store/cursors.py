"""Cursors of lists: opaque, signed, bound to the caller and the query that they continue, valid for a day."""

import base64
import json
from typing import Any

from shared.core import clock
from shared.core.errors import FieldError, Invalid
from shared.core.keys import base64url, sign, verify_signature

_LIFE = 86_400


def encode_cursor(next_key: dict[str, Any] | None, *bound_to: str) -> str | None:
    """Return a cursor for DynamoDB's LastEvaluatedKey; None if there is no next page."""
    if next_key is None:
        return None
    body = json.dumps({"k": next_key, "b": list(bound_to), "x": clock.epoch() + _LIFE}, separators=(",", ":"))
    text = base64url(body.encode())
    return f"{text}.{sign('cursors', text)}"


def decode_cursor(cursor: str | None, *bound_to: str) -> dict[str, Any] | None:
    """Return the key in a cursor; None without a cursor. Raises Invalid for one that is forged, expired or of another query."""
    if not cursor:
        return None
    text, _, signature = cursor.partition(".")
    if not verify_signature("cursors", text, signature):
        raise Invalid(FieldError("cursor", "This cursor was not issued by this service"))
    body = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    if body["b"] != list(bound_to):
        raise Invalid(FieldError("cursor", "This cursor belongs to another query"))
    if body["x"] < clock.epoch():
        raise Invalid(FieldError("cursor", "This cursor has expired; start from the first page"))
    key: dict[str, Any] = body["k"]
    return key
