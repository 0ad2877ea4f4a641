"""Issues and pull requests of a connected repository, comments on its commits, and deliveries that did not come."""

import json
from typing import Any

import time_machine

from shared.core import clock
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.source.repositories.reconciling import ask_for_reconciling
from shared.source.repositories.rows import Delivery, Intent, IssueLink
from shared.store import fetch, get, put, write
from shared.work.items.rows import Item
from shared.work.tasks.creating import create_task
from shared.work.tasks.rows import Task
from tests.areas.driving import deadline
from tests.areas.github_world import Octo, frames, rows_of, taken, waiting
from tests.areas.viewers import project, stream_record
from tests.github_server import FULL, limited


def opened(octo: Octo, number: int = 7, title: str = "It crashes", body: str = "When I click", **more: Any) -> Item:
    """The card of an issue that somebody opens."""
    issue = octo.github.issue(number, title, body, **more)
    octo.happens("issues", octo.github.payload(action="opened", issue=issue))
    [row] = [row for row in rows_of("ISS") if row["number"]["N"] == str(number)]
    card = fetch(Item, row["item_id"]["S"])
    assert card is not None
    return card


def changed(octo: Octo, number: int, action: str, **fields: Any) -> None:
    """Somebody changes an issue at GitHub."""
    with time_machine.travel(clock.now().timestamp() + 5, tick=False):
        octo.github.issues[number] |= fields | {"updated_at": clock.iso()[:19] + "Z"}
        octo.happens("issues", octo.github.payload(action=action, issue=octo.github.issues[number]))


def told(octo: Octo, card_id: str, before: Item) -> None:
    """Let the stream tell of the last change of a card, and work off what follows."""
    after = fetch(Item, card_id)
    assert after is not None
    new = [row for row in rows_of("ITEM") if row["PK"]["S"] == f"ITEM#{card_id}"]
    assert project(stream_record(new[0], before.serialize())) == []
    assert octo.work() == []


def edit(octo: Octo, card_id: str, **fields: Any) -> None:
    """A person changes the card, and the stream tells of it."""
    before = fetch(Item, card_id)
    assert before is not None
    answer = octo.world.ada("cards", "PUT", f"/cards/{card_id}", body=fields)
    assert answer.status == 200, answer.text
    told(octo, card_id, before)


def test_an_issue_becomes_a_ticket_once(octo: Octo):
    card = opened(octo, labels=("bug", "ui"))
    assert (card.title, card.description, card.type, card.labels) == ("It crashes", "When I click", "bug", ["bug", "ui"])
    assert (card.phase_id, card.issue, card.reporter["name"]) == ("PHASE_BACKLOG", f"{FULL}#7", "ida (GitHub)")
    octo.happens("issues", octo.github.payload(action="opened", issue=octo.github.issues[7]))
    assert len(rows_of("ISS")) == 1
    assert octo.world.counts().cards == 1
    [shown] = frames(rows_of("ISS")[0])
    assert (shown["event_type"], shown["payload"]) == (
        "GITHUB_ISSUE_CREATED", {"issue_number": 7, "repo": FULL, "title": "It crashes"},
    )  # fmt: skip
    shown = octo.world.ada("cards", "GET", f"/cards/{card.id}").json
    assert shown["externalLinks"][0]["url"] == f"https://github.com/{FULL}/issues/7"


def test_an_issue_from_before_the_connection_stays_without_a_ticket(octo: Octo):
    issue = octo.github.issue(3, "Old", created_at="2020-01-01T00:00:00Z")
    octo.happens("issues", octo.github.payload(action="edited", issue=issue))
    assert rows_of("ISS") == []


def test_the_ticket_follows_the_issue(octo: Octo):
    card = opened(octo)
    changed(octo, 7, "edited", title="It crashes often", body="Each time")
    changed(octo, 7, "closed", state="closed")
    now = fetch(Item, card.id)
    assert (now.title, now.description, now.status) == ("It crashes often", "Each time", "done")
    octo.github.issues[7] |= {"updated_at": "2020-01-01T00:00:00Z", "title": "Long ago"}
    octo.happens("issues", octo.github.payload(action="edited", issue=octo.github.issues[7]))
    assert fetch(Item, card.id).title == "It crashes often"
    with time_machine.travel(clock.now().timestamp() + 60, tick=False):
        changed(octo, 7, "reopened", state="open", title="It crashes often")
    assert fetch(Item, card.id).status != "done"


