"""The deploy hook: what it is sent, and what is made of its answers."""

import hmac
import json
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from functions.delivery.hook_protocol import ACTIONS, request_schema
from shared.core import outbound, posting
from shared.delivery.targets import hook_secret_of
from shared.delivery.targets.hook import Hook
from shared.delivery.targets.port import FencedOut, Figures, Placed, Release, TargetFailed

RELEASE = Release("d1", "b1", "1.0.0", "abc123", "main", None, "https://example.com/shop.git")
SECRET = "whsec_" + "A" * 44


class Receiver:
    """A deploy hook that answers what it is told to, and keeps what it was sent."""

    def __init__(self) -> None:
        self.status, self.answer, self.asked = 200, b"{}", []  # type: int, bytes, list[tuple[Any, bytes]]
        self.goes_on = Event()
        self.goes_on.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.asked.append((self.headers, self.rfile.read(int(self.headers["content-length"]))))
                receiver.goes_on.wait(30)
                self.send_response(receiver.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(receiver.answer)))
                self.end_headers()
                self.wfile.write(receiver.answer)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.hook = Hook(f"http://127.0.0.1:{self.server.server_port}/", SECRET, {"project_id": "p", "environment": "dev"})

    def answers(self, answer: Any, status: int = 200) -> Hook:
        self.status, self.answer = status, answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return self.hook


@pytest.fixture
def receiver(aws):
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()
    outbound._client().close()
    outbound._client.cache_clear()


def call(hook: Hook, action: str) -> Any:
    calls = {
        "deploy": lambda: hook.deploy(RELEASE, 3),
        "set_weights": lambda: hook.set_weights({"old": 90, "new": 10}, 3),
        "health": lambda: hook.health("new"),
        "figures": lambda: hook.figures("new", 60),
        "remove": lambda: hook.remove("new", 3),
    }
    return calls[action]()


GOOD = {
    "deploy": ({"ready": True, "version": "v7", "serving": "v6"}, Placed(True, "v7", "v6")),
    "set_weights": ({"weights": {"old": 90, "new": 10}}, None),
    "health": ({"healthy": True}, True),
    "figures": ({"requests": 10, "errors": 1, "p95_ms": 12.5}, Figures(10, 1, 12.5, 60)),
    "remove": ({}, None),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_each_request_is_signed_and_as_the_document_says(receiver, action):
    answer, result = GOOD[action]
    assert call(receiver.answers(answer), action) == result
    headers, body = receiver.asked[0]
    assert headers["X-Signature-256"] == f"sha256={hmac.digest(SECRET.encode(), body, 'sha256').hex()}"
    assert headers["webhook-signature"].startswith("v1,")
    assert set(json.loads(body)) == set(request_schema(action)["required"])


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("deploy", {}), ("deploy", {"ready": "yes"}), ("deploy", {"ready": True, "version": 7}), ("deploy", []),
        ("set_weights", {}), ("set_weights", {"weights": {"new": 100}}), ("health", {"healthy": 1}), ("health", b"<html>"),
        ("figures", {"requests": 1, "errors": 2}), ("figures", {"requests": -1, "errors": 0}), ("figures", {"requests": True, "errors": 0}),
        ("figures", {"requests": 1, "errors": 0, "p95_ms": "fast"}), ("figures", {"requests": 10**400, "errors": 0, "p95_ms": 1}),
        ("figures", {"requests": 1, "errors": 0, "p95_ms": 1e300}), ("figures", b'{"requests": 1, "errors": 0, "p95_ms": NaN}'),
        ("remove", b"x" * 2_000_000),
    ],
)  # fmt: skip
def test_rubbish_is_an_error_and_no_answer(receiver, action, answer):
    with pytest.raises(TargetFailed, match="deploy hook"):
        call(receiver.answers(answer), action)


def test_what_it_refuses_is_said_in_its_words(receiver):
    with pytest.raises(TargetFailed, match="answered 422: no such image"):
        call(receiver.answers({"message": "no such image"}, 422), "deploy")
    with pytest.raises(TargetFailed, match="answered 503"):
        call(receiver.answers({}, 503), "health")
    with pytest.raises(FencedOut):
        call(receiver.answers({}, 409), "set_weights")


def test_a_secret_is_of_its_environment_and_its_number(aws):
    assert (
        len({hook_secret_of("p/dev", 1), hook_secret_of("p/dev", 2), hook_secret_of("p/staging", 1), hook_secret_of("q/dev", 1)})
        == 4
    )


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(receiver, status):
    with pytest.raises(TargetFailed, match="redirects are not followed"):
        call(receiver.answers({"healthy": True}, status), "health")
    assert len(receiver.asked) == 1


def test_a_hook_that_is_slow_fails_at_the_deadline(receiver, monkeypatch):
    monkeypatch.setattr(posting, "SECONDS", 0.2)
    receiver.goes_on.clear()
    try:
        with pytest.raises(TargetFailed, match="No answer within"):
            call(receiver.answers({"healthy": True}), "health")
    finally:
        receiver.goes_on.set()


@pytest.mark.parametrize("found", ["10.0.0.1", "169.254.169.254", "::ffff:192.168.0.1", "::", "fd00::1"])
def test_a_name_that_leads_to_a_private_network_is_not_connected_to(aws, monkeypatch, found):
    """Also on a laptop: only this machine itself is allowed beside the internet."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, 443))])
    with pytest.raises(TargetFailed, match="not in the public internet"):
        call(Hook("https://deploy.example.com/", SECRET, {}), "health")


@pytest.mark.parametrize(
    "url",
    ["http://deploy.example.com/", "https://10.0.0.1/", "https://169.254.169.254/latest", "https://[fd00::1]/",
     "https://[::ffff:10.0.0.1]/", "https://0.0.0.0/"],
)  # fmt: skip
def test_an_environment_whose_hook_is_private_is_refused(world, url):
    body = {"target": {"kind": "hook", "url": url}}
    answer = world.ada.at("enterprise")("delivery", "PUT", f"/projects/{world.project.id}/environments/dev", body=body)
    assert (answer.status, [one["field"] for one in answer.json["error"]["details"]]) == (400, ["target.url"])


HOOK_TARGET = {"kind": "hook", "url": "https://deploy.example.com/hook"}


@pytest.mark.parametrize(
    ("target", "field"),
    [({"kind": "hook"}, "target.url"), (HOOK_TARGET | {"url": 5}, "target.url"), (HOOK_TARGET | {"port": 1}, "target.port"),
     ({"kind": "process", "command": ["run", 5]}, "target.command.1"), ({"kind": "ftp"}, "target"), ({}, "target")],
)  # fmt: skip
def test_a_field_of_a_target_is_named_as_the_client_sent_it(world, target, field):
    path = f"/projects/{world.project.id}/environments/dev"
    answer = world.ada.at("enterprise")("delivery", "PUT", path, body={"target": target})
    assert (answer.status, [one["field"] for one in answer.json["error"]["details"]]) == (400, [field])
