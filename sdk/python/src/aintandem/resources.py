# Made from the API's OpenAPI document by `make sdk`: do not change it here.
# sha256:d78bc56c2cd15a803a3542677ffd1c3c5d005f08b1afc951b313529921e24cc6
"""The resources of the aintandem API: one method for each operation."""

from typing import Literal, Unpack

from ai_agents._calls import Call, path_of
from ai_agents._resource import AsyncResource
from ai_agents._session import AsyncSession
from ai_agents._transport import AsyncTransport
from ai_agents.pages import AsyncPage
from aintandem import bodies, models


class AsyncAgents(AsyncResource):
    async def discover(
        self,
        workspace_id: str,
        *,
        capability: str | None = None,
        role: str | None = None,
        sandbox_id: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> models.DiscoveredAgents:
        """Find agents of a workspace's sandboxes by a capability, by a part of their role, or by their sandbox: with how
        they stand now and how fast they have answered.
        """
        return await self._ask(
            Call(
                "GET",
                path_of("/workspaces/{}/agents/discover", workspace_id),
                query={"capability": capability, "role": role, "sandbox_id": sandbox_id, "limit": limit, "offset": offset},
            ),
            models.DiscoveredAgents,
        )


class AsyncAuth(AsyncResource):
    async def login(self, *, idempotency_key: str | None = None, **body: Unpack[bodies.LoginRequest]) -> models.LoginData:
        """Open a session."""
        return await self._ask(
            Call("POST", "/auth/login", body=body, idempotency_key=idempotency_key, public=True), models.LoginData
        )

    async def logout(self, *, idempotency_key: str | None = None) -> None:
        """End the session at once. An API key has no session."""
        await self._do(Call("POST", "/auth/logout", idempotency_key=idempotency_key))

    async def refresh(self, *, idempotency_key: str | None = None, **body: Unpack[bodies.RefreshRequest]) -> models.RefreshData:
        """A new access token; the refresh token stays the same. One that agentworks gave out and replaced ends its
        session.
        """
        return await self._ask(
            Call("POST", "/auth/refresh", body=body, idempotency_key=idempotency_key, public=True), models.RefreshData
        )

    async def register(
        self, *, idempotency_key: str | None = None, **body: Unpack[bodies.RegisterRequest]
    ) -> models.RegisteredUser:
        """Create an account with an organization of the given name and its default workspace."""
        return await self._ask(
            Call("POST", "/auth/register", body=body, idempotency_key=idempotency_key, public=True), models.RegisteredUser
        )


class AsyncCollaborations(AsyncResource):
    async def get(self, collaboration_id: str) -> models.CollaborationDetails:
        """How far a collaboration is, who takes part, what they have said to each other last, and what came of it."""
        return await self._ask(Call("GET", path_of("/collaborations/{}", collaboration_id)), models.CollaborationDetails)

    async def cancel(self, collaboration_id: str, *, idempotency_key: str | None = None) -> models.CollaborationSummary:
        """End a collaboration. What nobody has got yet is withdrawn; what is in work is not heard any more."""
        return await self._ask(
            Call("POST", path_of("/collaborations/{}/cancel", collaboration_id), idempotency_key=idempotency_key),
            models.CollaborationSummary,
        )

    async def orchestrate(
        self, workspace_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.OrchestrateCollaboration]
    ) -> models.StartedCollaboration:
        """Begin a task that several sandboxes do together."""
        return await self._ask(
            Call(
                "POST",
                path_of("/workspaces/{}/collaboration/orchestrate", workspace_id),
                body=body,
                idempotency_key=idempotency_key,
            ),
            models.StartedCollaboration,
        )

    async def list(self, workspace_id: str, *, limit: int | None = None, before: str | None = None) -> models.CollaborationPage:
        """List the collaborations of a workspace, newest first."""
        return await self._ask(
            Call("GET", path_of("/workspaces/{}/collaborations", workspace_id), query={"limit": limit, "before": before}),
            models.CollaborationPage,
        )


class AsyncConfig(AsyncResource):
    async def get_sandbox(self, sandbox_id: str) -> models.SandboxConfig:
        """The configuration of a sandbox, and what of it waits for the next start."""
        return await self._ask(Call("GET", path_of("/sandboxes/{}/config", sandbox_id)), models.SandboxConfig)

    async def update_sandbox(self, sandbox_id: str, **body: Unpack[bodies.UpdateSandboxConfig]) -> models.SandboxConfig:
        """Change the configuration of a sandbox. A running one takes over its agents, MCP servers, allowed hosts and idle
        time at once; new resources and environment variables come into force with its next start.
        """
        return await self._ask(Call("PUT", path_of("/sandboxes/{}/config", sandbox_id), body=body), models.SandboxConfig)

    async def get_workspace(self, workspace_id: str) -> models.WorkspaceConfig:
        """The configuration of a workspace. Keys are masked, secrets are named only."""
        return await self._ask(Call("GET", path_of("/workspaces/{}/config", workspace_id)), models.WorkspaceConfig)

    async def update_workspace(self, workspace_id: str, **body: Unpack[bodies.UpdateConfig]) -> models.WorkspaceConfig:
        """Change the configuration of a workspace. What runs already takes it over with its next message."""
        return await self._ask(Call("PUT", path_of("/workspaces/{}/config", workspace_id), body=body), models.WorkspaceConfig)


