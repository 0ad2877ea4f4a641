"""Sign-in at any OpenID Connect provider: discovered by its issuer, its id token verified with its published keys.

The configuration and the keys are cached for an hour. The keys are fetched again, at most once a minute, if a token names an
unknown key.
"""

import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

import jwt

from shared.core.errors import Unauthenticated, Upstream
from shared.core.outbound import is_allowed, request_json
from shared.core.rsa import Key
from shared.core.situations import Situation
from shared.people.identity.federation import signatures
from shared.people.identity.federation.pkce import challenge
from shared.people.identity.federation.provider import AuthorizationRequest, Client, Person

CACHE_S, KEY_REFETCH_S = 3600.0, 60.0
_cache: dict[str, tuple[float, Mapping[str, Any]]] = {}
_REQUIRED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def clear_cache() -> None:
    """Drop the cached configurations and keys."""
    _cache.clear()


@dataclass(frozen=True)
class OpenIdConnect:
    name: str
    issuer: str
    client: Client

    def authorization_url(self, request: AuthorizationRequest) -> str:
        endpoint = str(self._discover()["authorization_endpoint"])
        if not is_allowed(endpoint):
            raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{self.name} has a sign-in page that is not https")
        query = {
            "response_type": "code",
            "client_id": self.client.id,
            "redirect_uri": request.redirect_uri,
            "scope": "openid email profile",
            "state": request.state,
            "nonce": request.nonce,
            "code_challenge": challenge(request.verifier),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def fetch_person(self, code: str, request: AuthorizationRequest) -> Person:
        tokens = self._exchange_code(code, request)
        claims = self._read_claims(str(tokens.get("id_token", "")), request.nonce)
        if not claims.get("email") and isinstance(tokens.get("access_token"), str):
            claims |= self._fetch_user_info(tokens["access_token"], claims["sub"])
        verified = claims.get("email_verified")
        return Person.read(
            self.name,
            subject=claims["sub"],
            email=claims.get("email"),
            email_verified=verified is True or verified == "true",  # some providers send it as a string
            names=(claims.get("name"), claims.get("preferred_username")),
            picture=claims.get("picture"),
        )

    def _discover(self) -> Mapping[str, Any]:
        url = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        configuration = self._fetch_document(url)
        if configuration.get("issuer") != self.issuer or not all(isinstance(configuration.get(name), str) for name in _REQUIRED):
            _cache.pop(url, None)
            raise Upstream(
                Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{self.name} is not the OpenID Connect provider that it is set up as"
            )
        return configuration

    def _fetch_document(self, url: str, max_age: float = CACHE_S) -> Mapping[str, Any]:
        fetched_at, cached = _cache.get(url, (0.0, {}))
        if url in _cache and time.monotonic() - fetched_at < max_age:
            return cached
        status, response = request_json(self.name, "GET", url)
        if status != 200 or not isinstance(response, dict):
            raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{self.name} does not describe itself ({status})")
        _cache[url] = time.monotonic(), response
        return response

    def _exchange_code(self, code: str, request: AuthorizationRequest) -> Mapping[str, Any]:
        configuration = self._discover()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": request.redirect_uri,
            "code_verifier": request.verifier,
        }
        methods = configuration.get("token_endpoint_auth_methods_supported")
        basic = "client_secret_basic" in methods if isinstance(methods, list) and methods else True
        auth = None
        if not self.client.secret:
            form["client_id"] = self.client.id
        elif basic:
            auth = quote_plus(self.client.id), quote_plus(self.client.secret)  # RFC 6749, 2.3.1
        else:
            form |= {"client_id": self.client.id, "client_secret": self.client.secret}
        status, response = request_json(self.name, "POST", str(configuration["token_endpoint"]), form=form, auth=auth)
        problem = response.get("error") if isinstance(response, dict) else None
        if problem == "invalid_client":
            raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, f"{self.name} does not accept our client id and secret")
        if status != 200 or not isinstance(response, dict):
            raise Unauthenticated(Situation.SIGN_IN_UNVERIFIED, f"{self.name} did not accept the code; begin again")
        return response

    def _read_claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        try:
            key = self._find_key(id_token)
        except jwt.PyJWTError:
            raise Unauthenticated(Situation.SIGN_IN_UNVERIFIED, f"{self.name} sent no id token") from None
        if key is None:
            raise Unauthenticated(Situation.SIGN_IN_UNVERIFIED, f"The id token is not signed with a key of {self.name}")
        claims = signatures.claims(id_token, key, issuer=self.issuer, audience=self.client.id)
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", self.client.id) != self.client.id or (several and "azp" not in claims):
            raise Unauthenticated(Situation.SIGN_IN_UNVERIFIED, "The id token was issued to somebody else")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise Unauthenticated(Situation.SIGN_IN_UNVERIFIED, "The id token belongs to another sign-in")
        return claims

    def _find_key(self, id_token: str) -> Key | None:
        url = str(self._discover()["jwks_uri"])
        key = signatures.find_key(self._fetch_document(url), id_token)
        return key or signatures.find_key(self._fetch_document(url, KEY_REFETCH_S), id_token)

    def _fetch_user_info(self, access_token: str, subject: str) -> Mapping[str, Any]:
        endpoint = self._discover().get("userinfo_endpoint")
        if not isinstance(endpoint, str):
            return {}
        status, response = request_json(self.name, "GET", endpoint, headers={"Authorization": f"Bearer {access_token}"})
        if status != 200 or not isinstance(response, dict) or response.get("sub") != subject:
            raise Unauthenticated(Situation.SIGN_IN_UNVERIFIED, f"{self.name} does not say who you are")
        names = ("email", "email_verified", "name", "preferred_username", "picture")
        return {name: response[name] for name in names if name in response}
