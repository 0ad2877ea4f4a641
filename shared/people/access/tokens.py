"""Access tokens: signed JWTs that name a session. Whether the session is alive is checked at every request
(`records.authenticate`).

The claims are enterprise's eight (sub, org, email, role, permissions, iat, exp, iss) and jti, sid, typ, ctr (the contract that
issued the token), plan. Signed with HS256 and our own key. A token of an OAuth client has client_id and scope too, names its key and is
signed with RS256 (`client_signing`). The id of the key decides on the algorithm, and the token's header never does.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jwt

from shared.core import clock
from shared.core.actor import GRANTS, Role
from shared.core.errors import Unauthenticated
from shared.core.ids import is_id, new_id
from shared.core.keys import key_for
from shared.core.plans import FREE
from shared.core.scopes import scopes_within
from shared.core.settings import settings
from shared.core.situations import Situation

if TYPE_CHECKING:  # only tokens of clients need RSA
    from shared.core.rsa import Key

ACCESS = frozenset({"access", "cookie"})
ACCESS_SECONDS = 3600  # the same in all documents
_ALGORITHM = "HS256"

ENTERPRISE_ROLE = {Role.OWNER: "admin", Role.ADMIN: "admin", Role.MEMBER: "developer", Role.VIEWER: "viewer"}


@dataclass(frozen=True)
class Claims:
    """What a verified token says."""

    user_id: str
    org_id: str
    session_id: str
    plan: str
    kind: str
    client_id: str | None = None
    scopes: tuple[str, ...] | None = None
    """What an OAuth client was granted; None: the token is a person's own."""


@dataclass(frozen=True)
class Grant:
    """An OAuth client, and the scopes that it was granted."""

    client_id: str
    scopes: tuple[str, ...]
    org_id: str | None = None
    """The organization in which it acts; None: the person's own."""


def issue(
    *,
    user_id: str,
    org_id: str,
    email: str,
    role: Role,
    session_id: str,
    contract: str,
    plan: str,
    kind: str = "access",
    seconds: int = ACCESS_SECONDS,
    client: Grant | None = None,
) -> str:
    """Return a signed token that is valid for `seconds`. `kind` is `access`, or `cookie` for one that lives as long as its
    session. For a `client` it has no more than the scopes that were granted."""
    held = scopes_within(GRANTS[role])
    now = clock.epoch()
    claims: dict[str, Any] = {
        "sub": user_id,
        "org": org_id,
        "email": email,
        "role": ENTERPRISE_ROLE[role],
        "permissions": [one for one in held if client is None or one in client.scopes],
        "iat": now,
        "exp": now + seconds,
        "iss": settings().issuer,
        "jti": new_id(),
        "sid": session_id,
        "typ": kind,
        "ctr": contract,
        "plan": plan,
    }
    if client is not None:
        from shared.people.access.client_signing import sign

        return sign(claims | {"client_id": client.client_id, "scope": " ".join(client.scopes)})
    return jwt.encode(claims, key_for("tokens"), algorithm=_ALGORITHM)


SANDBOX = frozenset({"sandbox"})
SANDBOX_SECONDS = 900
"""How long the token of a sandbox is valid; a new one comes over its socket in time."""


def issue_for_sandbox(sandbox_id: str, org_id: str, start_number: int) -> str:
    """Return the token of a sandbox, bound to one start of it: its session is the number of the start."""
    now = clock.epoch()
    claims = {
        "sub": sandbox_id,
        "org": org_id,
        "sid": str(start_number),
        "typ": "sandbox",
        "iat": now,
        "exp": now + SANDBOX_SECONDS,
    }
    return jwt.encode(claims | {"iss": settings().issuer, "jti": new_id()}, key_for("tokens"), algorithm=_ALGORITHM)


@lru_cache(maxsize=512)
def _verify(token: str, key: "bytes | Key", issuer: str) -> dict[str, Any]:
    """Verify signature and issuer, not the expiry, and return the claims. The type of the key decides on the algorithm.

    Cached, because a client sends the same token with every request, and verifying takes 100 µs. Expiry and session are checked
    each time.
    """
    required: Any = {"require": ["exp", "iat", "sub", "sid", "typ"], "verify_exp": False}
    if isinstance(key, bytes):
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=[_ALGORITHM], issuer=issuer, options=required)
    else:
        from shared.core.rsa import jws

        jws().decode(token, key, algorithms=["RS256"])  # type: ignore[arg-type]  # a key of our own algorithm
        claims = jwt.decode(token, issuer=issuer, options=required | {"verify_signature": False, "verify_iss": True})
    if not isinstance(claims["exp"], int):
        raise jwt.InvalidTokenError("exp")
    return claims


@lru_cache(maxsize=512)
def _key_id(token: str) -> str | None:
    key_id: str | None = jwt.get_unverified_header(token).get("kid")
    return key_id


def _claims(token: str) -> dict[str, Any]:
    """Return the verified claims of a token: of one that names a key by that key, of any other by our own. Raises InvalidTokenError."""
    key_id = _key_id(token)
    if key_id is None:
        return _verify(token, key_for("tokens"), settings().issuer)
    from shared.people.access.client_signing import public_key

    key = public_key(key_id)
    if key is None:
        raise jwt.InvalidTokenError("kid")
    claims = _verify(token, key, settings().issuer)
    if not isinstance(claims.get("client_id"), str) or not isinstance(claims.get("scope"), str):
        raise jwt.InvalidTokenError("scope")
    return claims


def read(token: str, kinds: frozenset[str]) -> Claims:
    """Return the claims of a token. Raises Unauthenticated: TOKEN_EXPIRED for an expired token, TOKEN_INVALID for anything else."""
    try:
        claims = _claims(token)
    except jwt.InvalidTokenError:
        raise Unauthenticated(Situation.TOKEN_INVALID, "Invalid authentication token") from None
    if claims["exp"] <= clock.epoch():
        raise Unauthenticated(Situation.TOKEN_EXPIRED, "The authentication token has expired")
    texts = (claims["sub"], claims.get("org", ""), claims["sid"], claims.get("plan", FREE), claims["typ"])
    if not all(isinstance(one, str) for one in texts) or claims["typ"] not in kinds or not is_id(claims["sub"]):
        raise Unauthenticated(Situation.TOKEN_INVALID, "Invalid authentication token")
    scopes = tuple(claims["scope"].split()) if "client_id" in claims else None
    return Claims(*texts, client_id=claims.get("client_id"), scopes=scopes)
