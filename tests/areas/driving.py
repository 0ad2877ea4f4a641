"""Drives an area through its Lambda handler, as API Gateway would."""

import base64
import json
import time
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from shared.edge.contracts import contract as contract_named
from shared.people.identity import one_time_tokens
from shared.people.identity.one_time_tokens import Purpose

REQUEST_ID = "req-1"
EVENTS = Path(__file__).parents[2] / "events"


class Context:
    function_name = "test"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:test"
    aws_request_id = "test"


@dataclass
class Answer:
    status: int
    headers: dict[str, list[str]]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    def header(self, name: str) -> str | None:
        values = self.headers.get(name.lower())
        return values[0] if values else None


def event(contract: str, method: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """An API Gateway REST proxy event. `path` may have a query; a `body` of bytes is sent as Base64, anything else but text as JSON."""
    url = urlsplit(path)
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(url.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    raw = (
        base64.b64encode(body).decode() if isinstance(body, bytes) else body if isinstance(body, str | None) else json.dumps(body)
    )
    all_headers = {"host": "localhost", "content-type": "application/json"} | {k.lower(): v for k, v in (headers or {}).items()}
    if raw is not None:
        all_headers["content-length"] = str(len(body if isinstance(body, bytes) else raw.encode()))
    return {
        "resource": "/{proxy+}",
        "path": contract_named(contract).base + url.path,
        "httpMethod": method,
        "headers": all_headers,
        "multiValueHeaders": {name: [value] for name, value in all_headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": None,
        "stageVariables": {"contract": contract},
        "requestContext": {
            "requestId": REQUEST_ID,
            "stage": "v1",
            "identity": {"sourceIp": "192.0.2.1"},
            "httpMethod": method,
            "path": path,
        },
        "body": raw,
        "isBase64Encoded": isinstance(body, bytes),
    }


def call(area: str, contract: str, method: str, path: str, **about: Any) -> Answer:
    handler = import_module(f"functions.{area}.handler").handler
    answer = handler(event(contract, method, path, **about), Context())
    headers: dict[str, list[str]] = {name.lower(): [value] for name, value in (answer.get("headers") or {}).items()}
    headers |= {name.lower(): values for name, values in (answer.get("multiValueHeaders") or {}).items()}
    sent = base64.b64decode(answer["body"]) if answer.get("isBase64Encoded") else answer["body"].encode()
    return Answer(answer["statusCode"], headers, sent)


@dataclass
class Client:
    """A caller with a token, at one contract."""

    contract: str = "agentworks"
    token: str | None = None
    user: dict[str, Any] = field(default_factory=dict)
    refresh: str | None = None

    def __call__(self, area: str, method: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        sent = dict(headers or {})
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        return call(area, self.contract, method, path, body=body, headers=sent)

    def at(self, contract: str) -> "Client":
        return Client(contract, self.token, self.user, self.refresh)


def sign_up(name: str = "Ada Lovelace", email: str = "ada@example.com", password: str = "correct horse") -> Client:
    answer = call("auth", "agentworks", "POST", "/auth/register", body={"name": name, "email": email, "password": password})
    assert answer.status == 201, answer.text
    return Client("agentworks", answer.json["token"], answer.json["user"], answer.json["refreshToken"])


def confirm_address(client: Client) -> Client:
    """Confirm the address of somebody who is logged in, as the link in their mail does."""
    token, _ = one_time_tokens.issue(Purpose.VERIFY, client.user["id"], email=client.user["email"])
    answer = client.at("agentworks")("auth", "POST", "/auth/verify-email", body={"token": token})
    assert answer.status == 200, answer.text
    return client


def deadline(seconds: float = 60) -> float:
    """The value of `time.monotonic` at which a scheduled job has to stop."""
    return time.monotonic() + seconds


def run_jobs(*jobs: str) -> None:
    """Call the function `scheduled` as a rule for these jobs does."""
    from functions.scheduled.handler import handler

    handler(json.loads((EVENTS / "schedule.json").read_text()) | {"detail": {"jobs": jobs}}, Context())
