"""Stripe as the gateway: cards are kept there, invoices charged without their owner, and what it tells us is believed once and only if
it is signed."""

import time

import pytest
import time_machine

from shared.core import clock
from shared.core.errors import Invalid, Upstream
from shared.money.billing import gateways
from shared.money.billing.dunning import run_dunning
from shared.money.billing.gateways.stripe import SIGNATURE_TOLERANCE, Stripe, is_signature_valid
from shared.money.billing.monthly_close import close_periods
from tests.areas.billing_world import account_of, frozen_at, invoice_of, open_account, record_sold_usage
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Answer, Client, deadline
from tests.areas.stripe_server import KEY, SECRET, webhook


@pytest.fixture
def world(aws, stripe) -> World:
    """With a card, and usage of 10.00 in October."""
    made = create_world()
    open_account(made.ws_id, "2026-10")
    record_sold_usage(made.ws_id, "2026-10-05", 10_000_000)
    return made


def add(world: World, token: str, kind: str = "card", **more) -> Answer:
    body = {"type": kind, "token": token, **more}
    return world.ada("billing", "POST", f"/workspaces/{world.ws_id}/billing/payment-methods", body=body)


def issue() -> None:
    with frozen_at("2026-11-01"):
        close_periods(deadline())


def night(day: str) -> int:
    with frozen_at(day):
        return run_dunning(deadline())


def hook(body: str, headers: dict[str, str]) -> Answer:
    return Client()("billing", "POST", "/billing/stripe/webhook", body=body, headers=headers)


def test_a_card_is_kept_at_stripe_and_only_described_here(world, stripe):
    answer = add(world, "pm_1")
    assert (answer.status, answer.json) == (
        201,
        {"id": answer.json["id"], "type": "card", "brand": "visa", "last4": "4242", "isDefault": True},
    )
    assert add(world, "pm_1").json["id"] == answer.json["id"]
    second = add(world, "pm_sepa", "sepa_debit", isDefault=True).json
    assert (second["type"], second["isDefault"]) == ("sepa_debit", True)
    assert [path for path, _, _ in stripe.asked].count("/v1/customers") == 1
    shown = world.ada("billing", "GET", f"/workspaces/{world.ws_id}/billing").json["paymentMethods"]
    assert [(one["type"], one["isDefault"]) for one in shown] == [("card", False), ("sepa_debit", True)]
    path = f"/workspaces/{world.ws_id}/billing/payment-methods/{second['id']}"
    assert world.ada("billing", "DELETE", path).status == 204
    assert stripe.attached == {"pm_1": "cus_1"}
    assert [one["default"] for one in account_of(world.ws_id).methods] == [True]


@pytest.mark.parametrize("token", ["card_1", "nothing"])
def test_a_token_that_stripe_does_not_know(world, token):
    answer = add(world, token)
    assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, "token")
    assert account_of(world.ws_id).methods == []


def test_a_token_is_no_path(world, stripe):
    assert add(world, "pm_1/../../customers").status == 422
    with pytest.raises(Invalid):
        Stripe(KEY, stripe.url).attach("cus_1", "pm_1/detach?x=")
    assert stripe.attached == {}


def test_an_invoice_is_charged_when_it_is_issued(world, stripe):
    add(world, "pm_1")
    issue()
    assert invoice_of(world.ws_id, "2026-10").invoice.next_step == "2026-11-01"
    assert night("2026-11-01") == 1
    found = invoice_of(world.ws_id, "2026-10")
    assert (found.invoice.status, found.invoice.next_step) == ("paid", None)
    assert [(one.method, one.reference, one.amount_micros) for one in found.payments] == [("card", "pi_1", 12_300_000)]
    path, form, headers = stripe.asked[-1]
    assert (path, form["amount"], form["off_session"], form["confirm"]) == ("/v1/payment_intents", "1230", "true", "true")
    card = account_of(world.ws_id).methods[0]["id"]
    assert headers["idempotency-key"] == form["metadata[charge]"] == f"invoice-{found.invoice.id}-0-{card}-12300000"
    assert headers["stripe-version"]
    assert night("2026-11-02") == 0


def test_whoever_dies_after_the_charge_charges_once(world, stripe, monkeypatch):
    add(world, "pm_1")
    issue()

    def dying(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shared.money.billing.charging.apply_payment", dying)
        with pytest.raises(KeyboardInterrupt):
            night("2026-11-01")
    assert len(stripe.intents) == 1
    night("2026-11-01")
    assert (len(stripe.intents), len(invoice_of(world.ws_id, "2026-10").payments)) == (1, 1)


def test_a_declined_card_is_tried_every_third_day_until_it_is_overdue(world, stripe):
    add(world, "pm_1")
    stripe.behaviour["pm_1"] = "declines"
    issue()
    tried = []
    for day in range(1, 18):
        night(f"2026-11-{day:02d}")
        tried.append(len(stripe.intents))
    assert tried == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 5, 5]
    assert invoice_of(world.ws_id, "2026-10").invoice.status == "overdue"
    assert account_of(world.ws_id).status == "past_due"


