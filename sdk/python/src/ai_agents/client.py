"""The clients of the AI Agent System API: `Client`, and `AsyncClient` with the same methods to await."""

from collections.abc import Callable
from typing import Literal, NotRequired, TypedDict, Unpack

from ai_agents import resources
from ai_agents._transport import AsyncTransport, Transport
from ai_agents.models import AcceptedOperation, Deployment, Operation
from ai_agents.waiting import POLL_SECONDS, Wait, id_of, interval, wait, wait_async

NO_NOTES = "Requested through ai-agents-sdk without notes"
"""The approval notes of production if the caller gives none: the document's example has none, and the API requires some."""


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

    def _open(self, transport: Transport) -> None:
        super()._open(transport)
        self.operations, self.deployments = Operations(transport), Deployments(transport)


class AsyncClient(resources.AsyncResources):
    """The client of the enterprise API, for programs with an event loop: each method is awaited."""

    operations: AsyncOperations
    deployments: AsyncDeployments

    def _open(self, transport: AsyncTransport) -> None:
        super()._open(transport)
        self.operations, self.deployments = AsyncOperations(transport), AsyncDeployments(transport)
