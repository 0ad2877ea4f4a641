"""The structure of a text: headings, list items, paragraphs, scenarios, rows of tables and code, each with its exact text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.agents.providers.embedded.tables import ANY, mark
from shared.agents.providers.embedded.traces import is_trace

BOLD: Final = 7  # the level of a heading that has only bold letters or signs
LONGEST: Final = 1_000  # characters of a line that are looked at: nobody writes a longer one, and patterns stay fast
_ITEM = re.compile(
    r"(\s*)(?:(?=\[[ xX]?\]\s)|[-*+•‣◦–—·・]|[\u2190-\u2bff\U0001f300-\U0001faff]\ufe0f?"
    r"|(\d{1,3}[.)）]|\(?[a-zA-Z\d]{1,2}[)）]|（\d{1,2}）|(?:\d{1,2}|[一二三四五六七八九十]{1,2})、|[①-⑳]))"
    r"(?:\s+|(?=\[)|(?<=[・、）①-⑳☐•])(?=\S))(\[[ xX]?\]\s*)?(\S.*)"
)
_HEADINGS = (
    re.compile(r"\s*(?:#{1,6}|h[1-6]\.)\s+(.*\S?)\s*#*"),
    re.compile(r"\s*(?:[^\w\s\-*+•>|`\[\]]{1,3}\s+)?(?:\*\*?|__?)([^*_]{2,80})(?:\*\*?|__?)[:：]?"),
    re.compile(r"\s*[【\[■◆●□◇▼]+\s*([^】\]]{2,40})[】\]]?"),
)
COLON: Final = r"(?:：|(?<=[\u3040-\u9fff）]):|:(?=\s))"  # ends a label; in Chinese and Japanese of either width, without a blank
SPOKEN = re.compile(rf"\W*\d{{1,2}}[:.h]\d\d|[^\W\d][\w.-]*(?: [\w.-]+){{0,2}}{COLON}|[\"“„«「]")  # of a timeline, a form, a chat
_UNDERLINE = re.compile(r"\s*(?:={3,}|-{3,}|\*{3,}|_{3,})\s*")
_BULLET = re.compile(r"^\s*[-*+•]?\s*")
_CALL = re.compile(r"[\w./*-]+\.[\w.*()]+\(.*\)\s*$")


@dataclass(frozen=True)
class Block:
    """A line with what is wrapped onto it. `indent` of a heading: its level; `gap`: below an empty line; `mark`: an item's number."""

    form: str  # heading, item, prose, scenario, row or code
    text: str
    gap: bool = False
    indent: int = 0
    mark: str = ""
    sign: str = ""
    is_done: bool = False


@lru_cache(maxsize=64)  # the language of a card and its kinds are read from the same blocks
def blocks(text: str) -> tuple[Block, ...]:
    """Return the blocks of a text in order, without the marks of quotations."""
    lines = [re.sub(r"^\s*>\s?", "", line.rstrip()[: LONGEST * 20]) for line in text.splitlines()]
    found, number, gap = [], 0, False
    while number < len(lines):
        if not lines[number].strip() or _UNDERLINE.fullmatch(lines[number]):
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
    if _is_trace(line):
        end = _end(lines, number, lambda at: _trace_goes_on(lines[at], next((one for one in lines[at + 1 :] if one), "")))
        return Block("code", "\n".join(lines[number:end]).strip("\n"), gap), end
    if _is_part(line, "given", "scenario"):
        end = _end(lines, number, lambda at: _is_part(lines[at], "given", "when", "then_line", "and_line"))
        if end > number + 1:
            return Block("scenario", "\n".join(_BULLET.sub("", one) for one in lines[number:end]), gap), end
    if title := heading(line):
        level = re.match(r"\s*(?:(#{1,6})\s|h([1-6])\.)", line)
        return Block("heading", title, gap, int(level[2] or len(level[1])) if level else BOLD), number + 1
    if line.lstrip().startswith("|") and line.endswith("|"):
        return Block("row", line.strip() if re.search(r"[^\s|:-]", line) else "", gap), number + 1
    item = _ITEM.fullmatch(line)
    is_story = not item and mark(ANY, "story").match(line.lower())
    end = _end(lines, number, lambda at: not _begins(lines[at]) and (is_story or _is_wrapped(lines[at - 1], lines[at])))
    is_done = bool(item and "x" in (item[3] or "").lower())
    begin = item.start(3 if is_done else 4) if item else 0  # a box that is ticked says more than the line without it
    text = "\n".join(one.strip() for one in [line[begin:], *lines[number + 1 : end]])
    if item is None:
        return Block("prose", text, gap), end
    return Block(
        "item", text, gap, len(item[1]), line[: item.start(4)].strip() if item[2] else "", item[0].strip()[0], is_done
    ), end


def _end(lines: list[str], number: int, goes_on: Callable[[int], object]) -> int:
    """Return where the lines end that go on with a line."""
    return next((at for at in range(number + 1, len(lines)) if not goes_on(at)), len(lines))


def _trace_goes_on(line: str, following: str) -> bool:
    """Tell whether a trace goes on: by an indented line, a call, or an empty line before more of it."""
    if not line:
        return _is_trace(following) or bool(_CALL.match(following[:LONGEST]))
    return line[0] in " \t" or _is_trace(line) or bool(_CALL.match(line[:LONGEST]))


def _is_part(line: str, *names: str) -> bool:
    """Tell whether a line is one of a scenario: of Given, When and Then."""
    bare = _BULLET.sub("", line.lower())
    return any(mark(ANY, name).match(bare) for name in names)


def _begins(line: str) -> bool:
    """Tell whether a line is none that goes on with the one before it."""
    is_sign = not line.strip() or _UNDERLINE.fullmatch(line) or line[0] == "【" or line.strip()[:3] == "```"
    return bool(is_sign or _ITEM.fullmatch(line) or heading(line) or _is_trace(line) or SPOKEN.match(line[:LONGEST]))


def _is_wrapped(before: str, line: str) -> bool:
    """Tell whether a line has what had no room in the one before it."""
    is_full = 55 <= len(before) <= 100 and line[0].islower()
    return before[-1:] not in (*":：。！？",) and (line[0].isspace() or is_full)


def heading(line: str) -> str:
    """Return the text of a line that is marked as a heading."""
    return next((found[1] for pattern in _HEADINGS if (found := pattern.fullmatch(line[:LONGEST]))), "")


def _is_trace(line: str) -> bool:
    return len(line) <= LONGEST and is_trace(line)
