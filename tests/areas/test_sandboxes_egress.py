"""What sandboxes ask of hosts outside: by their list, within limits, with secrets that they never see."""

import base64
import html
import json
import socket
from dataclasses import replace
from urllib.parse import quote

import pytest

from shared.core import networks, outbound, posting
from shared.core.actor import Role
from shared.core.errors import Invalid
from shared.core.settings import settings
from shared.people.tenancy.organizations import set_status as set_organization_status
from shared.sandboxes.configuration.changing import Changes, change_configuration
from shared.sandboxes.egress import asking
from shared.sandboxes.egress.hosts import allowed_host
from shared.sandboxes.egress.secrets import cut_out
from shared.sandboxes.lifecycle.configuring import SandboxChanges, change_sandbox
from shared.store.client import dynamodb
from tests.areas.driving import Answer, sign_up
from tests.areas.receiver import Received, closes, drips, hangs, rubbish, says
from tests.areas.sandbox_links import Agent, running

CANARY = "canary-7f3a/9c+e1=\"<&'"
NAMED = {"Authorization": "Bearer ${PAYMENTS_KEY}"}


@pytest.fixture
def agent(world, gateway, receiver) -> Agent:
    """A running sandbox that may ask the receiver."""
    made = running(gateway, world)
    change_sandbox(world.actor, made.id, SandboxChanges(allowed_hosts=[f"localhost:{receiver.port}", "*.example.com"]))
    change_configuration(world.actor, world.ws_id, Changes(secrets={"PAYMENTS_KEY": CANARY, "MODEL_KEY": "sk-" + "m" * 30}))
    return made


def ask(agent: Agent, receiver, path: str = "/x", **more) -> Answer:
    body = {"method": "GET", "url": f"http://localhost:{receiver.port}{path}"} | more
    return agent.ask("sandboxes", "POST", f"/sandboxes/sb_{agent.id}/egress", body)


def log_of(world, agent: Agent) -> list[str]:
    shown = world.ada.at("aintandem")("sandboxes", "GET", f"/sandboxes/{agent.id}/logs").json["data"]["logs"]
    return [line["message"] for line in shown]


def test_a_host_of_the_list_is_asked_and_the_log_says_it(world, agent, receiver):
    receiver.usual = says(201, '{"made": true}', Content_Type="application/json", Connection="close", X_Limit="7")
    answer = ask(agent, receiver, "/orders?token=abc", method="PATCH", headers={"X-Trace": "t", "Host": "evil"}, body="Grüße")
    assert answer.status == 200, answer.text
    data = answer.json["data"]
    assert (data["status"], data["body"], data["encoding"], data["truncated"]) == (201, '{"made": true}', "text", False)
    assert data["headers"] == {"content-type": "application/json", "x-limit": "7"}
    (got,) = receiver.received
    assert got.body == "Grüße".encode()
    assert got.headers["x-trace"] == "t"
    assert got.headers["host"] == f"localhost:{receiver.port}"
    assert log_of(world, agent) == [f"Egress: PATCH localhost:{receiver.port} 201, 14 bytes"]


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("https://example.org/", 403, "AUTHORIZATION_FAILED"),
        ("https://example.com/", 403, "AUTHORIZATION_FAILED"),  # *.example.com is what is below it
        ("https://evilexample.com/", 403, "AUTHORIZATION_FAILED"),
        ("https://api.example.com.evil.org/", 403, "AUTHORIZATION_FAILED"),
        ("https://api.example.com:22/", 403, "AUTHORIZATION_FAILED"),
        ("https://169.254.169.254/latest/meta-data/", 403, "AUTHORIZATION_FAILED"),
        ("https://[::1]/", 403, "AUTHORIZATION_FAILED"),
        ("http://localhost:1/", 403, "AUTHORIZATION_FAILED"),
        ("http://api.example.com/", 422, "VALIDATION_ERROR"),
        ("https://api.example.com@evil.org/", 422, "VALIDATION_ERROR"),
        ("https://api.example.com\\@evil.org/", 422, "VALIDATION_ERROR"),
        ("file:///etc/passwd", 422, "VALIDATION_ERROR"),
        ("https://äpi.example.com/", 422, "VALIDATION_ERROR"),
        ("nothing", 422, "VALIDATION_ERROR"),
    ],
)
def test_what_is_not_asked(world, agent, receiver, url, status, code):
    answer = ask(agent, receiver, url=url)
    assert (answer.status, answer.json["error"]["code"]) == (status, code), answer.text
    assert receiver.received == []
    assert log_of(world, agent)[0].startswith("Egress: GET to a host was refused.")


