"""The monthly close: every account whose period is over gets its invoice.

An index lists the accounts by the day of their next invoice; the transaction that creates the invoice moves the account to its next day.
"""

from dataclasses import dataclass
from typing import Any, Final

from shared.money.billing import months
from shared.money.billing.issuing import prepare_close
from shared.money.billing.rows import ACCOUNTS_TO_CLOSE, BillingAccount, Series, due_range
from shared.people.tenancy.rows import Workspace
from shared.store import Row, get_many, iterate_shards, process_all, retrying, write

PAGE_SIZE: Final = 25
"""Accounts that are read at once, each with its workspace and the number range of its organization."""
Key = tuple[type[Row], str, str]


def close_periods(until: float) -> int:
    """Close all periods that are due; return how many. Stops at `until` (`time.monotonic`); the next call continues."""
    accounts = iterate_shards(
        BillingAccount, ACCOUNTS_TO_CLOSE, until, index=1, between=due_range(), limit=PAGE_SIZE, read=_read_accounts
    )
    return process_all(ACCOUNTS_TO_CLOSE.name, accounts, _close_account, lambda one: f"{BillingAccount.NAME} {one.account.id}")


@dataclass
class _AccountToClose:
    account: BillingAccount
    workspace: Workspace | None
    numbers: "LastNumbers"


def _read_accounts(page: list[BillingAccount]) -> list[_AccountToClose]:
    """Read the accounts of a page with their workspaces and invoice numbers; two round trips."""
    keys: list[Key] = []
    for row in page:
        keys += [(BillingAccount, *BillingAccount.key(row.entity_id)), (Workspace, *Workspace.key(row.entity_id))]
    rows: list[Any] = get_many(keys)
    pairs = [(rows[index], rows[index + 1]) for index in range(0, len(rows), 2) if rows[index] is not None]
    numbers = LastNumbers({str(account.org_id) for account, _ in pairs})
    return [_AccountToClose(account, workspace, numbers) for account, workspace in pairs]


class LastNumbers:
    """The last invoice numbers of organizations as last read; the transaction checks that they are still the last."""

    def __init__(self, org_ids: set[str]) -> None:
        self._last: dict[str, int] = {}
        self._read(sorted(org_ids))

    def _read(self, org_ids: list[str]) -> None:
        rows: list[Any] = get_many([(Series, *Series.key_of(org_id, "INV")) for org_id in org_ids])
        self._last |= {org_id: int(row.last) if row else 0 for org_id, row in zip(org_ids, rows, strict=True)}

    def last(self, org_id: str) -> int:
        return self._last[org_id]

    def increment(self, org_id: str) -> None:
        self._last[org_id] += 1

    def refresh(self, org_id: str) -> None:
        self._read([org_id])


def _close_account(work: _AccountToClose) -> int:
    """Close every period of an account that is over, the oldest first; return how many."""
    account, done = work.account, 0
    while not account.closed and account.period < months.this_month():
        account = _close_period(account, work.workspace, work.numbers)
        done += 1
    return done


def _close_period(account: BillingAccount, workspace: Workspace | None, numbers: LastNumbers) -> BillingAccount:
    """Close the oldest open period. If the account or the number range changed meanwhile, read both again and retry."""
    org_id, period = str(account.org_id), account.period

    def attempt(number: int) -> BillingAccount:
        row = account
        if number:
            numbers.refresh(org_id)
            fresh = get_many([(BillingAccount, *BillingAccount.key(account.id))])[0]
            assert isinstance(fresh, BillingAccount)  # noqa: S101 - accounts are never deleted
            row = fresh
        if row.period != period:
            return row  # somebody else closed it
        invoice, operations = prepare_close(row, workspace, numbers.last(org_id))
        write(*operations)
        if invoice is not None:
            numbers.increment(org_id)
        return row

    return retrying(attempt)
