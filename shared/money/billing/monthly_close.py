"""The monthly close: every account whose period is over gets its invoice.

Accounts stand in an index by the day of their next invoice; an account leaves that day in the transaction that makes its invoice.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from shared.core.backoff import pause
from shared.core.errors import Conflict
from shared.core.situations import Situation
from shared.money.billing import months
from shared.money.billing.due import Piece, process_due
from shared.money.billing.issuing import closing
from shared.money.billing.rows import BillingAccount, Series
from shared.people.tenancy.rows import Workspace
from shared.store import Row, get_many, write

PAGE: Final = 25
"""Accounts read at once, each with its workspace and its organization's number range."""
_TRIES: Final = 6
Key = tuple[type[Row], str, str]


def close(until: float) -> int:
    """Close what is due. How many periods were closed. Stops at `until` (`time.monotonic`); the next call goes on."""
    return process_due(BillingAccount, 1, "BILLDUE", PAGE, _pieces, until)


def _pieces(ws_ids: list[str]) -> Iterator[Piece]:
    for account, workspace, numbers in _together(ws_ids):
        yield account.id, partial(_close_all, account, workspace, numbers)


def _together(ws_ids: list[str]) -> list[tuple[BillingAccount, Workspace | None, "Numbers"]]:
    """The accounts of a page with what closing them needs: two round trips."""
    wanted: list[Key] = []
    for ws_id in ws_ids:
        wanted += [(BillingAccount, *BillingAccount.key(ws_id)), (Workspace, *Workspace.key(ws_id))]
    rows: list[Any] = get_many(wanted)
    pairs = [(rows[index], rows[index + 1]) for index in range(0, len(rows), 2) if rows[index] is not None]
    numbers = Numbers({str(account.org_id) for account, _ in pairs})
    return [(account, workspace, numbers) for account, workspace in pairs]


class Numbers:
    """The last invoice numbers of organizations, as last seen: the transaction finds out whether they still are."""

    def __init__(self, org_ids: set[str]) -> None:
        self._last: dict[str, int] = {}
        self._read(sorted(org_ids))

    def _read(self, org_ids: list[str]) -> None:
        rows: list[Any] = get_many([(Series, *Series.key_of(org_id, "INV")) for org_id in org_ids])
        self._last |= {org_id: int(row.last) if row else 0 for org_id, row in zip(org_ids, rows, strict=True)}

    def last(self, org_id: str) -> int:
        return self._last[org_id]

    def took_one(self, org_id: str) -> None:
        self._last[org_id] += 1

    def look_again(self, org_id: str) -> None:
        self._read([org_id])


def _close_all(account: BillingAccount, workspace: Workspace | None, numbers: Numbers) -> int:
    """Every period of an account that is over, the oldest first."""
    done = 0
    while not account.closed and account.period < months.this_month():
        account = _close_one(account, workspace, numbers)
        done += 1
    return done


def _close_one(account: BillingAccount, workspace: Workspace | None, numbers: Numbers) -> BillingAccount:
    """The oldest open period. Where the account or the number range moved meanwhile it is decided anew on what is there now."""
    org_id, period = str(account.org_id), account.period
    for attempt in range(_TRIES):
        invoice, operations = closing(account, workspace, numbers.last(org_id))
        try:
            write(*operations)
        except Conflict as conflict:
            if conflict.situation is not Situation.VERSION_CONFLICT or attempt == _TRIES - 1:
                raise
            pause(attempt)
            numbers.look_again(org_id)
            fresh = get_many([(BillingAccount, *BillingAccount.key(account.id))])[0]
            assert isinstance(fresh, BillingAccount)  # noqa: S101 - accounts are never deleted
            account = fresh
            if account.period != period:
                return account  # somebody else closed it
        else:
            if invoice is not None:
                numbers.took_one(org_id)
            return account
    raise AssertionError("unreachable")
