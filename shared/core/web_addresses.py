"""Addresses of web pages that people enter."""

from urllib.parse import urlsplit


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


def is_web_address(url: str) -> bool:
    """Whether a page can safely show this text as a link."""
    return parse_host(url) is not None
