"""Money in integer micro-dollars: 1 USD = 1,000,000. It becomes a float only in a contract's response."""

from decimal import ROUND_CEILING, Decimal

MICROS = 1_000_000


def micros(usd: str | int | float | Decimal) -> int:
    """Convert dollars to micro-dollars, rounded up, so that no charge is below its cost."""
    return int((Decimal(str(usd)) * MICROS).to_integral_value(rounding=ROUND_CEILING))


def usd_text(amount_micros: int) -> str:
    """Return an amount in dollars for a message: two decimals, more if it would be rounded otherwise."""
    whole, decimals = f"{Decimal(amount_micros) / MICROS:.6f}".split(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def usd(amount_micros: int) -> float:
    """Convert micro-dollars to dollars, as a JSON number of a contract."""
    return float(Decimal(amount_micros) / MICROS)
