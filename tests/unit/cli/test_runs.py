"""`cadre run` against a platform that answers as it is told: the live terminal, a run that waits, how a run ends."""

import json
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from cadre_cli import profiles
from tests.areas.command_line import cadre, refused
from tests.unit.cli.platform import Platform, bare

AW = "/agentworks/v1"
AGENT = {"id": "a-1", "name": "prd", "displayName": "PRD Agent", "status": "active"}
TRIGGER = f"POST {AW}/cards/c-1/agents/prd/run"
GET = f"GET {AW}/runs/r-1"


def summary() -> tuple[int, Any]:
    about = {
        "id": "r-1", "cardId": "c-1", "agentId": "a-1", "agent": AGENT, "status": "pending", "provider": "embedded", "model": "m",
        "progress": 0, "createdAt": "2026-11-01T00:00:00Z",
    }  # fmt: skip
    return bare({"run": about, "estimatedCost": 0.0, "estimatedDuration": 5}, 202)


def run(status: str, waits: str | None = None, **more: Any) -> tuple[int, Any]:
    about = {
        "id": "r-1", "cardId": "c-1", "agentId": "a-1", "agent": AGENT, "status": status, "progress": 0, "provider": "embedded",
        "model": "m", "inputTokens": 1, "outputTokens": 2, "totalTokens": 3, "customerPrice": 0.25, "inputContext": {},
        "executionMetadata": {"waitingFor": waits} if waits else {}, "createdAt": "2026-11-01T00:00:00Z",
    }  # fmt: skip
    ended = {"completedAt": "2026-11-01T00:00:09Z"} if status in ("completed", "failed") else {}
    return bare(about | ended | more)


def line(number: int, text: str) -> dict[str, Any]:
    return {"type": "log_entry", "data": {"runId": "r-1", "seq": number, "message": text, "level": "info"}}


def ended(last: int) -> dict[str, Any]:
    return {"type": "run_status", "data": {"runId": "r-1", "status": "completed", "lastSequence": last}}


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Makes a platform the one of this shell: by a login, or by a machine's key."""
    monkeypatch.setattr("cadre_cli.runs._LOOK", 0.01)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("CADRE_URL", "CADRE_API_KEY", "CADRE_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    def choose(platform: Platform, *, key: bool = False) -> None:
        if key:
            monkeypatch.setenv("CADRE_URL", platform.url)
            monkeypatch.setenv("CADRE_API_KEY", "sk-of-a-test")
            return
        tokens = {"access_token": "t-1", "refresh_token": "r-1", "expires_at": time.time() + 3600}
        profiles.save("own", profiles.Profile(url=platform.url, email="ada@example.com", organization="o-1", **tokens))
        profiles.make_current("own")

    return choose


def test_a_run_shows_its_terminal_and_then_its_result(use):
    messages = [line(1, "Reading the card"), line(2, "Done \x1b[2J"), ended(2)]
    with Platform({TRIGGER: [summary()], GET: [run("completed", resultSummary="A document")]}, messages) as platform:
        use(platform)
        result = cadre("run", "c-1", "--agent", "prd", "--context", "More", "--max-cost", "2.5")
        assert platform.sent(TRIGGER) == [{"context": "More", "parameters": {"maxCost": 2.5}}]
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[:3] == ["Reading the card", "Done \ufffd[2J", "Run\tr-1"]
    assert "Result\tA document" in lines
    assert "PRD Agent" in result.stderr


def test_a_run_that_waits_for_approval_says_so_while_its_terminal_is_silent(use):
    messages = [line(1, "Reading the card"), GET, ended(1)]
    with Platform({TRIGGER: [summary()], GET: [run("running", "approval"), run("completed")]}, messages) as platform:
        use(platform)
        result = cadre("run", "c-1", "--agent", "prd")
    assert result.exit_code == 0, result.output
    assert "The run waits for your approval: cadre approve r-1" in result.stderr


@pytest.mark.parametrize(
    ("last", "status", "message"),
    [
        (run("completed"), 0, ""),
        (run("failed", errorMessage="No model"), 1, "The run is failed: No model"),
        (run("running", "budget"), 1, "The run waits for more budget: cadre approve r-1"),
    ],
)
def test_without_a_terminal_the_end_is_waited_for(use, last, status, message):
    with Platform({TRIGGER: [summary()], GET: [run("running"), last]}) as platform:
        use(platform, key=True)
        result = cadre("run", "c-1", "--agent", "prd")
    assert result.exit_code == status
    assert message in result.stderr
    assert "Run\tr-1" in result.stdout.splitlines()


def test_who_presses_ctrl_c_leaves_and_the_run_goes_on(use):
    def press(name: str) -> None:
        if name == GET:
            signal.pthread_kill(int(threading.main_thread().ident or 0), signal.SIGINT)

    with Platform({TRIGGER: [summary()], GET: [run("running")]}, asked=press) as platform:
        use(platform, key=True)
        result = cadre("run", "c-1", "--agent", "prd")
    assert result.exit_code == 130
    assert "Run r-1 goes on." in result.stderr


def test_scripts_get_the_run_and_no_line_of_its_terminal(use):
    with Platform({TRIGGER: [summary()], GET: [run("completed")]}) as platform:
        use(platform)
        result = cadre("run", "c-1", "--agent", "prd", "--json")
    assert (result.exit_code, json.loads(result.stdout)["status"]) == (0, "completed")


def test_a_run_is_approved_with_another_limit_or_rejected(use):
    answers = {f"POST {AW}/runs/r-1/approve": [run("running")], f"POST {AW}/runs/r-1/reject": [run("failed")]}
    with Platform(answers) as platform:
        use(platform)
        assert cadre("approve", "r-1", "--max-cost", "3").exit_code == 0
        assert cadre("reject", "r-1", "--reason", "No").exit_code == 0
        assert [body for _, body in platform.requests] == [{"maxCost": 3}, {"reason": "No"}]


def test_a_card_without_an_agent_is_wrong_usage(use):
    with Platform({}) as platform:
        use(platform)
        assert cadre("run", "c-1").exit_code == 2


def test_a_login_that_cannot_be_renewed_says_log_in_again(use):
    answers = {
        "POST /enterprise/v1/oauth/token": [(400, {"error": "invalid_grant", "error_description": "The session has ended"})]
    }
    with Platform(answers) as platform:
        use(platform)
        profile = profiles.load("own")
        assert profile is not None
        profiles.save("own", profile.model_copy(update={"expires_at": 0.0}))
        status, error = refused("agents")
        shown = cadre("agents").stderr
    assert (status, error["code"], error["message"]) == (3, "invalid_grant", "The session has ended")
    assert "cadre login" in shown
