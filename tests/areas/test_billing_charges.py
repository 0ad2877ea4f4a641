"""Charges whose result comes early, late, from elsewhere or not at all: an invoice is never charged twice and never stands still."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from shared.core import clock
from shared.core.errors import Conflict, NotFound, Upstream
from shared.money.billing import charging
from shared.money.billing.accounts import add_payment_method
from shared.money.billing.charging import ASK_AFTER, ASK_AGAIN, ask_for_charges
from shared.money.billing.dunning import run_dunning
from shared.money.billing.gateways import stripe as stripe_gateway
from shared.money.billing.monthly_close import close_periods
from shared.money.billing.payments import record_payment
from shared.money.billing.rows import CHARGES_UNDER_WAY, Invoice, Payment
from shared.money.billing.webhooks import handle_stripe_webhook
from shared.people.tenancy.rows import Workspace
from shared.store import query
from tests.areas.billing_world import PLATFORM_ADMIN, account_of, change, invoice_of, logged_in, open_account, record_sold_usage
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Answer, deadline, run_jobs
from tests.areas.stripe_server import webhook
from tests.areas.test_billing_stripe import add, issue, night
from tests.kills import Killed, concurrently, crash_at_every_write
from tests.trips import count_requests

FIRST_NIGHT = "2026-11-01T04:00:00Z"


@pytest.fixture
def travelling() -> Iterator[Any]:
    with time_machine.travel(clock.parse(FIRST_NIGHT), tick=False) as traveller:
        yield traveller


@pytest.fixture
def world(aws, stripe, travelling) -> World:
    return owing()


def owing(email: str = "ada@example.com") -> World:
    """A workspace with an invoice of 12.30 for October: to be charged tonight, due on the 15th of November. It has no card yet."""
    made = create_world(email)
    open_account(made.ws_id, "2026-10")
    record_sold_usage(made.ws_id, "2026-10-05", 10_000_000)
    issue()
    change(Invoice, invoice(made).id, next_step=FIRST_NIGHT[:10])
    return made


def invoice(world: World) -> Invoice:
    return invoice_of(world.ws_id, "2026-10").invoice


def pay(world: World, method_id: str) -> Answer:
    body = {"paymentMethodId": method_id}
    return logged_in()("billing", "POST", f"/invoices/{invoice(world).id}/payments", body=body)


def listed() -> list[str]:
    return [row.entity_id for one in CHARGES_UNDER_WAY.partitions() for row in query(Invoice, one, index=3).rows]


def paid_once(world: World) -> bool:
    found = invoice_of(world.ws_id, "2026-10")
    return (found.invoice.status, len(found.payments), found.invoice.charge, listed()) == ("paid", 1, None, [])


def later(travelling: Any, **delta: int) -> None:
    travelling.move_to(clock.now() + timedelta(**delta))


def tell(kind: str, intent: dict[str, Any]) -> None:
    """The webhook, without HTTP: it also comes while another request is served."""
    body, headers = webhook(f"payment_intent.{kind}", intent, moment=clock.epoch())
    handle_stripe_webhook(body.encode(), headers["Stripe-Signature"])


# -- the webhook overtakes our own save


@pytest.mark.parametrize("by", ["owner", "schedule"])
def test_a_failure_that_comes_before_the_answer_is_not_forgotten(world, stripe, travelling, by):
    """The gateway answers `processing`, but its webhook says `failed` first: nothing may wait for this charge any more."""
    debit = add(world, "pm_sepa", "sepa_debit").json["id"]
    stripe.behaviour["pm_sepa"] = "processes"
    stripe.before_answer = lambda intent: tell("payment_failed", intent)
    if by == "owner":
        assert pay(world, debit).status == 201
    else:
        assert run_dunning(deadline()) == 1
    row = invoice(world)
    assert (row.charge, row.pending, row.attempts, row.next_step) == (None, None, 1, "2026-11-04")
    stripe.behaviour.clear()
    stripe.before_answer = None
    assert pay(world, debit).status == 201
    assert paid_once(world)


def test_a_success_that_comes_before_the_answer_is_one_payment(world, stripe, travelling):
    debit = add(world, "pm_sepa", "sepa_debit").json["id"]
    stripe.behaviour["pm_sepa"] = "processes"
    stripe.before_answer = lambda intent: tell("succeeded", intent | {"status": "succeeded", "amount_received": 1230})
    assert pay(world, debit).status == 201
    assert paid_once(world)


def test_a_decline_that_a_webhook_tells_too_is_one_attempt(world, stripe, travelling):
    card = add(world, "pm_1").json["id"]
    stripe.behaviour["pm_1"] = "declines"
    stripe.before_answer = lambda intent: tell("payment_failed", intent)
    assert pay(world, card).status == 422
    tell("payment_failed", stripe.intents[0])
    assert (invoice(world).attempts, invoice(world).charge) == (1, None)


def test_an_old_failure_says_nothing_about_the_next_charge(world, stripe, travelling):
    debit = add(world, "pm_sepa", "sepa_debit").json["id"]
    stripe.behaviour["pm_sepa"] = "processes"
    pay(world, debit)
    tell("payment_failed", stripe.intents[0])
    pay(world, debit)
    tell("payment_failed", stripe.intents[0])
    assert (invoice(world).pending, invoice(world).attempts) == ("pi_2", 1)


# -- the answer is lost


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_second_card_pays_what_the_first_was_not_charged_for(world, stripe, travelling, lost):
    """The first card's charge never arrived, or it was declined and nobody heard of it: Stripe has kept its key then."""
    first, second = add(world, "pm_1").json["id"], add(world, "pm_2").json["id"]
    stripe.behaviour["pm_1"] = "declines"
    stripe.broken, stripe.hangs_up = ("500", False) if lost == "request" else ("", True)
    assert pay(world, first).status == 503
    stripe.broken, stripe.hangs_up = "", False
    answer = pay(world, second)
    assert (answer.status, answer.json["status"]) == (201, "succeeded"), answer.text
    assert paid_once(world)


