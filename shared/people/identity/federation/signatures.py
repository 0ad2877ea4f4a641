"""RSA signatures of id tokens (RS256, RS384, RS512), checked without the package `cryptography`: it would ship 12 MB, and cost every
function 50 ms of its start, because PyJWT loads it where it is installed. Checking needs no secret: one modular power, and the whole
encoded message compared with the only expected one (RFC 8017, 8.2.2), which leaves nothing to be parsed leniently.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import jwt
from jwt.algorithms import Algorithm

from shared.core.errors import Unauthenticated
from shared.core.situations import Situation

_MIN_BITS = 2048  # bits of a modulus: NIST SP 800-131A
_MAX_BITS = 8192
_DIGEST_INFO = {  # RFC 8017, 9.2, note 1
    "RS256": (hashlib.sha256, "3031300d060960864801650304020105000420"),
    "RS384": (hashlib.sha384, "3041300d060960864801650304020205000430"),
    "RS512": (hashlib.sha512, "3051300d060960864801650304020305000440"),
}
Key = tuple[int, int]


class _Rsa(Algorithm):
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
        raise NotImplementedError("others sign, we only check")

    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> NoReturn:
        raise NotImplementedError("keys are only read")

    @staticmethod
    def from_jwk(jwk: Any) -> Key:
        """The key of a JWK. Raises ValueError for one that is none, or too weak."""
        if not isinstance(jwk, Mapping) or jwk.get("kty") != "RSA":
            raise ValueError("not an RSA key")
        modulus, exponent = _number(jwk.get("n")), _number(jwk.get("e"))
        if not _MIN_BITS <= modulus.bit_length() <= _MAX_BITS or not 3 <= exponent < 2**32 or not exponent % 2:
            raise ValueError("not a usable RSA key")
        return modulus, exponent


def _number(text: Any) -> int:
    if not isinstance(text, str):
        raise ValueError("not base64url")  # noqa: TRY004 - what is wrong with a JWK is one error
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _jws() -> jwt.PyJWS:
    jws = jwt.PyJWS(algorithms=[])  # none of PyJWT's own, which are others where `cryptography` happens to be installed
    for name, about in _DIGEST_INFO.items():
        jws.register_algorithm(name, _Rsa(*about))
    return jws


def find_key(jwks: Any, token: str) -> Key | None:
    """The key that a token names, out of a provider's set; the only one there is where it names none. None where it is not there."""
    header = jwt.get_unverified_header(token)
    keys = []
    for jwk in jwks.get("keys", []) if isinstance(jwks, Mapping) else []:
        usable = (
            isinstance(jwk, Mapping) and jwk.get("use", "sig") == "sig" and jwk.get("alg", header.get("alg")) == header.get("alg")
        )
        if not usable or ("kid" in header and jwk.get("kid") != header["kid"]):
            continue
        try:
            keys.append(_Rsa.from_jwk(jwk))
        except ValueError:
            continue
    return keys[0] if len(keys) == 1 else None


def claims(token: str, key: Key, *, issuer: str, audience: str) -> dict[str, Any]:
    """The claims of an id token that this key signed, for us, by this issuer, not expired (a minute of two clocks is forgiven).

    Raises Unauthenticated(SIGN_IN_UNVERIFIED).
    """
    try:
        _jws().decode(token, key, algorithms=list(_DIGEST_INFO))  # type: ignore[arg-type]  # a key of our own algorithms
        read: dict[str, Any] = jwt.decode(
            token,
            audience=audience,
            issuer=issuer,
            leeway=60,
            options={
                "verify_signature": False,  # was, just now
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
    return read