def test_a_name_of_the_list_that_leads_into_a_private_network_is_not_asked(agent, receiver, monkeypatch):
    """Also if it is a public address at the first look: it is looked up once, and that is where it connects to."""
    for address in ("10.0.0.1", "169.254.169.254", "127.0.0.1", "::1", "fe80::1", "100.64.0.1"):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, to=address, **__: [(0, 0, 0, "", (to, 443))])
        monkeypatch.setattr(networks, "settings", lambda: replace(settings(), stage="prod"))
        answer = ask(agent, receiver, url="https://api.example.com/")
        assert answer.status == 503
        assert "not in the public internet" in answer.text


def test_ports_of_this_machine_are_for_the_local_stage_alone(world, agent, receiver, monkeypatch):
    for module in (outbound, networks):
        monkeypatch.setattr(module, "settings", lambda: replace(settings(), stage="prod"))
    with pytest.raises(Invalid):
        allowed_host(f"http://localhost:{receiver.port}/", [f"localhost:{receiver.port}"])
    monkeypatch.setattr("shared.edge.views.aintandem.sandboxes.settings", lambda: replace(settings(), stage="prod"))
    path = f"/sandboxes/{agent.id}/config"
    refused = world.ada.at("aintandem")("sandboxes", "PUT", path, body={"allowed_hosts": ["localhost:9000"]})
    assert refused.status == 422


def test_the_list_can_be_changed_while_the_sandbox_runs(world, agent, receiver):
    assert ask(agent, receiver).status == 200
    change_sandbox(world.actor, agent.id, SandboxChanges(allowed_hosts=[]))
    assert ask(agent, receiver).status == 403
    assert len(receiver.received) == 1


def echo(got: Received):
    """A host that gives back what it was told, in every form in which a service may."""
    told = got.headers.get("authorization", "")
    key = told.removeprefix("Bearer ")
    forms = [
        told,
        json.dumps({"authorization": told}),
        quote(key),
        quote(key, safe=""),
        html.escape(told),
        json.dumps(told).replace("/", "\\/"),
        "".join(f"\\u{ord(one):04X}" for one in key),
        key.upper(),
        *(base64.b64encode(b"u:"[:number] + key.encode()).decode() for number in range(3)),
        base64.urlsafe_b64encode(key.encode()).decode(),
        key.encode().hex(),
    ]
    return says(200, "\n".join(forms), X_Echo=told)


def test_a_secret_goes_to_the_host_and_comes_back_nowhere(world, agent, receiver, caplog, capsys):
    receiver.chooses = echo
    answer = ask(agent, receiver, headers=NAMED)
    assert answer.status == 200, answer.text
    assert receiver.received[0].headers["authorization"] == f"Bearer {CANARY}"
    assert answer.json["data"]["headers"]["x-echo"] == "Bearer ***"
    ask(agent, receiver, url="https://other.org/", headers=NAMED)
    receiver.chooses = lambda _: rubbish
    ask(agent, receiver, headers=NAMED)
    change_sandbox(world.actor, agent.id, SandboxChanges(environment_variables={"KEY": "${PAYMENTS_KEY}"}))
    seen = [answer.text, json.dumps(log_of(world, agent)), caplog.text, "".join(capsys.readouterr())]
    for path in (f"/sandboxes/{agent.id}", f"/sandboxes/{agent.id}/config", f"/workspaces/{world.ws_id}/config"):
        area = "workspaces" if "workspaces" in path else "sandboxes"
        seen.append(world.ada.at("aintandem")(area, "GET", path).text)
    seen += [json.dumps(dynamodb().scan(TableName=table)["Items"]) for table in ("core", "telemetry", "ephemeral")]
    seen += [json.dumps(agent.heard()), json.dumps(agent.row.environment_variables)]
    forms = [CANARY, quote(CANARY, safe=""), base64.b64encode(CANARY.encode()).decode().rstrip("="), CANARY.encode().hex()]
    forms.append("canary-7f3a")
    found = [(number, form) for number, text in enumerate(seen) for form in forms if form.lower() in text.lower()]
    assert found == []


def test_a_secret_at_the_very_end_of_what_is_read_is_cut_out_too(agent, receiver, monkeypatch):
    monkeypatch.setattr(asking, "MAX_ANSWER", 100)
    for before in range(80, 101):
        receiver.usual = says(200, "x" * before + CANARY + "y" * 500)
        data = ask(agent, receiver, headers=NAMED).json["data"]
        assert "can" not in data["body"]
        assert data["truncated"]
        assert len(data["body"]) <= 100


