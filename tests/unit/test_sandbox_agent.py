"""The sandbox agent against a platform of tests: what it is told, what it answers, and what it does again after it was killed."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cadre_sandbox.agent import Agent
from cadre_sandbox.settings import Settings
from local.engine import free_port
from tests.sandbox_platform import OTHER, FakePlatform, message
from tests.waiting import eventually

ROOT = Path(__file__).parent.parent.parent
WITHIN = 30.0


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    made = FakePlatform()
    yield made
    made.close()


class Process:
    """The agent as a process of its own, with a folder that it keeps."""

    def __init__(self, platform: FakePlatform, home: Path, **variables: str) -> None:
        self.platform, self.home, self.variables = platform, home, variables
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Process":
        told = {"PATH": os.environ["PATH"], "HOME": str(self.home), "PYTHONPATH": str(ROOT / "sandbox" / "src")}
        with (self.home / "log").open("ab") as log:
            environment = told | self.platform.environment | self.variables
            self.process = subprocess.Popen([sys.executable, "-m", "cadre_sandbox"], env=environment, cwd=self.home, stderr=log)
        return self

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@pytest.fixture
def agent(platform: FakePlatform, tmp_path: Path) -> Iterator[Process]:
    made = Process(platform, tmp_path, GREETING="hello").start()
    eventually(lambda: platform.of("ready"), within=WITHIN)
    yield made
    made.kill()


def answer_to(platform: FakePlatform, message_id: str) -> dict[str, Any]:
    (answer,) = eventually(lambda: platform.answers(message_id), within=WITHIN)
    return answer


def test_a_request_is_kept_acknowledged_thought_about_and_answered(platform, agent):
    platform.deliver(message("m1", "Design the login page"))
    answer = answer_to(platform, "m1")
    assert answer["content"] == {"text": "Done: Request from backend-team:\nDesign the login page"}
    assert (answer["message_type"], answer["to_sandbox"], answer["from_agent"]) == ("response", OTHER, "lead")
    assert platform.acknowledged == {"m1"}
    (asked,) = platform.asked
    assert "You are lead, Lead, in the sandbox frontend-team." in asked["messages"][0]["content"]
    assert (asked["agent"], asked["message_id"]) == ("lead", "m1")


def test_a_message_that_comes_twice_is_acknowledged_twice_and_answered_once(platform, agent):
    platform.deliver(message("m1"))
    answer_to(platform, "m1")
    platform.deliver(message("m1"))
    eventually(lambda: len(platform.of("ack")), lambda n: n == 2, within=WITHIN)
    platform.deliver(message("m2"))
    answer_to(platform, "m2")
    assert len(platform.answers("m1")) == len(platform.answers("m2")) == 1


def test_the_conversation_with_a_sender_goes_on(platform, agent):
    platform.deliver(message("m1", "My name is Ada", message_type="notification"))
    platform.deliver(message("m2", "What is my name?"))
    platform.deliver(message("m3", "And who am I?", sender="77777777-2222-4333-8444-555555555555"))
    for one in ("m2", "m3"):
        answer_to(platform, one)
    by_message = {asked["message_id"]: [entry["content"] for entry in asked["messages"]] for asked in platform.asked}
    assert any("My name is Ada" in text for text in by_message["m2"])
    assert not any("My name is Ada" in text for text in by_message["m3"])
    assert not platform.answers("m1")


def test_a_sub_agent_answers_for_itself_and_an_unknown_one_is_an_error(platform, agent):
    platform.deliver(message("m1", to_agent="tester"))
    assert answer_to(platform, "m1")["from_agent"] == "tester"
    platform.deliver(message("m2", to_agent="nobody"))
    assert answer_to(platform, "m2")["content"]["error"]["code"] == "NO_ANSWER"


def test_files_stay_in_the_work_folder(platform, tmp_path):
    calls = iter(
        [
            {"id": "1", "name": "filesystem__write_file", "arguments": {"path": "notes/a.md", "content": "# A"}},
            {"id": "2", "name": "filesystem__read_file", "arguments": {"path": "../.cadre/journal.sqlite"}},
            {"id": "3", "name": "filesystem__read_file", "arguments": {"path": "outside/passwd"}},
            {"id": "4", "name": "filesystem__list_directory", "arguments": {}},
            {"id": "5", "name": "no_such_tool", "arguments": {}},
        ]
    )
    platform.configuration["mcp_servers"] = [{"name": "filesystem"}]
    platform.model = lambda _: {"content": "", "tool_calls": [call]} if (call := next(calls, None)) else {"content": "End"}
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "outside").symlink_to("/etc")
    agent = Process(platform, tmp_path).start()
    try:
        platform.deliver(message("m1"))
        assert answer_to(platform, "m1")["content"] == {"text": "End"}
    finally:
        agent.kill()
    results = [entry["content"] for entry in platform.asked[-1]["messages"] if entry["role"] == "tool"]
    assert results == [
        "Wrote 3 characters",
        "Error: The path leads out of the work folder",
        "Error: The path leads out of the work folder",
        "notes/\noutside/",
        "Error: there is no tool no_such_tool",
    ]
    assert (tmp_path / "work" / "notes" / "a.md").read_text() == "# A"


def test_an_agent_asks_another_sandbox_and_goes_on_with_its_answer(platform, agent):
    ask = {"to_sandbox": "security-team", "content": {"text": "Is it safe?"}, "expects_response": True}

    def model(asked: dict[str, Any]) -> dict[str, Any]:
        last = asked["messages"][-1]
        if last["role"] == "tool":
            return {"content": f"They say {last['content']}"}
        return {"content": "", "tool_calls": [{"id": "1", "name": "send_message", "arguments": ask}]}

    platform.model = model
    platform.deliver(message("m1"))
    (sent,) = eventually(lambda: [one for one in platform.sent if one["message_type"] == "request"], within=WITHIN)
    assert (sent["to_sandbox"], sent["requires_response"]) == ("security-team", True)
    answered = {"in_reply_to": sent["message_id"], "requires_response": False}
    platform.deliver(message("r1", "Yes", message_type="response", **answered))
    assert answer_to(platform, "m1")["content"] == {"text": 'They say {"text": "Yes"}'}


def test_a_question_back_is_answered_before_the_answer_that_it_is_needed_for(platform, agent):
    """The one that was asked asks back, although what is in work is its own request: nobody waits for the other for ever."""
    ask = {"to_sandbox": "backend-team", "content": {"text": "Which database?"}, "expects_response": True}

    def model(asked: dict[str, Any]) -> dict[str, Any]:
        last = asked["messages"][-1]
        if last["role"] == "tool":
            return {"content": f"They say {last['content']}"}
        if "For what" in last["content"]:
            return {"content": "For invoices"}
        return {"content": "", "tool_calls": [{"id": "1", "name": "send_message", "arguments": ask}]}

    platform.model = model
    platform.deliver(message("m1", "Design the invoices"))
    (sent,) = eventually(lambda: [one for one in platform.sent if one["message_type"] == "request"], within=WITHIN)
    platform.deliver(message("q1", "For what?", in_reply_to=sent["message_id"]))
    assert answer_to(platform, "q1")["content"] == {"text": "For invoices"}
    assert not platform.answers("m1")  # a question is no answer
    platform.deliver(message("r1", "Postgres", message_type="response", in_reply_to=sent["message_id"]))
    assert answer_to(platform, "m1")["content"] == {"text": 'They say {"text": "Postgres"}'}


def test_commands_are_obeyed_and_unknown_ones_refused(platform, agent):
    def command(message_id: str, **content: Any) -> Any:
        platform.deliver(message(message_id, message_type="command", content=content))
        return answer_to(platform, message_id)["content"]

    assert command("c1", command="set_log_level", level="error") == {
        "command": "set_log_level",
        "status": "done",
        "level": "error",
    }
    assert command("c2", command="set_log_level", level="loud")["error"]["code"] == "INVALID_COMMAND"
    assert command("c3", command="format_disk")["error"]["code"] == "UNKNOWN_COMMAND"
    assert command("c4", command="reset_history")["status"] == "done"


def test_what_is_in_work_can_be_stopped(platform, agent):
    begun, go = threading.Event(), threading.Event()
    platform.refuses = lambda _, path: 503 if "/completions/" in path and not go.is_set() and not begun.set() else 0
    platform.deliver(message("m1"))
    assert begun.wait(WITHIN)
    platform.deliver(message("c1", message_type="command", content={"command": "stop_work"}))
    assert answer_to(platform, "m1")["content"]["error"]["code"] == "STOPPED"
    assert answer_to(platform, "c1")["content"] == {"command": "stop_work", "status": "done", "stopped": 1}
    go.set()


def test_a_model_that_fails_is_an_answer_that_says_so(platform, agent):
    platform.model = lambda _: {"error": {"code": "BUDGET", "message": "The budget is used up"}}
    platform.deliver(message("m1"))
    assert answer_to(platform, "m1")["content"] == {"error": {"code": "NO_ANSWER", "message": "The budget is used up"}}


def test_an_agent_that_never_comes_to_an_end_is_ended(platform, agent):
    platform.model = lambda asked: {
        "content": "",
        "tool_calls": [{"id": str(len(asked["messages"])), "name": "x", "arguments": {}}],
    }
    platform.deliver(message("m1"))
    assert "20 turns" in answer_to(platform, "m1")["content"]["error"]["message"]
    assert len(platform.asked) == 20


def test_a_long_message_is_fetched(platform, agent):
    platform.messages["m1"] = message("m1", "x" * 200_000)
    platform.tell("message", message_id="m1", by_reference=True)
    answer_to(platform, "m1")
    assert platform.acknowledged == {"m1"}


def test_the_log_says_what_it_does(platform, agent):
    platform.deliver(message("m1"))
    answer_to(platform, "m1")
    eventually(platform.log, lambda lines: any("Answered m1" in line for line in lines), within=WITHIN)
    assert platform.log()[:2] == ["Agent started successfully", "Connected to collaboration bus"]


def test_an_agent_whose_token_is_refused_ends(platform, tmp_path):
    platform.refuses = lambda _method, _path: 401
    agent = Process(platform, tmp_path).start()
    assert agent.process is not None
    assert agent.process.wait(WITHIN) == 3


def test_its_token_is_nowhere_that_a_tool_could_look(platform, agent):
    assert "CADRE_SANDBOX_TOKEN" not in os.environ
    environment = Path(f"/proc/{agent.process.pid}/environ")
    if sys.platform == "linux" and os.geteuid() != 0:
        with pytest.raises(PermissionError):
            environment.read_bytes()
    told = {
        "CADRE_SANDBOX_TOKEN": "t",
        "CADRE_SANDBOX_ID": "sb_1",
        "CADRE_SANDBOX_API": "http://x",
        "CADRE_SANDBOX_SOCKET": "ws://x",
    }
    assert Settings.taken_from(told).token == "t"
    assert "CADRE_SANDBOX_TOKEN" not in told


def test_what_was_asked_before_a_kill_is_asked_again_word_for_word(platform, tmp_path):
    """Whatever its conversation has got meanwhile: the platform makes the call of an id once, and only for the same question."""
    platform.refuses = lambda method, _: 503 if platform.asked and method != "GET" else 0  # the first answer never arrives
    platform.loses_answers = True
    agent = Process(platform, tmp_path).start()
    try:
        platform.deliver(message("m1", "Design the login page"))
        eventually(lambda: platform.asked, within=WITHIN)
        noted = message("m2", "We use passkeys", message_type="response", in_reply_to="an-older-question")
        eventually(lambda: platform.of("ready"), within=WITHIN)
        platform.deliver(noted)
        eventually(lambda: "m2" in platform.acknowledged, within=WITHIN)
        agent.kill()
        platform.refuses, platform.loses_answers = lambda *_: 0, False
        agent.start()
        assert answer_to(platform, "m1")["content"] == {"text": "Done: Request from backend-team:\nDesign the login page"}
        assert len(platform.asked) == 1
    finally:
        agent.kill()


def _stumbling(chance: random.Random) -> Callable[[str, str], int]:
    """A platform that fails one request in ten."""
    return lambda _, path: 503 if path != "/ws" and chance.random() < 0.1 else 0


def _kill_until_answered(platform: FakePlatform, agent: Process, chance: random.Random) -> None:
    """Kill the agent again and again until each message has an answer; leave one that runs."""
    kills = 0
    until = time.monotonic() + 60
    while not all(platform.answers(one) for one in platform.messages) and time.monotonic() < until:
        process = agent.start().process
        assert process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.2, 0.7))
        agent.kill()
        kills += 1
    assert kills > 2
    agent.start()  # it has everything; what it has not finished it finishes now


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment_it_answers_each_message_once(platform, tmp_path, seed):
    """Each message has a turn with a tool that sends a message, and one with the answer. The model never says the same twice."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    said = iter(range(10_000))
    platform.refuses = _stumbling(chance)

    def model(asked: dict[str, Any]) -> dict[str, Any]:
        if asked["messages"][-1]["role"] == "tool":
            return {"content": f"answer {next(said)}"}
        note = {"to_sandbox": "security-team", "content": {"note": next(said)}}
        return {"content": "", "tool_calls": [{"id": "1", "name": "send_message", "arguments": note}]}

    platform.model = model
    for number in range(30):
        sender = f"{number % 3}9999999-2222-4333-8444-555555555555"
        platform.messages[f"m{number}"] = message(f"m{number}", sender=sender, number=number)
    agent = Process(platform, tmp_path)
    try:
        _kill_until_answered(platform, agent, chance)
        platform.deliver(message("last"))
        answer_to(platform, "last")
    finally:
        agent.kill()
    for one in platform.messages:
        answers = {(sent["message_id"], str(sent["content"])) for sent in platform.answers(one)}
        assert len(answers) == 1, one
    notes = [sent for sent in platform.sent if sent["message_type"] == "notification"]
    assert len({sent["message_id"] for sent in notes}) == len({str(sent["content"]) for sent in notes}) == len(platform.messages)
    assert platform.acknowledged == set(platform.messages)


