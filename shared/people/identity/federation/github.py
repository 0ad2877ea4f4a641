"""Sign-in at GitHub, which supports OAuth 2.0 but not OpenID Connect: the identity is read from its API with the access token."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from shared.core.errors import Unauthenticated, Upstream
from shared.core.outbound import request_json
from shared.core.situations import Situation
from shared.people.identity.federation.pkce import challenge
from shared.people.identity.federation.provider import AuthorizationRequest, Client, Person


@dataclass(frozen=True)
class Github:
    """`url` is https://github.com or the address of an Enterprise Server, whose API is below it."""

    name: str
    url: str
    client: Client
    issuer: str | None = None

    @property
    def api(self) -> str:
        return "https://api.github.com" if self.url == "https://github.com" else f"{self.url.rstrip('/')}/api/v3"

    def authorization_url(self, request: AuthorizationRequest) -> str:
        query = {
            "client_id": self.client.id,
            "redirect_uri": request.redirect_uri,
            "scope": "read:user user:email",
            "state": request.state,
            "code_challenge": challenge(request.verifier),
            "code_challenge_method": "S256",
        }
        return f"{self.url.rstrip('/')}/login/oauth/authorize?{urlencode(query)}"

    def fetch_person(self, code: str, request: AuthorizationRequest) -> Person:
        form = {
            "client_id": self.client.id,
            "client_secret": self.client.secret,
            "code": code,
            "redirect_uri": request.redirect_uri,
            "code_verifier": request.verifier,
        }
        # GitHub answers a refused code with status 200 and a field `error`
        _, response = request_json(self.name, "POST", f"{self.url.rstrip('/')}/login/oauth/access_token", form=form)
        token = response.get("access_token") if isinstance(response, dict) else None
        if not isinstance(token, str):
            raise Unauthenticated(Situation.SIGN_IN_UNVERIFIED, f"{self.name} did not accept the code; begin again")
        user = self._get("/user", token, dict)
        address = next(
            (one for one in self._get("/user/emails", token, list) if isinstance(one, dict) and one.get("primary") is True), {}
        )
        return Person.read(
            self.name,
            subject=str(user.get("id") or ""),  # a number
            email=address.get("email"),
            email_verified=address.get("verified") is True,
            names=(user.get("name"), user.get("login")),
            picture=user.get("avatar_url"),
        )

    def _get(self, path: str, token: str, kind: type[Any]) -> Any:
        status, response = request_json(self.name, "GET", f"{self.api}{path}", headers={"Authorization": f"Bearer {token}"})
        if status != 200 or not isinstance(response, kind):
            raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{self.name} does not say who you are ({status})")
        return response
