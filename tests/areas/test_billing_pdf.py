"""Invoices and credit notes as PDF: the same bytes each time, all that they must say, behind a URL that ends."""

import os
import re
import subprocess
import sys
import zlib
from base64 import a85decode
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from shared.money.billing.pdf import credit_note_pdf, invoice_pdf
from shared.money.billing.reading import get_invoice_with_payments
from shared.money.billing.rows import Invoice
from tests.areas.billing_world import PLATFORM_ADMIN, invoice_with_credit_note
from tests.areas.boards_world import World, create_world


@pytest.fixture
def world(aws) -> World:
    bucket = boto3.resource("s3").Bucket("files")
    bucket.objects.all().delete()
    return create_world()


def bucket_keys() -> list[str]:
    return [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket="files").get("Contents", [])]


def test_an_invoice_is_made_once_and_fetched_by_a_signed_url(world):
    invoice_id, note_id = invoice_with_credit_note(world.ws_id)
    answer = world.ada("billing", "GET", f"/invoices/{invoice_id}/pdf")
    assert answer.status == 200, answer.text
    url = urlsplit(answer.json["downloadUrl"])
    number = get_invoice_with_payments(PLATFORM_ADMIN, invoice_id).invoice.number
    asked = parse_qs(url.query)
    assert f'filename="{number}.pdf"' in asked["response-content-disposition"][0]
    assert asked["response-content-type"] == ["application/pdf"]
    assert asked["X-Amz-Expires"] == ["900"]
    [key] = bucket_keys()
    assert url.path.endswith(key)
    kept = boto3.client("s3").get_object(Bucket="files", Key=key)
    assert kept["ContentType"] == "application/pdf"
    assert kept["Body"].read() == invoice_pdf(get_invoice_with_payments(PLATFORM_ADMIN, invoice_id).invoice)
    modified = kept["LastModified"]
    world.ada("billing", "GET", f"/invoices/{invoice_id}/pdf")
    assert boto3.client("s3").get_object(Bucket="files", Key=key)["LastModified"] == modified
    note = world.ada("billing", "GET", f"/invoices/{invoice_id}/credit-notes/{note_id}/pdf")
    assert note.status == 200
    assert len(bucket_keys()) == 2
    other = world.ada("billing", "GET", f"/invoices/{invoice_id}/credit-notes/{invoice_id}/pdf")
    assert (other.status, other.json["error"]["code"]) == (404, "CREDIT_NOTE_NOT_FOUND")


def an_invoice(**more) -> Invoice:
    about = {
        "number": "INV-ABC-000001",
        "period": "2026-10",
        "start": "2026-10-01",
        "end": "2026-10-31",
        "customer": {
            "name": "Ada Lovelace & Co",
            "email": "ada@example.com",
            "address": {"line1": "Hauptstr. 1", "city": "Berlin", "postalCode": "10115", "country": "DE"},
            "tax_id": "DE123456789",
        },
        "seller": {"name": "Cadre", "address": "1 Main Street\nDublin", "country": "IE", "tax_id": "IE1234567A"},
        "lines": [
            {"description": f"Agent usage: {name}", "quantity": 1, "unit_micros": 250_000, "amount_micros": 250_000}
            for name in ("PRD Agent, 1 call", "QA Agent, 1 call")
        ],
        "usage_micros": 500_000,
        "subtotal_micros": 500_000,
        "tax": {"country": "DE", "basis_points": 0, "kind": "reverse", "note": "Reverse charge"},
        "tax_micros": 0,
        "total_micros": 500_000,
        "issued_at": "2026-11-01T02:00:00.000Z",
        "due_date": "2026-11-15",
    }
    return Invoice.new("0190a0a0-0000-7000-8000-000000000000", **(about | more))


def drawn(pdf: bytes) -> list[list[str]]:
    """The page streams' text, a list of what is drawn for each page. Vera is embedded in subsets: its codes are mapped back."""
    maps = []
    streams = []
    for found in re.finditer(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        try:
            raw = zlib.decompress(a85decode(found[1].strip(), adobe=False) if found[1].strip().endswith(b"~>") else found[1])
        except (zlib.error, ValueError):
            raw = zlib.decompress(a85decode(b"<~" + found[1].strip(), adobe=True))
        if b"begincmap" in raw:
            maps.append(raw)
        elif b" Tj" in raw:
            streams.append(raw)
    assert maps
    return [re.findall(r"\((.*?)\) Tj", stream.decode("latin-1")) for stream in streams]


def test_the_same_invoice_is_the_same_file_in_every_process():
    here = invoice_pdf(an_invoice())
    assert here.startswith(b"%PDF-")
    script = (
        "import hashlib; from tests.areas.test_billing_pdf import an_invoice; from shared.money.billing.pdf import invoice_pdf;"
        "import sys; sys.stdout.buffer.write(invoice_pdf(an_invoice()))"
    )
    for seed in ("1", "2"):
        done = subprocess.run(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-c", script], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )
        assert done.stdout == here


def test_it_says_what_an_invoice_must_say():
    words = " ".join(text for page in drawn(invoice_pdf(an_invoice())) for text in page)
    for said in (
        "Invoice",
        "INV-ABC-000001",
        "Cadre",
        "Dublin",
        "Tax id IE1234567A",
        "Ada Lovelace & Co",
        "10115 Berlin",
        "Tax id DE123456789",
        "2026-11-01",
        "2026-10-01 to 2026-10-31",
        "Agent usage: PRD Agent, 1 call",
        "0.25",
        "USD 0.50",
        "Reverse charge",
        "Please pay by 2026-11-15",
    ):
        assert said in words, said


def test_many_lines_take_many_pages_and_long_words_are_broken():
    line = {"description": "W" * 300, "quantity": 1, "unit_micros": 1, "amount_micros": 1}
    pages = drawn(invoice_pdf(an_invoice(lines=[line] * 60)))
    assert len(pages) > 3
    assert max(len(text) for page in pages for text in page if set(text) == {"W"}) < 40


@pytest.mark.parametrize("name", ["Zażółć", "Ελλάδα", "株式会社", "🙂", "a\\b(c)", "x" * 500, ""])
def test_any_name_can_be_set(name):
    customer = {"name": name, "email": "a@example.com", "address": None, "tax_id": None}
    assert invoice_pdf(an_invoice(customer=customer)).endswith(b"%%EOF\n")


def test_a_credit_note_has_negative_lines(world):
    invoice_id, _ = invoice_with_credit_note(world.ws_id)
    found = get_invoice_with_payments(PLATFORM_ADMIN, invoice_id)
    words = " ".join(text for page in drawn(credit_note_pdf(found.credit_notes[0], found.invoice)) for text in page)
    assert "Credit note" in words
    assert found.credit_notes[0].number in words
    assert found.invoice.number in words
    assert "-2.00" in words
    assert "USD -2.46" in words
