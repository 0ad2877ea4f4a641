"""omoios: how a ticket goes through its phases: transitions, rework, gates, what blocks it, and what is told of it."""

import time
from datetime import timedelta

import pytest
import time_machine

from shared.core import clock
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.events import EventType, record
from shared.planning.phases.gates import faults_of
from shared.planning.phases.moving import transition
from shared.planning.phases.rules import PHASES, STATUS_TRANSITIONS, TRANSITIONS
from shared.store import fetch, fetch_all, get, index_rows, save, write
from shared.work.items.archiving import ARCHIVE_AFTER_DAYS, archive_finished, restore_item
from shared.work.items.creating import NewItem, create_item
from shared.work.items.deleting import delete_item
from shared.work.items.moving import move_item
from shared.work.items.rows import Item
from shared.work.items.stays import all_stays
from shared.work.items.updating import block_item, update_item
from shared.work.tasks.creating import create_task
from shared.work.tasks.rows import Task, tasks_of_card
from tests.areas.boards_world import World, create_world
from tests.areas.viewers import listen, messages, messages_for, project, raw_row, stream_record
from tests.filed_cards import check_board
from tests.kills import concurrently

LANES = dict(zip(PHASES, (0, 1, 3, 6, 7, 8, 10), strict=True))
DOCUMENT = "# Scope\n" + "What is built, and for whom. " * 20 + "\n# Acceptance criteria\nIt works."


def ask(world: World, method: str, path: str, body=None, client=None):
    return (client or world.ada).at("omoios")("cards", method, path, body=body)


def go(world: World, card: Item, to_status: str, **more):
    return ask(world, "POST", f"/tickets/{card.id}/transition", {"to_status": to_status} | more)


def artifact(world: World, card: Item, phase: str, name: str, content=None, **more):
    body = {"phase_id": phase, "artifact_type": name, "artifact_content": content} | more
    answer = ask(world, "POST", f"/tickets/{card.id}/artifacts", body)
    assert answer.status == 200, answer.text
    return answer.json


def task_of(world: World, card: Item, status: str = "pending", **fields) -> Task:
    task = create_task(world.actor, card, new_id(), "A task", None)
    task.status = status
    for name, value in fields.items():
        setattr(task, name, value)
    record(task, EventType.TASK_UPDATED, world.actor)
    write(save(task))
    return task


# -- transitions


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_is_followed_by_those_of_the_table(world, phase):
    allowed = TRANSITIONS[phase]
    for other in (*PHASES, "PHASE_BLOCKED"):
        card = world.card(LANES[phase])
        answer = go(world, card, other)
        if other == phase or other in allowed:
            assert answer.status == 200, answer.text
            assert answer.json["is_blocked"] == (other == "PHASE_BLOCKED")
            assert answer.json["phase_id"] == (phase if other == "PHASE_BLOCKED" else other)
        else:
            assert (answer.status, answer.json["error"]["code"]) == (400, "VALIDATION_ERROR")
            assert answer.json["error"]["details"]["allowed"] == list(allowed)
            assert all(word in answer.json["detail"] for word in allowed)
        ask(world, "POST", f"/tickets/{card.id}/unblock")
        world.ada("cards", "DELETE", f"/cards/{card.id}")


def test_the_statuses_of_the_original_service_go_their_way(world):
    card = world.card(0)
    for status, phase in (
        ("analyzing", "PHASE_REQUIREMENTS"),
        ("building", "PHASE_IMPLEMENTATION"),
        ("building-done", "PHASE_DEPLOYMENT"),
        ("testing", "PHASE_TESTING"),
        ("building", "PHASE_IMPLEMENTATION"),
        ("building-done", "PHASE_DEPLOYMENT"),
        ("done", "PHASE_DONE"),
    ):
        answer = go(world, card, status)
        assert (answer.status, answer.json.get("phase_id")) == (200, phase), answer.text
    assert answer.json["status"] == "done"
    refused = go(world, card, "testing")
    assert (refused.status, refused.json["error"]["details"]["allowed_statuses"]) == (400, [])