def test_the_issue_follows_the_ticket_and_nothing_echoes(octo: Octo):
    card = opened(octo)
    edit(octo, card.id, title="It falls over", description="Always")
    assert octo.github.sent[-1][:2] == ("PATCH", f"/repos/{FULL}/issues/7")
    issue = octo.github.issues[7]
    assert (issue["title"], issue["body"].splitlines()[0]) == ("It falls over", "Always")
    patches = len(octo.github.sent)
    before = fetch(Item, card.id)
    octo.happens("issues", octo.github.payload(action="edited", issue=issue))  # what we have just said comes back
    assert fetch(Item, card.id).version == before.version
    edit(octo, card.id, status="done")
    assert (octo.github.issues[7]["state"], octo.github.sent[-1][2]) == ("closed", {"state": "closed"})
    assert len(octo.github.sent) == patches + 1
    octo.happens("issues", octo.github.payload(action="closed", issue=octo.github.issues[7]))
    assert len(octo.github.sent) == patches + 1


def test_what_happened_at_github_is_not_told_to_github(octo: Octo):
    card = opened(octo)
    before, sent = fetch(Item, card.id), len(octo.github.sent)
    changed(octo, 7, "edited", title="Another title")
    told(octo, card.id, before)
    assert (fetch(Item, card.id).title, len(octo.github.sent)) == ("Another title", sent)


def test_a_message_that_comes_twice_tells_github_once(octo: Octo):
    card = opened(octo)
    edit(octo, card.id, title="Once")
    sent = len(octo.github.sent)
    from shared.source.repositories.messages import send

    send({"repository": octo.repository.id, "card": card.id})
    assert octo.work() == []
    assert len(octo.github.sent) == sent


def test_a_ticket_that_may_not_be_done_stays(octo: Octo):
    card, other = opened(octo), octo.world.card(title="First")
    body = {"dependencyCardId": other.id, "type": "blocks"}
    assert octo.world.ada("cards", "POST", f"/cards/{card.id}/dependencies", body=body).status == 201
    changed(octo, 7, "closed", state="closed", title="Closed anyway")
    now = fetch(Item, card.id)
    assert (now.status != "done", now.title) == (True, "Closed anyway")


def test_a_board_whose_cards_need_what_no_issue_has(octo: Octo):
    """The message is worked off: nobody could repair it in the dead letters."""
    octo.world.define_fields({"key": "customer", "label": "Customer", "type": "text", "required": True})
    octo.happens("issues", octo.github.payload(action="opened", issue=octo.github.issue(7, "It crashes")))
    assert (rows_of("ISS"), octo.world.counts().cards) == ([], 0)


def test_an_archived_ticket_stays_as_it_is(octo: Octo):
    card = opened(octo)
    from tests.samples.counted import archived

    archived(card.id)
    changed(octo, 7, "closed", state="closed", title="Closed later")
    assert fetch(Item, card.id).title == "It crashes"


def test_a_deleted_ticket_leaves_the_issue_alone(octo: Octo):
    card = opened(octo)
    assert octo.world.ada("cards", "DELETE", f"/cards/{card.id}").status < 300
    changed(octo, 7, "edited", title="Still there")
    assert octo.world.counts().cards == 0


# -- making an issue


def create(octo: Octo, ticket: str, client=None, **more: Any):
    body = {"ticket_id": ticket, "title": "Issue title", "body": "Issue description"} | more
    return octo.ask("POST", f"/github/repositories/{octo.repository.id}/create-issue", body, client)


def test_an_issue_is_made_of_a_ticket_once(octo: Octo):
    card = octo.world.card(title="A wish")
    answer = create(octo, card.id)
    assert answer.status == 201, answer.text
    assert answer.json == {"issue_number": 1, "url": f"https://github.com/{FULL}/issues/1"}
    assert f"/cards/{card.id}" in octo.github.issues[1]["body"]
    assert create(octo, card.id).json == answer.json
    assert len(octo.github.issues) == 1
    octo.happens("issues", octo.github.payload(action="opened", issue=octo.github.issues[1]))
    assert (octo.world.counts().cards, len(rows_of("ISS"))) == (1, 1)
    edit(octo, card.id, title="A greater wish")
    assert octo.github.issues[1]["title"] == "A greater wish"


def test_the_webhook_may_come_before_the_answer(octo: Octo):
    """GitHub tells of the issue while the request that makes it still waits: it is the issue of that ticket."""
    card = octo.world.card()
    pk, sk = Intent.key_of(card.id)
    write(put(Intent(pk=pk, sk=sk, at=clock.epoch(), by={}, ttl=clock.epoch() + 60)))
    from shared.source.repositories.issues import footer_of

    issue = octo.github.issue(9, "Made here", "Words" + footer_of(card.id))
    octo.happens("issues", octo.github.payload(action="opened", issue=issue))
    assert (octo.world.counts().cards, fetch(Item, card.id).issue) == (1, f"{FULL}#9")
    assert create(octo, card.id).json["issue_number"] == 9


