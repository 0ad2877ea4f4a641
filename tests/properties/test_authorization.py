"""Who may do what: every route of every contract, called by everybody. The routes come from the route table, so none can be forgotten.

    anonymous      401, before the request is even read
    other tenant   404 wherever the path names something of ours
    a role         403 where it lacks the route's permission, else the documented status: every sample is a valid request

An operation that is not tried here stands in `TESTED_ELSEWHERE` or `NO_PERMISSION`, by contract and operation, with the reason. Rows live
on the local engine: that a transaction is one is part of what is shown.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar
from unittest.mock import patch

import pytest
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

from infra.routes import Route, table
from shared.core import clock
from shared.core.actor import GRANTS, Permission, Role
from shared.core.ids import new_id
from shared.core.scopes import SCOPE_OF
from shared.people.access import quota_leases, records, tokens
from shared.store import write
from tests.areas.driving import Client, call
from tests.areas.ledger import record_usage
from tests.areas.test_limited_callers import make_key
from tests.kills import Process
from tests.samples import ALONE, SAMPLES, Sample, Stage, ask, key_of, name_of
from tests.samples.stage import PRD
from tests.trips import LARGE_LEASES, count_requests

pytestmark = pytest.mark.usefixtures("shared_tables", "many_requests")

T = TypeVar("T")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
CONTRACTS = ("agentworks", "enterprise", "aintandem", "orchestrator", "omoios")
ENDS_THE_SESSION = "it ends the caller's session, and so the stage: tests/areas/test_auth_*"
ONE_ORGANIZATION = "it is its organization's, in which the stage's people have no role: tests/areas/test_webhooks.py"
PROOF = "for whoever has proved who they are at GitHub: tests/areas/test_github_app.py"
TESTED_ELSEWHERE = {
    ("agentworks", "auth.logout"): ENDS_THE_SESSION,
    ("aintandem", "auth.logout"): ENDS_THE_SESSION,
    ("orchestrator", "auth.logout"): ENDS_THE_SESSION,
    ("omoios", "auth.logout"): ENDS_THE_SESSION,
    ("agentworks", "auth.changePassword"): ENDS_THE_SESSION,
    ("enterprise", "apiKeys.create"): "a person has room for twenty: tests/areas/test_api_keys.py",
    ("enterprise", "apiKeys.revoke"): "a role in a workspace is none in its organization: tests/areas/test_api_keys.py",
    ("enterprise", "oauth.clients.delete"): "a role in a workspace is none in its organization: tests/areas/test_oauth.py",
    ("agentworks", "workspaces.delete"): "it ends the stage: tests/areas/test_workspaces_agentworks.py",
    ("aintandem", "workspaces.delete"): "it ends the stage: tests/areas/test_workspaces_aintandem.py",
    ("omoios", "export.file"): "only for who asked for it: tests/areas/test_audit_exports.py",
    ("omoios", "notifications.read"): "only for whose inbox it is in: tests/areas/test_notifications.py",
    ("omoios", "github.authorize"): PROOF,
    ("omoios", "github.finishAuthorization"): PROOF,
    ("omoios", "github.installations"): PROOF,
    ("omoios", "github.offeredRepositories"): PROOF,
    ("agentworks", "invitations.accept"): "for whoever has the invitation's address: tests/areas/test_invitations.py",
} | {
    ("enterprise", f"webhooks.{name}"): ONE_ORGANIZATION
    for name in ("get", "update", "delete", "deliveries", "delivery", "redeliver", "rotateSecret", "test")
}
"""What is behind the door and not tried here, and why."""
BEFORE_SIGNING_IN = "who asks has no token yet"
PROBE = "a probe has no token"
NO_PERMISSION = (
    {
        ("agentworks", f"auth.{name}"): BEFORE_SIGNING_IN
        for name in (
            "forgotPassword", "login", "oauthCallback", "oauthStart", "refresh", "register", "resetPassword", "verifyEmail",
        )
    }
    | {("aintandem", f"auth.{name}"): BEFORE_SIGNING_IN for name in ("login", "refresh", "register")}
    | {("orchestrator", f"auth.{name}"): BEFORE_SIGNING_IN for name in ("login", "refresh")}
    | {("omoios", "auth.login"): BEFORE_SIGNING_IN}
    | {("enterprise", f"oauth.{name}"): "a client says who it is itself" for name in ("revoke", "token")}
    | {("enterprise", f"oauth.{name}"): "our pages ask who it is" for name in ("authorize", "decide")}
    | {("enterprise", name): "the document is public" for name in ("jwks.get", "oauth.metadata")}
    | {("agentworks", "billing.stripeWebhook"): "Stripe signs what it sends"}
    | {("omoios", "github.webhook"): "GitHub signs what it sends"}
    | {("enterprise", "health.get"): PROBE, ("aintandem", "system.health"): PROBE, ("aintandem", "system.info"): PROBE}
    | {(contract, f"docs.{name}"): "the document is public" for contract in CONTRACTS for name in ("asset", "redoc", "swagger")}
    | {
        (contract, "system.openapi" if contract == "agentworks" else "docs.openapi"): "the document is public"
        for contract in CONTRACTS
    }
    | {("enterprise", "docs.postman"): "the document is public"}
)  # fmt: skip
"""What anybody may ask without a token, and why. An operation that became public by mistake fails here."""

EVERYBODYS = {("agentworks", "agents.get"), ("omoios", "audit.agent"), ("omoios", "costs.agent"), ("omoios", "time.agent")}
"""Acts on what belongs to no tenant: the catalogue."""
ONES_OWN = {
    ("omoios", "projects.create"),
    ("omoios", "agents.cleanupStale"),
    ("omoios", "tasks.cleanupTimedOut"),
    ("omoios", "costs.agent"),
    ("omoios", "notifications.list"),
    ("omoios", "notifications.readAll"),
    ("enterprise", "organizations.list"),
    ("enterprise", "organizations.create"),
    ("enterprise", "apiKeys.list"),
    ("enterprise", "oauth.clients.create"),
    ("enterprise", "webhooks.create"),
    ("enterprise", "webhooks.list"),
    ("enterprise", "metrics.get"),
}
"""Acts in the caller's own organization or workspaces, whose owner everybody is."""
ANOTHERS = {
    (contract, operation): Permission.WORKSPACE_WRITE
    for contract in ("agentworks", "omoios")
    for operation in ("comments.update", "comments.delete")
}
"""Acts on what its author may change, and somebody else (the stage's things are the owner's) only with this permission too."""
GUARDED = [route for route in table() if not route.operation.public]
TRIED = [route for route in GUARDED if key_of(route) not in TESTED_ELSEWHERE]
SCOPED = [
    route
    for route in GUARDED
    if route.contract in ("enterprise", "omoios")
    and route.operation.permission
    and not route.operation.personal
    and TESTED_ELSEWHERE.get(key_of(route)) in (None, ONE_ORGANIZATION)
]


