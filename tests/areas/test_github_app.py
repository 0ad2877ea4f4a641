"""omoios: repositories that are connected by the app of the deployment: who may, what comes by its one webhook, and what its installations
become."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from shared.core import clock
from shared.core.actor import Role
from shared.people.access import records, tokens
from shared.people.identity.api_keys import create_key
from shared.people.tenancy.organizations import set_status
from shared.source.repositories import app, connecting
from shared.source.repositories.reconciling import ask_for_reconciling
from shared.source.repositories.rows import repository_id_of
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Answer, Client, call, deadline
from tests.areas.github_world import Octo, post, rows_of, run_worker, taken, waiting
from tests.github_server import APP_SECRET, CLIENT, FULL, NAME, OWNER, TOKEN, FakeGithub, app_keys, app_settings, moment

INSTALLATION, OTHER = 501, 777


@pytest.fixture
def hub(world: World, github: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Octo]:
    """A deployment with an app, which `octo-org` has installed. `ida` administers its repository; `bob` only sees it."""
    github.app_key = app_keys()[1]
    for name, value in app_settings().items():
        monkeypatch.setenv(name, value)
    github.installations[INSTALLATION] = {"account": OWNER, "repositories": [FULL], "users": {"ida", "bob"}}
    github.repositories["eves/toys"] = 666
    github.installations[OTHER] = {"account": "eves", "repositories": ["eves/toys"], "users": {"eve"}}
    github.admins = {FULL: {"ida"}, "eves/toys": {"eve"}}
    app.clear_cache()
    yield Octo(world, github)
    app.clear_cache()


def authorize(hub: Octo, login: str, client: Client | None = None) -> Answer:
    """Go to GitHub as somebody and come back."""
    begun = hub.ask("POST", "/github/app/authorizations", {}, client)
    assert begun.status == 201, begun.text
    url = begun.json["authorization_url"]
    code, state = hub.github.person(login, url), url.partition("state=")[2].partition("&")[0]
    return hub.ask("POST", "/github/app/authorizations/finish", {"code": code, "state": state}, client)


def connect(hub: Octo, client: Client | None = None, **more: Any) -> Answer:
    body = {"owner": OWNER, "name": NAME, "installation_id": INSTALLATION} | more
    return hub.ask("POST", "/github/repositories/connect", body, client)


def connected(hub: Octo) -> Octo:
    assert authorize(hub, "ida").json["login"] == "ida"
    answer = connect(hub)
    assert answer.status == 201, answer.text
    return hub


def deliver(hub: Octo, event: str, payload: dict[str, Any], installation: int = INSTALLATION, **how: Any) -> Answer:
    return post(*hub.github.signed_by_app(event, payload | {"installation": {"id": installation}}, **how))


def happens(hub: Octo, event: str, payload: dict[str, Any], installation: int = INSTALLATION) -> None:
    answer = deliver(hub, event, payload, installation)
    assert answer.status == 200, answer.text
    assert hub.work() == []


def status(hub: Octo, client: Client | None = None) -> tuple[str, str | None]:
    [shown] = hub.ask("GET", "/github/repositories", client=client).json
    return shown["webhook_status"], shown["status_reason"]


def test_a_repository_is_connected_by_the_app(hub: Octo):
    assert authorize(hub, "ida").status == 200
    assert hub.ask("GET", "/github/app/installations").json == [
        {"installation_id": INSTALLATION, "account": OWNER, "account_type": "Organization", "suspended": False},
    ]
    offered = hub.ask("GET", f"/github/app/installations/{INSTALLATION}/repositories").json
    assert offered == [{"owner": OWNER, "name": NAME, "visibility": "private", "can_connect": True}]
    answer = connect(hub)
    assert (answer.status, answer.json["webhook_url"].endswith("/omoios/api/v1/webhooks/github")) == (201, True), answer.text
    assert hub.github.hooks == {}  # the app has its own
    card = hub.world.card()
    sha = hub.github.commit(f"For {card.id}")
    happens(hub, "push", hub.github.push(sha))
    assert [one["commit_sha"] for one in hub.commits(card.id)] == [sha]
    body = {"ticket_id": card.id, "title": "A wish", "body": ""}
    made = hub.ask("POST", f"/github/repositories/{hub.repository.id}/create-issue", body)
    assert made.status == 201, made.text
    tokens = [path for _, path, _ in hub.github.sent if path.endswith("/access_tokens")]
    assert len(tokens) == 1  # for all of it
    assert {row["token"]["S"] for row in rows_of("REPO")} == {""}


# -- whose it is


def test_who_has_not_proved_who_they_are_connects_nothing(hub: Octo):
    assert connect(hub).status == 403
    assert hub.ask("GET", "/github/app/installations").status == 403
    assert authorize(hub, "ida").status == 200
    with time_machine.travel(clock.now().timestamp() + 3_601):
        assert connect(hub).status in (401, 403)


def test_a_tenant_takes_no_installation_of_another_one(hub: Octo):
    connected(hub)
    eve = create_world("eve@example.com", "Eve")
    project = {"project_id": eve.project.id}
    assert connect(hub, eve.ada, **project).status == 403  # ida's proof is ida's
    assert authorize(hub, "eve", eve.ada).status == 200
    assert hub.ask("GET", f"/github/app/installations/{INSTALLATION}/repositories", client=eve.ada).status == 404
    assert connect(hub, eve.ada, **project).status == 404  # the installation is none of hers
    assert connect(hub, eve.ada, installation_id=OTHER, **project).status == 403  # the repository is in another one
    assert connect(hub, eve.ada, installation_id=OTHER, owner="eves", name="toys", **project).status == 201
    sha = hub.github.commit("Ours")
    happens(hub, "push", hub.github.push(sha))
    assert {row["ws_id"]["S"] for row in rows_of("CMT")} == {hub.world.ws_id}
    happens(
        hub, "push", hub.github.push(hub.github.commit("Forged")), OTHER
    )  # a repository under an installation that has it not
    assert len(rows_of("CMT")) == 1


def test_who_only_sees_a_repository_does_not_connect_it(hub: Octo):
    """The app may write where they may only read."""
    assert authorize(hub, "bob").status == 200
    [offered] = hub.ask("GET", f"/github/app/installations/{INSTALLATION}/repositories").json
    assert offered["can_connect"] is False
    answer = connect(hub)
    assert (answer.status, "administers" in answer.text) == (403, True), answer.text
    assert rows_of("REPO") == []


def test_a_proof_that_somebody_else_began_or_used_before(hub: Octo):
    eve = create_world("eve@example.com", "Eve")
    begun = hub.ask("POST", "/github/app/authorizations", {}, eve.ada).json["authorization_url"]
    state = begun.partition("state=")[2].partition("&")[0]
    path = "/github/app/authorizations/finish"
    stolen = {"code": hub.github.person("ida", begun), "state": state}  # ida was led to an address that eve has begun
    assert hub.ask("POST", path, stolen).status == 400
    own = hub.ask("POST", "/github/app/authorizations", {}).json["authorization_url"]
    mine = own.partition("state=")[2].partition("&")[0]
    assert hub.ask("POST", path, {"code": stolen["code"], "state": mine}).status == 400  # a code for another challenge
    good = {"code": hub.github.person("ida", own), "state": mine}
    assert hub.ask("POST", path, good).status == 200
    assert hub.ask("POST", path, {"code": hub.github.person("ida", own), "state": mine}).status in (400, 401)  # used by then
    assert hub.ask("POST", path, {"code": "x", "state": "unknown"}).status in (400, 401)
    assert hub.ask("GET", "/github/app/installations", client=eve.ada).status == 403


def test_a_key_does_not_use_what_its_maker_has_proved(hub: Octo):
    assert authorize(hub, "ida").status == 200
    claims = tokens.read(str(hub.client.token), tokens.ACCESS)
    _, key = create_key(records.actor_of(claims, records.find_access(claims.user_id).serialize()), "CI")

    def ask(method: str, path: str, body: Any = None) -> int:
        return call("github", "omoios", method, path, body=body, headers={"X-API-Key": key}).status

    body = {"owner": OWNER, "name": NAME, "project_id": hub.world.project.id}
    assert ask("POST", "/github/app/authorizations", {}) == 403
    assert ask("POST", "/github/app/authorizations/finish", {"code": "x", "state": "y"}) == 403
    assert ask("GET", "/github/app/installations") == 403
    assert ask("GET", f"/github/app/installations/{INSTALLATION}/repositories") == 403
    assert ask("POST", "/github/repositories/connect", body | {"installation_id": INSTALLATION}) == 403
    assert rows_of("REPO") == []
    assert ask("POST", "/github/repositories/connect", body | {"access_token": TOKEN}) == 201  # it has that token itself


def test_roles_and_two_ways_at_once(hub: Octo):
    viewer = hub.world.join("Vera", "vera@example.com", Role.VIEWER)
    assert authorize(hub, "ida", viewer).status in (200, 403)
    assert connect(hub, viewer, project_id=hub.world.project.id).status == 403
    assert authorize(hub, "ida").status == 200
    assert connect(hub, access_token="ghp_0123456789abcdef").status == 422
    assert hub.ask("POST", "/github/repositories/connect", {"owner": OWNER, "name": NAME}).status == 422
    assert connect(hub, installation_id=0).status == connect(hub, installation_id="x").status == 422


def test_without_an_app_people_are_told(octo: Octo, monkeypatch: pytest.MonkeyPatch):
    for name in app_settings():
        monkeypatch.delenv(name, raising=False)  # another test's
    for method, path in (("POST", "/github/app/authorizations"), ("GET", "/github/app/installations")):
        answer = octo.ask(method, path, {} if method == "POST" else None)
        assert answer.status in (400, 403), answer.text
    answer = octo.ask("POST", "/github/app/authorizations", {})
    assert (answer.status, "GITHUB_APP_CLIENT_ID is missing" in answer.text) == (400, True), answer.text
    body = octo.github.payload(installation={"id": 1})
    assert post(*octo.github.signed_by_app("push", body, secret="")).status == 401
    assert post(*octo.github.signed_by_app("push", body)).status == 401


def test_a_key_that_is_none_stands_in_no_answer(hub: Octo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    assert authorize(hub, "ida").status == 200
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", "a key that is no key")
    with caplog.at_level(logging.DEBUG):
        answer = connect(hub)
    assert (answer.status, "no private key" in answer.text, "a key that is" in answer.text + caplog.text) == (400, True, False)


# -- its webhook


def test_what_the_app_has_not_signed(hub: Octo):
    connected(hub)
    payload = hub.github.push(hub.github.commit("One"))
    assert deliver(hub, "push", payload, secret="another").status == 401
    assert deliver(hub, "push", payload, secret="").status == 401
    body, headers = hub.github.signed_by_app("push", payload)
    for broken in ("", "sha1=x", "sha256=", headers["X-Hub-Signature-256"].upper()):
        assert post(body, headers | {"X-Hub-Signature-256": broken}).status == 401
    assert post(body, headers, f"repository={hub.repository.id}").status == 401  # it has no secret of its own
    del headers["X-GitHub-Hook-Installation-Target-Type"]
    assert post(body, headers).status == 401
    assert waiting() == []


@pytest.mark.parametrize(
    "value", [None, True, -1, 0, 10**30, "1", [], {"id": None}, {"id": "x"}, {"id": True}, {"id": 10**18}, {}]
)
def test_odd_installations_and_repositories(hub: Octo, value: Any):
    connected(hub)
    for event in ("push", "installation", "installation_repositories", "star"):
        for name in ("installation", "repository", "repositories_removed", "action"):
            payload = hub.github.push() | {"installation": {"id": INSTALLATION}} | {name: value}
            assert post(*hub.github.signed_by_app(event, payload)).status in (200, 400)
    assert hub.work() == []


def test_two_projects_with_one_repository_both_hear_of_it(hub: Octo):
    connected(hub)
    other = create_world("ida@example.com", "Ida")
    assert authorize(hub, "ida", other.ada).status == 200
    assert connect(hub, other.ada, project_id=other.project.id).status == 201
    sha = hub.github.commit("For both")
    happens(hub, "push", hub.github.push(sha))
    assert {row["ws_id"]["S"] for row in rows_of("CMT")} == {hub.world.ws_id, other.ws_id}
    body, headers = hub.github.signed_by_app("push", hub.github.push(sha) | {"installation": {"id": INSTALLATION}})
    for _ in range(2):
        assert post(body, headers).status == 200
    assert len(waiting()) == 2  # once for each


def test_a_repository_has_no_more_projects_by_the_app_than_may_be(hub: Octo, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connecting, "MOST_BY_APP", 1)
    connected(hub)
    other = create_world("ida@example.com", "Ida")
    assert authorize(hub, "ida", other.ada).status == 200
    answer = connect(hub, other.ada, project_id=other.project.id)
    assert ("as many as may be" in answer.text, len(rows_of("REPO"))) == (True, 1), answer.text


def test_without_its_key_nothing_is_lost_and_everybody_sees_why(hub: Octo, monkeypatch: pytest.MonkeyPatch):
    connected(hub)
    app.clear_cache()
    key = app_settings()["GITHUB_APP_PRIVATE_KEY"]
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", "no key")
    sha = hub.github.commit("Meanwhile")
    hub.github.branches = {"main": sha}
    happens(hub, "push", hub.github.push(sha))
    assert (status(hub)[0], "no private key" in str(status(hub)[1])) == ("disconnected", True)
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", key)
    for quarter in range(4):
        with time_machine.travel(clock.now().timestamp() + 900 * quarter):
            ask_for_reconciling(deadline())
            assert hub.work() == []
    assert ({row["sha"]["S"] for row in rows_of("CMT")}, status(hub)) == ({sha}, ("active", None))


# -- what becomes of an installation


def test_an_installation_that_is_suspended_and_given_back(hub: Octo):
    connected(hub)
    hub.github.installations[INSTALLATION]["suspended"] = True
    happens(hub, "installation", {"action": "suspend"})
    assert status(hub) == ("disconnected", app.SUSPENDED)
    happens(hub, "push", hub.github.push(hub.github.commit("Meanwhile")))
    assert rows_of("CMT") == []
    hub.github.installations[INSTALLATION]["suspended"] = False
    hub.github.branches = {"main": next(iter(hub.github.commits))}
    happens(hub, "installation", {"action": "unsuspend"})
    assert status(hub) == ("active", None)
    assert len(rows_of("CMT")) == 1  # it was fetched


def test_in_an_organization_that_is_suspended_nothing_is_connected_and_nothing_comes_in(hub: Octo):
    """The proof is the person's own and stays; what GitHub sent meanwhile comes when the organization is active again."""
    connected(hub)
    card, repository = hub.world.card(), f"/github/repositories/{hub.repository.id}"
    set_status(str(hub.world.project.org_id), "suspended")
    assert authorize(hub, "ida").status == 200
    issue = {"ticket_id": card.id, "title": "A wish", "body": ""}
    refused = [connect(hub), hub.ask("DELETE", repository), hub.ask("POST", f"{repository}/create-issue", issue)]
    assert [(one.status, "inactive or suspended" in one.text) for one in refused] == [(403, True)] * 3
    sha = hub.github.commit(f"For {card.id}")
    hub.github.branches = {"main": sha}
    happens(hub, "push", hub.github.push(sha))
    assert (rows_of("CMT"), status(hub), hub.github.issues) == ([], ("active", None), {})
    set_status(str(hub.world.project.org_id), "active")
    with time_machine.travel(clock.now().timestamp() + 301):
        ask_for_reconciling(deadline())
        assert hub.work() == []
    assert [row["sha"]["S"] for row in rows_of("CMT")] == [sha]


