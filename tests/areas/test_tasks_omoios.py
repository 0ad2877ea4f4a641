"""omoios: tasks of tickets through HTTP: made, changed, held, cancelled, listed; and what waits for what."""

from typing import Any

import pytest

from shared.core import clock
from shared.core.actor import Role
from shared.core.errors import LimitExceeded
from shared.core.ids import new_id
from shared.events import EventType, record
from shared.store import fetch, save, update, write
from shared.work.items.archiving import restore_item
from shared.work.items.deleting import delete_item
from shared.work.items.rows import Item
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import MAX_CARD_TASKS, MAX_DEPENDENCIES, CardTasks, Task
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Answer, Client
from tests.areas.viewers import listen, project, pushed, raw_row, stream_record
from tests.kills import concurrently
from tests.samples.counted import archived
from tests.samples.tasks import CHANGES, TASK
from tests.stored_rows import check_rows

FIELDS = {
    "id", "ticket_id", "project_id", "phase_id", "task_type", "title", "description", "priority", "status", "is_blocked",
    "assigned_agent_id", "sandbox_id", "conversation_id", "discovery_id", "dependencies", "result", "error_message",
    "timeout_seconds", "retry_count", "max_retries", "validation_enabled", "created_at", "updated_at", "started_at", "completed_at",
}  # fmt: skip


def ask(world: World, method: str, path: str, body: Any = None, client: Client | None = None) -> Answer:
    return (client or world.ada).at("omoios")("tasks", method, path, body=body)


def add(world: World, card: str | None = None, *needed: str, **more: Any) -> dict[str, Any]:
    body = {"description": "Do it"} | ({"dependencies": {"depends_on": needed}} if needed else {}) | more
    answer = ask(world, "POST", f"/tickets/{card or world.card().id}/tasks", body)
    assert answer.status == 201, answer.text
    return answer.json


def put(world: World, task_id: str, **changes: Any) -> Answer:
    return ask(world, "PUT", f"/tasks/{task_id}", changes)


def claim(world: World, task_id: str, agent: str = "agent-1", **more: Any) -> dict[str, Any]:
    answer = ask(world, "POST", f"/tasks/{task_id}/claim", {"agent_id": agent} | more)
    assert answer.status == 200, answer.text
    return answer.json


def follow(row_id: str) -> None:
    """What the stream does after the last change of a row."""
    project(stream_record(raw_row(row_id)))


def changed(task_id: str, old: dict[str, Any]) -> None:
    """What the stream does after a change of a task that was another one before."""
    project(stream_record(raw_row(f"TASK#{task_id}"), old))


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.text
    return [one["id"] for one in answer.json]


def total(answer: Answer) -> int:
    (number,) = answer.headers["x-total-count"]
    return int(number)


def test_the_documents_task(world):
    first = add(world)
    card = world.card()
    made = add(world, card.id, first["id"], **TASK)
    assert set(made) == FIELDS
    assert (made["ticket_id"], made["description"], made["status"], made["priority"]) == (
        card.id, "Task description", "pending", "MEDIUM",
    )  # fmt: skip
    assert (made["phase_id"], made["dependencies"], made["is_blocked"]) == (
        "PHASE_IMPLEMENTATION", {"depends_on": [first["id"]]}, True,
    )  # fmt: skip
    assert ask(world, "GET", f"/tasks/{made['id']}").json == made
    answer = put(world, first["id"], **CHANGES)
    assert answer.status == 200, answer.text
    assert (answer.json["description"], answer.json["priority"], answer.json["status"]) == (
        "Updated description", "HIGH", "in_progress",
    )  # fmt: skip
    assert answer.json["started_at"]


def test_a_title_and_a_phase_are_found_if_they_are_not_said(world):
    card = world.card(lane=6)
    long = "Words " * 30
    made = add(world, card.id, description=f"\n{long}\nand more")
    assert made["title"].endswith("…")
    assert len(made["title"]) <= 100
    assert made["phase_id"] == card.phase_id
    assert add(world, card.id, phase_id="PHASE_INTEGRATION")["phase_id"] == "PHASE_TESTING"
    assert put(world, made["id"], description="Other words\nand more").json["title"] == "Other words"
    named = add(world, card.id, title="A title")["id"]
    assert put(world, named, description="Other words").json["title"] == "A title"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"description": ""}, "description"),
        ({"description": "x", "priority": "URGENT"}, "priority"),
        ({"description": "x", "phase_id": "PHASE_NOWHERE"}, "phase_id"),
        ({"description": "x", "task_type": "Not a word"}, "task_type"),
        ({"description": "x", "dependencies": {"depends_on": ["x"] * (MAX_DEPENDENCIES + 1)}}, "dependencies.depends_on"),
        ({"description": "x", "timeout_seconds": 0}, "timeout_seconds"),
    ],
)
def test_what_is_no_task_is_refused(world, body, field):
    answer = ask(world, "POST", f"/tickets/{world.card().id}/tasks", body)
    assert answer.status == 422, answer.text
    assert [one["field"] for one in answer.json["error"]["details"]] == [field]


