"""E-mail addresses: when two are the same."""

import unicodedata
from contextlib import suppress

MAX_BYTES = 254  # RFC 5321, and the limit of email_validator


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
    """Return the one spelling of an address: lower case, composed characters, an international domain in Unicode (RFC 5891)."""
    local, _, domain = unicodedata.normalize("NFC", email.strip()).rpartition("@")
    if not domain.isascii() or "xn--" in domain.lower():
        with suppress(UnicodeError):  # no domain that a mail server could have: the address is only looked up
            domain = domain.lower().encode("idna").decode("idna")
    return f"{local}@{domain}".lower()


def mailbox_of(email: str) -> str:
    """Return the address without what follows a `+`: such variants of an address arrive in one mailbox."""
    local, _, domain = normal_email(email).rpartition("@")
    if not local.startswith('"'):
        local = local.partition("+")[0]
    return f"{local}@{domain}"
