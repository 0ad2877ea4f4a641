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
from shared.core.registries import CODES_OF_OTHERS, is_country
from shared.core.settings import settings

_TABLE = Path(__file__).with_name("tax_rates.json")
_PREFIX: Final = {"GR": "EL", "CH": "CHE"}
"""Tax ids begin with the country code, with these exceptions."""
_FORMS: Final = {"CH": ("uid", "", "(MWST|TVA|IVA|TPV)$"), "NO": ("orgnr", "NO", "MVA$")}
"""Countries whose tax id is the number of a company with a suffix that may be left out: the number, its prefix, the suffix."""
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
    """Return the rates of each country from the table, oldest first. A rate without a dated source is not used."""
    table = json.loads(_TABLE.read_text())
    by_country: dict[str, list[tuple[str, int]]] = {}
    for row in table["rates"]:
        rates = by_country.setdefault(row["country"], [])
        source = table["sources"].get(row.get("source"), {})
        if source.get("name") and source.get("as_of"):
            rates.append((row["from"], int(row["rate"])))
    return {country: sorted(rates) for country, rates in by_country.items()}


def tax_for(address: dict[str, Any] | None, tax_id: str | None, day: str) -> Tax:
    """Return the tax for a customer with this address and tax id, at the rates of that day (`2026-11-30`).

    Raises Invalid for a country that does not exist, or whose rates have no source: neither is a reason to charge no tax.
    """
    home = settings().seller_country
    country = _known_country(address["country"]) if address else home
    rates = [rate for since, rate in _rates().get(country, ()) if since <= day]
    if not rates:
        return Tax(country, 0, "none", _NOTES["none"])
    if tax_id and country != home:
        return Tax(country, 0, "reverse", _NOTES["reverse"])
    percent = f"{rates[-1] / 100:g}"
    return Tax(country, rates[-1], "standard", f"Value added tax {percent} % ({country})")


def _known_country(code: str) -> str:
    """Return the code of a stored address, which may be older than the check of new ones. Raises Invalid."""
    code = CODES_OF_OTHERS.get(code, code)
    if not is_country(code):
        raise Invalid(FieldError("billing_address.country", "There is no country with this code; correct the address", code))
    if _rates().get(code) == []:
        raise Invalid(FieldError("billing_address.country", "The tax rates of this country have no source yet", code))
    return code


def normalize_tax_id(tax_id: str | None, address: dict[str, Any] | None) -> str | None:
    """Return the tax id in canonical form. Raises Invalid if its form or its check digits are not those of the country of the address.

    Whether the id is registered is not checked.
    """
    if not tax_id:
        return None
    plain = re.sub(r"[\s.\-/]", "", tax_id).upper()
    country = address["country"] if address else None
    if country is None:
        raise Invalid(FieldError("tax_id", "A tax id needs a billing address: it is one of a country", tax_id))
    country = CODES_OF_OTHERS.get(country, country)
    prefix = _PREFIX.get(country, country)
    if country in _rates() and not plain.startswith(prefix):
        raise Invalid(FieldError("tax_id", f"A tax id of {country} begins with {prefix}, such as {prefix}123456789", tax_id))
    if not re.fullmatch(r"[A-Z0-9+*]{4,20}", plain) or not _is_tax_id(country, plain):
        raise Invalid(FieldError("tax_id", f"This is not a tax id of {country}: check its digits", tax_id))
    return plain


def _is_tax_id(country: str, plain: str) -> bool:
    """Tell whether form and check digits are right; true for a country whose form is not known."""
    import stdnum  # imported here, because only a change of a billing address needs it: 0.1 s

    kind, prefix, suffix = _FORMS.get(country, ("vat", "", "$"))
    module = stdnum.get_cc_module(country.lower(), kind)
    return module is None or bool(module.is_valid(re.sub(suffix, "", plain).removeprefix(prefix)))
