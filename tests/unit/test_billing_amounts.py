"""Cents, taxes and months: the rules that finance reads."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.errors import Invalid
from shared.money.billing import months, taxes
from shared.money.billing.amounts import CENT, apply_rate, format_amount, to_cents
from shared.money.billing.taxes import normalize_tax_id, tax_for

GERMANY, IRELAND, USA = ({"country": country} for country in ("DE", "IE", "US"))


@pytest.mark.parametrize(
    ("micros", "cents"),
    [(0, 0), (4_999, 0), (5_000, 1), (14_999, 1), (15_000, 2), (-4_999, 0), (-5_000, -1), (250_000, 25), (1_005_000, 101)],
)
def test_half_a_cent_goes_up(micros: int, cents: int) -> None:
    assert to_cents(micros) == cents * CENT


@given(st.integers(-(10**15), 10**15))
def test_rounding_moves_by_at_most_half_a_cent_and_knows_no_sign(amount: int) -> None:
    assert abs(to_cents(amount) - amount) <= CENT // 2
    assert to_cents(amount) % CENT == 0
    assert to_cents(-amount) == -to_cents(amount)


@given(st.integers(0, 10**10).map(lambda cents: cents * CENT), st.sampled_from((0, 770, 810, 1900, 2300, 2550)))
def test_a_tax_is_the_exact_share_to_the_cent(amount: int, rate: int) -> None:
    exact = Fraction(amount * rate, 10_000)
    assert abs(apply_rate(amount, rate) - exact) <= Fraction(CENT, 2)
    assert apply_rate(amount, rate) % CENT == 0
    assert apply_rate(-amount, rate) == -apply_rate(amount, rate)


@pytest.mark.parametrize(
    ("micros", "words"),
    [(0, "0.00"), (1_234_500_000, "1,234.50"), (5, "0.000005"), (-250_000, "-0.25"), (-5, "-0.000005"), (1_100_000, "1.10")],
)
def test_an_amount_is_shown_as_finely_as_it_is(micros: int, words: str) -> None:
    assert format_amount(micros) == words


@pytest.mark.parametrize(
    ("address", "tax_id", "day", "expected"),
    [
        (None, None, "2026-11-30", ("IE", 2300, "standard")),  # who says nothing is taxed at home
        (IRELAND, None, "2026-11-30", ("IE", 2300, "standard")),
        (IRELAND, "IE123", "2026-11-30", ("IE", 2300, "standard")),  # no reverse charge at home
        (GERMANY, None, "2026-11-30", ("DE", 1900, "standard")),
        ({"country": "UK"}, None, "2026-11-30", ("GB", 2000, "standard")),  # stored before codes were checked
        (GERMANY, "DE123456789", "2026-11-30", ("DE", 0, "reverse")),
        (USA, None, "2026-11-30", ("US", 0, "none")),
        (USA, "12-3456789", "2026-11-30", ("US", 0, "none")),
        ({"country": "FI"}, None, "2024-08-31", ("FI", 2400, "standard")),
        ({"country": "FI"}, None, "2024-09-01", ("FI", 2550, "standard")),
        ({"country": "EE"}, None, "2025-06-30", ("EE", 2200, "standard")),
        ({"country": "EE"}, None, "2025-07-31", ("EE", 2400, "standard")),
        ({"country": "DE"}, None, "2019-12-31", ("DE", 0, "none")),  # before the table begins
    ],
)
def test_who_is_taxed_with_what(address, tax_id, day, expected) -> None:
    tax = tax_for(address, tax_id, day)
    assert (tax.country, tax.basis_points, tax.kind) == expected
    assert tax.note


def test_a_rate_with_a_half_is_said_so() -> None:
    assert tax_for({"country": "FI"}, None, "2026-01-31").note == "Value added tax 25.5 % (FI)"


def test_the_table_of_rates_is_sound() -> None:
    """Every member state is there, once for each day; each rate is one that the law allows (15 % at least) or has elsewhere."""
    table = json.loads(Path(taxes.__file__).with_name("tax_rates.json").read_text())
    for row in table["rates"]:
        source = table["sources"][row["source"]]
        assert source["name"]
        assert source["as_of"] >= "2025-09-01"
    keys = [(row["country"], row["from"]) for row in table["rates"]]
    assert len(keys) == len(set(keys))
    union = {row["country"] for row in table["rates"]} - {"CH", "GB", "NO"}
    assert len(union) == 27
    assert all(1500 <= row["rate"] <= 2700 for row in table["rates"] if row["country"] in union)


@pytest.mark.parametrize(
    ("tax_id", "address", "kept"),
    [
        ("de 136.695-976", GERMANY, "DE136695976"),
        ("EL094259216", {"country": "GR"}, "EL094259216"),
        ("CHE-100.155.212", {"country": "CH"}, "CHE100155212"),
        ("CHE-100.155.212 MWST", {"country": "CH"}, "CHE100155212MWST"),
        ("NO 995 525 828 MVA", {"country": "NO"}, "NO995525828MVA"),
        ("NO995525828", {"country": "NO"}, "NO995525828"),
        ("ie 6433435f", IRELAND, "IE6433435F"),
        ("51 824 753 556", {"country": "AU"}, "51824753556"),
        ("12-3456789", USA, "123456789"),
        ("", None, None),
        (None, GERMANY, None),
    ],
)
def test_a_tax_id_is_kept_in_one_form(tax_id, address, kept) -> None:
    assert normalize_tax_id(tax_id, address) == kept


@pytest.mark.parametrize(
    ("tax_id", "address"),
    [
        ("DE1234", None),
        ("FR123", GERMANY),
        ("GR12345", {"country": "GR"}),
        ("!", USA),
        ("DE123456789", GERMANY),
        ("CHE123456789", {"country": "CH"}),
        ("NO995525829", {"country": "NO"}),
        ("51824753557", {"country": "AU"}),
    ],
)
def test_a_tax_id_of_nowhere_is_refused(tax_id, address) -> None:
    with pytest.raises(Invalid):
        normalize_tax_id(tax_id, address)


def test_months() -> None:
    assert months.next_month("2026-12") == "2027-01"
    assert months.last_day("2028-02").isoformat() == "2028-02-29"
    assert months.months_between("2026-11", "2027-02") == ["2026-11", "2026-12", "2027-01"]
    assert months.months_between("2026-11", "2026-11") == []
    assert months.days_after("2026-12-25", 14) == "2027-01-08"


@pytest.mark.parametrize("code", ["ZZ", "XX", "de", ""])
def test_a_country_that_does_not_exist_is_an_error_and_not_without_tax(code) -> None:
    with pytest.raises(Invalid):
        tax_for({"country": code}, None, "2026-11-30")


@pytest.mark.parametrize("source", [{"name": "Somebody"}, {"as_of": "2026-01-01"}, None])
def test_a_rate_without_a_dated_source_is_not_used(source, tmp_path, monkeypatch) -> None:
    table = {
        "sources": {"X": source} if source else {},
        "rates": [{"country": "DE", "from": "2021-01-01", "rate": 1900, "source": "X"}],
    }
    (tmp_path / "rates.json").write_text(json.dumps(table))
    monkeypatch.setattr(taxes, "_TABLE", tmp_path / "rates.json")
    taxes._rates.cache_clear()
    try:
        with pytest.raises(Invalid):
            tax_for(GERMANY, None, "2026-11-30")
    finally:
        monkeypatch.undo()
        taxes._rates.cache_clear()
