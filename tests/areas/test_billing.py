"""agentworks, section 8.2: accounts and invoices, as the owner of a workspace sees them."""

import pytest

from shared.core.actor import Role
from shared.money.billing.monthly_close import close_periods
from shared.money.billing.payments import record_payment
from shared.money.billing.rows import BillingAccount
from shared.people.identity.administrators import set_administrator
from shared.people.tenancy.rows import Organization, Workspace
from shared.store import fetch, get
from tests.areas.billing_world import (
    PLATFORM_ADMIN,
    account_of,
    frozen_at,
    invoice_of,
    logged_in,
    open_account,
    record_sold_usage,
)
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Client, call, confirm_address, deadline
from tests.trips import count_requests

IRELAND = {"line1": "1 Main Street", "city": "Dublin", "postalCode": "D01", "country": "IE"}
GERMANY = {"line1": "Hauptstr. 1", "line2": "2. OG", "city": "Berlin", "postalCode": "10115", "country": "DE"}


@pytest.fixture
def world(aws) -> World:
    made = create_world()
    made.ada("auth", "GET", "/auth/me")  # the rate window has begun
    return made


def billing(world: World, ada: Client | None = None) -> dict:
    answer = (ada or world.ada)("billing", "GET", f"/workspaces/{world.ws_id}/billing")
    assert answer.status == 200, answer.text
    return answer.json


def put(world: World, ada: Client | None = None, **body):
    return (ada or world.ada)("billing", "PUT", f"/workspaces/{world.ws_id}/billing", body=body)


def test_a_new_workspace_has_an_account(world):
    with frozen_at("2026-11-26"):
        world = create_world("bea@example.com", "Bea")
        body = billing(world)
    assert body["account"] == {
        "id": world.ws_id,
        "workspaceId": world.ws_id,
        "billingEmail": "bea@example.com",
        "status": "active",
        "nextBillingDate": "2026-12-01",
        "plan": {
            "id": "free",
            "name": "Free",
            "price": 0.0,
            "currency": "USD",
            "interval": "month",
            "limits": {"maxProjects": 3, "maxMembers": 5, "maxMonthlyUsage": 100, "runsPerDay": 5},
        },
        "balance": 0.0,
    }
    assert body["upcomingInvoice"] == {
        "period": {"start": "2026-11-01", "end": "2026-11-30"},
        "subtotal": 0.0,
        "tax": 0.0,
        "total": 0.0,
        "dueDate": "2026-12-15",
        "lineItems": [],
    }
    assert (body["paymentMethods"], body["invoices"]) == ([], [])


def test_the_account_is_made_once_and_read_afterwards(world):
    assert get(BillingAccount, *BillingAccount.key(world.ws_id)) is None
    path = f"/workspaces/{world.ws_id}/billing"
    seen = []
    for _ in range(2):
        with count_requests() as counted:
            assert world.ada("billing", "GET", path).status == 200
        seen.append((counted.names, counted.beside))
    # who calls, workspace and account (made the first time); the open period's usage; beside, the invoices and the month's usage
    assert seen[0] == (["BatchGetItem", "PutItem", "Query"], ["Query", "Query"])
    assert seen[1] == (["BatchGetItem", "Query"], ["Query", "Query"])


def test_a_run_brings_the_account_along(world):
    answer = world.ada("cards", "POST", f"/boards/{world.board.id}/cards", body={
        "laneId": world.lanes[1].id, "title": "A card", "type": "doc",
    })  # fmt: skip
    started = world.ada("runs", "POST", f"/cards/{answer.json['id']}/agents/prd/run", body={})
    assert started.status < 300, started.text
    assert account_of(world.ws_id).email == "ada@example.com"


