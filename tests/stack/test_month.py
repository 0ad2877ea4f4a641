"""A team's month, from signing up to the invoice that was paid: requests and mails, and the clock moved on by hand."""

import datetime
import subprocess
import sys
import time
from typing import Any

import pytest

from local.demo import Api
from local.stack import LocalStack
from tests.stack.test_billing import admin, open_since, tick
from tests.stack.test_journey import PASSWORD, Person, mail_to, micros, refused, sign_up, token_in, with_a_board
from tests.stack.test_sockets import ROOT, environment
from tests.waiting import eventually

LINES = 20
TODAY = datetime.datetime.now(datetime.UTC).date()
THIS_MONTH = TODAY.replace(day=1)
LAST_MONTH = (THIS_MONTH - datetime.timedelta(days=1)).replace(day=1)


@pytest.fixture
def ada(stack: LocalStack) -> Person:
    return with_a_board(sign_up(stack, "ada"))


def joined(stack: LocalStack, ada: Person) -> Person:
    """Somebody whom Ada invited by mail, and who signed up with what stood in it."""
    bob = Person(stack, f"bob-{time.time_ns()}@example.com")
    made = ada("POST", f"/workspaces/{ada.workspace}/members/invite", {"email": bob.email, "role": "member"})
    assert made["invitation"]["email"] == bob.email
    token = token_in(mail_to(stack, bob.email, "invites you"))
    body = {"name": "Bob", "email": bob.email, "password": PASSWORD, "invitationToken": token}
    bob.token = Api(stack.url("agentworks"))("POST", "/auth/register", body)["token"]
    bob.workspace, bob.project, bob.board, bob.lanes = ada.workspace, ada.project, ada.board, ada.lanes
    return bob


def test_a_teams_month(stack: LocalStack, ada: Person) -> None:
    ada("POST", "/auth/verify-email", {"token": token_in(mail_to(stack, ada.email, "Confirm"))})
    assert ada("GET", "/auth/me")["emailVerified"] is True
    bob = joined(stack, ada)
    members = ada("GET", f"/workspaces/{ada.workspace}/members")
    assert [one["role"] for one in members["members"]] == ["owner", "member"]
    assert members["invitations"] == []

    run = bob.work(bob.card(1), "prd")
    billing = f"/workspaces/{ada.workspace}/billing"
    assert refused(lambda: bob("GET", billing)) == 403
    address = {"line1": "1 Main Street", "city": "Dublin", "postalCode": "D01", "country": "IE"}
    ada("PUT", billing, {"plan": "pro", "billingAddress": address, "billingEmail": ada.email})
    coming = ada("GET", billing)["upcomingInvoice"]
    assert coming["period"]["start"].startswith(str(THIS_MONTH))
    assert micros(sum(line["amount"] for line in coming["lineItems"])) == micros(run["customerPrice"]) + 49_000_000

    subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "tests.stack.ledger_writer", ada.workspace, ada.project, str(LINES), str(LAST_MONTH)],
        cwd=ROOT, env=environment(stack), check=True,
    )  # fmt: skip
    end = THIS_MONTH - datetime.timedelta(days=1)
    used = ada("GET", f"/workspaces/{ada.workspace}/usage", startDate=str(LAST_MONTH), endDate=str(end))["summary"]
    assert micros(used["totalPrice"]) == 5 * sum(range(LINES))
    open_since(stack, ada.workspace, str(LAST_MONTH)[:7], str(THIS_MONTH))
    for _ in range(2):  # safe to run twice
        tick(stack, "billing-close")

    def invoices() -> list[dict[str, Any]]:
        return list(ada("GET", f"{billing}/invoices")["invoices"])

    (issued,) = eventually(invoices, bool)
    invoice = ada("GET", f"/invoices/{issued['id']}")
    usage = [line for line in invoice["lineItems"] if line["description"].startswith("Agent usage")]
    assert micros(sum(line["amount"] for line in usage)) == micros(used["totalPrice"])
    assert micros(sum(line["amount"] for line in invoice["lineItems"])) == micros(invoice["subtotal"]) == 49_000_000
    assert (invoice["status"], invoice["tax"], invoice["total"]) == ("sent", 11.27, 60.27)
    assert invoice["invoiceNumber"] in mail_to(stack, ada.email, invoice["invoiceNumber"])

    assert admin(stack, ada.email).returncode == 0
    ada("POST", f"/invoices/{invoice['id']}/payments", {"reference": "Bank 1"})
    paid = ada("GET", f"/invoices/{invoice['id']}")
    assert (paid["status"], [one["amount"] for one in paid["payments"]]) == ("paid", [60.27])
    now = ada("GET", billing)
    assert (now["account"]["status"], now["upcomingInvoice"]["period"]["start"][:10]) == ("active", str(THIS_MONTH))
    assert (
        micros(sum(line["amount"] for line in now["upcomingInvoice"]["lineItems"])) == micros(run["customerPrice"]) + 49_000_000
    )
