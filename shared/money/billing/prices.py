"""What a model call costs us, in micro-dollars, from a dated price table. An unknown price is a state of its own, never zero.

A model of the provider `local` runs on the machine of the person who asks for it: it costs nothing, which is a known price. For all
others there are two sources; the first that knows the model is used, and every result names it as `table`:

1. `_OVERRIDES` below: prices for the models of the platform's catalogue, and zero for the embedded model.
2. the snapshot inside the pinned `genai-prices` package. Its updater is never started: no price comes over the network.

Each of the four token buckets has its own price. If a table has no cache price, the price of fresh input is used: the cost may be too
high by an unknown discount, but never too low.
"""

import warnings
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal
from functools import cache

from shared.agents.providers.embedded import MODEL, NAME
from shared.agents.providers.port import TokenUsage
from shared.agents.providers.registry import LOCAL
from shared.core.clock import now

OVERRIDES_VERSION = "cadre-2026-11-28"
_MILLION = Decimal(1_000_000)
# our provider name -> genai-prices' provider ids, in the order in which they are tried
_TABLE_PROVIDERS = {
    "openai": ("openai",),
    "anthropic": ("anthropic",),
    "google": ("google",),
    "bedrock": ("aws",),
    "glm": ("zhipuai", "zai"),
    "qwen": (),  # genai-prices has no Alibaba prices; prices of resellers differ
}


@dataclass(frozen=True)
class Rates:
    """Prices in USD per million tokens of each bucket, valid from the day `since`."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    since: date = date(2024, 1, 1)


def _rates(fresh_input: str, output: str, cache_read: str = "", cache_write: str = "") -> Rates:
    fresh = Decimal(fresh_input)
    return Rates(
        fresh, Decimal(output), Decimal(cache_read) if cache_read else fresh, Decimal(cache_write) if cache_write else fresh
    )


_OVERRIDES: dict[tuple[str, str], Rates] = {
    # free, and known to be: it runs in the function itself. Its tokens are counted in the ledger like those of any model
    (NAME, MODEL): _rates("0", "0"),
    # the catalogue's default models and their neighbours, as published when these models were current
    ("openai", "gpt-4-turbo"): _rates("10", "30"),
    ("openai", "gpt-4"): _rates("30", "60"),
    ("openai", "gpt-3.5-turbo"): _rates("0.50", "1.50"),
    ("openai", "gpt-4o"): _rates("2.50", "10", cache_read="1.25"),
    ("openai", "gpt-4o-mini"): _rates("0.15", "0.60", cache_read="0.075"),
    ("anthropic", "claude-3-5-sonnet-20241022"): _rates("3", "15", cache_read="0.30", cache_write="3.75"),
    ("anthropic", "claude-3-opus-20240229"): _rates("15", "75", cache_read="1.50", cache_write="18.75"),
    ("anthropic", "claude-3-haiku-20240307"): _rates("0.25", "1.25", cache_read="0.03", cache_write="0.30"),
    # gemini-1.5: the snapshot knows the higher price above 128,000 tokens, so it is not overridden here
}


@dataclass(frozen=True)
class Priced:
    """A known cost; `cost_micros` is the sum over all buckets, rounded up once to a whole micro-dollar."""

    cost_micros: int
    table: str


@dataclass(frozen=True)
class Unpriced:
    """No table knows this model: the tokens of the call are recorded, but it has no cost and no price."""

    provider: str
    model: str
    table: str


Price = Priced | Unpriced


def call_cost(provider: str, model: str, usage: TokenUsage, at: datetime | None = None) -> Price:
    """Return the cost of a call with this usage at the prices of the time `at` (default: now)."""
    if provider == LOCAL:
        return Priced(0, "local")
    moment = at or now()
    override = _override(provider, model)
    if override is not None and moment.date() >= override.since:
        return Priced(_cost_micros(override, usage), OVERRIDES_VERSION)
    return _snapshot_price(provider, model, usage, moment)


def worst_case_cost(provider: str, model: str, request_tokens: int, max_tokens: int, at: datetime | None = None) -> Price:
    """Return the highest possible cost: all `request_tokens` (see `tokens.upper_bound`) in the most expensive bucket, a full response."""
    moment = at or now()
    usages = [
        TokenUsage(input=request_tokens, output=max_tokens),
        TokenUsage(cache_write=request_tokens, output=max_tokens),
        TokenUsage(cache_read=request_tokens, output=max_tokens),
    ]
    prices = [call_cost(provider, model, usage, moment) for usage in usages]
    known = [price for price in prices if isinstance(price, Priced)]
    return max(known, key=lambda price: price.cost_micros) if len(known) == len(prices) else prices[0]


def is_priced(provider: str, model: str) -> bool:
    return isinstance(call_cost(provider, model, TokenUsage(input=1, output=1)), Priced)


def _override(provider: str, model: str) -> Rates | None:
    return _OVERRIDES.get((provider, model))


def _cost_micros(rates: Rates, usage: TokenUsage) -> int:
    """Return tokens times rate, rounded up; USD per million tokens equals micro-dollars per token."""
    total = (
        usage.input * rates.input
        + usage.cache_read * rates.cache_read
        + usage.cache_write * rates.cache_write
        + usage.output * rates.output
    )
    return int(total.to_integral_value(rounding=ROUND_CEILING))


@cache
def _snapshot_version() -> str:
    from importlib.metadata import version

    return f"genai-prices-{version('genai-prices')}"


def _snapshot_price(provider: str, model: str, usage: TokenUsage, moment: datetime) -> Price:
    """Return the price from the snapshot; a tiered price applies to the whole request. The first call takes 120 ms for the import."""
    for table in _TABLE_PROVIDERS.get(provider, ()):
        rates = _snapshot_rates(table, model, usage.total_input, moment)
        if rates is not None:
            return Priced(_cost_micros(rates, usage), _snapshot_version())
    return Unpriced(provider, model, _snapshot_version())


def _snapshot_rates(table: str, model: str, total_input: int, moment: datetime) -> Rates | None:
    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.types import TieredPrices

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about prices of units that a text call does not use
        try:
            _, known = get_snapshot().find_provider_model(model, None, table, None)
        except LookupError:
            return None
        prices = known.get_prices(moment)

    def rate(name: str) -> Decimal | None:
        value = getattr(prices, name, None)
        if isinstance(value, TieredPrices):
            above = [tier.price for tier in value.tiers if total_input > tier.start]
            return above[-1] if above else value.base
        return value if isinstance(value, Decimal) else None

    fresh, output = rate("input_mtok"), rate("output_mtok")
    if fresh is None or output is None:
        return None
    read, write = rate("cache_read_mtok"), rate("cache_write_mtok")
    return Rates(fresh, output, fresh if read is None else read, fresh if write is None else write)
