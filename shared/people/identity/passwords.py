"""Passwords: strength rules, and hashes by argon2id with OWASP's parameters (19 MiB, two passes, one lane: 23 ms on a small
function)."""

import re
import string
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from shared.core.errors import FieldError, Invalid
from shared.core.situations import Situation
from shared.core.texts import normal

if TYPE_CHECKING:
    from argon2 import PasswordHasher

PASSES, MEMORY_KIB = 2, 19_456  # cost of a hash; tests use less, and one test checks that these values ship
MIN_LENGTH = 8  # aintandem and enterprise both require at least 8
MAX_LENGTH = 256
_COMMON = frozenset(
    """
    password passphrase passcode admin administrator root user guest login welcome letmein iloveyou sunshine princess football
    baseball basketball superman batman spiderman pokemon starwars dragon monkey shadow master michael jennifer jordan charlie
    freedom whatever trustno changeme secret default access hello flower cheese computer internet samsung google facebook
    liverpool chelsea arsenal barcelona summer winter spring autumn monday friday january december qazwsx qweasd zxcvbn asdfgh
    qwerty qwertz azerty test temp demo sample cadre agentworks
    """.split()  # noqa: SIM905 - seventy words are easier to read as one text
)
"""Words that every list of leaked passwords begins with. Digits and signs around them, or in place of their letters (0 for o), do
not make them harder to guess."""
_SEQUENCES = (
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "qazwsxedcrfv",
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
)
_LETTER_SUBSTITUTES = str.maketrans("0134578@$!", "oleastbasi")
_MIN_PART_LENGTH = 4  # characters of a part of a name or address; shorter parts occur in many passwords


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)


def check_strength(password: str, field: str = "password", personal: Sequence[str] = ()) -> None:
    """Raise Invalid (agentworks: PASSWORD_TOO_WEAK) for a password that is too short, too long, easy to guess, or contains a part
    of `personal` (e-mail address, name)."""
    password = normal(password)
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise _weak_password(field, f"The password must have {MIN_LENGTH} to {MAX_LENGTH} characters")
    if _is_guessable(password):
        raise _weak_password(field, "This password is too easy to guess")
    lowered = password.lower()
    if any(part in lowered for known in personal for part in _parts(normal(known))):
        raise _weak_password(field, "The password must not contain your name or e-mail address")


def _is_guessable(password: str) -> bool:
    """Tell whether a password repeats a few characters, follows the alphabet or the keyboard, or is a common word with simple
    substitutes."""
    lowered = password.lower()
    sizes = [size for size in (1, 2, 3, 4) if len(lowered) % size == 0]
    if len(set(lowered)) < 4 or any(lowered == lowered[:size] * (len(lowered) // size) for size in sizes):
        return True
    if any(lowered in run * 2 or lowered[::-1] in run * 2 for run in _SEQUENCES):
        return True
    stripped = {
        lowered.strip(_PADDING),
        lowered.translate(_LETTER_SUBSTITUTES).strip(_PADDING),
        lowered.strip(_PADDING).translate(_LETTER_SUBSTITUTES),
    }
    return any(not word or word in _COMMON or any(len(word) > 3 and word in run for run in _SEQUENCES) for word in stripped)


_PADDING = string.digits + string.punctuation + string.whitespace


def _parts(known: str) -> set[str]:
    """Return the words of a name, or of an address before its @, that are long enough to be forbidden."""
    whole = known.lower().partition("@")[0]
    return {part for part in (whole, *re.split(r"[^\w]+|_", whole)) if len(part) >= _MIN_PART_LENGTH}


def _weak_password(field: str, message: str) -> Invalid:
    return Invalid(FieldError(field, message), situation=Situation.PASSWORD_WEAK)


def hash_password(password: str) -> str:
    result: str = _hasher().hash(normal(password))
    return result


def matches(password_hash: str | None, password: str) -> bool:
    """Tell whether the password is right, also against a hash of before, made of the password as it was typed.

    Takes as long without a hash, so that response times do not reveal which addresses exist.
    """
    forms = dict.fromkeys((normal(password), password))  # one form, unless a keyboard wrote letters and accents apart
    return any(_is_hash_of(password_hash or _dummy_hash(), form) for form in forms) and password_hash is not None


def _is_hash_of(password_hash: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return bool(_hasher().verify(password_hash, password))
    except (VerificationError, InvalidHashError):
        return False


@cache
def _dummy_hash() -> str:
    return hash_password("nobody has this password")
