"""The README's tour, run as a newcomer runs it: its shell blocks in one bash, against the deployed stack.

Two things differ: the port, and the interactive socket client, which is another script here: it prints what arrives and leaves when it
has seen what the tour promises.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.demo import http
from local.engine import free_port
from local.stack import LocalStack
from tests.shell import shell

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CLIENT = """\
import json, sys
from websockets.sync.client import connect
seen, last, over = set(), None, False
with connect(sys.argv[1], open_timeout=20) as socket:
    while last is None or len(seen) < last:
        text = socket.recv(timeout=60)
        print(text)
        message = json.loads(text)
        if message.get("event_type"):
            break
        data = message["data"]
        seen |= {one["seq"] for one in {"log_entry": [data], "logs_batch": data}.get(message["type"], [])}
        over = over or (message["type"] == "connected" and not data["activeRuns"])  # it was quicker than this script
        if over and seen:
            break
        last = data.get("lastSequence") if message["type"] == "run_status" and "lastSequence" in data else last
"""


def blocks(section: str) -> list[str]:
    """The shell blocks below a heading."""
    text = README.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def play(stack: LocalStack, script: str, **settings: str) -> str:
    """What a script of the README prints; it must say nothing of errors."""
    done = subprocess.run(  # noqa: S603
        ["/bin/bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=shell() | {"CADRE_PORT": str(urlsplit(stack.root).port)} | settings,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def readme_output(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What each block of the tour printed: its JSON documents, and other lines as text."""
    folder = tmp_path_factory.mktemp("tour")
    (folder / "client.py").write_text(CLIENT)
    parts = [
        *blocks("A tour"),
        *blocks("Programs: API keys and OAuth 2.0"),
        blocks("A real model")[0].replace("ANTHROPIC_API_KEY=… make run\n", ""),
    ]
    if "ANTHROPIC_API_KEY" in os.environ:
        parts[-1] = ""  # it would be spent
    script = "".join(f"echo '=== {number}'\n{part}wait\n" for number, part in enumerate(parts))
    script = script.replace(".venv/bin/python -m websockets", f"{sys.executable} {folder}/client.py")
    printed = play(stack, script)
    sections = re.split(r"^=== (\d+)\n", printed, flags=re.MULTILINE)[1:]
    names = ("setting up", "terminal", "results", "omoios", "key", "client", "real model")
    assert len(sections) == 2 * len(names)
    return {
        name: [one for line in text.splitlines() for one in read(line)] for name, text in zip(names, sections[1::2], strict=True)
    }


def read(line: str) -> list[Any]:
    """The values of a line, or its text: `curl` ends no line, and a socket may say something right behind its answer."""
    found: list[Any] = []
    while line.startswith(("{", "[")):
        value, end = json.JSONDecoder().raw_decode(line)
        found.append(value)
        line = line[end:].lstrip()
    return [*found, line] if line else found


def test_the_terminal_shows_the_agent_at_work(readme_output: dict[str, list[Any]]) -> None:
    assert readme_output["setting up"] == []  # all of it went into variables
    assert readme_output["terminal"][0]["type"] == "connected"
    if readme_output["terminal"][0]["data"]["activeRuns"]:  # else the run had ended before the socket was open
        assert "completed" in [
            message["data"]["status"] for message in readme_output["terminal"] if message["type"] == "run_status"
        ]
    numbers = {
        entry["seq"]
        for message in readme_output["terminal"]
        for entry in {"log_entry": [message["data"]], "logs_batch": message["data"]}.get(message["type"], [])
    }
    assert numbers == set(range(1, len(numbers) + 1))
    assert len(numbers) >= 3  # it begins, writes, and sums up


def test_the_results_are_there(readme_output: dict[str, list[Any]]) -> None:
    run, card, usage = [one for one in readme_output["results"] if isinstance(one, dict)]
    assert (run["status"], run["provider"], run["model"]) == ("completed", "embedded", "cadre-embedded-1")
    assert run["resultData"]["documents"][0]["title"] == "PRD: Let customers pay by invoice"
    assert card["comments"]
    assert card["agentRuns"][0]["id"] == run["id"]
    assert (usage["summary"]["totalPrice"], usage["summary"]["totalCost"]) == (run["customerPrice"], run["providerCost"])


def test_the_card_is_a_ticket_that_moves(readme_output: dict[str, list[Any]]) -> None:
    ticket, board, *later = readme_output["omoios"]
    card = readme_output["results"][2]
    assert (ticket["id"], ticket["title"]) == (card["id"], card["title"])
    analyzing = next(column for column in board["columns"] if column["id"] == "analyzing")
    assert card["id"] in [one["id"] for one in analyzing["tickets"]]
    event = next(one for one in later if "event_type" in one)
    assert event["event_type"] == "BOARD_TICKET_MOVED"
    assert event["payload"] == {"ticket_id": card["id"], "from_column": "analyzing", "to_column": "building"}


def test_programs_are_let_in(readme_output: dict[str, list[Any]]) -> None:
    projects, keys = readme_output["key"]
    assert [one["slug"] for one in projects["projects"]] == ["shop"]
    assert [(one["name"], one["permissions"]) for one in keys["data"]] == [
        ("CI", ["organizations:read", "projects:read", "features:read"])
    ]
    assert keys["data"][0]["last_used_at"] is not None
    (token,) = readme_output["client"]
    assert (token["token_type"], token["scope"]) == ("Bearer", "projects:read")


@pytest.mark.skipif("ANTHROPIC_API_KEY" in os.environ, reason="there is a key")
def test_a_provider_without_a_key_says_so(readme_output: dict[str, list[Any]]) -> None:
    (answer,) = readme_output["real model"]
    assert "anthropic" in json.dumps(answer["error"]).lower()


