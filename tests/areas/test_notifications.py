"""Inboxes: who is told what, once, and how it is read."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from shared.channels.notifications.inbox import mark_all_read, mark_read
from shared.channels.notifications.rows import KEPT, Notification, inbox_of
from shared.channels.notifications.sending import Notice, notify
from shared.core import clock
from shared.core.actor import SYSTEM, Actor, Role
from shared.core.ids import new_id
from shared.money.budgets.reserving import Scope, announce_spending, settle_reservation
from shared.money.budgets.rows import budget_id
from shared.people.access import records
from shared.planning.tickets.creating import NewTicket, create_ticket
from shared.store import fetch, fetch_all, index_rows, write
from shared.work.items.rows import Item
from shared.work.tasks.claiming import claim_task, complete_task, fail_task
from shared.work.tasks.creating import NewTask, add_task
from tests.areas.boards_world import World
from tests.areas.driving import Client
from tests.areas.test_limited_callers import make_key
from tests.kills import concurrently

AGENT = {"id": "agent-456", "name": "worker"}


@pytest.fixture
def bea(world: World) -> Client:
    return world.join("Bea Member", "bea@example.com", Role.MEMBER).at("omoios")


def inbox(client: Client, **query: object) -> list[dict]:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    answer = client("notifications", "GET", f"/notifications?{text}")
    assert answer.status == 200, answer.text
    return answer.json


def kinds(client: Client) -> list[str]:
    return [one["type"] for one in inbox(client)]


def tell(world: World, client: Client, number: int = 1, at: str | None = None) -> list[str]:
    """Put notifications into an inbox; return their occasions."""
    occasions = [new_id() for _ in range(number)]
    for occasion in occasions:
        notice = Notice(occasion, "alert", "Alert", "Words", "alert", new_id(), at or clock.iso())
        notify(world.ws_id, world.project.org_id, [client.user["id"]], notice)
    return occasions


def assigned(world: World, client: Client) -> Item:
    card = world.card()
    answer = world.ada("cards", "PUT", f"/cards/{card.id}", body={"assigneeId": client.user["id"]})
    assert answer.status == 200, answer.text
    found = fetch(Item, card.id)
    assert found is not None
    return found


def test_who_works_on_a_ticket_is_told_that_it_is_blocked_and_who_blocks_it_is_not(world, ada, bea, stream):
    card = assigned(world, bea)
    blocked = ada("cards", "POST", f"/tickets/{card.id}/block", body={"blocked_reason": "No database"})
    assert blocked.status == 200, blocked.text
    stream.flow()
    stream.flow()  # what comes again tells nobody anything new
    (told,) = [one for one in inbox(bea) if one["type"] == "ticket_blocked"]
    assert told["entity_type"] == "ticket"
    assert told["entity_id"] == card.id
    assert told["message"] == f"Ticket {card.title} is blocked: No database"
    assert told["read"] is False
    assert "ticket_blocked" not in kinds(ada)  # it was her
    ada("cards", "POST", f"/tickets/{card.id}/unblock")
    stream.flow()
    assert kinds(bea)[0] == "ticket_unblocked"


def test_an_event_that_is_replayed_is_told_once_and_stays_read(world, ada, bea, stream):
    card = assigned(world, bea)
    ada("cards", "POST", f"/tickets/{card.id}/block", body={"blocked_reason": "No database"})
    before = stream.seen
    stream.flow()
    read = bea("notifications", "POST", f"/notifications/{inbox(bea)[0]['id']}/read")
    assert read.status == 200, read.text
    stream.seen = before
    assert stream.flow() > 0
    assert kinds(bea).count("ticket_blocked") == 1
    assert inbox(bea, unread_only="true") == []


def test_what_becomes_of_a_task_is_told_to_those_of_its_ticket(world, bea, stream):
    card = assigned(world, bea)
    first = add_task(world.actor, card, new_id(), NewTask("First", "Do it"))
    second = add_task(world.actor, card, new_id(), NewTask("Second", "Do it", depends_on=(first.id,), max_retries=0))
    stream.flow()
    claim_task(system_in(world), first.id, AGENT, 60)
    complete_task(system_in(world), first.id, {"summary": "Done"})
    stream.flow()
    assert {"task_completed", "dependency_resolved"} <= set(kinds(bea))
    stream.flow()
    claim_task(system_in(world), second.id, AGENT, 60)
    fail_task(system_in(world), second.id, "Out of memory")
    stream.flow()
    told = inbox(bea)[0]
    assert (told["type"], told["message"]) == ("task_failed", "Task Second has failed: Out of memory")


def system_in(world: World) -> Actor:
    """Somebody else than the people of the test."""
    return replace(SYSTEM, workspaces={world.ws_id: Role.MEMBER})


def test_a_mention_is_told_once_and_after_a_change_only_to_whom_it_names_anew(world, ada, bea, stream):
    cleo = world.join("Cleo Member", "cleo@example.com", Role.MEMBER).at("omoios")
    stranger = "0190a0a0-0000-7000-8000-000000000000"
    card = world.card()
    body = {"content": "Look at this", "mentions": [bea.user["id"], ada.user["id"], stranger, "agent-789"]}
    made = ada("comments", "POST", f"/tickets/{card.id}/comments", body=body).json
    stream.flow()
    assert kinds(bea) == ["mention"]
    assert inbox(bea)[0]["message"] == "Ada Lovelace: Look at this"
    assert kinds(ada) == []  # nobody is told what they said themselves
    changed = {"content": "Look at that", "mentions": [bea.user["id"], cleo.user["id"]]}
    answer = ada("comments", "PUT", f"/comments/{made['id']}", body=changed)
    assert answer.json["mentions"] == changed["mentions"]
    stream.flow()
    assert (kinds(bea), kinds(cleo)) == (["mention"], ["mention"])


def test_who_has_left_sees_nothing_of_the_workspace(world, bea):
    tell(world, bea)
    assert len(inbox(bea)) == 1
    write(records.revoke_workspace(bea.user["id"], world.ws_id))
    assert inbox(bea) == []


def test_an_inbox_is_read_page_by_page_newest_first(world, ada):
    tell(world, ada, 5)
    answer = ada("notifications", "GET", "/notifications?limit=2")
    seen = [one["id"] for one in answer.json]
    assert answer.header("X-Unread-Count") == "5"
    while cursor := answer.header("X-Next-Cursor"):
        answer = ada("notifications", "GET", f"/notifications?limit=2&cursor={cursor}")
        seen += [one["id"] for one in answer.json]
    assert len(seen) == len(set(seen)) == 5
    assert [one["id"] for one in inbox(ada)] == seen
    assert [one["created_at"] for one in inbox(ada)] == sorted((one["created_at"] for one in inbox(ada)), reverse=True)
    assert ada("notifications", "GET", "/notifications?cursor=forged.x").status == 422
    assert ada("notifications", "GET", "/notifications?limit=0").status == 422


def test_reading_is_idempotent_and_only_for_the_owner(world, ada, bea):
    tell(world, ada)
    made = inbox(ada)[0]["id"]
    first = ada("notifications", "POST", f"/notifications/{made}/read").json
    again = ada("notifications", "POST", f"/notifications/{made}/read").json
    assert first == again
    assert (first["id"], first["read"]) == (made, True)
    assert inbox(ada, unread_only="true") == []
    assert inbox(ada)[0]["read"] is True
    for wrong in (
        bea("notifications", "POST", f"/notifications/{made}/read"),
        ada("notifications", "POST", "/notifications/x/read"),
    ):
        assert wrong.status == 404


def test_two_who_read_at_once_have_read_it_at_one_time(world, ada):
    tell(world, ada)
    made = inbox(ada)[0]["id"]
    with concurrently(lambda: mark_read(world.actor, made)):
        mine = mark_read(world.actor, made)
    row = fetch(Notification, made)
    assert row is not None
    assert mine.read_at == row.read_at


def test_all_of_many_are_marked_and_counted(world, ada):
    tell(world, ada, 230)
    one = inbox(ada)[0]["id"]
    assert ada("notifications", "POST", f"/notifications/{one}/read").status == 200
    answer = ada("notifications", "GET", "/notifications?limit=1")
    assert answer.header("X-Unread-Count") == "100"  # so many at least
    assert ada("notifications", "POST", "/notifications/read-all").json == {"marked_read": 229}
    assert ada("notifications", "POST", "/notifications/read-all").json == {"marked_read": 0}
    assert inbox(ada, unread_only="true") == []


def test_what_another_request_marks_meanwhile_is_counted_once(world, ada):
    tell(world, ada, 30)
    others = [one["id"] for one in inbox(ada)[:3]]

    def read_some() -> None:
        for one in others:
            assert ada("notifications", "POST", f"/notifications/{one}/read").status == 200

    with concurrently(read_some):
        marked = mark_all_read(world.actor, time.monotonic() + 20)
    assert marked == 27


def test_what_is_older_than_ninety_days_is_gone_though_its_row_is_there(world, ada):
    tell(world, ada, at=clock.in_seconds(-KEPT - 60))
    assert inbox(ada) == []
    assert ada("notifications", "POST", "/notifications/read-all").json == {"marked_read": 0}


@pytest.fixture
def ann(world: World) -> Client:
    return world.join("Ann Admin", "ann@example.com", Role.ADMIN).at("omoios")


def test_who_may_approve_is_told_of_a_ticket_that_waits(world, ada, ann, bea, stream):
    made = create_ticket(world.actor, world.project.id, NewTicket("Wanted", approval_required=True))
    assert isinstance(made, Item)
    stream.flow()
    assert [(one["type"], one["entity_id"]) for one in inbox(ann)] == [("approval_pending", made.id)]
    assert (kinds(ada), kinds(bea)) == ([], [])  # who asked, and who may not


def test_administrators_are_told_of_a_column_that_is_too_full(world, ada, ann, bea, stream):
    for _ in range(4):
        body = {"ticket_id": world.card().id, "target_column_id": "deploying", "force": True}
        assert ada("boards", "POST", "/board/move", body=body).status == 200
    stream.flow()
    assert [(one["type"], one["entity_type"]) for one in inbox(ann)] == [("wip_violation", "board")]
    assert inbox(ann)[0]["message"] == "Column deploying has 4 tickets, and its limit is 3"
    assert (kinds(ada), kinds(bea)) == ([], [])


def test_administrators_are_told_of_a_budget_once_for_each_threshold(world, ada, ann, bea, stream):
    card = world.card()
    body = {"scope_type": "ticket", "scope_id": card.id, "limit_amount": 10}
    assert ada("usage", "POST", "/costs/budgets", body=body).status == 201
    scope = Scope(world.project.org_id, world.ws_id, world.project.id, card.id, "")
    for spent in (8_500_000, 500_000, 1_500_000):
        write(*settle_reservation(None, [budget_id("card", card.id)], spent))
        announce_spending(scope)
        stream.flow()
    told = [(one["title"], one["message"]) for one in inbox(ann)]
    assert told == [
        ("Budget exceeded", "10.50 USD of 10.00 USD are spent (ticket)"),
        ("Budget nearly used", "8.50 USD of 10.00 USD are spent (ticket)"),
    ]
    assert {(one["type"], one["entity_id"]) for one in inbox(ann)} == {("budget_threshold", card.id)}
    assert len(inbox(ada)) == 2
    assert kinds(bea) == []


def stored(client: Client) -> list[str]:
    rows = index_rows(1, inbox_of(client.user["id"]))
    return [one.type for one in fetch_all(Notification, [row.id for row in rows])]


def test_a_storm_ends_in_one_that_says_so_and_others_are_told_as_ever(world, ada, ann, monkeypatch):
    monkeypatch.setattr("shared.channels.notifications.sending.MOST_IN_HOUR", 5)
    people = [ada.user["id"], ann.user["id"]]
    with time_machine.travel(clock.parse("2026-11-29T10:10:00.000Z"), tick=False) as traveller:

        def say(number: int, *whom: str) -> None:
            event = f"event-{number}"
            notify(world.ws_id, None, whom, Notice(event, "mention", f"Said {number}", "", "ticket", "1", clock.iso()))

        for number in range(4):
            say(number, *people)
        for number in range(4, 20):
            say(number, people[0])
        say(3, *people)  # again: it is told, and counted, to nobody
        say(20, *people)
        assert sorted(stored(ada)) == ["many", *["mention"] * 5]
        assert stored(ann) == ["mention"] * 5
        say(21, people[1])
        assert sorted(stored(ann)) == ["many", *["mention"] * 5]
        traveller.shift(timedelta(hours=1))
        say(22, *people)
        assert stored(ada).count("mention") == 6


def test_two_at_once_tell_no_more_than_an_hour_has(world, ada, monkeypatch):
    monkeypatch.setattr("shared.channels.notifications.sending.MOST_IN_HOUR", 3)

    def say(number: int) -> None:
        notice = Notice(f"e{number}", "mention", "Said", "", "ticket", "1", clock.iso())
        notify(world.ws_id, None, [ada.user["id"]], notice)

    with concurrently(lambda: [say(number) for number in range(10, 15)] and None):
        for number in range(5):
            say(number)
    assert kinds(ada).count("mention") == 3


def test_an_inbox_is_its_persons_and_not_their_keys(world, ada):
    """Titles of cards, amounts of budgets, all workspaces: no scope of a key says all of that."""
    answer = make_key(ada, "projects:read").at("omoios")("notifications", "GET", "/notifications")
    assert answer.status == 403
    assert "signed in" in answer.text
