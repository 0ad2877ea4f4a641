"""agentworks: documents of a project, their versions and revisions, who may do what with them."""

import pytest

from shared.agents.catalogue import agent_named
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.events import get_event
from shared.runs.toolbox import CallContext, document_tools
from shared.runs.toolbox.executor import agent_actor
from shared.store import fetch, query, save, write
from shared.work.activities.rows import Activity, project_log
from shared.work.documents import reading
from shared.work.documents.rows import Document
from shared.work.documents.writing import write_document
from tests.areas.boards_world import World
from tests.areas.driving import Answer, Client, sign_up
from tests.areas.viewers import project, raw_row, stream_record
from tests.trips import count_requests


def make(world: World, client: Client | None = None, **fields) -> Answer:
    body = {"type": "prd", "title": "Guest checkout", "content": "One\nTwo\nThree\n"} | fields
    return (client or world.ada)("documents", "POST", f"/projects/{world.project.id}/docs", body=body)


def change(world: World, document: dict, client: Client | None = None, **fields) -> Answer:
    return (client or world.ada)("documents", "PUT", f"/documents/{document['id']}", body=fields)


def publish(world: World, document: dict, client: Client | None = None, **fields) -> Answer:
    return (client or world.ada)("documents", "POST", f"/documents/{document['id']}/publish", body=fields)


def get(world: World, document: dict, query: str = "") -> dict:
    answer = world.ada("documents", "GET", f"/documents/{document['id']}{query}")
    assert answer.status == 200, answer.text
    return answer.json


def listed(world: World, query: str = "") -> dict:
    answer = world.ada("documents", "GET", f"/projects/{world.project.id}/docs{query}")
    assert answer.status == 200, answer.text
    return answer.json


def latest(world: World, type_: str = "prd") -> Answer:
    return world.ada("documents", "GET", f"/projects/{world.project.id}/docs/{type_}")


def approved(world: World, **fields) -> dict:
    made = make(world, **fields).json
    assert change(world, made, status="review").status == 200
    answer = change(world, made, status="approved")
    assert answer.status == 200, answer.text
    return answer.json


# -- making and changing


def test_a_new_document_is_a_draft_of_version_1(world):
    answer = make(world, tags=["a", "b", "a"], contentType="html")
    assert answer.status == 201, answer.text
    shown = answer.json
    assert (shown["version"], shown["isLatest"], shown["status"]) == (1, True, "draft")
    assert (shown["content"], shown["contentType"], shown["contentSize"]) == ("One\nTwo\nThree\n", "html", 14)
    assert (shown["tags"], shown["projectId"], shown["createdBy"]["name"]) == (["a", "b"], world.project.id, "Ada Lovelace")
    assert not shown.keys() & {"publishedAt", "updatedBy", "contentUrl"}
    assert get_event(fetch(Document, shown["id"])).type == "document.created"
    revisions = get(world, shown)["revisions"]
    assert [(one["changeType"], one["newVersion"], one.get("oldVersion")) for one in revisions] == [("created", 1, None)]
    assert revisions[0]["createdBy"]["id"] == world.ada.user["id"]


def test_another_text_is_another_version_with_its_diff(world):
    made = make(world).json
    bea = world.join("Bea", "bea@example.com", Role.MEMBER)
    answer = change(world, made, bea, content="One\n2\nThree\nFour\n", title="Checkout", tags=["x"])
    assert answer.status == 200, answer.text
    shown = answer.json
    assert (shown["id"], shown["version"], shown["content"]) == (made["id"], 2, "One\n2\nThree\nFour\n")
    assert (shown["updatedBy"]["name"], shown["createdBy"]["name"]) == ("Bea", "Ada Lovelace")
    assert shown["versionId"] != made["versionId"]
    revision = get(world, made)["revisions"][0]
    assert (revision["changeType"], revision["oldVersion"], revision["newVersion"]) == ("updated", 1, 2)
    assert revision["createdBy"]["name"] == "Bea"
    diff = revision["diffData"]
    assert (diff["added"], diff["removed"], diff["truncated"]) == (2, 1, False)
    assert diff["hunks"] == [
        {"op": "replace", "oldStart": 2, "oldLines": 1, "newStart": 2, "newLines": 1, "lines": ["-Two", "+2"]},
        {"op": "insert", "oldStart": 3, "oldLines": 0, "newStart": 4, "newLines": 1, "lines": ["+Four"]},
    ]
    assert diff["fields"] == {"title": {"old": "Guest checkout", "new": "Checkout"}, "tags": {"old": [], "new": ["x"]}}


