"""enterprise: the OAuth 2.0 authorization server and its key set. The document promises the flows without a description of their own.

A request for authorization is answered by pages. Their forms carry a proof that only the browser has to which the page was shown: a
signature of the request, of the browser's own cookie, and of the session.
"""

import secrets
from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi import Query
from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from functions.auth import oauth_pages as pages
from functions.auth.cookies import set_cookie, set_session_cookie
from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError, Unauthenticated
from shared.core.keys import sign, verify_signature
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.edge.contracts.agentworks import AGENTWORKS
from shared.edge.contracts.base import Shape, StrictRequest
from shared.edge.contracts.fields import OneLine
from shared.edge.http.call import Call, Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.people.access import client_signing, records, tokens
from shared.people.identity import accounts
from shared.people.identity.oauth.clients import OAuthClient, create_client, delete_client, places_of

PAGE = "text/html"
BROWSER_COOKIE = "__Host-cadre_authorize"
"""Identifies the browser to which a page was shown."""
_BROWSER_SECONDS = 3600
_FORM_FIELDS = 12
_FOR_THE_PERSON = ("allow", "deny", "other")  # buttons of the page for somebody who is signed in
_SAID_ON_THE_PAGE = (Situation.CREDENTIALS_WRONG, Situation.RATE_LIMITED)
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), OneLine]
Texts = Annotated[list[Annotated[str, Field(max_length=2_000)]], Field(max_length=32)]
Asked = Annotated[str | None, Query(max_length=2_048)]


class TokenForm(Shape):
    """What a client sends for tokens (RFC 6749, RFC 7636)."""

    grant_type: str
    code: str | None = None
    redirect_uri: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    refresh_token: str | None = None
    scope: str | None = None
    code_verifier: str | None = None


class TokenAnswer(Shape):
    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str | None = None
    scope: str


class OAuthProblem(Shape):
    """An error in the form of RFC 6749, 5.2."""

    error: str
    error_description: str | None = None


class RevokeForm(Shape):
    token: str
    token_type_hint: str | None = None
    client_id: str | None = None
    client_secret: str | None = None


PROBLEMS = {400: OAuthProblem, 401: OAuthProblem}


class AuthorizeForm(Shape):
    """What our own pages send."""

    request: str
    proof: str
    action: str
    organization: str | None = None
    email: str | None = None
    password: str | None = None


class Revoked(Shape):
    pass


class CreateClientRequest(StrictRequest):
    """`grant_types` without value: those for people if there are redirect addresses, else `client_credentials`. `is_public` (an addition):
    a program on people's devices, which can keep no secret."""

    name: Title
    redirect_uris: Texts = []
    grant_types: Texts | None = None
    scopes: Texts | None = None
    is_public: bool = False


class NewClient(Shape):
    """`client_secret` is shown this once; a public client has none."""

    client_id: str
    client_secret: str | None
    name: str
    redirect_uris: list[str]
    grant_types: list[str]
    scopes: list[str]
    created_at: str


class KeySet(Shape):
    keys: list[dict[str, str]]