def test_a_task_waits_only_for_tasks_of_its_project(world):
    other = create_world("bob@example.com", "Bob")
    foreign = add(other)
    for needed in (foreign["id"], new_id(), "nothing"):
        answer = ask(
            world, "POST", f"/tickets/{world.card().id}/tasks", {"description": "x", "dependencies": {"depends_on": [needed]}}
        )
        assert (answer.status, answer.json["error"]["message"]) == (404, "Resource not found")


def test_paths_with_a_word_are_not_those_of_a_task(world):
    """The original service takes them for ids of tasks."""
    assert ask(world, "GET", "/tasks/timed-out").json == []
    assert ask(world, "GET", "/tasks/cancellable").json == []
    assert ask(world, "POST", "/tasks/cleanup-timed-out").json == {"cleaned_count": 0, "total_timed_out": 0}


def test_statuses_go_only_where_they_may(world):
    made = add(world)["id"]
    assert put(world, made, status="assigned").status == 409
    assert put(world, made, status="failed").status == 409
    assert put(world, made, status="running").json["status"] == "in_progress"  # the original service's word
    done = put(world, made, status="completed", result={"files": 2}).json
    assert (done["status"], done["result"]) == ("completed", {"files": 2})
    assert done["completed_at"]
    for status in ("pending", "in_progress", "failed", "cancelled"):
        answer = put(world, made, status=status)
        assert answer.status == 409, status
        assert "completed" in answer.json["detail"]
    assert put(world, made, status="completed").json == done
    again = add(world)["id"]
    put(world, again, status="in_progress")
    assert put(world, again, status="failed", error_message="It broke").json["error_message"] == "It broke"
    retried = put(world, again, status="pending").json
    assert (retried["status"], retried["error_message"], retried["started_at"]) == ("pending", None, None)
    check_rows()


def test_an_agent_claims_works_and_completes(world):
    made = add(world)["id"]
    claimed = claim(world, made, lease_seconds=60)
    assert set(claimed) == FIELDS | {"fence", "lease_until"}
    assert (claimed["status"], claimed["fence"], claimed["assigned_agent_id"]) == ("assigned", 1, "agent-1")
    refused = ask(world, "POST", f"/tasks/{made}/claim", {"agent_id": "agent-2"})
    assert (refused.status, refused.json["error"]["code"]) == (409, "CONFLICT")
    assert put(world, made, status="in_progress", fence=7).status == 409
    assert put(world, made, status="in_progress", fence=1).status == 200
    retried = put(world, made, status="failed", error_message="It broke", fence=1).json
    assert (retried["status"], retried["retry_count"], retried["error_message"]) == ("pending", 1, "It broke")
    second = claim(world, made, "agent-2")
    assert put(world, made, status="completed", result="late", fence=1).status == 409
    assert put(world, made, status="completed", result="Done", fence=second["fence"]).json["result"] == "Done"
    (result,) = ask(world, "GET", f"/tasks/{made}/results").json
    assert (result["summary"], result["agent_id"], result["task_id"]) == ("Done", "agent-2", made)


def test_a_result_is_no_book(world):
    made = add(world)["id"]
    assert put(world, made, status="completed", result="x" * 20_001).status == 422


def test_cancelling_fails_a_task_on_which_somebody_works(world):
    made = add(world)["id"]
    assert ask(world, "POST", f"/tasks/{made}/cancel", {"reason": "No"}).status == 404
    claim(world, made)
    assert ask(world, "POST", f"/tasks/{made}/cancel").json == {
        "task_id": made, "cancelled": True, "reason": "cancelled_by_request",
    }  # fmt: skip
    row = ask(world, "GET", f"/tasks/{made}").json
    assert (row["status"], row["error_message"]) == ("failed", "Task cancelled: cancelled_by_request")
    assert ask(world, "POST", f"/tasks/{made}/cancel").status == 404


