"""OAuth clients: programs that act for people, or for their owner, within scopes."""

import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Final
from urllib.parse import SplitResult, urlsplit

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, Unauthenticated
from shared.core.ids import is_id, new_id
from shared.core.keys import fingerprint
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.access import records
from shared.people.identity.api_keys import granted_scopes
from shared.people.tenancy.rows import Organization, Workspace
from shared.people.tenancy.seats import read_seat
from shared.store import (
    Entity,
    JSONAttribute,
    Operation,
    UnicodeAttribute,
    authorize_own_organization,
    check,
    create,
    delete,
    fetch,
    get_many,
    load,
    retrying,
    save,
    stale,
    write,
)

CODE, CREDENTIALS, REFRESH = "authorization_code", "client_credentials", "refresh_token"
GRANT_TYPES: Final = (CODE, CREDENTIALS, REFRESH)
_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_OWN_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")  # RFC 8252, 7.1: a domain name in reverse order
_PLAIN = re.compile(r"[!-~]{1,2000}")
COMMAND_LINE: Final = "cadre-cli"
"""The client id of the platform's own command line, which belongs to no organization."""
_COMMAND_LINE_SCOPES: Final = (
    "organizations:read", "projects:read", "projects:write", "features:read", "features:write",
    "deployments:read", "deployments:write", "deployments:approve",
)  # fmt: skip


class OAuthClient(Entity):
    KIND = "OCL"
    NAME = "client"

    name = UnicodeAttribute()
    secret_hash = UnicodeAttribute(null=True)
    """None: a public client, which keeps no secret."""
    redirect_uris = JSONAttribute(default=list)
    grant_types = JSONAttribute(default=list)
    scopes = JSONAttribute(default=list)
    owner_id = UnicodeAttribute()
    session_id = UnicodeAttribute()
    """The session of the tokens that the client gets for itself."""

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"ORG#{self.org_id}#OCL", self.created_at)}

    @property
    def client_id(self) -> str:
        """Return the id by the name that oauthlib asks for."""
        return self.id


@cache
def _command_line() -> OAuthClient:
    """Return the client that every platform has: it is code and no row, so it needs no setup and nobody can change or remove it."""
    return OAuthClient.new(
        COMMAND_LINE,
        name="Cadre command line",
        redirect_uris=["http://127.0.0.1/callback", "http://[::1]/callback"],
        grant_types=[CODE, REFRESH],
        scopes=list(_COMMAND_LINE_SCOPES),
        owner_id="",
        session_id="",
    )


def find_client(client_id: str) -> OAuthClient | None:
    """Return the client with this id. One read, none for the command line."""
    if client_id == COMMAND_LINE:
        return _command_line()
    return fetch(OAuthClient, client_id) if is_id(client_id) else None


def create_client(
    actor: Actor,
    name: str,
    redirect_uris: Sequence[str] = (),
    grant_types: Sequence[str] | None = None,
    scopes: Sequence[str] | None = None,
    *,
    is_public: bool = False,
) -> tuple[OAuthClient, str | None]:
    """Register a client of the actor's organization; return it with its secret, which is kept as a fingerprint. Raises Forbidden, Invalid.

    Without `grant_types`, one with redirect addresses is for people, and any other acts for itself. Two round trips.
    """
    org_id = authorize_own_organization(actor, Permission.WORKSPACE_ADMIN)
    granted = granted_scopes(actor, scopes, "scopes")
    grants = list(dict.fromkeys(grant_types or ((CODE, REFRESH) if redirect_uris else (CREDENTIALS,))))
    _check(redirect_uris, grants, is_public=is_public)
    secret = None if is_public else secrets.token_urlsafe(32)
    client = OAuthClient.new(
        new_id(),
        org_id=org_id,
        name=name,
        secret_hash=fingerprint(secret) if secret else None,
        redirect_uris=list(redirect_uris),
        grant_types=grants,
        scopes=granted,
        owner_id=actor.id,
        session_id=new_id(),
    )
    record(client, EventType.OAUTH_CLIENT_CREATED, actor, name=name, scopes=granted)
    write(create(client))
    return client, secret


