"""Files of tickets: forms with a file, and what is given back."""

import pytest
from moto.s3.models import s3_backends

from shared.core.actor import Role
from shared.core.errors import NotFound
from shared.store import put_file
from shared.work.attachments.direct import MAX_DIRECT, attach_file
from shared.work.attachments.uploading import MAX_ATTACHMENTS, MAX_BYTES, begin_upload, finish_upload
from shared.work.items.deleting import delete_item
from tests.areas.driving import Answer, Client, sign_up
from tests.kills import concurrently
from tests.samples.comments import MULTIPART, form_with
from tests.samples.counted import archived

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c636060f8cf000000030001"
    "5c0d0a2d0000000049454e44ae426082"
)
"""A picture with line ends and a whole range of bytes in it, as forms have them around it."""
DISCLOSED = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4 + b"\r\n--cadr\r\n\r\n--"


def send(client: Client, ticket: str, body: bytes, name: str = "plan.png", kind: str = "image/png") -> Answer:
    return client("comments", "POST", f"/tickets/{ticket}/attachments", body=form_with(body, name, kind), headers=MULTIPART)


def refused(answer: Answer, status: int) -> str:
    assert answer.status == status, answer.text
    return answer.json["detail"]


@pytest.mark.parametrize("body", [PNG, DISCLOSED])
def test_a_picture_comes_back_byte_for_byte(world, ada, body):
    card = world.card().id
    made = send(ada, card, body)
    assert made.status == 201, made.text
    assert made.json | {"id": "", "uploaded_at": ""} == {
        "id": "",
        "ticket_id": card,
        "filename": "plan.png",
        "file_path": f"attachments/{card}/plan.png",
        "file_size": len(body),
        "content_type": "image/png",
        "uploaded_at": "",
        "uploaded_by": ada.user["id"],
    }
    got = ada("comments", "GET", f"/attachments/{made.json['id']}")
    assert (got.status, got.body) == (200, body)
    assert got.header("Content-Type") == "image/png"
    assert got.header("Content-Disposition").startswith('attachment; filename="plan.png"')
    assert got.header("X-Content-Type-Options") == "nosniff"


def test_both_contracts_show_the_same_files(world, ada):
    card = world.card().id
    made = send(ada, card, PNG).json
    shown = world.ada("cards", "GET", f"/cards/{card}").json["attachments"]
    assert [(one["id"], one["filename"], one["size"]) for one in shown] == [(made["id"], "plan.png", len(PNG))]
    announced, _ = begin_upload(world.actor, card, "notes.txt", "text/plain", 5)
    put_file(announced.file, b"Words", "text/plain")
    other = finish_upload(world.actor, announced.id)
    got = ada("comments", "GET", f"/attachments/{other.id}")
    assert (got.body, got.header("Content-Type")) == (b"Words", "text/plain")


def test_a_deleted_file_is_gone(world, ada):
    card = world.card().id
    made = send(ada, card, PNG).json["id"]
    assert ada("comments", "DELETE", f"/attachments/{made}").json == {"status": "deleted"}
    assert ada("comments", "GET", f"/attachments/{made}").status == 404
    assert ada("comments", "DELETE", f"/attachments/{made}").status == 404
    assert world.ada("cards", "GET", f"/cards/{card}").json["attachments"] == []


def test_a_large_file_is_at_the_address_to_which_the_answer_leads(world, ada):
    card, body = world.card().id, b"A" * (MAX_DIRECT + 1)
    announced, _ = begin_upload(world.actor, card, "long.txt", "text/plain", len(body))
    put_file(announced.file, body, "text/plain")
    made = finish_upload(world.actor, announced.id)
    got = ada("comments", "GET", f"/attachments/{made.id}")
    assert got.status == 302
    assert f"attachments/{world.ws_id}/{card}/{made.id}" in got.header("Location")
    assert MAX_DIRECT < MAX_BYTES


