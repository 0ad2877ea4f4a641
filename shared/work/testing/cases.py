"""Creating and reading test cases."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.core.ids import bare_id, new_id
from shared.events import EventType, record
from shared.store import (
    CountedRows,
    LastBlock,
    Operation,
    create,
    enter,
    fetch,
    fetch_all,
    load,
    retrying,
    update_with_retry,
    write,
)
from shared.work.boards.counting import require_writable
from shared.work.items.planning import FEATURE, REQUIREMENT, load_type
from shared.work.items.rows import Item
from shared.work.testing.rows import TestCase, TestResultHead, cases_of, results_of

MAX_STEPS: Final = 20_000
"""Bytes of the steps of a test case as JSON: a page of a hundred fits into Lambda's 6 MB."""


@dataclass(frozen=True)
class NewTestCase:
    """The values of a new test case. A step is `{step_number, action, expected_result}`; a number may be left out."""

    name: str
    description: str
    steps: Sequence[dict[str, Any]]
    expected_result: str
    test_type: str = "unit"
    priority: str = "medium"
    automated: bool = False
    automation_tool: str | None = None
    automation_script_path: str | None = None
    acceptance_criteria: Sequence[str] = ()


@dataclass(frozen=True)
class History:
    """A page of a test case's results, newest first, and how many there are in all."""

    case: TestCase
    results: list[TestResultHead]
    total: int


def create_case(actor: Actor, feature_id: str, new: NewTestCase) -> TestCase:
    """Create a test case of a feature. Two round trips; three if it names acceptance criteria, which the requirement must have.

    Raises NotFound("feature"), Forbidden, Invalid for steps that are not numbered from 1 on without gaps and for unknown criteria,
    Conflict (archived project).
    """
    steps = _numbered(new.steps)
    return retrying(lambda _: _create(actor, feature_id, new, steps, new_id()))


def _create(actor: Actor, feature_id: str, new: NewTestCase, steps: list[dict[str, Any]], case_id: str) -> TestCase:
    last = LastBlock(cases_of(bare_id(feature_id)))
    feature = load_type(actor, feature_id, FEATURE, Permission.TEST_WRITE)
    case = TestCase.new(
        case_id,
        org_id=feature.org_id,
        ws_id=feature.ws_id,
        proj_id=feature.proj_id,
        item_id=feature.id,
        requirement_id=feature.parent_id,
        board_id=feature.board_id,
        name=new.name,
        description=new.description,
        test_type=new.test_type,
        priority=new.priority,
        steps=steps,
        expected_result=new.expected_result,
        automated=new.automated,
        automation_tool=new.automation_tool,
        automation_script_path=new.automation_script_path,
        acceptance_criteria=_known(new.acceptance_criteria, feature.parent_id),
        created_by=actor.summary,
    )
    record(case, EventType.TEST_CREATED, actor, item_id=feature.id, name=case.name, test_type=case.test_type)
    place = enter(cases_of(feature.id), last.result(), "case")
    case.counted_in = place.start
    write(create(case), require_writable(feature.board_id), *place.operations)
    return case


def set_criteria(actor: Actor, case_id: str, criteria: Sequence[str]) -> TestCase:
    """Say which acceptance criteria of its requirement a test case proves, in place of those before. Three round trips.

    Raises NotFound, Forbidden, Invalid for unknown criteria, Conflict (archived project).
    """

    def change(case: TestCase) -> list[Operation]:
        known = _known(criteria, case.requirement_id)
        if known == (case.acceptance_criteria or []):
            return []
        case.acceptance_criteria = known
        record(case, EventType.TEST_UPDATED, actor, item_id=case.item_id, name=case.name)
        return [require_writable(case.board_id)]

    return update_with_retry(lambda: load(TestCase, case_id, actor, Permission.TEST_WRITE), change)


def list_cases(actor: Actor, feature_id: str, *, limit: int, offset: int = 0) -> tuple[list[TestCase], int]:
    """Return a page of a feature's test cases, oldest first, and how many there are. Two round trips; three past the head of a long list.

    Raises NotFound("feature"), Forbidden.
    """
    rows = CountedRows(cases_of(bare_id(feature_id)), offset + limit)
    load_type(actor, feature_id, FEATURE, Permission.TEST_READ)
    page = rows.page(offset, limit, lambda _: True)
    return fetch_all(TestCase, [row.id for row in page.rows()], to_show=True), page.total


def get_history(actor: Actor, case_id: str, *, limit: int, offset: int = 0) -> History:
    """Return a test case with a page of its results. Two round trips; three past the head of a long list. Raises NotFound, Forbidden."""
    rows = CountedRows(results_of(bare_id(case_id)), offset + limit, newest_first=True)
    case = load(TestCase, case_id, actor, Permission.TEST_READ)
    page = rows.page(offset, limit, lambda _: True)
    return History(case, fetch_all(TestResultHead, [row.id for row in page.rows()], to_show=True), page.total)


def _known(criteria: Sequence[str], requirement_id: str | None) -> list[str]:
    """Return the criteria, each once, if the requirement has them all. Raises Invalid. One round trip, unless there are none."""
    if not criteria:
        return []
    above = fetch(Item, requirement_id) if requirement_id else None
    if above is None or above.deleted_at or above.type != REQUIREMENT:
        raise Invalid(FieldError("acceptance_criteria", "The feature has no requirement whose criteria could be named"))
    there = {text.strip() for _, text in above.criteria}
    if unknown := [number for number, one in enumerate(criteria) if one not in there]:
        words = "The requirement has no acceptance criterion with this text"
        raise Invalid(*(FieldError(f"acceptance_criteria.{number}", words, criteria[number]) for number in unknown))
    return list(dict.fromkeys(criteria))


def _numbered(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return steps with their numbers. Raises Invalid where a number is not the step's place, and for steps that are too long."""
    wrong = [
        FieldError(f"steps.{place - 1}.step_number", f"Steps are numbered without gaps: this one is {place}", step["step_number"])
        for place, step in enumerate(steps, 1)
        if step.get("step_number") not in (None, place)
    ]
    if wrong:
        raise Invalid(*wrong)
    numbered = [dict(step, step_number=place) for place, step in enumerate(steps, 1)]
    if len(json.dumps(numbered, ensure_ascii=False).encode()) > MAX_STEPS:
        raise Invalid(FieldError("steps", f"These take at most {MAX_STEPS:,} bytes as JSON; make several test cases of them"))
    return numbered
