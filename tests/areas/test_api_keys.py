"""API keys: shown once, within what their maker may, counted by themselves, revoked at once."""

import datetime as dt
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
import time_machine

from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import LimitExceeded
from shared.core.plans import PLANS
from shared.core.scopes import SCOPES
from shared.edge.contracts import NAMES
from shared.events.record import get_event
from shared.people.access import keys, records
from shared.people.access.callers import caller_of_key
from shared.people.identity.api_keys import ApiKey, create_key
from shared.people.tenancy import plans
from shared.people.tenancy.rows import Organization
from shared.store import fetch, get, update_now
from shared.work.activities.rows import Activity, organization_log
from tests.areas.driving import Answer, Client, call, sign_up
from tests.areas.viewers import project, raw_row, stream_record
from tests.kills import crash_at_every_write
from tests.seeding import tables
from tests.trips import count_requests

NOON = dt.datetime(2026, 5, 4, 12, 0, 30, tzinfo=dt.UTC)


@pytest.fixture
def ada(aws) -> Iterator[Client]:
    """Somebody who has just signed up, while the time stands still."""
    plans._plan_in.cache_clear()
    with time_machine.travel(NOON, tick=False):
        yield sign_up().at("enterprise")


def make(maker: Client, status: int = 201, **body) -> dict:
    answer = maker("auth", "POST", "/api-keys", body={"name": "CI"} | body)
    assert answer.status == status, answer.text
    return answer.json["data"] if status == 201 else answer.json["error"]


def with_key(key: str, method: str = "GET", path: str = "/api-keys", contract: str = "enterprise", body=None) -> Answer:
    area = {"/workspaces": "workspaces"}.get(path, "projects" if path.endswith("/projects") else "auth")
    return call(area, contract, method, path, body=body, headers={"X-API-Key": key})


def listed(maker: Client, query: str = "") -> list[dict]:
    answer = maker("auth", "GET", f"/api-keys{query}")
    assert answer.status == 200, answer.text
    return answer.json["data"]


def set_role(ada: Client, role: str | None) -> None:
    """Ada's role in her own organization, as somebody else would have changed it."""
    record = records.get_access(ada.user["id"])
    one = records.Access.organizations[next(iter(record.organizations))]
    update_now(records.key_row(ada.user["id"]), [one.set(role) if role else one.remove()])


def test_a_key_is_shown_once_and_kept_as_a_fingerprint(ada):
    made = make(ada, permissions=["projects:read", "features:write"])
    assert made["key"].startswith("sk-")
    assert made["key"].startswith(made["prefix"])
    assert len(made["prefix"]) == 11
    assert made["permissions"] == ["projects:read", "features:write"]
    (shown,) = listed(ada)
    assert shown == {name: value for name, value in made.items() if name != "key"}
    stored = json.dumps([item.to_json() for table in tables().values() for item in table.all_items()])
    assert made["key"] not in stored
    assert made["key"][-32:] not in stored


def test_an_answer_with_a_key_is_not_kept_for_a_repetition(ada):
    header = {"Idempotency-Key": "once"}
    first = ada("auth", "POST", "/api-keys", body={"name": "CI"}, headers=header)
    again = ada("auth", "POST", "/api-keys", body={"name": "CI"}, headers=header)
    assert (first.status, again.status, len(listed(ada))) == (201, 409, 1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"permissions": ["projects:everything"]}, "permissions"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"name": " "}, "name"),
        ({"scopes": []}, "scopes"),
    ],
)
def test_what_no_key_can_be_is_said_by_its_field(ada, body, field):
    error = make(ada, 400, **body)
    assert (error["code"], [one["field"] for one in error["details"]]) == ("VALIDATION_ERROR", [field])


def test_a_key_has_no_more_than_its_scopes(ada):
    """`projects:read` sees the projects and makes none; whoever has it makes no keys."""
    ws_id = ada.at("agentworks")("workspaces", "GET", "/workspaces").json["workspaces"][0]["id"]
    projects = f"/workspaces/{ws_id}/projects"
    reader, writer = (make(ada, permissions=[scope])["key"] for scope in ("projects:read", "projects:write"))
    new = {"name": "Shop", "slug": "shop"}
    assert with_key(reader, "GET", projects, "agentworks").status == 200
    assert with_key(reader, "POST", projects, "agentworks", new).status == 403
    assert with_key(writer, "POST", projects, "agentworks", new).status == 201
    assert with_key(writer, "GET", projects, "agentworks").status == 403
    refused = with_key(writer)
    assert (refused.status, refused.json["error"]["code"]) == (403, "AUTHORIZATION_DENIED")


