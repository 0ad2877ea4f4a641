"""The checksum of a heartbeat: SHA-256, in hexadecimal, of the other six fields as JSON in UTF-8 with sorted keys.

JSON has more than one way to write the same. These are accepted, in any combination, because clients use what their language has at hand:

separators      `", "` and `": "` (Python's `json.dumps`), or `","` and `":"` (JavaScript's `JSON.stringify`)
other letters   as themselves, or as `\\u` escapes (Python's default)
nested objects  with sorted keys (Python's `sort_keys`), or in the order in which they were sent
absent fields   left out, or null

Numbers and texts count as they are written in the message: `5.0` is not `5`.
"""

import hashlib
import json
from collections.abc import Iterator
from itertools import product
from typing import Any, Final

FIELDS: Final = ("agent_id", "timestamp", "sequence_number", "status", "current_task_id", "health_metrics")
_SEPARATORS: Final = ((", ", ": "), (",", ":"))


class _Number(str):
    """A number as it is written in a message."""


def is_valid(body: bytes, checksum: str) -> bool:
    """Tell whether a checksum belongs to a message, a JSON object that was read without errors before."""
    message = json.loads(body.decode("utf-8-sig"), parse_float=_Number, parse_int=_Number)
    return checksum.lower() in _checksums({name: message[name] for name in FIELDS if name in message})


def _checksums(fields: dict[str, Any]) -> Iterator[str]:
    complete = {name: fields.get(name) for name in FIELDS}
    for values, separators, escapes, nested in product((fields, complete), _SEPARATORS, (True, False), (True, False)):
        top = {name: values[name] for name in sorted(values)}
        text = _write(top, *separators, escapes=escapes, sort=nested)
        yield hashlib.sha256(text.encode()).hexdigest()


def _write(value: Any, comma: str, colon: str, *, escapes: bool, sort: bool) -> str:
    """Return a value as JSON; its numbers are texts that stay as they are."""

    def write(one: Any) -> str:
        if isinstance(one, _Number):
            return one
        if isinstance(one, list):
            return "[" + comma.join(map(write, one)) + "]"
        if isinstance(one, dict):
            names = sorted(one) if sort else one
            return "{" + comma.join(f"{json.dumps(name, ensure_ascii=escapes)}{colon}{write(one[name])}" for name in names) + "}"
        return json.dumps(one, ensure_ascii=escapes)

    return write(value)
