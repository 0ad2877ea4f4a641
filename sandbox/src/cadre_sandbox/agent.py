"""The agent: what the platform says, and what follows."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from cadre_sandbox import VERSION
from cadre_sandbox.channel import Channel
from cadre_sandbox.journal import Journal
from cadre_sandbox.logs import Log
from cadre_sandbox.platform import Platform, PlatformError, Unreachable
from cadre_sandbox.settings import Settings
from cadre_sandbox.thinking import Configuration, Thinking
from cadre_sandbox.tools import Toolbox
from cadre_sandbox.usage import Usage
from cadre_sandbox.work import Work

HEARTBEAT: Final = 20.0  # seconds
_LOG_EVERY: Final = 3.0  # seconds: the platform takes 1,200 batches an hour
_LOG_BYTES: Final = 12_000  # of one batch: a frame has 16 KB


class Agent:
    """Runs until it is told to stop, or its token is refused."""

    def __init__(self, settings: Settings, *, heartbeat: float = HEARTBEAT) -> None:
        self._settings, self._every = settings, heartbeat
        settings.work_folder.mkdir(parents=True, exist_ok=True)
        self.log = Log()
        self._platform = Platform(settings)
        self._journal = Journal(settings.home / ".cadre" / "journal.sqlite")
        self._toolbox = Toolbox(settings, self._platform, self.log)
        self._thinking = Thinking(self._platform, self._journal, self._toolbox)
        self._work = Work(self._platform, self._journal, self._thinking, self.log)
        self._toolbox.reply_to = self._work.reply_to
        self._usage = Usage(settings.home)
        self._channel = Channel(settings, self.log)
        self._configuring = asyncio.Lock()
        self._known: dict[str, Any] = {}
        self._resumed = False
        self._ready = False
        self._stop = asyncio.Event()
        self._stop_within = 0.0
        self._background: set[asyncio.Task[Any]] = set()
        self._events: dict[str, Callable[[dict[str, Any]], Any]] = {
            "configure": self._configure,
            "changed": self._change,
            "message": self._message,
            "token": self._token,
            "completion": self._completion,
            "stop": self._stopping,
            "error": self._error,
        }

    async def run(self) -> None:
        """Work until the platform says stop. Raises TokenRefused."""
        self.log("info", "Agent started successfully")
        loops = [asyncio.create_task(work) for work in (self._channel.run(self._hear), self._beat(), self._send_logs())]
        stop = asyncio.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait([*loops, stop], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self._work.close(self._stop_within)
            await self._flush()
            for task in (*loops, stop, *self._background):
                task.cancel()
            await asyncio.gather(*loops, stop, *self._background, return_exceptions=True)
            await self._toolbox.close()
            self._journal.close()

    async def _hear(self, event: str, data: dict[str, Any]) -> None:
        handler = self._events.get(event)
        if handler is not None:
            handler(data)

    def _beside(self, work: Any) -> None:
        """Do something without holding up what the platform says next."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (wrong := task.exception()):
            self.log("error", f"{type(wrong).__name__}: {wrong}")

    def _configure(self, data: dict[str, Any]) -> None:
        self._known = data
        self._beside(self._become_ready())

    async def _become_ready(self) -> None:
        """Connect the tools and say that the sandbox is ready; what was left unfinished is taken up."""
        async with self._configuring:
            data = self._known
            self._work.config = Configuration.of(data)
            await self._toolbox.configure(list(data.get("mcp_servers") or ()))
            if not self._resumed:
                self._resumed = True
                self._work.resume()
            self._ready = True
            await self._channel.send("ready", mcp_servers=self._toolbox.statuses, agent_version=VERSION)
            await self._heartbeat()

    def _change(self, data: dict[str, Any]) -> None:
        """Take over the settings that come into force while it runs."""
        self._known = self._known | data
        self._beside(self._apply())

    async def _apply(self) -> None:
        async with self._configuring:
            self._work.config = Configuration.of(self._known)
            await self._toolbox.configure(list(self._known.get("mcp_servers") or ()))
            await self._heartbeat()

    def _message(self, data: dict[str, Any]) -> None:
        if self._stop.is_set():
            return  # it stays with the platform
        if data.get("by_reference"):
            self._beside(self._fetch(str(data["message_id"])))
        else:
            self._take(data)

    async def _fetch(self, message_id: str) -> None:
        try:
            self._take(await self._platform.message(message_id))
        except (PlatformError, Unreachable) as error:
            self.log("warning", f"The message {message_id} cannot be read: {error}")  # it is delivered again

    def _take(self, message: dict[str, Any]) -> None:
        """Keep a message, then acknowledge it: it is acknowledged as often as it is delivered, and worked on once."""
        try:
            self._work.take(message)
        except sqlite3.Error as error:
            self.log("error", f"The message {message['message_id']} cannot be kept: {error}")
            return
        self._beside(self._channel.send("ack", message_id=message["message_id"]))

    def _token(self, data: dict[str, Any]) -> None:
        self._settings.token = str(data["token"])

    def _completion(self, data: dict[str, Any]) -> None:
        self._thinking.completed(str(data.get("request_id")))

    def _stopping(self, data: dict[str, Any]) -> None:
        self._stop_within = float(data.get("seconds") or 0)
        self._stop.set()

    def _error(self, data: dict[str, Any]) -> None:
        self.log("warning", f"The platform refused {data.get('action')}: {data.get('message')}")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            if self._ready:
                await self._heartbeat()

    async def _heartbeat(self) -> None:
        usage = await self._platform.host_usage() or await asyncio.to_thread(self._usage.look)
        await self._channel.send("heartbeat", usage=usage, busy=self._work.busy, mcp_servers=self._toolbox.statuses)

    async def _send_logs(self) -> None:
        while True:
            await asyncio.sleep(_LOG_EVERY)
            await self._flush()

    async def _flush(self) -> None:
        batch = self.log.take()
        size, fits = 0, 0
        for entry in batch:
            size += len(json.dumps(entry, ensure_ascii=False).encode())
            if size > _LOG_BYTES:
                break
            fits += 1
        self.log.put_back(batch[fits:])
        if fits and not await self._channel.send("log", entries=batch[:fits]):
            self.log.put_back(batch[:fits])


def run(settings: Settings) -> None:
    """Run the agent in an event loop of its own."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(Agent(settings).run())
