"""What happens at GitHub while nobody listens, or to the repository itself: nothing is missed, and everybody sees how it stands."""

from typing import Any

import pytest
import time_machine

from shared.core import clock
from shared.source.repositories import history
from shared.source.repositories.branches import ask_for_history
from shared.source.repositories.reconciling import ask_for_reconciling
from shared.source.repositories.work import Work
from tests.areas.driving import deadline
from tests.areas.github_world import Octo, receive, rows_of, run_worker, taken, waiting
from tests.areas.test_github_comments import linked
from tests.areas.viewers import project, stream_record
from tests.github_server import FULL
from tests.kills import concurrently

DAY = 86_400


def reconcile(octo: Octo, *, after: float = 0) -> None:
    with time_machine.travel(clock.now().timestamp() + after):
        assert ask_for_reconciling(deadline()) == 1
        assert octo.work() == []


def recorded() -> set[str]:
    return {row["sha"]["S"] for row in rows_of("CMT")}


def heads(octo: Octo) -> dict[str, Any]:
    answer = octo.ask("GET", f"/github/repositories/{octo.repository.id}/branches")
    assert answer.status == 200, answer.text
    return {one["name"]: (one["head_sha"], one["state"]) for one in answer.json}


def test_commits_of_a_week_without_us_are_fetched_and_linked(octo: Octo):
    card = octo.world.card()
    before = octo.github.commit("Before")
    octo.github.branches = {"main": before}
    octo.happens("push", octo.github.push(before))
    reconcile(octo)
    missed = [octo.github.commit(f"Missed {number} for {card.id}") for number in range(250)]
    octo.github.branches = {"main": missed[99], "topic": missed[-1]}
    asked = len(octo.github.asked)
    reconcile(octo, after=7 * DAY)
    assert recorded() == {before, *missed}
    assert octo.ask("GET", f"/tickets/{card.id}/commits").header("X-Total-Count") == "250"
    assert heads(octo) == {"main": (missed[99], "active"), "topic": (missed[-1], "active")}
    listing = [path for _, path in octo.github.asked[asked:] if "/commits/" not in path]
    assert len(listing) <= 7, listing
    reconcile(octo, after=7 * DAY + 900)
    asked = len(octo.github.asked)
    reconcile(octo, after=7 * DAY + 1_800)  # nothing has moved: two requests with tags
    assert len(octo.github.asked) - asked == 2


def test_a_missing_push_between_two_that_came(octo: Octo):
    one, two, three = (octo.github.commit(f"Number {number}") for number in range(3))
    octo.github.branches = {"main": one}
    octo.happens("push", octo.github.push(one))
    octo.github.branches = {"main": three}
    octo.happens("push", octo.github.push(three) | {"before": two})
    assert recorded() == {one, three}
    reconcile(octo)
    assert recorded() == {one, two, three}


def test_what_was_there_before_the_connection_is_left_alone(octo: Octo):
    old = [octo.github.commit(f"Old {number}") for number in range(3)]
    octo.github.branches = {"topic": old[1], "other": old[2]}
    reconcile(octo)
    assert recorded() == set()
    new = octo.github.commit("New")
    octo.github.branches["topic"] = new
    reconcile(octo, after=900)
    assert new in recorded()


def test_a_push_of_more_commits_than_github_sends_is_fetched_in_a_line_of_its_own(octo: Octo):
    start = octo.github.commit("Start")
    octo.github.branches = {"main": start}
    octo.happens("push", octo.github.push(start))
    shas = [octo.github.commit(f"Number {number}") for number in range(300)]
    octo.github.branches = {"main": shas[-1]}
    octo.deliver("push", octo.github.push(*shas[:250]) | {"before": start, "after": shas[-1]})
    first = receive()
    assert first is not None
    assert run_worker(*first) == []
    assert recorded() == {start}
    assert [one["history"]["head"] for one in waiting() if "history" in one] == [shas[-1]]
    ask_for_reconciling(deadline())
    assert octo.work(seconds=0.05) == []  # in many parts
    assert recorded() == {start, *shas}
    assert heads(octo) == {"main": (shas[-1], "active")}


