"""Rounding of micro-dollars to cents: half a cent is rounded away from zero. No other module rounds an amount."""

from typing import Final

CENT: Final = 10_000
"""One cent in micro-dollars."""


def to_cents(amount_micros: int) -> int:
    """Round to the nearest whole cent, in micro-dollars; half a cent is rounded away from zero."""
    sign = -1 if amount_micros < 0 else 1
    return sign * ((abs(amount_micros) + CENT // 2) // CENT) * CENT


def apply_rate(amount_micros: int, basis_points: int) -> int:
    """Return the part of an amount that a rate in basis points (1/100 percent) gives, rounded to whole cents."""
    exact = abs(amount_micros) * basis_points
    cents = (exact + 5_000 * CENT) // (10_000 * CENT)
    return (-1 if amount_micros < 0 else 1) * cents * CENT


def format_amount(amount_micros: int) -> str:
    """Format an amount as `1,234.50`, with more digits only if it has them: `0.000005`."""
    sign, units = ("-" if amount_micros < 0 else ""), abs(amount_micros)
    rest = f"{units % 1_000_000:06d}"
    return f"{sign}{units // 1_000_000:,}.{rest[:2]}{rest[2:].rstrip('0')}"
