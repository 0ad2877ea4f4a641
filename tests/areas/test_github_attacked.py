"""Webhooks of GitHub that nobody has signed, or whose text leads elsewhere; and where the token of a repository may stand."""

import json
import logging
import time

import pytest

from shared.core.ids import new_id
from shared.source.repositories.connecting import NewConnection, connect_repository
from shared.source.repositories.issues import content_of, footer_of
from tests.areas.boards_world import create_world
from tests.areas.github_world import Octo, post, rows_of, waiting
from tests.github_server import FULL, TOKEN
from tests.kills import concurrently
from tests.trips import count_requests

UNKNOWN = "0190a0a0-0000-7000-8000-000000000000"


def unsigned(body: bytes) -> tuple[bytes, dict[str, str]]:
    return body, {"X-GitHub-Event": "push", "X-GitHub-Delivery": new_id(), "X-Hub-Signature-256": "sha256=" + "0" * 64}


@pytest.mark.parametrize(
    "body",
    [
        b'{"repository": {"id": true, "full_name": "%s"}}' % FULL.encode(),
        b'{"repository": [1, "x"]}',
        b'{"repository": {"id": 1, "full_name": "\\ud800/x"}}',
        b'{"repository": {"id": 1, "full_name": "\\u0000"}}',
        b'{"repository": {"id": 1e400, "full_name": "x"}}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff\xfe\x00",
        b"",
        b"null",
    ],
    ids=range(10),
)
@pytest.mark.parametrize("query", ["", f"repository={UNKNOWN}", "repository=" + "x" * 3_000])
def test_what_nobody_has_signed_is_refused_whatever_it_says(octo: Octo, body: bytes, query: str):
    answer = post(*unsigned(body), query)
    assert answer.status == 401, answer.text
    assert waiting() == []


@pytest.mark.parametrize("name", ["a/" + "b" * 3_000, "İ" * 1_500])
def test_a_name_that_no_key_can_hold_is_not_looked_for(octo: Octo, name: str):
    body = json.dumps({"repository": {"id": 1, "full_name": name}}, ensure_ascii=False).encode()
    with count_requests() as seen:
        assert post(*unsigned(body)).status == 401
    assert seen.by_name.get("Query", 0) == 0, str(seen)


def test_a_card_of_another_tenant_is_not_linked_however_it_is_named(octo: Octo):
    eve = create_world("eve@example.com", "Eve")
    own, foreign = octo.world.card(), [eve.card() for _ in range(5)]
    words = "\n".join(f"Ticket: {card.id}" for card in [*foreign, own])
    sha = octo.github.commit(words + f"\nAgent: {UNKNOWN}\nRun: {UNKNOWN}")
    octo.happens("push", octo.github.push(sha, branch=f"ticket/{foreign[0].id}"))
    assert [one["commit_sha"] for one in octo.commits(own.id)] == [sha]
    assert [octo.ask("GET", f"/tickets/{card.id}/commits").status for card in foreign] == [404] * 5
    shown = [octo.ask("GET", f"/tickets/{card.id}/commits", client=eve.ada).json for card in foreign]
    assert shown == [[]] * 5


def test_what_came_of_a_repository_that_the_project_has_no_longer_is_dropped(octo: Octo):
    octo.deliver("push", octo.github.push(octo.github.commit("One")))
    octo.github.repositories["octo-org/other"] = 77
    assert octo.connect(name="other", project_id=octo.world.project.id).status == 201
    assert octo.work() == []
    assert rows_of("CMT") == []


def test_a_push_of_thousands_of_commits_is_worked_off_in_parts(octo: Octo):
    shas = [octo.github.commit(f"Commit {number}") for number in range(30)]
    octo.deliver("push", octo.github.push(*shas))
    assert octo.work(seconds=0) == []  # each call has time for one
    assert len(rows_of("CMT")) == len(shas)


def test_neither_a_token_nor_a_secret_stands_in_an_answer_a_log_or_a_row(octo: Octo, logged, caplog):
    secret = octo.github.hooks[100]["config"]["secret"]
    with caplog.at_level(logging.INFO):
        answers = [octo.connect(access_token="ghp_not_a_token_of_anybody"), octo.connect()]
        octo.github.refusal = 500, {"message": f"It failed: {TOKEN}"}
        answers += [octo.connect(), octo.ask("GET", f"/github/repositories/{octo.repository.id}/issues")]
        octo.github.refusal = None
        answers.append(octo.deliver("push", octo.github.push(octo.github.commit("One"))))
        octo.work()
    lines = logged()
    assert len([line for line in lines if line["message"] == "request"]) == 5
    texts = [caplog.text, json.dumps(lines), *(one.text for one in answers), json.dumps([rows_of("REPO"), rows_of("CMT")])]
    assert [text for text in texts if TOKEN in text or secret in text or "ghp_not_a" in text] == []


@pytest.mark.parametrize(
    "body", ["a" + " " * 60_000 + "b", "a" + "\n" * 60_000 + "b", "--- " * 15_000, "-" * 60_000, "---Ticket: " * 5_000]
)
def test_an_issue_of_blanks_holds_nobody_up(body: str):
    """Anybody may write an issue of a public repository; the worker has a minute, and those behind it wait."""
    card_id = new_id()
    began = time.process_time()
    assert content_of({"body": body})["body"] == body
    assert content_of({"body": body + footer_of(card_id)})["body"] == body.rstrip()
    assert time.process_time() - began < 2  # it was two minutes


OTHER = "octo/other"


@pytest.mark.parametrize("names", [FULL.split("/"), OTHER.split("/")])
def test_of_two_connections_at_the_same_time_one_webhook_is_left_and_its_secret_is_known(octo: Octo, names):
    octo.github.repositories[OTHER] = 77
    octo.ask("DELETE", f"/github/repositories/{octo.repository.id}")
    assert octo.github.hooks == {}
    first, second = (NewConnection(owner, name, TOKEN, octo.world.project.id) for owner, name in (names, FULL.split("/")))
    actor = octo.world.actor
    with concurrently(lambda: connect_repository(actor, first) and None):
        connect_repository(actor, second)
    assert [hook["repository"] for hook in octo.github.hooks.values()] == [FULL]
    (number,) = octo.github.hooks
    row = octo.repository
    assert (row.full_name, int(row.hook_id)) == (FULL, number)
    assert octo.deliver("push", octo.github.push(octo.github.commit("One"))).status == 200


def test_a_webhook_that_was_made_for_nothing_is_removed(octo: Octo):
    octo.ask("DELETE", f"/github/repositories/{octo.repository.id}")
    with concurrently(lambda: octo.world.archive() and None):
        assert octo.connect().status == 409
    assert octo.github.hooks == {}
