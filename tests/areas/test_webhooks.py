"""Webhooks through their API: who may, what is refused, secrets that are shown once."""

import base64
import json
from dataclasses import replace

import pytest

from shared.channels.webhooks import deliveries
from shared.channels.webhooks.rows import LIMIT, Delivery, WebhookCount
from shared.channels.webhooks.subscribing import NewWebhook, create_webhook
from shared.core import clock
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.store import get, put_many
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Client, call
from tests.areas.hooks_world import Hooks
from tests.areas.receiver import Receiver
from tests.kills import concurrently, crash_at_every_write
from tests.trips import count_requests

URL = "https://hooks.example.com/cadre"
ALL = {"url": URL, "events": ["*"]}


@pytest.fixture
def hooks(world: World, receiver: Receiver) -> Hooks:
    return Hooks(world, receiver)


def test_a_webhook_from_creation_to_deletion(hooks):
    body = {"url": URL, "events": ["feature.created"], "description": "Ours", "project_id": hooks.world.project.id}
    made = hooks.ask("POST", "/webhooks", body)
    assert made.status == 201
    shown = made.json["data"]
    secret = shown.pop("secret")
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert shown | body == shown
    assert (shown["active"], shown["disabled_reason"]) == (True, None)
    path = f"/webhooks/{shown['id']}"
    assert hooks.ask("GET", path).json["data"] == shown
    listed = hooks.ask("GET", "/webhooks").json
    assert (listed["data"], listed["pagination"]["total"]) == ([shown], 1)
    changed = hooks.ask("PATCH", path, {"active": False, "events": ["*"], "description": None}).json["data"]
    assert (changed["active"], changed["events"], changed["description"], changed["url"]) == (False, ["*"], "", URL)
    assert hooks.ask("DELETE", path).status == 204
    for method in ("GET", "DELETE"):
        assert hooks.ask(method, path).status == 404
    assert hooks.ask("GET", "/webhooks").json["data"] == []


