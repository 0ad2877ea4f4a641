"""Read request bodies as strict JSON."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from shared.core import strict_json


class JsonRequest(Request):
    """A request whose JSON is parsed strictly and only once."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = parse(await self.body())
        return self._json


def parse(body: bytes) -> Any:
    """Return the value of a JSON text. Raises HTTPException(400) with a message for the caller."""
    try:
        return strict_json.parse(body, "The request body")
    except ValueError as error:
        raise HTTPException(400, str(error)) from None
