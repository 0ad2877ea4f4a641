"""One-time tokens, one mechanism for all purposes: confirming an address, choosing a new password, the state of a sign-in elsewhere.

Only a token's fingerprint is stored. Whoever uses one puts `consume` into the transaction of what it is used for: of two who race, one
succeeds, and a failure in between leaves the token good.
"""

import secrets
from enum import StrEnum
from typing import Any

from shared.core import clock
from shared.core.errors import Unauthenticated
from shared.core.keys import fingerprint
from shared.core.situations import Situation
from shared.store import Ephemeral, JSONAttribute, NumberAttribute, Operation, UnicodeAttribute, delete, get, put, write

_INVALID = Unauthenticated(Situation.ONE_TIME_TOKEN_INVALID, "This token is invalid or was used before")
_EXPIRED_KEPT_S = 86_400  # seconds after its end for which a token is said to have expired, and not to be unknown


class Purpose(StrEnum):
    """What a token is good for. One of one purpose is unknown to every other."""

    VERIFY = "verify"
    RESET = "reset"
    OAUTH = "oauth"


LIFETIMES = {Purpose.VERIFY: 3 * 86_400, Purpose.RESET: 3600, Purpose.OAUTH: 600}


class OneTimeToken(Ephemeral):
    """`subject` is whom it concerns (a user's id, empty for nobody), `data` what its purpose needs."""

    subject = UnicodeAttribute()
    data = JSONAttribute(default=dict)
    issued_at = UnicodeAttribute()
    expires_at = NumberAttribute()


def issue(purpose: Purpose, subject: str, **data: Any) -> tuple[str, str]:
    """A new token and when it expires (ISO 8601). One round trip."""
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
    """What a token stands for. Raises Unauthenticated: ONE_TIME_TOKEN_EXPIRED for an old one, ONE_TIME_TOKEN_INVALID for what is
    none or was used. One round trip; it stays good until `consume`."""
    row = get(OneTimeToken, _key(purpose, token))
    if row is None:
        raise _INVALID
    if row.expires_at <= clock.epoch():
        raise Unauthenticated(Situation.ONE_TIME_TOKEN_EXPIRED, "This token has expired; ask for a new one")
    return row


def consume(row: OneTimeToken) -> Operation:
    """Use the token up, as part of a transaction; refused with Unauthenticated where somebody was faster."""
    return delete(row, OneTimeToken.pk.exists(), _INVALID)


def _key(purpose: Purpose, token: str) -> str:
    return f"OTT#{purpose.value}#{fingerprint(token)}"