def test_what_is_owed_so_far(world):
    with frozen_at("2026-11-20"):
        world = create_world("bea@example.com", "Bea")
        billing(world)
        assert put(world, plan="pro", billingAddress=GERMANY).status == 200
        record_sold_usage(world.ws_id, "2026-11-02", 750_000)
        record_sold_usage(world.ws_id, "2026-11-03", 500_000)
        record_sold_usage(world.ws_id, "2026-11-03", 250_005, agent="qa")
        record_sold_usage(world.ws_id, "2026-11-03", 0, agent="qa", priced=False)
        body = billing(world)
    upcoming = body["upcomingInvoice"]
    assert [(line["description"], line["quantity"], line["unitPrice"], line["amount"]) for line in upcoming["lineItems"]] == [
        ("Pro plan, November 2026", 1, 49.0, 49.0),
        ("Agent usage: PRD, 2 calls", 1, 1.25, 1.25),
        ("Agent usage: QA, 1 call", 1, 0.250005, 0.250005),
        ("Rounding to whole cents", 1, -0.000005, -0.000005),
    ]
    assert (upcoming["subtotal"], upcoming["tax"], upcoming["total"]) == (50.5, 9.6, 60.1)  # 19 % is 9.595
    assert body["currentUsage"]["estimatedCost"] == 1.500005


def test_the_plan_of_a_month_is_the_dearest_it_had(world):
    open_account(world.ws_id, "2026-11")
    with frozen_at("2026-11-20"):
        ada = logged_in()
        for plan in ("pro", "enterprise", "free"):
            answer = put(world, ada, plan=plan)
            assert (answer.status, answer.json["plan"]["id"]) == (200, plan)
        assert billing(world, ada)["upcomingInvoice"]["subtotal"] == 199.0
    with frozen_at("2026-12-01"):
        close_periods(deadline())
        assert billing(world, logged_in())["upcomingInvoice"]["subtotal"] == 0.0
    assert invoice_of(world.ws_id, "2026-11").invoice.subtotal_micros == 199_000_000


def test_what_is_changed_is_shown_and_the_rest_stays(world):
    assert put(world, billingEmail="books@example.com").json["billingEmail"] == "books@example.com"
    answer = put(world, billingAddress=GERMANY, taxId="de 136 695 976")
    assert answer.status == 200, answer.text
    assert (answer.json["taxId"], answer.json["billingAddress"]) == ("DE136695976", GERMANY)
    assert answer.json["billingEmail"] == "books@example.com"
    cleared = put(world, billingAddress=None, taxId=None)
    assert cleared.status == 200
    assert {"billingAddress", "taxId"}.isdisjoint(cleared.json)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"plan": "gold"}, "plan"),
        ({"billingEmail": "nobody"}, "billingEmail"),
        ({"billingAddress": {"line1": "x"}}, "billingAddress.city"),
        ({"billingAddress": GERMANY | {"country": "Germany"}}, "billingAddress.country"),
        ({"billingAddress": GERMANY | {"country": "UK"}}, "billingAddress.country"),
        ({"billingAddress": GERMANY | {"country": "ZZ"}}, "billingAddress.country"),
        ({"billingAddress": GERMANY, "taxId": "DE123456789"}, "taxId"),
        ({"taxId": "DE136695976"}, "taxId"),
        ({"billingAddress": GERMANY, "taxId": "FR123456789"}, "taxId"),
        ({"cardNumber": "4242"}, "cardNumber"),
    ],
)
def test_what_makes_no_sense_is_refused(world, body, field):
    answer = put(world, **body)
    assert answer.status == 422, answer.text
    assert field in [one["field"] for one in answer.json["validationErrors"]]
    account = get(BillingAccount, *BillingAccount.key(world.ws_id))
    assert account is None or account.version == 1


def test_everybody_sees_how_the_workspace_stands_but_only_the_owner_its_bills(world):
    put(world, plan="pro")
    for role in (Role.ADMIN, Role.MEMBER, Role.VIEWER):
        other = world.join(f"{role} person", f"{role}@example.com", role)
        shown = other("workspaces", "GET", f"/workspaces/{world.ws_id}").json["billing"]
        assert (shown["status"], shown["plan"]) == ("active", "pro")
        for path in (f"/workspaces/{world.ws_id}/billing", f"/workspaces/{world.ws_id}/billing/invoices"):
            assert other("billing", "GET", path).json["error"]["code"] == "INSUFFICIENT_PERMISSIONS"


