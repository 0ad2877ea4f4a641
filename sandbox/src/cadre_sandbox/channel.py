"""The agent's WebSocket to the platform: connected again whenever it is lost."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.exceptions import InvalidStatus, WebSocketException

from cadre_sandbox.logs import Log
from cadre_sandbox.settings import Settings

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0  # seconds between two attempts
_REFUSALS: Final = 5  # one after the other: then the token is of no use any more
_MAX_FRAME: Final = 1_000_000  # bytes
_OPENS_WITHIN: Final = 15.0
Hear = Callable[[str, dict[str, Any]], Awaitable[None]]


class TokenRefused(Exception):
    """The platform does not know this start of the sandbox any more."""


class Channel:
    """`send` drops what cannot be sent now and says so: what must arrive is sent again by who sends it."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._settings, self._log = settings, log
        self._connection: ClientConnection | None = None

    async def run(self, hear: Hear) -> None:
        """Connect and hear, for ever. Raises TokenRefused."""
        pause, refusals = _FIRST_PAUSE, 0
        while True:
            opened = None
            try:
                async with self._opened() as connection:
                    self._connection, opened, refusals = connection, time.monotonic(), 0
                    self._log("info", "Connected to collaboration bus")
                    async for frame in connection:
                        await self._hear(frame, hear)
            except InvalidStatus as refused:
                status = refused.response.status_code
                refusals = refusals + 1 if status in (401, 403) else 0
                self._log("warning", f"The platform refuses the connection: {status}")
                if refusals >= _REFUSALS:
                    raise TokenRefused("The platform refuses the token of this start") from refused
            except (OSError, TimeoutError, WebSocketException) as away:
                self._log("debug", f"The connection was lost: {type(away).__name__}")
            finally:
                self._connection = None
            if opened is not None and time.monotonic() - opened > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause * (0.5 + random.random() / 2))  # noqa: S311 - no secret
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _opened(self) -> connect:
        options: dict[str, Any] = {
            "additional_headers": {"Authorization": f"Bearer {self._settings.token}"},
            "max_size": _MAX_FRAME,
            "open_timeout": _OPENS_WITHIN,
            "user_agent_header": None,
        }
        if self._settings.proxy:
            return unix_connect(self._settings.proxy, self._settings.socket, **options)
        return connect(self._settings.socket, proxy=None, **options)

    async def _hear(self, frame: str | bytes, hear: Hear) -> None:
        try:
            said = json.loads(frame)
            event, data = str(said["event"]), said.get("data") or {}
        except (ValueError, KeyError, TypeError, AttributeError):
            self._log("warning", "The platform sent a frame that is not understood")
            return
        await hear(event, data)

    async def send(self, action: str, **fields: Any) -> bool:
        """Send an action; return whether it was handed over."""
        connection = self._connection
        if connection is None:
            return False
        with contextlib.suppress(OSError, WebSocketException):
            await connection.send(json.dumps({"action": action, **fields}, ensure_ascii=False))
            return True
        return False
