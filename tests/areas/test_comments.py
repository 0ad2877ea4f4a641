"""agentworks: comments in threads, and what happened to a card."""

from dataclasses import replace

import pytest

from shared.core.actor import Actor, Role
from shared.core.ids import new_id
from shared.events import Event, get_event
from shared.store import fetch, put_many, save, write
from shared.work.activities.rows import new_activity
from shared.work.comments.rows import Comment
from shared.work.comments.writing import MAX_DEPTH, NewComment, create_comment
from shared.work.items.rows import Item
from shared.work.items.updating import update_item
from tests.areas.boards_world import World, create_world
from tests.trips import count_requests


@pytest.fixture
def card(world) -> dict:
    body = {"laneId": world.lanes[6].id, "title": "A card", "type": "task"}
    return world.ada("cards", "POST", f"/boards/{world.board.id}/cards", body=body).json


def say(world: World, card: dict, content: str = "Hello", client=None, **more):
    return (client or world.ada)("comments", "POST", f"/cards/{card['id']}/comments", body={"content": content} | more)


def said(world: World, card: dict, query: str = "") -> dict:
    answer = world.ada("comments", "GET", f"/cards/{card['id']}/comments{query}")
    assert answer.status == 200
    return answer.json


def edit(client, comment: dict, content: str = "Better"):
    return client("comments", "PUT", f"/comments/{comment['id']}", body={"content": content})


def remove(client, comment: dict):
    return client("comments", "DELETE", f"/comments/{comment['id']}")


def test_a_comment_is_said_and_read(world, card):
    said(world, card)
    with count_requests() as seen:
        answer = say(world, card, "  *Well* done ", contentType="plain_text")
    assert (answer.status, seen.names) == (201, ["BatchGetItem", "TransactWriteItems"])
    made = answer.json
    assert made == {
        "id": made["id"],
        "content": "*Well* done",
        "contentType": "plain_text",
        "author": {"id": world.ada.user["id"], "name": "Ada Lovelace", "email": "ada@example.com"},
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    }
    with count_requests() as seen:
        found = said(world, card)
    assert (found["comments"], found["total"]) == ([made], 1)
    assert (seen.names, {*seen.beside}) == (
        ["BatchGetItem", "BatchGetItem"],
        {"Query"},
    )  # the list, and its counts if they are in time
    event = get_event(fetch(Comment, made["id"]))
    assert (event.type, event.data["item_id"], event.data["excerpt"]) == ("comment.created", card["id"], "*Well* done")


def test_replies_stand_below_what_they_answer(world, card):
    first, second = say(world, card, "First").json, say(world, card, "Second").json
    reply = say(world, card, "Reply", parentCommentId=first["id"]).json
    deeper = say(world, card, "Deeper", parentCommentId=reply["id"]).json
    assert (reply["parentCommentId"], deeper["parentCommentId"]) == (first["id"], reply["id"])
    found = said(world, card)
    assert (found["total"], found["pagination"]["total"]) == (4, 2)
    assert found["comments"] == [first | {"replies": [reply | {"replies": [deeper]}]}, second]
    page = said(world, card, "?limit=1&offset=1")
    assert (page["comments"], page["total"], page["pagination"]["hasMore"]) == ([second], 4, False)


def test_a_reply_answers_a_comment_of_the_same_card(world, card):
    body = {"laneId": world.lanes[6].id, "title": "Other", "type": "task"}
    other = world.ada("cards", "POST", f"/boards/{world.board.id}/cards", body=body).json
    elsewhere, gone = say(world, other).json, say(world, card).json
    remove(world.ada, gone)
    for parent in (elsewhere["id"], gone["id"], new_id(), "nonsense"):
        answer = say(world, card, parentCommentId=parent)
        assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, "parentCommentId")


def test_threads_end_somewhere(world, card):
    parent = say(world, card).json
    for _ in range(MAX_DEPTH):
        parent = say(world, card, parentCommentId=parent["id"]).json
    assert say(world, card, parentCommentId=parent["id"]).json["validationErrors"][0]["field"] == "parentCommentId"
    assert said(world, card)["total"] == MAX_DEPTH + 1


def test_the_author_corrects_and_administrators_may(world, card):
    bob = world.join("Bob", "bob@example.com", Role.MEMBER)
    ann = world.join("Ann", "ann@example.com", Role.ADMIN)
    made = say(world, card, client=bob).json
    assert edit(bob, made).json["content"] == "Better"
    answer = edit(ann, made, "Best")
    assert (answer.status, answer.json["content"], answer.json["author"]["name"]) == (200, "Best", "Bob")
    assert answer.json["updatedAt"] > answer.json["createdAt"]
    mine = say(world, card).json
    for refused in (edit(bob, mine), remove(bob, mine)):
        assert (refused.status, refused.json["error"]["code"]) == (403, "INSUFFICIENT_PERMISSIONS")
    assert remove(ann, mine).status == 204
    assert get_event(fetch(Comment, made["id"])).actor["name"] == "Ann"