def test_the_aliases_and_the_plain_statuses_are_taken(world):
    card = world.card(0)
    assert go(world, card, "in_progress").json.items() >= {"phase_id": "PHASE_REQUIREMENTS", "status": "in_progress"}.items()
    assert go(world, card, "open").json.items() >= {"phase_id": "PHASE_REQUIREMENTS", "status": "open"}.items()
    assert go(world, card, "in_progress").json.items() >= {"phase_id": "PHASE_REQUIREMENTS", "status": "in_progress"}.items()
    other = world.card(6)
    assert go(world, other, "PHASE_INTEGRATION").json["phase_id"] == "PHASE_TESTING"
    assert go(world, other, "PHASE_REFACTORING").json["phase_id"] == "PHASE_IMPLEMENTATION"


def test_a_blocked_ticket_goes_where_a_blocked_one_may(world):
    card = world.card(3)
    block_item(world.actor, card.id, "Waits")
    refused = go(world, card, "PHASE_DONE")
    assert (refused.status, refused.json["error"]["details"]["allowed_statuses"]) == (400, list(STATUS_TRANSITIONS["blocked"]))
    answer = go(world, card, "building")
    assert (answer.status, answer.json["phase_id"], answer.json["is_blocked"]) == (200, "PHASE_IMPLEMENTATION", False)
    assert world.column_counts() == {"building": 1}


def test_an_unknown_status_is_named_with_those_that_there_are(world):
    answer = go(world, world.card(0), "flying")
    assert (answer.status, answer.json["error"]["details"][0]["field"]) == (422, "to_status")
    assert "PHASE_TESTING" in answer.json["error"]["details"][0]["message"]


def test_who_is_unblocked_needs_room_in_the_column(world):
    """Others have come in the meantime; the first that leaves makes room."""
    card = world.card(8)
    assert ask(world, "POST", f"/tickets/{card.id}/block?blocker_type=dependency").status == 200
    new = NewItem("A card", "task", world.board.lane_ids[8])
    others = [create_item(world.actor, world.board.id, new, force=True) for _ in range(3)]  # as tickets are made
    refused = ask(world, "POST", f"/tickets/{card.id}/unblock")
    assert (refused.status, refused.json["error"]["details"]["rule"]) == (400, "column_wip_limit"), refused.text
    assert fetch(Item, card.id).is_blocked
    assert ask(world, "POST", f"/tickets/{others[0].id}/block?blocker_type=dependency").status == 200
    assert ask(world, "POST", f"/tickets/{card.id}/unblock").status == 200


def test_force_skips_the_rule_and_neither_limits_nor_rights(world):
    card = world.card(0)
    assert go(world, card, "testing").status == 400
    assert go(world, card, "testing", force=True).json["phase_id"] == "PHASE_TESTING"
    for _ in range(3):
        world.card(8)
    refused = go(world, card, "PHASE_DEPLOYMENT", force=True)
    assert (refused.status, refused.json["error"]["details"]["rule"]) == (400, "column_wip_limit")
    vera = world.join("Vera", "vera@example.com", Role.VIEWER)
    body = {"to_status": "building", "force": True}
    assert ask(world, "POST", f"/tickets/{card.id}/transition", body, vera).status == 403
    eve = create_world("eve@example.com", "Eve").ada
    assert ask(world, "POST", f"/tickets/{card.id}/transition", body, eve).status == 404


def test_a_transition_is_told_as_a_move(world):
    listen(world.ws_id)
    card = world.card(6)
    before = raw_row(f"ITEM#{card.id}")
    go(world, card, "testing", reason="Built")
    project(stream_record(raw_row(f"ITEM#{card.id}"), before))
    told = {one["event_type"]: one["payload"] for one in messages_for(messages(), "omoios")}
    assert told["BOARD_TICKET_MOVED"] == {"ticket_id": card.id, "from_column": "building", "to_column": "testing"}
    assert told["TICKET_UPDATED"]["changes"]["phase_id"] == "PHASE_TESTING"