def test_a_debit_that_takes_days_is_waited_for(world, stripe):
    add(world, "pm_sepa", "sepa_debit")
    stripe.behaviour["pm_sepa"] = "processes"
    issue()
    night("2026-11-01")
    invoice = invoice_of(world.ws_id, "2026-10").invoice
    assert (invoice.status, invoice.pending, invoice.next_step) == ("sent", "pi_1", "2026-11-16")
    intent = stripe.intents[0] | {"status": "succeeded", "amount_received": 1230, "payment_method_types": ["sepa_debit"]}
    for _ in range(3):
        assert hook(*webhook("payment_intent.succeeded", intent)).status == 200
    found = invoice_of(world.ws_id, "2026-10")
    assert (found.invoice.status, found.invoice.pending, len(found.payments)) == ("paid", None, 1)
    assert found.payments[0].method == "sepa_debit"
    assert account_of(world.ws_id).balance_micros == 0


def test_a_debit_that_failed_is_tried_again(world, stripe):
    add(world, "pm_sepa", "sepa_debit")
    stripe.behaviour["pm_sepa"] = "processes"
    issue()
    night("2026-11-01")
    with time_machine.travel(clock.parse("2026-11-05T10:00:00Z"), tick=False):
        for _ in range(2):
            assert hook(*webhook("payment_intent.payment_failed", stripe.intents[0], moment=clock.epoch())).status == 200
    invoice = invoice_of(world.ws_id, "2026-10").invoice
    assert (invoice.pending, invoice.next_step) == (None, "2026-11-06")
    stripe.behaviour.clear()
    night("2026-11-06")
    assert invoice_of(world.ws_id, "2026-10").invoice.status == "paid"


def test_the_webhook_and_the_answer_are_the_same_payment(world, stripe):
    add(world, "pm_1")
    issue()
    night("2026-11-01")
    assert hook(*webhook("payment_intent.succeeded", stripe.intents[0])).json == {"received": True}
    found = invoice_of(world.ws_id, "2026-10")
    assert (len(found.payments), found.invoice.paid_micros) == (1, 12_300_000)


# -- paid by whoever owes it


def pay(world: World, method_id: str) -> Answer:
    invoice = invoice_of(world.ws_id, "2026-10").invoice
    return world.ada("billing", "POST", f"/invoices/{invoice.id}/payments", body={"paymentMethodId": method_id})


def test_an_overdue_invoice_is_paid_with_a_card_and_the_workspace_is_active_again(world, stripe):
    issue()
    for day in ("2026-11-16", "2026-12-15"):
        night(day)
    assert account_of(world.ws_id).status == "suspended"
    card = add(world, "pm_1").json["id"]
    answer = pay(world, card)
    assert (answer.status, answer.json["amount"], answer.json["status"], answer.json["reference"]) == (
        201,
        12.3,
        "succeeded",
        "pi_1",
    )
    found = invoice_of(world.ws_id, "2026-10")
    assert (found.invoice.status, account_of(world.ws_id).status) == ("paid", "active")
    assert [one.id for one in found.payments] == [answer.json["id"]]
    again = pay(world, card)
    assert (again.status, again.json["error"]["details"]["reason"]) == (409, "The invoice is paid: nothing is owed")
    assert len(stripe.intents) == 1


def test_a_declined_card_may_be_tried_again(world, stripe):
    issue()
    card = add(world, "pm_1").json["id"]
    stripe.behaviour["pm_1"] = "declines"
    for _ in range(2):
        refused = pay(world, card)
        assert refused.status == 422
        [fault] = refused.json["validationErrors"]
        assert (fault["field"], fault["message"]) == ("paymentMethodId", "Your card was declined.")
    stripe.behaviour.clear()
    assert pay(world, card).status == 201
    assert len(stripe.intents) == 3


def test_a_debit_under_way_is_not_charged_twice(world, stripe):
    issue()
    debit = add(world, "pm_sepa", "sepa_debit").json["id"]
    stripe.behaviour["pm_sepa"] = "processes"
    assert pay(world, debit).json["status"] == "pending"
    assert pay(world, debit).status == 409
    assert len(stripe.intents) == 1


def test_what_cannot_be_charged(world, stripe):
    issue()
    path = f"/workspaces/{world.ws_id}/billing/payment-methods"
    transfer = world.ada("billing", "POST", path, body={"type": "bank_transfer"}).json["id"]
    for method in (transfer, "nothing"):
        assert pay(world, method).json["validationErrors"][0]["field"] == "paymentMethodId"
    invoice = invoice_of(world.ws_id, "2026-10").invoice
    for body in ({}, {"paymentMethodId": transfer, "reference": "R"}):
        assert world.ada("billing", "POST", f"/invoices/{invoice.id}/payments", body=body).status == 422
    assert stripe.intents == []


# -- what is not believed


@pytest.fixture
def intent(world) -> dict:
    issue()
    invoice = invoice_of(world.ws_id, "2026-10").invoice
    return {"id": "pi_x", "amount_received": 1230, "metadata": {"invoice_id": invoice.id}}


