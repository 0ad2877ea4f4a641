"""Access is decided by a row that is read together with the first rows of a request: what that must never let through.

A process holds a lease of the caller's requests here, so that nothing is asked of the access record before the first read.
"""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from mangum import Mangum
from starlette.responses import StreamingResponse

from shared.core import clock
from shared.core.actor import Permission, Role
from shared.core.errors import CadreError
from shared.edge.contracts import contract as contract_named
from shared.edge.contracts.base import Shape
from shared.edge.http.application import application
from shared.edge.http.call import Caller
from shared.edge.http.event import RestEvent
from shared.edge.http.routing import Routes
from shared.people.access import records, tokens
from shared.people.access.records import Access
from shared.people.tenancy.members import remove_member
from shared.store import delete, load, read_ahead, update, write
from shared.store.client import the_client
from shared.work.items.rows import Item
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Answer, Client, Context, call, confirm_address, event
from tests.kills import READS, WRITES, Process, refused
from tests.trips import count_requests, is_beside


def end_session(client: Client) -> None:
    """Somebody logs out elsewhere: in another process."""
    claims = tokens.read(client.token, tokens.ACCESS)
    write(records.close_session(claims.user_id, claims.session_id))


def served(client: Client) -> None:
    """The process has a lease of this caller's requests."""
    assert client("auth", "GET", "/auth/me").status == 200


@pytest.fixture
def bob(world: World) -> Client:
    client = world.join("Bob", "bob@example.com", Role.MEMBER)
    served(client)
    return client


@pytest.fixture
def ended(bob: Client) -> Client:
    """Bob with a token whose session has ended."""
    end_session(bob)
    return bob


# -- what ends, ends at the very next request


def logout(world: World, bob: Client) -> None:
    end_session(bob)


def deleted_account(world: World, bob: Client) -> None:
    pk, sk = records.access_key(bob.user["id"])
    write(delete(Access(pk=pk, sk=sk)))


def removal(world: World, bob: Client) -> None:
    remove_member(world.actor, world.ws_id, bob.user["id"])


def demotion(world: World, bob: Client) -> None:
    write(records.grant_workspace(bob.user["id"], world.ws_id, Role.VIEWER))


@pytest.mark.parametrize(
    ("happens", "read", "written"), [(logout, 401, 401), (deleted_account, 401, 401), (removal, 404, 404), (demotion, 200, 403)]
)
def test_what_ends_bites_at_the_very_next_request(world, bob, happens: Callable[..., None], read, written):
    card = f"/cards/{world.card().id}"
    assert bob("cards", "PUT", card, body={"title": "Bob was here"}).status == 200
    happens(world, bob)
    assert [bob("cards", "PUT", card, body={"title": "And again"}).status, bob("cards", "GET", card).status] == [written, read]
    assert world.ada("cards", "GET", card).json["title"] == "Bob was here"


def test_a_request_costs_no_trip_of_its_own_for_access(world, bob):
    card = f"/cards/{world.card().id}"
    with count_requests() as seen:
        assert bob("cards", "PUT", card, body={"title": "New"}).status == 200
    assert seen.names == ["BatchGetItem", "TransactWriteItems"]


# -- nothing is shown before


@pytest.mark.parametrize(
    ("method", "path", "body", "headers"),
    [
        ("PUT", "/cards/{card}", {"title": 7}, {}),
        ("PUT", "/cards/{card}", "{not json", {}),
        ("PUT", "/cards/{card}", "title", {"Content-Type": "text/plain"}),
        ("GET", "/cards/none", None, {}),
        ("GET", "/boards/{board}/cards?limit=-1", None, {}),
        ("POST", "/boards/{board}/cards", {"title": "T"}, {"Idempotency-Key": ""}),
    ],
)
def test_a_refused_caller_is_told_nothing_else(world, bob, method, path, body, headers):
    path = path.format(card=world.card().id, board=world.board.id)
    assert 400 <= bob("cards", method, path, body=body, headers=headers).status < 500
    end_session(bob)
    answer = bob("cards", method, path, body=body, headers=headers)
    assert (answer.status, answer.json["error"]["code"]) == (401, "AUTH_TOKEN_INVALID")


