"""omoios, section 3: commits that are pushed to a connected repository, their changes and their links."""

import json

import pytest
import time_machine

from shared.agents.catalogue import agent_named
from shared.core import clock
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.source.commits.rows import Commit, commit_id
from shared.source.repositories.reconciling import ask_for_reconciling
from shared.store import fetch
from shared.work.tasks.creating import create_task
from tests.areas.boards_world import create_world
from tests.areas.driving import deadline
from tests.areas.github_world import Octo, frames, post, receive, rows_of, run_worker
from tests.areas.viewers import project, stream_record
from tests.github_server import FULL, NEW_FILE, PATCH, changed, limited


def test_a_push_is_recorded_with_its_changes_and_linked(octo: Octo):
    card = octo.world.card(title="Log in")
    sha = octo.github.commit(f"Let people log in\n\nCloses ticket-{card.id}", files=[
        changed("src/app.py", PATCH, 2, 1), changed("src/new.py", NEW_FILE, 2, 0, "added"),
    ])  # fmt: skip
    octo.happens("push", octo.github.push(sha))
    answer = octo.ask("GET", f"/commits/{sha}")
    assert answer.status == 200, answer.text
    assert answer.json == {
        "commit_sha": sha,
        "commit_message": f"Let people log in\n\nCloses ticket-{card.id}",
        "author": "Ida Levi",
        "date": "2026-05-04T12:00:00.000Z",
        "summary": {"files": 2, "insertions": 4, "deletions": 1},
        "files": [
            {"path": "src/app.py", "additions": 2, "deletions": 1, "changes": 3, "status": "modified"},
            {"path": "src/new.py", "additions": 2, "deletions": 0, "changes": 2, "status": "added"},
        ],
        "ticket_id": card.id,
        "agent_id": None,
        "diff_url": f"https://github.com/{FULL}/commit/{sha}",
    }
    [linked] = octo.commits(card.id)
    assert (linked["commit_sha"], linked["summary"], linked["agent_id"]) == (sha, answer.json["summary"], None)


def test_the_socket_tells_of_it_as_documented(octo: Octo):
    card = octo.world.card()
    sha = octo.github.commit(f"Work on {card.id}")
    octo.happens("push", octo.github.push(sha))
    [pushed], [linked] = rows_of("CMT"), rows_of("CMTLINK")
    [shown] = frames(pushed)
    assert (shown["event_type"], shown["entity_type"], shown["entity_id"]) == ("COMMIT_PUSHED", "commit", sha)
    assert shown["payload"] == {
        "commit_sha": sha, "message": f"Work on {card.id}", "author": "Ida Levi", "files_changed": 1, "insertions": 2, "deletions": 1,
    }  # fmt: skip
    [shown] = frames(linked)
    assert (shown["event_type"], shown["payload"]) == (
        "COMMIT_LINKED", {"commit_sha": sha, "ticket_id": card.id, "agent_id": None},
    )  # fmt: skip


def test_agentworks_shows_the_link_among_the_activities_of_the_card(octo: Octo):
    card = octo.world.card()
    sha = octo.github.commit(f"Work on {card.id}")
    octo.happens("push", octo.github.push(sha))
    rows = rows_of("CMT") + rows_of("CMTLINK")
    assert project(*(stream_record(row, sequence=number) for number, row in enumerate(rows, 1))) == []
    activities = octo.world.ada("comments", "GET", f"/cards/{card.id}/activities").json["activities"]
    assert [one["description"] for one in activities] == ["ida (GitHub) linked a commit"]
    assert activities[0]["metadata"]["commitSha"] == sha
    assert octo.world.ada("cards", "GET", f"/cards/{card.id}").status == 200


