"""What an export is made of: columns, and rows that come page by page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["text", "number", "money", "date", "moment", "flag"]
Row = Sequence[Any]


@dataclass(frozen=True)
class Column:
    """`kind` says what its values are: str; int; int micro-dollars, shown in USD; `YYYY-MM-DD`; an ISO 8601 moment in UTC; bool. None is
    an empty cell."""

    name: str
    kind: Kind = "text"
    summed: bool = False


@dataclass(frozen=True)
class Page:
    rows: Sequence[Row]
    cursor: Any
    """Goes on behind this page; None: it is the last. Kept as JSON."""


class Source(Protocol):
    """A table to export. The same cursor gives the same rows: what they are read from does not change."""

    @property
    def columns(self) -> Sequence[Column]: ...

    @property
    def about(self) -> Mapping[str, Any]:
        """What the file says of itself, by name: texts and numbers."""

    def pages(self, cursor: Any) -> Iterator[Page]:
        """From the beginning (None), or on behind a page."""

    def check(self, rows: int, sums: Mapping[str, int]) -> None:
        """Raises DoesNotAddUp where the rows are not all there is."""


class TotalsMismatch(Exception):
    """What was read is not what the books say: an index that lags behind for a moment, or rows that are missing."""


def add_to_totals(columns: Sequence[Column], rows: Sequence[Row], sums: dict[str, int]) -> None:
    """Add rows to the sums of the columns that have one."""
    for position, column in enumerate(columns):
        if column.summed:
            sums[column.name] = sums.get(column.name, 0) + sum(row[position] or 0 for row in rows)