def test_saying_the_same_again_changes_nothing(world, card):
    made = say(world, card, "Same").json
    assert edit(world.ada, made, "Same").json == made


def test_an_author_who_lost_the_right_to_write_only_reads(world, card):
    from shared.people.access import records

    bob = world.join("Bob", "bob@example.com", Role.MEMBER)
    made = say(world, card, client=bob).json
    write(records.grant_workspace(bob.user["id"], world.ws_id, Role.VIEWER))
    assert edit(bob, made).status == 403


def test_a_deleted_comment_is_seen_only_where_it_was_answered(world, card):
    lonely, answered = say(world, card, "Lonely").json, say(world, card, "Answered").json
    reply = say(world, card, "Reply", parentCommentId=answered["id"]).json
    with count_requests() as seen:
        assert remove(world.ada, lonely).status == 204
    assert seen.names == ["BatchGetItem", "TransactWriteItems"]
    assert remove(world.ada, answered).status == 204
    found = said(world, card)
    assert found["total"] == 1
    (shown,) = found["comments"]
    assert (shown["id"], shown["content"], "deletedAt" in shown) == (answered["id"], "", True)
    assert shown["replies"] == [reply]
    assert fetch(Comment, answered["id"]).content == ""
    for again in (remove(world.ada, answered), edit(world.ada, answered)):
        assert (again.status, again.json["error"]["code"]) == (404, "COMMENT_NOT_FOUND")
    assert [one["content"] for one in world.ada("cards", "GET", f"/cards/{card['id']}").json["comments"]] == ["Reply"]
    remove(world.ada, reply)
    assert (said(world, card)["comments"], said(world, card)["total"]) == ([], 0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "content"),
        ({"content": " "}, "content"),
        ({"content": "x" * 10_001}, "content"),
        ({"content": "x", "contentType": "html"}, "contentType"),
        ({"content": "x", "mentions": []}, "mentions"),
    ],
)
def test_a_bad_comment_is_named(world, card, body, field):
    answer = world.ada("comments", "POST", f"/cards/{card['id']}/comments", body=body)
    assert (answer.status, [one["field"] for one in answer.json["validationErrors"]]) == (422, [field])


def test_others_do_not_know_of_it(world, card):
    eve = create_world("eve@example.com", "Eve").ada
    made = say(world, card).json
    for answer in (
        eve("comments", "GET", f"/cards/{card['id']}/comments"),
        eve("comments", "GET", f"/cards/{card['id']}/activities"),
        say(world, card, client=eve),
        edit(eve, made),
        remove(eve, made),
    ):
        assert answer.status == 404


def test_many_comments_come_in_pages(world, card):
    first = create_comment(world.actor, card["id"], NewComment("First"))
    own = {"pk", "sk", "kind", "id", "created_at", "updated_at", "event", "event_id", "content"}
    common = {name: value for name, value in first.attribute_values.items() if name not in own}
    put_many([Comment.new(new_id(), **common, content=f"No. {number}") for number in range(149)])
    with count_requests() as seen:
        found = said(world, card)
    assert (len(found["comments"]), found["total"]) == (100, 150)
    assert found["pagination"] == {"limit": 100, "offset": 0, "total": 150, "hasMore": True}
    assert seen.names == ["BatchGetItem", "BatchGetItem"]
    assert len(said(world, card, "?offset=100")["comments"]) == 50
    shown = world.ada("cards", "GET", f"/cards/{card['id']}").json["comments"]
    assert len(shown) == 50
    assert {one["id"] for one in shown} == {one["id"] for one in said(world, card, "?offset=100")["comments"]}
    assert world.ada("comments", "GET", f"/cards/{card['id']}/comments?limit=101").status == 422


def test_a_page_of_long_threads_is_shorter_and_says_so(world, card):
    root = create_comment(world.actor, card["id"], NewComment("Root"))
    own = {"pk", "sk", "kind", "id", "created_at", "updated_at", "event", "event_id", "parent_id"}
    common = {name: value for name, value in root.attribute_values.items() if name not in own}
    put_many([Comment.new(new_id(), **common, parent_id=root.id) for _ in range(150)])
    second = create_comment(world.actor, card["id"], NewComment("Second"))
    put_many([Comment.new(new_id(), **common, parent_id=second.id) for _ in range(250)])
    first_page = said(world, card)
    assert [len(one["replies"]) for one in first_page["comments"]] == [150]
    assert first_page["pagination"] == {"limit": 1, "offset": 0, "total": 2, "hasMore": True}
    second_page = said(world, card, "?offset=1")
    assert [len(one["replies"]) for one in second_page["comments"]] == [199]
    assert (second_page["pagination"]["hasMore"], second_page["total"]) == (False, 402)


