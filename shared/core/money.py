"""Money in integer micro-dollars: 1 USD = 1,000,000. It becomes a float only in a contract's response."""

from decimal import ROUND_CEILING, Decimal

MICROS = 1_000_000


def micros(usd: str | int | float | Decimal) -> int:
    """Convert dollars to micro-dollars, rounded up, so that no charge is below its cost."""
    return int((Decimal(str(usd)) * MICROS).to_integral_value(rounding=ROUND_CEILING))


def usd(amount_micros: int) -> float:
    """Convert micro-dollars to dollars, as a JSON number of a contract."""
    return float(Decimal(amount_micros) / MICROS)
