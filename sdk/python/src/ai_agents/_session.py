"""What every client is: resources over one transport, which is closed at the end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Self, Unpack

import httpx2

from ai_agents._calls import Retries
from ai_agents._transport import AsyncTransport, Transport
from ai_agents.credentials import Who, credential_of


class Session:
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
        """`timeout` in seconds, of each try. `transport` and `sleep` are for proxies and tests."""
        http = httpx2.Client(timeout=timeout, transport=transport)
        self._transport = Transport(base_url, http, credential_of(**who), retries or Retries(), sleep)
        self._open(self._transport)

    def _open(self, transport: Transport) -> None:
        """Make the resources."""

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncSession:
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
        """`timeout` in seconds, of each try. `transport` and `sleep` are for proxies and tests."""
        http = httpx2.AsyncClient(timeout=timeout, transport=transport)
        self._transport = AsyncTransport(base_url, http, credential_of(**who), retries or Retries(), sleep)
        self._open(self._transport)

    def _open(self, transport: AsyncTransport) -> None:
        """Make the resources."""

    async def close(self) -> None:
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
