"""What reports of scanners say: severities of SARIF and CycloneDX, and what is no report."""

import pytest

from shared.core.errors import Invalid
from shared.delivery.builds.scans import Finding, count, read_report, verdict
from tests.samples.delivery import SARIF


def sarif(*results, rules=()):
    return {"runs": [{"tool": {"driver": {"rules": list(rules)}}, "results": list(results)}]}


def test_sarif_is_read_the_most_severe_first():
    assert read_report(SARIF) == [
        Finding("critical", "SQL is built from input", "sql", None, "src/db.py:7"),
        Finding("low", "A long line", "style"),
    ]


@pytest.mark.parametrize(
    ("result", "severity"),
    [
        ({"level": "error"}, "high"), ({"level": "warning"}, "medium"), ({"level": "note"}, "low"), ({}, "medium"),
        ({"level": "none"}, None), ({"kind": "pass"}, None), ({"suppressions": [{"kind": "inSource"}]}, None),
        ({"properties": {"security-severity": "7.0"}, "level": "note"}, "high"),
        ({"properties": {"security-severity": "high"}, "level": "note"}, "low"),
    ],
)  # fmt: skip
def test_the_severity_of_a_sarif_result(result, severity):
    found = read_report(sarif({"message": {"text": "x"}} | result))
    assert [one.severity for one in found] == ([severity] if severity else [])


def test_a_rule_gives_its_level():
    found = read_report(sarif({"ruleId": "a"}, rules=[{"id": "a", "defaultConfiguration": {"level": "error"}}]))
    assert [(one.severity, one.title) for one in found] == [("high", "a")]


def test_cyclonedx_is_read_with_its_packages():
    report = {
        "bomFormat": "CycloneDX",
        "components": [{"bom-ref": "pkg:1", "name": "libssl", "version": "3.0.1"}],
        "vulnerabilities": [
            {"id": "CVE-1", "description": "Overflow", "ratings": [{"severity": "low"}, {"score": 9.8}], "affects": [{"ref": "pkg:1"}]},
            {"id": "CVE-2", "ratings": [{"severity": "info"}]},
            {"id": "CVE-3", "ratings": [{"severity": "high"}], "analysis": {"state": "false_positive"}},
        ],
    }  # fmt: skip
    assert read_report(report) == [Finding("critical", "Overflow", "CVE-1", "libssl@3.0.1")]


@pytest.mark.parametrize("report", [[], {}, "text", None, {"runs": {}}, {"bomFormat": "SPDX"}])
def test_what_is_no_report_is_refused(report):
    with pytest.raises(Invalid) as refused:
        read_report(report)
    assert refused.value.fields[0].field == "scan_report"


@pytest.mark.parametrize(
    "report",
    [
        {"runs": [None, 3, {"results": "x", "tool": []}, {"results": [1, {"locations": [{}], "message": "x", "ruleId": 3}]}]},
        {"bomFormat": "CycloneDX", "vulnerabilities": [{"ratings": [{"score": "x"}]}, 3], "components": {"a": 1}},
    ],
)
def test_a_report_that_is_bent_is_read_as_far_as_it_goes(report):
    assert {one.severity for one in read_report(report)} <= {"medium"}


@pytest.mark.parametrize(
    ("level", "says"), [("error", "failed"), ("warning", "warnings"), ("note", "warnings"), ("none", "passed")]
)
def test_what_a_scan_means(level, says):
    assert verdict(count(read_report(sarif({"level": level})))) == says