def test_a_repetition_changes_nothing(octo: Octo):
    card = octo.world.card()
    sha = octo.github.commit(f"Work on {card.id}")
    octo.happens("push", octo.github.push(sha))
    before = sorted(json.dumps(row, sort_keys=True) for row in rows_of("CMT") + rows_of("CMTLINK"))
    octo.happens("push", octo.github.push(sha), delivery=str(new_id()))
    octo.happens("push", octo.github.push(sha, branch="another"))
    assert sorted(json.dumps(row, sort_keys=True) for row in rows_of("CMT") + rows_of("CMTLINK")) == before
    assert len(octo.commits(card.id)) == 1
    assert octo.github.asked.count(("GET", f"/repos/{FULL}/commits/{sha}")) == 1


def test_what_a_message_and_a_branch_name(octo: Octo):
    by_branch, by_task, other = octo.world.card(title="A"), octo.world.card(title="B"), octo.world.card(title="C")
    task = create_task(octo.world.actor, by_task, new_id(), "Do it", None)
    sha = octo.github.commit(f"Part of task-{task.id}, unlike {new_id()}")
    octo.happens("push", octo.github.push(sha, branch=f"feature/ticket-{by_branch.id}-login"))
    assert [len(octo.commits(card.id)) for card in (by_branch, by_task, other)] == [1, 1, 0]


def test_a_card_of_another_project_is_not_linked(octo: Octo):
    stranger = create_world("eve@example.com", "Eve")
    card = stranger.card()
    octo.happens("push", octo.github.push(octo.github.commit(f"Steal {card.id}")))
    assert rows_of("CMTLINK") == []
    assert stranger.ada.at("omoios")("github", "GET", f"/tickets/{card.id}/commits").json == []


def test_who_made_it(octo: Octo):
    coder = agent_named("planner")
    run = octo.world.run(octo.world.card())
    shas = [
        octo.github.commit(f"One\n\nAgent: {coder.id}"),
        octo.github.commit("Two\n\nAgent-Id: planner"),
        octo.github.commit(f"Three\n\nRun: {run.id}"),
        octo.github.commit("Four", name=coder.display_name),
        octo.github.commit("Five\n\nAgent: nobody"),
    ]
    octo.happens("push", octo.github.push(*shas))
    agents = [octo.ask("GET", f"/commits/{sha}").json["agent_id"] for sha in shas]
    assert agents == [coder.id, coder.id, run.agent_id, coder.id, None]
    answer = octo.ask("GET", f"/agents/{coder.id}/commits?limit=2")
    assert (answer.header("X-Total-Count"), [one["commit_sha"] for one in answer.json]) == ("3", [shas[3], shas[1]])
    assert [one["commit_sha"] for one in octo.ask("GET", "/agents/planner/commits?offset=2").json] == [shas[0]]


def test_agents_of_nobody(octo: Octo):
    assert octo.ask("GET", f"/agents/{new_id()}/commits").status == 404
    assert octo.ask("GET", "/agents/nonsense/commits").status == 404
    assert octo.ask("GET", f"/agents/{agent_named('prd').id}/commits").json == []


def test_a_push_that_is_too_long_for_one_call_goes_on(octo: Octo):
    shas = [octo.github.commit(f"Number {number}") for number in range(5)]
    octo.deliver("push", octo.github.push(*shas))
    assert octo.work(seconds=-1) == []  # each call has time for one commit
    assert {row["sha"]["S"] for row in rows_of("CMT")} == set(shas)


def test_many_files_come_in_pages(octo: Octo):
    files = [changed(f"src/{number}.py", NEW_FILE, 2, 0, "added") for number in range(650)]
    sha = octo.github.commit("A large one", files=files)
    octo.happens("push", octo.github.push(sha))
    shown = octo.ask("GET", f"/commits/{sha}").json
    assert (shown["summary"], len(shown["files"])) == ({"files": 650, "insertions": 1300, "deletions": 0}, 650)


def test_a_large_change_lies_in_the_bucket(octo: Octo):
    patch = "@@ -0,0 +1,9000 @@\n" + "\n".join(f"+line {number} of a long file, which has many of them" for number in range(9000))
    sha = octo.github.commit("Large", files=[changed("a.txt", patch, 9000, 0, "added")])
    octo.happens("push", octo.github.push(sha))
    shown = octo.ask("GET", f"/commits/{sha}/diff").json["files"][0]
    assert (len(shown["hunks"][0]["lines"]), shown["omitted"]) == (9000, None)