def test_a_mark_that_somebody_else_writes_takes_no_ticket(octo: Octo):
    card = octo.world.card()
    from shared.source.repositories.issues import footer_of

    issue = octo.github.issue(9, "Not ours", "Words" + footer_of(card.id))
    octo.happens("issues", octo.github.payload(action="opened", issue=issue))
    assert (octo.world.counts().cards, fetch(Item, card.id).issue) == (2, None)


def test_an_issue_whose_answer_was_lost_is_found_again(octo: Octo):
    card = octo.world.card()
    octo.github.loses_answer = True
    assert create(octo, card.id).status == 503
    octo.github.loses_answer = False
    assert create(octo, card.id).status == 409  # somebody may still be at it
    with time_machine.travel(clock.now().timestamp() + 120, tick=False):
        assert create(octo, card.id).json["issue_number"] == 1
    assert len(octo.github.issues) == 1


def test_what_github_refuses_can_be_tried_again_at_once(octo: Octo):
    card = octo.world.card()
    octo.github.refusal = limited(30)
    answer = create(octo, card.id)
    assert (answer.status, answer.header("Retry-After") in {"29", "30"}) == (503, True), answer.text
    octo.github.refusal = (410, {"message": "Issues are disabled for this repo"})
    assert create(octo, card.id).status == 404
    octo.github.refusal = None
    assert create(octo, card.id).status == 201


def test_who_may_make_issues_of_what(octo: Octo):
    card = octo.world.card()
    viewer = octo.world.join("Vera", "vera@example.com", Role.VIEWER)
    assert create(octo, card.id, viewer).status == 403
    assert create(octo, new_id()).status == 404
    assert create(octo, card.id, title="").status == 422
    octo.world.archive()
    assert create(octo, card.id).status == 409
    assert octo.github.issues == {}


def test_issues_are_listed_with_their_tickets(octo: Octo):
    card = opened(octo)
    octo.github.issue(8, "Another", state="closed")
    octo.github.issue(9, "A pull request", pull_request={"url": "https://api.github.com/x"})
    answer = octo.ask("GET", f"/github/repositories/{octo.repository.id}/issues")
    assert [(one["number"], one["state"], one["linked_ticket_id"]) for one in answer.json] == [
        (8, "closed", None), (7, "open", card.id),
    ]  # fmt: skip
    path = f"/github/repositories/{octo.repository.id}/issues"
    assert [one["number"] for one in octo.ask("GET", f"{path}?state=open").json] == [7]
    assert [one["number"] for one in octo.ask("GET", f"{path}?limit=1&page=3").json] == [7]
    assert octo.ask("GET", f"{path}?limit=101").status == 422
    octo.github.tokens = {}
    assert octo.ask("GET", path).status == 400


# -- pull requests


def test_a_merge_completes_the_task(octo: Octo):
    card = octo.world.card()
    task = create_task(octo.world.actor, card, new_id(), "Do it", None)
    octo.happens("pull_request", octo.github.pull(5, action="opened", branch=f"task-{task.id}"))
    [row] = rows_of("PULL")
    [shown] = frames(row)
    assert (shown["event_type"], shown["payload"]) == (
        "GITHUB_PR_OPENED", {"pr_number": 5, "repo": FULL, "linked_task_id": task.id},
    )  # fmt: skip
    merged = octo.github.pull(5, action="closed", merged=True, branch=f"task-{task.id}")
    octo.happens("pull_request", merged)
    [row] = rows_of("PULL")
    [shown] = frames(row)
    sha = merged["pull_request"]["merge_commit_sha"]
    assert (shown["event_type"], shown["payload"]) == (
        "GITHUB_PR_MERGED", {"pr_number": 5, "commit_sha": sha, "linked_task_id": task.id},
    )  # fmt: skip
    done = fetch(Task, task.id)
    assert (done.status, done.result["commit_sha"]) == ("completed", sha)
    version = done.version
    octo.happens("pull_request", merged)
    octo.happens("pull_request", octo.github.pull(5, action="opened", branch=f"task-{task.id}"))  # late
    assert (fetch(Task, task.id).version, rows_of("PULL")[0]["state"]["S"]) == (version, "merged")


def test_a_pull_request_that_is_closed_completes_nothing(octo: Octo):
    task = create_task(octo.world.actor, octo.world.card(), new_id(), "Do it", None)
    octo.happens("pull_request", octo.github.pull(5, action="closed", body=f"task-{task.id}"))
    assert (fetch(Task, task.id).status, rows_of("PULL")[0]["state"]["S"]) == ("pending", "closed")


