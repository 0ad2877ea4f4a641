"""Identity across functions: events lead to mails that can be read on this machine, and a browser signs in at a provider."""

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from local.demo import http
from local.stack import LocalStack
from tests.areas.identity_provider import IdentityProvider
from tests.waiting import eventually

PASSWORD, NEW = "correct horse", "battery staple"


class Person:
    def __init__(self, stack: LocalStack) -> None:
        self.stack, self.email = stack, f"ada-{time.time_ns()}@example.com"

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        return http().request(method, self.stack.url("agentworks") + path, json=body, headers=headers)

    def mail(self, subject: str, also: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The newest mail to this person with a subject, as the front door shows it."""

        def look() -> list[dict[str, Any]]:
            mails = http().get(f"{self.stack.root}/local/mail").json()["mails"]
            return [one for one in mails if one["to"] == [self.email] and one["subject"] == subject and also(one)]

        return dict(eventually(look)[0])


@pytest.fixture
def ada(stack: LocalStack) -> Person:
    return Person(stack)


def token_in(mail: dict[str, Any]) -> str:
    found = re.search(r"token=([\w-]{43})$", mail["text"], re.MULTILINE)
    assert found, mail
    return found[1]


def test_from_registration_to_a_new_password_by_mail(stack: LocalStack, ada: Person) -> None:
    registered = ada("POST", "/auth/register", {"name": "Ada <Lovelace>", "email": ada.email, "password": PASSWORD})
    assert (registered.status_code, registered.json()["emailVerificationRequired"]) == (201, True)
    bearer = {"Authorization": f"Bearer {registered.json()['token']}"}
    welcome = ada.mail("Confirm your e-mail address")
    assert http().get(f"{stack.root}/verify-email?token={token_in(welcome)}").status_code == 200
    assert f"{stack.root}/verify-email?token=" in welcome["text"]
    assert "Lovelace" not in welcome["html"], "whoever registered may be a stranger"
    assert ada("POST", "/auth/verify-email", {"token": token_in(welcome)}, **bearer).json() == {"emailVerified": True}
    assert ada("GET", "/auth/me", **bearer).json()["emailVerified"] is True
    assert ada("POST", "/auth/resend-verification", **bearer).status_code == 202

    assert ada("POST", "/auth/forgot-password", {"email": ada.email}).status_code == 202
    reset = {"token": token_in(ada.mail("Choose a new password")), "newPassword": NEW}
    assert ada("POST", "/auth/reset-password", reset).status_code == 204
    assert ada("POST", "/auth/reset-password", reset).status_code == 401
    assert ada("GET", "/auth/me", **bearer).status_code == 401
    assert ada("POST", "/auth/login", {"email": ada.email, "password": NEW}).status_code == 200
    assert "was changed on" in ada.mail("Your password was changed")["text"]
    shown = http().get(f"{stack.root}/local/mail", headers={"Accept": "text/html"}).text
    assert ada.email in shown


def test_what_asks_for_a_mail_is_not_logged(stack: LocalStack, ada: Person) -> None:
    ada("POST", "/auth/register", {"name": "Ada", "email": ada.email, "password": PASSWORD})
    token = token_in(ada.mail("Confirm your e-mail address"))
    logs = stack.boto("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    said = "".join(event["message"] for group in groups for event in logs.filter_log_events(logGroupName=group)["events"])
    assert re.search(r'"kind": ?"verify_email"', said)
    assert token not in said
    assert ada.email not in said


def test_a_browser_signs_in_at_a_provider(stack: LocalStack, ada: Person, identity_provider: IdentityProvider) -> None:
    identity_provider.person = {"sub": ada.email, "email": ada.email, "email_verified": True, "name": "Ada Lovelace"}
    start = ada("GET", "/auth/oauth/corp")
    assert start.status_code == 302, start.text
    cookie = start.headers["set-cookie"].partition(";")[0]
    back = http().get(start.headers["location"]).headers["location"]
    assert back.startswith(f"{stack.url('agentworks')}/auth/oauth/corp/callback?")
    query = urlsplit(back).query
    foreign = ada("GET", f"/auth/oauth/corp/callback?{query}")
    assert foreign.status_code == 401
    done = ada("GET", f"/auth/oauth/corp/callback?{query}", Cookie=cookie)
    assert (done.status_code, done.json()["isNewUser"]) == (200, True), done.text
    session = next(one for one in done.headers.get_list("set-cookie") if one.startswith("__Host-cadre_session="))
    me = ada("GET", "/auth/me", Cookie=session.partition(";")[0])
    assert (me.json()["email"], me.json()["emailVerified"]) == (ada.email, True)
    workspaces = ada("GET", "/workspaces", Authorization=f"Bearer {done.json()['token']}").json()
    assert [one["role"] for one in workspaces["workspaces"]] == ["owner"]