def test_the_rule_is_asked_of_the_card_that_is_written(world):
    """Somebody else was faster: what was allowed from where the card was is not allowed from where it is."""
    card = world.card(3)
    with concurrently(lambda: move_item(world.actor, card.id, world.lanes[7].id)):
        refused = go(world, card, "PHASE_IMPLEMENTATION")
    assert (refused.status, refused.json["phase_id"]) == (200, "PHASE_IMPLEMENTATION")  # rework, which testing allows
    other = world.card(3)
    with concurrently(lambda: move_item(world.actor, other.id, world.lanes[10].id)):
        refused = go(world, other, "PHASE_IMPLEMENTATION")
    assert (refused.status, refused.json["error"]["details"]["allowed"]) == (400, [])
    assert fetch(Item, other.id).phase_id == "PHASE_DONE"


# -- rework


def test_a_ticket_goes_back_with_its_feedback(world):
    card = world.card(7)
    before = raw_row(f"ITEM#{card.id}")
    answer = ask(world, "POST", f"/tickets/{card.id}/regress?to_status=building&validation_feedback=The+test+of+login+fails")
    assert (answer.status, answer.json["phase_id"]) == (200, "PHASE_IMPLEMENTATION")
    project(stream_record(raw_row(f"ITEM#{card.id}"), before))
    context = ask(world, "GET", f"/tickets/{card.id}/context").json
    assert context["full_context"]["phases"][0]["reason"] == "The test of login fails"
    assert "The test of login fails" in context["summary"]
    (told, *_) = world.ada("comments", "GET", f"/cards/{card.id}/activities").json["activities"]
    assert told["metadata"]["reason"] == "The test of login fails"


@pytest.mark.parametrize(("lane", "word"), [(6, None), (0, "backlog"), (7, "backlog"), (7, "PHASE_DONE"), (10, "testing")])
def test_only_testing_sends_back_and_only_to_building(world, lane, word):
    card = world.card(lane)
    answer = ask(world, "POST", f"/tickets/{card.id}/regress", {"to_phase": word, "reason": "R"})
    assert (answer.status, answer.json["error"]["details"]["rule"]) == (400, "phase_transition")


def test_what_the_body_says_of_rework_counts_as_the_query(world):
    card = world.card(7)
    assert ask(world, "POST", f"/tickets/{card.id}/regress", {"to_phase": "PHASE_IMPLEMENTATION", "reason": "R"}).status == 200
    assert fetch(Item, card.id).event["data"]["reason"] == "R"
    assert ask(world, "POST", f"/tickets/{world.card(7).id}/regress").json["phase_id"] == "PHASE_IMPLEMENTATION"


# -- gates


