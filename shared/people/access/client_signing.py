"""RS256 for the tokens of OAuth clients: a KMS key signs, and everybody verifies by its public key (decision 50).

Only the function `auth` may sign. It keeps the public key in a row before it signs with a key for the first time; there the other functions
find it, and `jwks.json` shows it. A new key leaves the one before it in the row, whose tokens last for an hour more.
"""

import json
import time
from functools import cache, lru_cache
from typing import Any

from shared.core import clock
from shared.core.aws import short_call_client
from shared.core.keys import base64url
from shared.core.rsa import Key, Rsa
from shared.core.settings import settings
from shared.store import Ephemeral, JSONAttribute, get, retrying, stale, update_now

ALGORITHM = "RS256"
_KMS_ALGORITHM = "RSASSA_PKCS1_V1_5_SHA_256"
_KEPT = 2  # public keys: the current one and the one before
_REREAD = 1.0  # seconds after which a token with an unknown key id may cause another read
# The SubjectPublicKeyInfo of an RSA key of 2048 bits with the exponent 65537 (RFC 8017, A.1.1) is the same but for the modulus
_BEFORE = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")
_BEHIND = bytes.fromhex("0203010001")


class PublicKeys(Ephemeral):
    """JWKs, the newest first. One row; what is lost is kept again before the next signature."""

    keys = JSONAttribute(default=list)


_known: dict[str, Key] = {}
_read_at = -_REREAD


def sign(claims: dict[str, Any]) -> str:
    """Return the claims as a signed token. Raises Upstream if KMS cannot be reached."""
    key_id = _key_id()
    _keep_once(key_id)
    header = {"alg": ALGORITHM, "kid": key_id, "typ": "JWT"}
    text = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    answer = short_call_client("kms").sign(
        KeyId=settings().need("client_token_key"), Message=text.encode(), MessageType="RAW", SigningAlgorithm=_KMS_ALGORITHM
    )
    return f"{text}.{base64url(answer['Signature'])}"


def public_keys() -> list[dict[str, str]]:
    """Return the keys by which tokens are verified, as JWKs, as they were within the last minute: anybody may ask. For the function that
    signs: it keeps its key first."""
    return _published(_key_id(), clock.epoch() // 60)


@lru_cache(maxsize=1)
def _published(key_id: str, minute: int) -> list[dict[str, str]]:  # noqa: ARG001 - it ends what is kept
    return _kept_with(key_id)


def public_key(key_id: str) -> Key | None:
    """Return the key with this id, or None. One read in the life of a process for each key."""
    global _read_at  # noqa: PLW0603 - when this process has read last
    if key_id not in _known and time.monotonic() - _read_at >= _REREAD:
        _read_at = time.monotonic()
        row = get(PublicKeys, "JWKS")
        _known.update({jwk["kid"]: Rsa.from_jwk(jwk) for jwk in (row.keys if row else [])})
    return _known.get(key_id)


def forget() -> None:
    """Forget what this process knows of keys (for tests)."""
    global _read_at  # noqa: PLW0603 - as above
    _read_at = -_REREAD
    _known.clear()
    _keep_once.cache_clear()
    _published.cache_clear()


def _key_id() -> str:
    return settings().need("client_token_key").rpartition("/")[2]


@cache
def _keep_once(key_id: str) -> None:
    _kept_with(key_id)


def _kept_with(key_id: str) -> list[dict[str, str]]:
    """Return the keys that are kept where all functions find them, with this one among them."""

    def attempt(_: int) -> list[dict[str, str]]:
        row = get(PublicKeys, "JWKS")
        kept: list[dict[str, str]] = list(row.keys) if row else []
        if any(jwk["kid"] == key_id for jwk in kept):
            return kept
        keys = [_jwk(key_id), *kept][:_KEPT]
        unchanged = PublicKeys.keys == kept if row else PublicKeys.pk.does_not_exist()
        update_now(PublicKeys(pk="JWKS", sk="META"), [PublicKeys.keys.set(keys)], unchanged, stale)
        return keys

    return retrying(attempt)


def _jwk(key_id: str) -> dict[str, str]:
    der: bytes = short_call_client("kms").get_public_key(KeyId=settings().need("client_token_key"))["PublicKey"]
    modulus = der.removeprefix(_BEFORE).removesuffix(_BEHIND)
    if len(modulus) != 256 or der != _BEFORE + modulus + _BEHIND:
        raise ValueError("The key for the tokens of clients is no RSA key of 2048 bits")
    return {"kty": "RSA", "use": "sig", "alg": ALGORITHM, "kid": key_id, "n": base64url(modulus), "e": "AQAB"}
