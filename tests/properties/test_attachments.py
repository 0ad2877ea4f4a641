"""Files of cards on the local engine: uploaded by a client that knows nothing but the signed URL, attached, got back, and gone."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.core import clock
from shared.core.actor import Role
from shared.core.errors import LimitExceeded
from shared.core.ids import new_id
from shared.store import delete_file, fetch, get, head_file, put_file, update, write
from shared.work.attachments import uploading
from shared.work.attachments.rows import Attachment, Upload, attachment_key
from shared.work.attachments.uploading import MAX_ATTACHMENTS, begin_upload, finish_upload
from shared.work.items.rows import Item
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Client, sign_up
from tests.areas.viewers import project, raw_row, stream_record
from tests.properties.test_files import send

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


@pytest.fixture
def world(engine_tables) -> World:
    return create_world(f"{new_id()}@example.com")


@pytest.fixture
def card(world) -> str:
    return str(world.card().id)


def announce(
    world: World, card: str, body: bytes = PNG, name: str = "shot.png", kind: str = "image/png", client: Client | None = None
):
    asked = {"filename": name, "contentType": kind, "size": len(body)}
    return (client or world.ada)("comments", "POST", f"/cards/{card}/attachments", body=asked)


def complete(world: World, attachment: str, client: Client | None = None):
    return (client or world.ada)("comments", "POST", f"/attachments/{attachment}/complete")


def attached(world: World, card: str, body: bytes = PNG, name: str = "shot.png", kind: str = "image/png") -> dict:
    made = announce(world, card, body, name, kind).json
    assert put(made, body) == 200
    answer = complete(world, made["id"])
    assert answer.status == 200, answer.text
    return answer.json


def put(announced: dict, body: bytes) -> int:
    target = announced["upload"]
    return send(target["method"], target["url"], body, Content_Type=target["headers"]["Content-Type"])[0]


def shown(world: World, card: str) -> list[dict]:
    return world.ada("cards", "GET", f"/cards/{card}").json["attachments"]


def test_a_file_goes_up_is_shown_comes_down_and_is_gone(world, card):
    announced = announce(world, card, name="../ plan\u202e \\..\\Über:uns.png")
    assert (announced.status, announced.json["filename"]) == (201, "Über_uns.png")
    target = announced.json["upload"]
    assert target["headers"] == {"Content-Type": "image/png", "Content-Length": str(len(PNG))}
    early = complete(world, announced.json["id"])
    assert (early.status, shown(world, card)) == (409, [])  # nothing has come yet, and no card shows it
    assert put(announced.json, PNG) == 200
    made = complete(world, announced.json["id"])
    assert made.status == 200
    attachment = made.json
    assert attachment == {
        "id": announced.json["id"],
        "filename": "Über_uns.png",
        "contentType": "image/png",
        "size": len(PNG),
        "url": f"/attachments/{attachment['id']}/download",
        "uploadedBy": {"id": world.ada.user["id"], "name": "Ada Lovelace", "email": world.ada.user["email"]},
        "uploadedAt": attachment["uploadedAt"],
    }
    assert complete(world, attachment["id"]).json == attachment  # once more is once
    assert shown(world, card) == [attachment]
    down = world.ada("comments", "GET", attachment["url"]).json
    status, headers, body = send("GET", down["url"])
    assert (status, body, headers["Content-Type"]) == (200, PNG, "image/png")
    assert headers["Content-Disposition"].startswith("attachment; ")
    assert world.ada("comments", "DELETE", f"/attachments/{attachment['id']}").status == 204
    assert world.ada("comments", "DELETE", f"/attachments/{attachment['id']}").status == 404
    assert world.ada("comments", "GET", attachment["url"]).status == 404
    assert complete(world, attachment["id"]).status == 404
    assert shown(world, card) == []
    assert project(stream_record(raw_row(f"ITEM#{card}"))) == []  # the event takes the file along
    assert send("GET", down["url"])[0] == 404
    activities = world.ada("comments", "GET", f"/cards/{card}/activities").json["activities"]
    assert activities[0]["description"] == "Ada Lovelace removed the attachment Über_uns.png"


def test_what_was_looked_at_stays_what_it_is(world, card):
    """The signed URL works on for a while: what comes by it later changes nothing that is attached."""
    announced = announce(world, card).json
    assert put(announced, PNG) == 200
    url = complete(world, announced["id"]).json["url"]
    other = b"\x89PNG\r\n\x1a\n" + b"\1" * 100
    assert put(announced, other) == 200
    assert send("GET", world.ada("comments", "GET", url).json["url"])[2] == PNG
    world.ada("comments", "DELETE", f"/attachments/{announced['id']}")
    assert complete(world, announced["id"]).status == 404


def test_a_file_is_what_it_says(world, card):
    program = b"MZ\x90\0" + b"\0" * (len(PNG) - 4)
    announced = announce(world, card).json
    assert put(announced, program) == 200
    refused = complete(world, announced["id"])
    assert (refused.status, refused.json["validationErrors"][0]["field"]) == (422, "contentType")
    assert shown(world, card) == []
    assert complete(world, announced["id"]).status == 409  # what came is gone; the right file may come still
    assert put(announced, PNG) == 200
    assert complete(world, announced["id"]).status == 200


@pytest.mark.parametrize(
    ("name", "kind", "size", "field"),
    [
        ("a.html", "text/html", 10, "contentType"),
        ("a.exe", "application/x-msdownload", 10, "contentType"),
        ("a", "application/octet-stream", 10, "contentType"),
        ("a.png", "image/png", 0, "size"),
        ("a.png", "image/png", 25 * 1024 * 1024 + 1, "size"),
        ("", "image/png", 10, "filename"),
    ],
)
def test_what_may_not_be_attached_is_not_announced(world, card, name, kind, size, field):
    asked = {"filename": name, "contentType": kind, "size": size}
    answer = world.ada("comments", "POST", f"/cards/{card}/attachments", body=asked)
    assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, field)


def test_only_the_cards_own_people_attach_and_see(world, card):
    attachment = attached(world, card)
    vera = world.join("Vera", f"{new_id()}@example.com", Role.VIEWER)
    stan = sign_up("Stan", f"{new_id()}@example.com")
    waiting = announce(world, card).json["id"]
    for client, writes, reads in ((vera, 403, 200), (stan, 404, 404)):
        assert announce(world, card, client=client).status == writes
        assert complete(world, waiting, client).status == writes
        assert complete(world, attachment["id"], client).status == writes
        assert client("comments", "DELETE", f"/attachments/{attachment['id']}").status == writes
        assert client("comments", "GET", attachment["url"]).status == reads
    for odd in ("x", new_id()):
        assert complete(world, odd).status == 404
        assert world.ada("comments", "GET", f"/attachments/{odd}/download").status == 404


def test_a_card_that_is_gone_takes_its_files_along(world, card):
    attachment, waiting = attached(world, card), announce(world, card).json
    assert put(waiting, PNG) == 200
    file = attachment_key(world.ws_id, card, attachment["id"])
    assert head_file(file) is not None
    assert world.ada("cards", "DELETE", f"/cards/{card}").status == 204
    assert complete(world, waiting["id"]).status == 404
    assert world.ada("comments", "GET", attachment["url"]).status == 404
    assert world.ada("comments", "DELETE", f"/attachments/{attachment['id']}").status == 404
    assert project(stream_record(raw_row(f"ITEM#{card}"))) == []
    assert head_file(file) is None


def test_an_archived_project_takes_no_files(world, card):
    waiting = announce(world, card).json
    assert put(waiting, PNG) == 200
    world.archive()
    assert announce(world, card).status == 409
    assert complete(world, waiting["id"]).status == 409
    assert get(Upload, *Upload.key(waiting["id"])) is not None


def test_an_upload_is_forgotten_after_a_day(world, card):
    waiting = announce(world, card).json
    assert put(waiting, PNG) == 200
    pk, sk = Upload.key(waiting["id"])
    write(update(Upload(pk=pk, sk=sk), [Upload.ttl.set(clock.epoch() - 1)]))
    assert complete(world, waiting["id"]).status == 404


@pytest.mark.thorough
def test_a_card_holds_so_many_files_however_many_come_at_once(world, card):
    waiting = []
    for number in range(MAX_ATTACHMENTS + 6):
        upload, _ = begin_upload(world.actor, card, f"{number}.txt", "text/plain", 2)
        put_file(upload.file, b"ok", "text/plain")
        waiting.append(upload.id)

    def finish(upload: str) -> bool:
        try:
            finish_upload(world.actor, upload)
        except LimitExceeded:
            return False
        return True

    for attachment in waiting[: MAX_ATTACHMENTS - 3]:
        assert finish(attachment)
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(finish, waiting[MAX_ATTACHMENTS - 3 :]))
    assert sum(results) == 3
    assert len(fetch(Item, card).attachments) == MAX_ATTACHMENTS
    assert announce(world, card).status == 403
    assert sum(fetch(Attachment, one) is not None for one in waiting) == MAX_ATTACHMENTS


def test_two_who_complete_the_same_file_attach_it_once(world, card, monkeypatch):
    upload, _ = begin_upload(world.actor, card, "a.txt", "text/plain", 2)
    put_file(upload.file, b"ok", "text/plain")
    together = threading.Barrier(2, timeout=20)
    copy = uploading.copy_file

    def meeting(key: str, to: str) -> None:
        copy(key, to)
        together.wait()

    monkeypatch.setattr(uploading, "copy_file", meeting)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: finish_upload(world.actor, upload.id), range(2))
    assert first.id == second.id == upload.id
    assert [one["id"] for one in fetch(Item, card).attachments] == [upload.id]


def test_a_completion_that_dies_after_the_copy_is_done_again(world, card, monkeypatch):
    upload, _ = begin_upload(world.actor, card, "a.json", "application/json", 2)
    put_file(upload.file, b"{}", "application/json")
    with monkeypatch.context() as patch:
        patch.setattr(uploading, "update_with_retry", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            finish_upload(world.actor, upload.id)
    assert fetch(Item, card).attachments == []
    assert complete(world, upload.id).status == 200
    assert [one["filename"] for one in shown(world, card)] == ["a.json"]
    delete_file(attachment_key(world.ws_id, card, upload.id))
    assert json.dumps(fetch(Item, card).event["changes"]) == json.dumps(
        {"attachments": [None, {"id": upload.id, "filename": "a.json", "size": 2}]}
    )