def test_a_repository_that_is_taken_out_of_the_installation_and_put_back(hub: Octo):
    connected(hub)
    hub.github.installations[INSTALLATION]["repositories"] = []
    removed = [{"id": 1296269, "full_name": FULL}, {"id": 5, "full_name": "octo-org/other"}]
    happens(hub, "installation_repositories", {"action": "removed", "repositories_removed": removed})
    assert status(hub) == ("disconnected", app.REMOVED)
    hub.github.installations[INSTALLATION]["repositories"] = [FULL]
    happens(hub, "installation_repositories", {"action": "added", "repositories_added": removed[:1]})
    assert status(hub) == ("active", None)


def test_an_app_that_is_removed_takes_nothing_of_others(hub: Octo):
    connected(hub)
    eve = create_world("eve@example.com", "Eve")
    assert authorize(hub, "eve", eve.ada).status == 200
    own = {"installation_id": OTHER, "owner": "eves", "name": "toys", "project_id": eve.project.id}
    assert connect(hub, eve.ada, **own).status == 201
    del hub.github.installations[INSTALLATION]
    happens(hub, "installation", {"action": "deleted"})
    assert status(hub) == ("disconnected", app.REMOVED)
    assert status(hub, eve.ada) == ("active", None)
    sha = hub.github.commit("Late")
    happens(hub, "push", hub.github.push(sha))
    assert rows_of("CMT") == []