@pytest.mark.parametrize("key", ["k" * 8, "a+/=b~!c", "0123456789abcdef"])
def test_each_form_of_a_secret_is_found_wherever_it_begins(key):
    for before in range(8):
        for coded in (base64.b64encode, base64.urlsafe_b64encode):
            text = coded(b"?" * before + key.encode() + b"!!")
            assert b"***" in cut_out(text, {"K": key})
    assert cut_out(b"nothing of it", {"K": key}) == b"nothing of it"


def test_which_secrets_there_are(world, agent, receiver):
    missing = ask(agent, receiver, headers={"A": "${OTHER}"})
    assert (missing.status, missing.json["error"]["code"]) == (422, "VALIDATION_ERROR")
    change_configuration(world.actor, world.ws_id, Changes(providers=[{"name": "claude", "api_key": "${MODEL_KEY}"}]))
    assert ask(agent, receiver, headers={"A": "${MODEL_KEY}"}).status == 403
    assert ask(agent, receiver, path="/${PAYMENTS_KEY}", body="${PAYMENTS_KEY}", method="POST").status == 200
    (got,) = receiver.received
    assert "${PAYMENTS_KEY}" in got.path
    assert got.body == b"${PAYMENTS_KEY}"  # only headers have them


@pytest.mark.parametrize("behaviour", [closes, rubbish, hangs, drips])
def test_a_host_that_does_not_answer_is_said(world, agent, receiver, behaviour, monkeypatch):
    monkeypatch.setattr(asking, "SECONDS", 0.3)
    receiver.usual = behaviour
    answer = ask(agent, receiver)
    assert answer.status == 503
    assert "Egress: GET to localhost" in log_of(world, agent)[0]


def test_answers_are_bounded_bytes_are_coded_and_redirects_are_shown(agent, receiver, monkeypatch):
    monkeypatch.setattr(asking, "MAX_ANSWER", 9)
    receiver.usual = says(200, "abcdefgä and more")
    assert ask(agent, receiver).json["data"] | {"headers": {}} == {
        "status": 200,
        "headers": {},
        "body": "abcdefgä",
        "encoding": "text",
        "truncated": True,
    }
    monkeypatch.setattr(asking, "MAX_ANSWER", 1_000)
    receiver.usual = lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\x00\xfe")
    data = ask(agent, receiver).json["data"]
    assert (base64.b64decode(data["body"]), data["encoding"]) == (b"\xff\x00\xfe", "base64")
    receiver.usual = says(302, "", Location="https://169.254.169.254/")
    data = ask(agent, receiver).json["data"]
    assert (data["status"], data["headers"]["location"]) == (302, "https://169.254.169.254/")
    receiver.usual = says(200, "x", Content_Encoding="gzip")
    assert ask(agent, receiver, headers={"Accept-Encoding": "gzip"}).status == 503
    assert all(got.headers["accept-encoding"] == "identity" for got in receiver.received)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"method": "CONNECT"}, "method"),
        ({"headers": {"A": "b\r\nC: d"}}, "headers"),
        ({"headers": {"A b": "c"}}, "headers"),
        ({"headers": {"A": "é"}}, "headers"),
        ({"headers": {f"A{number}": "x" * 8_000 for number in range(5)}}, "headers"),
        ({"body": "x" * 1_000_001}, "body"),
        ({"url": "https://api.example.com/" + "x" * 2_048}, "url"),
    ],
)
def test_what_is_no_request(agent, receiver, wrong, field):
    answer = ask(agent, receiver, **wrong)
    assert answer.status in (413, 422), answer.text
    assert field in answer.text or answer.status == 413
    assert receiver.received == []


def test_who_may_ask(world, agent, receiver, gateway):
    body = {"url": f"http://localhost:{receiver.port}/"}
    path = f"/sandboxes/sb_{agent.id}/egress"
    other = running(gateway, world, "backend-team")
    assert other.ask("sandboxes", "POST", path, body).status == 401  # it speaks for itself
    stranger = sign_up("Stan", "stan@example.com").at("aintandem")
    viewer = world.join("Vic", "vic@example.com", Role.VIEWER).at("aintandem")
    assert stranger("sandboxes", "POST", path, body=body).status == 404
    assert viewer("sandboxes", "POST", path, body=body).status == 403
    assert receiver.received == []
    set_organization_status(str(agent.row.org_id), "suspended")
    assert ask(agent, receiver).status == 403
    assert receiver.received == []


def test_its_requests_are_counted(agent, receiver, monkeypatch):
    monkeypatch.setattr(asking, "RATES", (replace(asking.RATES[0], limit=2), asking.RATES[1]))
    assert [ask(agent, receiver).status for _ in range(3)] == [200, 200, 429]
    assert len(receiver.received) == 2
    assert posting.SECONDS < asking.SECONDS < 28
