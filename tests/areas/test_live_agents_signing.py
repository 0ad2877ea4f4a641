"""Agents that register a key: nobody else keeps them alive."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from tests.areas.driving import Answer, Client
from tests.areas.live_agents_world import message, registered, stored


@pytest.fixture
def ada(world) -> Client:
    return world.ada.at("omoios")


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def jwk(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "n": url64(numbers.n.to_bytes(key.key_size // 8)), "e": url64(numbers.e.to_bytes(3))}


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def send(ada: Client, body: dict[str, Any], signature: str | None) -> Answer:
    headers = {} if signature is None else {"X-Agent-Signature": signature}
    return ada("agents", "POST", f"/agents/{body['agent_id']}/heartbeat", body=body, headers=headers)


def sign(key: rsa.RSAPrivateKey, body: dict[str, Any]) -> bytes:
    return key.sign(json.dumps(body).encode(), padding.PKCS1v15(), SHA256())


def test_a_heartbeat_that_is_signed_counts(ada, key):
    made = registered(ada, public_key=jwk(key) | {"use": "sig", "alg": "RS256"})
    assert made["public_key"] == jwk(key)
    for number, encoded in enumerate((url64, lambda data: base64.b64encode(data).decode()), 1):
        body = message(made["agent_id"], number)
        assert send(ada, body, encoded(sign(key, body))).json["received"] is True
    assert stored(made["agent_id"]).public_key == jwk(key)


def test_whoever_has_not_the_key_does_not_keep_the_agent_alive(ada, key):
    made = registered(ada, public_key=jwk(key))["agent_id"]
    body = message(made, 1)
    other = rsa.generate_private_key(65537, 2048)
    signatures = [
        *(None, "", "not base64!", "AAAA", url64(b"\x00" * 256)),
        url64(sign(other, body)),
        url64(sign(key, message(made, 2))),
        url64(sign(key, body)[:-1]),
    ]
    for signature in signatures:
        refused = send(ada, body, signature)
        assert (refused.status, "X-Agent-Signature" in refused.json["detail"]) == (400, True), signature
    assert ada("agents", "GET", f"/agents/{made}").json["last_heartbeat"] is None
    assert send(ada, body, "x" * 2_000).status == 422


def test_an_agent_without_a_key_needs_no_signature(ada, key):
    made = registered(ada)
    assert made["public_key"] is None
    body = message(made["agent_id"], 1)
    assert send(ada, body, url64(sign(key, body))).json["received"] is True


@pytest.mark.parametrize(
    "wrong",
    [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "n": "é" * 400, "e": "AQAB"},
        {"kty": "RSA", "n": "A" * 342, "e": "AQAB"},
        {"kty": "RSA", "n": "w" * 342, "e": "AQ"},
        {"kty": "EC", "n": "w" * 342, "e": "AQAB"},
        {"kty": "RSA", "n": "w" * 2_000, "e": "AQAB"},
        {"kty": "RSA", "n": 5, "e": "AQAB"},
        "a key",
    ],
)
def test_what_is_no_key_is_refused(ada, wrong):
    answer = ada("agents", "POST", "/agents/register", body={"agent_type": "worker", "capabilities": [], "public_key": wrong})
    assert answer.status == 422, answer.text
    assert answer.json["error"]["details"][0]["field"].startswith("public_key")
