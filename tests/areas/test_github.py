"""omoios, section 4: connecting repositories, their webhook, issues; on a GitHub of ours on loopback."""

import json

import pytest

from shared.core.actor import Role
from tests.areas.boards_world import World
from tests.areas.github_world import Octo, post, waiting
from tests.github_server import FULL, NAME, OWNER, TOKEN, FakeGithub, limited, signature


def test_connecting(world: World, github: FakeGithub):
    octo = Octo(world, github)
    answer = octo.connect()
    assert answer.status == 201, answer.text
    assert answer.json == {"repository_id": octo.repository.id, "webhook_url": f"https://api.github.com/repos/{FULL}/hooks/100"}
    hook = github.hooks[100]
    assert hook["events"] == ["push", "pull_request", "issues", "issue_comment", "commit_comment", "repository"]
    assert hook["config"]["url"].endswith(f"/omoios/api/v1/webhooks/github?repository={octo.repository.id}")
    listed = octo.ask("GET", "/github/repositories")
    assert listed.header("X-Total-Count") == "1"
    one = listed.json[0]
    assert (one["id"], one["owner"], one["name"], one["webhook_status"]) == (octo.repository.id, OWNER, NAME, "active")
    shown = octo.client("projects", "GET", f"/projects/{world.project.id}").json
    assert shown["github_connection"] == {"owner": OWNER, "repo": NAME, "webhook_status": "active"}
    kept = json.dumps(octo.repository.serialize())
    assert TOKEN not in kept + answer.text + listed.text
    assert hook["config"]["secret"] not in kept


def test_connecting_again_keeps_the_webhook_and_takes_the_new_token(octo: Octo):
    octo.github.tokens = {"ghp_another_token_of_mine": "ida"}
    before = octo.repository
    assert octo.connect(access_token="ghp_another_token_of_mine").status == 201
    assert list(octo.github.hooks) == [100]
    assert octo.repository.token != before.token
    assert octo.deliver("ping", octo.github.payload(zen="Keep it simple")).status == 200
    octo.github.hooks.clear()  # somebody has removed it there
    assert octo.connect(access_token="ghp_another_token_of_mine").status == 201
    assert octo.deliver("ping", octo.github.payload(zen="Keep it simple")).status == 200


def test_a_webhook_whose_number_was_lost_is_found_again(world: World, github: FakeGithub):
    octo = Octo(world, github)
    assert octo.connect().status == 201
    from shared.store import delete, write

    write(delete(octo.repository))
    assert octo.connect().status == 201
    assert list(github.hooks) == [100]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"access_token": "ghp_not_a_token_of_anybody"}, 400, "does not accept this access token"),
        ({"name": "unknown"}, 404, "Repository not found"),
        ({"owner": ".."}, 422, "no name"),
        ({"owner": "a/b"}, 422, "letters"),
        ({"access_token": "with blanks"}, 422, "access token"),
        ({"project_id": "0190a0a0-0000-7000-8000-000000000000"}, 404, "Project not found"),
    ],
)
def test_what_cannot_be_connected(world: World, github: FakeGithub, body: dict, status: int, words: str):
    answer = Octo(world, github).connect(**body)
    assert answer.status == status, answer.text
    assert words in answer.text
    assert github.hooks == {}


def test_a_token_that_may_make_no_webhooks(world: World, github: FakeGithub):
    github.administers = False
    answer = Octo(world, github).connect()
    assert (answer.status, "admin:repo_hook" in answer.text) == (400, True), answer.text
    assert Octo(world, github).ask("GET", "/github/repositories").json == []


def test_github_that_allows_no_more_requests_says_when_to_come_again(world: World, github: FakeGithub):
    github.refusal = limited(90)
    answer = Octo(world, github).connect()
    assert answer.status == 503, answer.text
    assert 85 <= int(answer.header("Retry-After")) <= 90


def test_a_project_with_another_repository_is_named_to_get_a_new_one(octo: Octo):
    octo.github.repositories["octo-org/other"] = 77
    answer = octo.connect(name="other")
    assert (answer.status, FULL in answer.text) == (409, True), answer.text
    assert octo.connect(name="other", project_id=octo.world.project.id).status == 201
    assert (octo.repository.name, list(octo.github.hooks)) == ("other", [101])  # the old webhook was removed


def test_disconnecting_removes_the_webhook_and_forgets_the_token(octo: Octo):
    body, headers, query = octo.github.signed("push", octo.github.push(octo.github.commit("One")))
    path = f"/github/repositories/{octo.repository.id}"
    viewer = octo.world.join("Vera", "vera@example.com", Role.VIEWER)
    assert octo.ask("DELETE", path, client=viewer).status == 403
    assert octo.ask("DELETE", path).json == {"status": "disconnected"}
    assert (octo.github.hooks, octo.repository.token, octo.repository.secret) == ({}, "", "")
    assert octo.ask("GET", "/github/repositories").json == []
    assert octo.ask("DELETE", path).status == octo.ask("GET", f"{path}/issues").status == 404
    assert post(body, headers, query).status == 401
    shown = octo.client("projects", "GET", f"/projects/{octo.world.project.id}").json
    assert shown["github_connection"]["webhook_status"] == "not_connected"
    assert octo.connect().status == 201
    assert octo.deliver("push", octo.github.push()).status == 200


