"""What a workspace owes for a period: the plan's fee, its agents' usage, late usage of earlier periods, and tax.

The lines are exact, in micro-dollars, and the usage lines add up to the ledger. One more line rounds the subtotal to cents (half a cent
up); tax is computed from the rounded subtotal and rounded once; the total is in whole cents.

The usage of the period is read from the monthly sums by agent, that of earlier months from the daily totals. The transaction that writes
a ledger line also adds it to one row of each, and the account stores what was billed. Usage that was recorded after its month was closed
is therefore the difference between the totals and the billed amount: it is billed with the next statement, and nothing is billed twice.
"""

from dataclasses import dataclass
from typing import Any

from shared.core.plans import PLANS
from shared.money.billing import months
from shared.money.billing.amounts import apply_rate, to_cents
from shared.money.billing.rows import BillingAccount
from shared.money.billing.taxes import Tax, tax_for
from shared.money.usage.reading import Sum, agent_sums, month_sums

MAX_AGENT_LINES = 200
"""All further agents share one line, because an invoice is one row of at most 400 KB."""


@dataclass(frozen=True)
class Line:
    """A line; `quantity` times the unit price is exactly the amount. A usage line has quantity 1, because prices of calls differ."""

    description: str
    amount_micros: int
    start: str
    end: str
    quantity: int = 1

    @property
    def row(self) -> dict[str, Any]:
        unit = self.amount_micros // self.quantity
        return {
            "description": self.description,
            "quantity": self.quantity,
            "unit_micros": unit,
            "amount_micros": self.amount_micros,
            "start": self.start,
            "end": self.end,
        }


@dataclass(frozen=True)
class Statement:
    period: str
    lines: list[Line]
    usage_micros: int
    subtotal_micros: int
    tax: Tax
    tax_micros: int
    billed: dict[str, list[int]]
    """By month: the usage that is billed once this statement is, `[micros, calls]`."""

    @property
    def total_micros(self) -> int:
        return self.subtotal_micros + self.tax_micros


def build_statement(account: BillingAccount, period: str, *, fee: bool = True) -> Statement:
    """Build the statement of a month from the usage up to now; one query, two if the month has usage."""
    start, end = months.first_day(period), months.last_day(period)
    closed = sorted(month for month in account.billed if month < period)
    totals = month_sums(account.id, months.first_day(closed[0]) if closed else start, end)
    span = (start.isoformat(), end.isoformat())
    lines: list[Line] = []
    plan = PLANS[account.plan_of(period)]
    if fee and plan.price_micros:
        lines.append(Line(f"{plan.name} plan, {_month_name(period)}", plan.price_micros, *span))
    agents = agent_sums(account.id, period) if period in totals else {}
    billed = {period: [sum(one.price_micros for one in agents.values()), sum(map(_billable_calls, agents.values()))]}
    usage = _agent_lines(agents, span)
    for month in closed:
        late = _late_usage_line(account, month, totals.get(month, Sum()))
        if late is not None:
            usage.append(late)
            billed[month] = [totals[month].price_micros, _billable_calls(totals[month])]
    lines += usage
    exact = sum(line.amount_micros for line in lines)
    subtotal = to_cents(exact)
    if subtotal != exact:
        lines.append(Line("Rounding to whole cents", subtotal - exact, *span))
    tax = tax_for(account.address, account.tax_id, end.isoformat())
    return Statement(
        period,
        lines,
        sum(line.amount_micros for line in usage),
        subtotal,
        tax,
        apply_rate(subtotal, tax.basis_points),
        billed,
    )


def _agent_lines(sums: dict[str, Sum], span: tuple[str, str]) -> list[Line]:
    """Return a line for each agent with a price, the highest first."""
    dearest = sorted(
        ((one.name or agent, one) for agent, one in sums.items() if one.price_micros),
        key=lambda pair: (-pair[1].price_micros, pair[0]),
    )
    parts = [(name, one.price_micros, _billable_calls(one)) for name, one in dearest[:MAX_AGENT_LINES]]
    if rest := [one for _, one in dearest[MAX_AGENT_LINES:]]:
        parts.append((f"{len(rest)} other agents", sum(one.price_micros for one in rest), sum(map(_billable_calls, rest))))
    return [Line(f"Agent usage: {name}, {_format_calls(calls)}", amount, *span) for name, amount, calls in parts]


def _late_usage_line(account: BillingAccount, month: str, total: Sum) -> Line | None:
    """Return a line for the usage of a closed month that is not billed yet, if any."""
    micros, calls = account.billed[month]
    amount = total.price_micros - micros
    if amount == 0:
        return None
    description = f"Usage of {_month_name(month)} that was not billed then, {_format_calls(_billable_calls(total) - calls)}"
    return Line(description, amount, months.first_day(month).isoformat(), months.last_day(month).isoformat())


def _billable_calls(one: Sum) -> int:
    return one.calls - one.unpriced_calls


def _format_calls(number: int) -> str:
    return "1 call" if number == 1 else f"{number:,} calls"


def _month_name(month: str) -> str:
    return months.first_day(month).strftime("%B %Y")
