"""Signed URLs, by a client that knows nothing but the URL: what was signed works, anything else does not."""

import re
import urllib.error
import urllib.request
from email.message import Message
from urllib.parse import urlsplit

import pytest

from shared.core.ids import new_id
from shared.store import delete_file, download_url, get_file, head_file, put_file, upload_url

pytestmark = pytest.mark.usefixtures("engine_tables")


def send(method: str, url: str, body: bytes | None = None, **headers: str) -> tuple[int, Message, bytes]:
    request = urllib.request.Request(url, body, {k.replace("_", "-"): v for k, v in headers.items()}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers, refused.read()


def test_a_download_comes_under_its_name_from_this_machine():
    key = f"tests/{new_id()}"
    signed = download_url(key, 'May "Über" 5%.csv', "text/csv; charset=utf-8")
    put_file(key, b"a,b\r\n", "application/octet-stream")
    status, headers, body = send("GET", signed.url)
    assert (status, body) == (200, b"a,b\r\n")
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["Content-Disposition"].endswith("filename*=UTF-8''May%20%22%C3%9Cber%22%205%25.csv")
    assert urlsplit(signed.url).hostname == "127.0.0.1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", signed.expires_at)


def test_a_url_is_for_one_file_one_method_and_a_while():
    key, other = f"tests/{new_id()}", f"tests/{new_id()}"
    put_file(key, b"mine", "text/plain")
    put_file(other, b"not yours", "text/plain")
    url = download_url(key, "a.txt").url
    assert send("GET", url.replace(key, other))[0] == 403
    assert send("PUT", url, b"changed")[0] == 403
    assert send("GET", url.replace("X-Amz-Expires=900", "X-Amz-Expires=9000"))[0] == 403
    assert send("GET", download_url(key, "a.txt", seconds=-60).url)[0] in (400, 403)
    assert get_file(key) == b"mine"


def test_an_upload_is_exactly_what_was_agreed():
    key = f"tests/{new_id()}"
    url = upload_url(key, "image/png", 4).url
    assert head_file(key) is None
    assert send("PUT", url, b"four+more", Content_Type="image/png")[0] == 403
    assert send("PUT", url, b"four", Content_Type="text/html")[0] == 403
    assert head_file(key) is None
    assert send("PUT", url, b"four", Content_Type="image/png")[0] == 200
    found = head_file(key)
    assert found is not None
    assert (found.size, found.content_type) == (4, "image/png")
    delete_file(key)
    delete_file(key)
    assert head_file(key) is None
