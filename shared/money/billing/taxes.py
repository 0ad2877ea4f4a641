"""Tax on an invoice: a rate by country and day, from `tax_rates.json` (its sources stand in it).

no address            the rate of the seller's own country
country not listed    none: the seller is not registered there
listed, with tax id   none outside the seller's country: the customer accounts for it (reverse charge)
listed                that country's rate on the last day of the period
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from shared.core.errors import FieldError, Invalid
from shared.core.settings import settings

_TABLE = Path(__file__).with_name("tax_rates.json")
_PREFIX: Final = {"GR": "EL"}
"""Tax ids begin with the country code, except for Greece."""
_NOTES: Final = {
    "none": "No value added tax is charged on this supply.",
    "reverse": "Reverse charge: the customer accounts for the value added tax.",
}


@dataclass(frozen=True)
class Tax:
    """The tax of an invoice; `kind` is standard, reverse or none, `note` is the text that the invoice must have."""

    country: str
    basis_points: int
    kind: str
    note: str

    @property
    def row(self) -> dict[str, Any]:
        return {"country": self.country, "basis_points": self.basis_points, "kind": self.kind, "note": self.note}


@cache
def _rates() -> dict[str, list[tuple[str, int]]]:
    by_country: dict[str, list[tuple[str, int]]] = {}
    for row in json.loads(_TABLE.read_text())["rates"]:
        by_country.setdefault(row["country"], []).append((row["from"], int(row["rate"])))
    return {country: sorted(rates) for country, rates in by_country.items()}


def tax_for(address: dict[str, Any] | None, tax_id: str | None, day: str) -> Tax:
    """Return the tax for a customer with this address and tax id, at the rates of that day (`2026-11-30`)."""
    home = settings().seller_country
    country = address["country"] if address else home
    rates = [rate for since, rate in _rates().get(country, ()) if since <= day]
    if not rates:
        return Tax(country, 0, "none", _NOTES["none"])
    if tax_id and country != home:
        return Tax(country, 0, "reverse", _NOTES["reverse"])
    percent = f"{rates[-1] / 100:g}"
    return Tax(country, rates[-1], "standard", f"Value added tax {percent} % ({country})")


def normalize_tax_id(tax_id: str | None, address: dict[str, Any] | None) -> str | None:
    """Return the tax id in canonical form. Raises Invalid if its form does not fit the country of the address.

    Whether the id is registered is not checked.
    """
    if not tax_id:
        return None
    plain = re.sub(r"[\s.\-/]", "", tax_id).upper()
    country = address["country"] if address else None
    if country is None:
        raise Invalid(FieldError("tax_id", "A tax id needs a billing address: it is one of a country", tax_id))
    if country not in _rates():
        if not re.fullmatch(r"[A-Z0-9]{4,20}", plain):
            raise Invalid(FieldError("tax_id", "A tax id has 4 to 20 letters and digits", tax_id))
        return plain
    prefix = _PREFIX.get(country, "CHE" if country == "CH" else country)
    if not re.fullmatch(rf"{prefix}[A-Z0-9+*]{{2,15}}", plain):
        raise Invalid(FieldError("tax_id", f"A tax id of {country} begins with {prefix}, such as {prefix}123456789", tax_id))
    return plain
