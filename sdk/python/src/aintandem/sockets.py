"""The sockets of the API: what happens to a sandbox, in a collaboration or on the whole platform, as it happens."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from ai_agents._handshake import not_refused
from ai_agents._transport import AsyncTransport
from ai_agents.errors import APIConnectionError, UnexpectedAnswerError

_SILENCE = 240
"""Seconds after which a ping is sent: the platform ends a connection on which nothing is said for ten minutes."""
_REMEMBERED = 5_000
"""Frames that are known again: after a connection that broke off the platform sends the last seconds again."""


@dataclass(frozen=True)
class Frame:
    """A message of a socket. `sequence` tells it from others of its channel: a number of a line of a log, else a text that sorts."""

    channel: str
    event: str
    data: dict[str, Any] = field(repr=False)
    timestamp: str
    sequence: str | int | None = None


class Listener:
    """What some channels of one socket say. After a connection that broke off the next one goes on where it ended."""

    def __init__(self, transport: AsyncTransport, address: str, channels: Sequence[str]) -> None:
        self._transport, self._address, self._channels = transport, address, list(channels)
        self._places: dict[str, str | int] = {}
        self._seen: deque[tuple[str, str | int]] = deque(maxlen=_REMEMBERED)
        self._failures = 0

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """Go through the frames without end. Raises APIError if the platform does not let the caller listen, APIConnectionError."""
        from websockets.exceptions import WebSocketException

        while True:
            try:
                async with aclosing(self._connection()) as frames:
                    async for frame in frames:
                        self._failures = 0
                        yield frame
            except (WebSocketException, OSError) as error:
                await self._wait(not_refused(error))

    async def _connection(self) -> AsyncGenerator[Frame, None]:
        from websockets.asyncio.client import connect

        token = (await self._transport.signed()).get("Authorization", "").removeprefix("Bearer ")
        if not token:
            raise ValueError("A socket needs a token; an API key does not open it")
        async with connect(f"{self._address}?{urlencode({'token': token})}", max_size=1 << 20) as socket:
            await socket.send(json.dumps(self.request()))
            while True:
                try:
                    text = await asyncio.wait_for(socket.recv(), _SILENCE)
                except TimeoutError:
                    await socket.send(json.dumps({"action": "ping"}))
                else:
                    if (frame := self.take(text)) is not None:
                        yield frame

    def request(self) -> dict[str, Any]:
        """Return the message that asks for the channels, from where the last connection ended."""
        asked: dict[str, Any] = {"action": "subscribe", "channels": self._channels}
        return asked | ({"last_sequence": self._places} if self._places else {})

    def take(self, text: str | bytes) -> Frame | None:
        """Return the frame that a message is, None if it is an answer to this client or was here before. Raises UnexpectedAnswerError."""
        message = json.loads(text)
        frame = Frame(*(message.get(name) for name in ("channel", "event", "data", "timestamp", "sequence")))
        if frame.channel == "control":
            if frame.event == "error":
                raise UnexpectedAnswerError(f"The socket refused: {frame.data.get('message')} ({frame.data.get('code')})")
            return frame if frame.event == "gap" else None
        if frame.sequence is None:
            return frame
        if (frame.channel, frame.sequence) in self._seen:
            return None
        self._seen.append((frame.channel, frame.sequence))
        last = self._places.get(frame.channel)
        if last is None or type(last) is not type(frame.sequence) or frame.sequence > last:  # type: ignore[operator]  # of one type
            self._places[frame.channel] = frame.sequence
        return frame

    async def _wait(self, error: Exception) -> None:
        pause = self._transport.retries.pause(self._failures, None)
        if pause is None:
            raise APIConnectionError(f"The socket broke off: {error}") from error
        self._failures += 1
        await self._transport.sleep(pause)
