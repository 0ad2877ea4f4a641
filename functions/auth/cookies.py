"""Cookies of this host. Several contracts set the session cookie of agentworks, because a browser has one session."""

from shared.edge.contracts.agentworks import AGENTWORKS
from shared.edge.http.call import Call
from shared.people.identity import sessions


def set_cookie(call: Call, name: str, value: str, seconds: int) -> None:
    """Set a cookie. It is Lax, so that browsers send it when a provider redirects them back."""
    call.headers.append(("Set-Cookie", f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Lax"))


def set_session_cookie(call: Call, tokens: sessions.Tokens) -> None:
    set_cookie(call, AGENTWORKS.cookie, tokens.cookie, tokens.session_seconds)
