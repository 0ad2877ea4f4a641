"""omoios: comments of a ticket."""

import pytest

from shared.core.actor import Role
from tests.areas.boards_world import create_world
from tests.trips import count_requests


@pytest.fixture
def ticket_id(world) -> str:
    body = {"laneId": world.lanes[6].id, "title": "A card", "type": "task"}
    return world.ada("cards", "POST", f"/boards/{world.board.id}/cards", body=body).json["id"]


def test_a_comment_as_the_document_has_it(world, ticket_id):
    ada = world.ada.at("omoios")
    path = f"/tickets/{ticket_id}/comments"
    body = {
        "content": "Comment text",
        "comment_type": "general",
        "mentions": ["agent-789", "agent-789"],
        "attachments": ["file://a"],
    }
    answer = ada("comments", "POST", path, body=body)
    made = answer.json
    assert answer.status == 201
    assert made == {
        "id": made["id"],
        "ticket_id": ticket_id,
        "author_id": world.ada.user["id"],
        "author_name": "Ada Lovelace",
        "content": "Comment text",
        "comment_type": "general",
        "mentions": ["agent-789"],
        "attachments": ["file://a"],
        "created_at": made["created_at"],
        "edited_at": None,
    }
    listed = ada("comments", "GET", path)
    assert (listed.status, listed.json, listed.header("X-Total-Count")) == (200, [made], "1")
    edited = ada("comments", "PUT", f"/comments/{made['id']}", body={"content": "Updated comment text"})
    assert edited.json == made | {"content": "Updated comment text", "edited_at": edited.json["edited_at"]}
    assert edited.json["edited_at"] >= made["created_at"]
    deleted = ada("comments", "DELETE", f"/comments/{made['id']}")
    assert (deleted.status, deleted.json) == (200, {"status": "deleted"})
    again = ada("comments", "DELETE", f"/comments/{made['id']}")
    assert (again.status, again.json["error"]["code"]) == (404, "NOT_FOUND")
    assert ada("comments", "GET", path).json == []


def test_defaults_and_unknown_fields(world, ticket_id):
    answer = world.ada.at("omoios")("comments", "POST", f"/tickets/{ticket_id}/comments", body={"content": "Hi", "color": "red"})
    assert (answer.status, answer.json["comment_type"], answer.json["mentions"], answer.json["attachments"]) == (
        201,
        "general",
        [],
        [],
    )


def test_one_comment_two_contracts(world, ticket_id):
    omoios = world.ada.at("omoios")
    one = world.ada("comments", "POST", f"/cards/{ticket_id}/comments", body={"content": "From a card"}).json
    reply = world.ada(
        "comments", "POST", f"/cards/{ticket_id}/comments", body={"content": "R", "parentCommentId": one["id"]}
    ).json
    two = omoios("comments", "POST", f"/tickets/{ticket_id}/comments", body={"content": "From a ticket"}).json
    listed = omoios("comments", "GET", f"/tickets/{ticket_id}/comments").json
    assert [comment["id"] for comment in listed] == [one["id"], reply["id"], two["id"]]
    threads = world.ada("comments", "GET", f"/cards/{ticket_id}/comments").json["comments"]
    assert [thread["id"] for thread in threads] == [one["id"], two["id"]]
    omoios("comments", "DELETE", f"/comments/{one['id']}")
    threads = world.ada("comments", "GET", f"/cards/{ticket_id}/comments").json
    assert (threads["comments"][0]["content"], "deletedAt" in threads["comments"][0], threads["total"]) == ("", True, 2)
    assert [one["id"] for one in omoios("comments", "GET", f"/tickets/{ticket_id}/comments").json] == [reply["id"], two["id"]]


def test_pages_and_rights(world, ticket_id):
    ada, path = world.ada.at("omoios"), f"/tickets/{ticket_id}/comments"
    for number in range(5):
        ada("comments", "POST", path, body={"content": f"No. {number}"})
    with count_requests() as seen:
        page = ada("comments", "GET", f"{path}?limit=2&offset=1")
    assert ([one["content"] for one in page.json], page.header("X-Total-Count")) == (["No. 1", "No. 2"], "5")
    assert (seen.names, {*seen.beside}) == (
        ["BatchGetItem", "BatchGetItem"],
        {"Query"},
    )  # the list, and its counts if they are in time
    for bad in ("?limit=0", "?limit=201", "?offset=-1"):
        assert ada("comments", "GET", path + bad).status == 422
    assert ada("comments", "POST", path, body={"content": ""}).status == 422
    vera = world.join("Vera", "vera@example.com", Role.VIEWER).at("omoios")
    assert vera("comments", "GET", path).status == 200
    refused = vera("comments", "POST", path, body={"content": "X"})
    assert (refused.status, refused.json["error"]["code"]) == (403, "AUTHORIZATION_ERROR")
    eve = create_world("eve@example.com", "Eve").ada.at("omoios")
    for method, body in (("GET", None), ("POST", {"content": "X"})):
        answer = eve("comments", method, path, body=body)
        assert (answer.status, answer.json["error"]["code"], answer.json["detail"]) == (404, "NOT_FOUND", "Ticket not found")
