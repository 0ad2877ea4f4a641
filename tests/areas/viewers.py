"""Sockets on moto: a gateway that keeps what is posted, the ws function, the queue worked off by hand, stream records made from rows."""

import atexit
import json
import os
import threading
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from moto.dynamodb.models import dynamodb_backends

from functions.stream_projector.handler import handler as projector
from functions.ws.handler import handler as ws
from functions.ws_pusher.handler import handler as pusher
from shared.channels.sockets.client import socket_client
from shared.channels.sockets.frames import Frame, compact
from shared.channels.sockets.publish import publish
from shared.channels.sockets.rows import Connection, Subscription
from shared.channels.sockets.topics import workspace_topic
from shared.core.ids import new_id
from shared.core.settings import settings
from shared.edge.views.omoios.events import event_frame
from shared.store import put, write
from shared.store.client import dynamodb
from shared.work.items.rules import MAX_AUTO_MOVES
from tests.areas.driving import Client, Context
from tests.snapshots import ACCOUNT, REGION


class Gateway:
    """The management API of a socket API: `frames` of each connection, in the order of their arrival."""

    def __init__(self) -> None:
        self.frames: dict[str, list[str]] = defaultdict(list)
        self.answers: dict[str, list[int]] = defaultdict(list)
        """Statuses that the next posts to a connection get instead of 200."""
        self.closed: list[str] = []
        self.headers: dict[str, str] = {}
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _connection(self) -> str:
                return unquote(self.path.rpartition("/")[2])

            def _answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                connection, gateway.headers = self._connection(), dict(self.headers.items())
                queued = gateway.answers[connection]
                status = queued.pop(0) if queued else 200
                if status == 200:
                    gateway.frames[connection].append(body)
                self._answer(status)

            def do_DELETE(self) -> None:
                gateway.closed.append(self._connection())
                self._answer(204)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def clear(self) -> None:
        for kept in (self.frames, self.answers, self.closed):
            kept.clear()

    def activate(self) -> None:
        os.environ["CADRE_SOCKET_ENDPOINT"] = self.url
        settings.cache_clear()


@cache
def shared_gateway() -> Gateway:
    """One for the whole session: the platform's own client of it is made once."""
    made = Gateway()
    atexit.register(lambda: [kept.close() for kept in socket_client()._idle] and made.server.server_close())
    return made


def messages() -> list[dict[str, Any]]:
    """Receive and delete all messages of `ws-live` and `ws-push`, also delayed ones."""
    from moto.sqs.models import sqs_backends

    found: list[dict[str, Any]] = []
    for name in ("ws_live.fifo", "ws_push"):
        queue = sqs_backends["123456789012"]["us-east-1"].queues[name]
        found += [json.loads(message.body) for message in queue._messages]
        queue._messages.clear()
    return sorted(found, key=lambda message: message["at"])


def push_batch(*given: dict[str, Any]) -> dict[str, Any]:
    """Invoke the pusher with one batch."""
    records = [{"messageId": str(index), "body": json.dumps(message)} for index, message in enumerate(given)]
    answer: dict[str, Any] = pusher({"Records": records}, Context())
    return answer


def publish_events(topic: str, ws_id: str, *, agentworks: Sequence[dict] = (), omoios: Sequence[dict] = ()) -> None:
    """Send messages as the contracts' tables of events do."""
    shown = {"agentworks": [Frame(compact(one)) for one in agentworks], "omoios": [event_frame(one) for one in omoios]}
    publish(topic, shown, ws_id=ws_id)


def listen(ws_id: str) -> None:
    """Let somebody listen to the events of a workspace: without a listener none is published."""
    nobody = Connection.new("listener=", "nobody", contract="agentworks", endpoint="events", session_id="none", ws_id=ws_id)
    write(put(Subscription.of(workspace_topic(ws_id), nobody)))


def pushed(contract: str) -> list[dict[str, Any]]:
    """Receive and delete all pushes; return the contract's messages in them."""
    return messages_for(messages(), contract)