def test_an_unknown_event_and_a_broken_frame_change_nothing(platform, agent):
    platform.tell("no_such_event", x=1)
    platform.deliver(message("m1"))
    answer_to(platform, "m1")


def test_it_stops_when_it_is_told(platform, agent):
    platform.tell("stop", seconds=1)
    assert agent.process.wait(WITHIN) == 0


SERVER = """
import os, sys
from mcp.server import MCPServer
server = MCPServer("words")
@server.tool()
def shout(text: str) -> str:
    "Say it loud"
    return text.upper() + " " + os.environ.get("GREETING", "") + " " + str("CADRE_SANDBOX_ID" in os.environ)
@server.tool()
def die() -> str:
    os._exit(1)
server.run("stdio")
"""


def test_a_server_over_stdio_is_connected_checked_and_connected_again(platform, tmp_path):
    (tmp_path / "server.py").write_text(SERVER)
    platform.configuration["mcp_servers"] = [
        {"name": "words", "transport": "stdio", "command": [sys.executable, str(tmp_path / "server.py")], "enabled": True},
        {"name": "gone", "transport": "stdio", "command": ["/no/such/program"], "enabled": True},
        {"name": "off", "transport": "stdio", "command": ["/bin/true"], "enabled": False},
        {"name": "web-search"},
        {"name": "filesystem"},
    ]
    calls = iter(["words__shout", "words__die"])

    def model(asked: dict[str, Any]) -> dict[str, Any]:
        last = asked["messages"][-1]
        if last["role"] == "tool":
            return {"content": last["content"]}
        name = next(calls)
        arguments = {"text": "ship it"} if name == "words__shout" else {}
        return {"content": "", "tool_calls": [{"id": name, "name": name, "arguments": arguments}]}

    platform.model = model
    agent = Process(platform, tmp_path, GREETING="hello").start()
    try:
        ready = eventually(lambda: platform.of("ready"), within=WITHIN)[0]
        assert ready["mcp_servers"] == {
            "words": "connected",
            "gone": "error",
            "off": "error",
            "web-search": "error",
            "filesystem": "connected",
        }
        platform.deliver(message("m1"))
        assert answer_to(platform, "m1")["content"] == {"text": "SHIP IT hello False"}
        assert {tool["name"] for tool in platform.asked[0]["tools"]} >= {"words__shout", "filesystem__read_file", "send_message"}
        platform.deliver(message("m2"))
        assert answer_to(platform, "m2")["content"]["text"].startswith("Error: ")
        again = "MCP server words connected, 2 tools"
        eventually(platform.log, lambda lines: lines.count(again) == 2, within=WITHIN)
    finally:
        agent.kill()


