"""omoios: tickets that wait for a person's approval, until a deadline that needs no job."""

from datetime import timedelta
from threading import Thread

import pytest
import time_machine

from shared.core import clock
from shared.core.actor import Actor, Role
from shared.core.errors import CadreError
from shared.planning.tickets import approving
from shared.planning.tickets.creating import NewTicket, create_ticket
from shared.store import fetch, fetch_all, index_rows, pages, put, write
from shared.work.items.pending import APPROVALS, PREFIX, PendingApproval, partition_of
from shared.work.items.rows import Item
from shared.work.tasks.rows import Task, tasks_of_card
from tests.areas.boards_world import World, create_world
from tests.areas.driving import run_jobs
from tests.areas.viewers import listen, messages, messages_for, project, raw_row, stream_record
from tests.filed_cards import check_board


def ask(world: World, method: str, path: str, body=None, client=None):
    return (client or world.ada).at("omoios")("cards", method, path, body=body)


def wanted(world: World, title: str = "Wanted", **more) -> Item:
    made = create_ticket(world.actor, world.project.id, NewTicket(title, approval_required=True, **more))
    assert isinstance(made, Item)
    return made


def decide(world: World, item: Item, word: str = "approve", client=None):
    body = {"ticket_id": item.id} | ({"rejection_reason": "Not now"} if word == "reject" else {})
    return ask(world, "POST", f"/tickets/{word}", body, client)


def tasks_of(item: Item) -> list[Task]:
    return fetch_all(Task, [row.id for row in index_rows(2, tasks_of_card(item.id))])


def pending(world: World) -> int:
    return ask(world, "GET", "/tickets/pending-review-count").json["pending_count"]


def status(world: World, item: Item) -> dict:
    return ask(world, "GET", f"/tickets/approval-status?ticket_id={item.id}").json


def tick() -> None:
    run_jobs("approvals")


def waiting(world: World) -> list[str]:
    return [row.id for page in pages(PendingApproval, partition_of(world.ws_id), prefix=PREFIX) for row in page.rows]


def test_static_paths_are_no_tickets(world):
    assert ask(world, "GET", "/tickets/pending-review-count").json == {"pending_count": 0}
    assert ask(world, "GET", "/tickets/approval-status").json["error"]["details"][0]["field"] == "ticket_id"
    for path in ("approve", "reject", "check-duplicates"):
        assert ask(world, "POST", f"/tickets/{path}", {}).status == 422
    assert ask(world, "POST", "/tickets/detect-blocking").status == 200


def test_a_ticket_is_approved_unless_somebody_has_to(world):
    card = world.card()
    assert status(world, card)["approval_status"] == "approved"
    refused = decide(world, card)
    assert (refused.status, refused.json["detail"]) == (400, "The ticket does not wait for approval: it is approved")


def test_an_approval_brings_the_first_task(world):
    item = wanted(world, phase_id="PHASE_BACKLOG")
    assert (status(world, item)["approval_status"], pending(world), tasks_of(item)) == ("pending_review", 1, [])
    refused = ask(world, "POST", f"/tickets/{item.id}/transition", {"to_status": "analyzing", "force": True})
    assert (refused.status, refused.json["detail"]) == (400, "The ticket waits for approval")
    assert ask(world, "POST", f"/tickets/{item.id}/progress").json["reasons"] == ["The ticket waits for approval"]
    answer = ask(world, "POST", "/tickets/approve?approver_id=somebody", {"ticket_id": item.id})
    me = {"approver_id": "somebody", "decided_by": world.actor.id}
    assert (answer.status, answer.json) == (200, {"ticket_id": item.id, "status": "approved"} | me)
    assert [task.task_type for task in tasks_of(item)] == ["implement_feature"]
    assert (pending(world), waiting(world), status(world, item)["decided_by"]) == (0, [], world.actor.id)
    assert decide(world, item).status == 400
    assert ask(world, "POST", f"/tickets/{item.id}/transition", {"to_status": "analyzing"}).status == 200


def test_a_rejected_ticket_goes_nowhere(world):
    item = wanted(world)
    assert decide(world, item, "reject").json["status"] == "rejected"
    shown = status(world, item)
    assert (shown["approval_status"], shown["rejection_reason"]) == ("rejected", "Not now")
    refused = ask(world, "POST", f"/tickets/{item.id}/transition", {"to_status": "building"})
    assert (refused.status, refused.json["detail"]) == (400, "The ticket was rejected")
    assert (tasks_of(item), pending(world)) == ([], 0)


def test_what_nobody_decides_has_timed_out_without_a_job(world):
    item = wanted(world, approval_seconds=60)
    board = f"/board/view?project_id={world.project.id}"

    def on_board() -> str:
        columns = world.ada.at("omoios")("boards", "GET", board).json["columns"]
        return next(one["approval_status"] for column in columns for one in column["tickets"])

    assert on_board() == "pending_review"
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        assert status(world, item)["approval_status"] == on_board() == "timed_out"
        assert ask(world, "GET", f"/tickets/{item.id}").json["approval_status"] == "timed_out"
        assert pending(world) == 0
        for word in ("approve", "reject"):
            refused = decide(world, item, word)
            assert (refused.status, refused.json["detail"]) == (400, "The ticket does not wait for approval: it is timed_out")
        assert fetch(Item, item.id).approval_status == "pending_review"  # nothing has been written


