"""Sessions: opened by a login, continued by a refresh, ended by a logout.

A refresh token is `<session id>.<secret>`; only the secret's fingerprint is stored. The contract that opened the session decides
whether the token rotates at each refresh, whichever contract refreshes it: agentworks' and those of OAuth clients do; those of
aintandem and orchestrator stay valid for the whole session.

    presented: current           rotate; it becomes `previous`
    presented: previous, and no successor of it was used yet
                                 the response was lost, or two refreshes ran at once: rotate again; the successors that were issued
                                 before (`siblings`) stay valid, because the client may have stored any of them
    presented: a sibling         as current; the other successors become invalid
    presented: anything older    the token was stolen: the session ends, for everybody
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.core import clock
from shared.core.actor import Role
from shared.core.errors import Conflict, Unauthenticated
from shared.core.ids import is_id, new_id
from shared.core.keys import fingerprint
from shared.core.plans import FREE
from shared.core.situations import Situation
from shared.people.access import records, tokens
from shared.people.identity.users import User
from shared.people.tenancy.rows import Organization
from shared.store import (
    Ephemeral,
    JSONAttribute,
    NumberAttribute,
    Operation,
    ReadFuture,
    UnicodeAttribute,
    delete,
    fetch,
    get,
    get_many,
    put,
    read_ahead,
    retrying,
    update_now,
    write,
)

REFRESH_SECONDS = 30 * 86_400  # lifetime of a session, the same in all documents
SHORT_SECONDS = 86_400  # lifetime in agentworks without rememberMe
CLIENTS = "enterprise"
"""The contract of what OAuth clients get. Its sessions are theirs alone: it has no login."""
_ROTATING = frozenset({"agentworks", CLIENTS})  # contracts whose answer to a refresh has a new refresh token
_MAX_SIBLINGS = 8  # successors of one token that stay valid; older ones are dropped
_MAX_ATTEMPTS = 8  # for refreshes of one session at the same moment


class Session(Ephemeral):
    id = UnicodeAttribute()
    user_id = UnicodeAttribute()
    contract = UnicodeAttribute()
    current = UnicodeAttribute()
    previous = UnicodeAttribute(null=True)
    siblings = JSONAttribute(default=list)
    expires_at = NumberAttribute()
    client_id = UnicodeAttribute(null=True)
    """The OAuth client that the session was given to; no other may refresh it."""
    scopes = JSONAttribute(null=True)
    org_id = UnicodeAttribute(null=True)
    """The organization in which that client acts; None: the person's own."""

    @property
    def grant(self) -> tokens.Grant | None:
        return tokens.Grant(self.client_id, tuple(self.scopes)) if self.client_id else None


@dataclass(frozen=True)
class Tokens:
    """The tokens of a session, as contracts show them. `expires_in` and `session_seconds` are in seconds."""

    access: str
    refresh: str
    expires_in: int
    session_id: str
    session_seconds: int
    cookie: str


@dataclass(frozen=True)
class NewSession:
    """A session that is not written yet."""

    user: User
    row: Session
    secret: str

    @property
    def operation(self) -> Operation:
        return put(self.row)

    def tokens(self, role: Role, plan: str) -> Tokens:
        return _tokens(self.user, self.row, self.secret, role, plan)


def new_session(user: User, contract: str, *, remember: bool = True, client: tokens.Grant | None = None) -> NewSession:
    seconds = REFRESH_SECONDS if remember else SHORT_SECONDS
    expires = clock.epoch() + seconds
    session_id, secret = new_id(), secrets.token_urlsafe(32)
    session = Session(
        pk=f"SESSION#{session_id}",
        sk="META",
        id=session_id,
        user_id=user.id,
        contract=contract,
        current=fingerprint(secret),
        expires_at=expires,
        ttl=expires,
        client_id=client.client_id if client else None,
        scopes=list(client.scopes) if client else None,
        org_id=client.org_id if client else None,
    )
    return NewSession(user, session, secret)


