# Made from the API's OpenAPI document by `make sdk`: do not change it here.
# sha256:e020d7852aa5bb9751f0c360134d4a4f7ed6c82885c70fcaa22ab7ac6d684aad
"""The resources of the agentworks API: one method for each operation."""

import builtins
from typing import Literal, Unpack

from ai_agents._calls import Call, path_of
from ai_agents._resource import AsyncResource, Resource
from ai_agents._session import AsyncSession, Session
from ai_agents._transport import AsyncTransport, Transport
from ai_agents.agentworks import bodies, models


class Agents(Resource):
    def list(self) -> models.ListAgentsResponse:
        """Every agent of the platform, in the order of the lanes."""
        return self._ask(Call("GET", "/agents", bare=True), models.ListAgentsResponse)

    def get(self, id: str) -> models.AgentDetails:
        """One agent, by id or name: its prompts, its tools, and its usage by the caller."""
        return self._ask(Call("GET", path_of("/agents/{}", id), bare=True), models.AgentDetails)


class AsyncAgents(AsyncResource):
    async def list(self) -> models.ListAgentsResponse:
        """Every agent of the platform, in the order of the lanes."""
        return await self._ask(Call("GET", "/agents", bare=True), models.ListAgentsResponse)

    async def get(self, id: str) -> models.AgentDetails:
        """One agent, by id or name: its prompts, its tools, and its usage by the caller."""
        return await self._ask(Call("GET", path_of("/agents/{}", id), bare=True), models.AgentDetails)


class Auth(Resource):
    def logout(self, *, idempotency_key: str | None = None, **body: Unpack[bodies.LogoutRequest]) -> None:
        """End the session at once, and also that of `refreshToken` if it is another one of the caller's."""
        self._do(Call("POST", "/auth/logout", body=body, idempotency_key=idempotency_key))

    def me(self) -> models.UserProfile:
        """The caller's profile."""
        return self._ask(Call("GET", "/auth/me", bare=True), models.UserProfile)


class AsyncAuth(AsyncResource):
    async def logout(self, *, idempotency_key: str | None = None, **body: Unpack[bodies.LogoutRequest]) -> None:
        """End the session at once, and also that of `refreshToken` if it is another one of the caller's."""
        await self._do(Call("POST", "/auth/logout", body=body, idempotency_key=idempotency_key))

    async def me(self) -> models.UserProfile:
        """The caller's profile."""
        return await self._ask(Call("GET", "/auth/me", bare=True), models.UserProfile)


class Boards(Resource):
    def get(self, id: str) -> models.BoardDetails:
        """Get a board with its lanes and their numbers of cards."""
        return self._ask(Call("GET", path_of("/boards/{}", id), bare=True), models.BoardDetails)

    def lanes(self, id: str) -> builtins.list[models.Lane]:
        """List the lanes of a board in order, with their numbers of cards."""
        return self._ask(Call("GET", path_of("/boards/{}/lanes", id), bare=True), builtins.list[models.Lane])

    def list(self, id: str) -> models.ListBoardsResponse:
        """List the boards of a project; every project has exactly one."""
        return self._ask(Call("GET", path_of("/projects/{}/boards", id), bare=True), models.ListBoardsResponse)


class AsyncBoards(AsyncResource):
    async def get(self, id: str) -> models.BoardDetails:
        """Get a board with its lanes and their numbers of cards."""
        return await self._ask(Call("GET", path_of("/boards/{}", id), bare=True), models.BoardDetails)

    async def lanes(self, id: str) -> builtins.list[models.Lane]:
        """List the lanes of a board in order, with their numbers of cards."""
        return await self._ask(Call("GET", path_of("/boards/{}/lanes", id), bare=True), builtins.list[models.Lane])

    async def list(self, id: str) -> models.ListBoardsResponse:
        """List the boards of a project; every project has exactly one."""
        return await self._ask(Call("GET", path_of("/projects/{}/boards", id), bare=True), models.ListBoardsResponse)


