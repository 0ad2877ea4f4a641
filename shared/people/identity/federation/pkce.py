"""Proof key for code exchange (RFC 7636): a code can only be exchanged with the verifier of the request that it was issued for."""

import hashlib

from shared.core.keys import base64url


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier."""
    return base64url(hashlib.sha256(verifier.encode()).digest())
