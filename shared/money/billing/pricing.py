"""The customer price of a model call: provider cost times multiplier, rounded up to the step; for each call, in integers.

    price = ceil(multiplier x cost / step) x step          (5 and 0.25 USD unless CADRE_PRICE_MULTIPLIER, CADRE_PRICE_STEP_MICROS)

A call that costs nothing has the price 0. A call whose cost is unknown has no customer price either: it stays unpriced.
"""

from dataclasses import dataclass
from fractions import Fraction

from shared.core.settings import settings


@dataclass(frozen=True)
class PriceRule:
    """How a price is computed; `multiplier` is exact (2.5 is 5/2), `step_micros` is at least 1."""

    multiplier: Fraction
    step_micros: int

    def __post_init__(self) -> None:
        if self.multiplier < 1:
            raise ValueError("CADRE_PRICE_MULTIPLIER is below 1: every call would be sold at a loss")
        if self.step_micros < 1:
            raise ValueError("CADRE_PRICE_STEP_MICROS is below one micro-dollar")


def price_rule() -> PriceRule:
    """Return the price rule of this deployment."""
    return PriceRule(Fraction(settings().price_multiplier), int(settings().price_step_micros))


def customer_price_micros(cost_micros: int, rule: PriceRule | None = None) -> int:
    """Return what the customer pays for a call that cost us `cost_micros`, in micro-dollars."""
    if cost_micros < 0:
        raise ValueError("a cost cannot be negative")
    rule = rule or price_rule()
    steps = -(-(rule.multiplier * cost_micros) // rule.step_micros)  # ceiling, exact
    return int(steps) * rule.step_micros


def margin_percent(cost_micros: int, price_micros: int) -> float:
    """Return (price - cost) / price in percent; 0 if nothing was charged."""
    return 0.0 if price_micros == 0 else round(100 * (price_micros - cost_micros) / price_micros, 2)