def test_a_cancelled_tasks_run_is_stopped(world):
    made, run = add(world)["id"], world.run(world.card())
    claim(world, made)
    row = fetch(Task, made)
    row.work_run_id = run.id
    write(save(row))
    old = raw_row(f"TASK#{made}")
    ask(world, "POST", f"/tasks/{made}/cancel", {"reason": "It goes in circles"})
    changed(made, old)
    assert fetch(type(run), run.id).status == "cancelled"


def test_timeouts_are_read_from_the_clock(world):
    made = add(world)["id"]
    path = f"/tasks/{made}/timeout-status"
    assert ask(world, "GET", path).json == {
        "task_id": made, "exists": True, "status": "pending", "timeout_seconds": None, "elapsed_seconds": None,
        "time_remaining": None, "is_timed_out": False, "can_cancel": False,
    }  # fmt: skip
    assert ask(world, "POST", f"/tasks/{made}/set-timeout", {"timeout_seconds": 0}).status == 422
    assert ask(world, "POST", f"/tasks/{made}/set-timeout", {"timeout_seconds": 60}).json["timeout_seconds"] == 60
    fence = claim(world, made)["fence"]
    put(world, made, status="in_progress", fence=fence)
    status = ask(world, "GET", path).json
    assert (status["is_timed_out"], status["can_cancel"]) == (False, True)
    assert 0 < status["time_remaining"] <= 60
    row = fetch(Task, made)
    row.started_at, row.deadline = clock.in_seconds(-70), clock.in_seconds(-10)
    write(save(row))
    status = ask(world, "GET", path).json
    assert (status["is_timed_out"], status["time_remaining"], round(status["elapsed_seconds"])) == (True, 0, 70)
    assert ids(ask(world, "GET", "/tasks/timed-out")) == [made]
    assert ask(world, "POST", "/tasks/cleanup-timed-out").json == {"cleaned_count": 1, "total_timed_out": 1}
    assert ids(ask(world, "GET", "/tasks/timed-out")) == []
    ended = ask(world, "GET", f"/tasks/{made}").json
    assert (ended["status"], ended["retry_count"], ended["error_message"]) == ("pending", 1, "Task timed out after 60 seconds")


def test_a_timeout_that_is_set_later_holds_for_what_is_under_way(world):
    made = add(world)["id"]
    put(world, made, status="in_progress")
    row = fetch(Task, made)
    row.started_at = clock.in_seconds(-100)
    write(save(row))
    ask(world, "POST", f"/tasks/{made}/set-timeout", {"timeout_seconds": 30})
    assert ask(world, "GET", f"/tasks/{made}/timeout-status").json["is_timed_out"]


def test_lists_have_filters_pages_and_their_number(world):
    card = world.card()
    made = [add(world, card.id, phase_id=f"PHASE_{one}")["id"] for one in ("DESIGN", "TESTING", "DESIGN", "DESIGN")]
    claim(world, made[2])
    everything = ask(world, "GET", "/tasks")
    assert ids(everything) == made[::-1]
    assert total(everything) == 4
    page = ask(world, "GET", "/tasks?phase_id=PHASE_DESIGN&limit=2&offset=1")
    assert (ids(page), total(page)) == ([made[2], made[0]], 3)
    assert ids(ask(world, "GET", "/tasks?status=assigned")) == [made[2]]
    assert ids(ask(world, "GET", f"/tasks?ticket_id={card.id}&status=pending")) == [made[3], made[1], made[0]]
    assert ids(ask(world, "GET", f"/tasks?project_id={world.project.id}&phase_id=PHASE_TESTING")) == [made[1]]
    assert ids(ask(world, "GET", "/tasks?agent_id=agent-1")) == [made[2]]
    assert ids(ask(world, "GET", "/tasks/cancellable?agent_id=agent-1")) == [made[2]]
    assert ids(ask(world, "GET", "/tasks/cancellable?agent_id=agent-2")) == []
    put(world, made[2], status="completed")
    assert ids(ask(world, "GET", "/tasks?agent_id=agent-1&status=done")) == [made[2]]
    assert ask(world, "GET", "/tasks?status=odd").status == 422
    assert ask(world, "GET", f"/tasks?project_id={new_id()}").status == 404


def test_somebody_elses_tasks_are_in_no_list(world):
    add(world)
    other = create_world("bob@example.com", "Bob")
    mine = add(other)["id"]
    assert ids(ask(other, "GET", "/tasks")) == [mine]
    joined = world.join("Vic", "vic@example.com", Role.VIEWER)
    assert len(ids(ask(world, "GET", "/tasks", client=joined))) == 1
    assert ask(world, "PUT", f"/tasks/{mine}", {"priority": "LOW"}).status == 404


