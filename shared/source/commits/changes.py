"""The changes of a commit: its files, and their patches as hunks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from shared.core.texts import write_json
from shared.store import load_text, store_text

CONTEXT, ADDED, REMOVED = "context", "added", "removed"
_TYPES: Final = {" ": CONTEXT, "": CONTEXT, "+": ADDED, "-": REMOVED}


@dataclass(frozen=True)
class ChangedFile:
    """A file of a commit. `patch` is None where GitHub shows none: a binary file, or a very large change."""

    path: str
    status: str
    additions: int = 0
    deletions: int = 0
    previous_path: str | None = None
    patch: str | None = None

    @property
    def changes(self) -> int:
        return self.additions + self.deletions


@dataclass(frozen=True)
class Hunk:
    """A stretch of a file that has changed. A line is its type and its text, with the sign that it has in the patch."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    lines: Sequence[tuple[str, str]] = field(default_factory=list)


def store_changes(key: str, files: Sequence[ChangedFile]) -> str:
    """Return the files as the row of their commit stores them; a long list is written as a file with this key."""
    rows = [{name: value for name, value in asdict(one).items() if value is not None} for one in files]
    return store_text(key, write_json(rows))


def load_changes(value: str | None) -> list[ChangedFile]:
    """Return the files from `store_changes`; None: there are none."""
    return [ChangedFile(**one) for one in json.loads(load_text(value))] if value else []


def hunks_of(patch: str | None) -> list[Hunk]:
    """Return the hunks of a patch, none if there is no patch or if it is no unified diff (GitHub cuts the longest ones)."""
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    if not patch:
        return []
    try:
        parsed = PatchSet(f"--- a/file\n+++ b/file\n{patch}\n")
    except UnidiffParseError:
        return []
    return [
        Hunk(hunk.source_start, hunk.source_length, hunk.target_start, hunk.target_length, list(_lines(hunk)))
        for file in parsed
        for hunk in file
    ]


def _lines(hunk: Any) -> Iterator[tuple[str, str]]:
    for line in hunk:
        if line.line_type in _TYPES:  # the rest says that a file has no line end at its end
            yield _TYPES[line.line_type], f"{line.line_type}{line.value}".removesuffix("\n")


def whole_text(file: ChangedFile, side: str) -> str | None:
    """Return the text of a file before or after (REMOVED or ADDED), if its patch is all of it: a new or a removed file. Else None."""
    if (file.status, side) in {("added", REMOVED), ("removed", ADDED)}:
        return ""
    if (file.status, side) not in {("added", ADDED), ("removed", REMOVED)} or file.patch is None:
        return None
    kept = [text[1:] for hunk in hunks_of(file.patch) for kind, text in hunk.lines if kind == side]
    number = file.additions if side == ADDED else file.deletions
    if len(kept) != number:
        return None
    return "\n".join(kept) + ("" if "\\ No newline at end of file" in file.patch or not kept else "\n")


def totals(files: Sequence[ChangedFile]) -> Mapping[str, int]:
    """Return how many files there are, and how many lines were added and removed."""
    return {
        "file_count": len(files),
        "insertions": sum(one.additions for one in files),
        "deletions": sum(one.deletions for one in files),
    }
