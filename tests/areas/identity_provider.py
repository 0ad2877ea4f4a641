"""A provider to sign in at, on loopback: OpenID Connect with discovery, PKCE, signed id tokens, and GitHub's way beside it.

It checks what a strict provider checks and signs with `cryptography`, so that nothing of ours judges itself. `person` is who sits at its
sign-in page; the other attributes make it misbehave.
"""

import base64
import hashlib
import http.client
import json
import secrets
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from shared.core import outbound
from tests.areas.driving import Answer, call

BASE = "http://localhost:8000/agentworks/v1"
CLIENT_ID, CLIENT_SECRET = "cadre-tests", "a secret: with signs & spaces"
ADA = {"sub": "ada-1", "email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace"}
Claims = dict[str, Any]


@cache
def key(name: str = "first", bits: int = 2048) -> RSAPrivateKey:
    return generate_private_key(65537, bits)


def jwk(name: str = "first", bits: int = 2048) -> dict[str, str]:
    numbers = key(name, bits).public_key().public_numbers()

    def text(number: int) -> str:
        return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()

    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": name, "n": text(numbers.n), "e": text(numbers.e)}


def signed(claims: Claims, name: str = "first", algorithm: str = "RS256", bits: int = 2048) -> str:
    return jwt.encode(claims, key(name, bits), algorithm=algorithm, headers={"kid": name})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # we hung up on an answer that was too long
            super().handle_error(request, client_address)