def test_a_history_leaves_a_fifth_of_the_requests_to_what_happens_now(octo: Octo):
    shas = [octo.github.commit(f"Number {number}") for number in range(20)]
    octo.github.branches = {"main": shas[0], "topic": shas[-1]}
    octo.happens("push", octo.github.push(shas[0]))
    octo.github.remaining = 900
    ask_for_history(Work(octo.repository, 0, lambda *_: None), "topic", shas[0], shas[-1])
    message = receive()
    assert message is not None
    asked = len(octo.github.asked)
    assert len(run_worker(*message)) == 1  # put off
    assert len(octo.github.asked) - asked == 1
    octo.deliver("issues", octo.github.payload(action="opened", issue=octo.github.issue(7, "Meanwhile")))
    meanwhile = receive()
    assert meanwhile is not None
    assert run_worker(*meanwhile) == []
    assert len(rows_of("ISS")) == 1
    with time_machine.travel(clock.now().timestamp() + 3_100):
        octo.github.remaining = 4_900
        again = receive()
        assert again is not None
        assert run_worker(*again) == []
    assert recorded() == set(shas)


def test_a_history_ends_however_long_it_is_at_github(
    octo: Octo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(history, "MOST", 100)
    start = octo.github.commit("Start")
    shas = [octo.github.commit(f"Number {number}") for number in range(150)]
    octo.github.branches = {"main": shas[-1]}
    octo.happens("push", octo.github.push(start))
    reconcile(octo)
    assert recorded() == {start, *shas[:100]}
    assert "a history is cut" in caplog.text
    asked = len(octo.github.asked)
    reconcile(octo, after=900)
    assert len(octo.github.asked) - asked == 2  # it is not begun again


def test_a_secondary_limit_is_kept_too(octo: Octo):
    octo.github.refusal = (403, {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."})
    octo.deliver("push", octo.github.push(octo.github.commit("One")))
    first = receive()
    assert first is not None
    assert len(run_worker(*first)) == 1
    octo.github.refusal = None
    with time_machine.travel(clock.now().timestamp() + 55):
        assert receive() is None
    with time_machine.travel(clock.now().timestamp() + 62):
        again = receive()
        assert again is not None
        assert run_worker(*again) == []
    assert (len(recorded()), octo.repository.webhook_status) == (1, "active")


# -- branches


def test_a_forced_push_and_a_branch_that_was_deleted(octo: Octo):
    one, two, other = (octo.github.commit(f"Number {number}") for number in range(3))
    octo.github.branches = {"main": one, "topic": two}
    octo.happens("push", octo.github.push(one, two, branch="topic"))
    octo.happens("push", octo.github.push(other, branch="topic") | {"before": two, "forced": True})
    listed = octo.ask("GET", f"/github/repositories/{octo.repository.id}/branches").json
    assert [(one["name"], one["head_sha"], one["state"], one["forced_at"] is not None) for one in listed] == [
        ("topic", other, "active", True),
    ]  # fmt: skip
    octo.happens("push", octo.github.push(branch="topic") | {"deleted": True})
    assert heads(octo)["topic"][1] == "deleted"
    assert recorded() == {one, two, other}  # what was made stays
    octo.happens("push", octo.github.push(two, branch="topic"))
    assert heads(octo)["topic"] == (two, "active")


def test_a_history_whose_beginning_was_removed(octo: Octo):
    one = octo.github.commit("One")
    octo.github.branches = {"main": one}
    octo.happens("push", octo.github.push(one))
    del octo.github.commits[one]
    new = [octo.github.commit(f"New {number}") for number in range(3)]
    octo.github.branches = {"main": new[-1]}
    reconcile(octo)
    assert recorded() == {one, *new}
    octo.github.branches = {"main": "ab" * 20}  # and one whose end is gone before it is read
    reconcile(octo, after=900)
    assert recorded() == {one, *new}


# -- the repository itself


def state(octo: Octo) -> dict[str, Any]:
    [shown] = octo.ask("GET", "/github/repositories").json
    return shown


def rename(octo: Octo, owner: str = "new-org", name: str = "motor") -> dict[str, Any]:
    octo.github.repositories = {f"{owner}/{name}": octo.github.repositories[FULL]}
    octo.github.renamed = {FULL: f"{owner}/{name}"}
    return octo.github.repository(f"{owner}/{name}")


def test_a_repository_that_was_renamed_is_followed(octo: Octo):
    card = linked(octo)
    seen = rename(octo)
    payload = octo.github.payload_of(seen, action="renamed", changes={"repository": {"name": {"from": "engine"}}})
    octo.happens("repository", payload)
    shown = state(octo)
    assert (shown["owner"], shown["name"], shown["webhook_status"]) == ("new-org", "motor", "active")
    project = octo.client("projects", "GET", f"/projects/{octo.world.project.id}").json
    assert project["github_connection"] == {"owner": "new-org", "repo": "motor", "webhook_status": "active"}
    issue = octo.github.issues[7] | {"title": "It still crashes", "updated_at": "2099-01-01T00:00:00Z"}
    octo.happens("issues", octo.github.payload_of(seen, action="edited", issue=issue))
    assert octo.client("cards", "GET", f"/tickets/{card.id}").json["title"] == "It still crashes"  # no second card
    assert len(rows_of("ISS")) == 1


def test_a_new_name_that_nobody_has_told_is_found_by_the_number(octo: Octo):
    sha = octo.github.commit("One")
    pushed = octo.github.push(sha)
    seen = rename(octo)
    octo.happens("push", pushed | {"repository": seen})
    assert (recorded(), state(octo)["name"], state(octo)["webhook_status"]) == ({sha}, "motor", "active")


def test_a_repository_that_went_where_the_token_sees_it_not(octo: Octo):
    octo.github.repositories = {}
    reconcile(octo)
    assert (state(octo)["webhook_status"], "may not see it" in state(octo)["status_reason"]) == ("disconnected", True)


def test_a_repository_that_was_deleted_made_private_or_archived(octo: Octo):
    seen = octo.github.repository(FULL)
    octo.happens("repository", octo.github.payload_of(seen | {"private": False}, action="publicized"))
    assert (state(octo)["visibility"], state(octo)["archived"]) == ("public", False)
    octo.happens("repository", octo.github.payload_of(seen | {"archived": True}, action="archived"))
    assert (state(octo)["visibility"], state(octo)["archived"]) == ("private", True)
    octo.happens("repository", octo.github.payload_of(seen, action="deleted"))
    assert (state(octo)["webhook_status"], state(octo)["status_reason"]) == (
        "disconnected",
        "The repository was deleted at GitHub",
    )


def test_a_repository_that_nobody_can_be_asked_for_is_asked_for_once_an_hour(octo: Octo):
    octo.github.tokens = {}
    reconcile(octo)
    assert state(octo)["webhook_status"] == "disconnected"
    asked = len(octo.github.asked)
    for quarter in range(1, 9):
        reconcile(octo, after=900 * quarter)
    assert len(octo.github.asked) - asked == 2


def test_who_connects_anew_is_not_disconnected_by_the_token_before(octo: Octo):
    """The worker learns that the old token is refused, while somebody connects by a new one."""
    octo.deliver("push", octo.github.push(octo.github.commit("One")))
    octo.github.tokens = {"ghp_the_next_token_of_them": "ida"}
    [body] = taken()
    with concurrently(lambda: octo.connect(access_token="ghp_the_next_token_of_them") and None):
        assert run_worker(body) == []
    assert state(octo)["webhook_status"] == "active"


def test_who_sees_branches(octo: Octo):
    from tests.areas.boards_world import create_world

    eve = create_world("eve@example.com", "Eve")
    path = f"/github/repositories/{octo.repository.id}/branches"
    assert octo.ask("GET", path, client=eve.ada).status == 404
    assert octo.ask("GET", f"{path}?limit=0").status == 422
    assert octo.ask("GET", path).json == []


def test_what_was_fetched_is_counted_like_what_was_pushed(octo: Octo):
    start = octo.github.commit("Start")
    octo.github.branches = {"main": start}
    octo.happens("push", octo.github.push(start))
    missed = [octo.github.commit(f"Missed {number}") for number in range(3)]
    octo.github.branches = {"main": missed[-1]}
    reconcile(octo)
    assert project(*(stream_record(row, sequence=number) for number, row in enumerate(rows_of("CMT"), 1))) == []
    answer = octo.client("insights", "GET", f"/statistics/commits?project_id={octo.world.project.id}")
    assert (answer.status, answer.json["total_commits"]) == (200, 4), answer.text