def test_dependencies_are_added_replaced_and_removed(world):
    a, b, c = (add(world)["id"] for _ in range(3))
    assert ask(world, "POST", f"/tasks/{a}/dependencies", {"depends_on": [b]}).json == {
        "task_id": a, "depends_on": [b], "is_blocked": True,
    }  # fmt: skip
    assert ask(world, "POST", f"/tasks/{a}/dependencies", {"depends_on": [c, b]}).json["depends_on"] == [b, c]
    assert ask(world, "GET", f"/tasks/{b}/dependencies").json == {
        "task_id": b, "depends_on": [], "dependencies_complete": True, "blocked_count": 1,
        "blocked_tasks": [{"id": a, "description": "Do it", "status": "pending"}],
    }  # fmt: skip
    assert put(world, a, status="in_progress").status == 409
    assert ask(world, "PUT", f"/tasks/{a}/dependencies", {"depends_on": [c]}).json["depends_on"] == [c]
    assert ask(world, "DELETE", f"/tasks/{a}/dependencies/{b}").status == 404
    assert ask(world, "DELETE", f"/tasks/{a}/dependencies/{c}").json == {"task_id": a, "depends_on": [], "is_blocked": False}
    assert ask(world, "GET", f"/tasks/{c}/dependencies").json["blocked_tasks"] == []
    assert put(world, a, status="in_progress").status == 200
    check_rows()


def test_a_circle_is_refused_and_shown(world):
    a, b, c = (add(world)["id"] for _ in range(3))
    ask(world, "POST", f"/tasks/{a}/dependencies", {"depends_on": [b]})
    ask(world, "POST", f"/tasks/{b}/dependencies", {"depends_on": [c]})
    assert ask(world, "POST", f"/tasks/{c}/check-circular", [a]).json == {
        "task_id": c, "has_circular_dependency": True, "cycle": [c, a, b, c],
    }  # fmt: skip
    assert ask(world, "POST", f"/tasks/{a}/check-circular", [c]).json["cycle"] is None
    for method, needed in (("POST", a), ("PUT", a), ("POST", c)):
        answer = ask(world, method, f"/tasks/{c}/dependencies", {"depends_on": [needed]})
        assert answer.status == 400, answer.text
        assert answer.json["detail"].startswith(f"Circular dependency detected: {c} -> ")
    assert ask(world, "GET", f"/tasks/{c}").json["dependencies"] == {"depends_on": []}


def test_who_waits_may_begin_when_the_last_one_is_completed(world):
    a, b = (add(world)["id"] for _ in range(2))
    c = add(world, None, a, b)["id"]
    for one in (a, b):
        assert ask(world, "GET", f"/tasks/{c}").json["is_blocked"]
        old = raw_row(f"TASK#{one}")
        put(world, one, status="completed")
        changed(one, old)
    assert not ask(world, "GET", f"/tasks/{c}").json["is_blocked"]
    check_rows()


def test_tasks_follow_their_card(world):
    card, other = world.card(), world.card()
    gone = add(world, card.id)["id"]
    waits = add(world, other.id, gone)["id"]
    archived(card.id)
    item = fetch(Item, card.id)
    record(item, EventType.ITEM_UPDATED, world.actor, changes={"archived_at": [None, item.archived_at]})
    write(save(item))
    old = raw_row(f"TASK#{gone}")
    follow(f"ITEM#{card.id}")
    assert ids(ask(world, "GET", "/tasks")) == [waits]
    assert put(world, gone, priority="LOW").status == 409
    changed(gone, old)
    assert not ask(world, "GET", f"/tasks/{waits}").json["is_blocked"]
    restore_item(world.actor, card.id)
    old = raw_row(f"TASK#{gone}")
    follow(f"ITEM#{card.id}")
    changed(gone, old)
    assert ask(world, "GET", f"/tasks/{waits}").json["is_blocked"]
    listed = ask(world, "GET", "/tasks")
    assert (ids(listed), total(listed)) == ([waits, gone], 2)
    delete_item(world.actor, card.id)
    follow(f"ITEM#{card.id}")
    listed = ask(world, "GET", "/tasks")
    assert (ids(listed), total(listed)) == ([waits], 1)
    assert ask(world, "GET", f"/tasks/{gone}").status == 404
    assert ask(world, "POST", f"/tickets/{card.id}/tasks", {"description": "x"}).status == 404
    check_rows()


