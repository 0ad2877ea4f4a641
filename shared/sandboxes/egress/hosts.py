"""Which addresses a sandbox may ask: https, at hosts of its own list, on the one port of https."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from shared.core.errors import FieldError, Forbidden, Invalid
from shared.core.outbound import is_allowed
from shared.core.web_addresses import parse_host

LOCAL: Final = "localhost:"
"""What an entry for a port of this machine begins with; the local stage alone takes it."""


def allowed_host(url: str, allowed: Sequence[str]) -> str:
    """Return the host of a URL that the list allows. Raises Invalid for what is no such address, and Forbidden for another host."""
    host = parse_host(url)
    if host is None or not url.isascii() or not is_allowed(url):
        raise Invalid(FieldError("url", "Should be an address that begins with https:// and has no user name and no fragment"))
    host, port = host.lower(), urlsplit(url).port
    named = f"{host}:{port}" if f"{host}:" == LOCAL else host
    if f"{host}:" != LOCAL and port not in (None, 443):
        raise Forbidden(f"{host} is asked on port 443 alone")
    if not any(_fits(named, one) for one in allowed):
        raise Forbidden(f"This sandbox may not ask {named}: it is none of its allowed_hosts")
    return named


def _fits(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