def test_a_commit_that_is_gone_before_it_is_read_is_kept_as_it_was_pushed(octo: Octo):
    sha = octo.github.commit("Gone")
    payload = octo.github.push(sha)
    octo.github.refusal = (404, {"message": "Not Found"})
    octo.happens("push", payload)
    shown = octo.ask("GET", f"/commits/{sha}").json
    assert (shown["summary"], shown["date"]) == ({"files": 1, "insertions": 0, "deletions": 0}, "2026-05-04T12:00:00.000Z")


def test_a_branch_that_was_deleted(octo: Octo):
    payload = octo.github.push() | {"deleted": True, "after": "0" * 40}
    octo.happens("push", payload)
    assert rows_of("CMT") == []


# -- the limits of GitHub


def test_a_push_waits_until_github_allows_requests_again(octo: Octo):
    sha = octo.github.commit("Later")
    octo.deliver("push", octo.github.push(sha))
    octo.github.refusal = limited(600)
    first = receive()
    assert first is not None
    assert len(run_worker(*first)) == 1
    assert (rows_of("CMT"), receive()) == ([], None)
    octo.github.refusal = None
    with time_machine.travel(clock.now().timestamp() + 500):  # the usual wait for a repetition is over
        assert receive() is None
    with time_machine.travel(clock.now().timestamp() + 605):
        again = receive()
        assert again is not None
        assert run_worker(*again) == []
    assert len(rows_of("CMT")) == 1


def test_a_token_that_was_revoked_disconnects_and_connecting_again_fetches_what_was_missed(octo: Octo):
    sha = octo.github.commit("Missed")
    payload = octo.github.push(sha)
    guid = octo.github.lose("push", payload, status=200)
    octo.github.tokens = {}
    octo.happens("push", payload, delivery=guid)
    assert octo.ask("GET", "/github/repositories").json[0]["webhook_status"] == "disconnected"
    octo.github.tokens = {"ghp_the_next_token_of_them": "ida"}
    assert octo.connect(access_token="ghp_the_next_token_of_them").status == 201
    assert ask_for_reconciling(deadline()) == 1
    assert octo.work() == []
    assert [row["sha"]["S"] for row in rows_of("CMT")] == [sha]


def test_a_push_that_the_token_may_not_read_comes_again_when_it_may(octo: Octo):
    sha = octo.github.commit("Secret")
    payload = octo.github.push(sha)
    guid = octo.github.lose("push", payload, status=200)
    octo.github.refusal = (403, {"message": "Resource not accessible by personal access token"})
    octo.happens("push", payload, delivery=guid)
    [shown] = octo.ask("GET", "/github/repositories").json
    assert (shown["webhook_status"], "not accessible" in shown["status_reason"], rows_of("CMT")) == ("failing", True, [])
    octo.github.refusal = None
    assert ask_for_reconciling(deadline()) == 1
    assert octo.work() == []
    assert (len(rows_of("CMT")), octo.repository.webhook_status) == (1, "active")


# -- reading


def test_the_beginning_of_a_sha(octo: Octo, monkeypatch: pytest.MonkeyPatch):
    sha = octo.github.commit("One")
    octo.happens("push", octo.github.push(sha))
    assert octo.ask("GET", f"/commits/{sha[:7]}").json["commit_sha"] == sha
    assert octo.ask("GET", f"/commits/{sha.upper()}").json["commit_sha"] == sha
    twin = fetch(Commit, commit_id(octo.world.ws_id, sha))
    assert twin is not None
    from shared.store import put, write

    other = sha[:10] + ("1" if sha[10] == "0" else "0") + sha[11:]
    twin.pk, twin.sha = f"CMT#{commit_id(octo.world.ws_id, other)}", other
    write(put(twin))
    answer = octo.ask("GET", f"/commits/{sha[:8]}")
    assert (answer.status, "Several commits" in answer.text) == (422, True)
    found = octo.ask("GET", f"/commits/{sha[:11]}")
    assert (found.status, found.json.get("commit_sha")) == (200, sha), found.text


