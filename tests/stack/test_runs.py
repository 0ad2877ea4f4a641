"""Agent runs on the deployed stack: queue, state machine, task tokens, stream, everything as it deploys."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from local.stack import LocalStack
from tests.waiting import eventually

STORY = "A visitor must be able to pay without an account. The shop must send a receipt. Checkout must answer within 2 seconds."


PAID = {"provider": "openai", "model": "gpt-3.5-turbo"}
"""What a run names so that it costs something; the stack's `paid_model` answers."""


@dataclass
class Shop:
    """A person with a workspace, a project and its lanes."""

    base: str
    token: str
    workspace: str
    project: str
    board: str
    lanes: list[str]

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return ask(self.base, self.token, method, path, body)

    def card(self, lane: int, kind: str = "doc") -> str:
        status, card = self(
            "POST",
            f"/boards/{self.board}/cards",
            {"laneId": self.lanes[lane], "title": "Guest checkout", "type": kind, "description": STORY},
        )
        assert status == 201, card
        return str(card["id"])

    def start(self, card: str, agent: str = "prd", **body: Any) -> str:
        status, started = self("POST", f"/cards/{card}/agents/{agent}/run", body)
        assert status == 202, started
        return str(started["run"]["id"])

    def until(self, run_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The run as soon as something holds of it, or has ended."""

        def look() -> Any:
            status, run = self("GET", f"/runs/{run_id}")
            assert status == 200, run
            return run

        return dict(eventually(look, lambda run: holds(run) or ended(run)))

    def settings(self, **settings: Any) -> None:
        status, answer = self("PUT", f"/workspaces/{self.workspace}", {"settings": settings})
        assert status == 200, answer


def ask(base: str, token: str | None, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def client(base: str, token: str) -> Callable[..., Any]:
    """What asks a contract, `(method, path, body)`, and returns what it answers: no error."""

    def asked(method: str, path: str, body: Any = None) -> Any:
        status, answer = ask(base, token, method, path, body)
        assert status < 300, answer
        return answer

    return asked


def ended(run: dict[str, Any]) -> bool:
    return run["status"] in {"completed", "failed", "cancelled"}


def waits_for(what: str) -> Callable[[dict[str, Any]], bool]:
    return lambda run: run["executionMetadata"].get("waitingFor") == what


@pytest.fixture
def shop(stack: LocalStack) -> Shop:
    return founded(stack)


def founded(stack: LocalStack) -> Shop:
    """Somebody new with a shop."""
    base, email = stack.url("agentworks"), f"runs-{time.time_ns()}@example.com"
    _, account = ask(base, None, "POST", "/auth/register", {"name": "Ada", "email": email, "password": "a-long-password-1"})
    token = account["token"]
    workspace = ask(base, token, "GET", "/workspaces")[1]["workspaces"][0]["id"]
    _, project = ask(base, token, "POST", f"/workspaces/{workspace}/projects", {"name": "Shop", "slug": "shop"})
    board = ask(base, token, "GET", f"/projects/{project['id']}/boards")[1]["boards"][0]["id"]
    lanes = [lane["id"] for lane in ask(base, token, "GET", f"/boards/{board}/lanes")[1]]
    return Shop(base, token, workspace, project["id"], board, lanes)


def test_an_agent_does_a_cards_work(shop: Shop) -> None:
    card = shop.card(1)
    run = shop.until(shop.start(card), ended)
    assert run["status"] == "completed", run
    assert run["resultData"]["documents"][0]["title"] == "PRD: Guest checkout"
    assert run["customerPrice"] == 0
    again = shop.until(shop.start(card, **PAID), ended)
    assert again["status"] == "completed", again  # the card was free again
    usage = shop("GET", f"/workspaces/{shop.workspace}/usage")[1]["summary"]
    assert usage["totalPrice"] == again["customerPrice"] > 0


def test_a_run_waits_for_people_and_goes_on(shop: Shop) -> None:
    shop.settings(requireApprovalForAgentRuns=True)
    run = shop.start(shop.card(1), parameters={"maxCost": 0.3}, **PAID)
    assert shop.until(run, waits_for("approval"))["status"] == "pending"
    assert shop("POST", f"/runs/{run}/approve", {})[0] == 200
    assert shop.until(run, waits_for("budget"))["executionMetadata"]["waiting"]["scope"] == "run"
    assert shop("POST", f"/runs/{run}/approve", {"maxCost": 9})[0] == 200
    assert shop.until(run, ended)["status"] == "completed"
    rejected = shop.start(shop.card(1))
    shop.until(rejected, waits_for("approval"))
    assert shop("POST", f"/runs/{rejected}/reject", {"reason": "Too early"})[0] == 200
    assert shop.until(rejected, ended)["errorCode"] == "APPROVAL_REJECTED"


def test_a_cancel_bites_and_the_card_is_free(shop: Shop) -> None:
    shop.settings(requireApprovalForAgentRuns=True)
    card = shop.card(1)
    run = shop.start(card)
    shop.until(run, waits_for("approval"))
    assert shop("POST", f"/runs/{run}/cancel", {})[1]["status"] == "cancelled"  # at once, not when somebody notices
    shop.settings(requireApprovalForAgentRuns=False)
    assert shop.until(shop.start(card), ended)["status"] == "completed"


def test_a_raised_month_lets_waiting_runs_go_on(shop: Shop) -> None:
    """Through the stream: nobody touches the run."""
    shop.settings(maxMonthlyUsage=0.5)
    run = shop.start(shop.card(1), **PAID)
    shop.until(run, waits_for("budget"))
    shop.settings(maxMonthlyUsage=100)
    assert shop.until(run, ended)["status"] == "completed"


def test_a_card_that_arrives_in_a_lane_gets_its_agent(shop: Shop) -> None:
    card = shop.card(6, "feature")
    assert shop("POST", f"/cards/{card}/move", {"toLaneId": shop.lanes[7]})[0] == 200
    runs = eventually(lambda: shop("GET", f"/cards/{card}/runs")[1]["runs"])
    assert runs[0]["agent"]["name"] == "qa"
    assert shop.until(runs[0]["id"], ended)["status"] == "completed"
