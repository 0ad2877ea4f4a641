"""Reading what a result says of acceptance criteria without a model: it admits failures, and proves nothing."""

import pytest

from shared.runs.validation.criteria import (
    CHANGE,
    CLAIMED,
    DISCOVERY,
    DOCUMENT,
    FEEDBACK,
    SHOWN,
    SILENT,
    Material,
    Verdict,
    check,
    feedback_of,
    shown,
)

CRITERIA = [
    "An old reset link shows an error",
    "An unknown address gets the same answer",
    "The link expires after 60 minutes",
]


def verdicts(text: str, *criteria: str, kind: str = "claim") -> list[tuple[str, str | None]]:
    return [(one.result, one.evidence) for one in check(criteria or CRITERIA, [Material("result", text, kind)])]


def test_what_the_result_claims_is_quoted_and_unknown():
    text = "Done. An old reset link shows an error page. The link expires after 60 minutes."
    found = check(CRITERIA, [Material("result", text)])
    assert [(one.result, one.evidence, one.reason) for one in found] == [
        ("unknown", "An old reset link shows an error page.", CLAIMED),
        ("unknown", None, SILENT),
        ("unknown", "The link expires after 60 minutes.", CLAIMED),
    ]


def test_what_nothing_speaks_of_is_unknown():
    assert verdicts("The page has a new colour.") == [("unknown", None)] * 3
    assert verdicts("") == [("unknown", None)] * 3


@pytest.mark.parametrize(
    "text",
    [
        "The old reset link shows no error",
        "Test of 'an old reset link shows an error': failed",
        "An old reset link shows an error: not done",
    ],
)
def test_what_the_result_admits_has_failed(text):
    assert verdicts(text, CRITERIA[0]) == [("failed", text)]
    assert verdicts(text, CRITERIA[0], kind=DISCOVERY) == [("failed", text)]


@pytest.mark.parametrize("kind", [DOCUMENT, CHANGE])
def test_what_other_texts_deny_is_no_admission(kind):
    """A document may say how it was before."""
    assert verdicts("The old reset link shows no error", CRITERIA[0], kind=kind) == [("unknown", None)]


def test_a_plan_is_neither():
    assert verdicts("An old reset link should show an error", CRITERIA[0]) == [("unknown", None)]
    assert verdicts("An old reset link must not show an error", CRITERIA[0]) == [("unknown", None)]


def test_another_number_speaks_of_something_else():
    assert verdicts("The link expires after 90 minutes", CRITERIA[2]) == [("unknown", None)]


def test_the_feedback_names_what_failed_and_what_has_no_evidence():
    found = check(CRITERIA[:2], [Material("result", "An old reset link shows no error")])
    assert feedback_of(found).splitlines() == [
        "0 of 2 acceptance criteria have passed.",
        "- failed: An old reset link shows an error (“An old reset link shows no error”)",
        "- no evidence: An unknown address gets the same answer (Nothing speaks of it)",
    ]


def test_long_criteria_are_cut_where_they_are_shown():
    long = [Verdict("x" * 10_000, "unknown")] * 100
    assert len(feedback_of(long)) <= FEEDBACK + 2
    assert len(str(shown(long[0])["criterion"])) == SHOWN