@pytest.mark.parametrize("sha", ["abc", "zzzzzzzzzz", "0" * 40, "0123456", "%20"])
def test_a_sha_of_nothing(octo: Octo, sha: str):
    assert octo.ask("GET", f"/commits/{sha}").status == 404
    assert octo.ask("GET", f"/commits/{sha}/diff").status == 404


def test_two_tenants_hold_the_same_commit(octo: Octo):
    eve = create_world("eve@example.com", "Eve")
    other = Octo(eve, octo.github)
    assert other.connect().status == 201
    assert len(octo.github.hooks) == 2  # each has its own, with its own secret
    ours, theirs = octo.world.card(title="Ours"), eve.card(title="Theirs")
    sha = octo.github.commit(f"For {ours.id} and {theirs.id}")
    octo.happens("push", octo.github.push(sha), hook=100)
    assert other.ask("GET", f"/commits/{sha}").status == 404
    octo.happens("push", octo.github.push(sha), hook=101)
    assert octo.ask("GET", f"/commits/{sha}").json["ticket_id"] == ours.id
    assert other.ask("GET", f"/commits/{sha}").json["ticket_id"] == theirs.id
    body, headers, query = octo.github.signed("push", octo.github.push(sha), hook=100)
    _, _, another = octo.github.signed("push", octo.github.push(sha), hook=101)
    assert (post(body, headers, another).status, post(body, headers, query).status) == (401, 200)


# -- diffs


def test_the_changes_as_hunks(octo: Octo):
    sha = octo.github.commit("Both", files=[
        changed("src/app.py", PATCH, 2, 1), changed("src/new.py", NEW_FILE, 2, 0, "added"), changed("logo.png", None, 0, 0, "added"),
    ])  # fmt: skip
    octo.happens("push", octo.github.push(sha))
    shown = octo.ask("GET", f"/commits/{sha}/diff").json
    assert shown["commit_sha"] == sha
    app, new, logo = shown["files"]
    assert app["hunks"] == [{
        "old_start": 1, "old_lines": 3, "new_start": 1, "new_lines": 4,
        "lines": [
            {"type": "context", "content": " import os"}, {"type": "removed", "content": "-old = 1"},
            {"type": "added", "content": "+new = 1"}, {"type": "added", "content": "+more = 2"},
            {"type": "context", "content": " last = 3"},
        ],
    }]  # fmt: skip
    assert (app["old_content"], app["new_content"], app["omitted"]) == (None, None, "ask_for_file")
    assert (new["old_content"], new["new_content"], new["omitted"]) == ("", "one\ntwo\n", None)
    assert (logo["hunks"], logo["omitted"]) == ([], "binary")


def test_one_file_with_its_texts_which_are_fetched_once(octo: Octo):
    sha = octo.github.commit("Change")
    parent = octo.github.commits[sha]["parents"][0]["sha"]
    octo.github.contents = {
        (sha, "src/app.py"): b"import os\nnew = 1\nmore = 2\nlast = 3\n",
        (parent, "src/app.py"): b"import os\nold = 1\nlast = 3\n",
    }
    octo.happens("push", octo.github.push(sha))
    for _ in range(2):
        [file] = octo.ask("GET", f"/commits/{sha}/diff?file_path=src/app.py").json["files"]
        assert file["old_content"] == "import os\nold = 1\nlast = 3\n"
        assert file["new_content"] == "import os\nnew = 1\nmore = 2\nlast = 3\n"
        assert (file["omitted"], len(file["hunks"])) == (None, 1)
    assert len([path for _, path in octo.github.asked if "/contents/" in path]) == 2
    assert octo.ask("GET", f"/commits/{sha}/diff?file_path=nothing.py").status == 404


