"""E-mail addresses: when two are the same."""

import unicodedata
from contextlib import suppress


def normal_email(email: str) -> str:
    """Return the one spelling of an address: lower case, composed characters, an international domain in Unicode (RFC 5891)."""
    local, _, domain = unicodedata.normalize("NFC", email.strip()).rpartition("@")
    if not domain.isascii() or "xn--" in domain.lower():
        with suppress(UnicodeError):  # no domain that a mail server could have: the address is only looked up
            domain = domain.lower().encode("idna").decode("idna")
    return f"{local}@{domain}".lower()
