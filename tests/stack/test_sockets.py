"""Sockets through everything that is deployed: front door, gateway, functions, queue, stream."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from local.stack import LocalStack
from tests.shell import shell
from tests.waiting import TIMEOUT

ROOT = Path(__file__).parents[2]


@dataclass
class Person:
    stack: LocalStack
    token: str
    id: str
    ws_id: str
    session: ClientSession

    async def call(self, contract: str, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.request(method, self.stack.url(contract) + path, json=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status < 300, (method, path, answer.status, text)
            return json.loads(text) if text else None

    def socket(self, contract: str, path: str) -> Any:
        sign = "&" if "?" in path else "?"
        return self.session.ws_connect(self.stack.ws(contract, f"{path}{sign}token={self.token}"))


async def join(stack: LocalStack, session: ClientSession, name: str) -> Person:
    email = f"{name}-{time.time_ns()}@example.com"
    body = {"name": name, "email": email, "password": "correct horse battery"}
    async with session.post(stack.url("agentworks") + "/auth/register", json=body) as answer:
        assert answer.status == 201, await answer.text()
        made = await answer.json()
    person = Person(stack, made["token"], made["user"]["id"], "", session)
    person.ws_id = (await person.call("agentworks", "GET", "/workspaces"))["workspaces"][0]["id"]
    return person


async def board_of(person: Person) -> tuple[str, str, list[dict[str, Any]]]:
    """A new project's id, its board's, and the lanes."""
    body = {"name": "Live", "slug": f"live-{time.time_ns()}"}
    project = await person.call("agentworks", "POST", f"/workspaces/{person.ws_id}/projects", body)
    boards = await person.call("agentworks", "GET", f"/projects/{project['id']}/boards")
    board = boards["boards"][0]
    lanes = await person.call("agentworks", "GET", f"/boards/{board['id']}/lanes")
    return project["id"], board["id"], lanes["lanes"] if isinstance(lanes, dict) else lanes


async def card_on(person: Person, board: str, lane: str, title: str = "A card") -> str:
    made = await person.call("agentworks", "POST", f"/boards/{board}/cards", {"laneId": lane, "title": title, "type": "task"})
    found: str = made["id"]
    return found


async def hear(socket: ClientWebSocketResponse, kind: str, key: str = "type", within: float = 10) -> dict[str, Any]:
    """The next message of a kind."""
    async with asyncio.timeout(within):
        while True:
            message = await socket.receive()
            assert message.type is WSMsgType.TEXT, message
            found: dict[str, Any] = json.loads(message.data)
            if found.get(key) == kind:
                return found


def environment(stack: LocalStack) -> dict[str, str]:
    """That of the function which writes logs, for a process beside the engine."""
    names = [
        one["FunctionName"]
        for one in stack.boto("lambda").list_functions()["Functions"]
        if one["Description"] == "Cadre: run_steps"
    ]
    given = stack.boto("lambda").get_function_configuration(FunctionName=names[0])["Environment"]["Variables"]
    engine = {"AWS_SHARED_CREDENTIALS_FILE": str(stack.engine.credentials)}
    return shell() | given | engine | {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}


@asynccontextmanager
async def writing(stack: LocalStack, card: str, lines: int) -> AsyncIterator[tuple[str, Any]]:
    """A run of the card, and what makes it write so many more lines (`lines` in all)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.stack.run_writer", card, str(lines),
        cwd=ROOT, env=environment(stack), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    run = (await process.stdout.readline()).decode().strip()

    async def go(more: int) -> None:
        process.stdin.write(f"{more}\n".encode())
        await process.stdin.drain()

    try:
        yield run, go
    finally:
        process.stdin.close()
        if process.returncode is None:
            process.kill()
        await process.wait()


def test_a_card_that_moves_is_seen_in_both_contracts(stack: LocalStack) -> None:
    async def watching() -> None:
        async with ClientSession() as session:
            ada = await join(stack, session, "ada")
            _, board, lanes = await board_of(ada)
            async with (
                ada.socket("agentworks", f"/api/workspaces/{ada.ws_id}/events") as events,
                ada.socket("omoios", "/api/v1/ws/events?event_types=TICKET_CREATED,BOARD_TICKET_MOVED") as tickets,
            ):
                card = await card_on(ada, board, lanes[0]["id"])
                made = await hear(events, "card_created")
                assert made["data"]["cardId"] == card
                assert (await hear(tickets, "TICKET_CREATED", "event_type"))["entity_id"] == card
                await ada.call("agentworks", "POST", f"/cards/{card}/move", {"toLaneId": lanes[5]["id"]})
                moved = await hear(events, "card_moved")
                assert (moved["data"]["fromLaneId"], moved["data"]["toLaneId"]) == (lanes[0]["id"], lanes[5]["id"])
                told = await hear(tickets, "BOARD_TICKET_MOVED", "event_type")
                assert told["payload"] == {"ticket_id": card, "from_column": "backlog", "to_column": "building"}

    asyncio.run(watching())


