"""What a file is called and what it is, before it is attached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.work.attachments.file_types import MATCHERS, MAX_NAME_BYTES, allowed_content_type, matches_content_type, safe_filename


@pytest.mark.parametrize(
    ("given_", "name"),
    [
        ("plan.pdf", "plan.pdf"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("..", "file"),
        ("", "file"),
        (" . ", "file"),
        ("\u3164\ufe0f", "file"),
        (".env", "env"),
        ("a\x00b\r\nc.txt", "abc.txt"),
        ("cv\u202efdp.exe", "cvfdp.exe"),
        ("what?*.txt", "what__.txt"),
        ("e\u0301te\u0301.txt", "été.txt"),
        ("two  words.txt ", "two words.txt"),
    ],
)
def test_a_name_is_made_safe(given_, name):
    assert safe_filename(given_) == name


@given(st.text(max_size=400))
def test_any_name_becomes_a_safe_one(given_):
    name = safe_filename(given_)
    assert 0 < len(name.encode()) <= MAX_NAME_BYTES
    assert not set(name) & set('/\\<>:"|?*\0\r\n')
    assert name not in (".", "..")
    assert safe_filename(name) == name


def test_a_long_name_keeps_its_extension():
    assert safe_filename("ü" * 300 + ".pdf") == "ü" * 98 + ".pdf"


@pytest.mark.parametrize(
    ("kind", "start", "fits"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\n....", True),
        ("image/png", b"GIF89a", False),
        ("image/webp", b"RIFF\x10\0\0\0WEBPVP8 ", True),
        ("image/webp", b"RIFF\x10\0\0\0WAVEfmt ", False),
        ("application/pdf", b"\n%PDF-1.7", True),
        ("application/pdf", b"<html>", False),
        ("video/mp4", b"\0\0\0\x18ftypmp42", True),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04", True),
        ("text/plain", "Grüße".encode()[:-1], True),
        ("text/plain", "Grüße".encode("utf-16"), True),
        ("text/plain", b"MZ\x90\0\x03", False),
        ("text/csv", b"\x80\x81\x82\x83\x84\x85", False),
    ],
)
def test_the_first_bytes_tell(kind, start, fits):
    assert matches_content_type(kind, start) is fits


@given(kind=st.sampled_from(sorted(MATCHERS)), start=st.binary(max_size=64))
def test_any_bytes_are_looked_at(kind, start):
    assert matches_content_type(kind, start) in (True, False)


def test_a_type_has_no_parameters():
    assert allowed_content_type("Text/Plain; charset=utf-8") == "text/plain"
    assert allowed_content_type("text/html") is allowed_content_type("") is allowed_content_type("application/x-sh") is None
