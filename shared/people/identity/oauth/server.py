"""oauthlib's authorization server over our clients, codes and sessions. oauthlib knows the protocol; what is here answers its questions.

Only the requests of OAuth import this module (decision 49).
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

from oauthlib.common import Request, extract_params
from oauthlib.oauth2 import (
    AuthorizationCodeGrant,
    AuthorizationEndpoint,
    BearerToken,
    ClientCredentialsGrant,
    InvalidGrantError,
    MetadataEndpoint,
    OAuth2Error,
    RefreshTokenGrant,
    RequestValidator,
    RevocationEndpoint,
    TokenEndpoint,
)
from oauthlib.oauth2.rfc6749.errors import InvalidRequestError, InvalidRequestFatalError

from shared.core.actor import Actor
from shared.core.errors import Unauthenticated
from shared.core.keys import fingerprint
from shared.core.scopes import SCOPES
from shared.people.access import tokens
from shared.people.identity import sessions
from shared.people.identity.federation.pkce import challenge
from shared.people.identity.oauth import codes
from shared.people.identity.oauth.clients import (
    CODE,
    CREDENTIALS,
    REFRESH,
    OAuthClient,
    check_unchanged,
    end_own_session,
    find_client,
    is_registered,
)

Answer = tuple[Mapping[str, str], str, int]
"""Headers, body and status."""
_ADDRESS = "https://authorization.server/"  # oauthlib reads the query of an address and nothing else
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class _Validator(RequestValidator):  # type: ignore[misc]  # oauthlib has no types
    """The answers to oauthlib's questions. What a request is found to be about is kept on the request."""

    # -- clients

    def client_authentication_required(self, request: Request, *_: Any, **__: Any) -> bool:
        client_id, secret = _credentials(request)
        client = _client(request, client_id)
        return client is None or client.secret_hash is not None or secret is not None

    def authenticate_client(self, request: Request, *_: Any, **__: Any) -> bool:
        client_id, secret = _credentials(request)
        client = _client(request, client_id)
        if client is None or client.secret_hash is None or secret is None:
            return False
        if not hmac.compare_digest(client.secret_hash, fingerprint(secret)):
            return False
        request.client_id = client.id
        return True

    def authenticate_client_id(self, client_id: str, request: Request, *_: Any, **__: Any) -> bool:
        client = _client(request, client_id)
        return client is not None and client.secret_hash is None

    def validate_client_id(self, client_id: str, request: Request, *_: Any, **__: Any) -> bool:
        return _client(request, client_id) is not None

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Request, *_: Any, **__: Any) -> bool:
        return is_registered(request.client, redirect_uri)

    def get_default_redirect_uri(self, client_id: str, request: Request, *_: Any, **__: Any) -> str | None:
        """Return the address of a client that has one. At the token endpoint it must be the one of the code."""
        addresses = request.client.redirect_uris
        return addresses[0] if len(addresses) == 1 else None

    def validate_response_type(self, client_id: str, response_type: str, client: OAuthClient, *_: Any, **__: Any) -> bool:
        return response_type == "code" and CODE in client.grant_types

    def validate_grant_type(self, client_id: str, grant_type: str, client: OAuthClient, *_: Any, **__: Any) -> bool:
        return grant_type in client.grant_types

    def validate_scopes(self, client_id: str, scopes: list[str], client: OAuthClient, *_: Any, **__: Any) -> bool:
        return set(scopes) <= set(client.scopes)

    def get_default_scopes(self, client_id: str, request: Request, *_: Any, **__: Any) -> list[str]:
        return list(request.client.scopes)

    # -- codes

    def is_pkce_required(self, client_id: str, request: Request) -> bool:
        return True

    def save_authorization_code(self, client_id: str, code: dict[str, str], request: Request, *_: Any, **__: Any) -> None:
        scopes = tuple(one for one in SCOPES if one in request.scopes)
        allowed = codes.Allowed(
            request.user,
            client_id,
            request.redirect_uri,
            scopes,
            request.code_challenge,
            request.organization,
            request.session_id,
        )
        codes.keep(code["code"], allowed)

    def validate_code(self, client_id: str, code: str, client: OAuthClient, request: Request, *_: Any, **__: Any) -> bool:
        request.allowed = codes.find(code, client.id)
        if request.allowed is None:
            return False
        request.user, request.scopes = request.allowed.user_id, list(request.allowed.scopes)
        return True

    def get_code_challenge(self, code: str, request: Request) -> str:
        return str(request.allowed.challenge)

    def get_code_challenge_method(self, code: str, request: Request) -> str:
        return "S256"

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: OAuthClient, request: Request, *_: Any, **__: Any
    ) -> bool:
        return bool(request.allowed.redirect_uri == redirect_uri)

    def invalidate_authorization_code(self, client_id: str, code: str, request: Request, *_: Any, **__: Any) -> None:
        """Nothing is left to do: the code was used up in the transaction that opened the session."""

    # -- tokens

    def validate_refresh_token(self, refresh_token: str, client: OAuthClient, request: Request, *_: Any, **__: Any) -> bool:
        session = sessions.client_session(refresh_token, client.id)
        request.original_scopes = list(session.scopes) if session else []
        return session is not None

    def get_original_scopes(self, refresh_token: str, request: Request, *_: Any, **__: Any) -> list[str]:
        return list(request.original_scopes)

    def save_bearer_token(self, token: dict[str, Any], request: Request, *_: Any, **__: Any) -> None:
        """Nothing is left to do: a token is signed, and its session was opened before it."""

    def access_token(self, request: Request, refresh_token: bool = False) -> str:
        """Do what the request is granted, and return the access token. Raises InvalidGrantError if another request was faster."""
        client: OAuthClient = request.client
        scopes = tuple(one for one in SCOPES if one in request.scopes)
        grant = tokens.Grant(client.id, scopes)
        try:
            if request.grant_type == CREDENTIALS:
                return sessions.token_of_client(client.owner_id, client.session_id, grant, check_unchanged(client))
            if request.grant_type == REFRESH:
                request.given = sessions.refresh(request.refresh_token, grant)[1]
            else:
                request.given = codes.exchange(request.allowed)
        except Unauthenticated as error:
            raise InvalidGrantError(description=error.message, request=request) from None
        return str(request.given.access)

    def refresh_token(self, request: Request, refresh_token: bool = False) -> str:
        return str(request.given.refresh)

    def revoke_token(self, token: str, token_type_hint: str | None, request: Request, *_: Any, **__: Any) -> None:
        """End the session of a token of this client's. Any other token changes nothing (RFC 7009, 2.2)."""
        client: OAuthClient = request.client
        if token.count(".") != 2:
            sessions.end_of_client(token, client.id)
            return
        try:
            claims = tokens.read(token, tokens.ACCESS)
        except Unauthenticated:
            return
        if claims.client_id != client.id:
            return
        if claims.session_id != client.session_id:
            sessions.end(claims.user_id, claims.session_id)
            return
        end_own_session(client)