def test_a_removal_that_nobody_has_told_is_noticed(hub: Octo):
    connected(hub)
    app.clear_cache()
    del hub.github.installations[INSTALLATION]
    assert ask_for_reconciling(deadline()) == 1
    assert hub.work() == []
    assert status(hub) == ("disconnected", app.REMOVED)


def test_a_token_that_github_withdraws_is_replaced(hub: Octo):
    connected(hub)
    happens(hub, "push", hub.github.push(hub.github.commit("One")))
    hub.github.tokens = {}
    deliver(hub, "push", hub.github.push(hub.github.commit("Two")))
    [body] = taken()
    assert len(run_worker(body)) == 1
    assert run_worker(body) == []
    assert (len(rows_of("CMT")), status(hub)[0]) == (2, "active")


def test_a_token_is_renewed_before_it_expires(hub: Octo):
    connected(hub)
    for seconds, made in ((0, 1), (3_000, 1), (3_350, 2)):
        with time_machine.travel(clock.now().timestamp() + seconds):
            app.token_of(INSTALLATION, 1296269)
        assert len([1 for _, path, _ in hub.github.sent if path.endswith("/access_tokens")]) == made


def test_deliveries_of_the_app_that_did_not_come_are_fetched(hub: Octo):
    connected(hub)
    shas = [hub.github.commit(f"Missed {number}") for number in range(2)]
    for number, sha in enumerate(shas, 1):
        payload = hub.github.push(sha) | {"installation": {"id": INSTALLATION}}
        hub.github.app_deliveries.insert(0, {
            "id": number, "guid": f"72d3162e-cc78-11e3-81ab-4c9367dc095{number}", "delivered_at": moment(), "status_code": 502,
            "event": "push", "action": None, "installation_id": INSTALLATION, "request": {"headers": {}, "payload": payload},
        })  # fmt: skip
    ask_for_reconciling(deadline())
    assert hub.work() == []
    assert {row["sha"]["S"] for row in rows_of("CMT")} == set(shas)
    asked = len(hub.github.asked)
    with time_machine.travel(clock.now().timestamp() + 900):
        ask_for_reconciling(deadline())
        assert hub.work() == []
    assert [path for _, path in hub.github.asked[asked:] if path.startswith("/app/hook")] == ["/app/hook/deliveries"]


