"""The messages in work: in order for each sender, several senders side by side. Each is answered once, also after a restart."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, Final

from cadre_sandbox.commands import Commands, error
from cadre_sandbox.journal import Journal
from cadre_sandbox.logs import Log
from cadre_sandbox.platform import Platform, PlatformError, Unreachable
from cadre_sandbox.thinking import Configuration, Thinking, ThoughtFailed, conversation_of, shown
from cadre_sandbox.tools import derived_id

SIDE_BY_SIDE: Final = 4
"""Messages that are thought about at once."""
_LONGEST_ANSWER: Final = 150_000  # characters; a message holds 200 KB
_AGAIN_AFTER: Final = 15.0  # seconds until an answer that could not be sent is sent again


class Work:
    """`busy` are the ids of the messages in work."""

    def __init__(self, platform: Platform, journal: Journal, thinking: Thinking, log: Log) -> None:
        self._platform, self._journal, self._thinking, self._log = platform, journal, thinking, log
        self.commands = Commands(journal, log, self.stop_all)
        self.config: Configuration | None = None
        self._waiting: dict[str, deque[dict[str, Any]]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._current: dict[str, asyncio.Task[Any]] = {}
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)
        self._replies: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._closed = False

    @property
    def busy(self) -> list[str]:
        return list(self._current)[:20]

    def resume(self) -> None:
        """Take up what an earlier process of this sandbox left unfinished."""
        for message in self._journal.unfinished():
            self._enqueue(message)

    def take(self, message: dict[str, Any]) -> None:
        """Take a message, which is in the journal when this returns; one that is known is not worked on again."""
        if not self._journal.receive(message):
            return
        kind, sender = message.get("message_type"), message.get("from_name") or message.get("from_sandbox")
        self._log("info", f"Received {kind} {message['message_id']} from {sender}")
        if message.get("message_type") == "response":
            self._hear(message)
        else:
            self._enqueue(message)

    def _hear(self, message: dict[str, Any]) -> None:
        """Give a response to the tool call that waits for it; else it belongs to the conversation."""
        waiting = self._replies.get(str(message.get("in_reply_to")))
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
            self._journal.finish(message["message_id"])
        else:
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        """Add a message to its conversation without an answer: the agent knows it from its next one on."""
        where = conversation_of(message, self.config) if self.config else f"{message['from_sandbox']}/"
        entries = ({"role": "user", "content": shown(message)}, {"role": "assistant", "content": "(noted)"})
        self._journal.finish(message["message_id"], where, entries)

    def _enqueue(self, message: dict[str, Any]) -> None:
        if message.get("message_type") == "command":
            self._start(f"command {message['message_id']}", self._obey(message))
            return
        if message.get("in_reply_to") in self._replies:  # a question back: its answer is what the asking one waits for
            self._start(f"question {message['message_id']}", self._try(message))
            return
        sender = str(message["from_sandbox"])
        queue = self._waiting.setdefault(sender, deque())
        if all(one["message_id"] != message["message_id"] for one in queue):
            queue.append(message)
        task = self._tasks.get(sender)
        if task is None or task.done():  # one that has just ended is still among them, and takes nothing more
            self._start(sender, self._serve(sender))

    def _start(self, name: str, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None) if self._tasks.get(name) is task else None)

    async def _obey(self, message: dict[str, Any]) -> None:
        """Commands do not wait for what is in work."""
        known = self._journal.get(message["message_id"])
        if known is None or known.answer is None:
            result = self.commands.run(message.get("content"))
            self._log("info", f"Command {message['message_id']}: {result.get('status', 'refused')}")
            self._journal.answer(message["message_id"], self._answer(message, result))
        await self._send_answer(message)

    async def _serve(self, sender: str) -> None:
        """Work on the messages of one sender, one after the other."""
        queue = self._waiting[sender]
        while queue and not self._closed:
            await self._try(queue[0])
            queue.popleft()
        self._waiting.pop(sender, None)

    async def _try(self, message: dict[str, Any]) -> None:
        try:
            await self._work_on(message)
        except sqlite3.Error as wrong:  # a full disk: it is taken up after the next start
            self._log("error", f"The journal cannot be written, {message['message_id']} waits: {wrong}")

    async def _work_on(self, message: dict[str, Any]) -> None:
        message_id = message["message_id"]
        if message.get("message_type") in ("notification", "response"):
            self._note(message)
            return
        known = self._journal.get(message_id)
        if known is not None and known.answer is None:
            content = await self._content_of(message)
            self._journal.answer(message_id, self._answer(message, content))
        await self._send_answer(message)

    async def _content_of(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return what is answered: the agent's text, or why there is none."""
        config = self.config
        if config is None:
            return error("NOT_READY", "The sandbox is not configured")
        message_id = message["message_id"]
        async with self._slots:
            task = asyncio.create_task(self._think(message, config))
            self._current[message_id] = task
            try:
                text = await asyncio.wait_for(task, config.timeout_seconds)
            except TimeoutError:
                return self._failed(message_id, "TIMEOUT", f"The work took longer than {config.timeout_seconds:g} seconds")
            except asyncio.CancelledError:
                if not task.cancelled() or self._closed:
                    raise  # the agent itself ends: the work goes on after its next start
                return self._failed(message_id, "STOPPED", "The work was stopped")
            except ThoughtFailed as wrong:
                return self._failed(message_id, "NO_ANSWER", str(wrong))
            except PlatformError as wrong:
                return self._failed(message_id, wrong.code, str(wrong))
            except Unreachable as wrong:
                return self._failed(message_id, "UNAVAILABLE", str(wrong))
            except sqlite3.Error:
                raise
            except Exception as wrong:
                return self._failed(message_id, "FAILED", f"{type(wrong).__name__}: {wrong}")
            finally:
                self._current.pop(message_id, None)
        return {"text": text[:_LONGEST_ANSWER]}

    async def _think(self, message: dict[str, Any], config: Configuration) -> str:
        return await self._thinking.answer(message, config, lambda: self._log("debug", f"A turn on {message['message_id']}"))

    def _failed(self, message_id: str, code: str, why: str) -> dict[str, Any]:
        self._log("error", f"No answer to {message_id}: {why}")
        return error(code, why)

    def _answer(self, message: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
        agents = self.config.agents if self.config else ()
        answer = {
            "message_id": derived_id("response", message["message_id"]),
            "to_sandbox": message["from_sandbox"],
            "to_agent": message.get("from_agent"),
            "from_agent": message.get("to_agent") or (agents[0].get("name") if agents else None),
            "message_type": "response",
            "in_reply_to": message["message_id"],
            "content": content,
            "requires_response": False,
        }
        return {name: value for name, value in answer.items() if value is not None}

    async def _send_answer(self, message: dict[str, Any]) -> None:
        """Send the answer until the platform has it: by HTTP, which says so; a frame of the socket may be lost."""
        message_id = message["message_id"]
        known = self._journal.get(message_id)
        if known is None or known.done or known.answer is None:
            return
        while True:
            try:
                await self._platform.send(known.answer)
                self._log("info", f"Answered {message_id}")
                break
            except PlatformError as refused:
                self._log("error", f"The platform refuses the answer to {message_id}: {refused}")
                break
            except Unreachable as away:
                self._log("warning", f"The answer to {message_id} waits: {away}")
                await asyncio.sleep(_AGAIN_AFTER)
        content = known.answer["content"]
        entries = (
            {"role": "user", "content": shown(message)},
            {"role": "assistant", "content": str(content.get("text") or content)},
        )
        where = conversation_of(message, self.config) if self.config and message.get("message_type") != "command" else ""
        self._journal.finish(message_id, where, entries if where else ())

    async def reply_to(self, message_id: str, within: float) -> dict[str, Any] | None:
        """Wait for the response to a message that this sandbox has sent; None: it did not come in time.

        Meanwhile somebody else's message may be worked on: two sandboxes that ask each other must not wait for each other.
        """
        if (known := self._journal.response_to(message_id)) is not None:
            return known
        future = self._replies.setdefault(message_id, asyncio.get_running_loop().create_future())
        try:
            async with self._slot_given_away():
                return await asyncio.wait_for(asyncio.shield(future), within)
        except TimeoutError:
            return None
        finally:
            self._replies.pop(message_id, None)

    @asynccontextmanager
    async def _slot_given_away(self) -> AsyncIterator[None]:
        self._slots.release()
        try:
            yield
        finally:
            await _always(self._slots.acquire())

    def stop_all(self) -> int:
        """Stop what is in work; return how many messages that were. Each is answered with an error."""
        tasks = list(self._current.values())
        for task in tasks:
            task.cancel()
        return len(tasks)

    async def close(self, within: float) -> None:
        """Finish what can be finished in so many seconds. The rest is taken up after the next start."""
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, within))
        self._closed = True
        for task in (*self._current.values(), *tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _always(work: Awaitable[Any]) -> None:
    """Await something although this task is being cancelled."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                return