def test_an_idempotency_key_is_not_claimed(world, ended):
    body = {"laneId": world.lanes[0].id, "title": "T", "type": "task"}
    headers = {"Idempotency-Key": "once"}
    with Process(None) as process:
        assert ended("cards", "POST", f"/boards/{world.board.id}/cards", body=body, headers=headers).status == 401
    assert process.names == []


def test_an_ended_session_uses_none_of_its_owners_requests(world, bob):
    def left() -> int:
        return int(world.ada("auth", "GET", "/auth/me").header("X-RateLimit-Remaining"))

    stolen = Client(token=world.ada.token)
    fresh = world.ada("auth", "POST", "/auth/login", body={"email": world.ada.user["email"], "password": "correct horse"})
    end_session(stolen)
    world.ada.token = fresh.json["token"]
    before = left()
    assert [stolen("auth", "GET", "/auth/me").status for _ in range(5)] == [401] * 5
    assert left() == before - 1


def rate_headers(answer: Answer) -> dict[str, list[str]]:
    return {name: value for name, value in answer.headers.items() if "ratelimit" in name}


@pytest.mark.parametrize(("contract", "area", "path"), [("agentworks", "auth", "/auth/me"), ("omoios", "auth", "/auth/me")])
def test_an_ended_session_is_not_told_how_much_its_owner_asks(bob, contract, area, path):
    """Whether or not this process holds a lease of the owner's requests."""
    client = bob.at(contract)
    assert rate_headers(client(area, "GET", path))
    end_session(bob)
    with_lease = client(area, "GET", path)
    assert (with_lease.status, rate_headers(with_lease)) == (401, {})


def test_an_expired_session_uses_none_of_its_owners_requests(world):
    """Not even if its request is the one for which this process takes a lease."""
    bob = world.join("Bob", "bob@example.com", Role.MEMBER)
    fresh = call("auth", "agentworks", "POST", "/auth/login", body={"email": "bob@example.com", "password": "correct horse"})
    claims = tokens.read(bob.token, tokens.ACCESS)
    pk, sk = records.access_key(claims.user_id)
    write(update(Access(pk=pk, sk=sk), [Access.sessions[claims.session_id].set(clock.epoch() - 1)]))
    assert [bob("auth", "GET", "/auth/me").status for _ in range(3)] == [401] * 3
    answer = Client(token=fresh.json["token"])("auth", "GET", "/auth/me")
    assert (answer.status, answer.header("X-RateLimit-Remaining")) == (200, "999")


# -- routes made for the purpose


class Found(Shape):
    title: str


def ask(client: Client, path: str) -> Answer:
    """Ask a route that does what no service may do."""
    routes = Routes(contract_named("agentworks"), "things")

    @routes.get("/swallowed/{card}", "things.swallowed", permission=Permission.CARD_READ)
    async def swallowed(card: str, caller: Caller) -> Found:
        """It takes every error of the store for an answer."""
        try:
            return Found(title=load(Item, card, caller).title)
        except CadreError:
            return Found(title="nothing was found")

    @routes.get("/ahead/{card}", "things.ahead", permission=Permission.CARD_READ)
    async def ahead(card: str, caller: Caller) -> Found:
        """It uses what it read ahead and asks nobody."""
        return Found(title=read_ahead(lambda: "a secret").result())

    @routes.get("/untouched", "things.untouched", permission=Permission.CARD_READ)
    async def untouched(caller: Caller) -> Found:
        """It reads nothing at all."""
        return Found(title="fixed")

    @routes.get("/crash", "things.crash", permission=Permission.CARD_READ)
    async def crash(caller: Caller) -> Found:
        """It has a bug."""
        raise ZeroDivisionError

    @routes.get("/stream", "things.stream", permission=Permission.CARD_READ, media="text/csv")
    async def stream(caller: Caller) -> StreamingResponse:
        """It answers in parts."""
        return StreamingResponse(iter(["a;", "b"]), media_type="text/csv")

    contract = contract_named("agentworks")
    app = application(contract, routes.operations)
    handler = Mangum(app, lifespan="off", api_gateway_base_path=contract.base, custom_handlers=[RestEvent])
    got = handler(event("agentworks", "GET", path, headers={"Authorization": f"Bearer {client.token}"}), Context())
    return Answer(got["statusCode"], {}, got["body"].encode())