def issued(world: World, price: int = 7_500_000) -> str:
    """The invoice of October: found in November, by its id."""
    open_account(world.ws_id, "2026-10")
    record_sold_usage(world.ws_id, "2026-10-10", price)
    with frozen_at("2026-11-01"):
        close_periods(deadline())
    return invoice_of(world.ws_id, "2026-10").invoice.id


def test_an_invoice_with_everything(world):
    invoice_id = issued(world)
    with frozen_at("2026-11-03T08:00:00+00:00"):
        path, ada = f"/invoices/{invoice_id}", logged_in()
        set_administrator(confirm_address(ada).user["email"], True)
        paid = ada("billing", "POST", f"{path}/payments", body={"reference": "IBAN 1", "amount": 2.5})
        assert paid.status == 201, paid.text
        note = ada("billing", "POST", f"{path}/credit-notes", body={"reason": "A bad day", "amount": 1})
        assert note.status == 201, note.text
        set_administrator(ada.user["email"], False)
        with count_requests() as seen:
            answer = ada("billing", "GET", path)
    assert (seen.names, seen.beside) == (["GetItem"], ["Query"])
    body = answer.json
    assert body["lineItems"] == [
        {
            "description": "Agent usage: PRD, 1 call",
            "quantity": 1,
            "unitPrice": 7.5,
            "amount": 7.5,
            "period": {"start": "2026-10-01", "end": "2026-10-31"},
        }
    ]
    assert (body["subtotal"], body["tax"], body["total"], body["taxNote"]) == (7.5, 1.73, 9.23, "Value added tax 23 % (IE)")
    assert (body["status"], body["issuedAt"], body["dueDate"]) == ("sent", "2026-11-01T02:00:00.000Z", "2026-11-15")
    assert body["invoiceNumber"].endswith("-000001")
    [payment] = body["payments"]
    assert payment | {"id": ""} == {
        "id": "",
        "amount": 2.5,
        "currency": "USD",
        "status": "succeeded",
        "method": "manual",
        "reference": "IBAN 1",
        "paidAt": "2026-11-03T08:00:00.000Z",
    }
    [credited] = body["creditNotes"]
    assert credited == note.json
    assert (credited["subtotal"], credited["tax"], credited["total"]) == (-1.0, -0.23, -1.23)
    assert body["amountDue"] == 5.5


@pytest.mark.parametrize(
    ("sent", "shown"),
    [("0999-01-01", "0999-01-01T00:00:00.000Z"), ("2999-01-01", None), ("0001-01-01T00:00:00+14:00", None), ("then", None)],
)
def test_when_a_payment_arrived(world, sent, shown):
    path = f"/invoices/{issued(world)}/payments"
    with frozen_at("2026-11-03T08:00:00+00:00"):
        ada = logged_in()
        set_administrator(confirm_address(ada).user["email"], True)
        answer = ada("billing", "POST", path, body={"reference": "IBAN 1", "amount": 2.5, "paidAt": sent})
    if shown is None:
        assert (answer.status, [one["field"] for one in answer.json["validationErrors"]]) == (422, ["paidAt"])
    else:
        assert (answer.status, answer.json.get("paidAt")) == (201, shown)


def test_invoices_by_status_and_page(world):
    open_account(world.ws_id, "2026-09")
    for month in ("2026-09", "2026-10", "2026-11"):
        record_sold_usage(world.ws_id, f"{month}-10", 1_000_000)
    with frozen_at("2026-12-01"):
        assert close_periods(deadline()) == 3
        path, ada = f"/workspaces/{world.ws_id}/billing/invoices", logged_in()
        first = ada("billing", "GET", f"{path}?limit=2").json
        with count_requests() as seen:
            rest = ada("billing", "GET", f"{path}?limit=2&offset=2").json
    assert (seen.names, seen.beside) == (["GetItem"], ["Query"])
    assert [one["period"]["start"] for one in first["invoices"] + rest["invoices"]] == ["2026-11-01", "2026-10-01", "2026-09-01"]
    assert [one["invoiceNumber"][-6:] for one in first["invoices"] + rest["invoices"]] == ["000003", "000002", "000001"]
    assert (first["total"], first["pagination"]["hasMore"], rest["pagination"]["hasMore"]) == (3, True, False)
    record_payment(PLATFORM_ADMIN, first["invoices"][0]["id"], None, "R", "manual", None)
    assert [one["period"]["start"] for one in world.ada("billing", "GET", f"{path}?status=paid").json["invoices"]] == [
        "2026-11-01"
    ]
    assert world.ada("billing", "GET", f"{path}?status=sent").json["total"] == 2
    assert world.ada("billing", "GET", f"{path}?status=draft").json["total"] == 0
    assert world.ada("billing", "GET", f"{path}?status=lost").status == 422


