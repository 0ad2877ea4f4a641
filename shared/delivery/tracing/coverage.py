"""What the tests of a project prove: its requirements with their acceptance criteria, proven or not."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.core.ids import bare_id
from shared.delivery.tracing.chains import Criterion, criteria_of, has_passed, living
from shared.store import IndexRow, authorize, begin_index_rows, fetch_all, page_of
from shared.work.items import tracing
from shared.work.items.planning import REQUIREMENT
from shared.work.items.rows import Item
from shared.work.projects.reading import get_project
from shared.work.testing.rows import TestCase

MAX_LINKS: Final = 20_000
"""Links of a project that a report reads: seven queries of a megabyte. It is no report of a screen, and no total is kept for it."""
State = Literal["proven", "partial", "unproven"]


@dataclass(frozen=True)
class Coverage:
    """A requirement and what its tests prove: all of its criteria, some, or nothing."""

    requirement: Item
    criteria: list[Criterion]
    state: State


def list_coverage(
    actor: Actor, project_id: str, state: State | None = None, *, limit: int, offset: int = 0
) -> tuple[list[Coverage], int]:
    """Return a page of a project's requirements, oldest first, and how many there are; with `state` only those in it.

    Two round trips: the project, beside it one query for each megabyte of links, then the requirements of the page. Raises
    NotFound("project"), Forbidden, and Invalid for a project with more than MAX_LINKS links.
    """
    links = begin_index_rows(tracing.INDEX, tracing.partition_of(bare_id(project_id)))
    project = get_project(actor, project_id, Permission.TEST_READ).project
    authorize(project, actor, Permission.CARD_READ)
    page, total = page_of((one for one in _read(links) if state in (None, one.state)), offset, limit)
    found = {one.id: one for one in fetch_all(Item, [one.requirement_id for one in page], to_show=True)}
    shown = ((found[one.requirement_id], one) for one in page if one.requirement_id in found)
    return [Coverage(item, criteria_of(item.criteria, one.tests), one.state) for item, one in shown], total


@dataclass(frozen=True)
class _Requirement:
    requirement_id: str
    tests: list[IndexRow]
    state: State


def _read(links: Iterator[IndexRow]) -> Iterator[_Requirement]:
    """Yield the requirements among the links of a project, which stand behind their requirements."""
    for _, rows in groupby(_at_most(links), lambda row: row.sort.partition("#")[0]):
        first, *others = rows
        if first.kind == Item.KIND and first.f["type"] == REQUIREMENT:
            tests = [row for row in living(others) if row.kind == TestCase.KIND]
            yield _Requirement(first.id, tests, _state(first.f.get("criteria") or [], tests))


def _at_most(links: Iterable[IndexRow]) -> Iterator[IndexRow]:
    for number, row in enumerate(links):
        if number >= MAX_LINKS:
            raise Invalid(
                FieldError("project_id", f"This project has more than {MAX_LINKS:,} features, tests, builds and deployments")
            )
        yield row


def _state(marks: list[str], tests: list[IndexRow]) -> State:
    passed = {mark for test in tests if has_passed(test) for mark in test.f["proves"]}
    proven = sum(mark in passed for mark in marks)
    return "unproven" if not proven else "proven" if proven == len(marks) else "partial"
