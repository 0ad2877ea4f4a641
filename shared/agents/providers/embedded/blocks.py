"""The structure of a text: headings, list items, paragraphs, scenarios, rows of tables and code, each with its exact text."""

import re
from collections.abc import Iterator
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
_GOES_ON: Final = ("when", "then_line", "and_line")  # lines of a scenario after Given
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
    return tuple(_Blocks([re.sub(r"^\s*>\s?", "", line.rstrip()[: LONGEST * 20]) for line in text.splitlines()]).all())


class _Blocks:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        widths = sorted((_width(line) for line in lines if not _is_trace(line)), reverse=True)
        self.column = widths[0] if len(widths) > 1 and widths[1] >= 0.8 * widths[0] else 0  # one long line is not wrapped

    def all(self) -> Iterator[Block]:
        number, gap = 0, False
        while number < len(self.lines):
            if not self.lines[number].strip() or _UNDERLINE.fullmatch(self.lines[number]):
                number, gap = number + 1, True
                continue
            block, number = self._block(number, gap)
            gap = False
            if block.text:
                yield block

    def _block(self, number: int, gap: bool) -> tuple[Block, int]:
        """Return the block that begins at a line, and the number of the line after it."""
        line = self.lines[number]
        if line.lstrip()[:3] in ("```", "~~~"):
            fence = line.strip()[:3]
            end = next(
                (at for at in range(number + 1, len(self.lines)) if self.lines[at].strip().startswith(fence)), len(self.lines)
            )
            return Block("code", "\n".join(self.lines[number + 1 : end]).strip("\n"), gap), end + 1
        if _is_trace(line):
            end = next((at for at in range(number + 1, len(self.lines)) if not self._goes_on(at)), len(self.lines))
            return Block("code", "\n".join(self.lines[number:end]).strip("\n"), gap), end
        if end := self._scenario(number):
            return Block("scenario", "\n".join(one.strip() for one in self.lines[number:end]).removeprefix("- "), gap), end
        if title := heading(line):
            return Block("heading", title, gap, _level(line)), number + 1
        if line.lstrip().startswith("|") and line.endswith("|"):
            return Block("row", line.strip() if re.search(r"[^\s|:-]", line) else "", gap), number + 1
        item = _ITEM.fullmatch(line)
        end = self._wrapped(number, is_item=bool(item))
        is_done = bool(item and "x" in (item[3] or "").lower())
        begin = item.start(3 if is_done else 4) if item else 0  # a box that is ticked says more than the line without it
        text = "\n".join(one.strip() for one in [line[begin:], *self.lines[number + 1 : end]])
        if item is None:
            return Block("prose", text, gap, len(line) - len(line.lstrip())), end
        mark = line[: item.start(4)].strip() if item[2] else ""
        return Block("item", text, gap, len(item[1]), mark, item[0].strip()[0], is_done), end

    def _goes_on(self, number: int) -> bool:
        """Tell whether a trace goes on: by an indented line, a call, or an empty line before more of it."""
        line, following = self.lines[number], next((one for one in self.lines[number + 1 :] if one), "")
        if not line:
            return _is_trace(following) or bool(_CALL.match(following[:LONGEST]))
        return line[0] in " \t" or _is_trace(line) or bool(_CALL.match(line[:LONGEST]))

    def _scenario(self, number: int) -> int:
        """Return where a scenario of Given, When and Then ends that begins at a line, or 0."""
        first = _bare(self.lines[number])
        end = number + 1
        if mark(ANY, "scenario").match(first):
            end += bool(end < len(self.lines) and mark(ANY, "given").match(_bare(self.lines[end])))
        elif not mark(ANY, "given").match(first):
            return 0
        begun = end
        while end < len(self.lines) and any(mark(ANY, name).match(_bare(self.lines[end])) for name in _GOES_ON):
            end += 1
        return end if end > begun else 0

    def _wrapped(self, number: int, *, is_item: bool) -> int:
        """Return where the lines end that belong to a line: a story on several lines, or what had no room."""
        story = not is_item and mark(ANY, "story").match(self.lines[number].lower())
        end = number + 1
        while end < len(self.lines):
            before, line = self.lines[end - 1].rstrip(), self.lines[end]
            if not line.strip() or self._begins(line) or before[-1:] in ":：。！？":
                break
            is_indented = line[0].isspace()
            if not story and not (is_indented or (self._fills(before, line))):
                break
            end += 1
        return end

    def _begins(self, line: str) -> bool:
        return bool(
            _ITEM.fullmatch(line)
            or heading(line)
            or _is_trace(line)
            or _UNDERLINE.fullmatch(line)
            or line.strip()[:3] == "```"
            or line[0] == "【"
            or SPOKEN.match(line[:LONGEST])
        )

    def _fills(self, line: str, following: str) -> bool:
        """Tell whether a line ends only because the text is wrapped: the next word had no room in it."""
        if not 55 <= self.column <= 100:
            return False
        ragged = following[0].islower() and self.column <= 80 and _width(line) >= 0.75 * self.column
        return ragged or _width(line) + 1 + _width(following.split(maxsplit=1)[0]) > self.column


def heading(line: str) -> str:
    """Return the text of a line that is marked as a heading."""
    return next((found[1] for pattern in _HEADINGS if (found := pattern.fullmatch(line[:LONGEST]))), "")


def _level(line: str) -> int:
    """Return how deep a heading stands: of one that has only bold letters or signs, deeper than all others."""
    found = re.match(r"\s*(?:(#{1,6})\s|h([1-6])\.)", line)
    return BOLD if found is None else int(found[2] or len(found[1]))


def _bare(line: str) -> str:
    return re.sub(r"^\s*[-*+•]?\s*", "", line.lower())


def _is_trace(line: str) -> bool:
    return len(line) <= LONGEST and is_trace(line)


def _width(text: str) -> int:
    return sum(2 if character >= "\u2e80" else 1 for character in text)
