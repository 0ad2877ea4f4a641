"""Whatever dies while something of GitHub's is worked off, and whoever does the same at the same time: it is there once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from shared.core.errors import CadreError, ConditionFailed, Conflict
from shared.core.ids import new_id
from shared.source.repositories.branches import ask_for_history
from shared.source.repositories.commits import link_by_hand
from shared.source.repositories.connecting import NewConnection, connect_repository
from shared.source.repositories.messages import send
from shared.source.repositories.opening import open_issue
from shared.source.repositories.receiving import Incoming, receive
from shared.source.repositories.work import Work
from shared.store import fetch
from shared.work.items.rows import Item
from shared.work.projects.rows import Project
from shared.work.tasks.creating import create_task
from shared.work.tasks.rows import Task
from tests.areas.boards_world import create_world
from tests.areas.github_world import Octo, rows_of, run_worker, taken, use, waiting
from tests.filed_cards import check_board
from tests.github_server import FULL, NAME, OWNER, TOKEN, FakeGithub
from tests.kills import concurrently, crash_at_every_write


@pytest.fixture
def octo(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Octo]:
    github = FakeGithub()
    use(github, monkeypatch)
    made = Octo(create_world(), github)
    assert made.connect().status == 201
    yield made
    github.close()


def dies_everywhere(octo: Octo, event: str, payload: Any) -> int:
    """Work off a webhook by processes that die at their first write, their second, ... Return how many died."""
    assert octo.deliver(event, payload).status == 200
    [body] = taken()
    deaths = 0
    for process in crash_at_every_write():
        with process:
            run_worker(body)
        deaths += process.dead
    return deaths


def test_a_push_whose_worker_dies_at_every_write(octo: Octo):
    cards = [octo.world.card(title=title) for title in ("One", "Two")]
    shas = [octo.github.commit(f"{number} for {cards[0].id} and {cards[1].id}\n\nAgent: planner") for number in range(2)]
    assert dies_everywhere(octo, "push", octo.github.push(*shas)) >= 3
    assert sorted(row["sha"]["S"] for row in rows_of("CMT")) == sorted(shas)
    assert len(rows_of("CMTLINK")) == 4
    for card in cards:
        answer = octo.ask("GET", f"/tickets/{card.id}/commits")
        assert (answer.header("X-Total-Count"), {one["commit_sha"] for one in answer.json}) == ("2", set(shas))
    assert octo.ask("GET", "/agents/planner/commits").header("X-Total-Count") == "2"


def test_an_issue_whose_worker_dies_at_every_write(octo: Octo):
    payload = octo.github.payload(action="opened", issue=octo.github.issue(7, "It crashes", "Words"))
    assert dies_everywhere(octo, "issues", payload) >= 2
    [row] = rows_of("ISS")
    card = fetch(Item, row["item_id"]["S"])
    assert card is not None
    assert (octo.world.counts().cards, card.issue) == (1, f"{FULL}#7")
    assert check_board(octo.world.board.id)


def test_a_merge_whose_worker_dies_at_every_write(octo: Octo):
    task = create_task(octo.world.actor, octo.world.card(), new_id(), "Do it", None)
    assert dies_everywhere(octo, "pull_request", octo.github.pull(5, action="closed", merged=True, branch=f"task-{task.id}")) >= 2
    done = fetch(Task, task.id)
    assert done is not None
    assert (done.status, len(rows_of("PULL")), rows_of("PULL")[0]["state"]["S"]) == ("completed", 1, "merged")


def test_a_stretch_of_commits_whose_worker_dies_at_every_write(octo: Octo):
    """Nobody has told of them: the job finds them, in pages, and each process that goes on dies too."""
    card = octo.world.card()
    first, *shas = [octo.github.commit(f"{number} for {card.id}") for number in range(4)]
    octo.github.branches = {"main": first}
    assert octo.deliver("push", octo.github.push(first)).status == 200
    assert octo.work() == []
    octo.github.branches = {"main": shas[-1]}
    send({"repository": octo.repository.id, "reconcile": True})
    deaths = 0
    while bodies := taken():
        for body in bodies:
            for process in crash_at_every_write():
                with process:
                    run_worker(body)
                deaths += process.dead
    assert deaths >= 4
    assert sorted(row["sha"]["S"] for row in rows_of("CMT")) == sorted([first, *shas])
    assert octo.ask("GET", f"/tickets/{card.id}/commits").header("X-Total-Count") == "4"
    assert {row["head"]["S"] for row in rows_of("BRANCH")} == {shas[-1]}


def test_a_push_and_the_job_record_the_same_commits_at_once(octo: Octo):
    card = octo.world.card()
    shas = [octo.github.commit(f"{number} for {card.id}") for number in range(3)]
    octo.github.branches = {"main": shas[-1]}
    assert octo.deliver("push", octo.github.push(*shas)).status == 200
    [pushed] = taken()
    ask_for_history(Work(octo.repository, 0, lambda *_: None), "main", None, shas[-1])
    [history] = taken()
    with concurrently(lambda: run_worker(history) and None):
        assert run_worker(pushed) == []
    assert len(rows_of("CMT")) == 3
    assert octo.ask("GET", f"/tickets/{card.id}/commits").header("X-Total-Count") == "3"


def test_a_new_name_whose_worker_dies_at_every_write(octo: Octo):
    name = "octo-org/motor"
    octo.github.repositories = {name: octo.github.repositories[FULL]}
    octo.github.renamed = {FULL: name}
    seen = octo.github.repository(name)
    assert dies_everywhere(octo, "repository", octo.github.payload_of(seen, action="renamed")) >= 1
    project = fetch(Project, octo.world.project.id)
    assert project is not None
    assert (octo.repository.name, octo.repository.former_names, project.github_repo) == ("motor", [FULL], "motor")


def test_twenty_people_connect_one_repository(octo: Octo):
    def connect() -> None:
        with suppress(CadreError, ConditionFailed):
            connect_repository(octo.world.actor, NewConnection(OWNER, NAME, TOKEN, octo.world.project.id))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: connect(), range(20)))
    assert (len(rows_of("REPO")), len(octo.github.hooks)) == (1, 1)
    assert octo.deliver("ping", octo.github.payload(zen="x")).status == 200


def test_two_requests_make_one_issue(octo: Octo):
    def make() -> None:
        try:
            made.append(open_issue(octo.world.actor, octo.repository.id, card.id, "A wish", "Words").number)
        except Conflict as conflict:
            refused.append(conflict.message)

    for number in (1, 2):  # before it is known that one is made; before it is linked
        card = octo.world.card()
        made: list[Any] = []
        refused: list[str] = []
        with concurrently(make, number):
            make()
        assert made
        assert len(made) + len(refused) == 2
        assert (len(octo.github.issues), len(rows_of("ISS"))) == (number, number)


def test_a_delivery_that_comes_twice_at_once_is_taken_once(octo: Octo):
    body, headers, query = octo.github.signed("push", octo.github.push(octo.github.commit("One")))
    incoming = Incoming(
        body, "push", headers["X-GitHub-Delivery"], headers["X-Hub-Signature-256"], query.removeprefix("repository=")
    )
    with concurrently(lambda: receive(incoming) and None):
        receive(incoming)
    assert [one["delivery"] for one in waiting()] == [headers["X-GitHub-Delivery"]]


def test_two_people_link_one_commit(octo: Octo):
    card, sha = octo.world.card(), octo.github.commit("One")
    octo.happens("push", octo.github.push(sha))
    links: list[str] = []

    def link() -> None:
        links.append(link_by_hand(octo.world.actor, card.id, sha, None).created_at)

    with concurrently(link):
        link()
    assert links[0] == links[1]
    assert octo.ask("GET", f"/tickets/{card.id}/commits").header("X-Total-Count") == "1"
