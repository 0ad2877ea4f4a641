"""A browser at our pages, and a real OAuth client library whose requests go to the functions."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from requests_oauthlib import OAuth2Session

from tests.areas.driving import Answer, Client, call
from tests.areas.handlers import Functions

BASE = "https://enterprise.test"
BACK = "https://client.example/back"
AREA = partial(call, "auth", "enterprise")


def library(client_id: str, redirect_uri: str | None = BACK, **about: Any) -> OAuth2Session:
    """The client library, for one client."""
    session = OAuth2Session(client_id, redirect_uri=redirect_uri, **about)
    session.mount(BASE, Functions())
    return session


@dataclass
class Browser:
    """What a browser does at our pages: it keeps cookies, shows the forms and sends them."""

    cookies: dict[str, str] = field(default_factory=dict)
    page: Answer | None = None
    send_to: Callable[..., Answer] = AREA

    def open(self, query: str) -> Answer:
        return self._ask("GET", f"/oauth/authorize?{query}")

    def press(self, action: str, **typed: str) -> Answer:
        """Send the form of the page that is shown."""
        return self.send(self.fields | typed | {"action": action})

    @property
    def fields(self) -> dict[str, str]:
        """The hidden fields of the page that is shown."""
        assert self.page is not None
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', self.page.text)
        return {name: unescape(value) for name, value in hidden}

    def send(self, fields: dict[str, str]) -> Answer:
        answer = self._ask("POST", "/oauth/authorize", urlencode(fields))
        place = answer.header("location")
        if place and place.startswith("authorize?"):
            return self.open(place.partition("?")[2])
        return answer

    def sign_in(self, email: str, password: str = "correct horse") -> Answer:
        return self.press("sign_in", email=email, password=password)

    def _ask(self, method: str, path: str, body: str | None = None) -> Answer:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        answer = self.send_to(method, path, body=body, headers=headers)
        for line in answer.headers.get("set-cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.page = answer if 'name="proof"' in answer.text else self.page
        return answer


def browser_at(url: str) -> Browser:
    """A browser at a platform that is deployed, by the address of enterprise there."""

    def send(method: str, path: str, *, body: str | None = None, headers: dict[str, str]) -> Answer:
        sent = httpx2.request(method, url + path, content=body, headers=headers, follow_redirects=False, timeout=60)
        names = {name.lower() for name in sent.headers}
        return Answer(sent.status_code, {name: sent.headers.get_list(name) for name in names}, sent.content)

    return Browser(send_to=send)


def register(owner: Client, **body: Any) -> dict[str, Any]:
    answer = owner.at("enterprise")("auth", "POST", "/oauth/clients", body={"name": "Console"} | body)
    assert answer.status == 201, answer.text
    return answer.json["data"]


def returned(answer: Answer) -> dict[str, str]:
    """What the client gets in the address to which the browser is redirected."""
    assert answer.status in (302, 303), answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(str(answer.header("location"))).query).items()}