def test_nothing_changes_in_an_archived_project(world):
    made = add(world)["id"]
    world.archive()
    assert ask(world, "GET", f"/tasks/{made}").status == 200
    for method, path, body in (
        ("PUT", f"/tasks/{made}", {"priority": "LOW"}),
        ("POST", f"/tasks/{made}/claim", {"agent_id": "a"}),
        ("POST", f"/tasks/{made}/set-timeout", {"timeout_seconds": 5}),
        ("POST", f"/tasks/{made}/register-conversation", {"conversation_id": "c"}),
        ("POST", f"/tasks/{made}/discoveries", {"type": "bug", "description": "x"}),
    ):
        assert ask(world, method, path, body).status == 409, path


def test_where_a_task_is_done_is_noted(world):
    made = add(world)["id"]
    body = {"conversation_id": "c-1", "sandbox_id": "s-1"}
    assert ask(world, "POST", f"/tasks/{made}/register-conversation", body).json["status"] == "registered"
    shown = ask(world, "GET", f"/tasks/{made}").json
    assert (shown["conversation_id"], shown["sandbox_id"]) == ("c-1", "s-1")


def test_what_is_told_of_a_task(world, gateway):
    """The documented events, from what the operations do."""
    listen(world.ws_id)
    card = world.card()
    first = add(world, card.id)["id"]
    made = add(world, card.id, first)["id"]
    told: list[dict[str, Any]] = []

    def then(method: str, path: str, body: Any = None) -> dict[str, Any]:
        old = raw_row(f"TASK#{made}")
        answer = ask(world, method, path, body)
        assert answer.status < 300, answer.text
        changed(made, old)
        told.extend(one for one in pushed("omoios") if one["entity_type"] == "task" and one not in told)
        return answer.json

    follow(f"TASK#{made}")
    other = add(world)["id"]
    then("POST", f"/tasks/{made}/dependencies", {"depends_on": [other]})
    then("PUT", f"/tasks/{made}/dependencies", {"depends_on": []})
    fence = then("POST", f"/tasks/{made}/claim", {"agent_id": "agent-1"})["fence"]
    then("PUT", f"/tasks/{made}", {"status": "failed", "error_message": "Once", "fence": fence})
    then("POST", f"/tasks/{made}/claim", {"agent_id": "agent-1"})
    then("POST", f"/tasks/{made}/cancel", {"reason": "No"})
    then("PUT", f"/tasks/{made}", {"status": "pending"})
    then("PUT", f"/tasks/{made}", {"status": "completed", "result": {"files": 2}})
    assert [(one["event_type"], one["payload"]) for one in told] == [
        ("TASK_CREATED", {"task_id": made, "ticket_id": card.id, "dependencies": [first]}),
        ("TASK_DEPENDENCY_ADDED", {"task_id": made, "depends_on_task_id": other}),
        ("TASK_ASSIGNED", {"task_id": made, "agent_id": "agent-1"}),
        ("TASK_ASSIGNED", {"task_id": made, "agent_id": "agent-1"}),
        ("TASK_FAILED", {"task_id": made, "error_message": "Task cancelled: No"}),
        ("TASK_COMPLETED", {"task_id": made, "result": {"files": 2}}),
    ]
    shown = world.ada("cards", "GET", f"/cards/{card.id}")
    assert shown.status == 200
    assert "changed a task" in shown.text  # agentworks shows it as an activity of the card


def almost_full(card_id: str) -> None:
    write(update(CardTasks.of(card_id), [CardTasks.made.set(MAX_CARD_TASKS - 1)]))


def test_a_ticket_takes_so_many_tasks_and_no_more(world):
    card = world.card()
    almost_full(card.id)
    add(world, card.id)
    refused = ask(world, "POST", f"/tickets/{card.id}/tasks", {"description": "Do it"})
    assert (refused.status, refused.json["detail"]) == (403, "A ticket takes at most 500 tasks; divide it into several")
    block = world.ada.at("omoios")("cards", "POST", f"/tickets/{card.id}/block", body={"blocker_type": "dependency"})
    assert (block.status, fetch(Item, card.id).status) == (200, "blocked"), block.text  # without a task that removes the blocker
    assert len(ids(ask(world, "GET", f"/tasks?ticket_id={card.id}"))) == 1


def test_of_two_tasks_for_the_last_place_of_a_ticket_one_is_made(world):
    card = world.card()
    almost_full(card.id)
    with concurrently(lambda: add_task(world.actor, card, new_id(), NewTask("The faster one"))), pytest.raises(LimitExceeded):
        add_task(world.actor, card, new_id(), NewTask("The slower one"))
    (title,) = [one["title"] for one in ask(world, "GET", f"/tasks?ticket_id={card.id}").json]
    assert title == "The faster one"
    check_rows()