def test_a_gate_names_what_is_missing_until_it_holds(world):
    card = world.card(6)
    task = task_of(world, card)
    gate = ask(world, "GET", f"/tickets/{card.id}/gate-status").json
    assert gate.items() >= {
        "phase_id": "PHASE_IMPLEMENTATION", "gate_status": "failed", "requirements_met": False,
        "required_artifacts": ["code_changes", "test_coverage"], "missing_artifacts": ["code_changes", "test_coverage"],
        "open_task_ids": [task.id],
    }.items()  # fmt: skip
    artifact(world, card, "PHASE_IMPLEMENTATION", "code_changes", artifact_path="https://example.com/pull/1")
    artifact(world, card, "PHASE_IMPLEMENTATION", "test_coverage", {"percentage": 79.5})
    assert faults_of("PHASE_IMPLEMENTATION", "test_coverage", None, {"percentage": 180}) == ["180 is no percentage"]
    stays = ask(world, "POST", f"/tickets/{card.id}/progress").json
    assert stays["status"] == "no_progression"
    assert stays["reasons"] == [
        "The artifact test_coverage is not enough: It is 79.5 percent; 80 are needed",
        "1 of the phase's tasks have not been completed: A task",
    ]
    artifact(world, card, "PHASE_IMPLEMENTATION", "test_coverage", {"percentage": 80})
    task.status = "completed"
    record(task, EventType.TASK_UPDATED, world.actor)
    write(save(task))
    assert ask(world, "POST", f"/tickets/{card.id}/validate-gate").json["gate_status"] == "passed"
    assert ask(world, "POST", f"/tickets/{card.id}/progress").json["phase_id"] == "PHASE_TESTING"
    gate = ask(world, "GET", f"/tickets/{card.id}/gate-status?phase_id=PHASE_REFACTORING").json
    assert (gate["phase_id"], gate["requirements_met"]) == ("PHASE_IMPLEMENTATION", True)


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ({"content": DOCUMENT}, []),
        ({"content": "x" * 500, "sections": ["Scope", "Acceptance Criteria"]}, []),
        ({"content": "x" * 500, "sections": {"scope": "a", "acceptance_criteria": "b"}}, []),
        ({"content": "x" * 499, "sections": ["scope", "acceptance_criteria"]}, ["It has 499 characters; 500 are needed"]),
        ({"content": "# 1. Scope:\n**Acceptance criteria**\na" + " " * 15_000 + "!"}, []),
        ({"content": "x" * 500, "sections": ["scope"]}, ["It has no section acceptance_criteria"]),
        ({"length": 600}, [
            "It has 0 characters; 500 are needed", "It has no section scope", "It has no section acceptance_criteria"
        ]),
    ],
)  # fmt: skip
def test_a_requirements_document_is_looked_at(world, content, faults):
    card = world.card(1)
    artifact(world, card, "PHASE_INITIAL", "requirements_document", content)
    gate = ask(world, "GET", f"/tickets/{card.id}/gate-status").json
    assert gate["failed_artifacts"] == ([{"artifact_type": "requirements_document", "reasons": faults}] if faults else [])
    assert gate["requirements_met"] == (not faults)


def test_a_phase_without_requirements_is_left_when_its_tasks_are_done(world):
    card = world.card(0)
    assert ask(world, "POST", f"/tickets/{card.id}/progress").json["phase_id"] == "PHASE_REQUIREMENTS"
    designed = world.card(3)
    task_of(world, designed, "failed")
    assert ask(world, "POST", f"/tickets/{designed.id}/progress").json["status"] == "no_progression"


def test_progress_says_what_else_keeps_a_ticket(world):
    card = world.card(3)
    block_item(world.actor, card.id, "Waits for a key")
    assert ask(world, "POST", f"/tickets/{card.id}/progress").json["reasons"] == ["It is blocked: Waits for a key"]
    assert ask(world, "POST", f"/tickets/{world.card(10).id}/progress").json["reasons"] == ["It is finished"]
    for lane in (5, 6):
        for _ in range(5):
            world.card(lane)
    full = ask(world, "POST", f"/tickets/{world.card(3).id}/progress").json
    assert full["reasons"] == ["The WIP limit of the column 'building' is reached: at most 10"]


def test_an_artifact_is_shown_as_it_came_and_has_limits(world):
    card = world.card(6)
    made = artifact(world, card, "PHASE_IMPLEMENTATION", "Code_Changes", {"files": 3}, artifact_path="src")
    shown = {"artifact_type": "code_changes", "phase_id": "PHASE_IMPLEMENTATION", "artifact_path": "src"}
    assert made.items() >= (shown | {"artifact_content": {"files": 3}}).items()
    body = {"phase_id": "PHASE_IMPLEMENTATION", "artifact_type": "code_changes", "artifact_content": {"a": "x" * 20_000}}
    assert ask(world, "POST", f"/tickets/{card.id}/artifacts", body).status == 422
    body = {"phase_id": "PHASE_NOWHERE", "artifact_type": "code_changes"}
    assert ask(world, "POST", f"/tickets/{card.id}/artifacts", body).json["error"]["details"][0]["field"] == "phase_id"
    world.archive()
    body = {"phase_id": "PHASE_TESTING", "artifact_type": "test_results"}
    assert ask(world, "POST", f"/tickets/{card.id}/artifacts", body).status == 409


