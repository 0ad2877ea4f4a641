"""Names from registries that others keep: the codes of countries (ISO 3166-1) and the time zones of the tz database."""

from collections.abc import Mapping
from functools import cache
from typing import Final

CODES_OF_OTHERS: Final[Mapping[str, str]] = {"UK": "GB", "EL": "GR"}
"""Codes that are not in ISO 3166-1 as others use them, the European Union above all, with the code that is."""


def is_country(code: str) -> bool:
    """Tell whether ISO 3166-1 has this code of two letters."""
    from iso3166 import countries_by_alpha2  # imported here, because few requests need it: 8 ms

    return code in countries_by_alpha2


def country(code: str) -> str:
    """Return the code of a country. Raises ValueError for any other text; the message names the right code, if it is known."""
    if code in CODES_OF_OTHERS:
        raise ValueError(f"The code of this country is {CODES_OF_OTHERS[code]} (ISO 3166-1), not {code}")
    if not is_country(code):
        raise ValueError("There is no country with this code (ISO 3166-1 alpha-2)")
    return code


def time_zone(name: str) -> str:
    """Return the name of a time zone. Raises ValueError unless it is one of the tz database, spelled as there."""
    if name not in _time_zones():
        raise ValueError("There is no such time zone: use a name of the tz database, such as Europe/Berlin")
    return name


@cache
def _time_zones() -> frozenset[str]:
    from importlib.resources import files

    return frozenset(files("tzdata").joinpath("zones").read_text().split())