class AsyncMessages(AsyncResource):
    async def get(self, message_id: str) -> models.MessageDetails:
        """A message, with its response if it has one."""
        return await self._ask(Call("GET", path_of("/messages/{}", message_id)), models.MessageDetails)

    async def approve(self, message_id: str, *, idempotency_key: str | None = None) -> models.SentMessage:
        """Let a message through that the collaboration policy holds until somebody approves it."""
        return await self._ask(
            Call("POST", path_of("/messages/{}/approve", message_id), idempotency_key=idempotency_key), models.SentMessage
        )

    async def reject(
        self, message_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.RejectMessage]
    ) -> models.SentMessage:
        """Refuse a message that waits for an approval: it has failed."""
        return await self._ask(
            Call("POST", path_of("/messages/{}/reject", message_id), body=body, idempotency_key=idempotency_key),
            models.SentMessage,
        )

    async def retry(self, message_id: str, *, idempotency_key: str | None = None) -> models.SentMessage:
        """Send a message again that has failed or was not answered in time: it goes to the end of the line, with its time
        to live anew.
        """
        return await self._ask(
            Call("POST", path_of("/messages/{}/retry", message_id), idempotency_key=idempotency_key), models.SentMessage
        )

    async def list(
        self,
        sandbox_id: str,
        *,
        direction: Literal["sent", "received", "both"] | None = None,
        limit: int | None = None,
        since: str | None = None,
        before: str | None = None,
    ) -> models.MessageList:
        """List the messages of a sandbox, newest first. `total` counts those since `since`, up to 10,000 of each
        direction.
        """
        return await self._ask(
            Call(
                "GET",
                path_of("/sandboxes/{}/messages", sandbox_id),
                query={"direction": direction, "limit": limit, "since": since, "before": before},
            ),
            models.MessageList,
        )

    async def send(
        self, sandbox_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.SendMessage]
    ) -> models.SentMessage:
        """Send a message from a sandbox to another one of its workspace. What the collaboration policy forbids is refused
        with 403. Of messages whose content has more than 16,000 bytes one sender has 200 in an hour, and 20 messages
        follow from one another at most.
        """
        return await self._ask(
            Call("POST", path_of("/sandboxes/{}/messages", sandbox_id), body=body, idempotency_key=idempotency_key),
            models.SentMessage,
        )

    async def broadcast(
        self, workspace_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.BroadcastMessage]
    ) -> models.SentBroadcast:
        """Send a message to every sandbox of a workspace that is not in error: each gets one of its own. A command needs
        the permission to configure agents.
        """
        return await self._ask(
            Call("POST", path_of("/workspaces/{}/broadcast", workspace_id), body=body, idempotency_key=idempotency_key),
            models.SentBroadcast,
        )


class AsyncMetrics(AsyncResource):
    async def sandbox(self, sandbox_id: str) -> models.SandboxMetrics:
        """Read the last measurements of a sandbox, and the counts of its messages of the last 400 days."""
        return await self._ask(Call("GET", path_of("/sandboxes/{}/metrics", sandbox_id)), models.SandboxMetrics)

    async def workspace_aggregate(
        self, workspace_id: str, *, since: str | None = None, granularity: Literal["minute", "hour", "day"] | None = None
    ) -> models.AggregateMetrics:
        """Sum up what was measured of all sandboxes of a workspace since a time: minutes are kept for 2 days, hours for
        30, days for 400. Without `since` it is the last hour of minutes, the last day of hours, the last 30 days.
        """
        return await self._ask(
            Call(
                "GET",
                path_of("/workspaces/{}/metrics/aggregate", workspace_id),
                query={"since": since, "granularity": granularity},
            ),
            models.AggregateMetrics,
        )