def test_the_agent_runs_in_a_process_that_others_started(platform, tmp_path):
    """The same in an event loop of a test: what fails here has a traceback."""
    settings = Settings.taken_from(platform.environment | {"HOME": str(tmp_path)})

    async def run() -> None:
        agent = Agent(settings, heartbeat=0.05)
        task = asyncio.create_task(agent.run())
        await asyncio.to_thread(eventually, lambda: len(platform.of("heartbeat")) >= 3, within=WITHIN)
        await asyncio.to_thread(platform.tell, "stop", seconds=0)
        await task

    asyncio.run(run())
    usage = platform.of("heartbeat")[-1]["usage"]
    assert usage["processes"] >= 1
    assert usage["memory_mb"] > 1


def test_signals_end_it(platform, agent):
    agent.process.send_signal(signal.SIGTERM)
    assert agent.process.wait(WITHIN) == -signal.SIGTERM


def test_another_host_is_asked_by_the_platforms_egress(platform, agent):
    asked: list[dict[str, Any]] = []

    def egress(told: dict[str, Any]) -> dict[str, Any]:
        asked.append(told)
        return {"status": 200, "headers": {}, "body": "sunny", "encoding": "text", "truncated": False}

    platform.egress = egress
    arguments = {"url": "https://weather.example/today", "headers": {"Authorization": "Bearer ${WEATHER_KEY}"}}

    def model(told: dict[str, Any]) -> dict[str, Any]:
        last = told["messages"][-1]
        if last["role"] == "tool":
            return {"content": last["content"]}
        return {"content": "", "tool_calls": [{"id": "1", "name": "http_request", "arguments": arguments}]}

    platform.model = model
    platform.deliver(message("m1"))
    assert answer_to(platform, "m1")["content"] == {"text": "200\nsunny"}
    assert asked == [{"method": "GET", "body": None, **arguments}]