class Cards(Resource):
    def list(
        self,
        boardId: str,
        *,
        laneId: str | None = None,
        assigneeId: str | None = None,
        type: str | None = None,
        status: str | None = None,
        search: str | None = None,
        tags: builtins.list[str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
        includeChildren: bool | None = None,
    ) -> models.ListCardsResponse:
        """List the cards of a board, ordered by lane and position. `includeChildren` adds summaries of each card's
        children, on a board of more than 100 cards of the first 100 of each.
        """
        return self._ask(
            Call(
                "GET",
                path_of("/boards/{}/cards", boardId),
                query={
                    "laneId": laneId,
                    "assigneeId": assigneeId,
                    "type": type,
                    "status": status,
                    "search": search,
                    "tags": tags,
                    "limit": limit,
                    "offset": offset,
                    "includeChildren": includeChildren,
                },
                bare=True,
            ),
            models.ListCardsResponse,
        )

    def create(
        self, boardId: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateCardRequest]
    ) -> models.Card:
        """Create a card in a lane. The lane must allow its type and have room, and the card must have the fields that the
        lane requires.
        """
        return self._ask(
            Call("POST", path_of("/boards/{}/cards", boardId), body=body, idempotency_key=idempotency_key, bare=True), models.Card
        )

    def get(self, id: str) -> models.CardDetails:
        """Get a card with its children, dependencies, newest comments (50) and newest activities (25)."""
        return self._ask(Call("GET", path_of("/cards/{}", id), bare=True), models.CardDetails)

    def update(self, id: str, **body: Unpack[bodies.UpdateCardRequest]) -> models.Card:
        """Change the given fields. `status: done` moves the card to the done lane; any other status moves a finished card
        back.
        """
        return self._ask(Call("PUT", path_of("/cards/{}", id), body=body, bare=True), models.Card)

    def move(self, id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.MoveCardRequest]) -> models.Card:
        """Move the card to another lane of its board, or to another position in its own lane."""
        return self._ask(
            Call("POST", path_of("/cards/{}/move", id), body=body, idempotency_key=idempotency_key, bare=True), models.Card
        )


class AsyncCards(AsyncResource):
    async def list(
        self,
        boardId: str,
        *,
        laneId: str | None = None,
        assigneeId: str | None = None,
        type: str | None = None,
        status: str | None = None,
        search: str | None = None,
        tags: builtins.list[str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
        includeChildren: bool | None = None,
    ) -> models.ListCardsResponse:
        """List the cards of a board, ordered by lane and position. `includeChildren` adds summaries of each card's
        children, on a board of more than 100 cards of the first 100 of each.
        """
        return await self._ask(
            Call(
                "GET",
                path_of("/boards/{}/cards", boardId),
                query={
                    "laneId": laneId,
                    "assigneeId": assigneeId,
                    "type": type,
                    "status": status,
                    "search": search,
                    "tags": tags,
                    "limit": limit,
                    "offset": offset,
                    "includeChildren": includeChildren,
                },
                bare=True,
            ),
            models.ListCardsResponse,
        )

    async def create(
        self, boardId: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateCardRequest]
    ) -> models.Card:
        """Create a card in a lane. The lane must allow its type and have room, and the card must have the fields that the
        lane requires.
        """
        return await self._ask(
            Call("POST", path_of("/boards/{}/cards", boardId), body=body, idempotency_key=idempotency_key, bare=True), models.Card
        )

    async def get(self, id: str) -> models.CardDetails:
        """Get a card with its children, dependencies, newest comments (50) and newest activities (25)."""
        return await self._ask(Call("GET", path_of("/cards/{}", id), bare=True), models.CardDetails)

    async def update(self, id: str, **body: Unpack[bodies.UpdateCardRequest]) -> models.Card:
        """Change the given fields. `status: done` moves the card to the done lane; any other status moves a finished card
        back.
        """
        return await self._ask(Call("PUT", path_of("/cards/{}", id), body=body, bare=True), models.Card)

    async def move(self, id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.MoveCardRequest]) -> models.Card:
        """Move the card to another lane of its board, or to another position in its own lane."""
        return await self._ask(
            Call("POST", path_of("/cards/{}/move", id), body=body, idempotency_key=idempotency_key, bare=True), models.Card
        )


