"""Passwords: argon2id with OWASP's parameters (19 MiB, two passes, one lane: 23 ms on a small function)."""

from functools import cache
from typing import TYPE_CHECKING

from shared.core.errors import FieldError, Invalid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_LENGTH = 8  # aintandem and enterprise both say at least 8
MAX_LENGTH = 256
_COMMON = frozenset(
    {
        "password",
        "password1",
        "passw0rd",
        "12345678",
        "123456789",
        "1234567890",
        "qwertyui",
        "qwerty123",
        "iloveyou",
        "letmein1",
        "welcome1",
        "admin123",
        "abc12345",
        "11111111",
        "00000000",
        "changeme",
    }
)


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def check_strength(password: str, field: str = "password") -> None:
    """Raises Invalid (agentworks: PASSWORD_TOO_WEAK) for one that is short, overlong, one repeated character, or on every list."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise _weak(field, f"The password must have {MIN_LENGTH} to {MAX_LENGTH} characters")
    if len(set(password)) < 3 or password.lower() in _COMMON:
        raise _weak(field, "This password is too easy to guess")


def _weak(field: str, message: str) -> Invalid:
    return Invalid(FieldError(field, message), message="Password does not meet requirements", code="password_weak")


def hashed(password: str) -> str:
    result: str = _hasher().hash(password)
    return result


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one; takes as long when there is no hash, so that nobody learns which addresses exist."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        _hasher().verify(password_hash or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@cache
def _nobody() -> str:
    return hashed("nobody has this password")
