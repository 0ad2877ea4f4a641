"""What JUnit and Cobertura reports say, and what is no report: entities, rubbish, numbers that are none."""

import pytest

from shared.delivery.building.reports import Outcomes, read_coverage, read_tests
from shared.delivery.building.runner import UnreadableResults

BOMB = '<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><testsuites><testcase name="&c;"/></testsuites>'


def test_tests_are_counted_over_all_reports():
    one = "<testsuite><testcase/><testcase><error/></testcase><testcase><skipped/></testcase></testsuite>"
    assert read_tests([one, f"<testsuites>{one}</testsuites>"]) == Outcomes(2, 2)
    assert read_tests([]) is None
    assert read_tests(["<testsuite/>"]) == Outcomes(0, 0)


@pytest.mark.parametrize(
    ("reports", "percent"),
    [([], None), (['<coverage line-rate="0.5"/>'], 50.0), (['<coverage line-rate="0.875" lines-valid="40" lines-covered="35"/>'], 87.5),
     (['<coverage lines-valid="10" lines-covered="0" line-rate="0"/>',
       '<coverage lines-valid="30" lines-covered="30" line-rate="1"/>'], 75.0),
     (['<coverage line-rate="0.5"/>', '<coverage line-rate="1"/>'], None)],
)  # fmt: skip
def test_coverage_counts_by_lines(reports, percent):
    assert read_coverage(reports) == percent


@pytest.mark.parametrize(
    "text", ["", "<a", "{}", BOMB, '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'.replace("<a/>", "<a>&b;</a>")]
)
def test_what_is_no_xml_or_has_entities_is_refused(text):
    with pytest.raises(UnreadableResults):
        read_tests([text])


@pytest.mark.parametrize("text", ["<report/>",
                                  '<coverage line-rate="2"/>', '<coverage line-rate="nan"/>', '<coverage line-rate="x"/>',
                                  '<coverage line-rate="1" lines-valid="inf"/>',
                                  '<coverage line-rate="1" lines-covered="-1"/>'])  # fmt: skip
def test_coverage_that_is_none_is_refused(text):
    with pytest.raises(UnreadableResults):
        read_coverage([text])