def test_every_operation_is_tried_or_has_a_reason():
    """Nothing falls out by accident, and no reason stays for what is not there any more."""
    tried, guarded = {key_of(route) for route in TRIED}, {key_of(route) for route in GUARDED}
    assert sorted(tried - SAMPLES.keys()) == []
    assert TESTED_ELSEWHERE.keys() <= guarded
    assert TESTED_ELSEWHERE.keys() <= ALONE.keys()
    assert ALONE.keys() & tried == set()
    assert {key_of(route) for route in table()} - guarded == NO_PERMISSION.keys()
    assert EVERYBODYS | ONES_OWN | ANOTHERS.keys() <= tried


@pytest.fixture(scope="module")
def stage(shared_tables: None) -> Stage:
    return Stage()


@pytest.mark.parametrize("route", GUARDED, ids=name_of)
def test_nobody_gets_in_without_a_token(route: Route, stage: Stage):
    path = re.sub(r"\{[^}]*\}", "0190a0a0-0000-7000-8000-000000000000", route.path)
    answer = call(route.area, route.contract, route.method, path, body="{not even json" if route.method != "GET" else None)
    assert answer.status == 401, answer.text


@pytest.mark.parametrize("route", TRIED, ids=name_of)
def test_another_tenant_sees_nothing(route: Route, stage: Stage):
    sample = SAMPLES[key_of(route)](stage)
    answer = ask(sample, route, stage.stranger)
    names_ours = key_of(route) not in EVERYBODYS and any(
        value not in route.path and len(value) == 36 for value in sample.path.values()
    )
    reaches_ours = names_ours or sample.query or "ticket_id" in (sample.body or {})
    if reaches_ours:
        assert answer.status == 404, answer.text
    else:
        assert answer.status < 500, answer.text
        assert stage.world.ws_id not in answer.text