def test_an_agent_comments_in_its_own_name(world, card):
    prd = Actor("prd", "PRD Agent", kind="agent", workspaces={world.ws_id: Role.MEMBER})
    create_comment(prd, card["id"], NewComment("Done"), comment_id=(once := new_id()))
    assert create_comment(prd, card["id"], NewComment("Done twice"), comment_id=once).content == "Done"
    (found,) = said(world, card)["comments"]
    assert found["author"] == {"id": "prd", "name": "PRD Agent", "email": ""}


def log(entity) -> None:
    """What the stream consumer does with an event."""
    put_many([new_activity(entity, get_event(entity))])


def activities(world: World, card: dict, query: str = "") -> dict:
    answer = world.ada("comments", "GET", f"/cards/{card['id']}/activities{query}")
    assert answer.status == 200
    return answer.json


def test_activities_tell_what_happened_newest_first(world, card):
    log(fetch(Item, card["id"]))
    for fields in ({"title": "New"}, {"assignee_id": world.actor.id}, {"title": "Newer", "priority": "high"}, {"status": "done"}):
        log(update_item(world.actor, card["id"], fields))
    agent = Actor("qa", "QA Agent", kind="agent", workspaces={world.ws_id: Role.MEMBER})
    comment = create_comment(agent, card["id"], NewComment("Tested"))
    log(comment)
    with count_requests() as seen:
        found = activities(world, card)
    assert (seen.names, seen.beside) == (["BatchGetItem", "BatchGetItem"], ["Query"])
    assert found["total"] == 6
    shown = [(one["type"], one.get("fieldChanged"), one["description"]) for one in found["activities"]]
    assert shown == [
        ("commented", None, "QA Agent commented"),
        ("moved", "laneId", "Ada Lovelace moved the card"),
        ("updated", None, "Ada Lovelace changed title, priority"),
        ("assigned", "assignee", "Ada Lovelace assigned the card to Ada Lovelace"),
        ("updated", "title", "Ada Lovelace changed title"),
        ("created", None, "Ada Lovelace created the card"),
    ]
    said_by, moved, several, assigned, renamed, _ = found["activities"]
    assert said_by["actor"] == {"id": "qa", "name": "QA Agent", "displayName": "QA Agent", "status": "active"}
    assert (said_by["metadata"]["event"], said_by["metadata"]["subjectId"]) == ("comment.created", comment.id)
    assert (moved["oldValue"], moved["newValue"]) == (world.lanes[6].id, world.lanes[10].id)
    assert moved["metadata"]["changes"]["status"] == {"old": "draft", "new": "done"}
    assert several["metadata"]["changes"] == {
        "title": {"old": "New", "new": "Newer"},
        "priority": {"old": "medium", "new": "high"},
    }
    assert (assigned.get("oldValue"), assigned["newValue"]["id"]) == (None, world.actor.id)
    assert (renamed["oldValue"], renamed["newValue"]) == ("A card", "New")
    assert renamed["actor"] == {"id": world.actor.id, "name": "Ada Lovelace", "email": "ada@example.com"}
    assert world.ada("cards", "GET", f"/cards/{card['id']}").json["activities"] == found["activities"]


def test_activities_come_in_pages_with_an_exact_total(world, card):
    row = fetch(Item, card["id"])
    for number in range(7):
        row.title = f"No. {number}"
        from shared.events import EventType, record

        record(row, EventType.ITEM_UPDATED, world.actor, changes={"title": ["", row.title]})
        write(save(row))
        log(row)
    with count_requests() as seen:
        page = activities(world, card, "?limit=3&offset=2")
    assert (seen.names, seen.beside) == (["BatchGetItem", "BatchGetItem"], ["Query", "Query"])  # the second query counts
    assert [one["newValue"] for one in page["activities"]] == ["No. 4", "No. 3", "No. 2"]
    assert (page["total"], page["pagination"]["hasMore"]) == (7, True)
    assert activities(world, card, "?limit=3&offset=50")["activities"] == []


def test_a_replayed_event_is_one_activity(world, card):
    for _ in range(3):
        log(fetch(Item, card["id"]))
    assert activities(world, card)["total"] == 1


def test_activities_can_be_paged_past_a_megabyte_of_them(world, card):
    """A query answers a megabyte at a time: about 2,500 index rows."""
    item = fetch(Item, card["id"])
    put_many([new_activity(item, event) for event in _events(item, 3_000)])
    page = activities(world, card, "?offset=2950&limit=100")
    assert (page["total"], len(page["activities"]), page["pagination"]["hasMore"]) == (3_000, 50, False)


def _events(item: Item, number: int) -> list[Event]:
    one = get_event(item)
    return [replace(one, id=new_id()) for _ in range(number)]