def test_no_second_card_is_charged_while_the_gateway_is_at_work_on_the_first(world, stripe, travelling, monkeypatch):
    """Stripe took longer than we wait: its list does not show the charge yet, and that is no proof that it never arrived."""
    first, second = add(world, "pm_1").json["id"], add(world, "pm_2").json["id"]
    stripe_gateway._client().close()
    stripe_gateway._client.cache_clear()
    monkeypatch.setattr(stripe_gateway, "_TIMEOUT", 0.2)
    stripe.at_work = threading.Event()
    made = threading.Event()
    stripe.before_answer = lambda _: made.set()
    try:
        assert pay(world, first).status == 503
        assert (pay(world, second).status, ask_for_charges(deadline()), stripe.intents) == (409, 0, [])
    finally:
        stripe.at_work.set()
    assert made.wait(10)
    later(travelling, seconds=ASK_AFTER)
    assert ask_for_charges(deadline()) == 1
    assert paid_once(world)
    assert (len(stripe.intents), account_of(world.ws_id).balance_micros) == (1, 0)


def test_a_second_card_is_not_charged_if_the_first_has_paid(world, stripe, travelling):
    first, second = add(world, "pm_1").json["id"], add(world, "pm_2").json["id"]
    stripe.hangs_up = True
    assert pay(world, first).status == 503
    stripe.hangs_up = False
    refused = pay(world, second)
    assert (refused.status, refused.json["error"]["details"]["reason"]) == (409, "The invoice is paid: nothing is owed")
    assert paid_once(world)
    assert len(stripe.intents) == 1


def test_the_same_card_again_is_the_same_charge(world, stripe, travelling):
    card = add(world, "pm_1").json["id"]
    stripe.hangs_up = True
    assert pay(world, card).status == 503
    stripe.hangs_up = False
    answer = pay(world, card)
    assert (answer.status, answer.json["status"], answer.json["reference"]) == (201, "succeeded", "pi_1")
    assert paid_once(world)
    assert len(stripe.intents) == 1