def test_a_path_with_signs_of_addresses(octo: Octo):
    path = "docs/what is #1? 100%.md"
    sha = octo.github.commit("Odd names", files=[changed(path, PATCH, 2, 1)])
    parent = octo.github.commits[sha]["parents"][0]["sha"]
    octo.github.contents = {(sha, path): b"new", (parent, path): b"old"}
    octo.happens("push", octo.github.push(sha))
    [file] = octo.ask("GET", f"/commits/{sha}/diff?file_path=docs/what%20is%20%231%3F%20100%25.md").json["files"]
    assert (file["old_content"], file["new_content"]) == ("old", "new")


@pytest.mark.parametrize(
    ("content", "omitted"),
    [(b"x" * 1_000_001, "too_large"), (b"\xff\x00", "binary"), (None, "unavailable")],
    ids=["too_large", "binary", "unavailable"],
)
def test_a_text_that_is_left_out_says_why(octo: Octo, content: bytes | None, omitted: str):
    sha = octo.github.commit(f"Change what is {omitted}")
    parent = octo.github.commits[sha]["parents"][0]["sha"]
    octo.github.contents = {(ref, "src/app.py"): content for ref in (sha, parent) if content is not None}
    octo.happens("push", octo.github.push(sha))
    [file] = octo.ask("GET", f"/commits/{sha}/diff?file_path=src/app.py").json["files"]
    assert (file["old_content"], file["new_content"], file["omitted"]) == (None, None, omitted)


# -- linking by hand


def test_linking_by_hand_is_done_once(octo: Octo):
    card = octo.world.card()
    sha = octo.github.commit("Unlinked")
    octo.happens("push", octo.github.push(sha))
    body = {"commit_sha": sha, "agent_id": agent_named("planner").id}
    first = octo.ask("POST", f"/tickets/{card.id}/commits/link", body)
    assert first.status == 200, first.text
    assert (first.json["commit_sha"], first.json["ticket_id"]) == (sha, card.id)
    assert octo.ask("POST", f"/tickets/{card.id}/commits/link", body).json == first.json
    assert octo.ask("POST", f"/tickets/{card.id}/commits/link", {"commit_sha": sha[:9]}).json == first.json
    assert [one["agent_id"] for one in octo.commits(card.id)] == [agent_named("planner").id]
    assert octo.ask("GET", f"/commits/{sha}").json["ticket_id"] == card.id
    assert len(octo.ask("GET", "/agents/planner/commits").json) == 1


def test_a_commit_from_before_the_connection_is_fetched(octo: Octo):
    card, sha = octo.world.card(), octo.github.commit("Long ago")
    assert octo.ask("POST", f"/tickets/{card.id}/commits/link", {"commit_sha": sha}).status == 200
    assert octo.ask("GET", f"/commits/{sha}").json["summary"]["insertions"] == 2


def test_what_cannot_be_linked(octo: Octo):
    card, sha = octo.world.card(), octo.github.commit("One")
    octo.happens("push", octo.github.push(sha))
    path = f"/tickets/{card.id}/commits/link"
    for where, body, status in (
        (f"/tickets/{new_id()}/commits/link", {"commit_sha": sha}, 404),
        ("/tickets/nonsense/commits/link", {"commit_sha": sha}, 404),
        (path, {"commit_sha": "f" * 40}, 404),
        (path, {"commit_sha": sha, "agent_id": new_id()}, 404),
        (path, {"commit_sha": "xyz"}, 422),
        (path, {}, 422),
    ):
        assert octo.ask("POST", where, body).status == status, (where, body)
    viewer = octo.world.join("Vera", "vera@example.com", Role.VIEWER)
    assert octo.ask("POST", path, {"commit_sha": sha}, viewer).status == 403
    octo.world.archive()
    assert octo.ask("POST", path, {"commit_sha": sha}).status == 409


def test_commits_of_a_ticket_in_pages(octo: Octo):
    card = octo.world.card()
    shas = [octo.github.commit(f"{number} for {card.id}") for number in range(5)]
    octo.happens("push", octo.github.push(*shas))
    answer = octo.ask("GET", f"/tickets/{card.id}/commits?limit=2&offset=1")
    assert (answer.header("X-Total-Count"), [one["commit_sha"] for one in answer.json]) == ("5", [shas[3], shas[2]])
