"""omoios: what is said under an issue stands on its card, and the other way round: once, on both sides, whoever changes or removes it."""

import json
from typing import Any

import time_machine

from shared.core import clock
from shared.source.repositories.messages import send
from shared.store import fetch
from shared.work.comments.rows import Comment
from shared.work.items.rows import Item
from shared.work.tasks.creating import create_task
from shared.work.tasks.rows import Task
from tests.areas.github_world import Octo, rows_of
from tests.areas.test_quality import record, set_gate
from tests.areas.viewers import project, stream_record
from tests.github_server import limited
from tests.kills import crash_at_every_write


def linked(octo: Octo) -> Item:
    """A card that is kept in step with issue 7."""
    octo.happens("issues", octo.github.payload(action="opened", issue=octo.github.issue(7, "It crashes", "When I click")))
    card = fetch(Item, rows_of("ISS")[0]["item_id"]["S"])
    assert card is not None
    return card


def shown(octo: Octo, card: Item) -> list[tuple[str, str]]:
    listed = octo.world.ada.at("omoios")("comments", "GET", f"/tickets/{card.id}/comments").json
    return [(one["content"], one["author_name"]) for one in listed]


def say(octo: Octo, card: Item, words: str) -> str:
    body = {"content": words, "comment_type": "general"}
    answer = octo.world.ada.at("omoios")("comments", "POST", f"/tickets/{card.id}/comments", body=body)
    assert answer.status == 201, answer.text
    return answer.json["id"]


def follow(octo: Octo, comment_id: str) -> None:
    """Let the reactions to the newest change of a comment be done, and what they have queued."""
    [row] = [row for row in rows_of("COM") if row["PK"]["S"] == f"COM#{comment_id}"]
    assert project(stream_record(row)) == []
    assert octo.work() == []


def heard(octo: Octo, action: str, said: dict[str, Any]) -> dict[str, Any]:
    return octo.github.payload(action=action, issue=octo.github.issues[7], comment=said)


def test_what_is_said_at_github_stands_on_the_card(octo: Octo):
    card = linked(octo)
    said = octo.github.comment(7, "Me too\r\n")
    for _ in range(2):
        octo.happens("issue_comment", heard(octo, "created", said))
    assert shown(octo, card) == [("Me too", "ida (GitHub)")]
    [row] = rows_of("COM")
    follow(octo, row["PK"]["S"].partition("#")[2])
    assert [one for one in octo.github.sent if "comments" in one[1]] == []  # no echo
    said |= {"body": "Not any more", "updated_at": "2099-01-01T00:00:00Z"}
    octo.happens("issue_comment", heard(octo, "edited", said))
    octo.happens("issue_comment", heard(octo, "edited", said | {"body": "Late", "updated_at": "2026-01-01T00:00:00Z"}))
    assert shown(octo, card) == [("Not any more", "ida (GitHub)")]
    octo.happens("issue_comment", heard(octo, "deleted", said))
    octo.happens("issue_comment", heard(octo, "created", said))  # a repetition that is late
    octo.happens("issue_comment", heard(octo, "edited", said))
    assert shown(octo, card) == []


def test_what_is_said_on_the_card_stands_at_github(octo: Octo):
    card = linked(octo)
    comment_id = say(octo, card, "We look into it, @bob")
    for _ in range(2):
        follow(octo, comment_id)
    [copy] = octo.github.comments.values()
    assert copy["body"].startswith("**Ada")
    assert "We look into it, @\u200bbob" in copy["body"]  # no stranger is called
    octo.happens("issue_comment", heard(octo, "created", copy))
    assert len(shown(octo, card)) == 1
    client = octo.world.ada.at("agentworks")
    changed = client("comments", "PUT", f"/comments/{comment_id}", body={"content": "It is mended"})
    assert changed.status == 200, changed.text
    follow(octo, comment_id)
    [copy] = octo.github.comments.values()
    assert "It is mended" in copy["body"]
    octo.happens("issue_comment", heard(octo, "edited", copy | {"body": "Ada is a fool", "updated_at": "2099-01-01T00:00:00Z"}))
    octo.happens("issue_comment", heard(octo, "deleted", copy))
    assert [words for words, _ in shown(octo, card)] == ["It is mended"]  # nobody at GitHub changes what Ada has said
    assert client("comments", "DELETE", f"/comments/{comment_id}").status in (200, 204)
    follow(octo, comment_id)
    assert octo.github.comments == {}
    asked = len(octo.github.sent)
    follow(octo, comment_id)
    assert len(octo.github.sent) == asked


def test_a_comment_whose_answer_was_lost_is_written_once(octo: Octo):
    card = linked(octo)
    comment_id = say(octo, card, "Once")
    message = {"repository": octo.repository.id, "comment": comment_id}
    octo.github.loses_answer = True
    send(message)
    assert len(octo.work()) == 1
    octo.github.loses_answer = False
    send(message)
    assert octo.work() == []
    assert len(octo.github.comments) == 1


