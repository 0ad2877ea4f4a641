"""RSA signatures: NIST's vectors (what they are and where they come from stands in the file), and keys that cannot be one."""

import base64
import json
from collections import Counter
from pathlib import Path

import pytest

from shared.core.rsa import Rsa, jws

_FILE = json.loads((Path(__file__).parents[1] / "data" / "rsa_pkcs1_v15.json").read_text())
VECTORS, MODULI = _FILE["vectors"], [int(one, 16) for one in _FILE["moduli"]]


def test_every_vector_of_nist_is_judged_as_nist_does():
    for vector in VECTORS:
        key = MODULI[vector["key"]], int(vector["e"], 16)
        algorithm = jws().get_algorithm_by_name(vector["alg"])
        is_good = algorithm.verify(bytes.fromhex(vector["msg"]), key, bytes.fromhex(vector["sig"]))
        assert is_good is vector["result"].startswith("P"), vector["result"]
    assert Counter(vector["result"][0] for vector in VECTORS) == {"P": 9, "F": 45}


def _text(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "odd",
    [
        {"n": _text(1 << 2047)},
        {"e": _text(65536)},
        {"n": _text((1 << 1023) + 1)},
        {"n": None},
        {"n": "é"},
        {"e": _text(1)},
        {"kty": "EC"},
    ],
)
def test_a_key_that_cannot_be_one_is_none(odd):
    good = {"kty": "RSA", "n": _text(MODULI[0]), "e": _text(65537)}
    assert Rsa.from_jwk(good)
    with pytest.raises(ValueError, match=r"RSA|base64url|ASCII"):
        Rsa.from_jwk(good | odd)
