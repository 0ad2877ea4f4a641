"""The connections of the two clients: the same loop, once waiting and once awaiting.

A transport signs requests by its credential, which it renews; or by another transport, whose API gives tokens.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import httpx2

from ai_agents._calls import Call, Retries, Tries, parse, request_arguments, token_call
from ai_agents.credentials import Credential
from ai_agents.models import TokenAnswer


class Transport:
    """Sends calls, repeats what may be repeated, renews the credential."""

    def __init__(
        self,
        base_url: str,
        http: httpx2.Client,
        signer: "Credential | Transport",
        retries: Retries,
        sleep: Callable[[float], None],
    ) -> None:
        self.base_url, self.retries, self.sleep = base_url.rstrip("/"), retries, sleep
        self._http, self._lock = http, threading.Lock()
        self.is_beside = isinstance(signer, Transport)
        self._signer = signer if isinstance(signer, Transport) else self
        self.credential: Credential = signer.credential if isinstance(signer, Transport) else signer

    def send(self, call: Call) -> httpx2.Response:
        """Return the answer of a call. Raises APIError or APIConnectionError."""
        tries = Tries(call, self.retries)
        while True:
            signed = {} if call.public else self.signed()
            try:
                response = self._http.request(**request_arguments(call, self.base_url, signed))
            except httpx2.TransportError as error:
                pause: float | None = tries.failed(error)
            else:
                pause = tries.answered(response, self.credential)
                if pause is None:
                    return response
            self.sleep(pause or 0)

    def signed(self) -> dict[str, str]:
        """Return the headers that sign a request now."""
        if self.is_beside:
            return self._signer.signed()
        with self._lock:
            if form := self.credential.renewal():
                call = token_call(form)
                self.credential.accept(parse(call, self.send(call), TokenAnswer))
            return self.credential.headers()

    def close(self) -> None:
        self._http.close()


class AsyncTransport:
    """Sends calls, repeats what may be repeated, renews the credential."""

    def __init__(
        self,
        base_url: str,
        http: httpx2.AsyncClient,
        signer: "Credential | AsyncTransport",
        retries: Retries,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.base_url, self.retries, self.sleep = base_url.rstrip("/"), retries, sleep
        self._http, self._lock = http, asyncio.Lock()
        self.is_beside = isinstance(signer, AsyncTransport)
        self._signer = signer if isinstance(signer, AsyncTransport) else self
        self.credential: Credential = signer.credential if isinstance(signer, AsyncTransport) else signer

    async def send(self, call: Call) -> httpx2.Response:
        """Return the answer of a call. Raises APIError or APIConnectionError."""
        tries = Tries(call, self.retries)
        while True:
            signed = {} if call.public else await self.signed()
            try:
                response = await self._http.request(**request_arguments(call, self.base_url, signed))
            except httpx2.TransportError as error:
                pause: float | None = tries.failed(error)
            else:
                pause = tries.answered(response, self.credential)
                if pause is None:
                    return response
            await self.sleep(pause or 0)

    async def signed(self) -> dict[str, str]:
        """Return the headers that sign a request now."""
        if self.is_beside:
            return await self._signer.signed()
        async with self._lock:
            if form := self.credential.renewal():
                call = token_call(form)
                self.credential.accept(parse(call, await self.send(call), TokenAnswer))
            return self.credential.headers()

    async def close(self) -> None:
        await self._http.aclose()
