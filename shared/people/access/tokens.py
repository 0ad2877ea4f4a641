"""Access tokens: signed JWTs that name a session. Whether the session is alive is checked at every request
(`records.authenticate`).

The claims are enterprise's eight (sub, org, email, role, permissions, iat, exp, iss) and jti, sid, typ, ctr (the contract that
issued the token), plan. Signed with HS256 and our own key; the token's header never chooses the algorithm.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt

from shared.core import clock
from shared.core.actor import Role
from shared.core.errors import Unauthenticated
from shared.core.ids import is_id, new_id
from shared.core.keys import key_for
from shared.core.plans import FREE
from shared.core.settings import settings
from shared.core.situations import Situation

ACCESS = frozenset({"access", "cookie"})
ACCESS_SECONDS = 3600  # the same in all documents
_ALGORITHM = "HS256"

ENTERPRISE_ROLE = {Role.OWNER: "admin", Role.ADMIN: "admin", Role.MEMBER: "developer", Role.VIEWER: "viewer"}
_READ = ["organizations:read", "projects:read", "features:read", "tests:read", "deployments:read", "security:read"]
_WRITE = ["projects:write", "features:write", "tests:write", "tests:execute", "deployments:write"]
_MANAGE = [
    "organizations:write",
    "projects:delete",
    "projects:admin",
    "features:delete",
    "deployments:approve",
    "security:write",
    "metrics:read",
]
PUBLISHED_PERMISSIONS: dict[Role, list[str]] = {
    Role.VIEWER: _READ,
    Role.MEMBER: _READ + _WRITE,
    Role.ADMIN: _READ + _WRITE + _MANAGE,
    Role.OWNER: [*_READ, *_WRITE, *_MANAGE, "organizations:admin", "security:admin"],
}
"""The scopes in the `permissions` claim, in enterprise's names, by role in the caller's organization."""


@dataclass(frozen=True)
class Claims:
    """What a verified token says."""

    user_id: str
    org_id: str
    session_id: str
    plan: str
    kind: str


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
) -> str:
    """Return a signed token that is valid for `seconds`. `kind` is `access`, or `cookie` for one that lives as long as its
    session."""
    now = clock.epoch()
    claims: dict[str, Any] = {
        "sub": user_id,
        "org": org_id,
        "email": email,
        "role": ENTERPRISE_ROLE[role],
        "permissions": PUBLISHED_PERMISSIONS[role],
        "iat": now,
        "exp": now + seconds,
        "iss": settings().issuer,
        "jti": new_id(),
        "sid": session_id,
        "typ": kind,
        "ctr": contract,
        "plan": plan,
    }
    return jwt.encode(claims, key_for("tokens"), algorithm=_ALGORITHM)


@lru_cache(maxsize=512)
def _verify(token: str, key: bytes, issuer: str) -> dict[str, Any]:
    """Verify signature and issuer, not the expiry, and return the claims.

    Cached, because a client sends the same token with every request, and verifying takes 100 µs. Expiry and session are checked
    each time.
    """
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[_ALGORITHM],
        issuer=issuer,
        options={"require": ["exp", "iat", "sub", "sid", "typ"], "verify_exp": False},
    )
    if not isinstance(claims["exp"], int):
        raise jwt.InvalidTokenError("exp")
    return claims


def read(token: str, kinds: frozenset[str]) -> Claims:
    """Return the claims of a token. Raises Unauthenticated: TOKEN_EXPIRED for an expired token, TOKEN_INVALID for anything else."""
    try:
        claims = _verify(token, key_for("tokens"), settings().issuer)
    except jwt.InvalidTokenError:
        raise Unauthenticated(Situation.TOKEN_INVALID, "Invalid authentication token") from None
    if claims["exp"] <= clock.epoch():
        raise Unauthenticated(Situation.TOKEN_EXPIRED, "The authentication token has expired")
    result = Claims(claims["sub"], claims.get("org", ""), claims["sid"], claims.get("plan", FREE), claims["typ"])
    if not all(isinstance(one, str) for one in vars(result).values()) or result.kind not in kinds or not is_id(result.user_id):
        raise Unauthenticated(Situation.TOKEN_INVALID, "Invalid authentication token")
    return result
