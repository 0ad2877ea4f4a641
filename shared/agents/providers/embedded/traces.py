"""Traces of programs: the error, and the innermost line of the project's own code. Lines are returned as they stand."""

import re
from collections.abc import Callable
from functools import cache, lru_cache

from shared.agents.providers.embedded.tables import table


@lru_cache(maxsize=1024)  # a line is looked at by itself and beside its neighbours
def is_trace(line: str) -> bool:
    """Tell whether a line can only be of a trace or a log."""
    return bool(_any_of("error")(line) or _any_of("other")(line) or _frame(line))


def error_line(trace: str) -> str | None:
    """Return the line that names the error: the last cause, of Python the last line of the last traceback."""
    found = [line for line in trace.splitlines() if _any_of("error")(line) and not _frame(line)]
    causes = [line for line in found if line.lstrip().startswith("Caused by:")]
    last = causes or (found if _innermost_last(trace) else found[:1])
    return last[-1].strip() if last else None


def own_frame(trace: str) -> list[str]:
    """Return the innermost frame of the project's own code with the line of source or the function beside it; empty without one."""
    lines = trace.splitlines()
    own = [number for number, line in enumerate(lines) if (place := _frame(line)[1:]) and not _any_of("foreign")(*place)]
    if not own:
        return []
    number = own[-1] if _innermost_last(trace) else own[0]
    kind = _frame(lines[number])[0]
    if kind == "python" and lines[number + 1 : number + 2] and not _frame(lines[number + 1]) and lines[number + 1][:4].isspace():
        return lines[number : number + 2]
    first = number - 1 if kind in ("go", "rust") and number and lines[number - 1].strip() else number
    return lines[first : number + 1]


def _innermost_last(trace: str) -> bool:
    """Tell whether the last frame is where it failed: in Python, where the error stands below the frames."""
    kinds = [_frame(line)[:1] for line in trace.strip().splitlines()]
    return "Traceback (most recent" in trace or (
        ("python",) in kinds and kinds[-1] != ("python",) and bool(_any_of("error")(trace.strip().splitlines()[-1]))
    )


def _frame(line: str) -> tuple[str, ...]:
    """Return the kind and the place of a frame; nothing for any other line."""
    for kind, pattern in table("traces")["frames"].items():
        if found := re.match(rf"\s*{pattern}", line):
            return kind, found[1]
    return ()


@cache
def _any_of(name: str) -> Callable[[str], object]:
    """Return the search for one of the patterns of a list; of places anywhere, of lines at their beginning."""
    pattern = re.compile("|".join(table("traces")["lines"][name]))
    return pattern.search if name == "foreign" else lambda line: pattern.match(line.lstrip())
