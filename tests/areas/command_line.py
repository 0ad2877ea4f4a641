"""`cadre` as somebody types it, and a browser in which they log in."""

import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from typer.testing import CliRunner, Result

from cadre_cli.app import app
from tests.areas.oauth_world import Browser

PASSWORD = "correct horse"


def cadre(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, words, input=typed, catch_exceptions=False)


def said(*words: str) -> Any:
    """What a command that succeeds writes as JSON."""
    result = cadre(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*words: str) -> tuple[int, dict[str, Any]]:
    """The exit status and the error of a command that fails."""
    result = cadre(*words, "--json")
    error: dict[str, Any] = json.loads(result.stderr.splitlines()[-1])["error"]
    return result.exit_code, error


def person(email: str, *, window: Callable[[], Browser] = Browser, action: str = "allow", **typed: str) -> Callable[[str], bool]:
    """What stands in for `webbrowser.open`: somebody who signs in on the page that it shows, and answers."""

    def visit(address: str) -> None:
        browser = window()
        browser.open(urlsplit(address).query)
        browser.sign_in(email, PASSWORD)
        back = browser.press(action, **typed).header("location")
        with urlopen(str(back), timeout=30) as shown:
            assert shown.status == 200

    def show(address: str) -> bool:
        threading.Thread(target=visit, args=(address,)).start()
        return True

    return show