def test_another_amount_is_another_charge(world, stripe, travelling):
    """A part came by transfer after the answer was lost; Stripe refuses a key that comes with another amount."""
    card = add(world, "pm_1").json["id"]
    stripe.behaviour["pm_1"], stripe.hangs_up = "declines", True
    assert pay(world, card).status == 503
    stripe.behaviour["pm_1"], stripe.hangs_up = "succeeds", False
    record_payment(PLATFORM_ADMIN, invoice(world).id, 2_300_000, "transfer", "manual", None)
    answer = pay(world, card)
    assert (answer.status, answer.json["amount"]) == (201, 10.0), answer.text
    assert [one["amount"] for one in stripe.intents] == [1230, 1000]


def test_a_customer_with_a_new_name_is_made_after_a_lost_answer(world, stripe, travelling):
    """Its key, too, contains what is sent."""
    stripe.hangs_up = True
    assert add(world, "pm_1").status == 503
    stripe.hangs_up = False
    change(Workspace, world.ws_id, name="Renamed")
    assert add(world, "pm_1").status == 201


def test_two_cards_that_are_added_at_once_can_both_be_charged(world, stripe, travelling):
    """The workspace was renamed in between, so Stripe has two customers, each with one of the cards."""

    def add_another() -> None:
        change(Workspace, world.ws_id, name="Renamed")
        add_payment_method(world.actor, world.ws_id, "card", "pm_2", False)

    with concurrently(add_another, calls={"PutItem"}) as others:
        add(world, "pm_1")
    assert (others.happened, len(set(stripe.attached.values()))) == (True, 2)
    for method in account_of(world.ws_id).methods:
        change(Invoice, invoice(world).id, status="sent", paid_micros=0)
        assert pay(world, method["id"]).status == 201
    assert [one["status"] for one in stripe.intents] == ["succeeded", "succeeded"]


def test_a_charge_without_an_answer_is_asked_for_by_the_schedule(world, stripe, travelling):
    card = add(world, "pm_1").json["id"]
    stripe.hangs_up = True
    assert pay(world, card).status == 503
    stripe.hangs_up = False
    assert listed() == [invoice(world).id]
    run_jobs("charges")
    assert paid_once(world)
    assert ask_for_charges(deadline()) == 0


def test_a_charge_that_never_arrived_is_made_again_by_dunning(world, stripe, travelling):
    add(world, "pm_1")
    stripe.broken = "500"
    with pytest.raises(ExceptionGroup):
        run_dunning(deadline())
    stripe.broken = ""
    assert ask_for_charges(deadline()) == 1
    assert (invoice(world).charge, invoice(world).attempts, invoice(world).next_step) == (None, 1, "2026-11-04")
    later(travelling, days=3)
    assert run_dunning(deadline()) == 1
    assert paid_once(world)


def test_a_process_that_dies_leaves_a_charge_that_is_asked_for_when_it_is_surely_dead(world, stripe, travelling, monkeypatch):
    card = add(world, "pm_1").json["id"]
    with monkeypatch.context() as patch:
        patch.setattr(charging, "apply_charge_result", _die)
        with pytest.raises(Killed):
            charging.pay_invoice(world.actor, invoice(world).id, card)
    assert ask_for_charges(deadline()) == 0
    assert pay(world, add(world, "pm_2").json["id"]).status == 409  # the first may still be on its way
    later(travelling, seconds=ASK_AFTER)
    assert ask_for_charges(deadline()) == 1
    assert paid_once(world)
    assert len(stripe.intents) == 1


def _die(*_: object) -> None:
    raise Killed


