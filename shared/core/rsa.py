"""Verify RSA signatures (RS256, RS384, RS512) without the package `cryptography`.

That package would add 16 MB and 70 to 100 ms to the start of every function (decision 13), because PyJWT loads it if it is
installed. Verifying needs no secret: one modular power, and a comparison of the whole encoded message with the only valid one
(RFC 8017, 8.2.2), so nothing is parsed.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import jwt
from jwt.algorithms import Algorithm

_MIN_BITS = 2048  # bits of a modulus: NIST SP 800-131A
_MAX_BITS = 8192
DIGESTS = {  # RFC 8017, 9.2, note 1
    "RS256": (hashlib.sha256, "3031300d060960864801650304020105000420"),
    "RS384": (hashlib.sha384, "3041300d060960864801650304020205000430"),
    "RS512": (hashlib.sha512, "3051300d060960864801650304020305000440"),
}
Key = tuple[int, int]


class Rsa(Algorithm):
    """RSASSA-PKCS1-v1_5 with one digest; keys are (modulus, exponent)."""

    def __init__(self, digest: Callable[[bytes], Any], prefix: str) -> None:
        self._digest, self._prefix = digest, bytes.fromhex(prefix)

    def prepare_key(self, key: Any) -> Any:
        return key

    def verify(self, msg: bytes, key: Any, sig: bytes) -> bool:
        modulus, exponent = key
        size = (modulus.bit_length() + 7) // 8
        signature = int.from_bytes(sig)
        if len(sig) != size or signature >= modulus:
            return False
        digest_info = self._prefix + self._digest(msg).digest()
        expected = b"\x00\x01" + b"\xff" * (size - len(digest_info) - 3) + b"\x00" + digest_info
        return hmac.compare_digest(pow(signature, exponent, modulus).to_bytes(size), expected)

    def sign(self, msg: bytes, key: Any) -> NoReturn:
        raise NotImplementedError("a key in a service signs, we only check")

    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> NoReturn:
        raise NotImplementedError("keys are only read")

    @staticmethod
    def from_jwk(jwk: Any) -> Key:
        """Return the key of a JWK. Raises ValueError if it is not an RSA key, is too weak, or cannot be one (even numbers)."""
        if not isinstance(jwk, Mapping) or jwk.get("kty") != "RSA":
            raise ValueError("not an RSA key")
        modulus, exponent = _number(jwk.get("n")), _number(jwk.get("e"))
        if not _MIN_BITS <= modulus.bit_length() <= _MAX_BITS or not modulus % 2 or not 3 <= exponent < 2**32 or not exponent % 2:
            raise ValueError("not a usable RSA key")
        return modulus, exponent


def _number(text: Any) -> int:
    if not isinstance(text, str):
        raise ValueError("not base64url")  # noqa: TRY004 - every defect of a JWK is a ValueError
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def jws() -> jwt.PyJWS:
    made = jwt.PyJWS(algorithms=[])  # without PyJWT's own algorithms, which change when `cryptography` is installed
    for name, (digest, prefix) in DIGESTS.items():
        made.register_algorithm(name, Rsa(digest, prefix))
    return made
