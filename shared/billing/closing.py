"""The monthly close: every account whose period is over gets its invoice.

It may stop at any moment and be called again, also by two at once. Accounts that are due stand in an index by the day of their next
invoice, in shards; an account leaves that day in the transaction that makes its invoice. So the job has no state of its own to lose:
what is still in the list is still to be done.
"""

import time
from typing import Any, Final

from shared.billing import months
from shared.billing.issuing import MOVED, closing
from shared.billing.rows import SHARDS, BillingAccount, Series
from shared.core import clock
from shared.core.backoff import pause
from shared.core.errors import Conflict
from shared.store import Row, get_many, query, write
from shared.tenancy.rows import Workspace

PAGE: Final = 25
"""Accounts read at once, each with its workspace and its organization's number range."""
_TRIES: Final = 6
Key = tuple[type[Row], str, str]


def close(until: float) -> int:
    """Close what is due. How many periods were closed. Stops at `until` (`time.monotonic`); the next call begins at another shard.

    An account that cannot be closed does not keep the others from it: what failed is raised at the end.
    """
    done, first = 0, clock.epoch() // 60
    failures: list[Exception] = []
    for shard in range(first, first + SHARDS):
        start = None
        while time.monotonic() <= until:
            page = query(
                BillingAccount,
                f"BILLDUE#{shard % SHARDS}",
                index=1,
                between=("0", f"{months.today()}#~"),
                limit=PAGE,
                start=start,
            )
            for row in _together([row.pk.partition("#")[2] for row in page.rows]):
                if time.monotonic() > until:
                    break
                try:
                    done += _close_all(*row)
                except Exception as error:
                    error.add_note(f"billing account {row[0].id}")
                    failures.append(error)
            start = page.next_key
            if start is None:
                break
    if failures:
        raise ExceptionGroup(f"{len(failures)} accounts could not be closed", failures)
    return done


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
            if conflict.reason not in ("version", MOVED.reason) or attempt == _TRIES - 1:
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
