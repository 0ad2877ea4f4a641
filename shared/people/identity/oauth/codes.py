"""Authorization codes: good once, for a minute, for the client and the address for which a person allowed them."""

import secrets
from dataclasses import dataclass

from shared.core import clock
from shared.core.errors import Unauthenticated
from shared.core.keys import fingerprint
from shared.core.situations import Situation
from shared.people.access.tokens import Grant
from shared.people.identity import sessions
from shared.store import Ephemeral, JSONAttribute, NumberAttribute, UnicodeAttribute, get, put, update, write

CODE_SECONDS = 60
_KEPT = 86_400  # seconds for which a used code is kept, so that whoever uses it again is noticed


class CodeUsed(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(Situation.ONE_TIME_TOKEN_INVALID, "This code was used before")


class AuthorizationCode(Ephemeral):
    user_id = UnicodeAttribute()
    client_id = UnicodeAttribute()
    redirect_uri = UnicodeAttribute()
    scopes = JSONAttribute(default=list)
    challenge = UnicodeAttribute()
    org_id = UnicodeAttribute(null=True)
    allowed_in = UnicodeAttribute(null=True)
    """The session in which the person allowed it: with that, a code that was not used yet ends."""
    expires_at = NumberAttribute()
    session_id = UnicodeAttribute(null=True)
    """The session that it gave."""


@dataclass(frozen=True)
class Allowed:
    """What a person allowed a client."""

    user_id: str
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    org_id: str
    allowed_in: str


def new_code() -> str:
    return secrets.token_urlsafe(32)


def keep(code: str, allowed: Allowed) -> None:
    expires = clock.epoch() + CODE_SECONDS
    row = AuthorizationCode(
        pk=_key(code),
        sk="META",
        user_id=allowed.user_id,
        client_id=allowed.client_id,
        redirect_uri=allowed.redirect_uri,
        scopes=list(allowed.scopes),
        challenge=allowed.challenge,
        org_id=allowed.org_id,
        allowed_in=allowed.allowed_in,
        expires_at=expires,
        ttl=expires + _KEPT,
    )
    write(put(row))


def find(code: str, client_id: str) -> AuthorizationCode | None:
    """Return a code of this client's that is good. One that was used before ends the session that it gave (RFC 6749, 4.1.2)."""
    row = get(AuthorizationCode, _key(code))
    if row is None or row.client_id != client_id:
        return None
    if row.session_id is not None:
        sessions.end(row.user_id, row.session_id)
        return None
    return row if row.expires_at > clock.epoch() else None


def exchange(row: AuthorizationCode) -> sessions.Tokens:
    """Use the code up for a session, in one transaction. If another request was faster, its session ends too. Raises CodeUsed."""
    unused = AuthorizationCode.pk.exists() & AuthorizationCode.session_id.does_not_exist()
    key = AuthorizationCode(pk=row.pk, sk=row.sk)
    client = Grant(row.client_id, tuple(row.scopes), row.org_id)
    try:
        return sessions.open_for_client(
            row.user_id,
            client,
            lambda given: update(key, [AuthorizationCode.session_id.set(given)], unused, CodeUsed),
            within=row.allowed_in,
        )
    except CodeUsed:
        used = get(AuthorizationCode, str(row.pk))
        if used is not None and used.session_id is not None:
            sessions.end(used.user_id, used.session_id)
        raise


def _key(code: str) -> str:
    return f"OCODE#{fingerprint(code)}"
