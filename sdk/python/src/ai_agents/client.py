"""The clients of the AI Agent System API: `Client`, and `AsyncClient` with the same methods to await."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Literal, NotRequired, Self, TypedDict, Unpack

import httpx2

from ai_agents import resources
from ai_agents._calls import Retries
from ai_agents._transport import AsyncTransport, Transport
from ai_agents.credentials import Anonymous, APIKey, BearerToken, ClientCredentials, Credential
from ai_agents.models import AcceptedOperation, Deployment, Operation
from ai_agents.waiting import POLL_SECONDS, Wait, id_of, interval, wait, wait_async

NO_NOTES = "Requested through ai-agents-sdk without notes"
"""The approval notes of production if the caller gives none: the document's example has none, and the API requires some."""


class Who(TypedDict):
    """Who the client is: one of these ways. Without any, only public operations work."""

    api_key: NotRequired[str | None]
    token: NotRequired[str | None]
    client_id: NotRequired[str | None]
    client_secret: NotRequired[str | None]
    scopes: NotRequired[list[str] | None]
    credential: NotRequired[Credential | None]


def credential_of(**who: Unpack[Who]) -> Credential:
    """Return the credential that was named. Raises ValueError if there are two, or half of one."""
    given = [name for name in ("api_key", "token", "client_id", "credential") if who.get(name) is not None]
    if len(given) > 1:
        raise ValueError(f"A client has one credential, not {' and '.join(given)}")
    api_key, token, client_id, secret = who.get("api_key"), who.get("token"), who.get("client_id"), who.get("client_secret")
    if (client_id is None) != (secret is None):
        raise ValueError("client_id and client_secret belong together")
    if api_key is not None:
        return APIKey(api_key)
    if token is not None:
        return BearerToken(token)
    if client_id is not None and secret is not None:
        return ClientCredentials(client_id, secret, who.get("scopes"))
    return who.get("credential") or Anonymous()


class Deploy(TypedDict):
    """How a build is deployed."""

    deployment_strategy: NotRequired[Literal["blue_green", "canary", "rolling", "ramp"]]
    canary_percentage: NotRequired[int | None]
    approval_notes: NotRequired[str | None]
    idempotency_key: NotRequired[str | None]


def _with_notes(environment: str, how: Deploy) -> Deploy:
    if environment == "production" and how.get("approval_notes") is None:
        return {**how, "approval_notes": NO_NOTES}
    return how


class Operations(resources.Operations):
    def wait(
        self,
        operation: str | AcceptedOperation,
        *,
        on_progress: Callable[[Operation], object] | None = None,
        timeout: float | None = None,
        every: float | None = None,
    ) -> Operation:
        """Wait until an operation is completed, and return its last state. `timeout` and `every` are seconds.

        Raises OperationFailedError if it failed or was cancelled, WaitTimeoutError if it goes on.
        """
        name = id_of(operation)
        waiting = Wait(f"Operation {name}", on_progress, timeout)
        return wait(waiting, lambda: self.get(name), interval(operation, every), self._transport.sleep)


class AsyncOperations(resources.AsyncOperations):
    async def wait(
        self,
        operation: str | AcceptedOperation,
        *,
        on_progress: Callable[[Operation], object] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the wait ends between two requests, never within one
        every: float | None = None,
    ) -> Operation:
        """Wait until an operation is completed, and return its last state. `timeout` and `every` are seconds.

        Raises OperationFailedError if it failed or was cancelled, WaitTimeoutError if it goes on.
        """
        name = id_of(operation)
        waiting = Wait(f"Operation {name}", on_progress, timeout)
        return await wait_async(waiting, lambda: self.get(name), interval(operation, every), self._transport.sleep)


class Deployments(resources.Deployments):
    def create(self, build_id: str, environment: Literal["dev", "staging", "production"], **how: Unpack[Deploy]) -> Deployment:
        """Deploy a build: `builds.deploy` by the name of the document's example."""
        return resources.Builds(self._transport).deploy(build_id, environment=environment, **_with_notes(environment, how))

    def wait(
        self,
        deployment_id: str,
        *,
        on_progress: Callable[[Deployment], object] | None = None,
        timeout: float | None = None,
        every: float = POLL_SECONDS,
    ) -> Deployment:
        """Wait until a deployment has succeeded, and return its last state. `timeout` and `every` are seconds.

        Raises OperationFailedError if it failed or was rolled back, WaitTimeoutError if it goes on.
        """
        waiting = Wait(f"Deployment {deployment_id}", on_progress, timeout)
        return wait(waiting, lambda: self.get(deployment_id), every, self._transport.sleep)


class AsyncDeployments(resources.AsyncDeployments):
    async def create(
        self, build_id: str, environment: Literal["dev", "staging", "production"], **how: Unpack[Deploy]
    ) -> Deployment:
        """Deploy a build: `builds.deploy` by the name of the document's example."""
        builds = resources.AsyncBuilds(self._transport)
        return await builds.deploy(build_id, environment=environment, **_with_notes(environment, how))

    async def wait(
        self,
        deployment_id: str,
        *,
        on_progress: Callable[[Deployment], object] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the wait ends between two requests, never within one
        every: float = POLL_SECONDS,
    ) -> Deployment:
        """Wait until a deployment has succeeded, and return its last state. `timeout` and `every` are seconds.

        Raises OperationFailedError if it failed or was rolled back, WaitTimeoutError if it goes on.
        """
        waiting = Wait(f"Deployment {deployment_id}", on_progress, timeout)
        return await wait_async(waiting, lambda: self.get(deployment_id), every, self._transport.sleep)


class Client(resources.Resources):
    """The client of the enterprise API: `Client(api_key="sk-...", base_url="https://api.example.com/v1")`.

    Instead of a key: `token`, or `client_id` and `client_secret` (a token is asked for and renewed), or a `credential`.
    """

    operations: Operations
    deployments: Deployments

    def __init__(
        self,
        *,
        base_url: str,
        retries: Retries | None = None,
        timeout: float = 30.0,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        **who: Unpack[Who],
    ) -> None:
        self._transport = Transport(
            base_url, credential_of(**who), retries=retries or Retries(), timeout=timeout, transport=transport, sleep=sleep
        )
        super().__init__(self._transport)
        self.operations = Operations(self._transport)
        self.deployments = Deployments(self._transport)

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient(resources.AsyncResources):
    """The client of the enterprise API, for programs with an event loop: each method is awaited."""

    operations: AsyncOperations
    deployments: AsyncDeployments

    def __init__(
        self,
        *,
        base_url: str,
        retries: Retries | None = None,
        timeout: float = 30.0,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        **who: Unpack[Who],
    ) -> None:
        self._transport = AsyncTransport(
            base_url, credential_of(**who), retries=retries or Retries(), timeout=timeout, transport=transport, sleep=sleep
        )
        super().__init__(self._transport)
        self.operations = AsyncOperations(self._transport)
        self.deployments = AsyncDeployments(self._transport)

    async def close(self) -> None:
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