def test_the_job_tells_once_and_only_of_what_is_due(world):
    listen(world.ws_id)
    due, later = wanted(world, "Rotate keys", approval_seconds=60), wanted(world, "Write guide", approval_seconds=600)
    gone = wanted(world, "Draw logo", approval_seconds=60)
    world.ada("cards", "DELETE", f"/cards/{gone.id}")
    assert sorted(waiting(world)) == sorted([due.id, later.id])
    before = raw_row(f"ITEM#{due.id}")
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        tick()
        tick()
    after = raw_row(f"ITEM#{due.id}")
    project(stream_record(after, before))
    told = [one["event_type"] for one in messages_for(messages(), "omoios")]
    assert told == ["TICKET_UPDATED", "TICKET_TIMED_OUT"]
    assert int(after["version"]["N"]) == int(before["version"]["N"]) + 1
    assert waiting(world) == [later.id]
    assert fetch(Item, later.id).approval_status == "pending_review"
    check_board(world.board.id)


def test_a_place_that_was_left_behind_is_removed(world):
    item = wanted(world, approval_seconds=60)
    left = PendingApproval.of(item, f"{item.approval['expires_at']}#{item.id}")
    approving.approve(world.actor, item.id)
    write(put(left))
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        tick()
    assert waiting(world) == []
    assert [row for partition in APPROVALS.partitions() for row in index_rows(1, partition)] == []
    assert fetch(Item, item.id).approval_status == "approved"


@pytest.mark.parametrize(("word", "event"), [("approve", "TICKET_APPROVED"), ("reject", "TICKET_REJECTED")])
def test_a_decision_is_told(world, word, event):
    listen(world.ws_id)
    item = wanted(world)
    made = raw_row(f"ITEM#{item.id}")
    project(stream_record(made))
    told = [one["event_type"] for one in messages_for(messages(), "omoios")]
    assert told == ["TICKET_CREATED", "TICKET_APPROVAL_PENDING"]
    assert decide(world, item, word).status == 200
    project(stream_record(raw_row(f"ITEM#{item.id}"), made))
    told = {one["event_type"]: one["payload"] for one in messages_for(messages(), "omoios")}
    assert told[event] == {"ticket_id": item.id, "status": f"{word.rstrip('e')}ed", "decided_by": world.actor.id}


def test_who_decides_and_who_sees(world):
    item = wanted(world)
    admin, member = (world.join(role, f"{role}@example.com", role) for role in (Role.ADMIN, Role.MEMBER))
    eve = create_world("eve@example.com", "Eve")
    assert decide(world, item, client=member).status == 403
    assert decide(world, item, client=eve.ada).status == 404
    assert eve.ada.at("omoios")("cards", "GET", "/tickets/pending-review-count").json == {"pending_count": 0}
    assert ask(world, "GET", "/tickets/pending-review-count", client=member).json == {"pending_count": 1}
    assert decide(world, item, client=admin).status == 200


def test_what_waits_in_an_archived_project_is_not_counted(world):
    item = wanted(world)
    world.archive()
    assert pending(world) == 0
    assert decide(world, item).status == 409


def test_of_two_decisions_one_counts(world):
    for _ in range(5):
        item = wanted(world, check_duplicates=False)
        done: list[str] = []

        def act(what) -> None:
            try:
                done.append(what().approval_status)  # noqa: B023
            except CadreError as error:
                done.append(str(error.details["rule"]))  # noqa: B023

        threads = [
            Thread(target=act, args=(lambda: approving.approve(world.actor, item.id),)),  # noqa: B023
            Thread(target=act, args=(lambda: approving.reject(world.actor, item.id, "R"),)),  # noqa: B023
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert "approval" in done
        assert fetch(Item, item.id).approval_status in done
        assert len(tasks_of(item)) == int("approved" in done)


def test_what_an_agent_asks_for_needs_an_approval(world):
    body = {"title": "An agent's idea", "project_id": world.project.id}
    made = ask(world, "POST", "/tickets?requested_by_agent_id=agent-7", body).json
    assert made["approval_status"] == "pending_review"
    shown = ask(world, "GET", f"/tickets/approval-status?ticket_id={made['id']}").json
    assert (shown["requested_by"], shown["decided_by"]) == ("agent-7", None)
    agent = Actor(id="planner", name="Planner", kind="agent", workspaces={world.ws_id: Role.MEMBER}, project_id=world.project.id)
    own = create_ticket(agent, world.project.id, NewTicket("Something else"))
    assert own.approval_status == "pending_review"