# -- from a token to the app and back


def test_the_way_of_a_connection_is_changed(hub: Octo):
    assert hub.connect().status == 201
    assert list(hub.github.hooks) == [100]
    connected(hub)
    assert hub.github.hooks == {}
    assert (hub.repository.token, hub.repository.secret) == ("", "")
    assert hub.connect().status == 201
    assert len(hub.github.hooks) == 1
    happens(hub, "push", hub.github.push(hub.github.commit("By the app")))
    assert rows_of("CMT") == []  # it is connected by a token again
    hub.happens("push", hub.github.push(hub.github.commit("By the token")))
    assert len(rows_of("CMT")) == 1


def test_disconnecting_what_is_connected_by_the_app(hub: Octo):
    connected(hub)
    assert hub.ask("DELETE", f"/github/repositories/{repository_id_of(hub.world.project.id)}").status == 200
    happens(hub, "push", hub.github.push(hub.github.commit("Late")))
    assert rows_of("CMT") == []


def test_no_token_and_no_key_stands_in_a_row_an_answer_or_a_log(hub: Octo, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        connected(hub)
        happens(hub, "push", hub.github.push(hub.github.commit("One")))
    from shared.store.client import dynamodb

    stored = json.dumps([dynamodb().scan(TableName=name)["Items"] for name in ("core", "ephemeral")])
    secret = [one for one in hub.github.tokens if one.startswith(("ghu_", "ghs_"))] + [app_keys()[0], CLIENT[1], APP_SECRET]
    assert [one for one in secret if one in stored + caplog.text] == []