def unpaid(world: World) -> bool:
    found = invoice_of(world.ws_id, "2026-10")
    return found.invoice.paid_micros == 0 and found.payments == []


def test_what_stripe_did_not_sign(world, intent):
    body, headers = webhook("payment_intent.succeeded", intent)
    signature = headers["Stripe-Signature"]
    for sent, header in (
        (body, ""),
        (body, "t=,v1="),
        (body, signature.replace("v1=", "v1=0")),
        (body.replace("1230", "9999"), signature),
        (body, signature.replace("v1=", "v0=")),
        (body, "t=1,t=2," + signature),
        webhook_as_pair("payment_intent.succeeded", intent, secret="whsec_another"),
        webhook_as_pair("payment_intent.succeeded", intent, moment=time.time() - SIGNATURE_TOLERANCE - 5),
        webhook_as_pair("payment_intent.succeeded", intent, moment=time.time() + SIGNATURE_TOLERANCE + 5),
    ):
        answer = hook(sent, {"Stripe-Signature": header})
        assert (answer.status, answer.json["error"]["code"]) == (400, "INVALID_REQUEST"), header
    assert unpaid(world)
    assert hook(body, headers).status == 200
    assert not unpaid(world)


def webhook_as_pair(*about, **more) -> tuple[str, str]:
    body, headers = webhook(*about, **more)
    return body, headers["Stripe-Signature"]


def test_what_is_signed_but_not_ours(world, intent):
    strange = intent | {"metadata": {"invoice_id": "0190a0a0-0000-7000-8000-000000000000"}}
    for kind, about in (
        ("customer.created", intent),
        ("payment_intent.succeeded", intent | {"metadata": {}}),
        ("payment_intent.succeeded", intent | {"metadata": None}),
        ("payment_intent.succeeded", intent | {"amount_received": 0}),
        ("payment_intent.succeeded", strange),
        ("payment_intent.payment_failed", intent),
    ):
        assert hook(*webhook(kind, about)).json == {"received": True}
    assert unpaid(world)


@pytest.mark.parametrize("body", ["[]", "null", '{"type": 1}', "{", '{"type": "x", "data": {"object": []}}'])
def test_what_is_signed_but_cannot_be_read(stripe, aws, body):
    import hashlib
    import hmac

    second = int(time.time())
    mac = hmac.new(SECRET.encode(), f"{second}.{body}".encode(), hashlib.sha256).hexdigest()
    assert hook(body, {"Stripe-Signature": f"t={second},v1={mac}"}).status == 400


def test_without_a_secret_there_is_no_webhook(aws, monkeypatch):
    monkeypatch.delenv("STRIPE_WEBHOOK_SECRET", raising=False)
    answer = hook(*webhook("payment_intent.succeeded", {}))
    assert (answer.status, answer.json["error"]["code"]) == (404, "WEBHOOK_NOT_FOUND")


def test_a_signature_of_stripes_own_documentation_form():
    body, headers = webhook("x", {}, moment=1_000_000)
    header = headers["Stripe-Signature"]
    assert is_signature_valid(body.encode(), header, SECRET, now=1_000_000 + SIGNATURE_TOLERANCE)
    assert not is_signature_valid(body.encode(), header, SECRET, now=1_000_001 + SIGNATURE_TOLERANCE)
    assert is_signature_valid(
        body.encode(), f"v1=old,{header}", SECRET, now=1_000_000
    )  # while a secret is being changed there are two


# -- when the gateway is not well


@pytest.mark.parametrize("broken", ["500", "html"])
def test_a_broken_gateway_says_so(world, stripe, broken):
    stripe.broken = broken
    answer = add(world, "pm_1")
    assert answer.status == 503
    assert KEY not in answer.text
    assert account_of(world.ws_id).methods == []


def test_a_gateway_that_is_not_there(world, stripe, monkeypatch):
    monkeypatch.setenv("STRIPE_BASE_URL", "http://127.0.0.1:9")
    assert add(world, "pm_1").status == 503


def test_a_wrong_key_is_not_told_to_anybody(world, stripe, monkeypatch):
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_wrong")
    answer = add(world, "pm_1")
    assert answer.status == 503
    assert "sk_test" not in answer.text
    assert "sk_test" not in repr(gateways.configured_gateway())


def test_an_invoice_whose_charge_cannot_be_asked_for_stays_due(world, stripe):
    add(world, "pm_1")
    issue()
    stripe.broken = "500"
    with pytest.raises(ExceptionGroup) as failed:
        night("2026-11-01")
    assert isinstance(failed.value.exceptions[0], Upstream)
    stripe.broken = ""
    assert night("2026-11-01") == 1
    assert invoice_of(world.ws_id, "2026-10").invoice.status == "paid"


def test_a_method_of_a_gateway_that_is_gone_is_not_charged(world, stripe, monkeypatch):
    add(world, "pm_1")
    issue()
    monkeypatch.delenv("STRIPE_API_KEY")
    with pytest.raises(ExceptionGroup):
        night("2026-11-01")
    assert night("2026-11-16") == 1
    assert invoice_of(world.ws_id, "2026-10").invoice.status == "overdue"
