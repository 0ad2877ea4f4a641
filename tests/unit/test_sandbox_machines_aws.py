"""Sandboxes on AWS: the adapter against botocore's model of the service, the way into the microVM, and the gateway of its network."""

import asyncio
import io
import json
import os
import signal
import socket
import ssl
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from infra.gateway import forward
from shared.core import aws
from shared.sandboxes.machines import agentcore
from shared.sandboxes.machines.agentcore import AgentCoreMachine
from shared.sandboxes.machines.port import MachineUnavailable, Start
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
RUNTIME = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/cadre_prod_sandboxes-abcdefghij"
SANDBOX = "0190a0a0-0000-7000-8000-000000000001"
START = Start(
    SANDBOX, 3, "the token", "https://api.example.com/aintandem/api/v1", "wss://api.example.com/aintandem/ws/sandboxes/sb_1",
    {"memory_mb": 512, "cpu_cores": 1, "max_processes": 20, "timeout_seconds": 300, "disk_mb": 512},
    {"NODE_ENV": "test", "CADRE_SANDBOX_TOKEN": "not theirs"},
)  # fmt: skip
PLACE = {"session": f"sandbox-{SANDBOX}", "number": 3}


@pytest.fixture
def stubbed(monkeypatch) -> Iterator[Stubber]:
    client = aws.client("bedrock-agentcore", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    monkeypatch.setattr(agentcore.aws, "short_call_client", lambda *_, **__: client)
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


def says(stub: Stubber, answer: object, payload=ANY) -> None:
    raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    told = {
        "agentRuntimeArn": RUNTIME,
        "runtimeSessionId": PLACE["session"],
        "contentType": ANY,
        "accept": ANY,
        "payload": payload,
    }
    body = StreamingBody(io.BytesIO(raw), len(raw))
    stub.add_response("invoke_agent_runtime", {"contentType": "application/json", "response": body}, told)


def test_a_start_is_a_session_that_is_named_by_its_sandbox(stubbed):
    assert 33 <= len(PLACE["session"]) <= 256  # what the service takes
    environment = {
        "NODE_ENV": "test",
        "CADRE_SANDBOX_TOKEN": "the token",
        "CADRE_SANDBOX_ID": SANDBOX,
        "CADRE_SANDBOX_API": START.platform_url,
        "CADRE_SANDBOX_SOCKET": START.socket_url,
    }
    told = {"start": {"number": 3, "environment": environment, "memory_mb": 512, "max_processes": 20}}
    says(stubbed, {"isolation": ["a microVM"]}, json.dumps(told).encode())
    assert AgentCoreMachine(RUNTIME).start(START) == PLACE | {"isolation": ["a microVM"]}


def test_a_look_and_a_stop(stubbed):
    machine = AgentCoreMachine(RUNTIME)
    says(stubbed, {"alive": True, "exit": None, "isolation": ["x"]}, b'{"look": 3}')
    assert machine.look(PLACE).alive
    says(stubbed, {"alive": False, "exit": "It ended with status 3"})
    state = machine.look(PLACE)
    assert (state.alive, state.exit) == (False, "It ended with status 3")
    stop = {"agentRuntimeArn": RUNTIME, "runtimeSessionId": PLACE["session"]}
    stubbed.add_response("stop_runtime_session", {"runtimeSessionId": PLACE["session"]}, stop)
    machine.stop(PLACE)
    stubbed.add_client_error("stop_runtime_session", "ResourceNotFoundException", http_status_code=404)
    machine.stop(PLACE)  # nothing is there


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "ServiceQuotaExceededException", "RetryableConflictException", "RuntimeClientError"]
)
def test_what_passes_is_tried_again(stubbed, code):
    machine = AgentCoreMachine(RUNTIME)
    stubbed.add_client_error("invoke_agent_runtime", code)
    with pytest.raises(MachineUnavailable):
        machine.start(START)
    stubbed.add_client_error("stop_runtime_session", code)
    with pytest.raises(MachineUnavailable):
        machine.stop(PLACE)


def test_what_an_operator_must_mend_is_a_failure_and_not_tried_for_ever(stubbed):
    stubbed.add_client_error("invoke_agent_runtime", "AccessDeniedException", http_status_code=403)
    with pytest.raises(ClientError):
        AgentCoreMachine(RUNTIME).start(START)


@pytest.mark.parametrize("answer", [b"", b"no JSON", b"[]", {"error": "The agent cannot be started"}])
def test_an_answer_that_is_none(stubbed, answer):
    says(stubbed, answer)
    with pytest.raises(MachineUnavailable):
        AgentCoreMachine(RUNTIME).look(PLACE)


def test_a_service_that_does_not_answer(monkeypatch):
    class Silent:
        def invoke_agent_runtime(self, **_):
            raise ReadTimeoutError(endpoint_url="x")

    monkeypatch.setattr(agentcore.aws, "short_call_client", lambda *_, **__: Silent())
    with pytest.raises(MachineUnavailable, match="does not answer"):
        AgentCoreMachine(RUNTIME).look(PLACE)


