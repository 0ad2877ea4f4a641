"""Money that comes in from everywhere at once: nothing is counted twice, nothing is lost, and what is beyond the debt is the balance."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core.actor import SYSTEM
from shared.core.errors import Conflict, Invalid
from shared.core.situations import Situation
from shared.money.billing.monthly_close import close_periods
from shared.money.billing.payments import apply_payment, credit_invoice, record_payment
from shared.money.billing.rows import BillingAccount, invoice_id
from shared.store import get
from tests.areas.billing_world import PLATFORM_ADMIN, frozen_at, invoice_of
from tests.examples import examples
from tests.properties.test_billing_close import Tenants

pytestmark = pytest.mark.usefixtures("shared_tables")


def owing(price: int) -> str:
    tenants = Tenants()
    tenants.add()
    tenants.use(0, "2026-10", price, "prd")
    with frozen_at("2026-11-01"):
        close_periods(time.monotonic() + 120)
    return tenants.ws_ids[0]


amounts = st.sampled_from((10_000, 2_500_000, 6_150_000, 12_300_000))
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("gateway"), amounts, st.integers(0, 2)),
        st.tuples(st.just("clerk"), amounts, st.integers(3, 5)),
        st.tuples(st.just("credit"), amounts, st.just(0)),
    ),
    min_size=2,
    max_size=7,
)


@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deeds=deeds)
def test_whatever_comes_in_at_once(deeds):
    ws_id = owing(10_000_000)
    the_id = invoice_id(ws_id, "2026-10")

    def do(deed: tuple[str, int, int]) -> None:
        kind, amount, reference = deed
        acts: dict[str, Callable[[], object]] = {
            "gateway": lambda: apply_payment(the_id, amount, "card", f"pi_{reference}", SYSTEM),
            "clerk": lambda: record_payment(PLATFORM_ADMIN, the_id, amount, f"transfer {reference}", "manual", None),
            "credit": lambda: credit_invoice(PLATFORM_ADMIN, the_id, amount, "A reason"),
        }
        try:
            acts[kind]()
        except Invalid:
            if kind != "credit":  # more than there is to credit
                raise
        except Conflict as refused:
            # nothing left to credit or to pay; or, of many at once, one that was never the fastest: it may be tried again
            if refused.situation not in (Situation.INVOICE_STATUS, Situation.VERSION_CONFLICT):
                raise

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(do, deeds))
    found, account = invoice_of(ws_id, "2026-10"), get(BillingAccount, *BillingAccount.key(ws_id))
    invoice = found.invoice
    paid = sum(int(one.amount_micros) for one in found.payments)
    credited = -sum(int(one.total_micros) for one in found.credit_notes)
    assert (invoice.paid_micros, invoice.credited_micros) == (paid, credited)
    assert len({one.reference for one in found.payments}) == len(found.payments)
    assert account.balance_micros == max(0, paid + credited - int(invoice.total_micros))
    assert credited <= invoice.total_micros
    assert [one.number[-6:] for one in found.credit_notes] == [f"{n + 1:06d}" for n in range(len(found.credit_notes))]
    open_micros = max(0, int(invoice.total_micros) - paid - credited)
    assert invoice.owed == (open_micros > 0)
    if open_micros == 0:
        assert invoice.next_step is None
