"""The demo, through the public APIs: a card, an agent that works on it, its log, the result, its cost.

Every step is a documented request that any client could send.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2
from websockets.sync.client import connect

Log = Callable[[str], None]

EMAIL, PASSWORD = "somebody@cadre.example", "a-demo-password"  # of the local stack only, printed by the demo
PROJECT = "Checkout"
TITLE = "Let customers pay by invoice"
ROUGH_CARD = """\
Business customers leave at checkout because they cannot pay by invoice.

- A customer with an approved company account can choose "Pay by invoice" at checkout
- The customer enters a purchase order number and a billing address
- Finance receives the invoice as PDF by e-mail and sees it in the back office
- Orders above 5,000 EUR need a credit check before they are released
- An unpaid invoice is reminded after 14 days and escalated after 30 days

Acceptance criteria:
- A company account without approval does not see the option
- The invoice shows the purchase order number
- A failed credit check tells the customer why and offers card payment
"""
RUN_SECONDS = 600.0  # a language model on a laptop writes some words a second
_SHOWN_LINES = 60  # of the document


@dataclass
class Api:
    """One contract's base URL, with the caller's token."""

    base: str
    token: str | None = None

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        response = http().request(method, self.base + path, json=body, params=query or None, headers=headers)
        if response.status_code >= 400:
            raise DemoFailed(f"{method} {path} answered {response.status_code}: {response.text[:400]}")
        return response.json() if response.content else None


@cache
def http() -> httpx2.Client:
    """Return the client for requests to the front door, which speaks plain HTTP: a new one would load the certificates, 25 ms each time."""
    return httpx2.Client(verify=False, timeout=60, limits=httpx2.Limits(max_keepalive_connections=0))


class DemoFailed(RuntimeError):
    """A request of the demo failed; the message names it and its response."""


def play(url: str, model: Mapping[str, str], log: Log = print) -> None:
    """Play the job once against the platform at `url` (e.g. http://localhost:8000), with the model that was found (`Model.shown`).

    Raises DemoFailed.
    """
    agentworks = Api(f"{url}/agentworks/v1")
    agentworks.token = _sign_in(agentworks, log)
    workspace = agentworks("GET", "/workspaces")["workspaces"][0]
    _allow_provider(agentworks, workspace["id"], model["provider"])
    project = _project(agentworks, workspace["id"], log)
    board = agentworks("GET", f"/projects/{project['id']}/boards")["boards"][0]
    lanes = {lane["laneNumber"]: lane for lane in agentworks("GET", f"/boards/{board['id']}/lanes")}
    _delete_older_cards(agentworks, board["id"], lanes[1]["id"])
    card = agentworks(
        "POST",
        f"/boards/{board['id']}/cards",
        {
            "laneId": lanes[1]["id"],
            "title": TITLE,
            "description": ROUGH_CARD,
            "type": "doc",
            "priority": "high",
            "labels": ["demo"],
        },
    )
    log(f"  card       {card['title']!r} in lane 1, {lanes[1]['name']!r}")
    run = _run_agent(agentworks, url, card["id"], model, log)
    _show_results(agentworks, url, workspace, card, run, log)
    _show_document(agentworks, run, log)
    log(f"  written by {model['about']}")


def _sign_in(api: Api, log: Log) -> str:
    try:
        session = api("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD})
    except DemoFailed:
        session = api("POST", "/auth/register", {"name": "Some Body", "email": EMAIL, "password": PASSWORD})
    log(f"  person     {EMAIL}, password {PASSWORD}")
    token: str = session["token"]
    return token


def _allow_provider(api: Api, workspace_id: str, provider: str) -> None:
    """Let the workspace use the provider of the model that was found: at an earlier start it may have been another one."""
    allowed = api("GET", f"/workspaces/{workspace_id}")["settings"]["allowedProviders"]
    if provider not in allowed:
        api("PUT", f"/workspaces/{workspace_id}", {"settings": {"allowedProviders": [provider, *allowed]}})


def _project(api: Api, workspace_id: str, log: Log) -> dict[str, Any]:
    projects = [
        project for project in api("GET", f"/workspaces/{workspace_id}/projects")["projects"] if project["name"] == PROJECT
    ]
    project: dict[str, Any] = (
        projects[0]
        if projects
        else api(
            "POST",
            f"/workspaces/{workspace_id}/projects",
            {"name": PROJECT, "slug": "checkout", "description": "The shop's checkout"},
        )
    )
    log(f"  project    {project['name']!r}, a board of eleven lanes")
    return project


def _delete_older_cards(api: Api, board_id: str, lane_id: str) -> None:
    """Delete the cards of earlier demos: the lane holds only five."""
    for card in api("GET", f"/boards/{board_id}/cards", laneId=lane_id, search=TITLE)["cards"]:
        api("DELETE", f"/cards/{card['id']}")


def _run_agent(api: Api, url: str, card_id: str, model: Mapping[str, str], log: Log) -> dict[str, Any]:
    """Start the agent `prd`, print its terminal until it stops, and return the run."""
    agent = next(agent for agent in api("GET", "/agents")["agents"] if agent["name"] == "prd")
    terminal = f"{url.replace('http', 'ws', 1)}/agentworks/api/cards/{card_id}/terminal?token={api.token}"
    with connect(terminal, open_timeout=20, max_size=1 << 20) as socket:
        asked = {"provider": model["provider"], "model": model["name"]}
        started = api("POST", f"/cards/{card_id}/agents/{agent['id']}/run", asked)
        run_id = started["run"]["id"]
        log(f"  run        {agent['displayName']} on {started['run']['provider']}/{started['run']['model']}")
        _follow(socket, run_id, log)
    run: dict[str, Any] = api("GET", f"/runs/{run_id}")
    if run["status"] != "completed":
        raise DemoFailed(f"The run ended {run['status']}: {run.get('errorCode')} {run.get('errorMessage')}")
    return run


def _follow(socket: Any, run_id: str, log: Log) -> None:
    """Print the run's log in order, until the run has ended and its last entry is here (docs/sockets.md: a log without a hole)."""
    socket.send(json.dumps({"type": "subscribe_run", "runId": run_id}))
    ends, shown, waiting, last = time.monotonic() + RUN_SECONDS, 0, dict[int, str](), None
    while time.monotonic() < ends:
        try:
            message = json.loads(socket.recv(timeout=ends - time.monotonic()))
        except TimeoutError:
            break
        data = message.get("data")
        for entry in {"log_entry": [data], "logs_batch": data}.get(message["type"]) or []:
            if entry["runId"] == run_id:
                waiting[entry["seq"]] = entry["message"]
        while shown + 1 in waiting:
            shown += 1
            log(f"    | {waiting.pop(shown)}")
        if message["type"] == "run_status" and data["runId"] == run_id and "lastSequence" in data:
            last = data["lastSequence"]
        if shown == last:
            return
    raise DemoFailed(f"The run did not end within {RUN_SECONDS:.0f} s")


def _show_results(api: Api, url: str, workspace: dict[str, Any], card: dict[str, Any], run: dict[str, Any], log: Log) -> None:
    log("  result")
    for line in (run.get("resultSummary") or "").splitlines():
        log(f"    {line}".rstrip())
    log(f"  tokens     {run['inputTokens']:,} in, {run['outputTokens']:,} out, by {run['provider']}/{run['model']}")
    log(f"  cost       provider ${run['providerCost']:.6f}, customer ${run['customerPrice']:.2f}")
    month = api("GET", f"/workspaces/{workspace['id']}/usage")["summary"]
    log(
        f"  ledger     {month['totalCalls']} calls, ${month['totalCost']:.6f} cost, ${month['totalPrice']:.2f} price in this workspace"
    )
    ticket = Api(f"{url}/omoios/api/v1", api.token)("GET", f"/tickets/{card['id']}")
    log(f"  ticket     the same card in omoios: {ticket['phase_id']}, {ticket['status']}, {ticket['priority']}")


def _show_document(api: Api, run: dict[str, Any], log: Log) -> None:
    """Print the document that the run wrote."""
    for made in (run.get("resultData") or {}).get("documents", [])[:1]:
        lines = api("GET", f"/documents/{made['id']}")["content"].splitlines()
        log(f"  document   {made['title']}")
        for line in lines[:_SHOWN_LINES]:
            log(f"    > {line}".rstrip())
        if len(lines) > _SHOWN_LINES:
            log(f"    > … {len(lines) - _SHOWN_LINES} more lines")
