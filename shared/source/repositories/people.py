"""People who prove at GitHub who they are, so that they connect only what is theirs there.

The proof is an OAuth code: the state that goes there and back belongs to the account that asked for it. What GitHub gives for the code is
kept for an hour, encrypted, for this account alone; with it the person sees the installations of the app that they may use.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import FieldError, Forbidden, Invalid
from shared.core.outbound import request_json
from shared.core.sealing import seal, unseal
from shared.core.situations import Situation
from shared.people.identity import one_time_tokens
from shared.people.identity.federation.pkce import challenge
from shared.people.identity.one_time_tokens import Purpose
from shared.source.repositories import app
from shared.source.repositories.github import WHO, Denied, Github, Missing, TokenRefused
from shared.source.repositories.rows import Proof
from shared.store import get, put, write

KEPT: Final = 3_600
"""Seconds for which a proof is good."""
_PAGES: Final = 10  # of a hundred installations that somebody may use


@dataclass(frozen=True)
class Authorization:
    """Where the person goes: to say who they are, and to install the app where it is missing."""

    url: str
    install_url: str
    expires_at: str


@dataclass(frozen=True)
class Installation:
    id: int
    account: str
    account_type: str
    suspended: bool


@dataclass(frozen=True)
class OfferedRepository:
    """`administered`: whether the person may connect it."""

    owner: str
    name: str
    private: bool
    administered: bool


def begin(actor: Actor) -> Authorization:
    """Begin to prove who somebody is at GitHub. Raises NotConfigured."""
    client_id, install_url = app.setting("CLIENT_ID"), app.install_address()
    verifier = secrets.token_urlsafe(32)
    state, expires_at = one_time_tokens.issue(Purpose.GITHUB, actor.id, verifier=verifier)
    query = {
        "client_id": client_id,
        "state": state,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
    }
    return Authorization(f"{app.web_address()}/login/oauth/authorize?{urlencode(query)}", install_url, expires_at)


def finish(actor: Actor, code: str, state: str) -> tuple[str, str]:
    """Take the code with which somebody comes back; return their name at GitHub, and until when the proof is good.

    Raises Invalid for a state that is unknown, used, expired or of another account, and for a code that GitHub does not accept.
    """
    row = one_time_tokens.get_token(Purpose.GITHUB, state)
    if row.subject != actor.id:
        raise _wrong("state", "It belongs to another account")
    form = {
        "client_id": app.setting("CLIENT_ID"),
        "client_secret": app.setting("CLIENT_SECRET"),
        "code": code,
        "code_verifier": str(row.data["verifier"]),
    }
    # GitHub answers a refused code with status 200 and a field `error`
    _, answer = request_json(WHO, "POST", f"{app.web_address()}/login/oauth/access_token", form=form)
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token:
        raise _wrong("code", f"{WHO} does not accept this code; begin again")
    login = str(Github(token).get("/user").data["login"])
    expires = clock.epoch() + KEPT
    pk, sk = Proof.key_of(actor.id)
    proof = Proof(pk=pk, sk=sk, token=seal(token, pk), login=login, expires_at=expires, ttl=expires)
    write(one_time_tokens.consume(row), put(proof))
    return login, clock.iso(clock.from_epoch(expires))


def _wrong(field: str, reason: str) -> Invalid:
    return Invalid(FieldError(field, reason), message=reason, situation=Situation.MALFORMED)


def as_person(actor: Actor) -> tuple[Github, str]:
    """Return GitHub as somebody sees it who has proved who they are, and their name there. One round trip. Raises Forbidden without a
    proof, with one that is over an hour old, and for a key or a client of theirs: they have said so to our pages, and to nobody else."""
    if actor.scopes is not None:
        raise Forbidden("Only a person who is signed in may use what they have proved at GitHub")
    pk, sk = Proof.key_of(actor.id)
    row = get(Proof, pk, sk)
    if row is None or row.expires_at <= clock.epoch():
        raise Forbidden(f"Prove first at {WHO} who you are (POST /github/app/authorizations)")
    return Github(unseal(row.token, pk)), str(row.login)


def list_installations(actor: Actor) -> list[Installation]:
    """Return the installations of the app that somebody may use: 1,000 at most. A round trip, and a request to GitHub for a hundred."""
    github, _ = as_person(actor)
    pages = github.pages("/user/installations?per_page=100", most=_PAGES)
    return [_installation(one) for page in pages for one in page["installations"]]


def _installation(found: Mapping[str, Any]) -> Installation:
    account = found.get("account") or {}
    return Installation(
        id=int(found["id"]),
        account=str(account.get("login") or account.get("slug") or ""),
        account_type=str(found.get("target_type") or account.get("type") or "User"),
        suspended=bool(found.get("suspended_at")),
    )


def list_offered(actor: Actor, installation: str, *, page: int, limit: int) -> list[OfferedRepository]:
    """Return a page of the repositories of an installation that somebody sees. Raises Missing for one that is not theirs."""
    if not (installation.isascii() and installation.isdecimal() and len(installation) < 20):
        raise Missing
    github, _ = as_person(actor)
    path = "/user/installations/{installation}/repositories{?per_page,page}"
    names = {"installation": installation, "per_page": str(limit), "page": str(page)}
    try:
        found = github.get(path, names).data["repositories"]
    except Denied:
        raise Missing from None
    return [
        OfferedRepository(str(one["owner"]["login"]), str(one["name"]), bool(one.get("private")), _administers(one))
        for one in found
    ]


def _administers(found: Mapping[str, Any]) -> bool:
    return (found.get("permissions") or {}).get("admin") is True


def prove(actor: Actor, installation: int, owner: str, name: str) -> tuple[dict[str, Any], str]:
    """Return a repository of an installation as somebody sees it who administers it there, and their name at GitHub.

    Raises Missing if the installation is not theirs, or has no such repository; Forbidden without a proof, or for a repository that they do
    not administer: with a token they could make no webhook either.
    """
    github, login = as_person(actor)
    names = {"owner": owner, "repo": name}
    try:
        if installation not in {one.id for one in list_installations(actor)}:
            raise Missing
        found: dict[str, Any] = github.get("/repos/{owner}/{repo}", names).data
    except (TokenRefused, Denied):
        raise Forbidden(f"{WHO} does not accept your proof any more; begin again (POST /github/app/authorizations)") from None
    if not _administers(found):
        raise Forbidden(f"Only who administers a repository at {WHO} connects it")
    of_app = app.as_app().get("/repos/{owner}/{repo}/installation", names).data
    if int(of_app["id"]) != installation:
        raise Missing
    return found, login
