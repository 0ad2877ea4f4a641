"""The client of aintandem: `AInTandemClient`, each of whose methods is awaited."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

import httpx2

from ai_agents._calls import Retries
from ai_agents._session import AsyncSession
from ai_agents._transport import AsyncTransport
from ai_agents.errors import OperationFailedError, WaitTimeoutError
from ai_agents.pages import AsyncPage
from aintandem import bodies, models, resources
from aintandem.sandbox import Data, Sandbox
from aintandem.sockets import Frame, Listener

BASE_URL = "http://localhost:8000/aintandem/api/v1"
"""Where `make run` serves the API."""
Status = Literal["running", "stopped", "error"]
Sort = Literal["name", "status", "created_at"]
Order = Literal["asc", "desc"]


class Sandboxes:
    """The sandboxes of workspaces, as objects that can be asked."""

    def __init__(self, transport: AsyncTransport, socket_url: str) -> None:
        self._transport, self._socket_url = transport, socket_url
        self._sandboxes = resources.AsyncSandboxes(transport)

    def _open(self, data: Data) -> Sandbox:
        return Sandbox(self._transport, self._socket_url, data)

    async def create(self, workspace_id: str, config: bodies.CreateSandbox, *, idempotency_key: str | None = None) -> Sandbox:
        """Make a sandbox and start it."""
        return self._open(await self._sandboxes.create(workspace_id, idempotency_key=idempotency_key, **config))

    async def get(self, sandbox_id: str) -> Sandbox:
        return self._open(await self._sandboxes.get(sandbox_id))

    async def list(
        self,
        workspace_id: str,
        *,
        status: Status | None = None,
        page: int | None = None,
        per_page: int | None = None,
        sort: Sort | None = None,
        order: Order | None = None,
        search: str | None = None,
    ) -> AsyncPage[Sandbox]:
        """List the sandboxes of a workspace, newest first. `search` looks for words in their names."""
        found = await self._sandboxes.list(
            workspace_id, status=status, page=page, per_page=per_page, sort=sort, order=order, search=search
        )
        return found.map(self._open)


class Workspaces(resources.AsyncWorkspaces):
    def __init__(self, transport: AsyncTransport, sandboxes: Sandboxes) -> None:
        super().__init__(transport)
        self._sandboxes = sandboxes

    async def list_sandboxes(
        self,
        workspace_id: str,
        *,
        status: Status | None = None,
        page: int | None = None,
        per_page: int | None = None,
        sort: Sort | None = None,
        order: Order | None = None,
        search: str | None = None,
    ) -> AsyncPage[Sandbox]:
        """List the sandboxes of a workspace: `sandboxes.list` by the name of the document's example."""
        return await self._sandboxes.list(
            workspace_id, status=status, page=page, per_page=per_page, sort=sort, order=order, search=search
        )


class Collaborations(resources.AsyncCollaborations):
    def __init__(self, transport: AsyncTransport, socket_url: str) -> None:
        super().__init__(transport)
        self._socket_url = socket_url

    async def wait(
        self,
        collaboration_id: str,
        *,
        on_progress: Callable[[models.CollaborationDetails], object] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the wait ends between two requests, never within one
        every: float = 5.0,
    ) -> models.CollaborationDetails:
        """Wait until a collaboration is completed, and return it with its deliverables. `timeout` and `every` are seconds.

        Raises OperationFailedError if it failed or was cancelled, WaitTimeoutError if it goes on.
        """
        loop = asyncio.get_running_loop()
        ends = None if timeout is None else loop.time() + timeout
        while (state := await self.get(collaboration_id)).status != "completed":
            if on_progress:
                on_progress(state)
            if state.status in ("failed", "cancelled"):
                raise OperationFailedError(state, state.reason)
            if ends is not None and loop.time() >= ends:
                raise WaitTimeoutError(f"Collaboration {collaboration_id} is {state.status} after {timeout} s")
            await self._transport.sleep(every)
        return state

    def listen(self, collaboration_id: str, *channels: Literal["messages", "events"]) -> AsyncGenerator[Frame, None]:
        """Go through what happens in a collaboration, as it happens; without channels: all of it."""
        address = f"{self._socket_url}/collaborations/{collaboration_id}"
        return Listener(self._transport, address, channels or ("messages", "events")).frames()


class AInTandemClient(AsyncSession):
    """The client of aintandem: `AInTandemClient(api_key="...")`, or with the `token` of a login.

    `base_url` is where the API is served: the variable `AINTANDEM_BASE_URL`, else the local stack. `socket_url` is where its sockets are,
    if that is not beside it. An API key opens no socket.
    """

    auth: resources.AsyncAuth
    workspaces: Workspaces
    sandboxes: Sandboxes
    messages: resources.AsyncMessages
    collaborations: Collaborations
    agents: resources.AsyncAgents
    config: resources.AsyncConfig
    metrics: resources.AsyncMetrics
    system: resources.AsyncSystem

    def __init__(
        self,
        *,
        api_key: str | None = None,
        token: str | None = None,
        base_url: str | None = None,
        socket_url: str | None = None,
        retries: Retries | None = None,
        timeout: float = 30.0,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """`timeout` in seconds, of each try. `transport` is for proxies and tests."""
        base_url = base_url or os.environ.get("AINTANDEM_BASE_URL") or BASE_URL
        self._socket_url = (socket_url or _sockets_beside(base_url)).rstrip("/")
        super().__init__(base_url=base_url, retries=retries, timeout=timeout, transport=transport, api_key=api_key, token=token)

    def _open(self, transport: AsyncTransport) -> None:
        self.sandboxes = Sandboxes(transport, self._socket_url)
        self.workspaces = Workspaces(transport, self.sandboxes)
        self.collaborations = Collaborations(transport, self._socket_url)
        self.messages, self.agents = resources.AsyncMessages(transport), resources.AsyncAgents(transport)
        self.auth, self.config = resources.AsyncAuth(transport), resources.AsyncConfig(transport)
        self.metrics, self.system = resources.AsyncMetrics(transport), resources.AsyncSystem(transport)


def _sockets_beside(base_url: str) -> str:
    """Return where the sockets of an API are that is served at this address: at its host, with `/ws` in place of `/api/v1`."""
    parts = urlsplit(base_url.rstrip("/"))
    path = f"{parts.path.removesuffix('/api/v1')}/ws"
    return urlunsplit((parts.scheme.replace("http", "ws", 1), parts.netloc, path, "", ""))