def test_an_old_version_can_still_be_read(world):
    made = make(world).json
    change(world, made, title="Renamed")
    change(world, made, content="Other\n")
    old = get(world, made, "?version=1")
    assert (old["version"], old["isLatest"], old["content"], old["title"]) == (1, False, made["content"], "Guest checkout")
    assert old["status"] == "archived"  # it has a successor and was never in force
    renamed = get(world, made, "?version=2")
    assert (renamed["content"], renamed["title"]) == (made["content"], "Renamed")
    assert get(world, made, "?version=3")["isLatest"] is True
    missing = world.ada("documents", "GET", f"/documents/{made['id']}?version=4")
    assert (missing.status, missing.json["validationErrors"][0]["field"]) == (422, "version")


def test_tags_and_status_make_no_version(world):
    made = make(world).json
    assert change(world, made, tags=["x"]).json["version"] == 1
    assert change(world, made, status="review").json["version"] == 1
    revisions = get(world, made)["revisions"]
    assert [(one["newVersion"], one["oldVersion"]) for one in revisions[:2]] == [(1, 1), (1, 1)]
    assert revisions[0]["diffData"]["fields"] == {"status": {"old": "draft", "new": "review"}}


def test_a_change_of_nothing_writes_nothing(world):
    made = make(world, tags=["x"]).json
    with count_requests() as seen:
        answer = change(world, made, **{name: made[name] for name in ("title", "content", "tags", "status")})
        assert change(world, made, title=None, tags=None).json == made
    assert answer.json == made
    assert "TransactWriteItems" not in seen.by_name


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "letter"}, "type"),
        ({"title": " "}, "title"),
        ({"contentType": "pdf"}, "contentType"),
        ({"content": None}, "content"),
        ({"tags": "a"}, "tags"),
        ({"status": "review"}, "status"),
        ({"contentUploadId": "x"}, "contentUploadId"),
    ],
)
def test_a_bad_document_is_named(world, fields, field):
    answer = make(world, **fields)
    assert (answer.status, [one["field"] for one in answer.json["validationErrors"]]) == (422, [field]), answer.text
    assert listed(world)["total"] == 0


def test_a_text_may_be_empty_and_may_look_like_a_pointer(world):
    assert make(world, content="").json["content"] == ""
    assert make(world, content="s3:documents/x").json["content"] == "s3:documents/x"


def test_an_edit_of_an_old_version_is_refused(world):
    made = make(world).json
    assert change(world, made, content="Mine", baseVersion=1).status == 200
    answer = change(world, made, content="Yours", baseVersion=1)
    assert (answer.status, answer.json["error"]["code"]) == (409, "CONFLICT")
    reason = "The document is at version 2 by now; read it and write again"
    assert answer.json["error"]["details"] == {"reason": reason, "version": 2}
    assert get(world, made)["content"] == "Mine"


def test_an_archived_project_takes_no_documents(world):
    made = make(world).json
    world.archive()
    for answer in (make(world), change(world, made, content="x"), publish(world, made)):
        assert (answer.status, answer.json["error"]["code"]) == (409, "CONFLICT")
    assert get(world, made)["revisionPagination"]["total"] == 1


