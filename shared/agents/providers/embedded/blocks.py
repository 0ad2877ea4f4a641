"""The structure of a text: headings, list items, paragraphs, scenarios, rows of tables, code and traces, each with its exact text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.agents.providers.embedded.tables import ANY, mark, pattern

BOLD, PROSE, ITEM = 7, 8, 9  # levels of a heading that has only bold letters or signs, of a line before a list, of an item
LONGEST: Final = 1_000  # characters of a line that are looked at: nobody writes a longer one, and patterns stay fast


@dataclass(frozen=True)
class Block:
    """A line with what is wrapped onto it. `gap`: below an empty line; `mark`: an item's number; `sign`: its first sign."""

    form: str  # heading, item, prose, scenario, row or code
    text: str
    gap: bool = False
    level: int = PROSE
    mark: str = ""
    sign: str = ""
    is_done: bool = False


@lru_cache(maxsize=64)  # the language of a card and its kinds are read from the same blocks
def blocks(text: str) -> tuple[Block, ...]:
    """Return the blocks of a text in order, without the marks of quotations."""
    lines = [re.sub(r"^\s*>\s?", "", line.rstrip()[: LONGEST * 20]) for line in text.splitlines()]
    found, number, gap = [], 0, False
    while number < len(lines):
        if not lines[number].strip() or pattern("underline").fullmatch(lines[number]):
            number, gap = number + 1, True
            continue
        block, number = _block(lines, number, gap)
        found += [block] if block.text else []
        gap = False
    return tuple(found)


def _block(lines: list[str], number: int, gap: bool) -> tuple[Block, int]:
    """Return the block that begins at a line, and the number of the line after it."""
    line = lines[number]
    if (fence := line.strip()[:3]) in ("```", "~~~"):
        end = _end(lines, number, lambda at: not lines[at].strip().startswith(fence))
        return Block("code", "\n".join(lines[number + 1 : end]).strip("\n"), gap), end + 1
    if is_trace(line):  # an empty line may stand before more of it
        end = _end(
            lines, number, lambda at: lines[at][:1] in (" ", "\t") or is_trace(lines[at] or "".join(lines[at + 1 : at + 2]))
        )
        return Block("code", "\n".join(lines[number:end]).strip("\n"), gap), end
    if pattern("scenario_begins").match(line.lower()):
        end = _end(lines, number, lambda at: pattern("scenario_goes_on").match(lines[at].lower()))
        if end > number + 1:
            return Block("scenario", "\n".join(re.sub(r"^\s*[-*+•]?\s*", "", one) for one in lines[number:end]), gap), end
    if title := _heading(line):
        level = re.match(r"\s*(?:(#{1,6})\s|h([1-6])\.)", line)
        return Block("heading", title, gap, int(level[2] or len(level[1])) if level else BOLD), number + 1
    if line.lstrip().startswith("|") and line.endswith("|"):
        return Block("row", line.strip() if re.search(r"[^\s|:-]", line) else "", gap), number + 1
    return _lines(lines, number, gap)


def _lines(lines: list[str], number: int, gap: bool) -> tuple[Block, int]:
    """Return an item or a line of prose with what is wrapped onto it, and the number of the line after it."""
    item = pattern("item").fullmatch(lines[number])
    is_story = not item and mark(ANY, "story").match(lines[number].lower())
    end = _end(lines, number, lambda at: not _begins(lines[at]) and (is_story or _is_wrapped(lines[at - 1], lines[at])))
    is_done = bool(item and "x" in (item[3] or "").lower())
    begin = item.start(3 if is_done else 4) if item else 0  # a box that is ticked says more than the line without it
    text = "\n".join(one.strip() for one in [lines[number][begin:], *lines[number + 1 : end]])
    if item is None:
        return Block("prose", text, gap), end
    sign = item[0][: item.start(4)].strip() if item[2] else ""
    return Block("item", text, gap, ITEM + len(item[1]), sign, item[0].strip()[0], is_done), end


def _end(lines: list[str], number: int, goes_on: Callable[[int], object]) -> int:
    """Return where the lines end that go on with a line."""
    return next((at for at in range(number + 1, len(lines)) if not goes_on(at)), len(lines))


def _begins(line: str) -> bool:
    """Tell whether a line is none that goes on with the one before it."""
    is_new = pattern("begins").match(line[:LONGEST]) or pattern("item").fullmatch(line)
    return bool(is_new or _heading(line) or is_trace(line))


def _is_wrapped(before: str, line: str) -> bool:
    """Tell whether a line has what had no room in the one before it."""
    is_full = 55 <= len(before) <= 100 and line[0].islower()
    return before[-1:] not in (*":：。！？",) and (line[0].isspace() or is_full)


def _heading(line: str) -> str:
    """Return the text of a line that is marked as a heading."""
    found = pattern("heading").fullmatch(line[:LONGEST])
    return found[found.lastindex or 0] if found else ""


# -- traces: lines are returned as they stand


@lru_cache(maxsize=1024)  # a line is looked at by itself and beside its neighbours
def is_trace(line: str) -> bool:
    """Tell whether a line can only be of a trace or a log."""
    bare = line.lstrip()
    return len(line) <= LONGEST and bool(pattern("error_line").match(bare) or pattern("other").match(bare) or _frame(line))


def error_line(trace: str) -> str | None:
    """Return the line that names the error, and its message if that is on the next line: the last cause, of Python the last error."""
    lines = trace.splitlines()
    found = [number for number, line in enumerate(lines) if pattern("error_line").match(line.lstrip()) and not _frame(line)]
    causes = [number for number in found if lines[number].lstrip().startswith("Caused by:")]
    last = causes or (found if _innermost_last(trace) else found[:1])
    if not last:
        return next((line.strip() for line in lines if pattern("logged").match(line.lstrip())), None)
    end = last[-1] + 1
    has_message = lines[end - 1].endswith(":") and lines[end : end + 1] and not _frame(lines[end])
    return "\n".join(one.strip() for one in lines[end - 1 : end + bool(has_message)])


def own_frame(trace: str) -> str:
    """Return the innermost frame of the project's own code with the line of source or the function beside it; empty without one."""
    lines = trace.splitlines()
    frames = [(number, frame) for number, line in enumerate(lines) if (frame := _frame(line))]
    own = [(number, frame.lastgroup) for number, frame in frames if not pattern("foreign").search(frame[frame.lastgroup or 0])]
    if not own:
        return ""
    number, kind = own[-1 if _innermost_last(trace) else 0]
    has_source = kind == "python" and any(line[:4].isspace() and not _frame(line) for line in lines[number + 1 : number + 2])
    has_function = kind in ("go", "rust") and number and lines[number - 1].strip()
    return "\n".join(lines[number - bool(has_function) : number + 1 + has_source])


def _innermost_last(trace: str) -> bool:
    """Tell whether the innermost call stands last: as the first line says, which may be cut off, else as Python writes it."""
    if said := re.search(r"most recent call (first|last)", trace):
        return said[1] == "last"
    return any((frame := _frame(line)) and frame["python"] for line in trace.splitlines())


def _frame(line: str) -> re.Match[str] | None:
    return pattern("frame").match(line)
