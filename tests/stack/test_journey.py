"""The main job as two people live it: only documented requests and sockets, on everything that is deployed."""

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.sync.client import connect

from local.demo import Api, DemoFailed
from local.stack import LocalStack
from tests.stack.test_runs import PAID
from tests.waiting import TIMEOUT, eventually

PASSWORD = "correct horse battery"
STORY = """\
Business customers leave at checkout because they cannot pay by invoice.

- A customer with an approved company account can choose "Pay by invoice" at checkout
- The customer enters a purchase order number
- After the purchase order number is entered, finance receives the invoice as PDF

Acceptance criteria:
- A company account without approval does not see the option
- The invoice shows the purchase order number
"""
ENDED = {"completed", "failed", "cancelled"}
Row = dict[str, Any]


@dataclass
class Person:
    """Somebody with a token, at every contract."""

    stack: LocalStack
    email: str
    token: str = ""
    refresh: str = ""
    lanes: list[Row] = field(default_factory=list)
    workspace: str = ""
    project: str = ""
    board: str = ""

    def at(self, contract: str) -> Api:
        return Api(self.stack.url(contract), self.token)

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        return self.at("agentworks")(method, path, body, **query)

    def card(self, lane: int, title: str = "Let customers pay by invoice", kind: str = "feature") -> str:
        body = {"laneId": self.lanes[lane]["id"], "title": title, "description": STORY, "type": kind}
        return str(self("POST", f"/boards/{self.board}/cards", body)["id"])

    def start(self, card: str, agent: str, **asked: Any) -> str:
        return str(self("POST", f"/cards/{card}/agents/{agent}/run", asked)["run"]["id"])

    def until(self, run: str, holds: Callable[[Row], bool]) -> Row:
        found: Row = eventually(lambda: self("GET", f"/runs/{run}"), lambda now: holds(now) or now["status"] in ENDED)
        return found

    def work(self, card: str, agent: str, **asked: Any) -> Row:
        run = self.ended(self.start(card, agent, **asked))
        assert run["status"] == "completed", run
        return run

    def ended(self, run: str) -> Row:
        return self.until(run, lambda now: now["status"] in ENDED)

    @contextmanager
    def socket(self, contract: str, path: str) -> Iterator["Heard"]:
        sign = "&" if "?" in path else "?"
        with connect(self.stack.ws(contract, f"{path}{sign}token={self.token}"), open_timeout=30) as socket:
            yield Heard(socket)


@dataclass
class Heard:
    """A socket, and what came through it so far."""

    socket: Any
    messages: list[Row] = field(default_factory=list)

    def until(self, holds: Callable[[Row], Any]) -> Row:
        deadline = time.monotonic() + TIMEOUT
        while True:
            message = json.loads(self.socket.recv(timeout=max(0.1, deadline - time.monotonic())))
            self.messages.append(message)
            if holds(message):
                return dict(message)

    def complete(self) -> bool:
        """Whether the log of the run that ended is here: deliveries may overtake each other."""
        said = [message["data"] for message in self.messages if message["type"] == "run_status"]
        last = next((one["lastSequence"] for one in said if "lastSequence" in one), None)
        return last is not None and len(self.entries()) == last

    def entries(self) -> list[Row]:
        """The log so far, in order and once."""
        kinds: dict[str, Callable[[Row], list[Row]]] = {
            "log_entry": lambda message: [message["data"]],
            "logs_batch": lambda message: list(message["data"]),
        }
        found = [entry for message in self.messages if message["type"] in kinds for entry in kinds[message["type"]](message)]
        return [entry for _, entry in sorted({entry["seq"]: entry for entry in found}.items())]


def refused(ask: Callable[[], Any]) -> int:
    with pytest.raises(DemoFailed) as failure:
        ask()
    return int(str(failure.value).partition(" answered ")[2][:3])


def micros(amount: float) -> int:
    return round(amount * 1_000_000)


def mail_to(stack: LocalStack, address: str, about: str) -> str:
    """The text of the newest mail to an address whose subject holds these words."""

    def found() -> list[str]:
        with urllib.request.urlopen(f"{stack.root}/local/mail") as answer:
            mails = json.loads(answer.read())["mails"]
        return [str(one["text"]) for one in mails if one["to"] == [address] and about in one["subject"]]

    return str(eventually(found, bool)[0])


def token_in(text: str) -> str:
    found = re.search(r"token=([\w.-]+)", text)
    assert found, text
    return found[1]


