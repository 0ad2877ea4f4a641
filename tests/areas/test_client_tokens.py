"""Tokens of OAuth clients: RS256 by a KMS key, bound to the id of the key."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.core.actor import Role
from shared.core.keys import key_for
from shared.people.access import client_signing, tokens
from shared.people.access.tokens import Grant
from tests.areas.driving import Client, sign_up
from tests.client_key import make, use, use_client_key
from tests.trips import count_requests

SCOPES = ("projects:read", "organizations:admin")


@pytest.fixture
def ada(aws) -> Client:
    use_client_key()
    return sign_up()


def parts(token: str) -> list[dict[str, Any]]:
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def issue(ada: Client, *scopes: str) -> str:
    """A token for a client, in Ada's own session."""
    _, claims = parts(str(ada.token))
    return tokens.issue(
        user_id=claims["sub"],
        org_id=claims["org"],
        email=claims["email"],
        role=Role.OWNER,
        session_id=claims["sid"],
        contract="enterprise",
        plan="free",
        client=Grant("client-1", scopes or SCOPES),
    )


def status(token: str) -> int:
    return Client("enterprise", token)("auth", "GET", "/api-keys").status


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def with_header(token: str, **changed: Any) -> str:
    header, claims = parts(token)
    header = {name: value for name, value in (header | changed).items() if value is not None}
    return ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))


def test_a_client_gets_the_claims_of_the_document_within_its_scopes(ada):
    header, claims = parts(issue(ada))
    _, own = parts(str(ada.token))
    assert (header["alg"], header["kid"] in use_client_key()) == ("RS256", True)
    assert claims.keys() == own.keys() | {"client_id", "scope"}
    assert claims["permissions"] == ["organizations:admin", "projects:read"]
    assert (claims["client_id"], claims["scope"]) == ("client-1", "projects:read organizations:admin")


def test_a_token_is_good_where_its_scope_is(ada):
    assert (status(issue(ada)), status(issue(ada, "projects:read"))) == (200, 403)
    changed = Client("agentworks", issue(ada))("auth", "PUT", "/auth/me", body={"name": "Eve"})
    assert changed.status == 403


def test_anybody_verifies_a_token_by_the_published_key(ada):
    token = issue(ada)
    published = jwt.PyJWKSet.from_dict({"keys": client_signing.public_keys()})
    kid = parts(token)[0]["kid"]
    claims = jwt.decode(token, published[kid].key, algorithms=["RS256"])
    assert claims["sub"] == ada.user["id"]


def test_a_person_logs_in_with_hs256_and_no_key_id(ada):
    assert parts(str(ada.token))[0] == {"alg": "HS256", "typ": "JWT"}


def test_a_public_key_is_no_secret_of_an_hmac(ada):
    """Algorithm confusion: signed with HS256 by what everybody knows of the RSA key, in every form in which somebody may hold it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    token, jwk = issue(ada), client_signing.public_keys()[0]
    number = int.from_bytes(base64.urlsafe_b64decode(jwk["n"] + "=="))
    key = rsa.RSAPublicNumbers(65537, number).public_key()
    forms = [key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo) for encoding in (Encoding.DER, Encoding.PEM)]
    for secret in (*forms, json.dumps(jwk).encode(), jwk["n"].encode(), number.to_bytes(256)):
        for kid in (jwk["kid"], None):
            text = with_header(token, alg="HS256", kid=kid)
            assert status(f"{text}.{encoded(hmac.digest(secret, text.encode(), hashlib.sha256))}") == 401


@pytest.mark.parametrize(
    "changed", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "RS512"}, {"alg": "ES256"}, {"kid": None}, {"kid": "other"}]
)
def test_a_header_chooses_nothing(ada, changed):
    token = issue(ada)
    assert status(f"{with_header(token, **changed)}.{token.rpartition('.')[2]}") == 401
    assert status(f"{with_header(token, **changed)}.") == 401


def test_our_own_secret_signs_no_token_of_a_client(ada):
    """One that names the RSA key is only good by that key, whoever knows the other one."""
    header, claims = parts(issue(ada))
    assert status(jwt.encode(claims, key_for("tokens"), algorithm="HS256", headers={"kid": header["kid"]})) == 401


def test_another_key_signs_nothing(ada):
    header, claims = parts(issue(ada))
    private = rsa.generate_private_key(65537, 2048)
    for kid in (header["kid"], "0190a0a0-0000-7000-8000-000000000000"):
        assert status(jwt.encode(claims, private, algorithm="RS256", headers={"kid": kid})) == 401


def test_a_new_key_leaves_the_tokens_of_the_one_before(ada):
    old = issue(ada)
    try:
        use(make())
        new = issue(ada)
        client_signing.forget()
        assert [status(old), status(new)] == [200, 200]
        assert [one["kid"] for one in client_signing.public_keys()] == [parts(new)[0]["kid"], parts(old)[0]["kid"]]
        use(make())
        issue(ada)
        assert [status(old), status(new)] == [401, 200]
    finally:
        use_client_key()


def test_a_process_reads_the_key_once(ada):
    token = issue(ada)
    assert status(token) == 200  # the lease is taken
    client_signing.forget()
    names = []
    for _ in range(2):
        with count_requests() as seen:
            assert status(token) == 200
        names.append(seen.names)
    assert (len(names[0]) - len(names[1]), names[0][0]) == (1, "GetItem")


def test_an_unknown_key_id_costs_one_read_a_second_at_most(ada):
    token = issue(ada)
    forged = f"{with_header(token, kid='other')}.{token.rpartition('.')[2]}"
    client_signing.forget()
    with count_requests() as seen:
        assert {status(forged) for _ in range(5)} == {401}
    assert seen.names in (["GetItem"], ["GetItem"] * 2)  # two, if a second has passed meanwhile
