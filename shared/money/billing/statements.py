"""What a workspace owes for a period: the plan's fee, what its agents used, what came in after an earlier period was billed; tax.

The lines are exact, in micro-dollars, and the usage among them is the ledger's sum. One line then rounds the subtotal to cents (half a
cent up), tax is rounded once on it, and the total is whole cents.

Usage is read twice: from the month's sums of the agents for the period itself, from the daily totals for the months before. A ledger line
is in exactly one row of either, written in the line's own transaction; what is counted is remembered in the account. So a line
that is too late for its month's statement, by a millisecond or by months, is what the totals have beyond what was counted: it is
billed with the next one, and nothing is billed twice.
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
"""More agents than these share a line: an invoice is one row, of 400 KB at most."""


@dataclass(frozen=True)
class Line:
    """`quantity` times `unit_micros` is the amount, exactly: what a call costs differs, so a usage line is one of a sum."""

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
    """Of each month that has usage here: what is billed of it once this is, `[micros, calls]`."""

    @property
    def total_micros(self) -> int:
        return self.subtotal_micros + self.tax_micros


def build_statement(account: BillingAccount, period: str, *, fee: bool = True) -> Statement:
    """What is owed for a month as things stand now. One query, two where the month has usage."""
    start, end = months.first_day(period), months.last_day(period)
    closed = sorted(month for month in account.billed if month < period)
    totals = month_sums(account.id, months.first_day(closed[0]) if closed else start, end)
    span = (start.isoformat(), end.isoformat())
    lines: list[Line] = []
    plan = PLANS[account.dearest_plan]
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
    """A line for each agent that cost something, the dearest first."""
    dearest = sorted(
        ((one.name or agent, one) for agent, one in sums.items() if one.price_micros),
        key=lambda pair: (-pair[1].price_micros, pair[0]),
    )
    parts = [(name, one.price_micros, _billable_calls(one)) for name, one in dearest[:MAX_AGENT_LINES]]
    if rest := [one for _, one in dearest[MAX_AGENT_LINES:]]:
        parts.append((f"{len(rest)} other agents", sum(one.price_micros for one in rest), sum(map(_billable_calls, rest))))
    return [Line(f"Agent usage: {name}, {_format_calls(calls)}", amount, *span) for name, amount, calls in parts]


def _late_usage_line(account: BillingAccount, month: str, total: Sum) -> Line | None:
    """What a closed month has in the ledger beyond what was billed of it."""
    micros, calls = account.billed[month]
    amount = total.price_micros - micros
    if amount == 0:
        return None
    description = f"Usage of {_month_name(month)} recorded after it was billed, {_format_calls(_billable_calls(total) - calls)}"
    return Line(description, amount, months.first_day(month).isoformat(), months.last_day(month).isoformat())


def _billable_calls(one: Sum) -> int:
    return one.calls - one.unpriced_calls


def _format_calls(number: int) -> str:
    return "1 call" if number == 1 else f"{number:,} calls"


def _month_name(month: str) -> str:
    return months.first_day(month).strftime("%B %Y")