def sign_up(stack: LocalStack, name: str) -> Person:
    person = Person(stack, f"{name}-{time.time_ns()}@example.com")
    made = Api(stack.url("agentworks"))("POST", "/auth/register", {"name": name, "email": person.email, "password": PASSWORD})
    person.token, person.refresh = made["token"], made["refreshToken"]
    person.workspace = person("GET", "/workspaces")["workspaces"][0]["id"]
    return person


def with_a_board(person: Person) -> Person:
    person.project = person("POST", f"/workspaces/{person.workspace}/projects", {"name": "Shop", "slug": "shop"})["id"]
    person.board = person("GET", f"/projects/{person.project}/boards")["boards"][0]["id"]
    person.lanes = person("GET", f"/boards/{person.board}/lanes")
    return person


@pytest.fixture
def ada(stack: LocalStack) -> Person:
    return with_a_board(sign_up(stack, "ada"))


@pytest.fixture
def bob(stack: LocalStack) -> Person:
    return sign_up(stack, "bob")


def test_an_agent_does_the_work_before_their_eyes(ada: Person, bob: Person) -> None:
    assert [lane["laneNumber"] for lane in ada.lanes] == list(range(11))
    card = ada.card(1)
    with ada.socket("agentworks", f"/api/cards/{card}/terminal") as terminal:
        connected = terminal.until(lambda message: message["type"] == "connected")
        assert connected["data"]["activeRuns"] == []
        run_id = ada.start(card, "prd", context="Keep it to one page.")
        terminal.until(lambda _: terminal.complete())
    first_batch = next(message for message in terminal.messages if message["type"] == "logs_batch")
    assert first_batch["data"] == []  # nothing had been written when they came
    statuses = [message["data"]["status"] for message in terminal.messages if message["type"] == "run_status"]
    assert {"running", "completed"} <= set(statuses)
    entries = terminal.entries()
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert {entry["runId"] for entry in entries} == {run_id}

    run = ada("GET", f"/runs/{run_id}")
    assert (run["status"], run["provider"], run["triggeredBy"]["email"]) == ("completed", "embedded", ada.email)
    assert [made["title"] for made in run["resultData"]["documents"]] == ["PRD: Let customers pay by invoice"]
    details = ada("GET", f"/cards/{card}")
    assert run["agent"]["displayName"] in [comment["author"]["name"] for comment in details["comments"]]
    (shown,) = details["agentRuns"]
    assert (shown["id"], shown["status"], shown["duration"]) == (run_id, "completed", run["duration"])
    assert micros(shown["cost"]) == micros(run["customerPrice"])

    second = ada.work(card, "mvp_scope")
    month = ada("GET", f"/workspaces/{ada.workspace}/usage")["summary"]
    assert micros(month["totalCost"]) == micros(run["providerCost"]) + micros(second["providerCost"]) == 0
    assert micros(month["totalPrice"]) == micros(run["customerPrice"]) + micros(second["customerPrice"]) == 0
    assert month["totalTokens"] == run["totalTokens"] + second["totalTokens"] > 0

    assert refused(lambda: bob("GET", f"/cards/{card}")) == 404  # it is nobody else's
    assert refused(lambda: bob("GET", f"/runs/{run_id}")) == 404
    assert refused(lambda: bob.at("omoios")("GET", f"/tickets/{card}")) == 404


def test_one_card_two_boards(ada: Person) -> None:
    """Moved as a ticket, seen as a card: by who listens here, and by who listens there."""
    omoios = ada.at("omoios")
    with (
        ada.socket("agentworks", f"/api/workspaces/{ada.workspace}/events") as events,
        ada.socket("omoios", "/api/v1/ws/events?event_types=TICKET_CREATED,BOARD_TICKET_MOVED") as tickets,
    ):
        card = ada.card(1)
        ticket = omoios("GET", f"/tickets/{card}")
        told = tickets.until(lambda message: message["event_type"] == "TICKET_CREATED")["payload"]
        assert told == {name: ticket[name] for name in ("title", "phase_id", "status")} | {"ticket_id": card}
        assert column_of(omoios, ada.project, card) == "analyzing"
        moved = omoios("POST", "/board/move", {"ticket_id": card, "target_column_id": "building"})
        assert moved["ticket_id"] == card
        seen = events.until(lambda message: message["type"] == "card_moved")["data"]
        assert (seen["cardId"], seen["fromLaneId"], seen["toLaneId"]) == (card, ada.lanes[1]["id"], ada.lanes[5]["id"])
        told = tickets.until(lambda message: message["event_type"] == "BOARD_TICKET_MOVED")["payload"]
        assert told == {"ticket_id": card, "from_column": "analyzing", "to_column": "building"}
    assert column_of(omoios, ada.project, card) == "building"
    assert ada("GET", f"/cards/{card}")["laneId"] == ada.lanes[5]["id"]


