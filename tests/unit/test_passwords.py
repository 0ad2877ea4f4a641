"""What a password must not be, and what is kept of it."""

import importlib.util

import pytest

from shared.core.errors import Invalid
from shared.core.situations import Situation
from shared.people.identity import passwords
from shared.people.identity.passwords import check_strength

ADA = ("ada.lovelace@example.com", "Ada Byron King")


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 257,
        "aaaaaaaaaa",
        "abababab",
        "abcdabcd",
        "12345678",
        "1234567890",
        "87654321",
        "qwertyuiop",
        "qwerty123",
        "abcdefgh",
        "password",
        "Password1!",
        "p4ssw0rd",
        "P@ssw0rd2026",
        "!!welcome!!",
        "iloveyou",
        "letmein1",
        "admin123",
        "changeme",
        "2026-11-26",
        "trustno1",
        "cadre2026",
    ],
)
def test_too_weak(password):
    with pytest.raises(Invalid) as refused:
        check_strength(password)
    assert refused.value.situation is Situation.PASSWORD_WEAK
    assert refused.value.fields[0].value is None


@pytest.mark.parametrize("password", ["Lovelace-rules", "my-ADA.LOVELACE", "xx byron yy", "Lovelace1815"])
def test_made_of_what_is_known_of_its_owner(password):
    check_strength(password)
    with pytest.raises(Invalid) as refused:
        check_strength(password, "newPassword", ADA)
    assert refused.value.fields[0].field == "newPassword"


@pytest.mark.parametrize(
    "password", ["correct horse", "battery staple", "Tr0ub4dor&3", "adagio 17 kings?", "пароль-не-простой", "x7#kQ!zP"]
)
def test_good(password):
    check_strength(password, personal=("ada@example.com", "Ada Li"))


def test_what_ships_is_argon2id_as_owasp_asks_for_it():
    """The module as it comes from the disk: the tests' own asks for less (tests/conftest.py)."""
    spec = importlib.util.spec_from_file_location("passwords_as_shipped", passwords.__file__)
    shipped = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shipped)
    kept = shipped.hash_password("correct horse")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert shipped.matches(kept, "correct horse")
    assert not shipped.matches(kept, "correct house")
