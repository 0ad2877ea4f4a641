"""Documents that are too long for a row, a request or an answer: on moto, the links tried by what they sign."""

import json
import urllib.parse

import boto3

from shared.store import fetch, file_key
from shared.work.documents import texts
from shared.work.documents.reading import stored_text
from shared.work.documents.rows import Document
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Answer

LONG = "A line of some length, so that there are not too many.\n" * 20_000  # 1.1 MB


def docs(world: World) -> str:
    return f"/projects/{world.project.id}/docs"


def make(world: World, **fields) -> Answer:
    return world.ada("documents", "POST", docs(world), body={"type": "custom", "title": "Long"} | fields)


def put_there(world: World, raw: bytes) -> str:
    """As a client does with the link, which moto has no server for."""
    begun = world.ada("documents", "POST", f"{docs(world)}/uploads", body={"size": len(raw)})
    assert begun.status == 201, begun.text
    boto3.client("s3").put_object(Bucket="files", Key=key_in(begun.json["uploadUrl"]), Body=raw)
    return begun.json["contentUploadId"]


def key_in(url: str) -> str:
    return urllib.parse.unquote(urllib.parse.urlsplit(url).path).removeprefix("/").removeprefix("files/")


def behind(url: str) -> str:
    return boto3.client("s3").get_object(Bucket="files", Key=key_in(url))["Body"].read().decode()


def test_a_text_beyond_a_row_is_a_file_and_shows_whole(world):
    made = make(world, content=LONG)
    assert made.status == 201, made.text[:300]
    shown = made.json
    assert (shown["content"] == LONG, shown["contentSize"], "contentUrl" in shown) == (True, len(LONG), False)
    key = file_key(stored_text(fetch(Document, shown["id"])))
    assert key == f"documents/{world.ws_id}/{shown['id']}/{shown['versionId']}"
    for path in (f"/documents/{shown['id']}", f"{docs(world)}/custom"):
        assert world.ada("documents", "GET", path).json["content"] == LONG
    assert world.ada("documents", "GET", docs(world)).json["documents"][0]["content"] == LONG


def test_versions_have_files_of_their_own(world):
    made = make(world, content=LONG).json
    world.ada("documents", "PUT", f"/documents/{made['id']}", body={"content": LONG + "more\n"})
    renamed = world.ada("documents", "PUT", f"/documents/{made['id']}", body={"title": "Renamed"}).json
    assert renamed["version"] == 3
    document = fetch(Document, made["id"])
    assert len({file_key(stored_text(document, number)) for number in (1, 2)}) == 2
    texts_of_versions = [
        world.ada("documents", "GET", f"/documents/{made['id']}?version={number}").json["content"] for number in (1, 2, 3)
    ]
    assert texts_of_versions == [LONG, LONG + "more\n", LONG + "more\n"]
    revision = world.ada("documents", "GET", f"/documents/{made['id']}").json["revisions"][1]
    assert (revision["diffData"]["added"], revision["diffData"]["hunks"][0]["lines"]) == (1, ["+more"])


def test_a_text_beyond_an_answer_is_behind_a_link(world):
    text = "ж" * 3_000_000  # 6 MB
    made = make(world, contentUploadId=put_there(world, text.encode()))
    assert made.status == 201, made.text[:300]
    shown = made.json
    assert (shown["content"], shown["contentSize"]) == ("", 6_000_000)
    assert behind(shown["contentUrl"]) == text
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(shown["contentUrl"]).query))
    assert query["X-Amz-Expires"] == str(texts.LINK_SECONDS)
    for path in (f"/documents/{shown['id']}", f"{docs(world)}/custom"):
        found = world.ada("documents", "GET", path).json
        assert (found["content"], behind(found["contentUrl"]) == text) == ("", True)