def publish(routes: Routes) -> None:
    """Declare the operations."""
    free = {"public": True, "raw": True}

    @routes.get("/oauth/authorize", "oauth.authorize", public=True, status=302, rate_class="auth", others={200: PAGE, 400: PAGE})
    async def authorize(
        request: Request,
        call: ThisCall,
        response_type: Asked = None,
        client_id: Asked = None,
        redirect_uri: Asked = None,
        scope: Asked = None,
        state: Asked = None,
        code_challenge: Asked = None,
        code_challenge_method: Asked = None,
    ) -> Response:
        """Show a page on which a person signs in and allows the client what it asks for; then redirect to the client with a code, and with
        `iss` (RFC 9207). Every client sends a `code_challenge` (S256)."""
        return _show(request.url.query, request, call)

    @routes.post(
        "/oauth/authorize",
        "oauth.decide",
        public=True,
        status=303,
        rate_class="auth",
        secret=True,
        addition=True,
        form=AuthorizeForm,
        media=PAGE,
        others={200: PAGE, 400: PAGE, 401: PAGE, 403: PAGE},
    )
    async def decide(request: Request, call: ThisCall) -> Response:
        """What a person answers on our own pages."""
        return _decide(_fields(await request.body()), request, call)

    @routes.post(
        "/oauth/token", "oauth.token", rate_class="auth", secret=True, model=TokenAnswer, form=TokenForm, others=PROBLEMS, **free
    )
    async def token(request: Request) -> Response:
        """Tokens for a code, for a refresh token, which is replaced, or for the client itself. A client says who it is by HTTP Basic or in
        the form. Errors have the form of RFC 6749."""
        from shared.people.identity.oauth.server import token_response

        return _raw(token_response(request.url.query, await request.body(), request.headers.get("authorization", "")))

    @routes.post("/oauth/revoke", "oauth.revoke", public=True, rate_class="auth", form=RevokeForm, others=PROBLEMS)
    async def revoke(request: Request) -> Revoked:
        """End a token and what was given with it, at once (RFC 7009). A token that is not the client's changes nothing."""
        from shared.people.identity.oauth.server import revocation_response

        headers, body, status = revocation_response(
            request.url.query, await request.body(), request.headers.get("authorization", "")
        )
        return Revoked() if status == 200 else _raw((headers, body, status))  # type: ignore[return-value]  # an error of RFC 7009

    @routes.post("/oauth/clients", "oauth.clients.create", status=201, permission=Permission.WORKSPACE_ADMIN, secret=True)
    async def create(body: CreateClientRequest, caller: Caller) -> NewClient:
        """Register a client of the organization."""
        client, secret = create_client(
            caller, body.name, body.redirect_uris, body.grant_types, body.scopes, is_public=body.is_public
        )
        return NewClient(
            client_id=client.id,
            client_secret=secret,
            name=client.name,
            redirect_uris=client.redirect_uris,
            grant_types=client.grant_types,
            scopes=client.scopes,
            created_at=client.created_at,
        )

    @routes.delete(
        "/oauth/clients/{client_id}", "oauth.clients.delete", status=204, permission=Permission.WORKSPACE_ADMIN, addition=True
    )
    async def remove(client_id: str, caller: Caller) -> None:
        """Remove a client, for example one whose secret is known to others. Its own tokens end at once, those that people have allowed it
        within an hour."""
        delete_client(caller, client_id)

    @routes.get("/.well-known/jwks.json", "jwks.get", limited=False, model=KeySet, **free)
    async def jwks() -> Response:
        """The keys by which tokens of OAuth clients are verified (RFC 7517)."""
        return _kept(KeySet(keys=client_signing.public_keys()).model_dump_json())

    @routes.get(
        "/.well-known/oauth-authorization-server",
        "oauth.metadata",
        public=True,
        limited=False,
        addition=True,
        media="application/json",
    )
    async def metadata() -> Response:
        """What this authorization server can do, and where (RFC 8414)."""
        from shared.people.identity.oauth.server import metadata

        base = settings().base_of(routes.contract.name, routes.contract.base)
        return _kept(metadata(settings().issuer, base))


def _kept(body: str) -> Response:
    """Return JSON that is the same for everybody, and changes so seldom that whoever asks may keep it for five minutes."""
    return Response(body, headers={"Cache-Control": "public, max-age=300"}, media_type="application/json")


def _raw(answer: tuple[object, str, int]) -> Response:
    headers, body, status = answer
    return Response(body, status, dict(headers), media_type="application/json")  # type: ignore[call-overload]  # oauthlib's headers


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FORM_FIELDS))
    except ValueError:
        return {}