class AsyncSandboxes(AsyncResource):
    async def delete(self, sandbox_id: str) -> None:
        """Delete a sandbox. Its machine is stopped, its name is free."""
        await self._do(Call("DELETE", path_of("/sandboxes/{}", sandbox_id)))

    async def get(self, sandbox_id: str) -> models.SandboxDetails:
        """A sandbox with its configuration, health and last measurements."""
        return await self._ask(Call("GET", path_of("/sandboxes/{}", sandbox_id)), models.SandboxDetails)

    async def logs(
        self, sandbox_id: str, *, limit: int | None = None, since: str | None = None, level: str | None = None
    ) -> models.SandboxLogs:
        """Read the newest lines of a sandbox's log, oldest first. `level` leaves out what is less important; `total`
        counts the lines that match, with `level` or `since` among the newest 10,000.
        """
        return await self._ask(
            Call("GET", path_of("/sandboxes/{}/logs", sandbox_id), query={"limit": limit, "since": since, "level": level}),
            models.SandboxLogs,
        )

    async def restart(self, sandbox_id: str, *, idempotency_key: str | None = None) -> models.StartedSandbox:
        """Restart a sandbox that runs or is in error."""
        return await self._ask(
            Call("POST", path_of("/sandboxes/{}/restart", sandbox_id), idempotency_key=idempotency_key), models.StartedSandbox
        )

    async def start(self, sandbox_id: str, *, idempotency_key: str | None = None) -> models.StartedSandbox:
        """Start a sandbox that is stopped or in error."""
        return await self._ask(
            Call("POST", path_of("/sandboxes/{}/start", sandbox_id), idempotency_key=idempotency_key), models.StartedSandbox
        )

    async def status(self, sandbox_id: str) -> models.SandboxStatus:
        """How a sandbox stands: health, what it uses of what it may, its connections, and the isolation that is in force."""
        return await self._ask(Call("GET", path_of("/sandboxes/{}/status", sandbox_id)), models.SandboxStatus)

    async def stop(self, sandbox_id: str, *, idempotency_key: str | None = None) -> models.StoppedSandbox:
        """Stop a sandbox: its processes end, and with them its cost."""
        return await self._ask(
            Call("POST", path_of("/sandboxes/{}/stop", sandbox_id), idempotency_key=idempotency_key), models.StoppedSandbox
        )

    async def list(
        self,
        workspace_id: str,
        *,
        status: str | None = None,
        page: int | None = None,
        per_page: int | None = None,
        sort: Literal["name", "status", "created_at"] | None = None,
        order: Literal["asc", "desc"] | None = None,
        search: str | None = None,
    ) -> AsyncPage[models.SandboxSummary]:
        """List the sandboxes of a workspace, newest first. `search` looks for words in their names."""
        return await self._list(
            Call(
                "GET",
                path_of("/workspaces/{}/sandboxes", workspace_id),
                query={"status": status, "page": page, "per_page": per_page, "sort": sort, "order": order, "search": search},
            ),
            models.SandboxSummary,
        )

    async def create(
        self, workspace_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateSandbox]
    ) -> models.CreatedSandbox:
        """Make a sandbox and start it."""
        return await self._ask(
            Call("POST", path_of("/workspaces/{}/sandboxes", workspace_id), body=body, idempotency_key=idempotency_key),
            models.CreatedSandbox,
        )


class AsyncSystem(AsyncResource):
    async def health(self) -> models.HealthData:
        """Whether everything that the platform depends on responds; 503 with the same names if not."""
        return await self._ask(Call("GET", "/system/health", public=True), models.HealthData)

    async def info(self) -> models.Info:
        """Version, edition, limits and supported providers."""
        return await self._ask(Call("GET", "/system/info", public=True), models.Info)


class AsyncWorkspaces(AsyncResource):
    async def list(
        self,
        *,
        page: int | None = None,
        per_page: int | None = None,
        sort: Literal["name", "created_at", "updated_at"] | None = None,
        order: Literal["asc", "desc"] | None = None,
        search: str | None = None,
    ) -> AsyncPage[models.WorkspaceFields]:
        """List the caller's workspaces, newest first. `search` looks for words in names and descriptions."""
        return await self._list(
            Call(
                "GET", "/workspaces", query={"page": page, "per_page": per_page, "sort": sort, "order": order, "search": search}
            ),
            models.WorkspaceFields,
        )

    async def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateWorkspace]
    ) -> models.WorkspaceFields:
        """Create a workspace in the caller's organization; the caller becomes its owner."""
        return await self._ask(Call("POST", "/workspaces", body=body, idempotency_key=idempotency_key), models.WorkspaceFields)

    async def delete(self, workspace_id: str) -> None:
        """Delete a workspace with all that is in it: nothing in it can be reached from now on, and its sandboxes are
        stopped.
        """
        await self._do(Call("DELETE", path_of("/workspaces/{}", workspace_id)))

    async def get(self, workspace_id: str) -> models.WorkspaceDetails:
        """A workspace with its sandboxes, oldest first."""
        return await self._ask(Call("GET", path_of("/workspaces/{}", workspace_id)), models.WorkspaceDetails)

    async def update(self, workspace_id: str, **body: Unpack[bodies.UpdateWorkspace]) -> models.UpdatedWorkspace:
        """Change the given fields; settings change key by key."""
        return await self._ask(Call("PUT", path_of("/workspaces/{}", workspace_id), body=body), models.UpdatedWorkspace)


class AsyncResources(AsyncSession):
    """Every resource of the API."""

    def _open(self, transport: AsyncTransport) -> None:
        self.agents = AsyncAgents(transport)
        self.auth = AsyncAuth(transport)
        self.collaborations = AsyncCollaborations(transport)
        self.config = AsyncConfig(transport)
        self.messages = AsyncMessages(transport)
        self.metrics = AsyncMetrics(transport)
        self.sandboxes = AsyncSandboxes(transport)
        self.system = AsyncSystem(transport)
        self.workspaces = AsyncWorkspaces(transport)
