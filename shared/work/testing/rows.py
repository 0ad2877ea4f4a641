"""The rows of test cases and of their results. A test case is listed with its feature, a result with its test case."""

from itertools import pairwise
from typing import Any, Final

from shared.store import BooleanAttribute, CountedEntity, CountedList, JSONAttribute, NumberAttribute, UnicodeAttribute
from shared.work.items.tracing import INDEX, TEST, link_at, marks_of

RECENT: Final = 50
"""Results from which the flakiness of a test case is told: our choice, weeks of a nightly run and a day of a busy branch."""
DECIDED: Final = {"passed": "p", "failed": "f", "error": "f"}
"""The outcomes that say something about the code, as `TestCase.recent` has them: an error is no pass, and a skipped run says nothing."""


def cases_of(feature_id: str) -> CountedList:
    """Return the test cases of a feature, oldest first, as a counted list."""
    return CountedList(f"ITEM#{feature_id}", "TC", f"ITEM#{feature_id}", lambda _: "case", "TC#")


def results_of(case_id: str) -> CountedList:
    """Return the results of a test case, oldest first, as a counted list by status."""
    return CountedList(f"TC#{case_id}", "TR", f"TC#{case_id}", lambda f: str(f["status"]), "TR#")


class TestCase(CountedEntity):
    KIND = "TC"
    NAME = "test_case"

    item_id = UnicodeAttribute()
    """Its feature."""
    requirement_id = UnicodeAttribute(null=True)
    """The card above its feature."""
    board_id = UnicodeAttribute()
    name = UnicodeAttribute()
    description = UnicodeAttribute()
    test_type = UnicodeAttribute()  # unit | integration | e2e | performance | security
    priority = UnicodeAttribute(default="medium")
    steps = JSONAttribute(default=list)
    expected_result = UnicodeAttribute()
    automated = BooleanAttribute(default=False)
    automation_tool = UnicodeAttribute(null=True)
    automation_script_path = UnicodeAttribute(null=True)
    acceptance_criteria = JSONAttribute(default=list)
    """The criteria of its requirement that it proves, as they were written when it named them."""
    created_by = JSONAttribute()
    last_status = UnicodeAttribute(null=True)
    last_result_id = UnicodeAttribute(null=True)
    last_result_at = UnicodeAttribute(null=True)
    recent = UnicodeAttribute(null=True)
    """The last RECENT outcomes that decided something, oldest first: `ppfp` (`DECIDED`)."""

    @property
    def flakiness(self) -> float | None:
        """Return how often the outcome changed from one result to the next, in percent: 0 for a test that always passes or always fails,
        100 for one that never does the same twice. None with fewer than two results that passed or failed: nothing is known yet."""
        outcomes = self.recent or ""
        if len(outcomes) < 2:
            return None
        changes = sum(one != other for one, other in pairwise(outcomes))
        return round(100 * changes / (len(outcomes) - 1), 1)

    def indexes(self) -> dict[int, tuple[str, str]]:
        anchor = self.requirement_id or self.item_id
        return {1: (f"ITEM#{self.item_id}", f"TC#{self.place}"), INDEX: link_at(self.proj_id, anchor, TEST, self.id)}

    def filters(self) -> dict[str, Any]:
        last = {"last": self.last_status, "result": self.last_result_id, "at": self.last_result_at} if self.last_status else {}
        return {"feature": self.item_id, "proves": marks_of(self.acceptance_criteria or [])} | last


TestCase.COLD = frozenset({"description", "steps", "expected_result", "acceptance_criteria"})
"""What is long: a result changes the first row and leaves these alone."""


class TestResultHead(CountedEntity):
    """A result without its logs: what lists need. Only for reading; the row is written as a `TestResult`."""

    KIND = "TR"
    NAME = "test_result"

    case_id = UnicodeAttribute()
    item_id = UnicodeAttribute()
    status = UnicodeAttribute()  # passed | failed | skipped | error
    duration_ms = NumberAttribute(null=True)
    error_message = UnicodeAttribute(null=True)
    assertions_run = NumberAttribute(null=True)
    assertions_passed = NumberAttribute(null=True)
    assertions_failed = NumberAttribute(null=True)
    coverage = NumberAttribute(null=True)
    """In percent."""
    flakiness = NumberAttribute(null=True)
    """The flakiness of the test case with this result, in percent."""
    created_by = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"TC#{self.case_id}", f"TR#{self.place}")}

    def filters(self) -> dict[str, Any]:
        return {"status": self.status}


class TestResult(TestResultHead):
    logs = JSONAttribute(default=list)


TestResult.COLD = frozenset({"logs"})
