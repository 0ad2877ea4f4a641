"""The connections of the two clients: the same loop, once waiting and once awaiting."""

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
        self, base_url: str, http: httpx2.Client, credential: Credential, retries: Retries, sleep: Callable[[float], None]
    ) -> None:
        self.base_url, self.retries, self.sleep = base_url.rstrip("/"), retries, sleep
        self._http, self._credential, self._lock = http, credential, threading.Lock()

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
                pause = tries.answered(response, self._credential)
                if pause is None:
                    return response
            self.sleep(pause or 0)

    def signed(self) -> dict[str, str]:
        """Return the headers that sign a request now."""
        with self._lock:
            if form := self._credential.renewal():
                call = token_call(form)
                self._credential.accept(parse(call, self.send(call), TokenAnswer))
            return self._credential.headers()

    def close(self) -> None:
        self._http.close()


class AsyncTransport:
    """Sends calls, repeats what may be repeated, renews the credential."""

    def __init__(
        self,
        base_url: str,
        http: httpx2.AsyncClient,
        credential: Credential,
        retries: Retries,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.base_url, self.retries, self.sleep = base_url.rstrip("/"), retries, sleep
        self._http, self._credential, self._lock = http, credential, asyncio.Lock()

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
                pause = tries.answered(response, self._credential)
                if pause is None:
                    return response
            await self.sleep(pause or 0)

    async def signed(self) -> dict[str, str]:
        """Return the headers that sign a request now."""
        async with self._lock:
            if form := self._credential.renewal():
                call = token_call(form)
                self._credential.accept(parse(call, await self.send(call), TokenAnswer))
            return self._credential.headers()

    async def close(self) -> None:
        await self._http.aclose()