def test_who_may_connect(octo: Octo):
    viewer = octo.world.join("Vera", "vera@example.com", Role.VIEWER)
    assert octo.connect(viewer, project_id=octo.world.project.id).status == 403
    octo.world.archive()
    assert octo.connect().status == 409


# -- the webhook


def test_a_signed_delivery_is_put_in_line_once(octo: Octo):
    sha = octo.github.commit("One")
    body, headers, query = octo.github.signed("push", octo.github.push(sha))
    assert [post(body, headers, query).json for _ in range(3)] == [{"status": "processed"}] * 3
    [message] = waiting()
    assert (message["event"], message["payload"]) == ("push", json.loads(body))


def test_the_secret_is_that_of_the_repository_that_the_payload_names(octo: Octo):
    """A webhook that somebody set up by hand has an address without the number of the connection."""
    body, headers, _ = octo.github.signed("push", octo.github.push(octo.github.commit("One")))
    assert post(body, headers).status == 200
    assert len(waiting()) == 1


def _broken(case: str, body: bytes, headers: dict[str, str], secret: str) -> tuple[bytes, dict[str, str]]:
    signed, name = dict(headers), "X-Hub-Signature-256"
    right = headers[name]
    if case == "missing":
        del signed[name]
    elif case == "empty":
        signed[name] = ""
    elif case == "another algorithm":
        signed[name] = right.replace("sha256=", "sha1=")
    elif case == "no algorithm":
        signed[name] = right.removeprefix("sha256=")
    elif case == "upper case":
        signed[name] = "sha256=" + right.removeprefix("sha256=").upper()
    elif case == "half":
        signed[name] = right[:40]
    elif case == "not ASCII":
        signed[name] = "sha256=" + "é" * 64
    elif case == "one byte":
        body = body.replace(b"main", b"mair", 1)
    elif case == "another secret":
        signed[name] = signature(secret + "x", body)
    return body, signed


@pytest.mark.parametrize("by_number", [True, False])
@pytest.mark.parametrize(
    "case",
    ["missing", "empty", "another algorithm", "no algorithm", "upper case", "half", "not ASCII", "one byte", "another secret"],
)
def test_what_is_not_signed_is_refused(octo: Octo, case: str, by_number: bool):
    secret = octo.github.hooks[100]["config"]["secret"]
    body, headers, query = octo.github.signed("push", octo.github.push(octo.github.commit("One")))
    answer = post(*_broken(case, body, headers, secret), query if by_number else "")
    assert answer.status == 401, answer.text
    assert waiting() == []
    unknown = post(body, headers, "repository=0190a0a0-0000-7000-8000-000000000000")
    assert (unknown.status, unknown.json["detail"]) == (401, answer.json["detail"])


def test_bytes_that_are_no_text(octo: Octo):
    """Signed or not: nothing breaks, and nothing is put in line."""
    raw = b'{"repository": "\xff\xfe"}'
    secret = octo.github.hooks[100]["config"]["secret"]
    _, headers, query = octo.github.signed("push", raw)
    assert post(raw, headers, query).status == 400
    assert post(raw, headers).status == 401  # nobody knows which secret
    assert post(raw, headers | {"X-Hub-Signature-256": signature(secret, b"other")}, query).status == 401
    assert post(b"[1]", headers | {"X-Hub-Signature-256": signature(secret, b"[1]")}, query).status == 400
    assert waiting() == []


def test_a_secret_is_of_one_repository_only(octo: Octo):
    """Whoever knows the secret of theirs cannot speak for another one."""
    payload = octo.github.push(octo.github.commit("One"))
    payload["repository"]["id"] = 4711
    assert octo.deliver("push", payload).status == 401


def test_what_nobody_asked_for_and_what_has_no_number(octo: Octo):
    assert octo.deliver("star", octo.github.payload(action="created")).status == 200
    assert octo.deliver("ping", octo.github.payload(zen="Design for failure")).status == 200
    body, headers, query = octo.github.signed("push", octo.github.push())
    del headers["X-GitHub-Delivery"]
    assert post(body, headers, query).status == 400
    assert waiting() == []


def test_a_large_delivery_lies_in_the_bucket(octo: Octo):
    sha = octo.github.commit("One " + "x" * 300_000)
    assert octo.deliver("push", octo.github.push(sha)).status == 200
    [message] = waiting()
    assert ("payload" in message, message["file"].startswith(f"github/{octo.world.ws_id}/deliveries/")) == (False, True)
    from shared.store import head_file

    assert octo.work() == []
    assert head_file(message["file"]) is None
    assert octo.ask("GET", f"/commits/{sha}").status == 200
