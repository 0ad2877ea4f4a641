"""Lists come in pages: a page is a sequence of its own entries, and `all()` goes on through the pages after it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload

from ai_agents.models import PaginationInfo

T = TypeVar("T")
U = TypeVar("U")


class _Entries(Sequence[T]):
    def __init__(self, data: list[T], pagination: PaginationInfo) -> None:
        self.data, self.pagination = data, pagination

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self.data[index]

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.data!r}, {self.pagination!r})"


class Page(_Entries[T], Generic[T]):
    def __init__(self, data: list[T], pagination: PaginationInfo, read: Callable[[int], "Page[T]"]) -> None:
        super().__init__(data, pagination)
        self._read = read

    def next_page(self) -> "Page[T] | None":
        return self._read(self.pagination.page + 1) if self.pagination.has_next else None

    def all(self) -> Iterator[T]:
        """Go through the entries of this page and of all pages after it, which are read when they are needed."""
        page: Page[T] | None = self
        while page is not None:
            yield from page.data
            page = page.next_page()


class AsyncPage(_Entries[T], Generic[T]):
    def __init__(self, data: list[T], pagination: PaginationInfo, read: Callable[[int], Awaitable["AsyncPage[T]"]]) -> None:
        super().__init__(data, pagination)
        self._read = read

    async def next_page(self) -> "AsyncPage[T] | None":
        return await self._read(self.pagination.page + 1) if self.pagination.has_next else None

    async def all(self) -> AsyncIterator[T]:
        """Go through the entries of this page and of all pages after it, which are read when they are needed."""
        page: AsyncPage[T] | None = self
        while page is not None:
            for entry in page.data:
                yield entry
            page = await page.next_page()

    def map(self, change: Callable[[T], U]) -> "AsyncPage[U]":
        """Return the page with something else in place of each entry, on the pages after it too."""

        async def read(number: int) -> AsyncPage[U]:
            return (await self._read(number)).map(change)

        return AsyncPage([change(one) for one in self.data], self.pagination, read)