SECOND_TOUR = "A second tour: from a requirement to production"


def test_the_second_tour_goes_from_a_requirement_to_production(stack: LocalStack, tmp_path: Path) -> None:
    """A build for real, a canary that answers errors and is taken back, the repaired one in production, and each step told and signed."""
    (tmp_path / "endpoints.json").write_text(json.dumps({"versions": stack.versions.url}))
    port = free_port()
    begin = blocks("A tour")[0].replace("ada@example.com", "second-tour@example.com")
    ends = "trap 'kill $USERS $LISTENER 2>/dev/null || :' EXIT\nUSERS= LISTENER=\n"
    script = ends + begin + "".join(blocks(SECOND_TOUR)).replace("9000", str(port))
    lines = play(stack, script, CADRE_DATA=str(tmp_path)).splitlines()
    answers = [json.loads(line)["data"] for line in lines if line.startswith("{")]
    result, dev, production, first, taken_back, repaired, build, deployed, trace = answers
    assert result["status"] == "passed"
    assert (dev["environment"], production["environment"]) == ("dev", "production")
    assert [one["status"] for one in (first, taken_back, repaired)] == ["completed", "failed", "completed"]
    assert "% of its requests failed" in taken_back["failure_reason"]
    expected = {"status": "success", "version_tag": "1.1.1", "build_number": 3, "tests_passed": 1, "git_branch": "main"}
    assert {name: build[name] for name in expected} == expected
    assert (deployed["status"], deployed["environment"]) == ("success", "production")
    assert deployed["approval_notes"] == "Tried in dev"
    assert deployed["error_rate_percent"] == 0
    assert [(one["text"], one["proven"]) for one in trace["criteria"]] == [("The shop has a page", True)]
    assert [one["id"] for one in trace["deployments"]] == [deployed["id"]]
    assert "This is the shop" in lines
    told = [line.split() for line in lines if line.startswith(("signed", "FORGED"))]
    assert {signed for signed, *_ in told} == {"signed"}
    events = {tuple(event) for _, *event in told}
    assert events == {
        ("test.completed", "passed"), ("build.completed", "success"), ("deployment.started", "in_progress"),
        ("deployment.completed", "success"), ("deployment.completed", "rolled_back"),
    }  # fmt: skip


THIRD_TOUR = "A third tour: from an idea to work that agents do"


def test_the_third_tour_goes_from_an_idea_to_work_that_is_done(stack: LocalStack) -> None:
    begin = blocks("A tour")[0].replace("ada@example.com", "third-tour@example.com")
    lines = play(stack, begin + "".join(blocks(THIRD_TOUR))).splitlines()
    answers = [json.loads(line) for line in lines if line.startswith(("{", "["))]
    requirements, design, spec, board, begun, beat, done, graph, trail, figures = answers
    assert lines[0].endswith("?")
    assert (requirements["status"], design["status"], spec["spec_name"]) == ("approved", "approved", "authentication-system")
    tickets = [ticket["id"] for column in board["columns"] for ticket in column["tickets"]]
    assert (begun["status"], beat["received"], done["status"]) == ("in_progress", True, "completed")
    assert begun["id"] in beat["task_ids"]
    assert done["id"] in [one["id"] for one in graph["nodes"] if one["status"] == "completed"]
    assert done["assigned_agent_id"] in [one["agent_id"] for one in trail]
    assert figures["tickets"]["total"] == len(tickets) > 10
    assert {one for one in tickets if any(line.startswith(f"{one},") for line in lines)} == set(tickets)  # of the CSV file


FOURTH_TOUR = "A fourth tour: three teams in sandboxes of their own"
LISTENER = """\
import json, sys
from websockets.sync.client import connect
with connect(sys.argv[1], open_timeout=20) as socket:
    socket.send(json.dumps({"action": "subscribe", "channels": ["messages", "events", "logs"]}))
    while True:
        message = json.loads(socket.recv(timeout=60))
        if message["channel"] == "messages" and message["event"] == "message_responded":
            break
"""


def test_three_teams_of_the_fourth_tour_do_a_task_together(stack: LocalStack, tmp_path: Path) -> None:
    (tmp_path / "listener.py").write_text(LISTENER)
    script = blocks("A tour")[0].replace("ada@example.com", "fourth-tour@example.com") + "".join(blocks(FOURTH_TOUR))
    script = script.replace(".venv/bin/python -m websockets", f"{sys.executable} {tmp_path}/listener.py")
    printed = [one for line in play(stack, script).splitlines() for one in read(line)]
    status, sent, messages, done, document, *stopped = [one.get("data", one) for one in printed]
    assert status["status"] == "running"
    assert status["isolation"]
    assert sent["status"] == "queued"
    assert {one["message_type"] for one in messages["messages"]} == {"request", "response"}
    assert [one["name"] for one in done["deliverables"]] == ["frontend_components", "backend_api", "security_review"]
    assert done["messages"]
    assert "security" in document["title"].lower()
    assert [one["status"] for one in stopped] == ["stopping"] * 3


def test_what_the_tables_promise_is_there(stack: LocalStack) -> None:
    table = README.split("\n## Two commands\n", 1)[1].split("\n## ", 1)[0]
    addresses = re.findall(r"`(?:http://localhost:8000)?(/[^`]*)`", table)
    assert "/docs" in addresses
    for address in addresses:
        path = address.replace("<contract>/…", "omoios/api/v1")
        answer = http().get(stack.root + path)
        assert answer.status_code == 200, path


def test_every_file_that_the_readme_names_exists() -> None:
    names = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [name for name in names if not (ROOT / name).exists()] == []
