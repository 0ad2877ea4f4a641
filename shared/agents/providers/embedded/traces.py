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
    """Return the line that names the error, and its message if that is on the next line: the last cause, of Python the last error."""
    lines = trace.splitlines()
    found = [number for number, line in enumerate(lines) if _any_of("error")(line) and not _frame(line)]
    causes = [number for number in found if lines[number].lstrip().startswith("Caused by:")]
    last = causes or (found if _innermost_last(trace) else found[:1])
    if not last:
        return next((line.strip() for line in lines if _any_of("logged")(line)), None)
    end = last[-1] + 1
    has_message = lines[end - 1].endswith(":") and lines[end : end + 1] and not _frame(lines[end])
    return "\n".join(one.strip() for one in lines[end - 1 : end + bool(has_message)])


def own_frame(trace: str) -> str:
    """Return the innermost frame of the project's own code with the line of source or the function beside it; empty without one."""
    lines = trace.splitlines()
    own = [number for number, line in enumerate(lines) if (place := _frame(line)[1:]) and not _any_of("foreign")(*place)]
    if not own:
        return ""
    number = own[-1] if _innermost_last(trace) else own[0]
    kind, after = _frame(lines[number])[0], lines[number + 1 : number + 2]
    has_source = kind == "python" and any(line[:4].isspace() and not _frame(line) for line in after)
    has_function = kind in ("go", "rust") and number and lines[number - 1].strip()
    return "\n".join(lines[number - bool(has_function) : number + 1 + has_source])


def _innermost_last(trace: str) -> bool:
    """Tell whether the innermost call stands last: as the first line says, which may be cut off, else as Python writes it."""
    if said := re.search(r"most recent call (first|last)", trace):
        return said[1] == "last"
    return any(_frame(line)[:1] == ("python",) for line in trace.splitlines())


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