# -- comments on commits


def test_a_comment_on_a_commit_becomes_one_on_its_ticket(octo: Octo):
    card = octo.world.card()
    sha = octo.github.commit(f"For {card.id}")
    octo.happens("push", octo.github.push(sha))
    said = {
        "id": 11,
        "commit_id": sha,
        "body": "Why so?",
        "path": "src/app.py",
        "html_url": f"https://github.com/{FULL}/commit/{sha}#c11",
    }
    for _ in range(2):
        octo.happens("commit_comment", octo.github.payload(action="created", comment=said))
    [comment] = octo.world.ada.at("omoios")("comments", "GET", f"/tickets/{card.id}/comments").json
    assert (comment["content"].splitlines()[0], comment["author_name"]) == ("Why so?", "ida (GitHub)")
    [shown] = frames(rows_of("REMARK")[0])
    assert (shown["event_type"], shown["payload"]) == (
        "COMMIT_COMMENTED", {"commit_sha": sha, "comment": "Why so?", "ticket_id": card.id},
    )  # fmt: skip


# -- deliveries that did not come


def reconcile(octo: Octo) -> None:
    assert ask_for_reconciling(deadline()) == 1
    assert octo.work() == []


def test_what_github_could_not_deliver_is_fetched(octo: Octo):
    shas = [octo.github.commit(f"Missed {number}") for number in range(3)]
    arrived = octo.github.push(shas[2])
    octo.happens("push", arrived, delivery=octo.github.lose("push", arrived, status=200))
    for sha in shas[:2]:
        octo.github.lose("push", octo.github.push(sha))
    reconcile(octo)
    assert {row["sha"]["S"] for row in rows_of("CMT")} == set(shas)
    assert octo.ask("GET", "/github/repositories").json[0]["webhook_status"] == "failing"
    with time_machine.travel(clock.now().timestamp() + 900):
        octo.github.lose("ping", octo.github.payload(), status=200)
        asked = len(octo.github.asked)
        reconcile(octo)
        paths = [path for _, path in octo.github.asked[asked:]]
        assert paths == [f"/repos/{FULL}/hooks/100/deliveries", f"/repos/{FULL}/branches"]  # nothing is fetched twice
    assert octo.ask("GET", "/github/repositories").json[0]["webhook_status"] == "active"
    with time_machine.travel(clock.now().timestamp() + 1_800):
        version = octo.repository.version
        reconcile(octo)  # nothing has changed: GitHub says so by the tag
        assert octo.repository.version == version


def test_a_webhook_that_somebody_removed_is_noticed(octo: Octo):
    octo.github.hooks.clear()
    reconcile(octo)
    [shown] = octo.ask("GET", "/github/repositories").json
    assert (shown["webhook_status"], "removed" in shown["status_reason"]) == ("disconnected", True)
    status = octo.client("projects", "GET", f"/projects/{octo.world.project.id}").json["github_connection"]["webhook_status"]
    assert status == "disconnected"


def test_a_delivery_that_was_never_worked_off_may_come_again(octo: Octo):
    """A message that went to the dead letters can be repeated by GitHub's button, when what was wrong is mended."""
    payload, guid = octo.github.push(octo.github.commit("One")), str(new_id())
    octo.deliver("push", payload, delivery=guid)
    octo.deliver("push", payload, delivery=guid)
    assert len(waiting()) == 1
    assert len(taken()) == 1  # and lost
    with time_machine.travel(clock.now().timestamp() + 600):
        octo.happens("push", payload, delivery=guid)
        assert len(rows_of("CMT")) == 1
        row = get(Delivery, *Delivery.key_of(octo.repository.id, guid))
        assert row is not None
        assert row.done
        octo.deliver("push", payload, delivery=guid)
        assert waiting() == []


def test_nothing_is_done_for_an_archived_project(octo: Octo):
    octo.world.archive()
    octo.happens("push", octo.github.push(octo.github.commit("Late")))
    issue = octo.github.issue(1, "Late")
    octo.happens("issues", octo.github.payload(action="opened", issue=issue))
    assert (rows_of("CMT"), rows_of("ISS"), octo.world.counts().cards) == ([], [], 0)


def test_the_links_of_an_issue_are_kept_small(octo: Octo):
    card = opened(octo, body="x" * 60_000)
    assert len(card.description) == 30_000
    link = get(IssueLink, *IssueLink.key_in(octo.repository.id, str(card.issue)))
    assert link is not None
    assert len(json.dumps(link.serialize())) < 3_000