def test_a_key_makes_one_document_however_long(world):
    body = {"type": "prd", "title": "Long", "content": "é" * 200_000}
    answers = [
        world.ada("documents", "POST", f"/projects/{world.project.id}/docs", body=body, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert answers[1].header("Idempotent-Replayed") == "true"
    assert listed(world)["total"] == 1


# -- statuses


def test_a_document_goes_its_way(world):
    made = make(world).json
    for status in ("review", "draft", "review", "approved", "archived", "draft"):
        assert change(world, made, status=status).json["status"] == status
    changes = [one["changeType"] for one in get(world, made)["revisions"]]
    assert changes == ["updated", "updated", "approved", "updated", "updated", "updated", "created"]


@pytest.mark.parametrize(
    ("way", "status"),
    [((), "approved"), (("review", "approved"), "review"), (("archived",), "review"), (("archived",), "approved")],
)
def test_other_ways_are_refused(world, way, status):
    made = make(world).json
    for step in way:
        assert change(world, made, status=step).status == 200
    answer = change(world, made, status=status)
    assert (answer.status, answer.json["error"]["code"]) == (409, "CONFLICT")
    assert answer.json["error"]["details"]["to"] == status
    assert status not in answer.json["error"]["details"]["allowed"]


def test_a_new_text_is_approved_anew_and_the_approved_one_stays_in_force(world):
    done = approved(world)
    assert (done["approvedBy"]["name"], "approvedAt" in done) == ("Ada Lovelace", True)
    changed = change(world, done, content="New\n", status="approved").json  # what a form sends back
    assert (changed["version"], changed["status"]) == (2, "draft")
    assert "approvedBy" not in changed
    assert get(world, done, "?version=1")["status"] == "approved"
    change(world, done, status="review")
    assert change(world, done, content="Newer\n").json["status"] == "review"  # it is being looked at
    change(world, done, status="approved")
    assert [get(world, done, f"?version={n}")["status"] for n in (1, 2, 3)] == ["archived", "archived", "approved"]


def test_what_is_archived_is_not_edited(world):
    made = make(world).json
    change(world, made, status="archived")
    assert change(world, made, content="x").status == 409
    assert change(world, made, tags=["x"]).status == 409
    assert publish(world, made).status == 409
    answer = change(world, made, content="x", status="draft")
    assert (answer.status, answer.json["version"], answer.json["status"]) == (200, 2, "draft")


def test_members_write_and_administrators_approve(world):
    member = world.join("Mem Ber", "member@example.com", Role.MEMBER)
    admin = world.join("Ad Min", "admin@example.com", Role.ADMIN)
    made = make(world, member).json
    assert change(world, made, member, status="review").status == 200
    assert change(world, made, member, status="approved").status == 403
    assert publish(world, made, member).status == 403
    assert change(world, made, admin, status="approved").status == 200
    for status in ("draft", "archived"):  # what was approved is not taken back by everybody
        assert change(world, made, member, status=status).status == 403
    assert change(world, made, member, content="New\n").json["status"] == "draft"


# -- publishing


def test_publishing_without_a_version_makes_one(world):
    made = make(world).json
    shown = publish(world, made).json
    assert (shown["version"], shown["status"], shown["isLatest"], shown["content"]) == (2, "approved", True, made["content"])
    assert (shown["publishedVersion"], "publishedAt" in shown) == (2, True)
    revision = get(world, made)["revisions"][0]
    assert (revision["changeType"], revision["oldVersion"], revision["newVersion"]) == ("published", 1, 2)
    assert get_event(fetch(Document, made["id"])).type == "document.published"


def test_publishing_a_version_publishes_that_one(world):
    made = make(world).json
    change(world, made, content="Two\n")
    change(world, made, content="Three\n")
    shown = publish(world, made, version=2).json
    assert (shown["version"], shown["isLatest"], shown["content"], shown["status"]) == (2, False, "Two\n", "approved")
    now = get(world, made)
    assert (now["version"], now["status"], now["publishedVersion"]) == (3, "draft", 2)
    assert now["publishedAt"] == get(world, made, "?version=2")["publishedAt"]
    assert "publishedAt" not in get(world, made, "?version=1")
    change(world, made, status="review")
    change(world, made, status="approved")
    assert [get(world, made, f"?version={n}")["status"] for n in (2, 3)] == ["archived", "approved"]
    last = publish(world, made, version=3).json
    assert (last["version"], last["status"], last["publishedVersion"]) == (3, "approved", 3)
    change(world, made, content="Four\n")
    assert get(world, made, "?version=3")["publishedAt"] == last["publishedAt"]


def test_publishing_what_is_published_changes_nothing(world):
    made = make(world).json
    change(world, made, content="Two\n")
    for number in (1, 2):
        first = publish(world, made, version=number).json
        revisions = get(world, made)["revisionPagination"]["total"]
        assert publish(world, made, version=number).json == first
        assert get(world, made)["revisionPagination"]["total"] == revisions


def test_a_version_that_is_not_there_is_not_published(world):
    made = make(world).json
    for number, status in ((2, 422), (0, 422), ("x", 422), (100_000, 422)):
        answer = publish(world, made, version=number)
        assert (answer.status, answer.json["validationErrors"][0]["field"]) == (status, "version")
    assert world.ada("documents", "POST", f"/documents/{made['id']}/publish").json["version"] == 2  # a body is not required


# -- lists


def test_a_list_shows_texts_the_last_changed_first(world):
    made = [make(world, title=title, type=kind).json for title, kind in (("A", "prd"), ("B", "mvp"), ("C", "prd"))]
    change(world, made[0], content="Changed\n")
    change(world, made[1], status="review")
    shown = listed(world)
    assert [(one["title"], one["content"]) for one in shown["documents"]] == [
        ("B", made[1]["content"]), ("A", "Changed\n"), ("C", made[2]["content"]),
    ]  # fmt: skip
    assert (shown["total"], shown["pagination"]["hasMore"]) == (3, False)
    assert [one["title"] for one in listed(world, "?type=prd")["documents"]] == ["A", "C"]
    assert [one["title"] for one in listed(world, "?status=review")["documents"]] == ["B"]
    page = listed(world, "?limit=1&offset=1")
    assert ([one["title"] for one in page["documents"]], page["pagination"]["hasMore"]) == (["A"], True)
    for bad in ("type=letter", "status=rejected", "limit=0", "limit=101", "offset=-1"):
        assert world.ada("documents", "GET", f"/projects/{world.project.id}/docs?{bad}").status == 422


def test_more_documents_than_a_query_holds_are_paged_and_told_to_agents(world, monkeypatch):
    monkeypatch.setattr(document_tools, "MAX_LISTED", 4)
    made = [make(world, title=f"D{number}", type=("prd", "mvp")[number % 2]).json for number in range(7)]
    newest = [one["id"] for one in reversed(made)]
    for offset in range(0, 8, 2):
        page = listed(world, f"?limit=2&offset={offset}")
        assert ([one["id"] for one in page["documents"]], page["total"]) == (newest[offset : offset + 2], 7)
    page = listed(world, "?limit=2&offset=2&type=prd")
    assert ([one["title"] for one in page["documents"]], page["total"]) == (["D2", "D0"], 4)
    with count_requests() as seen:
        assert len(reading.newest_rows(world.project.id, 2)[0]) == 2
    assert seen.names == ["Query"]
    work = CallContext(world.actor, world.card().id, "run", ())
    told, _ = document_tools.list_documents(work, document_tools.tools.ListDocuments())
    assert [one["id"] for one in told["documents"]] == newest[:4]
    assert told["more"] == "Only the 4 documents that were changed last are shown"


def test_a_list_of_many_is_read_as_many_at_a_time_as_a_batch_holds(world, monkeypatch):
    assert reading.BATCH == 100
    monkeypatch.setattr(reading, "BATCH", 6)  # three documents, three texts
    for number in range(4):
        make(world, title=f"D{number}")
    with count_requests() as seen:
        assert len(listed(world)["documents"]) == 4
    # the project, beside it the index and its counts; then documents with their texts, two batches beside each other
    assert (seen.names, {*seen.beside}) == (["BatchGetItem"] * 2, {"BatchGetItem", "Query"})


def test_the_latest_of_a_type_is_one_read(world):
    assert latest(world).status == 404
    first, second = make(world, title="A").json, make(world, title="B").json
    assert latest(world).json == second
    changed = change(world, first, content="Newer\n").json
    with count_requests() as seen:
        assert latest(world).json == changed
    assert (seen.names, seen.beside) == (["GetItem"], ["Query"])
    tagged = change(world, second, tags=["x"]).json  # no version: it does not get younger
    assert latest(world).json["id"] == first["id"]
    change(world, first, status="archived")
    assert latest(world).json == tagged
    change(world, second, status="archived")
    assert latest(world).json["status"] == "archived"  # there is no other
    back = change(world, second, status="draft").json
    assert latest(world).json == back
    assert (latest(world, "mvp").status, latest(world, "letter").status) == (404, 404)


def test_revisions_are_paged(world):
    made = make(world).json
    for number in range(4):
        change(world, made, content=f"{number}\n")
    shown = get(world, made, "?revisionLimit=2&revisionOffset=1")
    assert [one["newVersion"] for one in shown["revisions"]] == [4, 3]
    assert (shown["revisionPagination"]["total"], shown["revisionPagination"]["hasMore"]) == (5, True)
    assert get(world, made, "?revisionOffset=9")["revisions"] == []


def test_revisions_end_where_the_answer_is_full(world, monkeypatch):
    made = make(world).json
    for number in range(4):
        change(world, made, content="x" * 14_000 + str(number))
    monkeypatch.setattr(reading, "MAX_REVISION_BYTES", 33_000)
    shown = get(world, made)
    assert [one["newVersion"] for one in shown["revisions"]] == [5, 4]
    assert (shown["revisionPagination"]["limit"], shown["revisionPagination"]["hasMore"]) == (2, True)
    rest = get(world, made, "?revisionOffset=2")
    assert [one["newVersion"] for one in rest["revisions"]] == [3, 2, 1]


# -- what it costs


def test_what_an_operation_costs(world):
    make(world)
    with count_requests() as seen:
        made = make(world).json
    assert seen.names == ["BatchGetItem", "TransactWriteItems"]
    with count_requests() as seen:
        change(world, made, content="x")
    assert (seen.names, seen.beside) == (
        ["BatchGetItem", "TransactWriteItems"],
        ["Query"],
    )  # the old text: the diff is made of it
    with count_requests() as seen:
        publish(world, made)
    assert (seen.names, seen.beside) == (["BatchGetItem", "TransactWriteItems"], ["Query"])
    with count_requests() as seen:
        get(world, made)
    assert seen.names == ["BatchGetItem", "BatchGetItem"]
    with count_requests() as seen:
        get(world, made, "?version=1")
    assert seen.names == ["BatchGetItem", "BatchGetItem", "GetItem"]


# -- others


def test_strangers_and_viewers(world):
    made = make(world).json
    viewer, stranger = world.join("Vi Ewer", "viewer@example.com", Role.VIEWER), sign_up("Stan", "stan@example.com")
    docs = f"/projects/{world.project.id}/docs"
    for path in (docs, f"{docs}/prd", f"/documents/{made['id']}"):
        assert viewer("documents", "GET", path).status == 200
        assert stranger("documents", "GET", path).status == 404
    for answer in (make(world, viewer), change(world, made, viewer, title="x"), publish(world, made, viewer)):
        assert answer.status == 403
    assert viewer("documents", "POST", f"{docs}/uploads", body={"size": 3}).status == 403
    for answer in (make(world, stranger), change(world, made, stranger, title="x"), publish(world, made, stranger)):
        assert answer.status == 404
    assert stranger("documents", "POST", f"{docs}/uploads", body={"size": 3}).status == 404


def test_a_document_that_is_gone_is_found_by_nobody(world):
    made = make(world).json
    document = fetch(Document, made["id"])
    document.deleted_at = document.updated_at
    write(save(document))
    assert world.ada("documents", "GET", f"/documents/{made['id']}").status == 404
    assert listed(world)["documents"] == []


def test_an_agents_document_shows_on_its_card_and_is_markdown(world):
    made = make(world, title="Scope", contentType="html").json
    card, agent = world.card(), agent_actor(agent_named("prd"), world.ws_id, ["write_document"])
    written = write_document(agent, world.project.id, "prd", "Scope", "# Scope", document_id=new_id(), item_id=card.id)
    assert (written.id, written.number) == (made["id"], 2)  # a person's document, by its title
    shown = get(world, made)
    assert (shown["contentType"], shown["updatedBy"]["name"]) == ("markdown", "PRD Agent")
    assert get(world, made, "?version=1")["contentType"] == "html"
    project(stream_record(raw_row(f"DOC#{made['id']}")))
    activity = world.ada("comments", "GET", f"/cards/{card.id}/activities").json["activities"][0]
    assert activity["description"] == "PRD Agent changed a document"


def test_what_happens_to_a_document_is_in_the_projects_log(world):
    made = make(world).json
    for step in (lambda: None, lambda: change(world, made, content="x"), lambda: publish(world, made)):
        step()
        project(stream_record(raw_row(f"DOC#{made['id']}")))
    kinds = [row.type for row in query(Activity, project_log(world.project.id)).rows]
    assert [kind for kind in kinds if kind.startswith("document.")] == [
        "document.created", "document.updated", "document.published",
    ]  # fmt: skip
