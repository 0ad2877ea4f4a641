"""Proof key for code exchange (RFC 7636): whoever brings the code must know what it was asked for with."""

import base64
import hashlib


def challenge(verifier: str) -> str:
    """S256 of the verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
