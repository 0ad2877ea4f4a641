"""Reading trace chains: from a requirement to what was deployed of it, and from a deployment back to its requirement."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.delivery.builds.rows import Build
from shared.delivery.deployments.rows import Deployment
from shared.store import IndexRow, authorize, first_index_rows, get_many, load, read_ahead
from shared.work.items import tracing
from shared.work.items.planning import FEATURE, REQUIREMENT, load_type
from shared.work.items.rows import Item
from shared.work.testing.rows import TestCase

MAX_LINKS: Final = 2_000
"""Links of a chain that are read: one query of 600 KB or so."""
_ALL: Final = (Permission.CARD_READ, Permission.TEST_READ, Permission.DEPLOYMENT_READ)


@dataclass(frozen=True)
class Criterion:
    """An acceptance criterion with the tests that name it. `story` is the title of its user story."""

    text: str
    story: str | None
    tests: list[IndexRow]

    @property
    def proven(self) -> bool:
        return any(has_passed(test) for test in self.tests)


@dataclass(frozen=True)
class Chain:
    """A chain, without what belongs to deleted features. `requirement` is None where a feature has none, or none any more."""

    requirement: Item | None
    criteria: list[Criterion]
    features: list[IndexRow]
    tests: list[IndexRow]
    builds: list[IndexRow]
    deployments: list[IndexRow]
    complete: bool
    """False if the chain has more than MAX_LINKS: the oldest builds are missing first."""


def trace_requirement(actor: Actor, requirement_id: str) -> Chain:
    """Return the chain of a requirement. Two round trips: the requirement names the project, and one query has the chain.

    Raises NotFound("requirement"), Forbidden.
    """
    requirement = load_type(actor, requirement_id, REQUIREMENT, Permission.CARD_READ)
    _authorize(requirement, actor)
    between = tracing.links_between(requirement.id, tracing.FEATURE, tracing.BUILD)
    rows, more = _read(requirement.proj_id, between)
    return _chain(requirement, rows, complete=not more)


def trace_deployment(actor: Actor, deployment_id: str) -> Chain:
    """Return the chain of a deployment back to its requirement, whose criteria have all their tests; the features, tests and builds are
    only those of the deployment.

    Two round trips: the deployment names everything, then one query beside a batch. Raises NotFound, Forbidden.
    """
    deployment = _authorize(load(Deployment, deployment_id, actor), actor)
    anchor = deployment.requirement_id or deployment.item_id
    between = tracing.links_between(anchor, tracing.FEATURE, tracing.TEST)
    read = read_ahead(lambda: _read(deployment.proj_id, between))
    rows: list[Any] = get_many([(Item, *Item.key(anchor)), (Build, *Build.key(deployment.build_id))])
    above, build = rows
    is_requirement = above is not None and above.type == REQUIREMENT and not above.deleted_at
    links, more = read.result()
    own = [IndexRow(row.id, row.kind, "", row.listed()) for row in (build, deployment) if row is not None]
    whole = _chain(above if is_requirement else None, links, complete=not more)
    return replace(
        whole,
        features=[row for row in whole.features if row.id == deployment.item_id],
        tests=[row for row in whole.tests if row.f["feature"] == deployment.item_id],
        builds=[row for row in own if row.kind == Build.KIND],
        deployments=[row for row in own if row.kind == Deployment.KIND],
    )


def criteria_of(criteria: Sequence[tuple[str | None, str]], tests: Iterable[IndexRow]) -> list[Criterion]:
    """Return acceptance criteria, each with the tests that name it."""
    naming: dict[str, list[IndexRow]] = {}
    for test in tests:
        for mark in test.f["proves"]:
            naming.setdefault(mark, []).append(test)
    marks = tracing.marks_of(text for _, text in criteria)
    return [Criterion(text, story, naming.get(mark, [])) for (story, text), mark in zip(criteria, marks, strict=True)]


def has_passed(test: IndexRow) -> bool:
    """Tell whether the last result of a test passed."""
    return bool(test.f.get("last") == "passed")


def living(rows: Iterable[IndexRow]) -> list[IndexRow]:
    """Return the rows of chains without what belongs to features that are deleted, or no features any more."""
    rows = list(rows)
    cards = [row for row in rows if row.kind == Item.KIND]
    features = {row.id for row in cards if row.f["type"] == FEATURE}
    return [*cards, *(row for row in rows if row.f.get("feature") in features)]


def _chain(requirement: Item | None, rows: Iterable[IndexRow], *, complete: bool) -> Chain:
    kinds: dict[str, list[IndexRow]] = {}
    for row in living(rows):
        kinds.setdefault(row.kind, []).append(row)
    tests = kinds.get(TestCase.KIND, [])
    return Chain(
        requirement,
        criteria_of(requirement.criteria, tests) if requirement is not None else [],
        kinds.get(Item.KIND, []),
        tests,
        kinds.get(Build.KIND, []),
        kinds.get(Deployment.KIND, []),
        complete,
    )


def _read(project_id: str | None, between: tuple[str, str]) -> tuple[list[IndexRow], bool]:
    return first_index_rows(tracing.INDEX, tracing.partition_of(project_id), MAX_LINKS, between=between)


def _authorize(entity: Any, actor: Actor) -> Any:
    """Return the entity to who may read every kind of link: a chain with holes would say that nothing is there. Raises Forbidden."""
    for permission in _ALL:
        authorize(entity, actor, permission)
    return entity
