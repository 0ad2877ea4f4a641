"""Verify id tokens of sign-in providers."""

from collections.abc import Mapping
from typing import Any

import jwt

from shared.core.errors import Unauthenticated
from shared.core.rsa import DIGESTS, Key, Rsa, jws
from shared.core.situations import Situation


def find_key(jwks: Any, token: str) -> Key | None:
    """Return the key that the token names, from a provider's key set. If the token names no key, the set must have exactly one
    usable key. None if there is no such key."""
    header = jwt.get_unverified_header(token)
    keys = []
    published = jwks.get("keys") if isinstance(jwks, Mapping) else None
    for jwk in published if isinstance(published, list) else []:
        usable = (
            isinstance(jwk, Mapping) and jwk.get("use", "sig") == "sig" and jwk.get("alg", header.get("alg")) == header.get("alg")
        )
        if not usable or ("kid" in header and jwk.get("kid") != header["kid"]):
            continue
        try:
            keys.append(Rsa.from_jwk(jwk))
        except ValueError:
            continue
    return keys[0] if len(keys) == 1 else None


def claims(token: str, key: Key, *, issuer: str, audience: str) -> dict[str, Any]:
    """Verify an id token and return its claims: signed by this key and issuer, for us, not expired (60 seconds of clock
    difference are accepted).

    Raises Unauthenticated(SIGN_IN_UNVERIFIED).
    """
    try:
        jws().decode(token, key, algorithms=list(DIGESTS))  # type: ignore[arg-type]  # a key of our own algorithms
        verified: dict[str, Any] = jwt.decode(
            token,
            audience=audience,
            issuer=issuer,
            leeway=60,
            options={
                "verify_signature": False,  # verified above
                "verify_exp": True,
                "verify_iat": True,
                "verify_nbf": True,
                "verify_aud": True,
                "verify_iss": True,
                "require": ["iss", "sub", "aud", "exp", "iat"],
            },
        )
    except jwt.PyJWTError as error:
        raise Unauthenticated(
            Situation.SIGN_IN_UNVERIFIED, f"The provider's id token is not to be believed ({type(error).__name__})"
        ) from None
    return verified