def test_the_longest_text_and_one_byte_more(world):
    line = "x" * 1023 + "\n"
    longest = line * 10_240
    made = make(world, contentUploadId=put_there(world, longest.encode()))
    assert (made.status, made.json["contentSize"]) == (201, 10 * 1024 * 1024)
    assert world.ada("documents", "POST", f"{docs(world)}/uploads", body={"size": len(longest) + 1}).status == 422
    upload = put_there(world, b"x")
    boto3.client("s3").put_object(
        Bucket="files", Key=f"uploads/{world.ws_id}/{world.project.id}/{upload}", Body=longest.encode() + b"x"
    )
    assert make(world, contentUploadId=upload).status == 413  # whoever gets around the link gets no further
    changed = world.ada(
        "documents", "PUT", f"/documents/{made.json['id']}", body={"contentUploadId": put_there(world, (line * 10_000).encode())}
    )
    assert (changed.status, changed.json["version"]) == (200, 2)
    revision = world.ada("documents", "GET", f"/documents/{made.json['id']}").json["revisions"][0]
    assert revision["diffData"]["removed"] == 240


def test_a_request_beyond_the_gateway_is_refused(world):
    answer = make(world, content="x" * 4_600_000)
    assert (answer.status, answer.json["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert make(world, content="x" * 4_400_000).status == 201


def test_the_link_signs_what_may_be_put_there(world):
    begun = world.ada("documents", "POST", f"{docs(world)}/uploads", body={"size": 5_000_000}).json
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(begun["uploadUrl"]).query))
    assert set(query["X-Amz-SignedHeaders"].split(";")) == {"content-length", "content-type", "host"}
    assert (begun["method"], begun["headers"]["Content-Length"]) == ("PUT", "5000000")
    assert query["X-Amz-Expires"] == "900"


def test_what_was_not_uploaded_here_is_not_there(world):
    other = create_world("eve@example.com", "Eve")
    theirs = put_there(other, b"secret")
    nothing = world.ada("documents", "POST", f"{docs(world)}/uploads", body={"size": 3}).json["contentUploadId"]
    for upload in (theirs, nothing, "../x", "0190a0a0-0000-7000-8000-000000000000"):
        answer = make(world, contentUploadId=upload)
        assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, "contentUploadId")
    both = make(world, content="x", contentUploadId=put_there(world, b"x"))
    assert both.status == 422
    unreadable = make(world, contentUploadId=put_there(world, b"\xff\xfe"))
    assert (unreadable.status, "UTF-8" in unreadable.text) == (422, True)
    assert world.ada("documents", "GET", docs(world)).json["total"] == 0


def test_a_list_holds_what_an_answer_holds(world):
    """Texts of rows end the page; texts with files give way to links."""
    filling = "x" * 290_000
    ids = [make(world, title=f"D{number}", content=filling).json["id"] for number in range(17)]
    page = world.ada("documents", "GET", docs(world)).json
    assert len(page["documents"]) == 15  # 4.35 of 4.5 MB
    assert (page["total"], page["pagination"]["limit"], page["pagination"]["hasMore"]) == (17, 15, True)
    rest = world.ada("documents", "GET", f"{docs(world)}?offset=15").json
    assert {one["id"] for one in page["documents"] + rest["documents"]} == set(ids)
    assert (rest["pagination"]["hasMore"], all(one["content"] == filling for one in rest["documents"])) == (False, True)


def test_a_list_gives_links_for_the_files_it_has_no_room_for(world):
    for number in range(5):
        make(world, title=f"D{number}", content=LONG)
    page = world.ada("documents", "GET", docs(world)).json["documents"]
    whole = [one for one in page if one["content"] == LONG]
    linked = [one for one in page if one["content"] == ""]
    assert (len(whole), len(linked)) == (3, 2)  # 1.2 MB each in an answer
    assert all(behind(one["contentUrl"]) == LONG for one in linked)
    assert not any("contentUrl" in one for one in whole)


def test_titles_and_tags_take_room_too(world):
    """A page of long names of characters that take twelve bytes each, and a text that fills the rest."""
    tags = [f"{number:02}" + "😀" * 48 for number in range(50)]
    for number in range(40):
        assert make(world, title="😀" * 499 + chr(97 + number % 26), tags=tags, content=LONG).status == 201
    answer = world.ada("documents", "GET", docs(world))
    assert len(json.dumps(answer.text)) < 6_000_000
    assert len(answer.json["documents"]) == 40
