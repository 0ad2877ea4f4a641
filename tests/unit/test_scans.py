"""What reports of scanners say: severities of SARIF and CycloneDX, and what is no report."""

from unittest.mock import patch

import pytest

from shared.core.errors import Invalid
from shared.delivery.builds import scans
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


class Costly(str):
    """A text of which somebody counts the characters that are looked at."""

    read = 0

    def __getitem__(self, part):
        found = super().__getitem__(part)
        Costly.read += len(found)
        return found

    def split(self, *about):
        Costly.read += len(self)
        return super().split(*about)


@pytest.mark.parametrize(
    "report",
    [
        lambda text: sarif(*[{"ruleId": "a"}] * 100, rules=[{"id": "a", "shortDescription": {"text": text}}]),
        lambda text: {
            "bomFormat": "CycloneDX",
            "components": [{"bom-ref": "a", "name": text, "version": text}],
            "vulnerabilities": [{"id": "1", "ratings": [{"severity": "low"}], "affects": [{"ref": "a"}]}] * 100,
        },
    ],
)  # fmt: skip
def test_a_long_text_that_many_findings_share_is_read_once(report):
    """A report of 1 MB whose rule has a text of half of it took five minutes of a function."""
    Costly.read = 0
    found = read_report(report(Costly("word " * 100_000)))
    assert len(found) == 100
    assert all(len(one.package or one.title) == 300 for one in found)
    assert Costly.read < 20_000


def test_a_score_that_many_results_share_is_read_once():
    rule = {"id": "a", "properties": {"security-severity": "9" * 500_000}}
    with patch.object(scans, "_by_score", wraps=scans._by_score) as read:
        assert len(read_report(sarif(*[{"ruleId": "a"}] * 100, rules=[rule]))) == 100
    assert sum(call.args[0] is not None for call in read.call_args_list) == 1


def test_a_report_has_so_many_findings_at_most(monkeypatch):
    monkeypatch.setattr(scans, "MAX_FINDINGS", 10)
    assert len(read_report(sarif(*[{}] * 10))) == 10
    with pytest.raises(Invalid) as refused:
        read_report(sarif(*[{}] * 11))
    assert "10 findings at most" in refused.value.fields[0].message


def test_what_has_no_name_belongs_to_nothing_that_has_none():
    assert read_report(sarif({}, rules=[{"shortDescription": {"text": "Not its rule"}}]))[0].title == "A finding without words"


@pytest.mark.parametrize(
    ("level", "says"), [("error", "failed"), ("warning", "warnings"), ("note", "warnings"), ("none", "passed")]
)
def test_what_a_scan_means(level, says):
    assert verdict(count(read_report(sarif({"level": level})))) == says