def test_the_secret_is_nowhere_in_plain(hooks):
    from shared.store.client import dynamodb

    secret = hooks.subscribe()["secret"]
    mine = "a secret of my own: 24".replace(" ", "-") + "-and-more"
    hooks.subscribe(secret=mine)
    rows = json.dumps([dynamodb().scan(TableName=table)["Items"] for table in ("core", "telemetry", "ephemeral")], default=str)
    assert secret not in rows
    assert secret.removeprefix("whsec_") not in rows
    assert mine not in rows
    assert secret not in hooks.ask("GET", "/webhooks").text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"url": "http://hooks.example.com"}, "url"),
        ({"url": "https://name:word@hooks.example.com"}, "url"),
        ({"url": "ftp://hooks.example.com"}, "url"),
        ({"url": "https://[::1"}, "url"),
        ({"url": "https://hooks.example.com:99999/"}, "url"),
        ({"url": "https://höoks.example.com/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "url"),
        ({"url": "https://[fec0::1]/"}, "url"),
        ({"url": "https://hooks.example.com/\r\nX-Signature-256: mine"}, "url"),
        ({"url": "https://hooks.example.com/a b"}, "url"),
        ({"url": "https://hooks.exa\tmple.com/"}, "url"),
        ({"url": "https://hooks.example.com\\@10.0.0.1/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["card.created"]}, "events.0"),
        ({"events": ["*", "*"]}, "events"),
        ({"secret": "short"}, "secret"),
        ({"secret": "whsec_this is no Base64 at all"}, "secret"),
        ({"secret": "twenty four ä characters and more"}, "secret"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_refused_is_named(hooks, wrong, field):
    answer = hooks.ask("POST", "/webhooks", ALL | wrong)
    assert answer.status == 400, answer.text
    assert answer.json["error"]["code"] == "VALIDATION_ERROR"
    named = answer.json["error"]["details"][0]["field"]
    assert named.split(".")[0] == field.split(".")[0]
    assert get(WebhookCount, f"ORG#{hooks.world.project.org_id}", "WHKS") is None


def test_an_unknown_event_is_named_by_its_place_with_those_there_are(hooks):
    (named,) = hooks.ask("POST", "/webhooks", ALL | {"events": ["*", "feature.deleted"]}).json["error"]["details"]
    assert named["field"] == "events.1"
    assert "'feature.created'" in named["message"]
    assert "'*'" in named["message"]


def test_an_organization_has_so_many_webhooks_also_in_a_race(hooks):
    made = [hooks.ask("POST", "/webhooks", ALL) for _ in range(LIMIT - 1)]
    assert {one.status for one in made} == {201}
    owner = replace(hooks.world.actor, organizations={str(hooks.world.project.org_id): Role.OWNER})
    owner = replace(owner, org_id=hooks.world.project.org_id)
    with concurrently(lambda: create_webhook(owner, NewWebhook(URL, ["*"]))):
        refused = hooks.ask("POST", "/webhooks", ALL)
    assert (refused.status, refused.json["error"]["code"]) == (403, "AUTHORIZATION_DENIED")
    assert "20 webhooks" in refused.text
    assert len(hooks.ask("GET", "/webhooks?page_size=100").json["data"]) == LIMIT
    assert hooks.ask("DELETE", f"/webhooks/{made[0].json['data']['id']}").status == 204
    assert hooks.ask("POST", "/webhooks", ALL).status == 201


def test_who_dies_while_a_webhook_is_made_or_deleted_leaves_all_or_nothing(hooks):
    for process in crash_at_every_write():
        with process:
            hooks.ask("POST", "/webhooks", ALL)
        found = hooks.ask("GET", "/webhooks").json["data"]
        count = get(WebhookCount, f"ORG#{hooks.world.project.org_id}", "WHKS")
        assert (int(count.number) if count else 0) == len(found)
    for process in crash_at_every_write():
        with process:
            hooks.ask("DELETE", f"/webhooks/{found[0]['id']}")
        left = hooks.ask("GET", "/webhooks").json["data"]
        assert int(get(WebhookCount, f"ORG#{hooks.world.project.org_id}", "WHKS").number) == len(left)


def test_another_organization_sees_nothing(hooks):
    webhook = hooks.subscribe()
    delivery = hooks.ask("POST", f"/webhooks/{webhook['id']}/test").json["data"]["id"]
    stranger = create_world("stan@example.com", "Stan Stranger").ada.at("enterprise")
    path = f"/webhooks/{webhook['id']}"
    for method, place, body in (
        ("GET", path, None),
        ("PATCH", path, {"active": False}),
        ("DELETE", path, None),
        ("POST", f"{path}/test", None),
        ("POST", f"{path}/rotate-secret", None),
        ("GET", f"{path}/deliveries", None),
        ("GET", f"{path}/deliveries/{delivery}", None),
        ("POST", f"{path}/deliveries/{delivery}/redeliver", None),
    ):
        answer = stranger("webhooks", method, place, body=body)
        unknown = stranger("webhooks", method, place.replace(webhook["id"], delivery), body=body)
        assert (answer.status, answer.json["error"]) == (404, unknown.json["error"]), place
        ended = call("webhooks", "enterprise", method, place, body=body)
        assert ended.status == 401
    assert stranger("webhooks", "GET", "/webhooks").json["data"] == []
    assert hooks.row(webhook).active


def test_a_member_of_a_workspace_is_none_of_its_organization(hooks):
    bea = hooks.world.join("Bea", "bea@example.com", Role.ADMIN).at("enterprise")
    webhook = hooks.subscribe()
    assert bea("webhooks", "GET", f"/webhooks/{webhook['id']}").status == 404
    other = bea("webhooks", "POST", "/webhooks", body=ALL | {"project_id": hooks.world.project.id})
    assert other.status == 404  # the project is seen, but is another organization's


def test_a_project_of_nobody_known_is_not_found(hooks):
    answer = hooks.ask("POST", "/webhooks", ALL | {"project_id": hooks.world.board.id})
    assert (answer.status, answer.json["error"]["code"]) == (404, "RESOURCE_NOT_FOUND")


def test_a_paused_webhook_takes_no_test(hooks):
    webhook = hooks.subscribe(active=False)
    answer = hooks.ask("POST", f"/webhooks/{webhook['id']}/test")
    assert (answer.status, answer.json["error"]["details"][0]["field"]) == (400, "active")
    assert hooks.wakes() == []


def test_a_page_of_the_log_has_an_end(hooks):
    webhook = hooks.subscribe()
    answer = hooks.ask("GET", f"/webhooks/{webhook['id']}/deliveries?page=101&page_size=100")
    assert (answer.status, answer.json["error"]["details"][0]["field"]) == (400, "page")


def test_a_long_log_is_counted_to_its_end_and_no_further(hooks, monkeypatch):
    webhook = hooks.subscribe()
    keys = [Delivery.key_in(webhook["id"], new_id()) for _ in range(40)]
    rows = [
        Delivery(pk=pk, sk=sk, id=sk[4:], event="x" * 50_000, source="s", created_at=clock.iso(), ttl=clock.epoch() + 60)
        for pk, sk in keys
    ]
    put_many(rows)
    assert hooks.ask("GET", f"/webhooks/{webhook['id']}/deliveries?page_size=5").json["pagination"]["total"] == 40
    monkeypatch.setattr(deliveries, "DEEPEST", 10)
    with count_requests() as seen:
        answer = hooks.ask("GET", f"/webhooks/{webhook['id']}/deliveries?page_size=5")
    assert answer.json["pagination"]["total"] == 10
    assert (seen.names + seen.beside).count("Query") == 2  # the page, and the first megabyte of the count


def test_what_requests_cost(hooks):
    webhook = hooks.subscribe()
    path = f"/webhooks/{webhook['id']}"
    pending = hooks.ask("POST", f"{path}/test").json["data"]["id"]
    ended = hooks.ask("POST", f"{path}/test").json["data"]["id"]
    hooks.deliver()
    pending = hooks.ask("POST", f"{path}/test").json["data"]["id"]
    for method, place, body, trips in (
        ("GET", "/webhooks", None, 2),
        ("GET", path, None, 1),
        ("PATCH", path, {"description": "x"}, 2),
        ("POST", f"{path}/rotate-secret", None, 2),
        ("POST", f"{path}/test", None, 2),
        ("GET", f"{path}/deliveries", None, 1),
        ("GET", f"{path}/deliveries/{ended}", None, 1),
        ("GET", f"{path}/deliveries/{pending}", None, 2),
        ("POST", f"{path}/deliveries/{ended}/redeliver", None, 2),
        ("POST", "/webhooks", ALL, 2),
        ("DELETE", path, None, 2),
    ):
        with count_requests() as seen:
            answer = hooks.ask(method, place, body)
        assert answer.status < 300, answer.text
        assert seen.count <= trips, f"{method} {place}: {seen}"


def test_a_key_of_idempotency_makes_one_webhook_and_keeps_no_secret(hooks):
    first = hooks.client("webhooks", "POST", "/webhooks", body=ALL, headers={"Idempotency-Key": "k"})
    again = hooks.client("webhooks", "POST", "/webhooks", body=ALL, headers={"Idempotency-Key": "k"})
    assert (first.status, again.status) == (201, 409)
    assert len(hooks.ask("GET", "/webhooks").json["data"]) == 1


def test_nobody_gets_in_without_a_token():
    assert Client("enterprise")("webhooks", "GET", "/webhooks").status == 401
