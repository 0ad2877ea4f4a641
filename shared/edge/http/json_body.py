"""Read request bodies: strict JSON, and only values that tables, queues and responses can hold."""

import json
from typing import Any, NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_DEPTH = 64  # levels; writing a value of some hundred levels as JSON raises RecursionError
_MAX_DIGITS = 20  # of an integer: enough for 64 bits
_LARGEST, _SMALLEST = 1e100, 1e-100  # DynamoDB holds 1e-130 to 1e126


class StrictRequest(Request):
    """A request whose JSON is parsed strictly and only once."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = parse(await self.body())
        return self._json


def parse(body: bytes) -> Any:
    """Return the value of a JSON text. Raises HTTPException(400) with a message for the caller."""
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_parse_float, parse_int=_parse_int)
        if "\\u" in text:  # half of a surrogate pair, written as an escape, cannot be encoded
            json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeError, RecursionError, ValueError) as error:
        raise HTTPException(400, _message(error)) from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise HTTPException(400, f"The request body is nested deeper than {MAX_DEPTH} levels")
    return value


def _message(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"The request body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})"
    if isinstance(error, UnicodeError):
        return "The request body is not valid UTF-8"
    if isinstance(error, RecursionError):
        return f"The request body is nested deeper than {MAX_DEPTH} levels"
    return f"The request body is not valid JSON: {error}"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _parse_float(text: str) -> float:
    number = float(text)
    if number and not _SMALLEST < abs(number) < _LARGEST:
        raise ValueError(f"the number {text[:20]} is out of range")
    return number


def _parse_int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"the number {text[:_MAX_DIGITS]}... is out of range")
    return int(text)


def _is_deeper(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels + 1):
        containers = [one for one in level if isinstance(one, dict | list)]
        if not containers:
            return False
        level = [child for one in containers for child in (one.values() if isinstance(one, dict) else one)]
    return True
