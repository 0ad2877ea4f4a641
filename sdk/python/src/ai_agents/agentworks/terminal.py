"""The terminal of a card, line by line while its run works."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from ai_agents.errors import APIConnectionError, UnexpectedAnswerError


@dataclass(frozen=True)
class Line:
    """A line of a run's log. `number` counts from 1 on without gaps."""

    number: int
    text: str
    entry: dict[str, Any] = field(repr=False)


class Log:
    """Puts the lines of one run in order: the socket sends what was written before and what is written now, in whatever order."""

    def __init__(self, run_id: str) -> None:
        self.run_id, self.shown, self.last = run_id, 0, None
        self._waiting: dict[int, dict[str, Any]] = {}

    shown: int
    last: int | None

    @property
    def has_ended(self) -> bool:
        return self.shown == self.last

    def asked(self) -> str:
        """Return the message that asks for the run's log from the first line on that is not here."""
        return json.dumps({"type": "subscribe_run", "runId": self.run_id, "fromSequence": self.shown + 1})

    def take(self, text: str | bytes) -> list[Line]:
        """Return the lines that come next, now that this message is here. Raises UnexpectedAnswerError."""
        message = json.loads(text)
        kind, data = message.get("type"), message.get("data")
        if kind == "error":
            raise UnexpectedAnswerError(f"The terminal refused: {data}")
        for entry in {"log_entry": [data], "logs_batch": data}.get(kind) or []:
            if entry["runId"] == self.run_id and entry["seq"] > self.shown:
                self._waiting[entry["seq"]] = entry
        if kind == "run_status" and data["runId"] == self.run_id and "lastSequence" in data:
            self.last = data["lastSequence"]
        lines = []
        while (entry := self._waiting.pop(self.shown + 1, None)) is not None:
            self.shown += 1
            lines.append(Line(self.shown, entry["message"], entry))
        return lines


def address(base_url: str, card_id: str, headers: dict[str, str]) -> str:
    """Return the address of a card's terminal: the API's own host, with `/api` in place of the version. A socket takes no header."""
    parts = urlsplit(base_url.rstrip("/"))
    path = f"{parts.path.removesuffix('/v1')}/api/cards/{quote(card_id, safe='')}/terminal"
    token = headers.get("Authorization", "").removeprefix("Bearer ")
    if not token:
        raise ValueError("The terminal needs a token; an API key does not open it")
    return urlunsplit((parts.scheme.replace("http", "ws", 1), parts.netloc, path, urlencode({"token": token}), ""))


def follow(url: str, log: Log) -> Iterator[Line]:
    """Go through the lines of a run until it has ended. Raises APIConnectionError; with the same log, another call goes on."""
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    try:
        with connect(url, max_size=1 << 20) as socket:
            socket.send(log.asked())
            while not log.has_ended:
                yield from log.take(socket.recv())
    except (WebSocketException, OSError) as error:
        raise APIConnectionError(f"The terminal broke off: {error}") from error


async def follow_async(url: str, log: Log) -> AsyncIterator[Line]:
    """Go through the lines of a run until it has ended. Raises APIConnectionError; with the same log, another call goes on."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import WebSocketException

    try:
        async with connect(url, max_size=1 << 20) as socket:
            await socket.send(log.asked())
            while not log.has_ended:
                for line in log.take(await socket.recv()):
                    yield line
    except (WebSocketException, OSError) as error:
        raise APIConnectionError(f"The terminal broke off: {error}") from error