@dataclass
class IdentityProvider:
    person: Claims | None = field(default_factory=lambda: dict(ADA))
    spoil: Callable[[Claims], Claims] = dict
    sign: Callable[[Claims], str] = signed
    keys: list[dict[str, str]] = field(default_factory=lambda: [jwk()])
    about: dict[str, Any] = field(default_factory=dict)
    """Over what it says of itself."""
    fail: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Status and body of paths that fail."""
    asked: list[str] = field(default_factory=list)
    codes: dict[str, Claims] = field(default_factory=dict)

    def __post_init__(self) -> None:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                provider._serve(self, "")

            def do_POST(self) -> None:
                provider._serve(self, self.rfile.read(int(self.headers["Content-Length"])).decode())

            def log_message(self, *args: Any) -> None:
                pass

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        outbound._client().close()  # our connections to it
        outbound._client.cache_clear()
        self.server.shutdown()
        self.server.server_close()

    def environment(self, name: str = "corp") -> dict[str, str]:
        """What a platform team sets for it."""
        first = {"OAUTH_GITHUB_URL": self.url} if name == "github" else {f"OAUTH_{name.upper()}_ISSUER": self.url}
        client = {f"OAUTH_{name.upper()}_CLIENT_ID": CLIENT_ID, f"OAUTH_{name.upper()}_CLIENT_SECRET": CLIENT_SECRET}
        return first | client | {f"OAUTH_{name.upper()}_DOMAINS": "elsewhere.example, example.com"}

    def _serve(self, request: BaseHTTPRequestHandler, body: str) -> None:
        url = urlsplit(request.path)
        self.asked.append(url.path)
        headers: dict[str, str] = {}
        if url.path in self.fail:
            status, text = self.fail[url.path]
        else:
            status, payload = self._answer(url.path, dict(parse_qsl(url.query)), dict(parse_qsl(body)), request.headers)
            if status == 302:
                headers, payload = {"Location": payload}, {}
            text = json.dumps(payload)
        request.send_response(status)
        for name, value in ({"Content-Type": "application/json", "Content-Length": str(len(text.encode()))} | headers).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(text.encode())

    def _answer(self, path: str, query: Claims, form: Claims, headers: Any) -> tuple[int, Any]:
        match path:
            case "/.well-known/openid-configuration":
                own = {name: f"{self.url}/{name}" for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")}
                return 200, own | {"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | self.about
            case "/keys":
                return 200, {"keys": self.keys}
            case "/authorization_endpoint" | "/login/oauth/authorize":
                return 302, self._authorize(query)
            case "/token_endpoint":
                return self._tokens(form, headers.get("Authorization", ""))
            case "/login/oauth/access_token":
                asked = self.codes.pop(form.get("code", ""), None)
                good = asked is not None and self._pkce_valid(asked, form) and form.get("client_secret") == CLIENT_SECRET
                return 200, {"access_token": "access", "token_type": "bearer"} if good else {"error": "bad_verification_code"}
            case "/userinfo_endpoint" | "/api/v3/user" | "/api/v3/user/emails" if headers.get("Authorization") == "Bearer access":
                return 200, self._profile(path)
        return 404, {"error": "not_found"}

    def _profile(self, path: str) -> Any:
        person = self.person or {}
        if path == "/userinfo_endpoint":
            return person
        if path == "/api/v3/user":
            return {"id": 583231, "login": "ada", "name": person.get("name"), "avatar_url": "https://example.com/ada.png"}
        other = {"email": "other@example.com", "primary": False, "verified": True}
        return [other, {"email": person["email"], "primary": True, "verified": person["email_verified"]}]

    def _authorize(self, query: Claims) -> str:
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        assert query.get("response_type", "code") == "code"
        back = {"state": query["state"], "iss": self.url}
        if self.person is None:
            back |= {"error": "access_denied", "error_description": "<script>"}
        else:
            back["code"] = secrets.token_urlsafe(16)
            self.codes[back["code"]] = query
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def _tokens(self, form: Claims, authorization: str) -> tuple[int, Any]:
        right = base64.b64encode(f"{quote_plus(CLIENT_ID)}:{quote_plus(CLIENT_SECRET)}".encode()).decode()
        posted = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        if authorization != f"Basic {right}" and not posted:
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)  # good once
        if asked is None or form.get("grant_type") != "authorization_code" or not self._pkce_valid(asked, form):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **(self.person or {})}
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": self.sign(self.spoil(claims))}

    @staticmethod
    def _pkce_valid(asked: Claims, form: Claims) -> bool:
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        right = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return form.get("redirect_uri") == asked["redirect_uri"] and right == asked["code_challenge"]


@dataclass
class Browser:
    """Follows redirects by hand and keeps our cookies. `page` are the headers that say from which page it comes."""

    name: str = "corp"
    cookies: dict[str, str] = field(default_factory=dict)
    page: dict[str, str] = field(default_factory=lambda: {"Sec-Fetch-Site": "same-origin"})

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def go(self, path: str) -> Answer:
        answer = call("auth", "agentworks", "GET", path, headers=self.page | ({"Cookie": self.cookie} if self.cookie else {}))
        for set_cookie in answer.headers.get("set-cookie", []):
            assert "; HttpOnly; Secure; SameSite=Lax" in set_cookie
            name, _, value = set_cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def start(self, query: str = "") -> str:
        answer = self.go(f"/auth/oauth/{self.name}{query}")
        assert answer.status == 302, answer.text
        assert answer.text == ""
        return str(answer.header("location"))

    def at_provider(self, address: str) -> str:
        """Sign in there; the address that the browser is sent back to."""
        url = urlsplit(address)
        connection = http.client.HTTPConnection(url.netloc, timeout=5)
        try:
            connection.request("GET", f"{url.path}?{url.query}")
            return str(connection.getresponse().getheader("Location"))
        finally:
            connection.close()

    def back(self, address: str, **other: str) -> Answer:
        assert address.startswith(f"{BASE}/auth/oauth/{self.name}/callback?")
        query = dict(parse_qsl(urlsplit(address).query)) | other
        return self.go(f"/auth/oauth/{self.name}/callback?{urlencode({k: v for k, v in query.items() if v})}")

    def sign_in(self, **other: str) -> Answer:
        return self.back(self.at_provider(self.start()), **other)