def test_a_file_that_is_too_large_is_refused(world, ada):
    card = world.card().id
    for size in (MAX_DIRECT + 1, MAX_DIRECT + 200_000):
        answer = send(ada, card, b"\x89PNG\r\n\x1a\n" + b"A" * (size - 8))
        assert (answer.status, answer.json["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert send(ada, card, b"\x89PNG\r\n\x1a\n" + b"A" * (MAX_DIRECT - 8)).status == 201


@pytest.mark.parametrize(
    ("body", "name", "kind", "reason"),
    [
        (b"", "a.png", "image/png", "The file is empty"),
        (b"<html>", "a.png", "image/png", "This is no file of the type image/png"),
        (b"<html>", "a.html", "text/html", "Files of this type cannot be attached"),
        (b"MZ", "a.exe", "application/octet-stream", "Files of this type cannot be attached"),
        (b"MZ\0", "a.txt", "application/octet-stream", "This is no file of the type text/plain"),
    ],
)
def test_what_may_not_be_attached(world, ada, body, name, kind, reason):
    answer = send(ada, world.card().id, body, name, kind)
    assert answer.status == 422
    assert answer.json["error"]["details"] == [{"field": "file", "message": reason}]


def test_the_name_tells_the_type_where_the_client_does_not(world, ada):
    made = send(ada, world.card().id, b"# Title\n", "../../notes.MD", "application/octet-stream").json
    assert (made["content_type"], made["filename"]) == ("text/markdown", "notes.MD")


def test_a_request_that_is_no_form_with_a_file(world, ada):
    path = f"/tickets/{world.card().id}/attachments"
    said = refused(ada("comments", "POST", path, body={"file": "x"}), 415)
    assert said == "The request body must be multipart/form-data"
    other = form_with(PNG, field="picture")
    answer = ada("comments", "POST", path, body=other, headers=MULTIPART)
    assert (answer.status, answer.json["error"]["details"][0]["field"]) == (422, "file")
    no_boundary = {"Content-Type": "multipart/form-data"}
    assert ada("comments", "POST", path, body=form_with(PNG), headers=no_boundary).status == 400
    assert ada("comments", "POST", path, body=b"--other\r\n", headers=MULTIPART).status == 400
    two = form_with(PNG).replace(b"--cadre--", b"--cadre") + form_with(PNG)[len(b"--cadre\r\n") :]
    assert ada("comments", "POST", path, body=two, headers=MULTIPART).status == 400


def test_a_ticket_holds_so_many_and_an_archived_one_takes_none(world, ada):
    card = world.card()
    for _ in range(MAX_ATTACHMENTS):
        assert send(ada, card.id, PNG).status == 201
    assert refused(send(ada, card.id, PNG), 403) == f"A card holds at most {MAX_ATTACHMENTS} attachments"
    assert send(ada, archived(world.card().id), PNG).status == 409


def test_a_refused_write_leaves_no_file(world, ada):
    card = world.card().id
    with concurrently(lambda: delete_item(world.actor, card)), pytest.raises(NotFound):
        attach_file(world.actor, card, "plan.png", "image/png", PNG)
    keys = [key for bucket in s3_backends["123456789012"]["aws"].buckets.values() for key in bucket.keys]
    assert [key for key in keys if card in key] == []


def test_the_files_of_a_ticket_are_listed_as_they_were_answered(world, ada):
    card = world.card().id
    assert ada("comments", "GET", f"/tickets/{card}/attachments").json == []
    made = [send(ada, card, PNG, name).json for name in ("plan.png", "other.png")]
    assert ada("comments", "GET", f"/tickets/{card}/attachments").json == made
    assert ada("comments", "DELETE", f"/attachments/{made[0]['id']}").status == 200
    assert ada("comments", "GET", f"/tickets/{card}/attachments").json == made[1:]


def test_the_files_of_a_ticket_are_listed_to_members_alone(world, ada):
    card = world.card().id
    assert send(ada, card, PNG).status == 201
    viewer = world.join("Vic", "vic@example.com", Role.VIEWER).at("omoios")
    assert len(viewer("comments", "GET", f"/tickets/{card}/attachments").json) == 1
    stranger = sign_up("Eve", "eve@example.com").at("omoios")
    refused(stranger("comments", "GET", f"/tickets/{card}/attachments"), 404)
    delete_item(world.actor, card)
    refused(ada("comments", "GET", f"/tickets/{card}/attachments"), 404)
