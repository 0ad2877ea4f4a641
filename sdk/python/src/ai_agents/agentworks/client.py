"""The clients of agentworks: `AgentWorks`, and `AsyncAgentWorks` with the same methods to await."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Self, Unpack

import httpx2

from ai_agents._calls import Retries
from ai_agents._transport import AsyncTransport, Transport
from ai_agents.agentworks import resources
from ai_agents.agentworks.terminal import Line, Log, address, follow, follow_async
from ai_agents.client import Who, credential_of


class AgentWorks(resources.Resources):
    """The client of agentworks, by the same credentials as `ai_agents.Client`: a token opens both."""

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

    def follow_run(self, card_id: str, run_id: str) -> Iterator[Line]:
        """Go through the lines that a run writes into its card's terminal, from the first one on, until the run has ended."""
        yield from follow(address(self._transport.base_url, card_id, self._transport.signed()), Log(run_id))

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncAgentWorks(resources.AsyncResources):
    """The client of agentworks, for programs with an event loop: each method is awaited."""

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

    async def follow_run(self, card_id: str, run_id: str) -> AsyncIterator[Line]:
        """Go through the lines that a run writes into its card's terminal, from the first one on, until the run has ended."""
        url = address(self._transport.base_url, card_id, await self._transport.signed())
        async for line in follow_async(url, Log(run_id)):
            yield line

    async def close(self) -> None:
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