@pytest.fixture(scope="module")
def counted(stage: Stage) -> Iterator[Client]:
    """Another stranger, in a process that holds leases of all requests to come: none of them costs another trip."""
    stranger = stage.new_user()
    with patch.multiple(quota_leases, PROCESS_LEASES=quota_leases.QuotaLeases(), **LARGE_LEASES):
        yield stranger


@pytest.mark.parametrize("route", TRIED, ids=name_of)
def test_what_is_anothers_looks_as_what_is_unknown(route: Route, stage: Stage, counted: Client):
    """The same answer after the same trips: neither words nor time tell that there is something."""
    sample, unknown_ids = SAMPLES[key_of(route)](stage), {PRD.id: PRD.id, counted.user["id"]: counted.user["id"]}

    def unknown(what: Any) -> Any:
        if isinstance(what, bytes):  # a file
            return what
        text = UUID.sub(lambda found: unknown_ids.setdefault(found[0], new_id()), json.dumps(what))
        return json.loads(text)

    def seen_by_stranger(asked: Sample) -> tuple[int, str, int, list[str]]:
        with count_requests() as seen:
            answer = ask(asked, route, counted)
        return answer.status, TIME.sub("", answer.text), seen.count, seen.names

    other = replace(sample, path=unknown(sample.path), query=unknown(sample.query), body=unknown(sample.body))
    if other != sample:
        (status, text, *trips), seen = within_one_window(counted, lambda: (seen_by_stranger(other), seen_by_stranger(sample)))
        for ours, made_up in unknown_ids.items():
            text = text.replace(made_up, ours)
        assert seen == (status, text, *trips)


def within_one_window(client: Client, play: Callable[[], T]) -> T:
    """Return what `play` does within one minute of the rate limits, whose first request is counted by a trip of its own."""
    while True:
        minute = clock.epoch() // 60
        if minute not in BEGUN:
            for contract in ("agentworks", "omoios"):
                assert client.at(contract)("auth", "GET", "/auth/me").status == 200
            for area, path in (  # each class has a window
                ("workspaces", "/workspaces"),
                ("sandboxes", f"/sandboxes/{new_id()}"),
                ("messaging", f"/messages/{new_id()}"),
            ):
                assert client.at("aintandem")(area, "GET", path).status in (200, 404)
            assert client.at("enterprise")("organizations", "GET", "/organizations").status == 200
            BEGUN.add(minute)
        done = play()
        if clock.epoch() // 60 == minute:
            return done


BEGUN: set[int] = set()
"""The minutes in which the counted stranger has asked each contract."""


@pytest.fixture(scope="module")
def keys(stage: Stage) -> dict[bool, Client]:
    """Two keys of the owner's, each with one scope: what one lacks the other one may."""
    return {lacks: make_key(stage.world.ada, scope) for lacks, scope in ((True, "security:read"), (False, "projects:read"))}