def test_a_stranger_finds_nothing(world):
    invoice_id = issued(world)
    eve = create_world("eve@example.com", "Eve").ada
    for path in (
        f"/workspaces/{world.ws_id}/billing",
        f"/workspaces/{world.ws_id}/billing/invoices",
        f"/invoices/{invoice_id}",
        f"/invoices/{invoice_id}/pdf",
    ):
        assert eve("billing", "GET", path).status == 404, path
    answer = eve("billing", "POST", f"/invoices/{invoice_id}/payments", body={"reference": "R"})
    assert (answer.status, answer.json["error"]["code"]) == (404, "INVOICE_NOT_FOUND")
    assert eve("billing", "GET", "/invoices/none").status == 404


def test_nobody_pays_or_credits_their_own_invoice_by_saying_so(world):
    invoice_id = issued(world)
    for what, body in (("payments", {"reference": "R"}), ("credit-notes", {"reason": "I like it"})):
        answer = world.ada("billing", "POST", f"/invoices/{invoice_id}/{what}", body=body)
        assert (answer.status, answer.json["error"]["code"]) == (403, "INSUFFICIENT_PERMISSIONS")
    assert invoice_of(world.ws_id, "2026-10").payments == []


def test_ways_to_pay(world):
    path = f"/workspaces/{world.ws_id}/billing/payment-methods"
    made = world.ada("billing", "POST", path, body={"type": "bank_transfer"})
    assert (made.status, made.json) == (201, {"id": made.json["id"], "type": "bank_transfer", "isDefault": True})
    again = world.ada("billing", "POST", path, body={"type": "bank_transfer"})
    assert again.json["id"] == made.json["id"]
    assert billing(world)["paymentMethods"] == [made.json]
    card = world.ada("billing", "POST", path, body={"type": "card", "token": "pm_1"})
    assert (card.status, card.json["validationErrors"][0]["field"]) == (422, "type")  # no gateway here
    assert world.ada("billing", "POST", path, body={"type": "card"}).json["validationErrors"][0]["field"] == "token"
    assert world.ada("billing", "DELETE", f"{path}/{made.json['id']}").status == 204
    gone = world.ada("billing", "DELETE", f"{path}/{made.json['id']}")
    assert (gone.status, gone.json["error"]["code"]) == (404, "PAYMENT_METHOD_NOT_FOUND")
    assert billing(world)["paymentMethods"] == []


def test_the_organization_follows_the_plan_of_its_own_workspace(world):
    org_id = str(fetch(Workspace, world.ws_id).org_id)
    answer = world.ada("workspaces", "POST", "/workspaces", body={"name": "Second", "slug": "second"})
    ada = logged_in()
    ada("billing", "PUT", f"/workspaces/{answer.json['id']}/billing", body={"plan": "enterprise"})
    assert fetch(Workspace, answer.json["id"]).plan == "enterprise"
    assert fetch(Organization, org_id).plan == "free"
    assert put(world, ada, plan="pro").json["plan"]["id"] == "pro"
    assert fetch(Organization, org_id).plan == "professional"
    assert put(world, ada, plan="free").status == 200
    assert fetch(Organization, org_id).plan == "free"


def test_a_plan_bought_in_one_contract_holds_in_all(world):
    assert put(world, plan="pro").status == 200
    body = {"email": "ada@example.com", "password": "correct horse"}
    tier = call("auth", "orchestrator", "POST", "/auth/login", body=body).json["user"]["subscription_tier"]
    assert tier == "pro"