class Projects(Resource):
    def get(self, id: str) -> models.ProjectDetails:
        """Get a project with its settings and its configuration of each agent."""
        return self._ask(Call("GET", path_of("/projects/{}", id), bare=True), models.ProjectDetails)

    def list(
        self,
        workspaceId: str,
        *,
        status: Literal["active", "archived"] | None = None,
        search: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        sortBy: Literal["name", "createdAt", "updatedAt", "lastActivity"] | None = None,
        sortOrder: Literal["asc", "desc"] | None = None,
    ) -> models.ListProjectsResponse:
        """List the projects of a workspace. The default `sortOrder` is asc for names and desc (newest first) for times."""
        return self._ask(
            Call(
                "GET",
                path_of("/workspaces/{}/projects", workspaceId),
                query={
                    "status": status,
                    "search": search,
                    "limit": limit,
                    "offset": offset,
                    "sortBy": sortBy,
                    "sortOrder": sortOrder,
                },
                bare=True,
            ),
            models.ListProjectsResponse,
        )

    def create(
        self, workspaceId: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateProjectRequest]
    ) -> models.ProjectDetails:
        """Create a project with a board of eleven lanes."""
        return self._ask(
            Call("POST", path_of("/workspaces/{}/projects", workspaceId), body=body, idempotency_key=idempotency_key, bare=True),
            models.ProjectDetails,
        )


class AsyncProjects(AsyncResource):
    async def get(self, id: str) -> models.ProjectDetails:
        """Get a project with its settings and its configuration of each agent."""
        return await self._ask(Call("GET", path_of("/projects/{}", id), bare=True), models.ProjectDetails)

    async def list(
        self,
        workspaceId: str,
        *,
        status: Literal["active", "archived"] | None = None,
        search: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        sortBy: Literal["name", "createdAt", "updatedAt", "lastActivity"] | None = None,
        sortOrder: Literal["asc", "desc"] | None = None,
    ) -> models.ListProjectsResponse:
        """List the projects of a workspace. The default `sortOrder` is asc for names and desc (newest first) for times."""
        return await self._ask(
            Call(
                "GET",
                path_of("/workspaces/{}/projects", workspaceId),
                query={
                    "status": status,
                    "search": search,
                    "limit": limit,
                    "offset": offset,
                    "sortBy": sortBy,
                    "sortOrder": sortOrder,
                },
                bare=True,
            ),
            models.ListProjectsResponse,
        )

    async def create(
        self, workspaceId: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateProjectRequest]
    ) -> models.ProjectDetails:
        """Create a project with a board of eleven lanes."""
        return await self._ask(
            Call("POST", path_of("/workspaces/{}/projects", workspaceId), body=body, idempotency_key=idempotency_key, bare=True),
            models.ProjectDetails,
        )


class Runs(Resource):
    def trigger(
        self, id: str, agentId: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.TriggerAgentRunRequest]
    ) -> models.TriggerAgentRunResponse:
        """Start an agent on a card. `parameters.maxCost` (USD) limits the price of the run."""
        return self._ask(
            Call("POST", path_of("/cards/{}/agents/{}/run", id, agentId), body=body, idempotency_key=idempotency_key, bare=True),
            models.TriggerAgentRunResponse,
        )

    def list(
        self,
        id: str,
        *,
        agentId: str | None = None,
        status: Literal["pending", "running", "completed", "failed", "cancelled"] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> models.ListAgentRunsResponse:
        """List the runs of a card, newest first."""
        return self._ask(
            Call(
                "GET",
                path_of("/cards/{}/runs", id),
                query={"agentId": agentId, "status": status, "limit": limit, "offset": offset},
                bare=True,
            ),
            models.ListAgentRunsResponse,
        )

    def get(self, id: str) -> models.AgentRunDetails:
        """Get a run with its usage, its result, and what it waits for (`executionMetadata.waiting`). Only who sells the
        calls sees `providerCost`.
        """
        return self._ask(Call("GET", path_of("/runs/{}", id), bare=True), models.AgentRunDetails)

    def approve(
        self, id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.ApproveRunRequest]
    ) -> models.AgentRunDetails:
        """Approve a waiting run, so that it continues."""
        return self._ask(
            Call("POST", path_of("/runs/{}/approve", id), body=body, idempotency_key=idempotency_key, bare=True),
            models.AgentRunDetails,
        )

    def cancel(
        self, id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CancelRunRequest]
    ) -> models.AgentRunSummary:
        """Cancel a run at once; its card is free again with the response."""
        return self._ask(
            Call("POST", path_of("/runs/{}/cancel", id), body=body, idempotency_key=idempotency_key, bare=True),
            models.AgentRunSummary,
        )

    def reject(
        self, id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.RejectRunRequest]
    ) -> models.AgentRunDetails:
        """Reject a waiting run, which ends it."""
        return self._ask(
            Call("POST", path_of("/runs/{}/reject", id), body=body, idempotency_key=idempotency_key, bare=True),
            models.AgentRunDetails,
        )


