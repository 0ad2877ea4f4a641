"""Checking acceptance criteria: a verdict is quoted from the result, and never guessed."""

import pytest

from shared.runs.validation.criteria import Material, check, feedback_of

CRITERIA = [
    "An old reset link shows an error",
    "An unknown address gets the same answer",
    "The link expires after 60 minutes",
]


def verdicts(text: str, *criteria: str) -> list[tuple[str, str | None]]:
    return [(one.result, one.evidence) for one in check(criteria or CRITERIA, [Material("result", text)])]


def test_what_a_sentence_says_has_passed_and_is_quoted():
    text = (
        "Done. An old reset link shows an error page. An unknown address gets the same answer. The link expires after 60 minutes."
    )
    assert verdicts(text) == [
        ("passed", "An old reset link shows an error page."),
        ("passed", "An unknown address gets the same answer."),
        ("passed", "The link expires after 60 minutes."),
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
def test_what_a_sentence_denies_has_failed(text):
    assert verdicts(text, CRITERIA[0]) == [("failed", text)]


def test_a_plan_is_no_evidence():
    assert verdicts("An old reset link should show an error", CRITERIA[0]) == [("unknown", None)]


def test_another_number_is_no_evidence():
    assert verdicts("The link expires after 90 minutes", CRITERIA[2]) == [("unknown", None)]


def test_a_criterion_that_denies_something_is_met_by_a_sentence_that_does():
    assert verdicts("No cookie is set before consent", "No cookie is set before consent") == [
        ("passed", "No cookie is set before consent")
    ]


def test_the_feedback_names_what_failed_and_what_has_no_evidence():
    found = check(CRITERIA[:2], [Material("result", "An old reset link shows no error")])
    assert feedback_of(found).splitlines() == [
        "0 of 2 acceptance criteria have passed.",
        "- failed: An old reset link shows an error (“An old reset link shows no error”)",
        "- no evidence: An unknown address gets the same answer",
    ]