# -- time


def test_the_card_and_its_board_sum_up_the_stays(world):
    card, start = world.card(5), clock.now()
    for hours, act in (
        (1, lambda: move_item(world.actor, card.id, world.lanes[6].id)),  # of the same phase
        (3, lambda: transition(world.actor, card.id, "testing")),
        (4, lambda: transition(world.actor, card.id, "building")),
        (5, lambda: block_item(world.actor, card.id, "Waits")),
        (6, lambda: update_item(world.actor, card.id, {"status": "done"})),  # into the done lane
        (8, lambda: update_item(world.actor, card.id, {"status": "in_progress"})),  # and back
    ):
        with time_machine.travel(start + timedelta(hours=hours), tick=False):
            act()
    with time_machine.travel(start + timedelta(hours=9), tick=False):
        stays = all_stays(fetch(Item, card.id))
    assert hours_of(stays) == {"PHASE_IMPLEMENTATION": (6, 3), "PHASE_TESTING": (1, 1), "PHASE_DONE": (2, 1)}
    assert sum(seconds for seconds, _ in stays.values()) == pytest.approx(9 * 3600, abs=1)
    assert hours_of(world.counts().stays) == {"PHASE_IMPLEMENTATION": (5, 2), "PHASE_TESTING": (1, 1), "PHASE_DONE": (2, 1)}
    check_board(world.board.id)


def hours_of(stays) -> dict[str, tuple[int, int]]:
    return {phase: (round(seconds / 3600), number) for phase, (seconds, number) in stays.items()}


def test_what_is_only_filed_again_counts_no_stay(world):
    card = world.card(6)
    world.ada("boards", "PUT", f"/boards/{world.board.id}", body={"settings": {"autoArchiveCompleted": True}})
    go(world, card, "testing")
    go(world, card, "done")
    counted = world.counts().stays
    with time_machine.travel(clock.now() + timedelta(days=ARCHIVE_AFTER_DAYS + 1)):
        assert archive_finished(time.monotonic() + 60) == 1
        restore_item(world.actor, card.id)
        delete_item(world.actor, card.id)
    assert world.counts().stays == counted
    assert {phase: number for phase, (_, number) in counted.items()} == {"PHASE_IMPLEMENTATION": 1, "PHASE_TESTING": 1}


def test_a_stay_is_counted_once_when_two_move_the_card(world):
    """The one that is refused reads again, and finds a card in another phase."""
    card = world.card(6)
    with concurrently(lambda: move_item(world.actor, card.id, world.lanes[7].id)):
        move_item(world.actor, card.id, world.lanes[8].id)
    assert {phase: number for phase, (_, number) in world.counts().stays.items()} == {
        "PHASE_IMPLEMENTATION": 1,
        "PHASE_TESTING": 1,
    }
    check_board(world.board.id)


def told(world: World, card: Item, minutes: float, act) -> None:
    """Do something with a card so many minutes after it was made, and let the stream consumer see it."""
    before = raw_row(f"ITEM#{card.id}")
    with time_machine.travel(clock.parse(card.created_at) + timedelta(minutes=minutes)):
        act()
        project(stream_record(raw_row(f"ITEM#{card.id}"), before))