def column_of(omoios: Api, project: str, card: str) -> str:
    board = omoios("GET", "/board/view", project_id=project)
    (found,) = [column["id"] for column in board["columns"] if card in [one["id"] for one in column["tickets"]]]
    return str(found)


def test_a_run_that_ends_is_seen_in_the_workspace(ada: Person) -> None:
    card = ada.card(1)
    with ada.socket("agentworks", f"/api/workspaces/{ada.workspace}/events") as events:
        run = ada.work(card, "prd")
        ended = events.until(lambda message: message["type"] == "agent_run_completed")["data"]
    assert (ended["runId"], ended["cardId"], ended["status"]) == (run["id"], card, "completed")
    assert (ended["duration"], micros(ended["cost"])) == (run["duration"], micros(run["customerPrice"]))


def test_the_planner_splits_a_card(ada: Person) -> None:
    card = ada.card(4)
    run = ada.work(card, "planner")
    made = {one["id"] for one in run["resultData"]["cards"]}
    on_board = {one["id"]: one for one in ada("GET", f"/boards/{ada.board}/cards", limit=50)["cards"]}
    assert made <= set(on_board)
    assert {on_board[one]["parentId"] for one in made} == {card}
    assert {on_board[one]["type"] for one in made} == {"task"}
    links = [link for one in made for link in ada("GET", f"/cards/{one}/dependencies")["blockedBy"]]
    assert links
    assert {link["type"] for link in links} == {"blocks"}
    assert {end for link in links for end in (link["dependentCardId"], link["dependencyCardId"])} <= made
    board = ada.at("omoios")("GET", "/board/view", project_id=ada.project)
    assert made <= {ticket["id"] for column in board["columns"] for ticket in column["tickets"]}


def test_a_card_that_reaches_a_lane_is_worked_on(ada: Person) -> None:
    """Quality assurance looks at what arrives in its lane, unasked, and writes test cases."""
    assert ada.lanes[7]["autoTriggerAgent"] == "qa"
    card = ada.card(6)
    ada("POST", f"/cards/{card}/move", {"toLaneId": ada.lanes[7]["id"]})
    (started,) = eventually(lambda: ada("GET", f"/cards/{card}/runs")["runs"], lambda runs: runs)
    run = ada.ended(started["id"])
    assert (run["status"], run["agent"]["name"], run["executionMetadata"]["trigger"]) == ("completed", "qa", "lane")
    (document,) = run["resultData"]["documents"]
    assert document["title"].startswith("Test plan")
    assert document["title"] in run["resultSummary"]


def cancelled_at_work(ada: Person) -> list[str]:
    """Runs, the last of them cancelled while it was running. They take a second or two: one that ended before the cancel came proves
    nothing, and another is started."""
    runs = []
    for _ in range(6):
        run = ada.start(ada.card(1), "prd")
        runs.append(run)
        if ada.until(run, lambda now: now["status"] == "running")["status"] != "running":
            continue
        try:
            assert ada("POST", f"/runs/{run}/cancel", {"reason": "Wrong card"})["status"] == "cancelled"
        except DemoFailed as error:
            if "completed already" not in str(error):
                raise
        else:
            return runs
    raise AssertionError("every run ended before it could be cancelled")


def test_a_cancel_bites_and_a_retry_makes_another_run(ada: Person) -> None:
    *others, run = cancelled_at_work(ada)
    again = ada("POST", f"/runs/{run}/retry", {})["run"]["id"]  # the card is free at once
    after = ada.ended(again)
    assert (after["status"], after["executionMetadata"]["retryOf"]) == ("completed", run)
    assert again != run
    assert ada("GET", f"/runs/{run}")["status"] == "cancelled"  # whoever worked on it wrote nothing more
    assert refused(lambda: ada("POST", f"/runs/{again}/retry", {})) in (400, 409, 422)
    month = ada("GET", f"/workspaces/{ada.workspace}/usage")["summary"]
    spent = sum(micros(ada("GET", f"/runs/{one}")["customerPrice"]) for one in (*others, run, again))
    assert micros(month["totalPrice"]) == spent