@pytest.mark.parametrize(
    ("path", "usual"),
    [("/swallowed/{card}", 200), ("/ahead/{card}", 200), ("/untouched", 200), ("/crash", 500), ("/stream", 200)],
)
def test_no_way_around_the_decision(world, bob, path, usual):
    path = path.format(card=world.card().id)
    assert ask(bob, path).status == usual
    end_session(bob)
    answer = ask(bob, path)
    assert (answer.status, answer.json["error"]["code"]) == (401, "AUTH_TOKEN_INVALID")


# -- the read of the decision fails


@pytest.mark.parametrize(
    ("area", "path"),
    [("cards", "/cards/{card}"), ("auth", "/auth/me"), ("workspaces", "/workspaces"), ("usage", "/workspaces/{ws}/usage")],
)
def test_the_access_record_is_read_strongly_consistent(world, bob, area, path):
    """With other rows or alone: what ended a moment ago has ended."""
    asked: list[dict[str, Any]] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        sent = json.loads(params["body"])
        parts = [sent, *sent.get("RequestItems", {}).values()] if model.name in {"GetItem", "BatchGetItem"} else []
        asked.extend(part for part in parts if "ACCESS#" in json.dumps([part.get("Key"), part.get("Keys")]))

    events = the_client().meta.events
    events.register("before-call.dynamodb", note)
    try:
        assert bob(area, "GET", path.format(card=world.card().id, ws=world.ws_id)).status == 200
    finally:
        events.unregister("before-call.dynamodb", note)
    assert [one["ConsistentRead"] for one in asked] == [True]


@pytest.mark.parametrize("path", ["/cards/{card}", "/boards/{board}/cards", "/cards/{card}/dependencies"])
def test_without_a_decision_there_is_no_answer(world, bob, path):
    path = path.format(card=world.card().id, board=world.board.id)
    throttled = "ProvisionedThroughputExceededException"
    with refused("BatchGetItem", "ACCESS#", 9, code=throttled), refused("GetItem", "ACCESS#", 9, code=throttled):
        answer = bob("cards", "GET", path)
    assert (answer.status, answer.json["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert bob("cards", "GET", path).status == 200


def test_a_decision_is_made_by_the_next_read_where_one_has_failed(world, bob):
    """A service that lives with a failed read goes on, but not without a decision."""
    with refused("BatchGetItem", "ACCESS#", 1, code="ProvisionedThroughputExceededException") as state:
        answer = bob("cards", "GET", f"/cards/{world.card().id}")
    assert (answer.status, state.left) == (503, 0)


def test_the_rows_and_the_decision_are_of_one_read(world, ended):
    """A refused caller makes as few reads as one who gets an answer, and no write."""
    card = world.card().id
    with Process(None, calls=READS | WRITES) as process:
        assert ended("cards", "GET", f"/cards/{card}").status == 401
    assert process.names.count("BatchGetItem") == 1
    assert {*process.names} <= {"BatchGetItem", "Query"}  # it does not wait for what it read ahead


# -- what is read ahead ends with the request


def test_a_refused_caller_does_not_make_us_read_a_long_list_to_its_end(world):
    """Which invitations wait is two reads, one after the other; the first is answered when the caller is refused already."""
    stranger = create_world("eve@example.com", "Eve").ada
    served(stranger)
    members = f"/workspaces/{world.ws_id}/members"
    invitation = {"email": "bob@example.com", "role": "member"}
    assert confirm_address(world.ada)("workspaces", "POST", f"{members}/invite", body=invitation).status == 201
    refused_by_now, reads = threading.Event(), []

    def late(model: Any, **_: Any) -> None:
        if is_beside():
            reads.append(model.name)
            refused_by_now.wait(5)

    events = the_client().meta.events
    events.register("after-call.dynamodb", late)
    try:
        assert stranger("workspaces", "GET", members).status == 404
        refused_by_now.set()
        for thread in [read_ahead(the_client) for _ in range(8)]:
            thread.result()
    finally:
        refused_by_now.set()
        events.unregister("after-call.dynamodb", late)
    assert set(reads) <= {"Query"}  # no BatchGetItem of the rows
