"""Cents out of micro-dollars, by one rule: half a cent goes away from zero. Only here an amount is rounded."""

from typing import Final

CENT: Final = 10_000
"""Micro-dollars."""


def to_cents(amount_micros: int) -> int:
    """The nearest whole cent, in micro-dollars; exactly half a cent goes up (of a negative amount: down)."""
    sign = -1 if amount_micros < 0 else 1
    return sign * ((abs(amount_micros) + CENT // 2) // CENT) * CENT


def apply_rate(amount_micros: int, basis_points: int) -> int:
    """So many hundredths of a percent of an amount, in whole cents."""
    exact = abs(amount_micros) * basis_points
    cents = (exact + 5_000 * CENT) // (10_000 * CENT)
    return (-1 if amount_micros < 0 else 1) * cents * CENT


def format_amount(amount_micros: int) -> str:
    """`1,234.50`, and more digits only where there are any: `0.000005`."""
    sign, units = ("-" if amount_micros < 0 else ""), abs(amount_micros)
    rest = f"{units % 1_000_000:06d}"
    return f"{sign}{units // 1_000_000:,}.{rest[:2]}{rest[2:].rstrip('0')}"
