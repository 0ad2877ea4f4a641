"""Criteria that are run: by test cases and builds, the newest result after the last change."""

import pytest

from shared.runs.validation.running import BuildSeen, CaseSeen, Ran, verdict_of

CHANGED = "2026-03-01T10:00:00.000Z"
BEFORE, AFTER = "2026-03-01T09:59:59.000Z", "2026-03-01T10:00:01.000Z"
CRITERION = "An old reset link shows an error"
GREEN = BuildSeen(7, "success", AFTER, None, 12, 0, 84.5, {"critical": 0, "high": 0, "medium": 2}, "")


def case(status: str | None = "passed", at: str | None = AFTER, name: str = "old link", **more) -> CaseSeen:
    return CaseSeen("01a22510-6517-7513-9f9b-598463454ea5", name, **{"proves": [CRITERION], "status": status, "at": at} | more)


def by_tests(*cases: CaseSeen, criterion: str = CRITERION) -> str | None:
    found = verdict_of(criterion, Ran(cases, (), CHANGED))
    return found.result if found else None


def by_build(criterion: str, build: BuildSeen | None = GREEN, commit: str | None = None) -> str | None:
    found = verdict_of(criterion, Ran((), (build,) if build else (), CHANGED, commit))
    return found.result if found else None


def changed(**more) -> BuildSeen:
    return BuildSeen(**{name: getattr(GREEN, name) for name in GREEN.__dataclass_fields__} | more)


@pytest.mark.parametrize(
    ("status", "at", "result"),
    [
        ("passed", AFTER, "passed"),
        ("failed", AFTER, "failed"),
        ("error", AFTER, "failed"),
        ("skipped", AFTER, "unknown"),
        ("passed", BEFORE, "unknown"),
        ("passed", CHANGED, "unknown"),
        ("failed", BEFORE, "unknown"),
        (None, None, "unknown"),
    ],
)
def test_a_test_that_proves_a_criterion_decides(status, at, result):
    assert by_tests(case(status, at)) == result


def test_all_its_tests_must_have_passed():
    assert by_tests(case(), case(name="other")) == "passed"
    assert by_tests(case(), case("failed", name="other")) == "failed"
    assert by_tests(case(), case("passed", BEFORE, "other")) == "unknown"


@pytest.mark.parametrize(
    "criterion",
    [
        "The test “Checks old links” passes",
        "tests/test_links.py passes",
        "01a22510-6517-7513-9f9b-598463454ea5 is green",
    ],
)
def test_a_criterion_may_name_its_test(criterion):
    one = case(name="Checks old links", proves=[], script="tests/test_links.py")
    assert by_tests(one, criterion=criterion) == "passed"


def test_a_test_of_something_else_says_nothing():
    assert by_tests(case(), criterion="An unknown address gets the same answer") is None
    assert by_tests(case(name="link", proves=[])) is None  # a word, and no name of a test
    assert by_tests(case(name="old link", proves=[]), criterion="A threshold links pages") is None


@pytest.mark.parametrize(
    ("criterion", "build", "result"),
    [
        ("The build passes", GREEN, "passed"),
        ("The build is green.", changed(status="failed"), "failed"),
        ("The CI pipeline succeeds", changed(status="building"), "unknown"),
        ("The code compiles without errors", GREEN, "passed"),
        ("The build passes", None, "unknown"),
        ("The build passes", changed(at=BEFORE), "unknown"),
        ("All tests pass", GREEN, "passed"),
        ("All unit tests are green", changed(tests_failed=1, status="failed"), "failed"),
        ("All tests pass", changed(tests_run=None), "unknown"),
        ("All tests pass", changed(tests_run=0), "unknown"),
        ("Alle Tests laufen durch", GREEN, "passed"),
        ("Test coverage is at least 80 %", GREEN, "passed"),
        ("Coverage >= 84.5%", GREEN, "passed"),
        ("Coverage > 84.5%", GREEN, "failed"),
        ("The code coverage is not below 90%", GREEN, "failed"),
        ("Coverage is at least 80%", changed(coverage=None), "unknown"),
        ("There are no critical or high vulnerabilities", GREEN, "passed"),
        ("No vulnerabilities", GREEN, "failed"),
        ("No known critical vulnerabilities", changed(vulnerabilities={"critical": 1}), "failed"),
        ("No critical vulnerabilities", changed(vulnerabilities=None), "unknown"),
        ("`npm test` passes", changed(log="[Container] 2026/03/01 Running command npm test\nok"), "passed"),
        ("`npm test` passes", changed(log="echo Running command npm test-all"), "unknown"),
        ("`npm test` passes", GREEN, "unknown"),
        (
            "`npm test` exits with 0",
            changed(status="failed", log="Command did not exit successfully npm test exit status 1"),
            "failed",
        ),
    ],
)
def test_a_criterion_of_the_build_is_decided_by_the_newest(criterion, build, result):
    assert by_build(criterion, build) == result


@pytest.mark.parametrize(
    "criterion",
    [
        "The build passes and an old link shows an error",
        "The build page shows the newest builds",
        "Coverage is shown on the page",
        "All tests pass in under 5 minutes",
    ],
)
def test_a_criterion_that_says_more_is_none_of_the_build(criterion):
    assert by_build(criterion) is None


def test_a_build_of_the_commit_that_is_reviewed_counts_and_one_of_another_does_not():
    sha = "0a1b2c3d" * 5
    assert by_build("The build passes", changed(commit=sha, at=BEFORE), sha[:7]) == "passed"
    assert by_build("The build passes", changed(commit="f" * 40), sha) == "unknown"
    assert by_build("The build passes", changed(commit=sha, at=BEFORE)) == "unknown"