def test_the_context_says_who_moved_a_ticket_when_and_why(world):
    card = world.card(5)
    told(world, card, 5, lambda: move_item(world.actor, card.id, world.lanes[6].id))  # of the same phase
    told(world, card, 30, lambda: go(world, card, "testing", reason="Built"))
    told(world, card, 40, lambda: go(world, card, "building", reason="Fails"))
    with time_machine.travel(clock.parse(card.created_at) + timedelta(minutes=50)):
        answer = ask(world, "GET", f"/tickets/{card.id}/context").json
    shown = [
        (one["phase_id"], round(one["seconds"] / 600), one["to_phase_id"], one["moved_by"], one["reason"])
        for one in answer["full_context"]["phases"]
    ]
    name = world.ada.user["name"]
    assert shown == [
        ("PHASE_IMPLEMENTATION", 3, "PHASE_TESTING", name, "Built"),
        ("PHASE_TESTING", 1, "PHASE_IMPLEMENTATION", name, "Fails"),
        ("PHASE_IMPLEMENTATION", 1, None, None, None),
    ]
    first, second, last = answer["full_context"]["phases"]
    assert (first["entered_at"], first["left_at"], second["left_at"]) == (
        card.created_at,
        second["entered_at"],
        last["entered_at"],
    )
    assert "PHASE_IMPLEMENTATION: 40m; entered 2 times. Came with: Fails" in answer["summary"]


def test_the_context_needs_no_log_for_the_last_move(world):
    """The log is a moment behind; the card carries its last event. What follows the move hides it, until the log says it."""
    card = world.card(6)
    go(world, card, "testing", reason="Built")
    first, last = ask(world, "GET", f"/tickets/{card.id}/context").json["full_context"]["phases"]
    assert (first["phase_id"], first["reason"], first["left_at"]) == ("PHASE_IMPLEMENTATION", "Built", last["entered_at"])
    update_item(world.actor, card.id, {"title": "Other"})
    shown = ask(world, "GET", f"/tickets/{card.id}/context").json
    assert [one["phase_id"] for one in shown["full_context"]["phases"]] == ["PHASE_TESTING"]
    assert "PHASE_IMPLEMENTATION: 0m" in shown["summary"]


def test_of_a_long_log_the_newest_moves_are_read(world, monkeypatch):
    monkeypatch.setattr("shared.planning.phases.history.MAX_MOVES", 2)
    card = world.card(6)
    for minutes, word in ((10, "testing"), (20, "building"), (40, "testing")):
        told(world, card, minutes, lambda word=word: go(world, card, word))
    with time_machine.travel(clock.parse(card.created_at) + timedelta(minutes=50)):
        answer = ask(world, "GET", f"/tickets/{card.id}/context").json
    phases = answer["full_context"]["phases"]
    assert [one["phase_id"] for one in phases] == [
        "PHASE_IMPLEMENTATION",
        "PHASE_TESTING",
    ]  # what lies before them is not guessed
    assert "PHASE_IMPLEMENTATION: 30m; entered 2 times." in answer["summary"]
    assert "PHASE_TESTING: 20m; entered 2 times." in answer["summary"]


# -- blocks


@pytest.mark.parametrize("kind", ["dependency", "waiting_on_clarification", "failing_checks", "environment"])
def test_a_block_comes_with_a_task_that_removes_it(world, kind):
    card = world.card(6)
    answer = ask(world, "POST", f"/tickets/{card.id}/block?blocker_type={kind}&suggested_remediation=Ask+Bea")
    assert (answer.status, answer.json["is_blocked"], answer.json["blocker_type"]) == (200, True, kind)
    assert answer.json["blocked_reason"] == "Ask Bea"
    (task,) = fetch_all(Task, [row.id for row in index_rows(2, tasks_of_card(card.id))])
    assert (task.id, task.description, task.phase_id) == (answer.json["remediation_task_id"], "Ask Bea", "PHASE_IMPLEMENTATION")
    assert world.column_counts() == {"blocked": 1}
    again = ask(world, "POST", f"/tickets/{card.id}/block", {"blocked_reason": "Other words"}).json
    assert (again["blocked_reason"], again["remediation_task_id"]) == ("Other words", None)
    free = ask(world, "POST", f"/tickets/{card.id}/unblock").json
    assert (free["is_blocked"], free["blocked_reason"], free["blocker_type"]) == (False, None, None)
    assert ask(world, "POST", f"/tickets/{card.id}/unblock").status == 200
    assert world.column_counts() == {"building": 1}