def test_a_debit_whose_webhook_is_lost_is_asked_for(world, stripe, travelling):
    add(world, "pm_sepa", "sepa_debit")
    stripe.behaviour["pm_sepa"] = "processes"
    run_dunning(deadline())
    later(travelling, seconds=ASK_AGAIN)
    assert ask_for_charges(deadline()) == 1
    assert (invoice(world).pending, invoice(world).charge["ask_at"]) == ("pi_1", clock.epoch() + ASK_AGAIN)
    stripe.intents[0]["status"] = "succeeded"
    later(travelling, seconds=ASK_AGAIN)
    assert ask_for_charges(deadline()) == 1
    assert paid_once(world)


def test_a_debit_that_stripe_does_not_know_any_more_has_failed(world, stripe, travelling):
    add(world, "pm_sepa", "sepa_debit")
    stripe.behaviour["pm_sepa"] = "processes"
    run_dunning(deadline())
    stripe.intents.clear()
    later(travelling, seconds=ASK_AGAIN)
    assert [ask_for_charges(deadline()) for _ in range(2)] == [1, 0]
    assert (invoice(world).charge, invoice(world).attempts, invoice(world).next_step) == (None, 1, "2026-11-04")


def test_a_gateway_that_does_not_answer_is_asked_again(world, stripe, travelling):
    card = add(world, "pm_1").json["id"]
    stripe.hangs_up = True
    pay(world, card)
    with pytest.raises(ExceptionGroup) as failed:
        ask_for_charges(deadline())
    assert isinstance(failed.value.exceptions[0], Upstream)
    stripe.hangs_up = False
    assert ask_for_charges(deadline()) == 1
    assert paid_once(world)


def test_a_suspended_workspace_whose_debit_failed_early_can_pay(world, stripe, travelling):
    """What was found: `pending` was never cleared, and paying was refused for ever."""
    for day in ("2026-11-16", "2026-12-15"):
        night(day)
    travelling.move_to(clock.parse("2026-12-16T10:00:00Z"))
    world.ada = logged_in()
    assert account_of(world.ws_id).status == "suspended"
    debit = add(world, "pm_sepa", "sepa_debit").json["id"]
    stripe.behaviour["pm_sepa"] = "processes"
    stripe.before_answer = lambda intent: tell("payment_failed", intent)
    pay(world, debit)
    stripe.before_answer = None
    assert pay(world, add(world, "pm_1").json["id"]).status == 201
    assert account_of(world.ws_id).status == "active"


# -- what can never be charged


def test_a_card_that_can_never_be_charged_moves_dunning_on(world, stripe, travelling):
    """Detached at the gateway's own pages: Stripe refuses it with 400. It is tried every third day, and then the invoice is overdue."""
    card = add(world, "pm_1").json["id"]
    stripe.attached.clear()
    assert [run_dunning(deadline()) for _ in range(3)] == [1, 0, 0]
    assert (invoice(world).attempts, invoice(world).next_step, invoice(world).charge) == (1, "2026-11-04", None)
    refused = pay(world, card)
    assert (refused.status, refused.json["validationErrors"][0]["field"]) == (422, "paymentMethodId")
    travelling.move_to(clock.parse("2026-11-16T04:00:00Z"))
    assert run_dunning(deadline()) == 1
    assert invoice(world).status == "overdue"


# -- races and deaths


@pytest.mark.parametrize("comes_back", ["at once", "days later"])
def test_the_schedule_dies_after_any_write_and_the_card_is_charged_once(world, stripe, travelling, comes_back):
    for number, process in enumerate(crash_at_every_write()):
        travelling.move_to(clock.parse(FIRST_NIGHT))
        owner = owing(f"{number}@example.com")
        add(owner, "pm_1")
        with process:
            run_dunning(deadline())
        if comes_back == "days later":
            later(travelling, seconds=ASK_AFTER)
            ask_for_charges(deadline())
            later(travelling, days=3)
        run_dunning(deadline())
        assert paid_once(owner), process.names
        assert len(stripe.intents) == number + 1