def test_a_terminal_from_greeting_to_replay(stack: LocalStack) -> None:
    async def watching() -> None:
        async with ClientSession() as session:
            ada = await join(stack, session, "ada")
            _, board, lanes = await board_of(ada)
            card = await card_on(ada, board, lanes[0]["id"])
            async with writing(stack, card, 60) as (run, go):
                async with ada.socket("agentworks", f"/api/cards/{card}/terminal") as terminal:
                    connected = await hear(terminal, "connected")
                    assert connected["data"]["activeRuns"] == [run]
                    assert (await hear(terminal, "logs_batch"))["data"] == []
                    await go(30)
                    live = await entries_until(terminal, 30)
                    await go(30)
                    live += await entries_until(terminal, 30)
                    assert [entry["seq"] for entry in live] == list(range(1, 61))
                    await terminal.send_json({"type": "ping", "timestamp": 17})
                    assert await hear(terminal, "pong") == {"type": "pong", "timestamp": 17}
                    await terminal.send_str("{broken")
                    assert (await hear(terminal, "error"))["data"]["code"] == "INVALID_REQUEST"
                    await terminal.send_json({"type": "search_logs", "query": "LINE 5"})
                    assert (await hear(terminal, "search_results"))["data"]["totalCount"] == 11
                    await terminal.send_json({"type": "replay_run", "runId": run, "options": {"speed": 100}})
                    assert (await hear(terminal, "replay_started"))["data"]["totalLogs"] == 60
                    played = [(await hear(terminal, "replay_log"))["data"] for _ in range(60)]
                    added = ("replayPosition", "replayTotal", "replayProgress")
                    assert [{key: entry[key] for key in entry if key not in added} for entry in played] == live
                    assert (await hear(terminal, "replay_completed"))["data"]["totalLogsPlayed"] == 60
                async with ada.socket("agentworks", f"/api/cards/{card}/terminal") as again:
                    await hear(again, "connected")
                    await hear(again, "run_status")
                    await again.send_json({"type": "subscribe_run", "runId": run, "fromSequence": 21})
                    assert await entries_until(again, 40) == live[20:]

    asyncio.run(watching())


async def entries_until(socket: ClientWebSocketResponse, count: int) -> list[dict[str, Any]]:
    """So many different entries, in the order of their numbers: deliveries may overtake each other."""
    found: dict[int, dict[str, Any]] = {}
    async with asyncio.timeout(20):
        while len(found) < count:
            message = await socket.receive_json()
            if message["type"] == "logs_batch":
                found |= {entry["seq"]: entry for entry in message["data"]}
            elif message["type"] == "log_entry":
                found[message["data"]["seq"]] = message["data"]
    return [found[seq] for seq in sorted(found)]


@pytest.mark.parametrize(
    ("path", "status"), [("/api/cards/{card}/terminal", 404), ("/api/workspaces/{ws}/events", 403), ("/ws/system", 403)]
)
def test_strangers_are_refused_with_a_status(stack: LocalStack, path: str, status: int) -> None:
    async def connecting() -> None:
        async with ClientSession() as session:
            ada, eve = await join(stack, session, "ada"), await join(stack, session, "eve")
            _, board, lanes = await board_of(ada)
            address = path.format(card=await card_on(ada, board, lanes[0]["id"]), ws=ada.ws_id)
            with pytest.raises(WSServerHandshakeError) as refused:
                await eve.socket("aintandem" if path.startswith("/ws") else "agentworks", address)
            assert refused.value.status == status

    asyncio.run(connecting())


def test_a_hundred_viewers_see_every_entry_once(stack: LocalStack) -> None:
    """How soon they see it is measured by the bench."""
    seen = asyncio.run(measure(stack, viewers=100, lines=5))
    assert len(seen) == 500


async def measure(stack: LocalStack, viewers: int, lines: int) -> list[float]:
    """Milliseconds from an entry's `write` to each viewer's receiving it; the next is written when everybody has it."""
    async with ClientSession() as session, AsyncExitStack() as sockets:
        ada = await join(stack, session, "ada")
        _, board, lanes = await board_of(ada)
        card = await card_on(ada, board, lanes[0]["id"])
        watchers = [ada] + [await join(stack, session, f"watcher{number}") for number in range((viewers - 1) // 10)]
        for watcher in watchers[1:]:
            admit(stack, watcher, ada.ws_id)
        async with writing(stack, card, lines) as (_, go):
            opened = []
            for number in range(viewers):
                path = f"/api/cards/{card}/terminal"
                opened.append(await sockets.enter_async_context(watchers[number // 10].socket("agentworks", path)))
            for socket in opened:
                await hear(socket, "run_status", within=TIMEOUT)
            delays: list[float] = []

            async def read(socket: ClientWebSocketResponse) -> None:
                seen = 0
                while not seen:
                    message = await socket.receive_json()
                    now = time.time()
                    batch = message["data"] if message["type"] == "logs_batch" else [message["data"]]
                    for entry in batch if message["type"].startswith("log") else ():
                        at = time.mktime(time.strptime(entry["timestamp"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
                        delays.append((now - at - int(entry["timestamp"][20:23]) / 1000) * 1000)
                        seen += 1

            async with asyncio.timeout(lines + 120):  # it is about each entry coming once, on a machine that may be busy
                for _ in range(lines):
                    await go(1)
                    await asyncio.gather(*map(read, opened))
            return delays


def admit(stack: LocalStack, person: Person, ws_id: str) -> None:
    """Into a workspace, as the acceptance of an invitation does to the access record."""
    table = environment(stack)["CADRE_EPHEMERAL_TABLE"]
    stack.boto("dynamodb").update_item(
        TableName=table,
        Key={"PK": {"S": f"ACCESS#{person.id}"}, "SK": {"S": "META"}},
        UpdateExpression="SET workspaces.#ws = :role",
        ExpressionAttributeNames={"#ws": ws_id},
        ExpressionAttributeValues={":role": {"S": "viewer"}},
    )
