"""What an operation costs in round trips, access included: exactly, so that a trip more is a decision and not an accident.

The cards', boards', runs' and projects' own tests hold theirs; here is what a client calls first.
"""

import pytest

from tests.areas.driving import Client, call, sign_up
from tests.trips import trips

ADDRESS, PASSWORD = "ada@example.com", "correct horse"


@pytest.fixture
def ada(aws) -> Client:
    client = sign_up("Ada", ADDRESS, PASSWORD)
    client("auth", "GET", "/auth/me")  # the rate window has begun
    return client


def test_a_login(ada):
    body = {"email": ADDRESS, "password": PASSWORD}
    assert call("auth", "agentworks", "POST", "/auth/login", body=body).status == 200  # the windows have begun
    with trips() as seen:
        assert call("auth", "agentworks", "POST", "/auth/login", body=body).status == 200
    # the rate limit; the address; the user; guesses from here and from everywhere; the organization; the session; the workspaces
    assert seen.names == ["UpdateItem", *["GetItem"] * 2, *["UpdateItem"] * 2, "GetItem", "TransactWriteItems", "BatchGetItem"]


def test_a_registration(ada):
    body = {"name": "Bea", "email": "bea@example.com", "password": PASSWORD}
    with trips() as seen:
        assert call("auth", "agentworks", "POST", "/auth/register", body=body).status == 201
    assert seen.names == ["UpdateItem", "TransactWriteItems"]


@pytest.mark.parametrize(
    ("area", "path", "names"),
    [("auth", "/auth/me", ["UpdateItem", "GetItem"]), ("workspaces", "/workspaces", ["UpdateItem", "BatchGetItem"])],
)
def test_what_a_page_starts_with(ada, area, path, names):
    with trips() as seen:
        assert ada(area, "GET", path).status == 200
    assert seen.names == names
