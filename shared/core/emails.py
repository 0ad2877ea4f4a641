"""E-mail addresses: when two are the same."""

import re
import unicodedata
from contextlib import suppress
from typing import Final

MAX_BYTES = 254  # RFC 5321, and the limit of email_validator
_GMAIL: Final = ("gmail.com", "googlemail.com")
_ATOM: Final = r"(?:[^\x00-\x7f]|[\w!#$%&'*+/=?^`{|}~-])+"  # RFC 5322, 3.2.3, with RFC 6532
_DOT_ATOM: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*", re.ASCII)
_ESCAPED: Final = re.compile(r"\\(.)")
_ESCAPES: Final = re.compile(r'["\\]')


def is_email(email: str) -> bool:
    """Tell whether a text is an address that mail can be sent to."""
    import email_validator  # imported here, because it takes 48 ms of CPU, most of it for regular expressions

    # Reserved domains (`.test`, `.local`, `.localhost`, ...) are allowed: company networks, laptops and tests use them, and no domain
    # is looked up. The list is part of the library's API.
    email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()
    try:
        email_validator.validate_email(email, check_deliverability=False, allow_quoted_local=True)
    except email_validator.EmailNotValidError:
        return False
    return True


def normal_email(email: str) -> str:
    """Return the one spelling of an address: lower case, composed characters, no quotes that are not needed (RFC 5321, 4.1.2), an
    international domain in Unicode (RFC 5891)."""
    local, _, domain = unicodedata.normalize("NFC", email.strip()).rpartition("@")
    if not domain.isascii() or "xn--" in domain.lower():
        with suppress(UnicodeError):  # no domain that a mail server could have: the address is only looked up
            domain = _unicode_domain(domain)
    return f"{_plain_local(local)}@{domain}".lower()


def mailbox_of(email: str) -> str:
    """Return what all variants of an address have in common that arrive in one mailbox: without what follows a `+`, and without the
    dots that Gmail does not read."""
    local, _, domain = normal_email(email).rpartition("@")
    local = local.removeprefix('"').removesuffix('"').partition("+")[0]
    if domain in _GMAIL:
        local, domain = local.replace(".", ""), _GMAIL[0]
    return f"{local}@{domain}"


def with_ascii_domain(email: str) -> str:
    """Return an address with its domain as mail servers know it (RFC 5891); unchanged if no server could."""
    import idna

    local, _, domain = email.rpartition("@")
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}" if not domain.isascii() else email
    except idna.IDNAError:
        return email


def _unicode_domain(domain: str) -> str:
    """Return a domain in Unicode. Raises UnicodeError for one that cannot be.

    Not by Python's own codec, which has the standard of 2003: it takes `stra\u00dfe.example` for `strasse.example`, a stranger's domain.
    """
    import idna  # imported here, because few addresses need it: 5 ms

    return idna.decode(idna.encode(domain, uts46=True))


def _plain_local(local: str) -> str:
    """Return the part before the @ with quotes and backslashes only where it needs them: `"ada"` is `ada`."""
    if not (len(local) > 2 and local.startswith('"') and local.endswith('"')):
        return local
    text = _ESCAPED.sub(r"\1", local[1:-1])
    return text if _DOT_ATOM.fullmatch(text) else '"' + _ESCAPES.sub(r"\\\g<0>", text) + '"'
