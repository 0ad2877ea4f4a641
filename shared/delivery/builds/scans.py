"""Reading reports of security scanners: SARIF 2.1.0 and CycloneDX 1.x, both as parsed JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.core.errors import FieldError, Invalid
from shared.delivery.builds.rows import SEVERITIES

MAX_BYTES: Final = 5_000_000
"""Of a report that a build wrote; one that is sent with a request is as long as a body may be (1 MB)."""
_LEVELS: Final = {"error": "high", "warning": "medium", "note": "low"}
"""SARIF's levels, where a rule has no `security-severity`; `none` is no finding."""
_SCORES: Final = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
"""From which CVSS score on a severity begins (CVSS v3.1, section 5)."""


@dataclass(frozen=True)
class Finding:
    """One vulnerability of a report."""

    severity: str
    title: str
    rule: str | None = None
    package: str | None = None
    location: str | None = None


def read_report(report: Any) -> list[Finding]:
    """Return the findings of a report, the most severe first. Raises Invalid("scan_report") for what is neither SARIF nor CycloneDX."""
    if not isinstance(report, Mapping):
        raise _unreadable("A report is a JSON object")
    if isinstance(report.get("runs"), list):
        found = list(_sarif(report["runs"]))
    elif report.get("bomFormat") == "CycloneDX":
        found = list(_cyclonedx(report))
    else:
        raise _unreadable("This is neither SARIF (`runs`) nor CycloneDX (`bomFormat`)")
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))


def count(findings: list[Finding]) -> dict[str, int]:
    """Return how many findings there are, by severity."""
    return {severity: sum(one.severity == severity for one in findings) for severity in SEVERITIES}


def verdict(counts: Mapping[str, int]) -> str:
    """Return what a scan means that says nothing itself: `failed` if anything critical or high was found, `warnings` for less."""
    if counts["critical"] or counts["high"]:
        return "failed"
    return "warnings" if counts["medium"] or counts["low"] else "passed"


def _sarif(runs: list[Any]) -> Iterator[Finding]:
    for run in map(_object, runs):
        rules = {str(rule.get("id")): rule for rule in _objects(_object(_object(run.get("tool")).get("driver")).get("rules"))}
        for result in _objects(run.get("results")):
            name = str(result.get("ruleId") or _object(result.get("rule")).get("id") or "")
            rule = rules.get(name, {})
            severity = _severity_of_result(result, rule)
            if severity is None or result.get("suppressions"):
                continue
            text = _object(result.get("message")).get("text") or _object(rule.get("shortDescription")).get("text") or name
            yield Finding(severity, _line(text) or "A finding without words", _line(name), None, _place(result))


def _severity_of_result(result: Mapping[str, Any], rule: Mapping[str, Any]) -> str | None:
    for properties in (_object(result.get("properties")), _object(rule.get("properties"))):
        severity = _by_score(properties.get("security-severity"))
        if severity:
            return severity
    kind = str(result.get("kind") or "fail")
    level = result.get("level") or _object(rule.get("defaultConfiguration")).get("level") or "warning"
    return _LEVELS.get(str(level)) if kind == "fail" else None


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
    packages = {str(one.get("bom-ref")): one for one in _objects(report.get("components"))}
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
        name = str(found.get("id") or "")
        affected = next((str(one.get("ref")) for one in _objects(found.get("affects"))), "")
        yield Finding(
            min(rated, key=SEVERITIES.index),
            _line(found.get("description")) or name or "A finding without words",
            _line(name),
            _line(_package(packages.get(affected)) or affected),
        )


def _rated(rating: Mapping[str, Any]) -> str | None:
    severity = str(rating.get("severity") or "").lower()
    return severity if severity in SEVERITIES else _by_score(rating.get("score"))


def _package(component: Mapping[str, Any] | None) -> str | None:
    if not component:
        return None
    name, version = component.get("name"), component.get("version")
    return f"{name}@{version}" if version else str(name)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in (value if isinstance(value, list) else ()) if isinstance(one, Mapping))


def _line(text: Any) -> str | None:
    """Return a text as one line of 300 characters at most; None if nothing is in it."""
    return " ".join(str(text or "").split())[:300] or None


def _unreadable(why: str) -> Invalid:
    return Invalid(FieldError("scan_report", why))