def test_who_lacks_a_scope_is_told_which_one(ada):
    ws_id = ada.at("agentworks")("workspaces", "GET", "/workspaces").json["workspaces"][0]["id"]
    key = make(ada, permissions=["features:read"])["key"]
    refused = with_key(key).json["error"]
    assert refused["details"] == [{"field": "request", "message": "This needs the scope organizations:admin"}]
    refused = with_key(key, "GET", f"/workspaces/{ws_id}/projects", "agentworks").json["error"]
    assert refused["details"]["reason"] == "This needs the scope projects:read"


def test_the_scope_of_the_document_lists_the_organizations_of_an_administrator(ada):
    def organizations(*scopes: str) -> Answer:
        headers = {"X-API-Key": make(ada, permissions=list(scopes))["key"]}
        return call("organizations", "enterprise", "GET", "/organizations", headers=headers)

    assert organizations("organizations:read").json["pagination"]["total"] == 1
    refused = organizations("organizations:write")
    assert (refused.status, "scope organizations:read" in refused.text) == (403, True)


def test_a_key_gives_no_key_more_than_it_has(ada):
    key = make(ada, permissions=["organizations:admin", "projects:read"])["key"]
    more = with_key(key, "POST", body={"name": "More", "permissions": ["projects:write"]})
    assert (more.status, more.json["error"]["code"]) == (403, "AUTHORIZATION_DENIED")
    same = with_key(key, "POST", body={"name": "Same"})
    assert (same.status, same.json["data"]["permissions"]) == (201, ["organizations:admin", "projects:read"])


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("admin", 403), ("member", 403), ("viewer", 403), (None, 403)])
def test_what_the_maker_loses_the_key_loses_at_the_next_request(ada, role, status):
    key = make(ada)["key"]
    assert with_key(key).status == 200
    set_role(ada, role)
    assert (with_key(key).status, ada("auth", "GET", "/api-keys").status) == (status, status)


@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
def test_only_the_owner_of_an_organization_revokes_its_keys(ada, role):
    made = make(ada)
    set_role(ada, role)
    assert ada("auth", "DELETE", f"/api-keys/{made['id']}").status == 403


def test_a_key_of_another_organization_is_unknown(ada):
    made = make(ada)
    stan = sign_up("Stan", "stan@example.com").at("enterprise")
    assert stan("auth", "DELETE", f"/api-keys/{made['id']}").status == 404
    assert listed(stan) == []
    assert with_key(made["key"]).status == 200


def test_a_revoked_key_ends_at_the_very_next_request(ada):
    made, other = make(ada), make(ada)
    assert with_key(made["key"]).status == 200
    assert [ada("auth", "DELETE", f"/api-keys/{made['id']}").status for _ in range(2)] == [204, 204]
    refused = with_key(made["key"])
    assert (refused.status, refused.json["error"]["code"]) == (401, "AUTHENTICATION_FAILED")
    assert with_key(other["key"]).status == 200
    revoked = {one["id"]: one["revoked_at"] is not None for one in listed(ada)}
    assert revoked == {made["id"]: True, other["id"]: False}


def test_a_key_expires(ada):
    made = make(ada, expires_at=clock.in_seconds(60))
    assert with_key(made["key"]).status == 200
    with time_machine.travel(NOON + dt.timedelta(seconds=61), tick=False):
        assert with_key(made["key"]).status == 401


def test_a_changed_character_opens_nothing(ada):
    key = make(ada)["key"]
    for place in (0, 3, 12, 20, len(key) - 1):
        other = key[:place] + ("A" if key[place] != "A" else "B") + key[place + 1 :]
        assert with_key(other).status == 401


def test_the_last_use_is_noted_once_a_minute(ada):
    with time_machine.travel(NOON, tick=False) as moment:
        made = make(ada)
        assert listed(ada)[0]["last_used_at"] is None
        writes = []
        for seconds in (0, 10, 29, 31):
            moment.move_to(NOON + dt.timedelta(seconds=seconds))
            with count_requests() as seen:
                assert with_key(made["key"], path="/auth/me", contract="omoios").status == 200
            writes.append(seen.names.count("UpdateItem"))
        assert writes == [2, 0, 0, 1]  # the first notes too to which organization each workspace belongs
        assert listed(ada)[0]["last_used_at"] == "2026-05-04T12:01:00.000Z"
        assert ada("auth", "DELETE", f"/api-keys/{made['id']}").status == 204
        assert listed(ada)[0]["last_used_at"] == "2026-05-04T12:01:00.000Z"