def delete_client(actor: Actor, client_id: str) -> None:
    """Remove a client: its own tokens end at once, and nobody's are given or refreshed any more. What people have allowed it ends with
    their access tokens, within an hour. Raises NotFound and Forbidden. Two round trips."""

    def attempt(_: int) -> None:
        client = load(OAuthClient, client_id, actor, Permission.WORKSPACE_ADMIN)
        same = OAuthClient.session_id == client.session_id
        write(delete(client, same, stale), records.close_session(client.owner_id, client.session_id))

    retrying(attempt)


def end_own_session(client: OAuthClient) -> None:
    """End the client's own tokens at once; what it asks for next is of another session. Nothing is left to do if another request was
    faster."""
    ended, client.session_id = client.session_id, new_id()
    with suppress(_ClientChanged):
        write(save(client, _ClientChanged), records.close_session(client.owner_id, ended))


def check_unchanged(client: OAuthClient) -> Operation:
    """Refuse a transaction with Unauthenticated if the client was removed, or its own tokens ended, after it was read."""
    return check(client, OAuthClient.session_id == client.session_id, _ClientChanged)


class _ClientChanged(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(Situation.TOKEN_INVALID, "The tokens of this client have ended meanwhile; ask again")


def places_of(client: OAuthClient, person: Actor) -> list[Organization]:
    """Return the organizations in which a client may act for a person: its own if the person is in it, else theirs. For the command line
    all of the person's, of which they choose one; their own is the first. Two round trips."""
    if client.org_id:
        places = [client.org_id if read_seat(client.org_id, person.id) else str(person.org_id)]
    else:
        homes = get_many([(Workspace, *Workspace.key(ws_id)) for ws_id in person.workspaces])
        places = list(dict.fromkeys([str(person.org_id), *(str(row.org_id) for row in homes if isinstance(row, Workspace))]))
    rows = get_many([(Organization, *Organization.key(org_id)) for org_id in places])
    return [row for row in rows if isinstance(row, Organization)]


def _check(redirect_uris: Sequence[str], grants: Sequence[str], *, is_public: bool) -> None:
    """Raise Invalid for what no client can be."""
    for number, address in enumerate(redirect_uris):
        if not _may_be_redirected_to(address):
            message = "An https address, http on a loopback address, or a scheme of your own; without a fragment"
            raise Invalid(FieldError(f"redirect_uris.{number}", message, address))
    if unknown := [one for one in grants if one not in GRANT_TYPES]:
        raise Invalid(FieldError("grant_types", f"Allowed are {', '.join(GRANT_TYPES)}", unknown[0]))
    if CODE in grants and not redirect_uris:
        raise Invalid(FieldError("redirect_uris", "A client for people has an address to which they come back"))
    if REFRESH in grants and CODE not in grants:
        raise Invalid(FieldError("grant_types", "Only what people have allowed is refreshed"))
    if CREDENTIALS in grants and is_public:
        raise Invalid(FieldError("grant_types", "A client without a secret cannot act for itself"))


def _may_be_redirected_to(address: str) -> bool:
    parts = _split(address)
    if parts is None or "#" in address or parts.username is not None or not _PLAIN.fullmatch(address):
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme == "http":
        return parts.hostname in _LOOPBACK | {"localhost"}
    return bool(_OWN_SCHEME.fullmatch(parts.scheme)) and not parts.netloc


def is_registered(client: OAuthClient, address: str) -> bool:
    """Tell whether an address is exactly one of the client's. Only the port of a loopback address is free (RFC 8252, 7.3): a program on a
    person's machine takes the one that it gets."""
    return address in client.redirect_uris or any(_is_same_but_for_the_port(one, address) for one in client.redirect_uris)


def _is_same_but_for_the_port(registered: str, address: str) -> bool:
    ours, theirs = _split(registered), _split(address)
    if ours is None or theirs is None or not _PLAIN.fullmatch(address) or ours.scheme != "http" or ours.hostname not in _LOOPBACK:
        return False
    return _without_port(theirs) == _without_port(ours)


def _without_port(parts: SplitResult) -> tuple[str, ...]:
    return parts.scheme, re.sub(r":\d{1,5}$", "", parts.netloc), parts.path, parts.query, parts.fragment


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - raises for a port that is no number
    except ValueError:
        return None
    return parts