# -- the way into the microVM


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """The server in the microVM, with an agent that notes what it is told and waits."""
    monkeypatch.syspath_prepend(str(ROOT / "sandbox" / "src"))
    from cadre_sandbox import runtime as module

    agent = tmp_path / "agent.py"
    agent.write_text(
        "import json, os, resource, sys, time\n"
        "limits = [resource.getrlimit(getattr(resource, name))[0] for name in ('RLIMIT_AS', 'RLIMIT_CORE')]\n"
        "print(json.dumps([dict(os.environ), limits]), file=open(f'said{os.environ[\"NUMBER\"]}.tmp', 'w'), flush=True)\n"
        "os.rename(f'said{os.environ[\"NUMBER\"]}.tmp', f'said{os.environ[\"NUMBER\"]}')\n"
        "time.sleep(60)\n"
    )
    # the starter's own program, but for the agent itself, which needs a platform
    instead = f"import os; os.execv = lambda *_: exec(open({str(agent)!r}).read(), {{}}); limited(int"
    monkeypatch.setattr(module, "_MAIN", module._MAIN.replace("limited(int", instead))
    starter = module.Starter(str(tmp_path / "home"))
    server = module.server(starter, 0, "127.0.0.1")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield starter, f"http://127.0.0.1:{server.server_address[1]}", tmp_path / "home"
    server.shutdown()
    server.server_close()
    starter._end()


def ask(url: str, body: object | None = None) -> dict:
    raw = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, raw), timeout=10) as answer:
        return json.loads(answer.read())


def told(number: int) -> dict:
    return {
        "start": {
            "number": number,
            "environment": {"NUMBER": str(number), "PATH": "/evil"},
            "memory_mb": 700,
            "max_processes": 20,
        }
    }


def test_the_agent_is_started_once_and_a_later_start_ends_the_one_before(runtime, monkeypatch):
    starter, url, home = runtime
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the host")
    assert ask(f"{url}/ping") == {"status": "Healthy"}
    assert ask(f"{url}/invocations", {"look": 1})["alive"] is False
    assert "microVM" in ask(f"{url}/invocations", told(1))["isolation"][0]
    said = eventually(lambda: (home / "said1").read_text() if (home / "said1").exists() else None, within=20)
    environment, limits = json.loads(said)
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert environment["PATH"] != "/evil"
    assert environment["HOME"] == str(home)
    assert limits == [700 * 1_048_576, 0]
    assert ask(f"{url}/ping") == {"status": "HealthyBusy"}
    first = starter._process.pid
    ask(f"{url}/invocations", told(1))
    assert starter._process.pid == first
    assert ask(f"{url}/invocations", {"look": 1})["alive"] is True
    ask(f"{url}/invocations", told(2))
    assert starter._process.pid != first
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert ask(f"{url}/invocations", {"look": 1}) == {"alive": False, "exit": "Its machine had ended"}
    ask(f"{url}/invocations", told(1))  # late: it was replaced
    assert starter.number == 2
    os.kill(starter._process.pid, signal.SIGKILL)
    starter._process.wait()
    assert ask(f"{url}/invocations", {"look": 2})["exit"] == "It was ended by signal 9"
    assert ask(f"{url}/ping") == {"status": "Healthy"}


@pytest.mark.parametrize("body", [{}, [], {"start": {}}, {"look": "x"}, "text"])
def test_what_the_microvm_does_not_understand(runtime, body):
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(f"{runtime[1]}/invocations", body)
    refused.value.close()
    assert refused.value.code == 400


# -- the gateway


@contextmanager
def gateway(names: list[str]) -> Iterator[tuple[int, list[bytes]]]:
    """A gateway whose hosts are one listener on loopback, which notes what it got first and says `hello`."""
    got: list[bytes] = []
    loop = asyncio.new_event_loop()

    async def host(reader, writer) -> None:
        got.append(await reader.read(65_536))
        writer.write(b"hello")
        await writer.drain()
        writer.close()

    async def begin() -> tuple[asyncio.Server, asyncio.Server]:
        there = await asyncio.start_server(host, "127.0.0.1", 0)
        port = there.sockets[0].getsockname()[1]
        made = forward.Gateway(names, lambda _: asyncio.open_connection("127.0.0.1", port))
        return there, await asyncio.start_server(made.serve, "127.0.0.1", 0)

    there, listening = loop.run_until_complete(begin())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def end() -> None:
        for one in (there, listening):
            one.close()
            await one.wait_closed()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    try:
        yield listening.sockets[0].getsockname()[1], got
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def hello_for(name: str | None) -> bytes:
    """The first message of a TLS client that asks for a name."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


def answer_to(port: int, data: bytes, *, ends: bool = True) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(data)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        return connection.recv(100)


def test_the_gateway_carries_what_asks_for_the_platform_and_nothing_else(capsys):
    with gateway(["api.example.com"]) as (port, got):
        hello = hello_for("API.example.com")
        assert answer_to(port, hello, ends=False) == b"hello"
        assert got == [hello]
        for name in ("evil.org", "api.example.com.evil.org", "example.com", None):
            assert answer_to(port, hello_for(name)) == b""
        plain = b"GET / HTTP/1.1\r\nHost: api.example.com\r\n\r\n"
        for rubbish in (plain, b"\x16\x03\x01\xff\xff", b"\x16\x03\x01\x00\x05\x01\0\0\1\0", b""):
            assert answer_to(port, rubbish) == b""
        assert len(got) == 1
    assert "refused: 'evil.org'" in capsys.readouterr().out


def test_the_gateway_reads_any_bytes_without_failing():
    hello = hello_for("api.example.com")
    for length in range(len(hello)):
        assert forward.server_name(hello[:length]) in (None, "api.example.com")
    for at in range(len(hello)):
        forward.server_name(hello[:at] + bytes([hello[at] ^ 0xFF]) + hello[at + 1 :])
    assert sys.version_info >= (3, 11)
