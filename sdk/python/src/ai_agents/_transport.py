"""The connections of the two clients: the same loop, once waiting and once awaiting."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2

from ai_agents._calls import Call, Retries, Tries, parse, request_arguments, token_call
from ai_agents.credentials import Credential
from ai_agents.models import TokenAnswer

USER_AGENT = "ai-agents-sdk-python/1.0.0"


def _settings(base_url: str, timeout: float, transport: Any) -> dict[str, Any]:
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
    # a redirect would carry the credential to another address
    return {
        "base_url": base_url.rstrip("/"),
        "timeout": timeout,
        "transport": transport,
        "headers": headers,
        "follow_redirects": False,
    }


class Transport:
    """Sends calls, repeats what may be repeated, renews the credential."""

    def __init__(
        self,
        base_url: str,
        credential: Credential,
        *,
        retries: Retries,
        timeout: float,
        transport: httpx2.BaseTransport | None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = httpx2.Client(**_settings(base_url, timeout, transport))
        self.base_url, self.credential, self.sleep = base_url, credential, sleep
        self._retries, self._lock = retries, threading.Lock()

    def send(self, call: Call) -> httpx2.Response:
        """Return the answer of a call. Raises APIError or APIConnectionError."""
        tries = Tries(call, self._retries)
        while True:
            if not call.public:
                self._renew()
            try:
                response = self._http.request(call.method, call.path, **request_arguments(call, self.credential))
            except httpx2.TransportError as error:
                pause: float | None = tries.failed(error)
            else:
                pause = tries.answered(response, self.credential)
                if pause is None:
                    return response
            self.sleep(pause or 0)

    def signed(self) -> dict[str, str]:
        """Return the headers that sign a request now, for a connection that is not ours."""
        self._renew()
        return self.credential.headers()

    def _renew(self) -> None:
        with self._lock:
            if form := self.credential.renewal():
                call = token_call(form)
                self.credential.accept(parse(call, self.send(call), TokenAnswer))

    def close(self) -> None:
        self._http.close()


class AsyncTransport:
    """Sends calls, repeats what may be repeated, renews the credential."""

    def __init__(
        self,
        base_url: str,
        credential: Credential,
        *,
        retries: Retries,
        timeout: float,
        transport: httpx2.AsyncBaseTransport | None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = httpx2.AsyncClient(**_settings(base_url, timeout, transport))
        self.base_url, self.credential, self.sleep = base_url, credential, sleep
        self._retries, self._lock = retries, asyncio.Lock()

    async def send(self, call: Call) -> httpx2.Response:
        """Return the answer of a call. Raises APIError or APIConnectionError."""
        tries = Tries(call, self._retries)
        while True:
            if not call.public:
                await self._renew()
            try:
                response = await self._http.request(call.method, call.path, **request_arguments(call, self.credential))
            except httpx2.TransportError as error:
                pause: float | None = tries.failed(error)
            else:
                pause = tries.answered(response, self.credential)
                if pause is None:
                    return response
            await self.sleep(pause or 0)

    async def signed(self) -> dict[str, str]:
        """Return the headers that sign a request now, for a connection that is not ours."""
        await self._renew()
        return self.credential.headers()

    async def _renew(self) -> None:
        async with self._lock:
            if form := self.credential.renewal():
                call = token_call(form)
                self.credential.accept(parse(call, await self.send(call), TokenAnswer))

    async def close(self) -> None:
        await self._http.aclose()