def test_two_requests_at_once_are_one_charge(world, stripe, travelling):
    """The second comes between what the first read and its first write."""
    card = add(world, "pm_1").json["id"]
    made: list[Payment] = []

    def pay_now() -> None:
        made.append(charging.pay_invoice(world.actor, invoice(world).id, card))

    with concurrently(pay_now) as first, pytest.raises(Conflict, match="nothing is owed"):
        pay_now()
    assert first.happened
    assert (len(made), len(stripe.intents)) == (1, 1)
    assert paid_once(world)


def test_two_requests_at_once_for_a_charge_under_way_are_one_charge(world, stripe, travelling):
    """The second comes while the first waits for the gateway: it sends the same charge, and both are answered the same payment."""
    card = add(world, "pm_1").json["id"]
    made: list[Payment] = []

    def pay_now() -> None:
        made.append(charging.pay_invoice(world.actor, invoice(world).id, card))

    with concurrently(pay_now, number=2) as first:
        pay_now()
    assert first.happened
    assert (len({one.id for one in made}), len(made), len(stripe.intents)) == (1, 2, 1)
    assert paid_once(world)


def test_a_charge_that_somebody_waits_for_is_not_given_up_by_another_request(world, stripe, travelling):
    """Stripe answers 409 to a key that is at work; until the first request has its answer, no other card is charged."""
    card, other = add(world, "pm_1").json["id"], add(world, "pm_2").json["id"]

    def pay_again() -> None:
        stripe.broken = "409"
        with pytest.raises(Upstream):
            charging.pay_invoice(world.actor, invoice(world).id, card)
        stripe.broken = ""
        with pytest.raises(Conflict, match="under way"):
            charging.pay_invoice(world.actor, invoice(world).id, other)

    with concurrently(pay_again, number=2) as first:
        charging.pay_invoice(world.actor, invoice(world).id, card)
    assert first.happened
    assert len(stripe.intents) == 1
    assert paid_once(world)


def test_what_a_charge_costs(world, stripe, travelling):
    add(world, "pm_1")
    with count_requests() as seen:
        assert run_dunning(deadline()) == 1
    assert seen.by_name == {"Query": 9, "BatchGetItem": 3, "PutItem": 1, "GetItem": 2, "TransactWriteItems": 1}
    with count_requests() as seen:
        assert ask_for_charges(deadline()) == 0
    assert seen.by_name == {"Query": 4}


# -- amounts that no card can pay


def test_less_than_a_card_can_pay_waits_for_the_next_invoice(world, stripe, travelling):
    """Seen: an invoice of 0.31 USD that Stripe refuses, and at the end a suspended workspace."""
    record_sold_usage(world.ws_id, "2026-11-05", 250_000)
    travelling.move_to(clock.parse("2026-12-01T02:00:00Z"))
    assert close_periods(deadline()) == 1
    with pytest.raises(NotFound):
        invoice_of(world.ws_id, "2026-11")
    record_sold_usage(world.ws_id, "2026-12-05", 500_000)
    travelling.move_to(clock.parse("2027-01-01T02:00:00Z"))
    assert close_periods(deadline()) == 1
    assert invoice_of(world.ws_id, "2026-12").invoice.subtotal_micros == 750_000


def test_a_rest_that_no_card_can_pay_suspends_nobody_and_says_what_to_do(world, stripe, travelling):
    card = add(world, "pm_1").json["id"]
    record_payment(PLATFORM_ADMIN, invoice(world).id, 12_000_000, "transfer", "manual", None)
    refused = pay(world, card)
    assert (refused.status, refused.json["validationErrors"][0]["field"]) == (422, "paymentMethodId")
    assert "pay by bank transfer" in refused.json["validationErrors"][0]["message"]
    for _ in range(60):
        later(travelling, days=1)
        run_dunning(deadline())
    assert (account_of(world.ws_id).status, stripe.intents, invoice(world).open_micros) == ("active", [], 300_000)