def test_a_request_with_a_key_costs_one_trip(ada):
    key = make(ada)["key"]
    assert with_key(key, path="/users/me", contract="orchestrator").status == 200
    with count_requests() as seen:
        assert with_key(key, path="/users/me", contract="orchestrator").status == 200
    assert seen.count == 1


def test_keys_are_limited_each_by_itself(ada):
    """By the plan of the organization, beside the person and the other keys."""
    one, other = make(ada)["key"], make(ada)["key"]
    limit = PLANS["free"].requests[0][0]
    assert [with_key(one).status for _ in range(limit + 1)] == [200] * limit + [429]
    assert [with_key(other).status, ada("auth", "GET", "/api-keys").status] == [200, 200]


def test_a_new_key_in_the_place_of_a_revoked_one_has_no_requests_more(ada):
    """Else who makes a key, uses it up and makes the next has no limit."""
    limit = PLANS["free"].requests[0][0]
    used = make(ada)
    assert [with_key(used["key"]).status for _ in range(limit + 1)] == [200] * limit + [429]
    assert ada("auth", "DELETE", f"/api-keys/{used['id']}").status == 204
    assert with_key(make(ada)["key"]).status == 429
    assert with_key(make(ada)["key"]).status == 200  # another place


def test_a_key_from_before_there_were_places_is_counted_by_itself(ada):
    made = make(ada)
    record = records.get_access(ada.user["id"])
    before = {one: stored[:4] for one, stored in record.keys.items()}
    update_now(records.key_row(ada.user["id"]), [records.Access.keys.set(before)])
    use = keys.actor_of_key(made["key"], records.get_access(ada.user["id"]).serialize())
    assert (use.id, use.window) == (made["id"], made["id"])
    assert [with_key(one).status for one in (made["key"], make(ada)["key"])] == [200, 200]


def test_a_key_follows_the_plan_of_its_organization(ada):
    key = make(ada)["key"]
    org_id = next(iter(records.get_access(ada.user["id"]).organizations))
    assert with_key(key).header("x-ratelimit-limit") == "100"
    update_now(Organization(*Organization.key(org_id)), [Organization.plan.set("professional")])
    with time_machine.travel(NOON + dt.timedelta(minutes=1), tick=False):
        assert with_key(key).header("x-ratelimit-limit") == "1000"


@pytest.mark.parametrize(
    ("contract", "method", "path", "body"),
    [
        ("agentworks", "PUT", "/auth/me", {"name": "Eve"}),
        ("agentworks", "PUT", "/auth/me/password", {"currentPassword": "correct horse", "newPassword": "another horse"}),
        ("agentworks", "POST", "/auth/resend-verification", None),
        ("orchestrator", "PUT", "/users/me", {"first_name": "Eve"}),
    ],
)
def test_no_key_changes_the_account_of_its_maker(ada, contract, method, path, body):
    assert with_key(make(ada)["key"], method, path, contract, body).status == 403
    assert ada.at("agentworks")("auth", "GET", "/auth/me").json["name"] == "Ada Lovelace"


def test_an_administrator_of_the_platform_makes_no_key_that_is_one(ada):
    update_now(records.key_row(ada.user["id"]), [records.Access.platform_admin.set(True)])
    made = make(ada)
    use = keys.actor_of_key(made["key"], records.get_access(ada.user["id"]).serialize())
    assert use.actor.platform_admin is False


def test_a_person_has_room_for_twenty_keys_whoever_races(ada):
    for _ in range(keys.MAX_KEYS - 2):
        make(ada)
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: call_alone(ada), range(4)))
    assert sorted(statuses) == [201, 201, 403, 403]
    first = listed(ada)[0]
    assert ada("auth", "DELETE", f"/api-keys/{first['id']}").status == 204
    make(ada)


def actor_of(maker: Client) -> Actor:
    record = records.get_access(maker.user["id"])
    return records.build_actor(maker.user["id"], record, org_id=next(iter(record.organizations)))


def call_alone(maker: Client) -> int:
    try:
        create_key(actor_of(maker), "Raced")
    except LimitExceeded:
        return 403
    return 201


