"""A repository at GitHub on the deployed stack: the webhook, the FIFO queue, the worker, and GitHub on loopback."""

import urllib.request

from local.stack import LocalStack
from tests.github_server import NAME, OWNER, TOKEN, FakeGithub
from tests.stack.test_runs import ask, founded
from tests.waiting import eventually


def deliver(github: FakeGithub, hook: int, event: str, payload: object) -> int:
    """Send a webhook as GitHub does: to the address that it was given."""
    body, headers, _ = github.signed(event, payload, hook=hook)
    address = github.hooks[hook]["config"]["url"]
    request = urllib.request.Request(address, data=body, method="POST", headers=headers | {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)


def test_a_pushed_commit_is_linked_to_the_ticket_that_it_names(stack: LocalStack, github: FakeGithub) -> None:
    shop = founded(stack)
    base = stack.url("omoios")
    body = {"owner": OWNER, "name": NAME, "access_token": TOKEN, "project_id": shop.project}
    status, connected = ask(base, shop.token, "POST", "/github/repositories/connect", body)
    assert status == 201, connected
    hook = int(connected["webhook_url"].rpartition("/")[2])
    card = shop.card(0, "feature")
    shas = [github.commit(f"Step {number}\n\nTicket: {card}") for number in range(3)]
    assert [deliver(github, hook, "push", github.push(sha)) for sha in shas] == [200] * 3
    path = f"/tickets/{card}/commits"
    linked = eventually(lambda: ask(base, shop.token, "GET", path)[1], lambda found: len(found) == len(shas))
    assert [one["commit_sha"] for one in linked] == shas[::-1]  # linked last first: they were worked off in their order
    assert deliver(github, hook, "issues", github.payload(action="opened", issue=github.issue(7, "From GitHub"))) == 200
    titles = eventually(
        lambda: [one["title"] for one in ask(base, shop.token, "GET", f"/tickets?project_id={shop.project}")[1]["tickets"]],
        lambda found: "From GitHub" in found,
    )
    assert titles.count("From GitHub") == 1
