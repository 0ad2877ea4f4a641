"""Signed heartbeats: an agent that registers a key of its own is kept alive by nobody else.

The private key stays with the agent. It signs the body of the request as it is sent: RSASSA-PKCS1-v1_5 with SHA-256, as Base64 of either
alphabet.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from shared.core.errors import FieldError, Invalid

_DIGEST, _TO_URL_ALPHABET = "RS256", str.maketrans("+/", "-_")
MAX_SIGNATURE: Final = 1_400
"""Characters of a signature: one of the longest key, 8,192 bits, has 1,368."""


def check_key(key: Mapping[str, Any]) -> None:
    """Raise Invalid for a JWK that is no RSA key of 2,048 bits or more."""
    from shared.core.rsa import Rsa

    try:
        Rsa.from_jwk(key)
    except ValueError:
        raise Invalid(FieldError("public_key", "This is no RSA key as JWK, or one of less than 2,048 bits")) from None


def is_signed(key: Mapping[str, Any], body: bytes, signature: str | None) -> bool:
    """Tell whether a signature of these bytes was made with the private key that belongs to a registered one."""
    from shared.core.rsa import DIGESTS, Rsa

    try:
        text = (signature or "").translate(_TO_URL_ALPHABET).rstrip("=")
        made = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return False
    return Rsa(*DIGESTS[_DIGEST]).verify(body, Rsa.from_jwk(key), made)
