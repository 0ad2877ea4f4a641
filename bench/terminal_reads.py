"""What reads a terminal's log, as a handler whose event says what to read: for `bench.growth`."""

from itertools import islice
from typing import Any

from shared.runs.terminal import entries, tail
from shared.runs.terminal_sessions.log_filters import LogFilter
from shared.runs.terminal_sessions.log_search import search_logs

MIDDLE, END, SEARCH = "80 lines in the middle", "the last 100 lines", "a search for a rare word"


def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Read the log of the run `run`, which has so many `lines`."""
    lines = event["lines"]
    if event["read"] == MIDDLE:
        list(islice(entries("run", lines // 2), 80))
    elif event["read"] == END:
        tail("run", 100)
    else:
        search_logs(["run"], f"line {lines} ", LogFilter())
    return {"statusCode": 200, "body": ""}