def _tokens(user: User, session: Session, secret: str, role: Role, plan: str, client: tokens.Grant | None = None) -> Tokens:
    """Return the tokens of a session. Those of a client's are for its own scopes, or fewer (`client`), and open no page."""
    client = client or session.grant

    def issue(kind: str, seconds: int) -> str:
        return tokens.issue(
            user_id=user.id,
            org_id=session.org_id or str(user.org_id),
            email=user.email,
            role=role,
            session_id=session.id,
            contract=session.contract,
            plan=plan,
            kind=kind,
            seconds=seconds,
            client=client,
        )

    seconds_left = int(session.expires_at) - clock.epoch()
    return Tokens(
        issue("access", tokens.ACCESS_SECONDS),
        f"{session.id}.{secret}",
        tokens.ACCESS_SECONDS,
        session.id,
        seconds_left,
        "" if client else issue("cookie", seconds_left),
    )


def refresh(refresh_token: str, client: tokens.Grant | None = None) -> tuple[User, Tokens]:
    """Return new tokens of a session: of a client's only to that `client`, for the scopes that it names. Raises Unauthenticated, and ends
    the session if its token rotates and this one was used before."""
    session, secret = _renew_secret(refresh_token, client.client_id if client else None)
    user, record = _load_user(session.user_id)
    if record is None or session.id not in dict(record.sessions):
        raise Unauthenticated(Situation.TOKEN_INVALID, "The session has ended")
    if session.org_id and not records.is_in_organization(user.id, record, session.org_id):  # a token would say that they are
        end(user.id, session.id)
        raise Unauthenticated(Situation.TOKEN_INVALID, "The person has left the organization")
    return user, _tokens(user, session, secret, *_standing(user, record, session.org_id).result(), client)


def _standing(user: User, record: records.Access, org_id: str | None = None) -> ReadFuture[tuple[Role, str]]:
    """Begin to read a user's role in an organization, their own if none is named, and its plan."""
    place = org_id or str(user.org_id)

    def read() -> tuple[Role, str]:
        organization = fetch(Organization, place)
        role = Role(dict(record.organizations).get(place, Role.MEMBER.value))
        return role, organization.plan if organization else FREE

    return read_ahead(read)


def open_for_client(
    user_id: str, client: tokens.Grant, further: Callable[[str], Operation], *, within: str | None = None
) -> Tokens:
    """Open a session of a user for a client. The operation that `further` returns for its id is written in the same transaction. Raises
    Unauthenticated if the session `within`, in which the user allowed it, has ended."""
    user, record = _load_user(user_id)
    if record is None:
        raise Unauthenticated(Situation.TOKEN_INVALID, "The account has ended")
    session = new_session(user, CLIENTS, client=client)
    standing = _standing(user, record, client.org_id)
    opened = records.open_session(user.as_actor(), session.row.id, int(session.row.expires_at), record, within=within)
    write(further(session.row.id), session.operation, opened)
    return session.tokens(*standing.result())


def token_of_client(owner_id: str, session_id: str, client: tokens.Grant, only_if: Operation) -> str:
    """Return an access token for a client itself, which acts as its owner. All such tokens of a client are of one session, which lasts as
    long as the latest of them; it is opened with `only_if`, so that nobody opens it again who has read the client before it was ended."""
    user, record = _load_user(owner_id)
    if record is None:
        raise Unauthenticated(Situation.TOKEN_INVALID, "The account has ended")
    standing = _standing(user, record)
    write(only_if, records.open_session(user.as_actor(), session_id, clock.epoch() + tokens.ACCESS_SECONDS, record))
    role, plan = standing.result()
    return tokens.issue(
        user_id=user.id,
        org_id=str(user.org_id),
        email=user.email,
        role=role,
        session_id=session_id,
        contract=CLIENTS,
        plan=plan,
        client=client,
    )


