"""A platform that answers as it is told, and the two clients in front of it: what holds for one holds for the other."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import httpx2

from ai_agents import AsyncClient, Client

Answer = httpx2.Response | Exception
BASE = "https://api.example.com/v1"
META = {"timestamp": "2026-11-01T00:00:00Z", "request_id": "req-1"}


def data(body: Any, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json={"success": True, "status": status, "data": body, "meta": META})


def page(entries: list[Any], number: int = 1, pages: int = 1) -> httpx2.Response:
    info = {"page": number, "page_size": 2, "total": 4, "pages": pages, "has_next": number < pages, "has_prev": number > 1}
    return httpx2.Response(200, json={"success": True, "status": 200, "data": entries, "pagination": info, "meta": META})


def refusal(status: int, code: str, *details: dict[str, str], **headers: str) -> httpx2.Response:
    error = {"code": code, "message": "Said so", "details": list(details)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, json={"success": False, "status": status, "error": error, "meta": META}, headers=named)


def token(text: str = "t-1", seconds: int = 3600, **more: Any) -> httpx2.Response:
    body = {"access_token": text, "token_type": "Bearer", "expires_in": seconds, "scope": "projects:read"} | more
    return httpx2.Response(200, json=body)


class Server:
    """`answers` are used up one by one; an error among them is a connection that breaks. `slept` are the pauses of the client."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.requests, self.slept = list(answers), list[httpx2.Request](), list[float]()

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)  # one is for one client

    def sent(self) -> list[str]:
        return [f"{one.method} {one.url.raw_path.decode()}" for one in self.requests]

    def header(self, name: str) -> list[str | None]:
        return [one.headers.get(name) for one in self.requests]


Step = Callable[[Any], Any]


def waiting(server: Server, *steps: Step, **settings: Any) -> list[Any]:
    with Client(base_url=BASE, transport=httpx2.MockTransport(server.answer), sleep=server.slept.append, **settings) as client:
        return [step(client) for step in steps]


def awaiting(server: Server, *steps: Step, **settings: Any) -> list[Any]:
    async def sleep(seconds: float) -> None:
        server.slept.append(seconds)

    async def results() -> list[Any]:
        transport = httpx2.MockTransport(server.answer)
        async with AsyncClient(base_url=BASE, transport=transport, sleep=sleep, **settings) as client:
            return [await _result(step(client)) for step in steps]

    return asyncio.run(results())


async def _result(made: Any) -> Any:
    if inspect.isawaitable(made):
        return await made
    return [one async for one in made] if inspect.isasyncgen(made) else made
