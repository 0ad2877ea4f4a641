"""Money is integer micro-dollars: 1 USD = 1,000,000. Never a float, until a contract shows it."""

from decimal import ROUND_CEILING, Decimal

MICROS = 1_000_000


def micros(usd: str | int | float | Decimal) -> int:
    """Dollars to micro-dollars, rounded up: nobody is charged less than they cost."""
    return int((Decimal(str(usd)) * MICROS).to_integral_value(rounding=ROUND_CEILING))


def usd(amount_micros: int) -> float:
    """Micro-dollars as the JSON number a contract shows."""
    return float(Decimal(amount_micros) / MICROS)