def _show(query: str, request: Request, call: Call, error: str = "", status: int = 200, *, known: bool = True) -> Response:
    """Show the page that comes next: to sign in, or to allow what is asked for."""
    asked = _asked(query, shown=request.method == "GET")
    if isinstance(asked, Response):
        return asked
    client, redirect_uri, scopes = asked
    browser = request.cookies.get(BROWSER_COOKIE) or secrets.token_urlsafe(16)
    set_cookie(call, BROWSER_COOKIE, browser, _BROWSER_SECONDS)
    person = _person(request) if known else None
    proof = _proof(query, browser, person)
    if person is None:
        return pages.sign_in_page(query, proof, client.name, error, status)
    places = {one.id: one.name for one in places_of(client, person)}
    return pages.consent_page(query, proof, client.name, redirect_uri, scopes, person.email, places)


def _asked(query: str, *, shown: bool = False) -> tuple[OAuthClient, str, list[str]] | Response:
    """Return what a request for authorization asks for, or the answer to one that is wrong: a page if nobody knows to whom to return."""
    from oauthlib.oauth2 import FatalClientError, OAuth2Error

    from shared.people.identity.oauth.server import validate_authorization

    try:
        return validate_authorization(query)
    except FatalClientError as error:
        return pages.error_page(f"The application that sent you here made a mistake: {error.description or error.error}.")
    except OAuth2Error as error:
        return _back(error.in_uri(error.redirect_uri), 302 if shown else 303)


def _decide(form: dict[str, str], request: Request, call: Call) -> Response:
    query, action = form.get("request", ""), form.get("action", "")
    person, browser = _person(request), request.cookies.get(BROWSER_COOKIE, "")
    shown_to = person if action in _FOR_THE_PERSON else None
    if action == "deny" and not _is_shown_to(form, query, browser, person):
        shown_to = None  # the page to sign in has this button too
    if not browser or not _is_shown_to(form, query, browser, shown_to):
        return pages.error_page("This page is out of date. Go back to the application and begin again.", 403)
    if action == "sign_in":
        return _sign_in(form, query, request, call)
    if action == "other":
        return _show(query, request, call, known=False)
    asked = _asked(query)
    if isinstance(asked, Response):
        return asked
    if action == "allow" and person is not None:
        from shared.people.identity.oauth.server import authorize

        places = [one.id for one in places_of(asked[0], person)]
        place = form.get("organization", places[0])
        if place not in places:
            return pages.error_page("You are not in this organization any more. Go back to the application and begin again.", 403)
        return _back(authorize(query, person, place))
    from oauthlib.oauth2 import AccessDeniedError

    state = dict(parse_qsl(query)).get("state")
    return _back(AccessDeniedError(state=state).in_uri(asked[1]))


def _sign_in(form: dict[str, str], query: str, request: Request, call: Call) -> Response:
    try:
        opened = accounts.login(
            form.get("email", ""), form.get("password", ""), contract=AGENTWORKS.name, remember=False, ip=call.client_ip
        )
    except CadreError as error:
        if error.situation not in _SAID_ON_THE_PAGE:
            raise
        return _show(query, request, call, error.message, 401, known=False)
    set_session_cookie(call, opened.tokens)
    return RedirectResponse(f"authorize?{query}", 303)


def _back(address: str, status: int = 303) -> RedirectResponse:
    """Redirect to the client, and say who answers, so that it does not take us for another server (RFC 9207)."""
    parts = urlsplit(address)
    query = "&".join(filter(None, (parts.query, urlencode({"iss": settings().issuer}))))
    return RedirectResponse(urlunsplit(parts._replace(query=query)), status)


def _person(request: Request) -> Actor | None:
    """Return the person who is signed in in this browser."""
    cookie = request.cookies.get(str(AGENTWORKS.cookie))
    if cookie is None:
        return None
    try:
        return records.authenticate(tokens.read(cookie, frozenset({"cookie"})), ())[0]
    except Unauthenticated:
        return None


def _proof(query: str, browser: str, person: Actor | None) -> str:
    return sign("authorize", _shown_to(query, browser, person))


def _is_shown_to(form: dict[str, str], query: str, browser: str, person: Actor | None) -> bool:
    return verify_signature("authorize", _shown_to(query, browser, person), form.get("proof", ""))


def _shown_to(query: str, browser: str, person: Actor | None) -> str:
    return "\n".join((browser, str(person.session_id) if person else "", query))
