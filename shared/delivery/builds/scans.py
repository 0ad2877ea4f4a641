"""Reading reports of security scanners: SARIF 2.1.0 and CycloneDX 1.x, both as parsed JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from shared.core.errors import FieldError, Invalid
from shared.delivery.builds.rows import SEVERITIES

MAX_BYTES: Final = 5_000_000
"""Of a report that a build wrote; one that is sent with a request is as long as a body may be (1 MB)."""
MAX_FINDINGS: Final = 100_000
"""Of a report: 5 MB have 25,000 that say anything (200 bytes each), and a million empty ones, which take a function a minute."""
_LEVELS: Final = {"error": "high", "warning": "medium", "note": "low"}
"""SARIF's levels, where a rule has no `security-severity`; `none` is no finding."""
_SCORES: Final = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
"""From which CVSS score on a severity begins (CVSS v3.1, section 5)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One vulnerability of a report."""

    severity: str
    title: str
    rule: str | None = None
    package: str | None = None
    location: str | None = None


_READ: Final = 3_000
"""Characters of a text that are looked at."""


def read_report(report: Any) -> list[Finding]:
    """Return the findings of a report, the most severe first. Raises Invalid("scan_report") for what is neither SARIF nor CycloneDX, or has
    too many."""
    if not isinstance(report, Mapping):
        raise _unreadable("A report is a JSON object")
    if isinstance(report.get("runs"), list):
        findings = _sarif(report["runs"])
    elif report.get("bomFormat") == "CycloneDX":
        findings = _cyclonedx(report)
    else:
        raise _unreadable("This is neither SARIF (`runs`) nor CycloneDX (`bomFormat`)")
    found = list(islice(findings, MAX_FINDINGS + 1))
    if len(found) > MAX_FINDINGS:
        raise _unreadable(f"A report has {MAX_FINDINGS:,} findings at most")
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))


def count(findings: list[Finding]) -> dict[str, int]:
    """Return how many findings there are, by severity."""
    return {severity: sum(one.severity == severity for one in findings) for severity in SEVERITIES}


def verdict(counts: Mapping[str, int]) -> str:
    """Return what a scan means that says nothing itself: `failed` if anything critical or high was found, `warnings` for less."""
    if counts["critical"] or counts["high"]:
        return "failed"
    return "warnings" if counts["medium"] or counts["low"] else "passed"


@dataclass(frozen=True)
class _Rule:
    """What a rule says of its results, read once: a report of 1 MB may have ten thousand results of one rule with a text of half of it."""

    scored: str | None = None
    level: Any = None
    text: str | None = None


_NO_RULE: Final = _Rule()


def _sarif(runs: list[Any]) -> Iterator[Finding]:
    for run in map(_object, runs):
        driver = _object(_object(run.get("tool")).get("driver"))
        rules = {_name(rule.get("id")): _rule(rule) for rule in _objects(driver.get("rules")) if rule.get("id")}
        for result in _objects(run.get("results")):
            name = _name(result.get("ruleId")) or _name(_object(result.get("rule")).get("id"))
            rule = rules.get(name, _NO_RULE)
            severity = _severity_of_result(result, rule)
            if severity is None or result.get("suppressions"):
                continue
            text = _line(_object(result.get("message")).get("text")) or rule.text or name
            yield Finding(severity, text or "A finding without words", name, None, _place(result))


def _rule(rule: Mapping[str, Any]) -> _Rule:
    return _Rule(
        _by_score(_object(rule.get("properties")).get("security-severity")),
        _object(rule.get("defaultConfiguration")).get("level"),
        _line(_object(rule.get("shortDescription")).get("text")),
    )


def _severity_of_result(result: Mapping[str, Any], rule: _Rule) -> str | None:
    severity = _by_score(_object(result.get("properties")).get("security-severity")) or rule.scored
    if severity:
        return severity
    level = result.get("level") or rule.level or "warning"
    return _LEVELS.get(level) if (result.get("kind") or "fail") == "fail" and isinstance(level, str) else None


def _by_score(score: Any) -> str | None:
    try:
        number = float(score)
    except (TypeError, ValueError):
        return None
    return next((severity for least, severity in _SCORES if number >= least), None)


def _place(result: Mapping[str, Any]) -> str | None:
    for location in _objects(result.get("locations")):
        physical = _object(location.get("physicalLocation"))
        path = _object(physical.get("artifactLocation")).get("uri")
        line = _object(physical.get("region")).get("startLine")
        if path:
            return _line(f"{path}:{line}" if line else path)
    return None


def _cyclonedx(report: Mapping[str, Any]) -> Iterator[Finding]:
    packages = {_name(one.get("bom-ref")): _package(one) for one in _objects(report.get("components")) if one.get("bom-ref")}
    for found in _objects(report.get("vulnerabilities")):
        if _object(found.get("analysis")).get("state") in (
            "resolved",
            "resolved_with_pedigree",
            "false_positive",
            "not_affected",
        ):
            continue
        rated = [severity for rating in _objects(found.get("ratings")) if (severity := _rated(rating))]
        if not rated:
            continue
        name = _name(found.get("id"))
        affected = next((_name(one.get("ref")) for one in _objects(found.get("affects"))), None)
        yield Finding(
            min(rated, key=SEVERITIES.index),
            _line(found.get("description")) or name or "A finding without words",
            name,
            packages.get(affected) or affected,
        )


def _rated(rating: Mapping[str, Any]) -> str | None:
    severity = str(rating.get("severity") or "").lower()
    return severity if severity in SEVERITIES else _by_score(rating.get("score"))


def _package(component: Mapping[str, Any]) -> str | None:
    name, version = _line(component.get("name")), _line(component.get("version"))
    return _line(f"{name}@{version}" if name and version else name)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in (value if isinstance(value, list) else ()) if isinstance(one, Mapping))


def _line(text: Any) -> str | None:
    """Return a text as one line of 300 characters at most; None if nothing is in it."""
    return " ".join(str(text)[:_READ].split())[:300] or None if isinstance(text, str | int | float) else None


_name = _line
"""The name by which parts of a report refer to each other."""


def _unreadable(why: str) -> Invalid:
    return Invalid(FieldError("scan_report", why))
