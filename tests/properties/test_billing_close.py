"""The close may die at any moment, be called again, or by several at once: what comes out is the same.

One that dies is one whose calls to DynamoDB stop: before a call is sent, or after it was carried out and before anybody heard so.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.money.billing.accounts import new_account
from shared.money.billing.monthly_close import close_periods
from shared.money.billing.rows import BillingAccount, Invoice, Series, invoice_id
from shared.people.tenancy.provisioning import new_organization
from shared.store import create, fetch, get, write
from tests.areas.billing_world import frozen_at, record_sold_usage
from tests.examples import examples
from tests.kills import READS, WRITES, crash_at_every_write, crash_at_write

pytestmark = pytest.mark.usefixtures("shared_tables")

MONTHS = ("2026-10", "2026-11")
EVERY_CALL = WRITES | READS


@dataclass
class Tenants:
    """Workspaces with accounts, and what is in their ledgers."""

    ws_ids: list[str] = field(default_factory=list)
    org_of: dict[str, str] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)

    def add(self, org: Actor | None = None) -> None:
        founder = org or Actor(id=new_id(), name="Ada", email="ada@example.com")
        founded = new_organization(founder, "Org")
        account = new_account(founded.workspace)
        account.period, account.billed = MONTHS[0], {}
        if self.ws_ids and len(self.ws_ids) % 2:  # every second one belongs to the organization before
            account.org_id = self.org_of[self.ws_ids[-1]]
        write(*founded.operations)
        write(create(account))
        self.ws_ids.append(founded.workspace.id)
        self.org_of[founded.workspace.id] = str(account.org_id)

    def use(self, index: int, month: str, price: int, agent: str) -> None:
        ws_id = self.ws_ids[index % len(self.ws_ids)]
        record_sold_usage(ws_id, f"{month}-15", price, agent=agent)
        self.used[ws_id] = self.used.get(ws_id, 0) + price

    def invoices(self) -> dict[str, list[Invoice]]:
        found = {ws_id: [fetch(Invoice, invoice_id(ws_id, month)) for month in MONTHS] for ws_id in self.ws_ids}
        return {ws_id: [one for one in rows if one is not None] for ws_id, rows in found.items()}

    def check(self) -> None:
        """Every period is closed, the invoices say what the ledger says, each organization's numbers are 1, 2, 3, ..."""
        numbers: dict[str, list[int]] = {}
        for ws_id, rows in self.invoices().items():
            account = get(BillingAccount, *BillingAccount.key(ws_id))
            assert account.period == "2026-12"
            billed = sum(int(row.usage_micros) for row in rows)
            left = self.used.get(ws_id, 0) - billed
            assert 0 <= left < 5_000  # less than half a cent waits for the next month
            assert billed == sum(micros for micros, _ in account.billed.values())
            for row in rows:
                numbers.setdefault(self.org_of[ws_id], []).append(int(row.number.rpartition("-")[2]))
                assert sum(line["amount_micros"] for line in row.lines) == row.subtotal_micros
                assert row.subtotal_micros + row.tax_micros == row.total_micros
                assert row.version == 1
        for org_id in set(self.org_of.values()):
            given_out = sorted(numbers.get(org_id, []))
            assert given_out == list(range(1, len(given_out) + 1))
            series = get(Series, *Series.key_of(org_id, "INV"))
            assert (int(series.last) if series else 0) == len(given_out)


def ours(tenants: Tenants) -> None:
    """Close until nothing of this play is due (the tables are shared: others' accounts are closed along)."""
    for _ in range(5):
        close_periods(time.monotonic() + 120)
        if all(get(BillingAccount, *BillingAccount.key(ws_id)).period == "2026-12" for ws_id in tenants.ws_ids):
            return
    raise AssertionError("the close does not come to an end")


def die(deaths: list[tuple[int, bool, bool]]) -> None:
    """At these writes, or calls of any kind: before they are sent, or after they were carried out."""
    for number, after, any_call in deaths:
        with crash_at_write(number, before=not after, calls=EVERY_CALL if any_call else WRITES):
            close_periods(time.monotonic() + 120)


usages = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(MONTHS),
        st.sampled_from((1, 4_999, 5_000, 250_000, 1_234_567, 49_000_000)),
        st.sampled_from(("prd", "qa")),
    ),
    min_size=1,
    max_size=6,
)
kills = st.lists(st.tuples(st.integers(1, 8), st.booleans(), st.booleans()), max_size=4)


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(workspaces=st.integers(1, 3), used=usages, deaths=kills, late=usages)
@pytest.mark.thorough
def test_whenever_it_dies_the_result_is_the_same(workspaces, used, deaths, late):
    tenants = Tenants()
    for _ in range(workspaces):
        tenants.add()
    for one in used:
        tenants.use(*one)
    with frozen_at("2026-11-01"):
        die(deaths)
        close_periods(time.monotonic() + 120)
    for one in late:  # also into the month that is closed
        tenants.use(*one)
    with frozen_at("2026-12-01"):
        die(deaths)
        ours(tenants)
    tenants.check()


@pytest.mark.thorough
def test_it_dies_at_every_single_call():
    """Exhaustively, for one account: first before, then after each of the calls that it makes."""
    for after in (False, True):
        tenants = Tenants()
        tenants.add()
        tenants.use(0, "2026-10", 1_234_567, "prd")
        died = 0
        with frozen_at("2026-12-01"):
            for process in crash_at_every_write(before=not after, calls=EVERY_CALL):
                with process:
                    close_periods(time.monotonic() + 120)
                died += process.dead
            ours(tenants)
        assert died >= 8  # the shards alone; what was done in one try is not there in the next
        tenants.check()


@pytest.mark.thorough
def test_several_at_once_make_each_invoice_once():
    tenants = Tenants()
    for _ in range(6):
        tenants.add()
    for index in range(6):
        tenants.use(index, "2026-10", 1_000_000 + index, "prd")
        tenants.use(index, "2026-11", 2_000_000, "qa")
    with frozen_at("2026-12-01"), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: close_periods(time.monotonic() + 120), range(4)))
    tenants.check()
