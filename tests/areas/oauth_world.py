"""A browser at our pages, and a requests session that sends everything to the area's handler: for real OAuth client libraries."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests_oauthlib import OAuth2Session
from urllib3 import HTTPResponse

from tests.areas.driving import Answer, Client, call

BASE = "https://cadre.example/enterprise/v1"
BACK = "https://client.example/back"


class AreaAdapter(BaseAdapter):
    """Requests of a client library, answered by the Lambda handler of the area."""

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(str(request.url))
        path = parts.path.removeprefix("/enterprise/v1") + (f"?{parts.query}" if parts.query else "")
        body = request.body.encode() if isinstance(request.body, str) else request.body
        sent = {str(name): str(value) for name, value in request.headers.items()}
        answer = call("auth", "enterprise", str(request.method), path, body=body or None, headers=sent)
        response = requests.Response()
        response.status_code, response.request, response.url = answer.status, request, str(request.url)
        response.headers.update({name: values[0] for name, values in answer.headers.items()})
        response._content = answer.body
        response.raw = HTTPResponse(body=b"", status=answer.status)
        return response

    def close(self) -> None:
        pass


def library(client_id: str, redirect_uri: str | None = BACK, **about: Any) -> OAuth2Session:
    """The client library, for one client."""
    session = OAuth2Session(client_id, redirect_uri=redirect_uri, **about)
    session.mount(BASE, AreaAdapter())
    return session


@dataclass
class Browser:
    """What a browser does at our pages: it keeps cookies, shows the forms and sends them."""

    cookies: dict[str, str] = field(default_factory=dict)
    page: Answer | None = None

    def open(self, query: str) -> Answer:
        return self._ask("GET", f"/oauth/authorize?{query}")

    def press(self, action: str, **typed: str) -> Answer:
        """Send the form of the page that is shown."""
        assert self.page is not None
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', self.page.text))
        fields = {name: unescape(value) for name, value in hidden.items()} | typed | {"action": action}
        return self.send(fields)

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
        answer = call("auth", "enterprise", method, path, body=body, headers=headers)
        for line in answer.headers.get("set-cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.page = answer if 'name="proof"' in answer.text else self.page
        return answer


def register(owner: Client, **body: Any) -> dict[str, Any]:
    answer = owner.at("enterprise")("auth", "POST", "/oauth/clients", body={"name": "Console"} | body)
    assert answer.status == 201, answer.text
    return answer.json["data"]


def returned(answer: Answer) -> dict[str, str]:
    """What the client gets in the address to which the browser is redirected."""
    assert answer.status == 303, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(str(answer.header("location"))).query).items()}
