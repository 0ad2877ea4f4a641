"""The platform's signing key from Secrets Manager, and one derived key for each purpose."""

import base64
import hashlib
import hmac
from functools import cache

from shared.core.aws import client
from shared.core.settings import settings

API_KEY = "sk-"
"""How an API key begins."""


@cache
def _root() -> bytes:
    secret: str = client("secretsmanager").get_secret_value(SecretId=settings().need("signing_secret"))["SecretString"]
    return secret.encode()


@cache
def key_for(purpose: str) -> bytes:
    """Return the secret key (32 bytes) for a purpose ("tokens", "cursors", ...)."""
    return hmac.digest(_root(), purpose.encode(), "sha256")


def base64url(raw: bytes) -> str:
    """Return bytes as Base64 that is safe in addresses, without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(purpose: str, text: str) -> str:
    """Return a signature of `text`: 22 URL-safe characters (128 bits)."""
    return base64url(hmac.digest(key_for(purpose), text.encode("utf-8", "surrogatepass"), "sha256")[:16])


def verify_signature(purpose: str, text: str, signature: str) -> bool:
    """Tell whether `signature` is ours for this purpose and text."""
    return hmac.compare_digest(sign(purpose, text).encode(), signature.encode("utf-8", "surrogatepass"))


def fingerprint(secret: str) -> str:
    """Return the SHA-256 of a token or key as hexadecimal; rows store this instead of the secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
