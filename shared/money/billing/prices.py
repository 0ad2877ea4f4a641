"""What a model call costs us, in micro-dollars, from a dated price table. "No known price" is a state, never a zero.

Two sources, the first that knows the model answers; which one is stamped on every result as `table`:

1. `_OVERRIDES` below: the prices the platform's catalogue is sold with, and the nominal price of the embedded model.
2. the snapshot inside the pinned `genai-prices` package. Its updater is never started: no price comes over the network.

Each of the four token buckets has its own price. A cache price that a table does not state is the price of fresh input: the cost
can be too high by a discount nobody wrote down, never too low by one we made up.
"""

import warnings
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal
from functools import cache

from shared.agents.providers.embedded import MODEL, NAME
from shared.agents.providers.port import TokenUsage
from shared.core.clock import now

OVERRIDES_VERSION = "cadre-2026-11-21"
_MILLION = Decimal(1_000_000)
# our provider name -> genai-prices' provider ids, in the order they are asked
_TABLE_PROVIDERS = {
    "openai": ("openai",),
    "anthropic": ("anthropic",),
    "google": ("google",),
    "bedrock": ("aws",),
    "glm": ("zhipuai", "zai"),
    "qwen": (),  # genai-prices has no Alibaba prices; resellers' prices would be somebody else's
}


@dataclass(frozen=True)
class Rates:
    """USD for a million tokens of each bucket, from a day on."""

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
    # NOMINAL: the embedded model costs nothing to run. It has a list price so that budgets, ledgers and bills can be tried
    # on a laptop without any key, and behave there as they will with a real provider.
    (NAME, MODEL): _rates("0.50", "1.50"),
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
    """`cost_micros` is rounded up to a whole micro-dollar, once, over all buckets."""

    cost_micros: int
    table: str


@dataclass(frozen=True)
class Unpriced:
    """No table knows this model. The call happened and its tokens are recorded; it has no cost and no price."""

    provider: str
    model: str
    table: str


Price = Priced | Unpriced


def call_cost(provider: str, model: str, usage: TokenUsage, at: datetime | None = None) -> Price:
    """The cost of a call that used `usage`, by the prices of the moment `at` (now when left out)."""
    moment = at or now()
    override = _override(provider, model)
    if override is not None and moment.date() >= override.since:
        return Priced(_cost_micros(override, usage), OVERRIDES_VERSION)
    return _snapshot_price(provider, model, usage, moment)


def worst_case_cost(provider: str, model: str, request_tokens: int, max_tokens: int, at: datetime | None = None) -> Price:
    """What a call can cost at most: `request_tokens` (see `tokens.upper_bound`) all in the dearest input bucket, and a full answer."""
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
    """USD for a million tokens is micro-dollars for one: the sum of tokens times rate, rounded up."""
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
    """120 ms of import, paid only where a call is priced. The price of the snapshot's tier for the whole request is used."""
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
