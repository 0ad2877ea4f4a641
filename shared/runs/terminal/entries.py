"""Log entries: their one form in bytes, and the visible truncation of entries that are too long."""

import json
from typing import Any, Final

from shared.store import NumberAttribute, Telemetry, UnicodeAttribute

Entry = dict[str, Any]
"""`{id, seq, runId, timestamp, level, source, component, message, data?, truncated?}`, in this order."""

LEVELS: Final = ("debug", "info", "warn", "error")
MESSAGE_BYTES: Final = 16_384  # of the message as JSON
DATA_BYTES: Final = 8_192  # of `data` as JSON
CHUNK_BYTES: Final = 28_000  # below the 32 KB that API Gateway counts as one message, with room for the frame
RETENTION: Final = 30 * 86_400  # seconds


class LogChunk(Telemetry):
    """Entries written together: stored at `LOG#<run>` under the first one's number; `body` is a JSON array of canonical entries."""

    last_sequence = NumberAttribute(attr_name="last")
    writer = UnicodeAttribute()
    at = UnicodeAttribute()
    body = UnicodeAttribute()

    @staticmethod
    def partition_key(run_id: str) -> str:
        return f"LOG#{run_id}"

    @staticmethod
    def sort_key(seq: int) -> str:
        return f"{seq:012d}"

    @property
    def first(self) -> int:
        return int(self.sk)

    def entries(self) -> list[Entry]:
        entries: list[Entry] = json.loads(self.body)
        return entries


def canonical(entry: Any) -> str:
    """Return the JSON text of an entry, always in the same form: `canonical(json.loads(text)) == text`."""
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def new_entry(level: str, component: str, message: str, data: Any, source: str, timestamp: str) -> Entry:
    """Build an entry without a number, cut to the size limits; raise ValueError for an unknown level."""
    if level not in LEVELS:
        raise ValueError(f"A log level is one of {', '.join(LEVELS)}, not {level!r}")
    message, cut = truncate(_valid_utf8(message), MESSAGE_BYTES)
    entry: Entry = {
        "timestamp": timestamp,
        "level": level,
        "source": _valid_utf8(source)[:100],
        "component": _valid_utf8(component)[:100],
        "message": message,
    }
    if data is not None:
        limited, too_long = _limited_data(data)
        entry["data"] = limited
        cut = cut or too_long
    return entry | {"truncated": True} if cut else entry


def with_sequence(run_id: str, seq: int, entry: Entry) -> Entry:
    return {"id": f"{run_id}:{seq}", "seq": seq, "runId": run_id} | entry


def expiry_notice(run_id: str, first: int, last: int, timestamp: str) -> Entry:
    """Return an entry that replaces expired ones; it has the number of the last of them, so that a reader can continue after it."""
    notice = new_entry(
        "warn", "terminal", f"Entries {first} to {last} are older than {RETENTION // 86_400} days and no longer kept",
        {"from": first, "to": last}, "system", timestamp,
    )  # fmt: skip
    return with_sequence(run_id, last, notice | {"truncated": True})


def truncate(text: str, limit: int) -> tuple[str, bool]:
    """Cut `text` to `limit` bytes of JSON, with a note about the cut at its end; also return whether it was cut."""
    size = _json_bytes(text)
    if size <= limit:
        return text, False
    words = f"… [cut: {size:,} bytes, about {limit:,} kept]"
    room, low, high = limit - _json_bytes(words), 0, min(len(text), limit)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _json_bytes(text[:middle]) <= room else (low, middle - 1)
    return text[:low] + words, True


def _limited_data(data: Any) -> tuple[Any, bool]:
    """Return `data` as plain JSON values, and whether it was cut; if it is too long, it becomes the beginning of its JSON text."""
    text = _valid_utf8(json.dumps(_json_safe(data), ensure_ascii=False, default=str, separators=(",", ":")))
    if len(text.encode()) <= DATA_BYTES:
        return json.loads(text), False
    return truncate(text, DATA_BYTES)[0], True


def _json_safe(value: Any) -> Any:
    """Replace infinities and NaN, which JSON does not have, and all keys by strings."""
    if isinstance(value, dict):
        return {str(key): _json_safe(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json_safe(each) for each in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124 - NaN
        return str(value)
    return value


def _valid_utf8(text: str) -> str:
    """Replace lone surrogates, which cannot be encoded as UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _json_bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())