def test_a_block_of_another_contract_has_no_kind(world):
    card = world.card(6)
    ask(world, "POST", f"/tickets/{card.id}/block?blocker_type=environment")
    ask(world, "POST", f"/tickets/{card.id}/unblock")
    block_item(world.actor, card.id, "By a card")
    assert ask(world, "GET", f"/tickets/{card.id}").json["blocker_type"] is None


def test_a_block_needs_a_kind_or_a_reason_and_open_work(world):
    card = world.card(6)
    assert ask(world, "POST", f"/tickets/{card.id}/block").json["error"]["details"][0]["field"] == "blocker_type"
    assert ask(world, "POST", f"/tickets/{card.id}/block?blocker_type=weather").status == 422
    done = world.card(6)
    go(world, done, "testing")
    go(world, done, "done")
    refused = ask(world, "POST", f"/tickets/{done.id}/block?blocker_type=environment")
    assert (refused.status, refused.json["detail"]) == (400, "A finished ticket cannot be blocked; reopen it first")
    assert list(index_rows(2, tasks_of_card(done.id))) == []


def test_a_block_is_told_with_its_reason(world):
    listen(world.ws_id)
    card = world.card(6)
    before = raw_row(f"ITEM#{card.id}")
    ask(world, "POST", f"/tickets/{card.id}/block?blocker_type=environment", {"blocked_reason": "No disk"})
    project(stream_record(raw_row(f"ITEM#{card.id}"), before))
    told = {one["event_type"]: one["payload"] for one in messages_for(messages(), "omoios")}
    assert told["TICKET_BLOCKED"] == {"ticket_id": card.id, "blocked_reason": "No disk"}


def test_what_nobody_works_on_is_detected(world):
    start = clock.now()
    failing, waiting, working, blocked, backlog, done = (world.card(lane) for lane in (6, 6, 6, 6, 0, 6))
    task_of(world, failing, "failed", error_message="Tests fail")
    task_of(world, waiting)
    task_of(world, working)
    block_item(world.actor, blocked.id, "Known")
    go(world, done, "testing")
    go(world, done, "done")
    detect = f"/tickets/detect-blocking?project_id={world.project.id}"
    with time_machine.travel(start + timedelta(minutes=29)):
        assert ask(world, "POST", detect).json == {"detected": 0, "results": [], "next_cursor": None}
        task_of(world, working, "running")
    with time_machine.travel(start + timedelta(minutes=31)):
        found = ask(world, "POST", "/tickets/detect-blocking").json
        assert found == ask(world, "POST", detect).json
    shown = {one["ticket_id"]: (one["should_block"], one["blocker_type"]) for one in found["results"]}
    assert shown == {failing.id: (True, "failing_checks"), waiting.id: (True, "waiting_on_clarification")}
    assert found["detected"] == 2
    assert all(31 <= one["time_in_state_minutes"] < 32 for one in found["results"])
    assert next(one["reason"] for one in found["results"] if one["ticket_id"] == failing.id) == "A task has failed: Tests fail"
    assert backlog.id not in shown


def test_a_ticket_that_was_just_unblocked_is_given_time(world):
    card = world.card(6)
    block_item(world.actor, card.id, "Waits")
    start = clock.now()
    with time_machine.travel(start + timedelta(minutes=40)):
        ask(world, "POST", f"/tickets/{card.id}/unblock")
        assert ask(world, "POST", "/tickets/detect-blocking").json["detected"] == 0
    with time_machine.travel(start + timedelta(minutes=55)):
        assert ask(world, "POST", "/tickets/detect-blocking").json["detected"] == 0


