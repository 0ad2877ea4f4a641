"""One-time tokens for all purposes: confirm an address, set a new password, the state of a sign-in at a provider.

Only the token's fingerprint is stored. `consume` belongs into the transaction that uses the token: if two requests race, one
succeeds, and if the transaction fails the token stays valid.
"""

import secrets
from enum import StrEnum
from typing import Any

from shared.core import clock
from shared.core.errors import Unauthenticated
from shared.core.keys import fingerprint
from shared.core.situations import Situation
from shared.store import Ephemeral, JSONAttribute, NumberAttribute, Operation, UnicodeAttribute, delete, get, put, write


class _TokenInvalid(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(Situation.ONE_TIME_TOKEN_INVALID, "This token is invalid or was used before")


_EXPIRED_KEPT_S = 86_400  # seconds for which an expired token is still reported as expired, not as unknown


class Purpose(StrEnum):
    """What a token is for. A token of one purpose is unknown to all others."""

    VERIFY = "verify"
    RESET = "reset"
    OAUTH = "oauth"
    GITHUB = "github"


LIFETIMES = {Purpose.VERIFY: 3 * 86_400, Purpose.RESET: 3600, Purpose.OAUTH: 600, Purpose.GITHUB: 600}


class OneTimeToken(Ephemeral):
    """`subject` is the id that the token is about (a user or a provider; may be empty), `data` what its purpose needs."""

    subject = UnicodeAttribute()
    data = JSONAttribute(default=dict)
    issued_at = UnicodeAttribute()
    expires_at = NumberAttribute()


def issue(purpose: Purpose, subject: str, **data: Any) -> tuple[str, str]:
    """Store a new token; return it and its expiry (ISO 8601). One round trip."""
    token = secrets.token_urlsafe(32)
    expires = clock.epoch() + LIFETIMES[purpose]
    row = OneTimeToken(
        pk=_key(purpose, token),
        sk="META",
        subject=subject,
        data=data,
        issued_at=clock.iso(),
        expires_at=expires,
        ttl=expires + _EXPIRED_KEPT_S,
    )
    write(put(row))
    return token, clock.iso(clock.from_epoch(expires))


def get_token(purpose: Purpose, token: str) -> OneTimeToken:
    """Return the row of a token, which stays valid until `consume`. One round trip.

    Raises Unauthenticated: ONE_TIME_TOKEN_EXPIRED for an expired token, ONE_TIME_TOKEN_INVALID for an unknown or used one.
    """
    row = get(OneTimeToken, _key(purpose, token))
    if row is None:
        raise _TokenInvalid
    if row.expires_at <= clock.epoch():
        raise Unauthenticated(Situation.ONE_TIME_TOKEN_EXPIRED, "This token has expired; ask for a new one")
    return row


def consume(row: OneTimeToken) -> Operation:
    """Return the operation that uses the token up. It is refused with Unauthenticated if another request was faster."""
    return delete(row, OneTimeToken.pk.exists(), _TokenInvalid)


def _key(purpose: Purpose, token: str) -> str:
    return f"OTT#{purpose.value}#{fingerprint(token)}"
