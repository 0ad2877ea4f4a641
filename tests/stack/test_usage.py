"""Usage on the deployed stack: files behind signed addresses, made at once or by the queue's worker; letters about a month's shares."""

import csv
import io
import json
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from decimal import Decimal
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from local.stack import LocalStack
from tests.stack.test_identity import token_in
from tests.stack.test_runs import PAID, Shop, ended, shop
from tests.stack.test_sockets import ROOT, environment
from tests.waiting import eventually

__all__ = ["shop"]  # the fixture
MANY = 2_100  # more than are made at once
MAY = "startDate=2026-05-01&endDate=2026-05-31"


def download(url: str) -> tuple[int, Message, bytes]:
    """As anybody who has the address and nothing else."""
    try:
        with urllib.request.urlopen(url, timeout=120) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers, refused.read()


def export(shop: Shop, query: str) -> dict[str, Any]:
    status, answer = shop("GET", f"/workspaces/{shop.workspace}/usage/export?{query}")
    assert status == 200, answer
    return dict(answer)


def test_a_run_is_paid_exported_and_downloaded(shop: Shop) -> None:
    run = shop.until(shop.start(shop.card(1), **PAID), ended)
    assert run["status"] == "completed"
    usage = shop("GET", f"/workspaces/{shop.workspace}/usage?breakdown=agent")[1]
    days = "startDate={start}&endDate={end}".format(**usage["summary"]["period"])
    made = export(shop, f"format=csv&{days}&includeDetails=true")
    assert made["status"] == "completed"
    assert urlsplit(made["downloadUrl"]).hostname in ("127.0.0.1", "localhost")
    status, headers, body = download(made["downloadUrl"])
    assert (status, headers["Content-Type"]) == (200, "text/csv; charset=utf-8; header=present")
    assert headers["Content-Disposition"].startswith('attachment; filename="usage-lines-')
    rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    assert {row["runId"] for row in rows} == {run["id"]}
    assert float(sum(Decimal(row["priceUsd"]) for row in rows)) == run["customerPrice"] == usage["summary"]["totalPrice"] > 0
    assert len(rows) == usage["summary"]["totalCalls"]
    assert download(made["downloadUrl"].replace("X-Amz-Expires=3600", "X-Amz-Expires=36000"))[0] == 403
    workbook = download(export(shop, f"format=xlsx&{days}")["downloadUrl"])[2]
    assert zipfile.ZipFile(io.BytesIO(workbook)).testzip() is None
    totals = json.loads(download(export(shop, f"format=json&{days}")["downloadUrl"])[2])["totals"]
    assert (totals["calls"], totals["priceUsd"]) == (len(rows), run["customerPrice"])


def test_a_large_export_goes_through_the_queue(shop: Shop, stack: LocalStack) -> None:
    subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "tests.stack.ledger_writer", shop.workspace, shop.project, str(MANY)],
        cwd=ROOT,
        env=environment(stack),
        check=True,
    )
    made = export(shop, f"format=csv&{MAY}&includeDetails=true")
    assert made["status"] == "pending"
    told = eventually(
        lambda: shop("GET", f"/exports/{made['exportId']}")[1], lambda export: export["status"] in ("completed", "failed")
    )
    assert (told["status"], told["rows"], told["progress"]) == ("completed", MANY, 100)
    for url in (made["downloadUrl"], told["downloadUrl"]):  # the one that was given before there was a file works now
        status, _, body = download(url)
        assert status == 200
        rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        assert sum(Decimal(row["costUsd"]) for row in rows) * 1_000_000 == sum(range(MANY))
    assert export(shop, f"format=csv&{MAY}&includeDetails=true")["status"] == "completed"


def test_a_share_of_the_month_is_written_about(shop: Shop, stack: LocalStack) -> None:
    """Ledger, stream, queue, mailer; to an address that its owner has confirmed."""
    address = shop("GET", "/auth/me")[1]["email"]

    def mails() -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{stack.root}/local/mail", timeout=120) as answer:
            return [one for one in json.loads(answer.read())["mails"] if address in one["to"]]

    welcome = eventually(lambda: [one for one in mails() if one["subject"].startswith("Confirm")])[0]
    assert shop("POST", "/auth/verify-email", {"token": token_in(welcome)}) == (200, {"emailVerified": True})
    shop.settings(maxMonthlyUsage=0.6)
    shop.start(shop.card(1), **PAID)

    def subjects() -> list[str]:
        return [one["subject"] for one in mails() if "of its month" in one["subject"]]

    assert eventually(subjects)[-1].endswith("% of its month")