def test_detection_goes_on_behind_its_cursor(world, monkeypatch):
    monkeypatch.setattr("shared.planning.tickets.detecting.LOOKED_AT", 2)
    start = clock.now()
    cards = {world.card(lane).id for lane in (5, 5, 6, 6, 7)}
    seen: list[str] = []
    with time_machine.travel(start + timedelta(minutes=50)):
        cursor = ""
        for _ in range(4):
            answer = ask(world, "POST", f"/tickets/detect-blocking?project_id={world.project.id}{cursor}").json
            seen += [one["ticket_id"] for one in answer["results"]]
            if answer["next_cursor"] is None:
                break
            cursor = f"&cursor={answer['next_cursor']}"
        wrong = ask(world, "POST", f"/tickets/detect-blocking?project_id={world.project.id}&cursor=x.y")
    assert (sorted(seen), len(seen)) == (sorted(cards), 5)
    assert wrong.status == 422


# -- context


def test_the_context_has_all_that_is_known_in_full_and_in_short(world):
    card = world.card(6, "Login", description="A form with a field.")
    task_of(world, card, "completed", result={"summary": "The form is there"})
    task_of(world, card, "failed", error_message="No browser")
    artifact(world, card, "PHASE_IMPLEMENTATION", "code_changes", {"files": 2})
    world.ada("comments", "POST", f"/cards/{card.id}/comments", body={"content": "Mind the tab order"})
    answer = ask(world, "GET", f"/tickets/{card.id}/context").json
    full = answer["full_context"]
    assert full["ticket"].items() >= {"title": "Login", "description": "A form with a field."}.items()
    assert [(one["status"], one["result"]) for one in full["tasks"]] == [("completed", "The form is there"), ("failed", None)]
    assert [one["content"] for one in full["comments"]] == ["Mind the tab order"]
    assert [one["artifact_type"] for one in full["artifacts"]] == ["code_changes"]
    assert [one["phase_id"] for one in full["phases"]] == ["PHASE_IMPLEMENTATION"]
    assert answer["summary"].splitlines()[0] == "Login: MEDIUM, in PHASE_IMPLEMENTATION."
    assert "1 of 2 tasks completed; failed: A task; artifacts: code_changes." in answer["summary"]
    assert answer["summary"] == ask(world, "GET", f"/tickets/{card.id}/context").json["summary"]


def test_the_context_that_is_kept_grows_and_is_told(world):
    card = world.card(6)
    path = f"/tickets/{card.id}/update-context"
    assert ask(world, "POST", f"{path}?phase_id=PHASE_IMPLEMENTATION").json == {"ticket_id": card.id, "status": "updated"}
    assert ask(world, "POST", path, {"context": {"branch": "login"}}).status == 200
    assert ask(world, "POST", f"{path}?phase_id=PHASE_INTEGRATION", {"context": {"branch": "login-2"}}).status == 200
    kept = ask(world, "GET", f"/tickets/{card.id}").json["context"]
    assert (kept["branch"], set(kept["phases"])) == ("login-2", {"PHASE_IMPLEMENTATION", "PHASE_TESTING"})
    assert ask(world, "GET", f"/tickets/{card.id}/context").json["context"] == kept
    assert fetch(Item, card.id).event["type"] == "item.updated"
    assert ask(world, "POST", path, {"context": {"a": "x" * 60_000}}).status == 422
    assert ask(world, "POST", f"{path}?phase_id=PHASE_NOWHERE").status == 422


def test_the_rows_of_a_ticket_are_beside_it(world):
    """So the purge of its workspace erases them with it."""
    card = world.card(6)
    artifact(world, card, "PHASE_TESTING", "test_results", {"passed": 3})
    go(world, card, "testing")
    assert get(Item, f"ITEM#{card.id}", "META") is not None
