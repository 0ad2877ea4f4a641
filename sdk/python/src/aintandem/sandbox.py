"""A sandbox as an object: what it is, and what is asked of it."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Literal, NotRequired, TypedDict, Unpack

from ai_agents._transport import AsyncTransport
from ai_agents.errors import NotReadyError, WaitTimeoutError
from aintandem import bodies, models, resources
from aintandem.sockets import Frame, Listener

Data = models.CreatedSandbox | models.SandboxSummary | models.SandboxDetails
STARTS = ("provisioning", "starting", "restarting", "running")
"""Statuses of a sandbox that runs or will run by itself."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0  # seconds: an hour has 200 requests of this kind


class MessageOptions(TypedDict):
    """What a message may have beside its recipient and content; as the fields of the API."""

    to_agent: NotRequired[str | None]
    from_agent: NotRequired[str | None]
    message_type: NotRequired[Literal["request", "response", "notification", "command"]]
    priority: NotRequired[int]
    requires_response: NotRequired[bool | None]
    timeout: NotRequired[int]
    ttl: NotRequired[int]
    message_id: NotRequired[str | None]
    in_reply_to: NotRequired[str | None]


class Sandbox:
    """A sandbox. `data` is what the platform said of it when this object was made; `get_status` asks how it stands now."""

    def __init__(self, transport: AsyncTransport, socket_url: str, data: Data) -> None:
        self.data = data
        self._transport, self._socket_url = transport, socket_url
        self._sandboxes, self._config = resources.AsyncSandboxes(transport), resources.AsyncConfig(transport)
        self._metrics, self._messages = resources.AsyncMetrics(transport), resources.AsyncMessages(transport)

    @property
    def id(self) -> str:
        return self.data.sandbox_id

    @property
    def name(self) -> str:
        return self.data.name

    @property
    def status(self) -> str:
        """The status when this object was made."""
        return self.data.status

    def __repr__(self) -> str:
        return f"Sandbox({self.id!r}, {self.name!r}, {self.status!r})"

    async def start(self) -> None:
        """Start the sandbox. One that runs or starts already goes on: `sandboxes.create` starts what it makes."""
        try:
            await self._sandboxes.start(self.id)
        except NotReadyError as error:
            if not any(one.field == "status" and one.message in STARTS for one in error.details):
                raise

    async def stop(self) -> models.StoppedSandbox:
        """Stop the sandbox: its processes end, and with them its cost."""
        return await self._sandboxes.stop(self.id)

    async def restart(self) -> models.StartedSandbox:
        return await self._sandboxes.restart(self.id)

    async def delete(self) -> None:
        """Delete the sandbox. Its name is free."""
        await self._sandboxes.delete(self.id)

    async def get(self) -> models.SandboxDetails:
        """Read the sandbox with its configuration, health and last measurements."""
        return await self._sandboxes.get(self.id)

    async def get_status(self) -> models.SandboxStatus:
        """Read how it stands: health, what it uses of what it may, its connections."""
        return await self._sandboxes.status(self.id)

    async def wait_until_running(self, timeout: float = 90.0) -> models.SandboxStatus:  # noqa: ASYNC109 - ends between two requests
        """Wait until the sandbox runs, at most `timeout` seconds. Raises WaitTimeoutError; also at once if it does not start."""
        loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE
        ends = loop.time() + timeout
        while (state := await self.get_status()).status != "running":
            if state.status not in STARTS or loop.time() >= ends:
                raise WaitTimeoutError(f"Sandbox {self.name} is {state.status}" + (f": {state.reason}" if state.reason else ""))
            await self._transport.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return state

    async def get_logs(
        self, *, limit: int | None = None, since: str | None = None, level: str | None = None
    ) -> list[models.LogLine]:
        """Read the newest lines of its log, oldest first."""
        return (await self._sandboxes.logs(self.id, limit=limit, since=since, level=level)).logs

    async def get_metrics(self) -> models.SandboxMetrics:
        return await self._metrics.sandbox(self.id)

    async def get_config(self) -> models.SandboxConfig:
        return await self._config.get_sandbox(self.id)

    async def update_config(self, **body: Unpack[bodies.UpdateSandboxConfig]) -> models.SandboxConfig:
        """Change its configuration; `pending_changes` of the answer names what waits for its next start."""
        return await self._config.update_sandbox(self.id, **body)

    async def send_message(
        self, to: str, content: Any, *, idempotency_key: str | None = None, **more: Unpack[MessageOptions]
    ) -> models.SentMessage:
        """Send a message from this sandbox to another one, named by its name or id. Without a `message_type` it is a request."""
        body: bodies.SendMessage = {"to_sandbox": to, "content": content, **more}
        return await self._messages.send(self.id, idempotency_key=idempotency_key, **body)

    async def get_messages(
        self,
        *,
        direction: Literal["sent", "received", "both"] | None = None,
        limit: int | None = None,
        since: str | None = None,
        before: str | None = None,
    ) -> models.MessageList:
        """Read its messages, newest first; `meta.next` of the answer is the `before` of the next page."""
        return await self._messages.list(self.id, direction=direction, limit=limit, since=since, before=before)

    def listen(self, *channels: Literal["messages", "events", "logs", "metrics"]) -> AsyncGenerator[Frame, None]:
        """Go through what happens to the sandbox, as it happens; without channels: its messages and events."""
        address = f"{self._socket_url}/sandboxes/{self.id}"
        return Listener(self._transport, address, channels or ("messages", "events")).frames()
