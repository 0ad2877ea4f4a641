"""What every resource of a client does: send a call, and read its answer."""

from dataclasses import replace
from typing import Any, TypeVar

import httpx2
import pydantic

from ai_agents._calls import Call, new_key, parse
from ai_agents._transport import AsyncTransport, Transport
from ai_agents.errors import UnexpectedAnswerError
from ai_agents.models import PaginationInfo
from ai_agents.pages import AsyncPage, Page

T = TypeVar("T")


def _keyed(call: Call) -> Call:
    """Return the call with a key of its own if it makes something: a repeat after a broken connection makes it once."""
    makes = (
        call.method == "POST" and call.form is None
    )  # answers to forms have tokens, which the platform does not keep for a repeat
    return replace(call, idempotency_key=new_key()) if makes and call.idempotency_key is None else call


class _Listed(pydantic.BaseModel):
    data: list[Any]
    pagination: PaginationInfo

    @pydantic.model_validator(mode="before")
    @classmethod
    def _read_meta(cls, body: Any) -> Any:
        """Take what aintandem says of a page, which stands in `meta` and has names of its own."""
        if isinstance(body, dict) and "pagination" not in body and isinstance(meta := body.get("meta"), dict):
            return body | {"pagination": meta | {"page_size": meta.get("per_page"), "pages": meta.get("total_pages")}}
        return body


def _page(call: Call, response: httpx2.Response, entry: type[T]) -> tuple[list[T], PaginationInfo]:
    try:
        listed = _Listed.model_validate(response.json())
        return pydantic.TypeAdapter(list[entry]).validate_python(listed.data), listed.pagination  # type: ignore[valid-type]  # made at run time
    except ValueError as error:
        raise UnexpectedAnswerError(f"{call.method} {call.path} was not answered with a page: {error}") from error


class Resource:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _ask(self, call: Call, model: type[T]) -> T:
        return parse(call, self._transport.send(_keyed(call)), model)

    def _do(self, call: Call) -> None:
        self._transport.send(_keyed(call))

    def _list(self, call: Call, entry: type[T]) -> Page[T]:
        def read(number: int) -> Page[T]:
            return self._list(replace(call, query={**call.query, "page": number}), entry)

        data, pagination = _page(call, self._transport.send(call), entry)
        return Page(data, pagination, read)


class AsyncResource:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def _ask(self, call: Call, model: type[T]) -> T:
        return parse(call, await self._transport.send(_keyed(call)), model)

    async def _do(self, call: Call) -> None:
        await self._transport.send(_keyed(call))

    async def _list(self, call: Call, entry: type[T]) -> AsyncPage[T]:
        async def read(number: int) -> AsyncPage[T]:
            return await self._list(replace(call, query={**call.query, "page": number}), entry)

        data, pagination = _page(call, await self._transport.send(call), entry)
        return AsyncPage(data, pagination, read)
