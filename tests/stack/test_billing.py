"""A month becomes an invoice on the deployed stack: the clock's function, the stream, the mail, the file."""

import subprocess
import urllib.request
from typing import Any

from local.stack import LocalStack
from tests.stack.test_as_on_aws import invoke
from tests.stack.test_journey import Person, mail_to, sign_up, token_in
from tests.stack.test_redrive import tool
from tests.waiting import eventually


def table(stack: LocalStack, name: str) -> str:
    (found,) = [one for one in stack.boto("dynamodb").list_tables()["TableNames"] if f"data-{name}" in one]
    return str(found)


def open_since(stack: LocalStack, ws_id: str, period: str, due: str) -> None:
    """The account's open period is one that is over, to be billed on the day `due`."""
    stack.boto("dynamodb").update_item(
        TableName=table(stack, "Core"),
        Key={"PK": {"S": f"BILLING#{ws_id}"}, "SK": {"S": "META"}},
        UpdateExpression="SET period = :p, GSI1SK = :d",
        ConditionExpression="attribute_exists(PK)",
        ExpressionAttributeValues={":p": {"S": period}, ":d": {"S": f"{due}#{ws_id}"}},
    )


def admin(stack: LocalStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`make admin` beside `make run`."""
    return tool(stack, "admin", *arguments)


def tick(stack: LocalStack, job: str) -> None:
    invoke(stack, "scheduled", {"detail": {"jobs": [job]}})


def mails(stack: LocalStack) -> str:
    with urllib.request.urlopen(f"{stack.root}/local/mail") as answer:
        return str(answer.read().decode())


def test_a_month_becomes_an_invoice_a_mail_and_a_file(stack: LocalStack) -> None:
    ada: Person = sign_up(stack, "ada")
    ws_id = ada("GET", "/workspaces")["workspaces"][0]["id"]
    address = {"line1": "1 Main Street", "city": "Dublin", "postalCode": "D01", "country": "IE"}
    assert ada("PUT", f"/workspaces/{ws_id}/billing", {"plan": "pro", "billingAddress": address})["plan"]["id"] == "pro"
    open_since(stack, ws_id, "2026-01", "2026-02-01")
    for _ in range(2):
        tick(stack, "billing-close")

    def invoices(_: Any = None) -> Any:
        return ada("GET", f"/workspaces/{ws_id}/billing/invoices")["invoices"]

    months = [one["period"]["start"][:7] for one in eventually(invoices, bool)]
    assert months[-1] == "2026-01"
    assert len(months) == len(set(months))
    oldest = invoices()[-1]
    assert (oldest["subtotal"], oldest["tax"], oldest["total"], oldest["status"]) == (49.0, 11.27, 60.27, "sent")
    assert [int(one["invoiceNumber"][-6:]) for one in invoices()] == list(range(len(months), 0, -1))
    eventually(lambda: mails(stack), lambda text: oldest["invoiceNumber"] in text)
    url = ada("GET", f"/invoices/{oldest['id']}/pdf")["downloadUrl"]
    with urllib.request.urlopen(url) as answer:
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.read().startswith(b"%PDF-")

    assert "not confirmed" in admin(stack, ada.email).stderr
    ada("POST", "/auth/verify-email", {"token": token_in(mail_to(stack, ada.email, "Confirm"))})
    assert admin(stack, ada.email).stdout == f"{ada.email} is now an administrator of the platform\n"
    assert ada.email in admin(stack).stdout.splitlines()
    assert ada("POST", f"/invoices/{oldest['id']}/payments", {"reference": "IBAN 1"})["amount"] == 60.27
    assert ada("GET", f"/invoices/{oldest['id']}")["status"] == "paid"
    assert admin(stack, ada.email, "--revoke").returncode == 0
    tick(stack, "invoices-overdue")
