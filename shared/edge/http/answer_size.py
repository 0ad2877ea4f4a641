"""A page that is longer than a function may answer ends early, and says so (decision 48)."""

from typing import Any

from shared.core.errors import FieldError, Invalid
from shared.core.texts import MAX_ANSWER, size_in_answer
from shared.edge.contracts.base import Contract
from shared.edge.http.call import current
from shared.edge.http.operation import Operation

_HEADERS = 16_384  # bytes that are left for them: a gateway takes 10,240 at most
_LONGEST = 3  # bytes in an answer for one byte of JSON, at most: two bytes of UTF-8 become the six of an escape


def rendered(operation: Operation, result: Any) -> bytes:
    """Return the body of a successful response. Raises Invalid for a page that is too long and cannot end early."""
    body = _render(operation, result)
    if operation.method != "GET" or len(body) * _LONGEST <= MAX_ANSWER - _HEADERS:
        return body
    over = size_in_answer(body.decode()) - (MAX_ANSWER - _HEADERS)
    entries = operation.contract.entries(result)
    if over <= 0 or not entries:
        return body
    number = max(len(entries) - _ending(operation.contract, entries, over), 1)
    shorter = operation.contract.shortened(result, number)
    if shorter is None or (isinstance(result, list) and not _says_its_total()):
        raise Invalid(
            FieldError(operation.contract.page_limit, f"This page is longer than an answer can be; ask for {number} at most")
        )
    return _render(operation, shorter)


def _ending(contract: Contract, entries: list[Any], over: int) -> int:
    """Return how many of the last entries have so many bytes in an answer."""
    for number, entry in enumerate(reversed(entries), 1):
        over -= size_in_answer(contract.dump(type(entry), entry).decode())
        if over <= 0:
            return number
    return len(entries)


def _render(operation: Operation, result: Any) -> bytes:
    if operation.raw:
        return operation.contract.dump(operation.model, result)
    return operation.contract.render(result, operation.model, operation.status, current().request_id)


def _says_its_total() -> bool:
    """Tell whether a client sees that a bare array ended early: by its total, and unless a cursor already stands behind its last entry."""
    names = {name for name, _ in current().headers}
    return "X-Total-Count" in names and "X-Next-Cursor" not in names