class AsyncRuns(AsyncResource):
    async def trigger(
        self, id: str, agentId: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.TriggerAgentRunRequest]
    ) -> models.TriggerAgentRunResponse:
        """Start an agent on a card. `parameters.maxCost` (USD) limits the price of the run."""
        return await self._ask(
            Call("POST", path_of("/cards/{}/agents/{}/run", id, agentId), body=body, idempotency_key=idempotency_key, bare=True),
            models.TriggerAgentRunResponse,
        )

    async def list(
        self,
        id: str,
        *,
        agentId: str | None = None,
        status: Literal["pending", "running", "completed", "failed", "cancelled"] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> models.ListAgentRunsResponse:
        """List the runs of a card, newest first."""
        return await self._ask(
            Call(
                "GET",
                path_of("/cards/{}/runs", id),
                query={"agentId": agentId, "status": status, "limit": limit, "offset": offset},
                bare=True,
            ),
            models.ListAgentRunsResponse,
        )

    async def get(self, id: str) -> models.AgentRunDetails:
        """Get a run with its usage, its result, and what it waits for (`executionMetadata.waiting`). Only who sells the
        calls sees `providerCost`.
        """
        return await self._ask(Call("GET", path_of("/runs/{}", id), bare=True), models.AgentRunDetails)

    async def approve(
        self, id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.ApproveRunRequest]
    ) -> models.AgentRunDetails:
        """Approve a waiting run, so that it continues."""
        return await self._ask(
            Call("POST", path_of("/runs/{}/approve", id), body=body, idempotency_key=idempotency_key, bare=True),
            models.AgentRunDetails,
        )

    async def cancel(
        self, id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CancelRunRequest]
    ) -> models.AgentRunSummary:
        """Cancel a run at once; its card is free again with the response."""
        return await self._ask(
            Call("POST", path_of("/runs/{}/cancel", id), body=body, idempotency_key=idempotency_key, bare=True),
            models.AgentRunSummary,
        )

    async def reject(
        self, id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.RejectRunRequest]
    ) -> models.AgentRunDetails:
        """Reject a waiting run, which ends it."""
        return await self._ask(
            Call("POST", path_of("/runs/{}/reject", id), body=body, idempotency_key=idempotency_key, bare=True),
            models.AgentRunDetails,
        )


class Workspaces(Resource):
    def list(self) -> models.ListWorkspacesResponse:
        """The caller's workspaces, oldest first, with the caller's role in each."""
        return self._ask(Call("GET", "/workspaces", bare=True), models.ListWorkspacesResponse)

    def get(self, id: str) -> models.WorkspaceDetails:
        """A workspace with its settings, and how it stands this month."""
        return self._ask(Call("GET", path_of("/workspaces/{}", id), bare=True), models.WorkspaceDetails)


class AsyncWorkspaces(AsyncResource):
    async def list(self) -> models.ListWorkspacesResponse:
        """The caller's workspaces, oldest first, with the caller's role in each."""
        return await self._ask(Call("GET", "/workspaces", bare=True), models.ListWorkspacesResponse)

    async def get(self, id: str) -> models.WorkspaceDetails:
        """A workspace with its settings, and how it stands this month."""
        return await self._ask(Call("GET", path_of("/workspaces/{}", id), bare=True), models.WorkspaceDetails)


class Resources(Session):
    """Every resource of the API."""

    def _open(self, transport: Transport) -> None:
        self.agents = Agents(transport)
        self.auth = Auth(transport)
        self.boards = Boards(transport)
        self.cards = Cards(transport)
        self.projects = Projects(transport)
        self.runs = Runs(transport)
        self.workspaces = Workspaces(transport)


class AsyncResources(AsyncSession):
    """Every resource of the API."""

    def _open(self, transport: AsyncTransport) -> None:
        self.agents = AsyncAgents(transport)
        self.auth = AsyncAuth(transport)
        self.boards = AsyncBoards(transport)
        self.cards = AsyncCards(transport)
        self.projects = AsyncProjects(transport)
        self.runs = AsyncRuns(transport)
        self.workspaces = AsyncWorkspaces(transport)
