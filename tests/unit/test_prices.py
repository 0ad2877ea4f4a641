"""Costs and customer prices: four buckets, integers, never a loss, never a zero for the unknown."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.agents.catalogue import AGENTS
from shared.agents.providers.port import TokenUsage
from shared.money.billing.prices import Priced, Unpriced, call_cost, is_priced, worst_case_cost
from shared.money.billing.pricing import PriceRule, customer_price_micros, margin_percent, price_rule

EMBEDDED = ("embedded", "cadre-embedded-1")
MILLION = 1_000_000
RULE = PriceRule(Fraction(5), 250_000)
COSTS = st.integers(0, 10**12)
RULES = st.builds(PriceRule, st.fractions(min_value=1, max_value=20, max_denominator=100), st.integers(1, MILLION))
COUNTS = st.integers(0, 10**7)
USAGES = st.builds(TokenUsage, COUNTS, COUNTS, COUNTS, COUNTS)
MODELS = st.sampled_from(
    [
        EMBEDDED,
        ("anthropic", "claude-3-5-sonnet-20241022"),
        ("openai", "gpt-4-turbo"),
        ("google", "gemini-1.5-pro"),
        ("openai", "gpt-5"),
    ]
)


@pytest.mark.parametrize(
    ("provider", "model", "usage", "micros"),
    [
        ("openai", "gpt-4-turbo", TokenUsage(input=MILLION), 10 * MILLION),
        ("openai", "gpt-4-turbo", TokenUsage(output=MILLION), 30 * MILLION),
        ("anthropic", "claude-3-5-sonnet-20241022", TokenUsage(MILLION, MILLION, MILLION, MILLION), 22_050_000),
        ("google", "gemini-1.5-pro", TokenUsage(input=100_000, output=1000), 130_000),
        ("google", "gemini-1.5-pro", TokenUsage(input=200_000, output=1000), 510_000),  # above 128,000: the higher price for all
        ("openai", "gpt-3.5-turbo", TokenUsage(input=1000, output=1000), 2000),
        ("openai", "gpt-3.5-turbo", TokenUsage(input=1), 1),  # half a micro-dollar, rounded up
        ("openai", "gpt-3.5-turbo", TokenUsage(), 0),
        (*EMBEDDED, TokenUsage(MILLION, MILLION, MILLION, MILLION), 0),  # known to be free
    ],
)
def test_costs(provider, model, usage, micros):
    price = call_cost(provider, model, usage)
    assert isinstance(price, Priced)
    assert price.cost_micros == micros
    assert price.table


def test_a_dated_model_name_is_found_in_the_snapshot_and_its_version_is_stamped():
    price = call_cost("openai", "gpt-4o-2024-08-06", TokenUsage(MILLION, MILLION, 0, MILLION), datetime(2026, 11, 21, tzinfo=UTC))
    assert price == Priced(13_750_000, price.table)
    assert price.table.startswith("genai-prices-")


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "no-such-model"), ("qwen", "qwen-max"), ("nobody", "x"), ("embedded", "other")]
)
def test_the_unknown_is_unpriced_never_free(provider, model):
    assert isinstance(call_cost(provider, model, TokenUsage(input=10)), Unpriced)
    assert isinstance(worst_case_cost(provider, model, 10, 10), Unpriced)
    assert not is_priced(provider, model)


def test_a_model_on_the_machine_itself_has_a_known_price_of_nothing():
    usage = TokenUsage(1_000_000, 0, 0, 1_000_000)
    assert call_cost("local", "/models/any of them.gguf", usage) == worst_case_cost("local", "x", 9, 9) == Priced(0, "local")
    assert is_priced("local", "qwen2.5:7b")


def test_every_model_of_the_catalogue_has_a_price():
    assert all(is_priced(agent.default_provider, agent.default_model) for agent in AGENTS)


@given(MODELS, USAGES)
def test_the_worst_case_is_no_less_than_any_use_within_it(model, usage):
    actual, worst = call_cost(*model, usage), worst_case_cost(*model, usage.total_input, usage.output)
    assert isinstance(actual, Priced)
    assert isinstance(worst, Priced)
    assert actual.cost_micros <= worst.cost_micros


@given(MODELS, USAGES, COUNTS)
def test_more_output_never_costs_less(model, usage, more):
    first, second = call_cost(*model, usage), call_cost(*model, usage + TokenUsage(output=more))
    assert isinstance(first, Priced)
    assert isinstance(second, Priced)
    assert first.cost_micros <= second.cost_micros


@pytest.mark.parametrize(
    ("micros", "price"), [(0, 0), (1, 250_000), (50_000, 250_000), (50_001, 500_000), (1_000_000, 5_000_000)]
)
def test_the_documented_rule(micros, price):
    assert customer_price_micros(micros, RULE) == price


@given(COSTS, RULES)
def test_the_price_is_never_below_the_multiple_and_never_a_step_above(micros, rule):
    price = customer_price_micros(micros, rule)
    assert price % rule.step_micros == 0
    assert rule.multiplier * micros <= price < rule.multiplier * micros + rule.step_micros


@given(COSTS, COSTS, RULES)
def test_the_price_grows_with_the_cost(one, other, rule):
    low, high = sorted((one, other))
    assert customer_price_micros(low, rule) <= customer_price_micros(high, rule)


def test_the_rule_of_the_deployment():
    assert price_rule() == RULE
    assert customer_price_micros(2500) == 250_000


@pytest.mark.parametrize(("multiplier", "step"), [(Fraction(1, 2), 1), (Fraction(2), 0)])
def test_a_rule_that_loses_money_is_refused(multiplier, step):
    with pytest.raises(ValueError, match="CADRE_PRICE"):
        PriceRule(multiplier, step)


def test_a_negative_cost_is_refused():
    with pytest.raises(ValueError, match="negative"):
        customer_price_micros(-1, RULE)


def test_margin():
    assert margin_percent(50_000, 250_000) == 80.0
    assert margin_percent(0, 0) == 0.0
