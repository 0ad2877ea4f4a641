"""Where the browser comes back to after a login."""

from http.client import HTTPConnection
from urllib.parse import urlsplit
from urllib.request import urlopen

from cadre_cli.loopback import Loopback


def test_a_browser_in_this_terminal_gets_its_page_before_anybody_waits_for_its_answer():
    with Loopback("s-1") as loopback:
        with urlopen(f"{loopback.address}?state=s-1&code=c-1", timeout=5) as page:
            assert b"You are logged in." in page.read()
        assert loopback.wait(5) == {"state": "s-1", "code": "c-1"}


def test_the_answer_counts_also_if_the_browser_does_not_stay_for_its_page():
    with Loopback("s-1") as loopback:
        connection = HTTPConnection("127.0.0.1", urlsplit(loopback.address).port, timeout=5)
        connection.request("GET", "/callback?state=s-1&error=access_denied")
        connection.close()
        assert loopback.wait(5)["error"] == "access_denied"


def test_what_has_not_this_state_is_no_answer():
    with Loopback("s-1") as loopback:
        connection = HTTPConnection("127.0.0.1", urlsplit(loopback.address).port, timeout=5)
        connection.request("GET", "/callback?state=another&code=c-1")
        assert connection.getresponse().status == 404
        connection.close()
        assert loopback.wait(0) == {}