WEB_SERVER = """
import sys
from mcp.server import MCPServer
server = MCPServer("words")
@server.tool()
def shout(text: str) -> str:
    "Say it loud"
    return text.upper()
server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
"""


def test_a_server_over_http_is_asked_by_the_platforms_egress(platform, tmp_path):
    port = free_port()
    (tmp_path / "server.py").write_text(WEB_SERVER)
    server = subprocess.Popen([sys.executable, str(tmp_path / "server.py"), str(port)], stderr=subprocess.DEVNULL)  # noqa: S603

    def egress(told: dict[str, Any]) -> dict[str, Any]:
        url = told["url"].replace("https://words.example", f"http://127.0.0.1:{port}")
        with httpx2.Client(timeout=10) as client:
            answer = client.request(told["method"], url, headers=told["headers"], content=told["body"])
        return {"status": answer.status_code, "headers": dict(answer.headers), "body": answer.text, "encoding": "text"}

    def model(told: dict[str, Any]) -> dict[str, Any]:
        last = told["messages"][-1]
        if last["role"] == "tool":
            return {"content": last["content"]}
        return {"content": "", "tool_calls": [{"id": "1", "name": "words__shout", "arguments": {"text": "ship it"}}]}

    platform.egress, platform.model = egress, model
    platform.configuration["mcp_servers"] = [{"name": "words", "transport": "http", "url": "https://words.example/mcp"}]
    agent = Process(platform, tmp_path)
    try:
        eventually(lambda: _listens(port), within=WITHIN)
        agent.start()
        ready = eventually(lambda: platform.of("ready"), within=WITHIN)[0]
        assert ready["mcp_servers"] == {"words": "connected"}, (tmp_path / "log").read_text()
        platform.deliver(message("m1"))
        assert answer_to(platform, "m1")["content"] == {"text": "SHIP IT"}
    finally:
        if agent.process is not None:
            agent.kill()
        server.kill()
        server.wait()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False