@pytest.mark.parametrize("route", SCOPED, ids=name_of)
def test_a_key_without_the_scope_is_refused_and_learns_nothing(route: Route, stage: Stage, keys: dict[bool, Client]):
    """The same refusal for what is there, what is not, and what is no valid request."""
    permission = route.operation.permission
    sample = (ALONE | SAMPLES)[key_of(route)](stage)
    nowhere = Sample({name: new_id() if len(value) == 36 else value for name, value in sample.path.items()}, {"no": "request"})
    key = keys[SCOPE_OF[permission] != "security:read"]
    seen = [ask(replace(one, caller=None), route, key) for one in (sample, nowhere)]
    assert [one.status for one in seen] == [403, 403], [one.text for one in seen]
    assert all(f"This needs the scope {SCOPE_OF[permission]}" in one.text for one in seen), seen[1].text


@pytest.fixture(scope="module")
def ended(stage: Stage) -> Client:
    """An administrator whose session has ended, while this process holds a lease of their requests."""
    user = stage.callers[Role.ADMIN].user
    answer = call("auth", "agentworks", "POST", "/auth/login", body={"email": user["email"], "password": "correct horse"})
    client = Client("agentworks", answer.json["token"], user)
    for contract in ("agentworks", "omoios"):
        assert client.at(contract)("auth", "GET", "/auth/me").status == 200
    assert client.at("enterprise")("organizations", "GET", "/organizations").status == 200
    write(records.close_session(user["id"], tokens.read(client.token, tokens.ACCESS).session_id))
    return client


@pytest.mark.parametrize("route", TRIED, ids=name_of)
def test_a_session_that_has_ended_changes_nothing_and_sees_nothing(route: Route, stage: Stage, ended: Client):
    """Access is decided with the first rows: before anything is written, sent or stored, whatever the operation does first."""
    sample = SAMPLES[key_of(route)](stage)
    before = sent_and_stored()
    with Process(None) as process:
        answer = ask(replace(sample, caller=None), route, ended)
    assert (answer.status, stage.world.ws_id in answer.text) == (401, False), answer.text
    assert (process.names, sent_and_stored()) == ([], before)


def sent_and_stored() -> tuple[int, int]:
    """How many messages wait in the queues, and how many files are in the bucket."""
    queues, buckets = sqs_backends["123456789012"]["us-east-1"].queues, s3_backends["123456789012"]["aws"].buckets
    return sum(len(queue._messages) for queue in queues.values()), sum(len(bucket.keys) for bucket in buckets.values())


@pytest.mark.thorough
@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("route", TRIED, ids=name_of)
def test_a_role_may_what_its_permissions_say(route: Route, role: Role, stage: Stage):
    permissions = {route.operation.permission, ANOTHERS.get(key_of(route))} - {None}
    sample = SAMPLES[key_of(route)](stage)
    answer = ask(sample, route, stage.callers[role])
    if permissions <= GRANTS[role] or key_of(route) in ONES_OWN:
        expected = sample.status or route.operation.status
        assert answer.status == expected, f"{role}: {answer.status} {answer.text}"
    else:
        assert answer.status == 403, f"{role}: {answer.status} {answer.text}"


READS = [route for route in TRIED if route.contract == "omoios" and route.method == "GET"]
MONEY = re.compile(r"cost|spent|spend|price|amount|budget|micros")


@pytest.fixture(scope="module")
def spending(stage: Stage) -> None:
    """Something was spent in the stage's project."""
    record_usage(stage.world, "2026-05-02", 100_001)


@pytest.mark.usefixtures("spending")
@pytest.mark.parametrize("route", READS, ids=name_of)
def test_who_may_not_see_costs_sees_none(route: Route, stage: Stage):
    """`view_costs` of omoios: whatever it shows of money is left out for a viewer, or is 0 (what an agent cost is summed over workspaces
    whose costs they may see)."""
    answer = ask(SAMPLES[key_of(route)](stage), route, stage.callers[Role.VIEWER])
    if answer.status == 200 and str(answer.header("content-type")).startswith("application/json"):
        assert sorted(amounts_in(answer.json)) == []


def amounts_in(value: Any, name: str = "") -> Iterator[str]:
    """The names of all amounts of money that are not 0."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from amounts_in(child, f"{name}.{key}")
    if isinstance(value, int | float) and not isinstance(value, bool) and value and MONEY.search(name):
        yield name
