"""What every client is: resources over one transport, which is closed at the end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Self, TypeVar, Unpack

import httpx2

from ai_agents._calls import Retries
from ai_agents._transport import AsyncTransport, Transport
from ai_agents.credentials import Credential, Who, credential_of

T = TypeVar("T")


def signer_of(beside: T | None, who: Who) -> T | Credential:
    """Return what signs requests: the transport of the client beside this one, or the credential that was named."""
    if beside is None:
        return credential_of(**who)
    if who:
        raise ValueError("A client beside another has its credential")
    return beside


class Session:
    _transport: Transport

    def __init__(
        self,
        *,
        base_url: str,
        retries: Retries | None = None,
        timeout: float = 30.0,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        beside: "Session | None" = None,
        **who: Unpack[Who],
    ) -> None:
        """`timeout` in seconds, of each try. `transport` and `sleep` are for proxies and tests. `beside`: a client of the other API, whose
        credential this one uses too; tokens are renewed there."""
        signer = signer_of(None if beside is None else beside._transport, who)
        http = httpx2.Client(timeout=timeout, transport=transport)
        self._transport = Transport(base_url, http, signer, retries or Retries(), sleep)
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
    _transport: AsyncTransport

    def __init__(
        self,
        *,
        base_url: str,
        retries: Retries | None = None,
        timeout: float = 30.0,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        beside: "AsyncSession | None" = None,
        **who: Unpack[Who],
    ) -> None:
        """`timeout` in seconds, of each try. `transport` and `sleep` are for proxies and tests. `beside`: a client of the other API, whose
        credential this one uses too; tokens are renewed there."""
        signer = signer_of(None if beside is None else beside._transport, who)
        http = httpx2.AsyncClient(timeout=timeout, transport=transport)
        self._transport = AsyncTransport(base_url, http, signer, retries or Retries(), sleep)
        self._open(self._transport)

    def _open(self, transport: AsyncTransport) -> None:
        """Make the resources."""

    async def close(self) -> None:
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
