"""Traces of programs: the error, and the innermost line of the project's own code. Lines are returned as they stand."""

import re
from typing import Final

_FRAME: Final = re.compile(
    r"\s*(?:File \"(?P<python>[^\"]+)\", line \d+|at (?:.*[( ])?(?P<script>[^()\s]+:\d+:\d+)\)?$|at (?P<java>[\w$./<>]+\([\w$]+\.\w+:\d+\))|at .+ in (?P<net>.+:line \d+)"
    r"|(?P<go>\S+\.go:\d+)|(?:from )?(?P<ruby>\S+\.rb:\d+:in)|#\d+ (?P<php>\S+\.php\(\d+\))|at (?P<rust>\S+\.rs:\d+))"
)
_FOREIGN: Final = re.compile(
    r"site-packages|dist-packages|node_modules|/lib/python\d|/lib64/python\d|<frozen|<anonymous>|<string>|node:|/usr/local/go/|/go/pkg/mod/|/vendor/|/gems/|/usr/lib/|/rustc/|\.cargo/|webpack/(?:bootstrap|runtime)"
    r"|^(?:java|javax|jdk|sun|com\.sun|kotlin|kotlinx|scala|groovy|jakarta|android|androidx|dalvik|org\.(?:apache|springframework|hibernate|junit|eclipse|jboss|postgresql)|io\.netty|com\.(?:google|fasterxml|zaxxer|mysql))\.|^(?:System|Microsoft)\."
)
_ERROR: Final = re.compile(
    r"\s*(?:Caused by: |Uncaught |Unhandled \w+[: ]+|Exception in thread \"[^\"]*\" )?(?:[\w.$\\]*(?:Error|Exception|Timeout|Failure|Fault|Interrupt|Exit)\b(?:: .*|:?\s*)$|panic: .+|thread '.+' panicked.*|fatal error: .+|[a-z_]+(?:\.[A-Za-z_]+)+: \S.*$)",
    re.IGNORECASE,
)


def error_line(trace: str) -> str | None:
    """Return the line that names the error: the last cause, of Python the last line of the last traceback."""
    found = [line for line in trace.splitlines() if _ERROR.match(line) and not _FRAME.match(line)]
    causes = [line for line in found if line.lstrip().startswith("Caused by:")]
    last = causes or (found if "Traceback (most recent" in trace else found[:1])
    return last[-1].strip() if last else None


def own_frame(trace: str) -> list[str]:
    """Return the innermost frame of the project's own code with the line of source or the function beside it; empty without one."""
    lines = trace.splitlines()
    own = [number for number, line in enumerate(lines) if (frame := _FRAME.match(line)) and not _is_foreign(line, frame)]
    if not own:
        return []
    innermost_last = "Traceback (most recent" in trace
    number = own[-1] if innermost_last else own[0]
    frame = _FRAME.match(lines[number])
    if (
        frame
        and frame["python"]
        and number + 1 < len(lines)
        and lines[number + 1][:4].isspace()
        and not _FRAME.match(lines[number + 1])
    ):
        return lines[number : number + 2]
    if frame and (frame["go"] or frame["rust"]) and number and lines[number - 1].strip():
        return lines[number - 1 : number + 1]
    return [lines[number]]


def _is_foreign(line: str, frame: re.Match[str]) -> bool:
    place = next(one for one in frame.groups() if one)
    method = re.match(r"\s*at (\S+)", line)
    return bool(_FOREIGN.search(place)) or bool(frame["net"] and method and _FOREIGN.search(method[1]))
