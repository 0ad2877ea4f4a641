"""What a command writes: results to standard output, everything said on the way to standard error.

A terminal gets tables and colours, a pipe gets lines with tabs, `--json` gets JSON.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from cadre_cli import problems

Row = Mapping[str, Any]
Columns = Mapping[str, str]
"""Heading to the field that it shows; `a.b` is a field in a field."""


class Tell(Protocol):
    """Takes how far something is: percent, the step, and what changes all the time."""

    def __call__(self, percent: float, step: str, note: str = "") -> None: ...


class Output:
    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out, self.err = Console(soft_wrap=True, highlight=False), Console(stderr=True, highlight=False)

    def rows(self, found: Sequence[BaseModel | Row], columns: Columns) -> None:
        """Write a list."""
        entries = [plain(one) for one in found]
        if self.as_json:
            self._json(entries)
        elif self.out.is_terminal:
            table = Table(box=None, pad_edge=False, header_style="bold")
            for heading in columns:
                table.add_column(heading, overflow="fold")
            for entry in entries:
                table.add_row(*(Text(clean(_value(entry, field))) for field in columns.values()))
            self.out.print(table)
        else:
            for entry in entries:
                self._line("\t".join(clean(_value(entry, field)) for field in columns.values()))

    def one(self, found: BaseModel | Row, columns: Columns) -> None:
        """Write one thing."""
        entry = plain(found)
        if self.as_json:
            self._json(entry)
            return
        width = max(map(len, columns))
        for heading, field in columns.items():
            value = clean(_value(entry, field), lines=True)
            if not self.out.is_terminal:
                self._line(f"{heading}\t{clean(value)}")
            elif value:
                self.out.print(Text.assemble((f"{heading:<{width}}  ", "bold"), value))

    def text(self, line: str, style: str = "") -> None:
        """Write a line of a result that is text."""
        self.out.print(Text(clean(line, lines=True), style))

    def say(self, message: str) -> None:
        """Say something on the way; it is no result."""
        self.err.print(Text(clean(message, lines=True)), soft_wrap=True)

    def error(self, error: Exception, log_in: str = problems.LOG_IN_AGAIN) -> None:
        if self.as_json:
            sys.stderr.write(json.dumps(problems.as_json(error), ensure_ascii=False) + "\n")
        else:
            self.err.print(
                Text.assemble(("Error: ", "bold red"), clean(problems.as_text(error, log_in), lines=True)), soft_wrap=True
            )

    @contextmanager
    def progress(self, what: str) -> Iterator[Tell]:
        """Give what tells of progress: a line for each step, in a terminal above a bar that shows the percent; nothing with JSON."""
        told, bar = what, self._bar()

        def tell(percent: float, step: str, note: str = "") -> None:
            nonlocal told
            if step != told and not self.as_json:
                self.say(f"{percent:3.0f} %  {step}")
            told = step
            bar.update(task, completed=percent, description=clean(note))

        with bar:
            task = bar.add_task("", total=100)
            yield tell

    def _bar(self) -> Progress:
        words = TextColumn("{task.description}", markup=False)
        hidden = self.as_json or not self.err.is_terminal
        columns = (SpinnerColumn(), BarColumn(), TaskProgressColumn(), words)
        return Progress(*columns, console=self.err, transient=True, disable=hidden)

    def _json(self, value: Any) -> None:
        self._line(json.dumps(value, indent=2, ensure_ascii=False))

    def _line(self, text: str) -> None:
        sys.stdout.write(text + "\n")


def plain(found: BaseModel | Row) -> Row:
    """Return what the API said, as JSON has it."""
    return found.model_dump(mode="json", exclude_unset=True) if isinstance(found, BaseModel) else found


def clean(text: str, *, lines: bool = False) -> str:
    """Return a text without what moves a terminal's cursor or changes its colours: others have written it."""
    return "".join(c if c.isprintable() or (lines and c in "\n\t") else " " if c.isspace() else "\ufffd" for c in text)


def _value(entry: Row, field: str) -> str:
    value: Any = entry
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
