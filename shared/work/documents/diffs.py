"""The difference between two texts, line by line, as data with a bounded size and computed in bounded time.

    {"added": 2, "removed": 1, "hunks": [
        {"op": "replace", "old_start": 3, "old_lines": 1, "new_start": 3, "new_lines": 2, "lines": ["-old", "+new", "+newer"]}
    ], "truncated": false, "coarse": false}

`op` is insert, delete or replace. Lines are counted from 1; a side without lines starts at the line before the hunk. `truncated`: some
hunks or lines are left out (the counts include them). `coarse`: a part was too large to compare and is shown as one replacement.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

from shared.work.documents.texts import shown_size

MAX_BYTES: Final = 16_000  # of all lines, escaped as in a response: fifty revisions fit into one response beside a text
MAX_HUNKS: Final = 200
_MAX_CELLS = 250_000  # product of the line counts of both sides that difflib compares at once
_MAX_STEPS = 1_000_000_000  # steps of difflib in total, in the worst case: about a second
_MAX_ANCHOR_LINES = 200_000  # lines among which unique lines are searched
_MAX_DEPTH = 4

Block = tuple[int, int, int, int]
"""Lines old[a:b] became new[c:d]."""


def diff_texts(old: str, new: str) -> dict[str, Any]:
    """Compare two texts; the module's docstring shows the result. At most about a second for two texts of 10 MB."""
    before, after = old.split("\n"), new.split("\n")
    comparison = _Comparison(before, after)
    blocks = list(comparison.blocks(0, len(before), 0, len(after), _MAX_DEPTH))
    hunks: list[dict[str, Any]] = []
    left, truncated = MAX_BYTES, len(blocks) > MAX_HUNKS
    for a, b, c, d in blocks[:MAX_HUNKS]:
        lines: list[str] = []
        for line in _diff_lines(before[a:b], after[c:d]):
            left -= shown_size(line)
            if left < 0:
                truncated = True
                break
            lines.append(line)
        op = "replace" if b > a and d > c else "delete" if b > a else "insert"
        starts = (a + 1 if b > a else a, c + 1 if d > c else c)
        hunks.append(
            {"op": op, "old_start": starts[0], "old_lines": b - a, "new_start": starts[1], "new_lines": d - c, "lines": lines}
        )
    return {
        "added": sum(d - c for _, _, c, d in blocks),
        "removed": sum(b - a for a, b, _, _ in blocks),
        "hunks": hunks,
        "truncated": truncated,
        "coarse": comparison.coarse,
    }


def _diff_lines(removed: Sequence[str], added: Sequence[str]) -> Iterator[str]:
    yield from (f"-{line}" for line in removed)
    yield from (f"+{line}" for line in added)


class _Comparison:
    """Strips common lines at both ends, splits the rest at lines unique on both sides, and gives small parts to difflib."""

    def __init__(self, old: list[str], new: list[str]) -> None:
        self.old, self.new = old, new
        self.work, self.coarse = _MAX_STEPS, False

    def blocks(self, a: int, b: int, c: int, d: int, depth: int) -> Iterator[Block]:
        while a < b and c < d and self.old[a] == self.new[c]:
            a, c = a + 1, c + 1
        while a < b and c < d and self.old[b - 1] == self.new[d - 1]:
            b, d = b - 1, d - 1
        height, width = b - a, d - c
        if not height or not width:
            if height or width:
                yield a, b, c, d
        elif height * width <= _MAX_CELLS and height * width * min(height, width) <= self.work:
            self.work -= height * width * min(height, width)
            matcher = SequenceMatcher(None, self.old[a:b], self.new[c:d], autojunk=False)
            for op, i, j, k, m in matcher.get_opcodes():
                if op != "equal":
                    yield a + i, a + j, c + k, c + m
        elif depth and (anchors := self._anchors(a, b, c, d)):
            for i, k in [*anchors, (b, d)]:
                yield from self.blocks(a, i, c, k, depth - 1)
                a, c = i + 1, k + 1
        else:
            self.coarse = True
            yield a, b, c, d

    def _anchors(self, a: int, b: int, c: int, d: int) -> list[tuple[int, int]]:
        """Return the longest sequence of lines that occur exactly once on each side and in the same order, as pairs of line numbers."""
        if b - a + d - c > _MAX_ANCHOR_LINES:
            return []
        once_old, once_new = Counter(self.old[a:b]), Counter(self.new[c:d])
        positions = {line: k for k, line in enumerate(self.new[c:d], c) if once_new[line] == 1}
        pairs = [(i, positions[line]) for i, line in enumerate(self.old[a:b], a) if once_old[line] == 1 and line in positions]
        return _longest_increasing(pairs)


def _longest_increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest subsequence of the pairs whose second numbers increase; the first numbers increase already."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int | None] = []
    for index, (_, number) in enumerate(pairs):
        length = bisect_left(tails, number)
        before.append(ends[length - 1] if length else None)
        tails[length : length + 1] = [number]
        ends[length : length + 1] = [index]
    sequence: list[tuple[int, int]] = []
    position = ends[-1] if ends else None
    while position is not None:
        sequence.append(pairs[position])
        position = before[position]
    return sequence[::-1]
