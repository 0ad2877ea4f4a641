"""Log in by the platform's OAuth server: authorization code with PKCE, and a browser that comes back to this machine (RFC 8252)."""

import base64
import hashlib
import json
import secrets
import time
import webbrowser
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import httpx2

import ai_agents
from ai_agents import errors
from cadre_cli.loopback import Loopback
from cadre_cli.problems import CommandError, Usage
from cadre_cli.profiles import Profile

CLIENT_ID = "cadre-cli"
"""Every platform knows this client."""
API = "/enterprise/v1"
_DESCRIPTION = "/.well-known/oauth-authorization-server"
_PATIENCE = 300.0  # seconds for which the browser is waited for


def log_in(
    url: str, *, scopes: Sequence[str], port: int, browser: bool, say: Callable[[str], None], patience: float = _PATIENCE
) -> Profile:
    """Return the login of whoever allows it in the browser. Raises CommandError."""
    described = _describe(url)
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    with _listen(state, port) as loopback:
        query = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": loopback.address,
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        } | ({"scope": " ".join(scopes)} if scopes else {})
        address = f"{described['authorization_endpoint']}?{urlencode(query)}"
        _show(address, browser=browser, say=say)
        answer = loopback.wait(patience)
    _check(answer, described["issuer"])
    with ai_agents.Client(base_url=url + API) as client:
        given = client.oauth.token(
            grant_type="authorization_code",
            code=answer["code"],
            redirect_uri=loopback.address,
            client_id=CLIENT_ID,
            code_verifier=verifier,
        )
    claims = claims_of(given.access_token)
    return Profile(
        url=url,
        email=claims["email"],
        organization=claims["org"],
        access_token=given.access_token,
        refresh_token=given.refresh_token or "",
        expires_at=time.time() + given.expires_in,
    )


def log_out(profile: Profile) -> None:
    """End the login at the platform (RFC 7009)."""
    with ai_agents.Client(base_url=profile.url + API) as client:
        client.oauth.revoke(token=profile.refresh_token, client_id=CLIENT_ID)


def claims_of(token: str) -> dict[str, Any]:
    """Return what a token of ours says of itself. Nothing is decided by it: the platform verifies it at each request."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _describe(url: str) -> dict[str, str]:
    """Return the platform's description of its authorization server (RFC 8414)."""
    try:
        answer = httpx2.get(url + _DESCRIPTION, timeout=30)
        described: dict[str, str] = answer.raise_for_status().json()
        return {name: described[name] for name in ("issuer", "authorization_endpoint")}
    except httpx2.TransportError as error:
        raise errors.APIConnectionError(f"{url} cannot be reached: {error}") from None
    except (httpx2.HTTPStatusError, ValueError, KeyError, TypeError):
        raise Usage(f"{url} is no Cadre platform: it does not say how to log in") from None


def _listen(state: str, port: int) -> Loopback:
    try:
        return Loopback(state, port)
    except OSError as error:
        raise Usage(f"Port {port} of this machine cannot be used: {error.strerror}") from None


def _show(address: str, *, browser: bool, say: Callable[[str], None]) -> None:
    if browser and webbrowser.open(address):
        say(f"Your browser shows where to log in. If it does not, open:\n{address}")
    else:
        say(f"Open this address in a browser on this machine:\n{address}")


def _check(answer: dict[str, str], issuer: str) -> None:
    if not answer:
        raise CommandError("Nobody has logged in within five minutes")
    if answer.get("iss") != issuer:  # RFC 9207: another server's answer
        raise CommandError(f"The answer is not of {issuer}")
    if "code" not in answer:
        raise CommandError(answer.get("error_description") or f"The login was refused ({answer.get('error', 'no code')})")


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
