"""The result of a strategy: tool calls in stages and a closing summary, with functions to build them in Markdown."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.core.texts import one_line

FOOTER = (
    "_Derived from the card's own words by Cadre's embedded model (text analysis, no language model). "
    "Review before relying on it._"
)


@dataclass(frozen=True)
class Action:
    """One tool call, and the line that the terminal shows before it."""

    tool: str
    arguments: dict[str, Any]
    progress_line: str = ""

    def __post_init__(self) -> None:
        if "title" in self.arguments:
            self.arguments["title"] = _title(self.arguments["title"])


def _title(text: str) -> str:
    """Return a title that the tools take: the card's texts, of which it is made, may have control characters."""
    plain = "".join(" " if unicodedata.category(one) == "Cc" else one for one in text)
    try:
        return one_line(plain)[:200] or "Untitled"
    except ValueError:
        return "Untitled"


@dataclass(frozen=True)
class Plan:
    """`stages` are tool calls, one turn for each stage; a later stage depends on earlier ones. `summary` has 1-3 sentences."""

    stages: tuple[tuple[Action, ...], ...]
    summary: str


def document(kind: str, title: str, content: str) -> Action:
    """Return a write_document call; the content ends with a note that names the embedded model as its author."""
    title = title[:200]
    return Action(
        "write_document",
        {"type": kind, "title": title, "content": f"{content.rstrip()}\n\n---\n{FOOTER}\n"},
        f"Writing “{title}” ({len(content.split()):,} words).",
    )


def comment(text: str) -> Action:
    return Action("comment", {"content": text[:10_000]}, "Commenting on the card.")


def discovery(kind: str, description: str, priority: str = "medium") -> Action:
    first = description.split("\n", 1)[0]
    return Action(
        "raise_discovery",
        {"type": kind, "description": description[:10_000], "priority": priority},
        f"Raising a discovery: {first[:120]}",
    )


class Page:
    """Builds a Markdown page section by section; sections without content are left out."""

    def __init__(self, title: str) -> None:
        self._lines = [f"# {title}", ""]

    def section(self, heading: str, *blocks: str) -> "Page":
        if any(blocks):
            self._lines += [f"## {heading}", "", *(line for block in blocks if block for line in (block, ""))]
        return self

    def text(self) -> str:
        return "\n".join(self._lines).rstrip() + "\n"


def bullets(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def numbered(items: Sequence[str]) -> str:
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))


def checklist(items: Sequence[str]) -> str:
    return "\n".join(f"- [ ] {item}" for item in items)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return ""
    cells = [[" ".join(str(cell).split()).replace("|", "\\|") for cell in row] for row in [head, *rows]]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun: `3 tasks`, `1 task`, `no tasks`."""
    plural = noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"
    return f"{number or 'no'} {noun if number == 1 else plural}"
