"""Reading the reports that builds write: JUnit XML and Cobertura XML, without entities and from no other place."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.delivery.building.runner import UnreadableResults

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


@dataclass(frozen=True)
class Outcomes:
    """How many tests passed and failed. One that was skipped did neither, an error is a failure."""

    passed: int
    failed: int


def read_tests(texts: Iterable[str]) -> Outcomes | None:
    """Return the tests of all JUnit reports together; None without a report. Raises UnreadableResults."""
    passed = failed = reports = 0
    for text in texts:
        reports += 1
        for case in _parse(text, "JUnit").iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is None:
                passed += 1
    return Outcomes(passed, failed) if reports else None


def read_coverage(texts: Iterable[str]) -> float | None:
    """Return the share of covered lines in all Cobertura reports together, in percent; None without one. Raises UnreadableResults."""
    covered = valid = 0.0
    rates = []
    for text in texts:
        root = _parse(text, "Cobertura")
        if root.tag != "coverage":
            raise UnreadableResults("A Cobertura report has another root than <coverage>")
        rates.append(_number(root.get("line-rate"), most=1.0))
        valid += _number(root.get("lines-valid", "0"))
        covered += _number(root.get("lines-covered", "0"))
    if valid:
        return round(min(100 * covered / valid, 100.0), 2)
    return round(100 * rates[0], 2) if len(rates) == 1 else None  # without counts, rates of several reports have no weights


def _number(text: str | None, most: float = math.inf) -> float:
    try:
        number = float(text or 0)
    except ValueError:
        number = math.nan
    if not 0 <= number <= most or math.isinf(number):
        raise UnreadableResults(f"A Cobertura report says {str(text)[:40]!r} where a number stands")
    return number


def _parse(text: str, what: str) -> "Element":
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(text)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise UnreadableResults(f"A {what} report cannot be read: {type(error).__name__}") from error
    return root
