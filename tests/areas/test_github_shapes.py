"""Deliveries that are signed and have a shape which GitHub never sends: they are skipped, and the line of their repository goes on."""

import copy
import logging
from typing import Any

import pytest
import time_machine

from shared.core import clock
from shared.source.repositories.rows import Delivery
from shared.store import delete_file, get
from tests.areas.github_world import Octo, receive, rows_of, run_worker, waiting
from tests.github_server import FULL

_WRONG: tuple[Any, ...] = (
    None,
    True,
    7,
    -1,
    10**40,
    "x",
    "x" * 3_000,
    "é" * 1_900,
    [],
    [None],
    [{}],
    {},
    {"id": 1},
    "\u0000",
    1.5,
)


def _payloads(octo: Octo) -> list[tuple[str, dict[str, Any]]]:
    github = octo.github
    issue = github.issue(3, "An issue")
    remark = {"id": 5, "commit_id": github.commit("Said"), "body": "Words", "html_url": "https://github.com/x"}
    said = {"id": 6, "body": "Words", "html_url": "https://github.com/x", "created_at": "2026-01-01T00:00:00Z"}
    return [
        ("push", github.push(github.commit("One"))),
        ("issues", github.payload(action="opened", issue=issue)),
        ("issue_comment", github.payload(action="created", issue=issue, comment=said)),
        ("pull_request", github.pull(4, action="opened")),
        ("commit_comment", github.payload(action="created", comment=remark)),
        ("repository", github.payload(action="renamed", changes={"repository": {"name": {"from": "old"}}})),
    ]


def _with(payload: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(payload)
    place = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return changed


def _paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    return [path for name, one in inner for path in [(*before, name), *_paths(one, (*before, name))]]


@pytest.mark.thorough
def test_whatever_a_delivery_says_instead_its_line_goes_on(octo: Octo):
    """Each field of each event, one after the other, with each of these values."""
    from shared.source.repositories.processing import process

    tried = 0
    for event, payload in _payloads(octo):
        for path in _paths(payload):
            if path[0] == "repository" and event != "repository":
                continue
            for value in _WRONG:
                message = {"repository": octo.repository.id, "event": event, "payload": _with(payload, path, value)}
                process(message, float("inf"), lambda *_: None)
                tried += 1
    assert tried > 800


def test_a_delivery_that_nobody_can_read_is_skipped_and_those_behind_it_come(octo: Octo, caplog: pytest.LogCaptureFixture):
    bad = octo.github.payload(ref="refs/heads/main", commits=[{"id": "not a sha", "message": "x"}])
    octo.deliver("push", bad, delivery="0190a0a0-0000-7000-8000-00000000000a")
    octo.deliver("push", octo.github.push(octo.github.commit("Fine")))
    with caplog.at_level(logging.WARNING):
        assert octo.work() == []
    assert [record.reason for record in caplog.records if record.message == "a delivery is skipped"] == [
        "it.commits[0].id is no sha"
    ]
    assert len(rows_of("CMT")) == 1
    row = get(Delivery, *Delivery.key_of(octo.repository.id, "0190a0a0-0000-7000-8000-00000000000a"))
    assert row is not None
    assert row.done  # GitHub's repetition, and the job, leave it alone


def test_what_fails_for_a_reason_of_ours_keeps_its_line_for_minutes_and_not_for_an_hour(octo: Octo):
    octo.deliver("push", octo.github.push(octo.github.commit("One " + "x" * 300_000)))
    delete_file(waiting()[0]["file"])  # lost, nobody knows why
    first = receive()
    assert first is not None
    assert len(run_worker(*first)) == 1
    with time_machine.travel(clock.now().timestamp() + 25):
        assert receive() is not None


def test_a_commit_of_a_project_without_a_repository(octo: Octo):
    card = octo.world.card()
    path = f"/tickets/{card.id}/commits/link"
    sha = octo.github.commit("From before")
    assert octo.ask("POST", path, {"commit_sha": sha[:10]}).json["commit_sha"] == sha  # GitHub knows the whole of it
    octo.happens("push", octo.github.push(octo.github.commit("After")))
    assert octo.ask("DELETE", f"/github/repositories/{octo.repository.id}").status == 200
    for unknown in ("ab" * 20, "ab" * 4):
        answer = octo.ask("POST", path, {"commit_sha": unknown})
        assert (answer.status, "no connected repository" in answer.text) == (404, True), answer.text
    assert octo.ask("POST", path, {"commit_sha": sha}).status == 200


def test_a_file_of_a_repository_that_was_disconnected_is_not_shown_and_nothing_breaks(octo: Octo):
    sha = octo.github.commit("One")
    octo.happens("push", octo.github.push(sha))
    assert octo.ask("DELETE", f"/github/repositories/{octo.repository.id}").status == 200
    answer = octo.ask("GET", f"/commits/{sha}/diff?file_path=src/app.py")
    assert (answer.status, answer.json["files"][0]["omitted"]) == (200, "unavailable"), answer.text
    assert FULL in octo.ask("GET", f"/commits/{sha}").json["diff_url"]