def test_a_comment_whose_echo_is_faster_than_its_answer(octo: Octo):
    card = linked(octo)
    comment_id = say(octo, card, "Once")
    octo.github.loses_answer = True
    send({"repository": octo.repository.id, "comment": comment_id})
    assert len(octo.work()) == 1
    octo.github.loses_answer = False
    [copy] = octo.github.comments.values()
    octo.happens("issue_comment", heard(octo, "created", copy))
    follow(octo, comment_id)
    assert (len(octo.github.comments), len(shown(octo, card))) == (1, 1)


def test_a_mark_that_somebody_copies_is_somebodys_text(octo: Octo):
    card = linked(octo)
    comment_id = say(octo, card, "Ours")
    follow(octo, comment_id)
    [copy] = octo.github.comments.values()
    forged = octo.github.comment(7, copy["body"].replace("Ours", "Theirs"))
    octo.happens("issue_comment", heard(octo, "created", forged))
    assert [author for _, author in shown(octo, card)].count("ida (GitHub)") == 1


def test_whoever_dies_while_a_comment_is_sent_or_taken_over_it_is_there_once(octo: Octo):
    from functions.github_worker import handler as worker
    from tests.areas.github_world import run_worker, taken

    card = linked(octo)
    comment_id = say(octo, card, "Ours")
    octo.deliver("issue_comment", heard(octo, "created", octo.github.comment(7, "Theirs")))
    [theirs] = taken()
    bodies = [theirs, json.dumps({"repository": octo.repository.id, "comment": comment_id})]
    deaths = 0
    for body in bodies:
        for process in crash_at_every_write():
            with process:
                run_worker(body)
            deaths += process.dead
    assert deaths >= 4
    assert sorted(words for words, _ in shown(octo, card)) == ["Ours", "Theirs"]
    assert len(octo.github.comments) == 2
    assert worker.SOON < 60


def test_comments_of_pull_requests_of_other_cards_and_of_closed_ones(octo: Octo):
    card = linked(octo)
    pull = octo.github.issue(8, "A change", pull_request={"url": "https://api.github.com/x"})
    said = octo.github.comment(8, "Looks good")
    octo.happens("issue_comment", octo.github.payload(action="created", issue=pull, comment=said))
    octo.happens("issue_comment", heard(octo, "created", octo.github.comment(7, "x" * 60_000)))
    [(words, _)] = shown(octo, card)
    assert len(words) < 10_000
    assert octo.world.ada("cards", "DELETE", f"/cards/{card.id}").status in (200, 204)
    octo.happens("issue_comment", heard(octo, "created", octo.github.comment(7, "Late")))
    assert len(rows_of("COM")) == 1


def test_a_comment_waits_for_requests_like_all_else(octo: Octo):
    card = linked(octo)
    comment_id = say(octo, card, "Later")
    octo.github.refusal = limited(60)
    send({"repository": octo.repository.id, "comment": comment_id})
    assert len(octo.work()) == 1
    octo.github.refusal = None
    follow(octo, comment_id)
    assert len(octo.github.comments) == 1
    assert fetch(Comment, comment_id).issue == card.issue


# -- a merge while a quality gate holds


def merged(octo: Octo) -> Task:
    set_gate(octo.world, gate_type="quality", failure_action="block", requirements=[{"metric": "coverage", "threshold": 80}])
    task = create_task(octo.world.actor, octo.world.card(), "0190a0a0-0000-7000-8000-0000000000aa", "Do it", None)
    octo.happens("pull_request", octo.github.pull(5, action="closed", merged=True, branch=f"task-{task.id}"))
    return task


def test_a_merge_completes_its_task_when_the_gate_lets_it(octo: Octo):
    task = merged(octo)
    assert fetch(Task, task.id).status == "pending"
    assert "coverage was not measured" in rows_of("PULL")[0]["waits"]["S"]
    for value, status in ((70, "pending"), (90, "completed"), (95, "completed")):
        record(octo.world, task.id, value=value)
        assert project(*(stream_record(row) for row in rows_of("QMETRIC"))) == []
        assert octo.work() == []
        assert fetch(Task, task.id).status == status
    assert "waits" not in rows_of("PULL")[0]


def test_what_held_a_merge_is_looked_at_again_by_the_job(octo: Octo):
    from shared.source.repositories.reconciling import ask_for_reconciling
    from tests.areas.driving import deadline

    task = merged(octo)
    set_gate(octo.world, gate_type="quality", failure_action="warn")
    ask_for_reconciling(deadline())
    assert octo.work() == []
    assert fetch(Task, task.id).status == "pending"  # it was tried a moment ago
    with time_machine.travel(clock.now().timestamp() + 3_700):
        ask_for_reconciling(deadline())
        assert octo.work() == []
        assert fetch(Task, task.id).status == "completed"