def _load_user(user_id: str) -> tuple[User, records.Access | None]:
    """Return the user of a session and their access record, in one round trip."""
    rows: list[Any] = list(get_many([(User, *User.key(user_id)), (records.Access, *records.access_key(user_id))]))
    user, record = rows
    if user is None:
        raise LookupError(f"User {user_id} has a session but no row")
    return user, record


def _get_session(refresh_token: str) -> tuple[Session, str]:
    """Return the session of a refresh token and the fingerprint of the presented secret. Raises Unauthenticated."""
    session_id, _, secret = refresh_token.partition(".")
    session = get(Session, f"SESSION#{session_id}") if is_id(session_id) else None
    if session is None:
        raise Unauthenticated(Situation.TOKEN_INVALID, "Invalid refresh token")
    if session.expires_at < clock.epoch():
        raise Unauthenticated(Situation.TOKEN_EXPIRED, "The session has expired")
    return session, fingerprint(secret)


def client_session(refresh_token: str, client_id: str) -> Session | None:
    """Return the session of a refresh token that was given to this client, also of one that was replaced; None if there is none."""
    try:
        session, _ = _get_session(refresh_token)
    except Unauthenticated:
        return None
    return session if session.client_id == client_id else None


def _renew_secret(refresh_token: str, client_id: str | None) -> tuple[Session, str]:
    """Return the session and the secret of its next refresh; try again if another refresh was faster."""

    def attempt(_: int) -> tuple[Session, str]:
        session, presented = _get_session(refresh_token)
        if session.client_id != client_id:
            raise Unauthenticated(Situation.TOKEN_INVALID, "Invalid refresh token")
        if session.contract in _ROTATING:
            return session, _rotate(session, presented)
        if presented != session.current:
            raise Unauthenticated(Situation.TOKEN_INVALID, "Invalid refresh token")
        return session, refresh_token.partition(".")[2]

    return retrying(attempt, times=_MAX_ATTEMPTS, again=lambda error: isinstance(error, _RefreshRaced))


class _RefreshRaced(Conflict):
    def __init__(self) -> None:
        super().__init__(Situation.VERSION_CONFLICT, "Too many refreshes of this session at once; retry")


def _rotate(session: Session, presented: str) -> str:
    """Replace the session's secret and return the new one. The `presented` one is stored as `previous` until a successor of it is
    used."""
    if presented == session.previous:
        siblings = [session.current, *session.siblings][:_MAX_SIBLINGS]
    elif presented == session.current or presented in session.siblings:
        siblings = []
    else:
        end(session.user_id, session.id)
        raise Unauthenticated(Situation.TOKEN_INVALID, "This refresh token was used before; the session has ended")
    new_secret = secrets.token_urlsafe(32)
    update_now(
        session,
        [Session.current.set(fingerprint(new_secret)), Session.previous.set(presented), Session.siblings.set(siblings)],
        Session.current == session.current,
        _RefreshRaced,
    )
    return new_secret


def end(user_id: str, session_id: str) -> None:
    """Log out: from now on all tokens of this session are refused."""
    write(records.close_session(user_id, session_id), delete(session_key(session_id)))


def session_key(session_id: str) -> Session:
    """Return a row with only the key of a session, for an operation on it."""
    return Session(pk=f"SESSION#{session_id}", sk="META")


def end_of_client(refresh_token: str, client_id: str) -> None:
    """End the session of a refresh token that was given to this client and is still good. Any other changes nothing."""
    session = client_session(refresh_token, client_id)
    if session is None:
        return
    if fingerprint(refresh_token.partition(".")[2]) in (session.current, session.previous, *session.siblings):
        end(session.user_id, session.id)


def end_by_token(refresh_token: str, user_id: str) -> None:
    """End the session of a refresh token, if it belongs to this user. An unknown or ended token changes nothing."""
    try:
        session, _ = _get_session(refresh_token)
    except Unauthenticated:
        return
    if session.user_id == user_id:
        end(user_id, session.id)
