"""The pages on which a person signs in and allows a client something: plain HTML, without a script."""

from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

SCOPE_WORDS: Mapping[str, str] = {
    "read": "see",
    "write": "make and change",
    "delete": "delete",
    "admin": "administer",
    "execute": "run",
    "approve": "approve",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:28rem;margin:3rem auto;padding:0 1rem;color:#1a1a2e;background:#fff}"
    "h1{font-size:1.3rem}label{display:block;margin:.8rem 0}select{font:inherit}"
    "input[type=email],input[type=password]{width:100%;padding:.5rem;font:inherit;box-sizing:border-box}"
    "button{font:inherit;padding:.5rem 1.2rem;margin:.8rem .6rem 0 0}"
    ".error{color:#a4001d}small{color:#555}"
)


def _page(title: str, body: str, status: int = 200, goes_to: str = "") -> HTMLResponse:
    """A page that nobody may frame, that loads nothing and sends its form only here; from here the browser may go to `goes_to`."""
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {goes_to}"
    )
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    headers = {"Content-Security-Policy": policy.strip(), "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff"}
    return HTMLResponse(html, status, headers)


def _form(query: str, proof: str, fields: str) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in (("request", query), ("proof", proof))
    )
    return f'<form method="post" action="authorize">{hidden}{fields}</form>'


def sign_in_page(query: str, proof: str, client: str, error: str = "", status: int = 200) -> HTMLResponse:
    said = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    fields = (
        f"<p>{escape(client)} asks for access to your account. Sign in first.</p>{said}"
        '<label>E-mail<input type="email" name="email" autocomplete="username" required autofocus></label>'
        '<label>Password<input type="password" name="password" autocomplete="current-password" required></label>'
        '<button name="action" value="sign_in">Sign in</button>'
        '<button name="action" value="deny" formnovalidate>Cancel</button>'
    )
    return _page("Sign in to Cadre", _form(query, proof, fields), status)


def consent_page(
    query: str, proof: str, client: str, redirect_uri: str, scopes: Iterable[str], email: str, organizations: Mapping[str, str]
) -> HTMLResponse:
    listed = "".join(f"<li>{escape(_words(scope))} <small>{escape(scope)}</small></li>" for scope in scopes)
    fields = (
        f"<p><strong>{escape(client)}</strong> asks to act for you, {escape(email)}, in {_choice(organizations)}. It could:</p>"
        f"<ul>{listed}</ul><p>It never may more than you. You then return to <strong>{escape(_place(redirect_uri))}</strong>.</p>"
        '<button name="action" value="allow">Allow</button><button name="action" value="deny">Deny</button>'
        '<button name="action" value="other">Use another account</button>'
    )
    return _page(f"Allow {client}?", _form(query, proof, fields), goes_to=_origin(redirect_uri))


def _choice(organizations: Mapping[str, str]) -> str:
    """The name of the only organization, or a list to choose from."""
    if len(organizations) == 1:
        return f"<strong>{escape(next(iter(organizations.values())))}</strong>"
    options = "".join(f'<option value="{escape(org_id)}">{escape(name)}</option>' for org_id, name in organizations.items())
    return f'<select name="organization" aria-label="Organization">{options}</select>'


def error_page(message: str, status: int = 400) -> HTMLResponse:
    return _page("This does not work", f'<p class="error" role="alert">{escape(message)}</p>', status)


def _words(scope: str) -> str:
    area, _, verb = scope.partition(":")
    return f"{SCOPE_WORDS[verb]} {area}".capitalize()


def _place(address: str) -> str:
    parts = urlsplit(address)
    return parts.hostname or f"a program on this device ({parts.scheme})"


def _origin(address: str) -> str:
    """The source of a redirect address as a content security policy names it: browsers check it also after a form."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