def _client(request: Request, client_id: Any) -> OAuthClient | None:
    """Return the client with this id, and keep it on the request: oauthlib asks more than once."""
    if request.client is None or request.client.id != client_id:
        request.client = find_client(client_id) if isinstance(client_id, str) else None
    found: OAuthClient | None = request.client
    return found


def _credentials(request: Request) -> tuple[str | None, str | None]:
    """Return the id and the secret that a client sent, in the header or in the body."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.client_id, request.client_secret or None
    try:
        client_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    return unquote_plus(client_id), unquote_plus(secret) or None


@cache
def _validator() -> _Validator:
    return _Validator()


@cache
def _code_grant() -> AuthorizationCodeGrant:
    grant = AuthorizationCodeGrant(_validator())
    grant._code_challenge_methods = {"S256": lambda verifier, expected: hmac.compare_digest(challenge(verifier), expected)}
    grant.create_authorization_code = _new_code
    grant.register_token_modifier(_without_useless_refresh_token)
    return grant


def _new_code(request: Request) -> dict[str, str]:
    return {"code": codes.new_code()} | ({"state": request.state} if request.state else {})


def _without_useless_refresh_token(token: dict[str, Any], _handler: Any, request: Request) -> dict[str, Any]:
    if REFRESH not in request.client.grant_types:
        token.pop("refresh_token", None)
    return token


@cache
def _authorization() -> AuthorizationEndpoint:
    return AuthorizationEndpoint("code", None, {"code": _code_grant()})


@cache
def _token() -> TokenEndpoint:
    validator = _validator()
    bearer = BearerToken(validator, validator.access_token, tokens.ACCESS_SECONDS, validator.refresh_token)
    refresh, own = RefreshTokenGrant(validator), ClientCredentialsGrant(validator)
    return TokenEndpoint(CODE, bearer, {CODE: _code_grant(), REFRESH: refresh, CREDENTIALS: own})


@cache
def _revocation() -> RevocationEndpoint:
    return RevocationEndpoint(_validator())


def validate_authorization(query: str) -> tuple[OAuthClient, str, list[str]]:
    """Return the client, the redirect address and the scopes of a request for authorization. Raises FatalClientError, of which nobody is
    told but the person, and OAuth2Error, which belongs to the client."""
    try:
        scopes, info = _authorization().validate_authorization_request(_ADDRESS + "?" + query)
    except ValueError:
        raise InvalidRequestFatalError from None
    return info["request"].client, info["redirect_uri"], scopes


def authorize(query: str, person: Actor, org_id: str) -> str:
    """Return the address to which a person who has allowed the request in this organization is redirected, with a code. Raises as
    `validate_authorization`."""
    allowed = {"user": person.id, "organization": org_id, "session_id": str(person.session_id)}
    headers, _, _ = _authorization().create_authorization_response(_ADDRESS + "?" + query, credentials=allowed)
    return str(headers["Location"])


def token_response(query: str, body: bytes, authorization: str) -> Answer:
    return _answer(_token().create_token_response, query, body, authorization)


def revocation_response(query: str, body: bytes, authorization: str) -> Answer:
    return _answer(_revocation().create_revocation_response, query, body, authorization)


def _answer(respond: Any, query: str, body: bytes, authorization: str) -> Answer:
    headers = _FORM | ({"Authorization": authorization} if authorization else {})
    address = _ADDRESS + (f"?{query}" if query else "")
    try:
        text = body.decode()
        if extract_params(text) is None:
            raise ValueError("no form")
        answer: Answer = respond(address, "POST", text, headers)
    except OAuth2Error as error:
        return {"Content-Type": "application/json", **error.headers}, error.json, error.status_code
    except ValueError:  # a body that is no form
        malformed = InvalidRequestError(description="The body is not application/x-www-form-urlencoded")
        return {"Content-Type": "application/json"}, malformed.json, malformed.status_code
    return answer


def metadata(issuer: str, base: str) -> str:
    """Return the description of this server (RFC 8414) as JSON; its endpoints are below `base`."""
    described = {
        "issuer": issuer,
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "scopes_supported": list(SCOPES),
        "response_modes_supported": ["query"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "authorization_response_iss_parameter_supported": True,
    }
    # a laptop's issuer has no https, which oauthlib refuses to describe
    endpoint = MetadataEndpoint([_authorization(), _token(), _revocation()], described, raise_errors=False)
    body: str = endpoint.create_metadata_response(_ADDRESS)[1]
    return body