def test_keys_are_listed_in_pages_with_an_exact_total(ada):
    names = [f"Key {number}" for number in range(5)]
    for name in names:
        make(ada, name=name)
    answer = ada("auth", "GET", "/api-keys?page=2&page_size=2").json
    assert [one["name"] for one in answer["data"]] == ["Key 2", "Key 1"]
    assert answer["pagination"] == {"page": 2, "page_size": 2, "total": 5, "pages": 3, "has_next": True, "has_prev": True}
    assert ada("auth", "GET", "/api-keys?page_size=101").status == 400


def test_a_key_without_named_scopes_has_all_of_its_maker(ada):
    assert make(ada)["permissions"] == list(SCOPES)


@pytest.mark.parametrize("issuer", ["agentworks", "aintandem", "orchestrator", "omoios"])
def test_a_token_of_another_contract_opens_enterprise(ada, issuer):
    opened = call("auth", issuer, "POST", "/auth/login", body={"email": "ada@example.com", "password": "correct horse"}).json
    opened = opened.get("data", opened)
    token = opened.get("access_token") or opened["token"]
    assert Client("enterprise", token)("auth", "GET", "/api-keys").status == 200


def test_who_makes_and_revokes_a_key_stands_in_the_log_of_events(ada):
    made = make(ada, permissions=["projects:read"])
    assert ada("auth", "DELETE", f"/api-keys/{made['id']}").status == 204
    project(stream_record(raw_row(f"APIKEY#{made['id']}")))
    event = get_event(fetch(ApiKey, made["id"]))
    assert (event.type, event.actor["id"], event.data) == ("api_key.revoked", ada.user["id"], {"name": "CI"})
    org_id = fetch(ApiKey, made["id"]).org_id
    activity = get(Activity, organization_log(org_id), f"{event.at}#{event.id}")
    assert (activity.type, activity.org_id) == ("api_key.revoked", org_id)


def test_who_dies_while_a_key_is_made_has_made_nothing_or_all(ada):
    for process in crash_at_every_write():
        before = len(listed(ada))
        with process:
            create_key(actor_of(ada), "CI")
        after = listed(ada)
        assert (len(after) - before, len(records.get_access(ada.user["id"]).keys or {})) == (len(process.names), len(after))


def test_a_key_that_nobody_made_reads_no_list_of_whose_id_is_in_it(ada):
    """Anybody can write a key with somebody's id: it began to read their lists, as often as it was sent."""
    key = make(ada)["key"]
    assert with_key(key, path="/projects", contract="omoios").status == 200
    nothing = {"rules_for": lambda _: (), "on_enter": None, "admit": lambda _: None, "known": lambda _: None, "changes": False}
    for sent, known in ((key, 1), (key[:-8] + "A" * 8, 0)):
        actor = copy_context().run(lambda sent=sent: caller_of_key(sent, **nothing))
        assert len(actor.likely_workspaces) == known


def test_a_refusal_names_the_scope_of_what_was_refused_and_not_of_the_operation(world):
    """To approve a document needs another scope than to write it."""
    folder = f"/projects/{world.project.id}/docs"
    made = world.ada("documents", "POST", folder, body={"title": "Vision", "type": "custom", "content": "Words"})
    assert made.status == 201, made.text
    document = f"/documents/{made.json['id']}"
    assert world.ada("documents", "PUT", document, body={"status": "review"}).status == 200
    key = make(world.ada.at("enterprise"), permissions=["features:read", "features:write"])["key"]
    answer = call("documents", "agentworks", "PUT", document, body={"status": "approved"}, headers={"X-API-Key": key})
    assert (answer.status, answer.json["error"]["details"]["reason"]) == (403, "This needs the scope deployments:approve")


@pytest.mark.parametrize("contract", NAMES)
def test_a_key_in_the_wrong_header_is_told_the_right_one(ada, contract):
    key = make(ada)["key"]
    area, path = {
        "agentworks": ("workspaces", "/workspaces"),
        "enterprise": ("organizations", "/organizations"),
        "aintandem": ("auth", "/auth/logout"),
        "orchestrator": ("auth", "/users/me"),
        "omoios": ("auth", "/auth/me"),
    }[contract]
    method = "POST" if path == "/auth/logout" else "GET"
    answer = call(area, contract, method, path, headers={"Authorization": f"Bearer {key}"})
    assert answer.status == 401
    assert "send it in the header `X-API-Key`" in answer.text
    assert key not in answer.text
