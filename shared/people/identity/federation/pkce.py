"""Proof key for code exchange (RFC 7636): a code can only be exchanged with the verifier of the request that it was issued for."""

import base64
import hashlib


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
