"""The terminal of a card, line by line while its run works."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from ai_agents._calls import Retries
from ai_agents._handshake import not_refused
from ai_agents.errors import APIConnectionError, UnexpectedAnswerError

_SILENCE = 240
"""Seconds after which a ping is sent: the platform ends a connection on which nothing is said for ten minutes."""
_PING = json.dumps({"type": "ping", "timestamp": 0})


@dataclass(frozen=True)
class Line:
    """A line of a run's log. `number` counts from 1 on without gaps; `entry` is all that the platform says of it."""

    number: int
    text: str
    entry: dict[str, Any] = field(repr=False)


class Terminal:
    """The log of one run without a gap: the socket sends what was written before and what is written now, in whatever order. After a
    connection that broke off, the next one goes on with the line that is missing."""

    def __init__(self, base_url: str, card_id: str, run_id: str, retries: Retries) -> None:
        self._base_url, self._card_id, self._run_id, self._retries = base_url, card_id, run_id, retries
        self._shown = 0
        self._last: int | None = None
        self._waiting: dict[int, dict[str, Any]] = {}
        self._broken: Exception | None = None
        self._failures = 0

    @property
    def has_ended(self) -> bool:
        return self._shown == self._last

    def read(self, signed: dict[str, str]) -> Iterator[Line]:
        """Go through the lines that one connection brings."""
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        try:
            with connect(self.address(signed), max_size=1 << 20) as socket:
                socket.send(self.request())
                while not self.has_ended:
                    try:
                        message = socket.recv(_SILENCE)
                    except TimeoutError:
                        socket.send(_PING)
                    else:
                        yield from self.take(message)
        except (WebSocketException, OSError) as error:
            self._broken = not_refused(error)

    async def read_async(self, signed: dict[str, str]) -> AsyncIterator[Line]:
        """Go through the lines that one connection brings."""
        import asyncio

        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        try:
            async with connect(self.address(signed), max_size=1 << 20) as socket:
                await socket.send(self.request())
                while not self.has_ended:
                    try:
                        message = await asyncio.wait_for(socket.recv(), _SILENCE)
                    except TimeoutError:
                        await socket.send(_PING)
                    else:
                        for line in self.take(message):
                            yield line
        except (WebSocketException, OSError) as error:
            self._broken = not_refused(error)

    def pause(self) -> float | None:
        """Return the seconds to wait after a connection that broke off; None if none did. Raises APIConnectionError."""
        if self._broken is None:
            return None
        pause = self._retries.pause(self._failures, None)
        if pause is None:
            raise APIConnectionError(f"The terminal broke off: {self._broken}") from self._broken
        self._broken, self._failures = None, self._failures + 1
        return pause

    def address(self, signed: dict[str, str]) -> str:
        """Return the terminal's address: the API's own host, with `/api` in place of the version. A browser's socket takes no header, so
        the token is in the address. Raises ValueError if there is none."""
        token = signed.get("Authorization", "").removeprefix("Bearer ")
        if not token:
            raise ValueError("The terminal needs a token; an API key does not open it")
        parts = urlsplit(self._base_url)
        path = f"{parts.path.removesuffix('/v1')}/api/cards/{quote(self._card_id, safe='')}/terminal"
        return urlunsplit((parts.scheme.replace("http", "ws", 1), parts.netloc, path, urlencode({"token": token}), ""))

    def request(self) -> str:
        """Return the message that asks for the log from the first line on that is not here."""
        return json.dumps({"type": "subscribe_run", "runId": self._run_id, "fromSequence": self._shown + 1})

    def take(self, text: str | bytes) -> list[Line]:
        """Return the lines that come next, now that this message is here. Raises UnexpectedAnswerError."""
        message = json.loads(text)
        kind, data = message.get("type"), message.get("data")
        if kind == "error":
            raise UnexpectedAnswerError(f"The terminal refused: {data.get('message')} ({data.get('code')})")
        for entry in {"log_entry": [data], "logs_batch": data}.get(kind) or []:
            if entry["runId"] == self._run_id and entry["seq"] > self._shown:
                self._waiting[entry["seq"]] = entry
        if kind == "run_status" and data["runId"] == self._run_id and "lastSequence" in data:
            self._last = data["lastSequence"]
        lines = []
        while (entry := self._waiting.pop(self._shown + 1, None)) is not None:
            self._shown += 1
            self._failures = 0
            lines.append(Line(self._shown, entry["message"], entry))
        return lines