def messages_for(pushes: Sequence[dict[str, Any]], contract: str) -> list[dict[str, Any]]:
    """Return the contract's messages in these pushes."""
    return [json.loads(frame["text"]) for push in pushes for frame in push.get("frames", {}).get(contract, [])]


def drain() -> None:
    """Process the queues until they are empty."""
    while waiting := messages():
        for start in range(0, len(waiting), 10):
            assert push_batch(*waiting[start : start + 10]) == {"batchItemFailures": []}


def socket_event(
    kind: str, connection: str, *, query: dict[str, str] | None = None, body: str | None = None, headers=None
) -> dict:
    route = {"CONNECT": "$connect", "DISCONNECT": "$disconnect", "MESSAGE": "$default"}[kind]
    return {
        "headers": headers,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in (query or {}).items()} or None,
        "requestContext": {"routeKey": route, "eventType": kind, "connectionId": connection, "requestId": "r", "stage": "v1"},
        "body": body,
        "isBase64Encoded": False,
    }


class Viewer:
    """A client's side of one connection."""

    def __init__(self, gateway: Gateway, client: Client | None, path: str, **query: str) -> None:
        self.gateway, self.id = gateway, f"{new_id()[-12:]}="
        asked = {"path": path} | query | ({"token": str(client.token)} if client else {})
        self.status = ws(socket_event("CONNECT", self.id, query=asked), Context())["statusCode"]

    def send(self, message: Any) -> "Viewer":
        body = message if isinstance(message, str) else json.dumps(message)
        assert ws(socket_event("MESSAGE", self.id, body=body), Context()) == {"statusCode": 200}
        return self

    def leave(self) -> None:
        assert ws(socket_event("DISCONNECT", self.id), Context()) == {"statusCode": 200}

    def received(self) -> list[dict[str, Any]]:
        """Return the messages received since the last call."""
        frames, self.gateway.frames[self.id] = self.gateway.frames[self.id], []
        assert all(len(frame.encode()) <= 32_768 for frame in frames)
        return [json.loads(frame) for frame in frames]


def entries_in(heard: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for message in heard:
        if message["type"] == "logs_batch":
            found += message["data"]
        elif message["type"] in {"log_entry", "replay_log"}:
            found.append(message["data"])
    return found


def raw_row(pk: str, sk: str = "META") -> dict[str, Any]:
    return dynamodb().get_item(TableName="core", Key={"PK": {"S": pk}, "SK": {"S": sk}}, ConsistentRead=True).get("Item")


def stream_record(new: dict[str, Any], old: dict[str, Any] | None = None, sequence: int = 1) -> dict[str, Any]:
    images = {"NewImage": new} | ({"OldImage": old} if old else {})
    return {
        "eventID": f"e{sequence}",
        "eventName": "MODIFY" if old else "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "Keys": {"PK": new["PK"], "SK": new["SK"]},
            "SequenceNumber": str(sequence),
            "SizeBytes": 1,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        | images,
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/core/stream/x",
    }


def project(*records: dict[str, Any]) -> list[str]:
    """Give the stream consumer a batch; the numbers of the records that failed."""
    answer = projector({"Records": list(records)}, Context())
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


class Stream:
    """What changed since it was last looked at, given to the stream consumer until nothing changes any more."""

    def __init__(self) -> None:
        self.seen = self._rows()

    def _rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        partitions = (
            dynamodb_backends[ACCOUNT][REGION].tables["core"].items
        )  # a scan takes four times as long, and ends at a megabyte
        rows = [row.to_json()["Attributes"] for rows in partitions.values() for row in rows.values() if "event_id" in row.attrs]
        return {(row["PK"]["S"], row["SK"]["S"]): row for row in rows}

    def flow(self) -> int:
        """How many rounds it took."""
        for round_ in range(5 * MAX_AUTO_MOVES):
            now = self._rows()
            changed = [key for key, row in now.items() if row["event_id"] != self.seen.get(key, {}).get("event_id")]
            records = [stream_record(now[key], self.seen.get(key), number) for number, key in enumerate(changed)]
            self.seen = now
            if not records:
                return round_
            assert project(*records) == []
        raise AssertionError("the stream never comes to rest")
