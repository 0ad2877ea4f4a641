"""The interface of an export's source: columns, and rows page by page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["text", "number", "money", "date", "moment", "flag", "json"]
Row = Sequence[Any]


@dataclass(frozen=True)
class Column:
    """A column; None is an empty cell.

    Values by `kind`: text str, number int, money int micro-dollars (shown in USD), date `YYYY-MM-DD`, moment ISO 8601 in UTC, flag bool,
    json any JSON (text in cells).
    """

    name: str
    kind: Kind = "text"
    summed: bool = False


@dataclass(frozen=True)
class Page:
    rows: Sequence[Row]
    cursor: Any
    """Where the next page starts; None for the last page. Stored as JSON."""


class Source(Protocol):
    """A table to export. The same cursor must always give the same rows, so its data must not change."""

    @property
    def columns(self) -> Sequence[Column]: ...

    @property
    def about(self) -> Mapping[str, Any]:
        """Return names with texts or numbers that describe the export in its file."""

    def pages(self, cursor: Any) -> Iterator[Page]:
        """Yield the pages from the beginning (None) or after a page's cursor."""

    def check(self, rows: int, sums: Mapping[str, int]) -> None:
        """Raise TotalsMismatch if the rows are not complete."""


class TotalsMismatch(Exception):
    """The rows do not match the expected totals: an index is not up to date yet, or rows are missing."""


def add_to_totals(columns: Sequence[Column], rows: Sequence[Row], sums: dict[str, int]) -> None:
    """Add the rows' values to the totals of the summed columns."""
    for position, column in enumerate(columns):
        if column.summed:
            sums[column.name] = sums.get(column.name, 0) + sum(row[position] or 0 for row in rows)
