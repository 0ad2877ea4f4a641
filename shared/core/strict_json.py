"""Parse JSON strictly: only values that tables, queues and responses can hold. For requests, socket messages and answers of others."""

import json
from typing import Any, NoReturn

MAX_DEPTH = 64  # levels; writing a value of some hundred levels as JSON raises RecursionError
_MAX_DIGITS = 20  # of an integer: enough for 64 bits
_EXACT = 2**53  # up to here a float holds every integer
_LARGEST, _SMALLEST = 1e100, 1e-100  # DynamoDB holds 1e-130 to 1e126


def parse(data: bytes | str, name: str) -> Any:
    """Return the value of a JSON text. Raises ValueError with a message for the caller, which calls the text by `name`."""
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_parse_float, parse_int=_parse_int)
        if "\\u" in text:  # half of a surrogate pair, written as an escape, cannot be encoded
            json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeError, RecursionError, ValueError) as error:
        raise ValueError(f"{name} {_fault(error)}") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise ValueError(f"{name} {_TOO_DEEP}")
    return value


_TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"


def _fault(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})"
    if isinstance(error, UnicodeError):
        return "is not valid UTF-8"
    if isinstance(error, RecursionError):
        return _TOO_DEEP
    return f"is not valid JSON: {error}"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _parse_float(text: str) -> int | float:
    """Return a number with a fraction or an exponent; `5.0` is the integer 5, as JSON has one kind of numbers."""
    number = float(text)
    if number and not _SMALLEST < abs(number) < _LARGEST:
        raise ValueError(f"the number {text[:20]} is out of range")
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number


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