def test_people_have_the_last_word(ada: Person) -> None:
    ada("PUT", f"/workspaces/{ada.workspace}", {"settings": {"requireApprovalForAgentRuns": True}})
    run = ada.start(ada.card(1), "prd")
    waiting = ada.until(run, lambda now: now["executionMetadata"].get("waitingFor"))
    assert (waiting["executionMetadata"]["waitingFor"], waiting["status"]) == ("approval", "pending")
    assert micros(waiting["customerPrice"]) == 0
    ada("POST", f"/runs/{run}/approve", {})
    assert ada.ended(run)["status"] == "completed"


def test_a_cap_holds_and_can_be_raised(ada: Person) -> None:
    ada("PUT", f"/workspaces/{ada.workspace}", {"settings": {"maxMonthlyUsage": 0.5}})
    run = ada.start(ada.card(1), "prd", **PAID)
    waiting = ada.until(run, lambda now: now["executionMetadata"].get("waitingFor"))
    assert waiting["executionMetadata"]["waitingFor"] == "budget"
    month = ada("GET", f"/workspaces/{ada.workspace}/usage")["summary"]
    assert micros(month["totalPrice"]) <= 500_000
    ada("PUT", f"/workspaces/{ada.workspace}", {"settings": {"maxMonthlyUsage": 100}})
    ended = ada.until(run, lambda now: now["status"] == "completed")
    assert ended["status"] == "completed"
    month = ada("GET", f"/workspaces/{ada.workspace}/usage")["summary"]
    assert micros(month["totalPrice"]) == micros(ended["customerPrice"]) > 500_000


def test_a_session_is_one_everywhere(ada: Person) -> None:
    """The same account through each login; a refresh token that was used is worth nothing; one logout ends it for all."""
    stack = ada.stack
    login = {"email": ada.email, "password": PASSWORD}
    others = {
        "aintandem": Api(stack.url("aintandem"))("POST", "/auth/login", login)["data"]["access_token"],
        "orchestrator": Api(stack.url("orchestrator"))("POST", "/auth/login", login)["access_token"],
        "omoios": Api(stack.url("omoios"))("POST", "/auth/login", login)["access_token"],
    }
    for token in others.values():
        assert Api(stack.url("agentworks"), token)("GET", "/auth/me")["email"] == ada.email
        assert Api(stack.url("orchestrator"), token)("GET", "/users/me")["email"] == ada.email

    anybody = Api(stack.url("agentworks"))
    renewed = anybody("POST", "/auth/refresh", {"refreshToken": ada.refresh})
    assert renewed["refreshToken"] != ada.refresh
    ada.token = renewed["token"]
    assert ada("GET", "/auth/me")["email"] == ada.email

    assert refused(lambda: Api(stack.url("omoios"))("POST", "/auth/login", login | {"password": "wrong horse"})) == 401
    ada.at("omoios")("POST", "/auth/logout")
    asks: dict[str, tuple[str, str]] = {  # something behind the door of each contract; enterprise has nothing there yet
        "agentworks": ("GET", "/auth/me"),
        "aintandem": ("POST", "/auth/logout"),
        "orchestrator": ("GET", "/users/me"),
        "omoios": ("GET", "/auth/me"),
    }
    for contract, (method, path) in asks.items():
        assert refused(lambda: ada.at(contract)(method, path)) == 401, contract  # noqa: B023  # called at once
    assert refused(lambda: anybody("POST", "/auth/refresh", {"refreshToken": renewed["refreshToken"]})) == 401
    assert Api(stack.url("agentworks"), others["omoios"])("GET", "/auth/me")["email"] == ada.email  # another session


def test_a_used_refresh_token_ends_the_session(ada: Person) -> None:
    anybody = Api(ada.stack.url("agentworks"))
    renewed = anybody("POST", "/auth/refresh", {"refreshToken": ada.refresh})
    anybody("POST", "/auth/refresh", {"refreshToken": renewed["refreshToken"]})
    assert refused(lambda: anybody("POST", "/auth/refresh", {"refreshToken": ada.refresh})) == 401
    ada.token = renewed["token"]
    assert refused(lambda: ada("GET", "/auth/me")) == 401
