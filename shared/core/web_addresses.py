"""Addresses of web pages that people enter."""

from urllib.parse import urlsplit

EXPECTED = "An address that begins with https:// or http:// and names a host"
"""The message for any other text."""


def parse_host(url: str) -> str | None:
    """Return the host of an http(s) URL that a page can safely show as a link; None for any other text."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    unsafe = any(character.isspace() or not character.isprintable() for character in url)
    if parts.scheme.lower() not in ("http", "https") or parts.username is not None or unsafe:
        return None
    return host
