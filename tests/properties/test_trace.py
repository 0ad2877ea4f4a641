"""Whatever is done with cards, test cases, builds and deployments, the chains of a project are what its rows say, also if somebody dies."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.core import clock
from shared.core.errors import CadreError
from shared.core.ids import new_id
from shared.core.settings import settings as platform
from shared.delivery.builds.recording import NewBuild, record_build
from shared.delivery.builds.rows import Build
from shared.delivery.deployments.deploying import NewDeployment, request_deployment
from shared.delivery.deployments.rows import Deployment
from shared.delivery.tracing.chains import trace_requirement
from shared.delivery.tracing.coverage import list_coverage
from shared.store import Entity, collection
from shared.store.client import dynamodb
from shared.store.rows import COLD_KEY
from shared.work.items import archiving, deleting, moving, planning, tracing, updating
from shared.work.items.creating import NewItem, create_item
from shared.work.items.rows import Item
from shared.work.projects.creating import NewProject, create_project
from shared.work.testing import cases, results
from shared.work.testing import rows as testing_rows
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.areas.deploying import configure
from tests.examples import examples
from tests.kills import Killed, crash_at_write
from tests.samples.planning import FEATURE, TEST

CRITERIA = ("It flies", " It flies ", "It flies\u00a0", "I\u0301t flies", "\u00cdt flies", "\U0001f680", "x" * 500)
TYPES = ("epic", "feature", "task", "feature")
STATUSES = ("passed", "failed", "skipped", "error")
STEPS = st.tuples(
    st.integers(0, 9),
    st.sampled_from(
        [
            *("card", "requirement", "feature", "case", "result", "criteria", "name", "build", "deploy"),
            *("type", "type", "move", "done", "archive", "restore", "delete", "title"),
        ]
    ),
    st.integers(0, 9),
)


@pytest.fixture(scope="module")
def shared_world(shared_tables: None) -> World:
    world = create_world("traced@example.com")
    put_on_plan(world.ws_id, maxProjects=100_000)
    return world


class Project:
    """A project of its own, and what was made in it so far."""

    def __init__(self, world: World) -> None:
        self.actor, self.made = world.actor, {kind: list[str]() for kind in ("card", "case", "build")}
        made = create_project(world.actor, world.ws_id, NewProject("Traced", slug=f"traced-{new_id()}"))
        self.id, self.board = made.id, str(made.board_id)
        world.project = made
        configure(world)

    def do(self, number: int, what: str, value: int) -> None:
        """One step; what is refused changes nothing."""
        with suppress(CadreError):
            getattr(self, f"do_{what}")(number, value)

    def one(self, kind: str, number: int) -> str:
        made = self.made[kind]
        return made[number % len(made)] if made else new_id()

    def do_card(self, number: int, value: int) -> None:
        above = self.one("card", number) if value > 3 and self.made["card"] else None
        new = NewItem("A card", TYPES[value % 4], phase_id="PHASE_BACKLOG", parent_id=above)
        self.made["card"].append(create_item(self.actor, self.board, new, force=True).id)

    def do_requirement(self, _: int, value: int) -> None:
        new = planning.NewRequirement("A requirement", "Words", CRITERIA[: value % 8])
        self.made["card"].append(planning.create_requirement(self.actor, self.board, new).id)

    def do_feature(self, number: int, _: int) -> None:
        made = planning.create_feature(self.actor, self.one("card", number), planning.NewFeature(**FEATURE))
        self.made["card"].append(made.id)

    def do_case(self, number: int, value: int) -> None:
        new = cases.NewTestCase(**TEST, acceptance_criteria=[CRITERIA[value % 7].strip()] if value else [])
        self.made["case"].append(cases.create_case(self.actor, self.one("card", number), new).id)

    def do_result(self, number: int, value: int) -> None:
        results.record_result(self.actor, self.one("case", number), results.NewResult(STATUSES[value % 4]))

    def do_criteria(self, number: int, value: int) -> None:
        updating.update_item(self.actor, self.one("card", number), {"acceptance_criteria": list(CRITERIA[value % 7 :])})

    def do_name(self, number: int, value: int) -> None:
        cases.set_criteria(self.actor, self.one("case", number), [one.strip() for one in CRITERIA[: value % 4]])

    def do_build(self, number: int, value: int) -> None:
        new = NewBuild(f"1.{value}.0", "abc123def456", "main")
        self.made["build"].append(record_build(self.actor, self.one("card", number), new).id)

    def do_deploy(self, number: int, _: int) -> None:
        request_deployment(self.actor, self.one("build", number), NewDeployment("staging"))

    def do_type(self, number: int, value: int) -> None:
        updating.update_item(self.actor, self.one("card", number), {"type": TYPES[value % 4]})

    def do_move(self, number: int, value: int) -> None:
        moving.move_to_column(self.actor, self.one("card", number), ("building", "testing")[value % 2], force=True)

    def do_done(self, number: int, _: int) -> None:
        updating.update_item(self.actor, self.one("card", number), {"status": "done"})

    def do_archive(self, number: int, _: int) -> None:
        if self.made["card"]:
            archiving._archive_item(self.one("card", number), clock.in_seconds(60))

    def do_restore(self, number: int, _: int) -> None:
        archiving.restore_item(self.actor, self.one("card", number))

    def do_delete(self, number: int, value: int) -> None:
        if value > 4:
            deleting.delete_item(self.actor, self.one("card", number))

    def do_title(self, number: int, value: int) -> None:
        updating.update_item(self.actor, self.one("card", number), {"title": f"Card {value}"})


def rows_of(project_id: str) -> Iterator[Any]:
    """The rows of a project that may be links."""
    models: dict[str, type[Entity]] = {model.KIND: model for model in (Item, testing_rows.TestCase, Build, Deployment)}
    found: dict[str, dict[str, Any]] = {}
    for page in dynamodb().get_paginator("scan").paginate(TableName=platform().core_table):
        for raw in page["Items"]:
            if raw["SK"]["S"] in ("META", COLD_KEY):
                found.setdefault(raw["PK"]["S"], {})[raw["SK"]["S"]] = raw
    for rows in found.values():
        raw = rows.get("META", {})
        model = models.get(raw.get("kind", {}).get("S", ""))
        if model is not None and raw.get("proj_id", {}).get("S") == project_id:
            yield model.join(raw, rows.get(COLD_KEY) if model.COLD else None)


def check(project: Project) -> None:
    """The partition has each link once, behind its requirement, with what it says; and criteria are proven by what its rows say."""
    rows = list(rows_of(project.id))
    cards = {row.id: row for row in rows if isinstance(row, Item)}
    expected = {}
    for row in rows:
        if isinstance(row, Item):
            if row.deleted_at or row.type not in ("epic", "feature"):
                continue
            anchor, link = (row.id, "0") if row.type == "epic" else (row.parent_id or row.id, "1")
        else:
            anchor = cards[row.item_id].parent_id or row.item_id
            link = {"TC": "2", "DPL": "3", "BLD": "4"}[row.KIND]
        expected[row.id] = (anchor, link)
    listed = collection(tracing.INDEX, tracing.partition_of(project.id))
    assert {row.id: tuple(row.sort.split("#")[:2]) for row in listed} == expected
    assert len(listed) == len(expected)
    coverage = {one.requirement.id: one for one in list_coverage(project.actor, project.id, limit=100)[0]}
    assert set(coverage) == {one.id for one in cards.values() if one.type == "epic" and not one.deleted_at}
    for one in coverage.values():
        living = {
            card.id
            for card in cards.values()
            if card.parent_id == one.requirement.id and card.type == "feature" and not card.deleted_at
        }
        tests = [
            row
            for row in rows
            if isinstance(row, testing_rows.TestCase) and row.item_id in living and row.last_status == "passed"
        ]
        named = {text for test in tests for text in test.acceptance_criteria or []}
        proven = [text.strip() in named for _, text in cards[one.requirement.id].criteria]
        assert [each.proven for each in one.criteria] == proven
        assert one.state == ("unproven" if not any(proven) else "proven" if all(proven) else "partial")
        assert [each.proven for each in trace_requirement(project.actor, one.requirement.id).criteria] == proven


@settings(max_examples=examples(8), deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=10, max_size=30), dies_at=st.none() | st.integers(1, 60))
def test_the_chains_of_a_project_are_what_its_rows_say(shared_world, steps, dies_at):
    project = Project(shared_world)
    project.do(0, "requirement", 7)
    project.do(0, "feature", 0)
    with suppress(Killed), crash_at_write(dies_at):
        for step in steps:
            project.do(*step)
    check(project)
    for step in steps:
        project.do(*step)
    check(project)
